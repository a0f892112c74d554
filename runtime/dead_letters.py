"""Messages that reached nobody: kept, counted, observable, and logged without flooding the log."""

from __future__ import annotations

import logging
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from .telemetry import Event

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .clock import Clock
    from .telemetry import Telemetry

__all__ = ["DeadLetter", "DeadLetters", "MessageLost"]

KEPT = 1000
LOGGED_PER_WINDOW = 10
WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was not handled: for whom it was, why it was not, and when (wall-clock seconds)."""

    message: Any
    recipient: str
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class MessageLost(Event):
    """A message became a dead letter; `suppressed` ones before it were not reported, to spare the log."""

    name: ClassVar[str] = "message.lost"
    level: ClassVar[int] = logging.WARNING

    reason: str
    message_type: str
    suppressed: int


class DeadLetters:
    """The last 1,000 dead letters, and the count of all of them by reason.

    Ten a minute are reported as events; the next report after that says how many were left out.
    """

    __slots__ = ("_clock", "_letters", "_reported", "_suppressed", "_telemetry", "_window", "counts")

    def __init__(self, clock: Clock, telemetry: Telemetry) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._letters: deque[DeadLetter] = deque(maxlen=KEPT)
        self._window = float("-inf")
        self._reported = 0
        self._suppressed = 0
        self.counts: Counter[str] = Counter()

    def __len__(self) -> int:
        """The number of all dead letters so far, those no longer kept included."""
        return self.counts.total()

    def __iter__(self) -> Iterator[DeadLetter]:
        """The letters that are kept, oldest first."""
        return iter(tuple(self._letters))

    def add(self, message: Any, recipient: str, reason: str) -> None:
        """Keeps and counts a message that nobody will handle."""
        self._letters.append(DeadLetter(message, recipient, reason, self._clock.time()))
        self.counts[reason] += 1
        if self._may_report():
            kind, self._suppressed, suppressed = type(message).__name__, 0, self._suppressed
            self._telemetry.emit(MessageLost, recipient, 0, reason, kind, suppressed)

    def _may_report(self) -> bool:
        now = self._clock.monotonic()
        if now - self._window > WINDOW:
            self._window, self._reported = now, 0
        self._reported += 1
        self._suppressed += self._reported > LOGGED_PER_WINDOW
        return self._reported <= LOGGED_PER_WINDOW
