"""One call into an actor's own code: made where its dispatcher says, awaited, or cut off."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .dispatch import Life, Worker, guarded, stack_of
from .telemetry import ActorAbandoned

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .cell import Cell
    from .clock import TimerHandle

__all__ = ["Call", "CutOff", "awaited", "in_thread"]


class CutOff(Exception):
    """The incarnation was killed while one of its calls was under way."""


class Call:
    """A call under way. Its value or its error goes to `resume`; if it is cut off, nothing of it does."""

    __slots__ = ("_cell", "_coroutine", "_pending", "_timer", "resume")

    def __init__(self, cell: Cell, pending: asyncio.Future[Any], coroutine: Any = None) -> None:
        self.resume: Callable[[Any, BaseException | None], None]
        self._cell = cell
        self._pending = pending
        self._coroutine = coroutine
        self._timer: TimerHandle | None = None
        pending.add_done_callback(self._arrived, context=cell.system.context.copy())

    def cut_off(self) -> None:
        """Cancels it, cancels it again, and abandons it in the end. In a thread it can only be abandoned."""
        if self._cell.worker is not None:
            self._abandon()
        else:
            self._cancel(self._cancel_again)

    def _cancel_again(self) -> None:
        self._cancel(self._abandon)

    def _cancel(self, next_step: Callable[[], None]) -> None:
        system = self._cell.system
        self._pending.cancel()
        self._timer = system.clock.call_later(system.kill_grace, next_step)

    def _abandon(self) -> None:
        """Lets it run on, cut off from everybody."""
        cell, life = self._cell, self._cell.life
        if life is not None:
            cell.system.abandon(life, self._pending)
        stack = stack_of(self._pending, cell.worker)
        cell.system.telemetry.emit(ActorAbandoned, cell.path, cell.incarnation, stack)
        self._end(None, CutOff())

    def _arrived(self, pending: asyncio.Future[Any]) -> None:
        if self._cell.call is not self:  # it was abandoned
            return
        if pending.cancelled():  # before its first step
            self._coroutine.close()
            self._end(None, asyncio.CancelledError())
        elif (interrupt := pending.exception()) is not None:
            self._end(None, interrupt)
        else:
            self._end(*pending.result())

    def _end(self, value: Any, error: BaseException | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._cell.call = None
        self.resume(value, error)


def in_thread(cell: Cell, func: Callable[..., Any], args: tuple[Any, ...]) -> Call:
    """Has the incarnation's thread make a call."""
    worker: Worker = cell.worker  # type: ignore[assignment]  # there is one where the dispatcher is `thread`
    return Call(cell, worker.call(func, args))


def awaited(cell: Cell, coroutine: Coroutine[Any, Any, Any]) -> Call:
    """Awaits what an `async def` handler or hook returned, in a task of its own."""
    if cell.life is None:
        cell.life = Life(cell)
    context = cell.life.context.copy()
    task = cell.loop.create_task(guarded(coroutine), name=cell.path, context=context)
    return Call(cell, task, coroutine)
