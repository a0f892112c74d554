"""Messages that reached nobody: kept, counted, given again or thrown away; logged without flooding the log.

| reason | what happened |
|---|---|
| `stopped` | its recipient takes no messages any more, or ended before it came to this one |
| `not handled` | its recipient has no `on_receive` |
| `mailbox full` | a bounded mailbox had no room for it |
| `sender abandoned` | whoever sent it had been killed, and ran on |
| `poison` | a task that has killed incarnation after incarnation; its evidence is with it |
| `failed`, `canceled` | a task that was told, not asked: nobody waits for its outcome |
| `failed again` | it was redriven, and failed once more; `error` says how |

Other words may be used beside these; they are counted likewise.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import ActorError, CannotRedrive, UnknownLetter, describe
from .signals import Signal
from .task import Outcome, Task
from .telemetry import Event

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .cell import Cell
    from .clock import Clock
    from .evidence import Evidence
    from .task import Status
    from .telemetry import Telemetry

__all__ = ["DeadLetter", "DeadLetters", "LettersPurged", "MessageLost", "MessageRedriven"]

KEPT = 1000
LOGGED_PER_WINDOW = 10
WINDOW = 60.0

FAILED: frozenset[Status] = frozenset({"failed", "canceled", "dead_letter"})
"""The outcomes after which a redriven task is a dead letter again."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that was not handled.

    Attributes:
        message: the message itself.
        recipient: the path of the actor that it was for.
        reason: why it was not handled; see the module.
        at: when it was given up, in wall-clock seconds.
        id: such as `dl-12`.
        error: what went wrong, in words, where more is known than the reason.
        evidence: what is known of a task that went wrong.
    """

    message: Any
    recipient: str
    reason: str
    at: float
    id: str = ""
    error: str = ""
    evidence: Evidence | None = None

    @property
    def kind(self) -> str:
        """`task`, or the name of the message's class."""
        return "task" if isinstance(self.message, Task) else type(self.message).__name__

    @property
    def task(self) -> str | None:
        """The id of the task that the message is; None if it is none."""
        return self.message.id if isinstance(self.message, Task) else None


@dataclass(frozen=True, slots=True)
class MessageLost(Event):
    """A message became a dead letter; `suppressed` ones before it were not reported, to spare the log."""

    name: ClassVar[str] = "message.lost"
    level: ClassVar[int] = logging.WARNING

    reason: str
    message_type: str
    suppressed: int
    letter: str = ""


@dataclass(frozen=True, slots=True)
class MessageRedriven(Event):
    """A dead letter was given to its recipient again."""

    name: ClassVar[str] = "message.redriven"

    letter: str
    reason: str
    message_type: str


@dataclass(frozen=True, slots=True)
class LettersPurged(Event):
    """So many dead letters were thrown away, those of one reason or of all. It has no path."""

    name: ClassVar[str] = "letters.purged"

    count: int
    reason: str | None


class DeadLetters:
    """The last 1,000 dead letters, and the count of all of them by reason. On the runtime's loop.

    Ten a minute are reported as events; the next report after that says how many were left out.

    Attributes:
        counts: how many there have been, by reason; those that are gone again count too.
        dropped: how many were not kept any longer, to make room for later ones.
        redriven, purged: how many were given again, and thrown away.
    """

    __slots__ = (
        "_cells",
        "_clock",
        "_last",
        "_letters",
        "_reported",
        "_suppressed",
        "_telemetry",
        "_window",
        "counts",
        "dropped",
        "purged",
        "redriven",
    )

    def __init__(self, clock: Clock, telemetry: Telemetry, cells: Mapping[str, Cell]) -> None:
        self._clock = clock
        self._telemetry = telemetry
        self._cells = cells
        self._letters: dict[str, DeadLetter] = {}
        self._last = 0
        self._window = float("-inf")
        self._reported = 0
        self._suppressed = 0
        self.counts: Counter[str] = Counter()
        self.dropped = 0
        self.redriven = 0
        self.purged = 0

    def __len__(self) -> int:
        """The number of all dead letters so far, those no longer kept included."""
        return self.counts.total()

    def __iter__(self) -> Iterator[DeadLetter]:
        """The letters that are kept, oldest first."""
        return iter(tuple(self._letters.values()))

    def add(self, message: Any, recipient: str, reason: str, evidence: Evidence | None = None, error: str = "") -> None:
        """Keeps and counts a message that nobody will handle."""
        self._last += 1
        letter = DeadLetter(message, recipient, reason, self._clock.time(), f"dl-{self._last}", error, evidence)
        self._letters[letter.id] = letter
        if len(self._letters) > KEPT:
            del self._letters[next(iter(self._letters))]
            self.dropped += 1
        self.counts[reason] += 1
        if self._may_report():
            kind, self._suppressed, suppressed = type(message).__name__, 0, self._suppressed
            self._telemetry.emit(MessageLost, recipient, 0, reason, kind, suppressed, letter.id)

    def _may_report(self) -> bool:
        now = self._clock.monotonic()
        if now - self._window > WINDOW:
            self._window, self._reported = now, 0
        self._reported += 1
        self._suppressed += self._reported > LOGGED_PER_WINDOW
        return self._reported <= LOGGED_PER_WINDOW

    # What is done with them. --------------------------------------------------------------------------

    def list(self, reason: str | None = None) -> tuple[DeadLetter, ...]:
        """Returns the letters that are kept, oldest first: all of them, or those of one reason."""
        return tuple(letter for letter in self if reason is None or letter.reason == reason)

    def show(self, letter: str) -> DeadLetter:
        """Returns one letter by its id. Raises `UnknownLetter`."""
        found = self._letters.get(letter)
        if found is None:
            gone = self._was_there(letter)
            near = () if gone else tuple(get_close_matches(letter, reversed(self._letters), n=1))
            raise UnknownLetter(letter, near, was_there=gone)
        return found

    def _was_there(self, letter: str) -> bool:
        word, _, digits = letter.partition("-")
        return word == "dl" and digits.isascii() and digits.isdecimal() and 0 < int(digits[:20]) <= self._last

    async def redrive(self, letter: str) -> Any:
        """Gives a letter's message to its recipient again, and returns the reply; of a task, its outcome.

        A task gets all its attempts again, without what was said of the last output and without a deadline; a
        quarantine that it is in is lifted. The letter is gone as soon as the message is on its way. If that
        fails once more, or whoever waits here is cancelled, the message becomes a new letter.

        Raises:
            UnknownLetter: there is no such letter.
            CannotRedrive: the recipient is gone, or the message is one of the runtime's own; the letter stays.
            ActorError: what became of it this time; so does what the recipient answers with.
        """
        found = self.show(letter)
        cell, message = self._recipient(found), fresh(found.message)
        del self._letters[found.id]
        self.redriven += 1
        before = self._last
        self._telemetry.emit(MessageRedriven, cell.path, 0, found.id, found.reason, type(message).__name__)
        if isinstance(message, Task) and cell.guard is not None:
            cell.guard.release(message.idempotency_key)
        try:
            answer = await cell.ref.ask(message, block=False)
        except (ActorError, asyncio.CancelledError) as error:
            self._failed_again(found, before, describe(error))
            raise
        if isinstance(answer, Outcome) and answer.status in FAILED:
            self._failed_again(found, before, answer.error or answer.status, answer.evidence)
        return answer

    def _recipient(self, letter: DeadLetter) -> Cell:
        if isinstance(letter.message, Signal):
            raise CannotRedrive(letter.id, f"{letter.kind} is a signal, which means nothing any more")
        cell = self._cells.get(letter.recipient)
        if cell is None or not cell.open:
            raise CannotRedrive(letter.id, f"{letter.recipient}, which it was for, is gone")
        return cell

    def _failed_again(self, letter: DeadLetter, before: int, error: str, evidence: Evidence | None = None) -> None:
        """Makes a new letter of one that was redriven in vain, unless somebody has made one already."""
        later = (one for one in self._letters.values() if _number(one.id) > before)
        if not any(_are_one(one.message, letter.message) for one in later):
            said = f"redriven as {letter.id}: {error}"
            self.add(letter.message, letter.recipient, "failed again", evidence or letter.evidence, said)

    async def redrive_all(self, reason: str | None = None) -> dict[str, Any]:
        """Redrives all letters that are kept, or those of one reason, at once; see `redrive`.

        Returns what became of each by its id: the reply, or the exception.
        """
        ids = [letter.id for letter in self.list(reason)]
        ended = await asyncio.gather(*map(self.redrive, ids), return_exceptions=True)
        return dict(zip(ids, ended, strict=True))

    def purge(self, letter: str | None = None, *, reason: str | None = None) -> int:
        """Throws letters away, and returns how many: one by its id, those of one reason, or else all.

        Raises:
            UnknownLetter: there is no letter of that id.
        """
        ids = [one.id for one in self.list(reason)] if letter is None else [self.show(letter).id]
        for id_ in ids:
            del self._letters[id_]
        self.purged += len(ids)
        if ids:
            self._telemetry.emit(LettersPurged, "", 0, len(ids), reason)
        return len(ids)


def fresh(message: Any) -> Any:
    """Returns a message as it is given again: a task with all its attempts, and without an end."""
    return replace(message, attempt=1, feedback=(), deadline=None) if isinstance(message, Task) else message


def _number(letter: str) -> int:
    return int(letter.removeprefix("dl-"))


def _are_one(first: Any, second: Any) -> bool:
    """Tells whether two messages are the same one: of a task, each attempt is another object."""
    if isinstance(first, Task) and isinstance(second, Task):
        return first.id == second.id
    return first is second
