"""The actor system: what runs actors, and knows nothing of who supervises them or what they are for.

Read in this order; a file imports only files before it.

    errors        what can go wrong, by the reaction that is wanted
    clock         time: no other file asks for it
    entropy       randomness and ids, from one seed
    copies        frozen data with some other values
    exits         why an incarnation ended
    faults        named places at which something may be made to go wrong
    signals       the runtime's own messages, which overtake all others
    reply         the reply to an `ask`
    mailbox       what waits for an actor
    usage         what work costs, and how much of it there may be
    evidence      what is known of work that went wrong
    task          a unit of work, and its outcome
    telemetry     events, and the same as log lines
    dead_letters  messages that reached nobody
    dispatch      where an incarnation's code runs: on the loop, or in a thread
    proxy         an actor's methods and attributes through its ref
    ref           the address of an actor
    registry      names, groups, capabilities
    bus           publish and subscribe
    timers        messages to oneself, later
    hosted        what ties an actor object to its cell
    links         who is told when an incarnation ends
    actor         what a user writes
    call          one call into an actor's own code
    below         the cells below another one
    address       the lasting half of an actor: path, mailbox, what becomes of messages
    steps         the steps of a life that run hooks
    turns         whose turn it is
    cell          one incarnation after another, behind one address
    watchdog      notices who holds the event loop
    system        one process's actors, together
"""

from __future__ import annotations

from .actor import Actor, Factory
from .bus import Published
from .clock import Clock
from .dead_letters import DeadLetter, LettersPurged, MessageLost, MessageRedriven
from .errors import (
    ActorCrashed,
    ActorError,
    ActorStopped,
    AskTimeout,
    CannotRedrive,
    MailboxFull,
    NameTaken,
    StartFailed,
    SystemClosed,
    TreewardError,
    UnknownLetter,
    WouldBlock,
)
from .exits import Exit, ExitReason, Shutdown
from .mailbox import MailboxSpec
from .ref import Ref
from .reply import Reply
from .signals import Down, ReceiveTimeout
from .steps import Declined
from .system import ActorSystem
from .task import Outcome, Part, Task, Usage
from .telemetry import ActorAbandoned, ActorEnded, ActorStarted, Event, HookFailed, LoopBlocked

__all__ = [
    "Actor",
    "ActorAbandoned",
    "ActorCrashed",
    "ActorEnded",
    "ActorError",
    "ActorStarted",
    "ActorStopped",
    "ActorSystem",
    "AskTimeout",
    "CannotRedrive",
    "Clock",
    "DeadLetter",
    "Declined",
    "Down",
    "Event",
    "Exit",
    "ExitReason",
    "Factory",
    "HookFailed",
    "LettersPurged",
    "LoopBlocked",
    "MailboxFull",
    "MailboxSpec",
    "MessageLost",
    "MessageRedriven",
    "NameTaken",
    "Outcome",
    "Part",
    "Published",
    "ReceiveTimeout",
    "Ref",
    "Reply",
    "Shutdown",
    "StartFailed",
    "SystemClosed",
    "Task",
    "TreewardError",
    "UnknownLetter",
    "Usage",
    "WouldBlock",
]
