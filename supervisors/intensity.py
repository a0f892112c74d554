"""How many restarts are too many: a sliding window over the supervisor's events."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .spec import Intensity

__all__ = ["RestartWindow"]

GAP = 0.001
"""Seconds behind the end of a window at which an event is surely out of it."""


class RestartWindow:
    """The events of the last `within` seconds. An event counts while its age is at most `within`, as in OTP.

    Only time clears it, and the supervisor's own end: a new limit judges the old events too.
    """

    __slots__ = ("_events", "limit")

    def __init__(self, limit: Intensity) -> None:
        self.limit = limit
        self._events: deque[float] = deque()

    def __len__(self) -> int:
        """The number of events that are remembered."""
        return len(self._events)

    def passes_limit(self, now: float) -> bool:
        """Counts one more event at `now` (monotonic seconds); returns whether it is one too many."""
        self._events.append(now)
        while now - self._events[0] > self.limit.within:
            self._events.popleft()
        return len(self._events) > self.limit.restarts

    def room_in(self, now: float, coming: int = 0) -> float:
        """Returns after how many seconds one more event is within the limit, behind `coming` ones; may be never."""
        if self.limit.restarts == 0:
            return math.inf
        counted = [at for at in self._events if now - at <= self.limit.within] + [now] * coming
        too_many = len(counted) + 1 - self.limit.restarts
        if too_many <= 0:
            return 0.0
        return counted[too_many - 1] + self.limit.within - now + GAP
