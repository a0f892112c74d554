"""I1, of messages: what has got into a mailbox is handled, answered for, or becomes a dead letter."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...runtime.dead_letters import LettersPurged, MessageRedriven
from ...runtime.faults import HANDLE, PUT
from ...runtime.telemetry import ActorStarted
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...runtime.cell import Cell
    from ...runtime.faults import Visit
    from ...runtime.reply import Reply
    from ...runtime.system import ActorSystem
    from ...runtime.telemetry import Event
    from ..world import World

__all__ = ["NoMessageLost"]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A message that went into a mailbox, and was not handled so far."""

    path: str
    message: Any
    reply: Reply | None
    since: float

    @property
    def key(self) -> tuple[int, int]:
        return id(self.message), id(self.reply)

    @property
    def wanted(self) -> bool:
        """Whether nobody has answered for it: one whose sender does not wait any more is not handled."""
        return self.reply is None or not self.reply.done()

    def __str__(self) -> str:
        what = getattr(self.message, "id", None)
        return f"{type(self.message).__name__}{'' if what is None else f' {what}'}, put at {self.since:.6f} s,"


class NoMessageLost(Invariant):
    """A message that went into a mailbox stays there until it is handled; a restart keeps it.

    It is looked for when its address gets a new incarnation, when the tree has recovered, and when it is closed. A
    message that a fault drops never comes to a mailbox.

    Source: SUPERVISION, section 12: messages that wait in the mailbox are kept for the next incarnation, in order; they
    are lost only with the child itself, and then each caller gets an error, and each message goes to the dead letters.
    """

    name = "I1"
    what = "a message that got into a mailbox is handled, answered for, or becomes a dead letter"
    events = (ActorStarted, MessageRedriven, LettersPurged)
    points = (PUT, HANDLE)

    def __init__(self) -> None:
        super().__init__()
        self._system: ActorSystem | None = None
        self._waiting: dict[tuple[int, int], list[_Waiting]] = {}

    def started(self, world: World) -> None:
        """Begins."""
        self._system = world.system

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:
        """Takes note of a message that is put into a mailbox."""
        send(value)
        message, reply = value
        one = _Waiting(visit.path, message, reply, self.now())
        if one.wanted:
            found = self._waiting.setdefault(one.key, [])
            found[:] = [earlier for earlier in found if self._is_open(earlier.path)]  # a pool gives it to others
            found.append(one)

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Takes note of a message that is handled."""
        key = id(visit.message), id(visit.reply)
        found = self._waiting.get(key)
        if found is not None:
            here = next((index for index, one in enumerate(found) if one.path == visit.path), 0)
            del found[here]
            if not found:
                del self._waiting[key]
        return func

    def event(self, event: Event) -> None:
        """Looks into the mailbox of a new incarnation."""
        if type(event) is not ActorStarted:
            self._forget([one for one in self._all() if one.reply is None])  # it may have been a letter, and is gone
        elif event.incarnation > 1 and self._waiting:
            self._look_into(event.path, f"incarnation {event.incarnation} began without it")

    def settled(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Looks into all mailboxes."""
        for path in dict.fromkeys(one.path for one in self._all()):
            self._look_into(path, "nobody has handled it")

    def closed(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Looks for messages that came to no end."""
        lost = [one for one in self._all() if one.wanted and not self._is_letter(one)]
        for one in lost:
            self.violated(f"{one.path}: {one} was never handled nor answered for, and is no dead letter")
        self._waiting.clear()
        self._system = None

    def _is_open(self, path: str) -> bool:
        assert self._system is not None  # noqa: S101 - `started` set it
        return path in self._system.cells

    def _look_into(self, path: str, what: str) -> None:
        """Looks for the messages that should wait in a mailbox."""
        cell = None if self._system is None else self._system.cells.get(path)
        if cell is None:  # gone, and what waited with it: see `closed`
            return
        there = Counter(_inside(cell))
        for one in [one for one in self._all() if one.path == path]:
            if there[one.key] > 0:
                there[one.key] -= 1
            elif one.wanted and not self._is_letter(one):
                self.violated(f"{path}: {one} is not in the mailbox any more, and {what}")
                self._forget([one])
            else:
                self._forget([one])

    def _is_letter(self, one: _Waiting) -> bool:
        """Tells whether a message is among the dead letters, or may have been."""
        assert self._system is not None  # noqa: S101 - `started` set it
        letters = self._system.dead_letters
        return letters.dropped > 0 or any(letter.message is one.message for letter in letters)

    def _all(self) -> Iterator[_Waiting]:
        return (one for found in list(self._waiting.values()) for one in list(found))

    def _forget(self, gone: list[_Waiting]) -> None:
        for one in gone:
            found = self._waiting[one.key]
            found.remove(one)
            if not found:
                del self._waiting[one.key]


def _inside(cell: Cell) -> Iterator[tuple[int, int]]:
    """Yields what a mailbox holds: what is in it, what was put aside, what waits for room."""
    mailbox = cell.mailbox
    waiting = [envelope for envelope, _ in mailbox.waiting or ()]
    for message, reply in (*(mailbox.messages or ()), *(mailbox.stashed or ()), *waiting):
        yield id(message), id(reply)
