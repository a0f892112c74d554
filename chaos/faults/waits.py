"""Everything that hangs or dawdles because of a fault: it can be let go, all of it at once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...runtime.system import ActorSystem

__all__ = ["Waits"]


class Waits:
    """Waits on event loops and in threads, until their time is over or they are let go. From any thread.

    What waits on a loop ends with a cancellation, unless it is deaf. In a thread nothing can be cancelled.
    """

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._over = threading.Event()
        self._waiting: dict[asyncio.Future[None], asyncio.AbstractEventLoop] = {}

    def __len__(self) -> int:
        """How many wait on a loop at present."""
        return len(self._waiting)

    def let_go(self) -> None:
        """Ends all waits, and those that would begin later."""
        self._over.set()
        for waiter, loop in list(self._waiting.items()):
            with contextlib.suppress(RuntimeError):  # the loop of a thread that has ended
                loop.call_soon_threadsafe(_wake, waiter)

    async def wait(self, seconds: float | None = None, *, deaf: bool = False) -> None:
        """Waits for that time, or without end, in the caller's task, on any loop.

        Who is deaf takes a cancellation only when the wait is over. One whose incarnation was given up meanwhile is
        cancelled then, too: nothing that it does is for anybody.
        """
        loop = asyncio.get_running_loop()
        until = None if seconds is None else loop.time() + seconds
        cancelled: asyncio.CancelledError | None = None
        while not self._over.is_set() and (until is None or loop.time() < until):
            try:
                await self._wait(loop, until)
            except asyncio.CancelledError as error:
                if not deaf:
                    raise
                cancelled = error
        if cancelled is not None:
            raise cancelled
        if self._system.silenced():
            raise asyncio.CancelledError

    def block(self, seconds: float) -> None:
        """Holds the calling thread for that time, whatever runs in it."""
        self._over.wait(seconds)

    async def _wait(self, loop: asyncio.AbstractEventLoop, until: float | None) -> None:
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiting[waiter] = loop
        timer: Any = None if until is None else loop.call_at(until, _wake, waiter)
        try:
            if not self._over.is_set():  # let go before anybody knew of this one
                await waiter
        finally:
            del self._waiting[waiter]
            if timer is not None:
                timer.cancel()


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
