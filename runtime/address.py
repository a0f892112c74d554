"""The lasting half of an actor: path, mailbox, how messages get into it, and what else becomes of them."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Any

from .errors import ActorStopped, MailboxFull
from .faults import PUT, Visit
from .mailbox import Envelope, Mailbox
from .ref import Ref
from .signals import Signal
from .task import Task

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from .exits import ExitReason
    from .mailbox import MailboxSpec
    from .reply import Reply
    from .system import ActorSystem

__all__ = ["HOOK", "Address"]


class _StoppedFlag:
    """The `is_set()` of pykka's `actor_stopped`."""

    __slots__ = ("_address",)

    def __init__(self, address: Address) -> None:
        self._address = address

    def is_set(self) -> bool:
        return not self._address.open


class _Handed(tuple[Any, None]):
    """What is in hand once the message was stashed or forwarded: its reply is not ours any more."""

    __slots__ = ()


HOOK: Envelope = _Handed((None, None))
"""What is in hand while a hook runs that is not `on_receive`."""


def _is_from_gate(envelope: Envelope) -> bool:
    """Tells whether a message has come through a gate, where somebody answers for it."""
    reply = envelope[1]
    return reply is not None and reply.inside is not None


class Address(ABC):
    """Where messages for one actor arrive, whichever incarnation handles them. On the runtime's loop."""

    __slots__ = ("_ready", "current", "end", "gate", "incarnation", "loop", "mailbox", "open", "path", "ref", "system")

    def __init__(self, system: ActorSystem, path: str, mailbox: MailboxSpec) -> None:
        self.system = system
        self.loop = system.loop
        self.path = path
        self.mailbox = Mailbox(mailbox)
        self.ref: Ref[Any] = Ref(self)  # type: ignore[arg-type]  # every address is a cell's
        self.open = True
        """Whether it takes messages."""
        self.incarnation = 0
        """The number of the one that lives, or has lived last."""
        self.end: ExitReason | None = None
        """Why the last incarnation ended."""
        self.current: Envelope | None = None
        """What is in hand: while it is there, the actor's own code runs, or is awaited."""
        self.gate: Callable[[Any, Envelope], None] | None = None
        """Takes the tasks for it, instead of the mailbox; what it lets through has a reply that is `inside`."""
        self._ready = False
        """Whether an incarnation waits for the next message, and has to be woken for it."""

    @property
    def stopped_flag(self) -> _StoppedFlag:
        """What pykka calls `actor_stopped`."""
        return _StoppedFlag(self)

    def deliver(self, envelope: Envelope, *, past_faults: bool = False) -> None:
        """Puts a message into the mailbox, as its overflow policy says, and sees that the actor runs.

        A task goes to the gate, if there is one, unless it comes from there.
        """
        mailbox, system = self.mailbox, self.system
        if (
            self.gate is not None
            and isinstance(envelope[0], Task)
            and not past_faults
            and not self._is_inside(envelope)
        ):
            self.gate(self, envelope)
        elif system.faults is not None and not past_faults:
            put = functools.partial(self.deliver, past_faults=True)
            system.faults.send(Visit(PUT, self.path, self.incarnation, *envelope), put, envelope)
        elif not self.open or (system.abandoned_total and system.silenced()):
            self._turn_away(envelope)
        elif mailbox.capacity is None or not mailbox.full or self._made_room(envelope):
            if mailbox.messages is None:
                mailbox.messages = deque()
            mailbox.messages.append(envelope)
            if self._ready:
                self._wake()

    def _is_inside(self, envelope: Envelope) -> bool:
        """Tells whether a task has passed the gate."""
        reply = envelope[1]
        return reply is not None and reply.inside is self

    def accept(self, message: Any, reply: Reply | None = None) -> None:
        """Delivers a message or a signal, as they come from a ref."""
        if not isinstance(message, Signal):
            self.deliver((message, reply))
        elif self.system.silenced():
            self._turn_away((message, reply))
        else:
            self.signal(message, reply)

    def post(self, message: Any) -> None:
        """Delivers a message of the runtime's own, such as a timer's: one that does not wait for room."""
        if isinstance(message, Signal):
            self.signal(message)
        elif self.open and self.mailbox.full and self.mailbox.overflow == "wait":
            self.undelivered(message, "mailbox full")
        else:
            self.deliver((message, None))

    def take(self, message: Any) -> None:
        """Delivers a message that wants no reply; raises `MailboxFull` where its sender has to know."""
        if self.open and self.mailbox.full and self.mailbox.overflow in ("wait", "fail"):
            raise self.full_error()
        self.deliver((message, None))

    async def take_in_turn(self, message: Any) -> None:
        """Delivers a message as `take` does, but waits for room where that is the policy.

        A task for which there is a gate goes there at once: it is there that it waits.
        """
        mailbox = self.mailbox
        if not (self.open and mailbox.full and mailbox.overflow == "wait") or self.system.silenced():
            self.take(message)
        elif self.gate is not None and isinstance(message, Task):
            self.deliver((message, None))
        else:
            entered: asyncio.Future[None] = self.loop.create_future()
            mailbox.put_outside((message, None), entered)
            await entered

    def full_error(self) -> MailboxFull:
        """Returns what a sender gets whose message the bound keeps out."""
        capacity = self.mailbox.capacity or 0
        if self.mailbox.overflow == "wait":
            return MailboxFull(self.path, capacity, "use `await ref.send(message)` to wait for room")
        return MailboxFull(self.path, capacity)

    @abstractmethod
    def signal(self, signal: Signal, reply: Reply | None = None) -> None:
        """Puts a signal before all messages."""

    def undelivered(self, message: Any, reason: str) -> None:
        """Makes a dead letter of a message for this actor."""
        self.system.dead_letters.add(message, self.path, reason)

    def _lost(self, envelope: Envelope, reason: str) -> None:
        """Makes a dead letter of what was not delivered; not of a task that came from a gate, which answers for it."""
        if not _is_from_gate(envelope):
            self.undelivered(envelope[0], reason)

    def rest(self) -> None:
        """Takes no new messages until the next start; those that wait inside are kept for it.

        But for the tasks that came through the gate: there, somebody knows who else could have them.
        """
        self.open = False
        self._send_away_waiting()
        for envelope in self.mailbox.take_out(_is_from_gate):
            self._turn_away(envelope)

    def close(self) -> None:
        """Ends the address: what waits in the mailbox becomes dead letters, and each caller gets an error."""
        self.open = False
        self._send_away_waiting()
        for envelope in self.mailbox.drain():
            self._turn_away(envelope)

    # The message in hand. -----------------------------------------------------------------------------

    def stash(self) -> None:
        """Puts the message in hand aside, its reply with it."""
        self.mailbox.stash(self._hand_over("stash"))

    def forward(self, other: Address) -> None:
        """Hands the message in hand on to another actor: its reply will come from there."""
        other.deliver(self._hand_over("forward"))

    def reply_from(self, other: Reply) -> None:
        """Lets the sender of the message in hand have the value, or the error, of another reply."""
        _, reply = self._hand_over("reply_from")
        if reply is not None:
            other.settle(reply)

    def _hand_over(self, verb: str) -> Envelope:
        """Gives the message in hand away, which can be done once."""
        envelope = self.current
        if envelope is None or isinstance(envelope, _Handed):
            raise RuntimeError(f"{self.path} has no message in hand: {verb}() belongs into on_receive, once")
        self.current = _Handed((envelope[0], None))
        return envelope

    # Within. ------------------------------------------------------------------------------------------

    @abstractmethod
    def _wake(self) -> None:
        """Sees to it that the incarnation looks into the mailbox."""

    def _send_away_waiting(self) -> None:
        """Tells the senders that wait for room that there is none to wait for."""
        while self.mailbox.waiting:
            envelope, entered = self.mailbox.waiting.popleft()
            if entered is None:
                self._turn_away(envelope)
            elif not entered.done():
                entered.set_exception(ActorStopped(self.path, self.end))

    def _made_room(self, envelope: Envelope) -> bool:
        """Applies the overflow policy; tells whether the message may go in now. Else it is answered for."""
        match self.mailbox.overflow:
            case "wait":
                self.mailbox.put_outside(envelope, None)
                return False
            case "drop_oldest" if (oldest := self.mailbox.drop_oldest()) is not None:
                self._drop(oldest)
                return True
            case "fail" if (reply := envelope[1]) is not None:
                reply.fail(self.full_error())
                return False
        self._drop(envelope)
        return False

    def _drop(self, envelope: Envelope) -> None:
        _, reply = envelope
        self._lost(envelope, "mailbox full")
        if reply is not None:
            reply.fail(self.full_error())

    def _turn_away(self, envelope: Envelope) -> None:
        """Answers for a message that comes to nobody any more, or from somebody who is cut off."""
        _, reply = envelope
        self._lost(envelope, "sender abandoned" if self.open else "stopped")
        if reply is not None:
            reply.fail(ActorStopped(self.path, self.end))
