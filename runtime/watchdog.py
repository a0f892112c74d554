"""Notices a handler that holds the event loop, and names it with its stack.

A thread asks the loop for a sign of life and waits for it in real time: it is the loop's own time that may
stand still. A loop that is not in real time knows by itself how long it is held; then no thread is needed.
"""

from __future__ import annotations

import asyncio
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from .dispatch import CURRENT, Life, leave_signals_to_others
from .telemetry import LoopBlocked

if TYPE_CHECKING:
    import contextvars
    from collections.abc import Callable
    from types import FrameType

    from .system import ActorSystem

__all__ = ["Watch", "Watchdog", "WatchingLoop", "watch_over"]

_CALLBACK = asyncio.Handle._run.__code__  # noqa: SLF001 - the frame around everything that a loop runs


class Watch(Protocol):
    """What watches over a loop."""

    def close(self) -> None:
        """Ends it."""


@runtime_checkable
class WatchingLoop(Protocol):
    """A loop whose time is not the machine's, and which knows how long it is held."""

    def watch(self, limit: float, held: Callable[[float, FrameType | None], object]) -> Callable[[], None]:
        """Calls `held(seconds, frame)` each time that something has held the loop for `limit` seconds or more.

        `frame` is the innermost one of what held it. Returns the function that ends it.
        """


def watch_over(system: ActorSystem, limit: float) -> Watch:
    """Returns what reports `LoopBlocked` for a system: the loop's own watch if it keeps one, else a `Watchdog`."""
    if isinstance(system.loop, WatchingLoop):
        return _LoopsOwnWatch(system, system.loop, limit)
    return Watchdog(system, limit)


class _LoopsOwnWatch:
    """Passes on what the loop itself has seen. Observers are called on the loop, once it is free again."""

    def __init__(self, system: ActorSystem, loop: WatchingLoop, limit: float) -> None:
        def held(seconds: float, frame: FrameType | None) -> None:
            _report(system, seconds, frame)

        self.close = loop.watch(_checked(limit), held)


class Watchdog:
    """Reports `LoopBlocked` once for each time that the loop is held for longer than `limit` seconds.

    It looks every quarter of the limit, so a block is reported after 1 to 1.5 limits. The event names the
    actor whose handler runs; observers of it are called in the watchdog's own thread, since the loop cannot.
    """

    def __init__(self, system: ActorSystem, limit: float = 0.3) -> None:
        self._system = system
        self._limit = _checked(limit)
        self._closing = threading.Event()
        self._alive = threading.Event()
        self._loop_thread = threading.get_ident()
        name = f"treeward-watchdog-{system.name}"
        self._thread = threading.Thread(target=self._watch, name=name, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Ends the thread, and waits for its end."""
        self._closing.set()
        self._alive.set()
        self._thread.join()

    def _watch(self) -> None:
        leave_signals_to_others()
        while not self._closing.wait(self._limit / 4):
            self._alive.clear()
            if self._closing.is_set():  # `close` may have come in between: what it has set is cleared now
                return
            asked = time.monotonic()
            try:
                self._system.loop.call_soon_threadsafe(self._alive.set)
            except RuntimeError:  # the loop is closed: there is nothing left to watch
                return
            if not self._alive.wait(self._limit):
                self._report(time.monotonic() - asked)
                self._alive.wait()

    def _report(self, seconds: float) -> None:
        frames = sys._current_frames()  # noqa: SLF001 - the documented way to another thread's stack
        _report(self._system, seconds, frames.get(self._loop_thread))


def _checked(limit: float) -> float:
    if not limit > 0:
        raise ValueError(f"watchdog limit is {limit!r}: expected seconds, more than 0")
    return limit


def _report(system: ActorSystem, seconds: float, frame: FrameType | None) -> None:
    stack = "".join(traceback.format_stack(frame)) if frame is not None else ""
    path, incarnation = _culprit(system, frame)
    system.telemetry.emit(LoopBlocked, path, incarnation, seconds, stack)


def _culprit(system: ActorSystem, frame: FrameType | None) -> tuple[str, int]:
    """Returns whose code runs: a `def` handler's by the system, an `async def` one's by its context."""
    cell = system.running
    if cell is not None:
        return cell.path, cell.incarnation
    life = _life_in(frame)
    if life is not None:
        return (life.cell.path, life.incarnation) if life.cell.system is system else ("", 0)
    task = asyncio.current_task(system.loop)  # a loop that is not Python code shows no such frame
    cell = system.cells.get(task.get_name()) if task is not None else None
    return (cell.path, cell.incarnation) if cell is not None else ("", 0)


def _life_in(frame: FrameType | None) -> Life | None:
    """Returns the incarnation in whose context the loop's thread runs; also in tasks of the handler's own."""
    while frame is not None and frame.f_code is not _CALLBACK:
        frame = frame.f_back
    if frame is None:
        return None
    handle = frame.f_locals["self"]
    if handle is None:  # asyncio lets go of it when the callback is over
        return None
    context: contextvars.Context = handle._context  # noqa: SLF001 - see _CALLBACK
    return context.get(CURRENT)
