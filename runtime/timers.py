"""Messages that an actor sends to itself later. They die with the incarnation that set them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .faults import TIMER, Visit
from .signals import ReceiveTimeout

if TYPE_CHECKING:
    from .cell import Cell
    from .clock import TimerHandle

__all__ = ["IdleTimer", "Timer"]


class Timer:
    """One message, once after `delay` seconds, or again each `interval` seconds. On the runtime's loop.

    A periodic timer keeps to its schedule: it does not drift with the time that handlers take, and ticks
    that would come in a heap after a pause are left out.
    """

    __slots__ = ("_cell", "_handle", "_interval", "_message", "_when")

    def __init__(self, cell: Cell, delay: float, message: Any, interval: float | None = None) -> None:
        if not delay >= 0 or (interval is not None and not interval > 0):
            least = "0 or more" if interval is None else "more than 0"
            raise ValueError(f"timer of {delay!r} s: expected {least}")
        self._cell = cell
        self._message = message
        self._interval = interval
        self._when = cell.system.clock.monotonic() + delay
        self._handle: TimerHandle | None = cell.system.clock.call_later(delay, self._fire)
        cell.own(self)

    @property
    def active(self) -> bool:
        """Whether the timer still has a message to send."""
        return self._handle is not None

    def cancel(self) -> None:
        """Ends the timer, from any thread; nothing happens if it has fired or ended before."""
        self._cell.system.call(self._cancel)

    def _cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._end()

    def _end(self) -> None:
        self._handle = None
        self._cell.disown(self)

    def _fire(self) -> None:
        if self._interval is None:
            self._end()
        else:
            now = self._cell.system.clock.monotonic()
            missed = max(0, int((now - self._when) / self._interval))
            self._when += (missed + 1) * self._interval
            self._handle = self._cell.system.clock.call_later(max(0.0, self._when - now), self._fire)
        faults = self._cell.system.faults
        if faults is None:
            self._cell.post(self._message)
        else:
            visit = Visit(TIMER, self._cell.path, self._cell.incarnation, self._message)
            faults.send(visit, self._cell.post, self._message)


class IdleTimer:
    """Sends `ReceiveTimeout` each time that no message has come for `seconds`. On the runtime's loop."""

    __slots__ = ("_cell", "_handle", "_seconds", "_since")

    def __init__(self, cell: Cell, seconds: float) -> None:
        if not seconds > 0:
            raise ValueError(f"receive timeout is {seconds!r} s: expected more than 0, or None")
        self._cell = cell
        self._seconds = seconds
        self._since = cell.system.clock.monotonic()
        self._handle = cell.system.clock.call_later(seconds, self._look)

    def touch(self) -> None:
        """Notes that a message was handled. Costs no timer: the one that is set looks when it is due."""
        self._since = self._cell.system.clock.monotonic()

    def cancel(self) -> None:
        """Ends it."""
        self._handle.cancel()

    def _look(self) -> None:
        clock = self._cell.system.clock
        left = self._since + self._seconds - clock.monotonic()
        if left <= 0:
            left = self._seconds
            self.touch()
            if self._cell.idle:
                self._cell.signal(ReceiveTimeout(self._seconds))
        self._handle = clock.call_later(left, self._look)
