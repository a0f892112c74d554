"""When a handler has to end: at its task's deadline, or as soon as nobody waits for the reply any more."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Self

from ..runtime.reply import runs_here
from ..supervisors.work.attempt import Attempt

if TYPE_CHECKING:
    from ..runtime.clock import TimerHandle
    from ..runtime.reply import Reply
    from ..runtime.system import ActorSystem
    from ..runtime.task import Task

__all__ = ["Limit"]


class Limit:
    """A block that is cancelled then, and left by its end, without an error. In the handler's own asyncio task.

    It is what `asyncio.timeout` is, for a quarter of the price: most handlers end before. On the runtime's loop only;
    elsewhere it does nothing. A try that a supervisor guards ends in time by itself.
    """

    __slots__ = ("_cancelling", "_handler", "_reached", "_reply", "_system", "_task", "_timer")

    def __init__(self, system: ActorSystem, task: Task, reply: Reply | None) -> None:
        self._system = system
        self._task = task
        self._reply = reply
        self._handler: asyncio.Task[Any] | None = None
        self._timer: TimerHandle | None = None
        self._reached = False

    def __enter__(self) -> Self:
        if runs_here(self._system.loop):
            self._begin()
        return self

    def _begin(self) -> None:
        self._handler = handler = asyncio.current_task()
        self._cancelling = 0 if handler is None else handler.cancelling()
        if self._reply is not None:
            self._reply.add_done_callback(self._end)
        if self._task.deadline is not None and not isinstance(self._reply, Attempt):
            clock = self._system.clock
            self._timer = clock.call_later(max(0.0, self._task.deadline - clock.monotonic()), self._end)

    def _end(self, _: object = None) -> None:
        if self._handler is not None and not self._reached:
            self._reached = True
            self._handler.cancel()

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        handler, self._handler = self._handler, None
        if self._timer is not None:
            self._timer.cancel()
        if self._reply is not None and handler is not None:
            self._reply.remove_done_callback(self._end)
        if not self._reached or handler is None:
            return False
        others = handler.uncancel() > self._cancelling  # it is cancelled for another reason as well
        return kind is asyncio.CancelledError and not others
