"""What waits for an actor: signals first, then messages, in order. It stays when an incarnation goes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from .reply import Reply
    from .signals import Signal

__all__ = ["UNBOUNDED", "Envelope", "Mailbox", "MailboxSpec", "Overflow"]

Overflow: TypeAlias = Literal["wait", "drop_newest", "drop_oldest", "fail"]

Envelope: TypeAlias = "tuple[Any, Reply | None]"
"""A message, and the reply that its sender waits for. A plain tuple: one is made for every message."""


@dataclass(frozen=True, slots=True)
class MailboxSpec:
    """How many messages may wait, and what happens to one more. Signals do not count, stashed messages do.

    Overflow policies: `wait` (the sender waits for room), `drop_newest` and `drop_oldest` (to the dead
    letters), `fail` (the sender gets `MailboxFull`). `capacity` None means unbounded.
    """

    capacity: int | None = None
    overflow: Overflow = "fail"

    def __post_init__(self) -> None:
        if self.capacity is not None and self.capacity < 1:
            raise ValueError(f"mailbox capacity is {self.capacity!r}: expected a number, at least 1, or None")
        if self.overflow not in get_args(Overflow):
            legal = ", ".join(get_args(Overflow))
            raise ValueError(f"overflow is {self.overflow!r}: expected one of {legal}")


UNBOUNDED = MailboxSpec()


class Mailbox:
    """Two queues and a bound. Pure data: who puts in and takes out is the cell, on its loop.

    An idle actor keeps no queue at all; each is made when the first message for it comes.
    """

    __slots__ = ("capacity", "messages", "overflow", "signals", "stashed", "waiting")

    def __init__(self, spec: MailboxSpec = UNBOUNDED) -> None:
        self.capacity = spec.capacity
        self.overflow = spec.overflow
        self.messages: deque[Envelope] | None = None
        self.signals: deque[tuple[Signal, Reply | None]] | None = None
        self.stashed: list[Envelope] | None = None
        self.waiting: deque[tuple[Envelope, asyncio.Future[None] | None]] | None = None
        """Messages that wait for room outside, oldest first, and what tells their sender that they are in."""

    def __len__(self) -> int:
        """The number of messages that wait inside, stashed ones included, signals not."""
        return len(self.messages or ()) + len(self.stashed or ())

    @property
    def spec(self) -> MailboxSpec:
        """The bound and its policy. A wider one lets in what waits for room."""
        return MailboxSpec(self.capacity, self.overflow)

    @spec.setter
    def spec(self, spec: MailboxSpec) -> None:
        self.capacity, self.overflow = spec.capacity, spec.overflow
        self.let_in()

    @property
    def full(self) -> bool:
        """Whether one more message would pass the bound."""
        return self.capacity is not None and len(self) >= self.capacity

    def put(self, envelope: Envelope) -> None:
        """Adds a message at the end, whatever the bound says."""
        if self.messages is None:
            self.messages = deque()
        self.messages.append(envelope)

    def put_signal(self, signal: Signal, reply: Reply | None) -> None:
        """Adds a signal, behind earlier signals and ahead of all messages."""
        if self.signals is None:
            self.signals = deque()
        self.signals.append((signal, reply))

    def put_signal_first(self, signal: Signal) -> None:
        """Adds a signal ahead of all others."""
        if self.signals is None:
            self.signals = deque()
        self.signals.appendleft((signal, None))

    def put_outside(self, envelope: Envelope, entered: asyncio.Future[None] | None) -> None:
        """Has a message wait for room, behind those that wait already."""
        if self.waiting is None:
            self.waiting = deque()
        self.waiting.append((envelope, entered))

    def let_in(self) -> None:
        """Takes in what waits outside, as far as there is room; not what nobody wants delivered any more."""
        while self.waiting and not self.full:
            envelope, entered = self.waiting.popleft()
            if _enter(envelope, entered):
                self.put(envelope)

    def drop_oldest(self) -> Envelope | None:
        """Takes out the message that has waited longest, or returns None where only stashed ones are left."""
        return self.messages.popleft() if self.messages else None

    def take_out(self, which: Callable[[Envelope], bool]) -> list[Envelope]:
        """Takes those messages out for which `which` is true; signals and stashed ones stay."""
        taken = [envelope for envelope in self.messages or () if which(envelope)]
        if taken:
            self.messages = deque(envelope for envelope in self.messages or () if not which(envelope))
        return taken

    def stash(self, envelope: Envelope) -> None:
        """Puts a message aside."""
        if self.stashed is None:
            self.stashed = []
        self.stashed.append(envelope)

    def unstash_all(self) -> int:
        """Brings what was put aside back to the front, in its order; returns how many."""
        stashed, self.stashed = self.stashed, None
        if not stashed:
            return 0
        if self.messages is None:
            self.messages = deque()
        self.messages.extendleft(reversed(stashed))
        return len(stashed)

    def drain(self) -> Iterator[Envelope]:
        """Empties the mailbox, in order, for whoever has to answer for the rest."""
        self.unstash_all()
        while self.signals:
            yield self.signals.popleft()
        while self.messages:
            yield self.messages.popleft()
        while self.waiting:
            envelope, entered = self.waiting.popleft()
            if _enter(envelope, entered):
                yield envelope


def _enter(envelope: Envelope, entered: asyncio.Future[None] | None) -> bool:
    """Tells a sender that its message is in; returns whether it still wants that."""
    if entered is None:
        reply = envelope[1]
        return reply is None or not reply.done()
    if entered.done():
        return False
    entered.set_result(None)
    return True
