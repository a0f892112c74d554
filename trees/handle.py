"""A task that was submitted: what it is at, and how to end it before its end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ..runtime.reply import running_loop
from ..runtime.task import Outcome
from ..supervisors.work.accounts import accounts_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..runtime.system import ActorSystem
    from ..runtime.task import Task, TaskState
    from ..supervisors.work.delivery import Delivery

__all__ = ["TaskHandle"]


class TaskHandle:
    """One task in hand, as `Runtime.submit` returns it. From any thread.

    Attributes:
        id: the task's.
    """

    __slots__ = ("_outcome", "_system", "_why", "id")

    def __init__(self, system: ActorSystem, task: Task, work: asyncio.Future[Outcome]) -> None:
        self.id = task.id
        self._system = system
        self._outcome = work
        self._why = ""

    def outcome(self, timeout: float | None = None) -> Any:
        """Returns the `Outcome`: to be awaited on an event loop, blocking in a plain thread.

        Raises:
            TimeoutError: it has not come after `timeout` seconds. The task goes on.
        """
        here = running_loop()
        if here is self._system.loop:
            return self._soon(timeout)
        handed_over = asyncio.run_coroutine_threadsafe(self._soon(timeout), self._system.loop)
        return handed_over.result() if here is None else asyncio.wrap_future(handed_over)

    async def _soon(self, seconds: float | None) -> Outcome:
        async with asyncio.timeout(seconds):
            await asyncio.wait([self._outcome])
        return self._result()

    def _result(self) -> Outcome:
        if self._outcome.cancelled():  # before anybody had it
            return Outcome(self.id, "canceled", error=self._why)
        return self._outcome.result()

    @property
    def done(self) -> bool:
        """Whether the outcome is there."""
        return self._outcome.done()

    @property
    def state(self) -> TaskState:
        """Where the task is in its life; from any thread, at once."""
        return self._result().state if self.done else self._system.result_of(self._state)

    def cancel(self, why: str = "canceled by its owner") -> None:
        """Ends the task: its outcome is `canceled`, with what there is of an output. Nothing if it has ended."""
        self._system.call(self._cancel, why)

    def add_done_callback(self, callback: Callable[[Outcome], object]) -> None:
        """Calls `callback(outcome)` on the runtime's loop as soon as it is there."""
        self._system.call(self._outcome.add_done_callback, lambda _: callback(self._result()))

    def _state(self) -> TaskState:
        delivery = self._delivery()
        return "submitted" if delivery is None else delivery.view(self._system.clock.monotonic()).state

    def _cancel(self, why: str) -> None:
        delivery = self._delivery()
        if delivery is not None:
            delivery.cancel(why)
        else:
            self._why = why
            self._outcome.cancel()

    def _delivery(self) -> Delivery | None:
        """Returns who has the task in hand; None if nobody guards the actor, or it has not come there yet."""
        account = accounts_of(self._system).find(self.id)
        return None if account is None else account.first
