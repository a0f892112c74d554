"""How many of something there were in the last seconds. Pure; time is an argument."""

from __future__ import annotations

from collections import deque

__all__ = ["Tally"]

FINE = 1000
"""Entries that are kept apart; beyond that, those within a thousandth of the window are one."""


class Tally:
    """Counts over a sliding window, exact to the last one; where there are very many, nearly so.

    Memory is bounded, at about 2,000 entries: from the thousandth on, those that come within a thousandth of
    the window have one time in common, that of the first.
    """

    __slots__ = ("_entries", "_total")

    def __init__(self) -> None:
        self._entries: deque[list[float]] = deque()
        self._total = 0

    def __bool__(self) -> bool:
        """Whether there is one that has not been forgotten."""
        return self._total > 0

    def add(self, now: float, within: float) -> None:
        """Counts one at this time."""
        self.count(now, within)
        if len(self._entries) >= FINE and now - self._entries[-1][0] <= within / FINE:
            self._entries[-1][1] += 1
        else:
            self._entries.append([now, 1])
        self._total += 1

    def count(self, now: float, within: float) -> int:
        """Returns how many are at most `within` seconds old; forgets the older ones."""
        while self._entries and now - self._entries[0][0] > within:
            self._total -= int(self._entries.popleft()[1])
        return self._total

    def clear(self) -> None:
        """Forgets all."""
        self._entries.clear()
        self._total = 0
