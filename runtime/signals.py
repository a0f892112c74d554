"""The closed set of the runtime's own messages: they overtake ordinary ones, no mailbox bound stops them.

An actor's cell acts on `Stop`, `Kill`, `Exit` and `Ping`; `Down`, a trapped `Exit` and `ReceiveTimeout` reach
the actor's `on_receive`. A room above adds its own by subclassing `Signal`; they reach `on_receive` too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .exits import Exit as Reason

if TYPE_CHECKING:
    from .exits import ExitReason
    from .ref import Ref

__all__ = ["Down", "Exit", "Kill", "Ping", "Pong", "ReceiveTimeout", "Signal", "Stop"]


class Signal:
    """The base of every message that goes before ordinary ones."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Stop(Signal):
    """Asks the incarnation to end after the message that it has in hand."""

    reason: ExitReason = Reason.NORMAL


@dataclass(frozen=True, slots=True)
class Kill(Signal):
    """Ends the incarnation at once, in the middle of its message if it has one."""

    reason: ExitReason = Reason.KILLED


@dataclass(frozen=True, slots=True)
class Exit(Signal):
    """A linked actor's end. It reaches `on_receive` where `trap_exit` is set; else the receiver ends too."""

    ref: Ref[Any]
    incarnation: int
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class Down(Signal):
    """The end of one incarnation that the receiver monitors. Exactly one comes for each."""

    ref: Ref[Any]
    incarnation: int
    reason: ExitReason


@dataclass(frozen=True, slots=True)
class ReceiveTimeout(Signal):
    """No message came for the `seconds` that the actor had set."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Ping(Signal):
    """Asks for a `Pong`. The cell answers at once, whatever the actor is at; it answers while the loop runs."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a `Ping`: how an actor is, at that moment.

    Attributes:
        path: who it is.
        incarnation: how many lives it has had, the present one included.
        phase: `starting`, `running`, `stopping`, or `none` between two lives.
        busy: whether a call into its code is under way.
        mailbox: messages that wait.
        oldest: seconds that the oldest task has waited; None if none waits.
        alive: whether it has a life at present, and, if that has a thread of its own, the thread runs.
    """

    path: str
    incarnation: int
    phase: str
    busy: bool
    mailbox: int
    oldest: float | None
    alive: bool
