"""Time, as the runtime sees it. No other file asks the operating system for it."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Clock", "LoopClock", "TimerHandle"]


class TimerHandle(Protocol):
    """What `Clock.call_later` returns: a call that has not been made yet."""

    def cancel(self) -> None:
        """Takes the call back. Does nothing if it was made, or taken back, before."""


class Clock(Protocol):
    """The three things that the runtime wants of time. All are in seconds."""

    def monotonic(self) -> float:
        """Returns a time that never goes back: for delays, deadlines and windows."""

    def time(self) -> float:
        """Returns the wall-clock time since the epoch: for people, never for decisions."""

    def call_later(self, delay: float, callback: Callable[..., object], *args: Any) -> TimerHandle:
        """Calls `callback(*args)` on the event loop after `delay` seconds."""

    async def sleep(self, delay: float) -> None:
        """Waits for `delay` seconds."""


class LoopClock:
    """The clock of an asyncio event loop: whoever moves the loop's time moves this one.

    The wall clock is read once and then follows the monotonic one, so that it never jumps within one run; unless
    somebody makes it do so, to see what comes of it: `shown`. A loop with a wall clock of its own (`wall()`), as a
    simulated one has it, is asked for that.
    """

    __slots__ = ("_right", "call_later", "monotonic", "shown")

    def __init__(self, loop: asyncio.AbstractEventLoop, epoch: float | None = None) -> None:
        self.monotonic = loop.time
        self.call_later = loop.call_later
        own = getattr(loop, "wall", None) if epoch is None else None
        self._right: Callable[[], float] = own or _follower(self.monotonic, time.time() if epoch is None else epoch)
        self.shown: Callable[[float], float] | None = None
        """Makes of the right wall-clock time the one that is told; None, the default, means the right one."""

    def time(self) -> float:
        """Returns the wall-clock time in seconds since the epoch."""
        right = self._right()
        return right if self.shown is None else self.shown(right)

    async def sleep(self, delay: float) -> None:
        """Waits for `delay` seconds of the loop's time."""
        await asyncio.sleep(delay)


def _follower(monotonic: Callable[[], float], now: float) -> Callable[[], float]:
    """Returns a wall clock that shows `now`, and goes on with the monotonic one."""
    begun = now - monotonic()
    return lambda: begun + monotonic()
