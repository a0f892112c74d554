"""An actor: what a user writes. Its hooks are empty, and documented here."""

from __future__ import annotations

import contextvars
import functools
from typing import TYPE_CHECKING, Any, ClassVar, Self, cast

import pykka
from pykka import messages

from ..runtime import links
from .errors import SystemClosed
from .exits import Exit, ExitReason
from .hosted import BIRTH, Hosted, adopted
from .reply import Reply
from .timers import Timer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from .cell import Cell
    from .ref import Ref
    from .system import ActorSystem

__all__ = ["PYKKA_MESSAGES", "Actor", "Factory", "is_empty"]

SYSTEM: contextvars.ContextVar[ActorSystem | None] = contextvars.ContextVar("treeward_system", default=None)
"""The actor system whose block the calling code is in, for `Actor.start()`."""

PYKKA_MESSAGES = frozenset(
    {messages.ProxyCall, messages.ProxyGetAttr, messages.ProxySetAttr, messages._ActorStop}  # noqa: SLF001
)
"""What `_handle_receive`, pykka's own seam, handles by itself; all else it hands to `on_receive`."""


class Actor(Hosted, pykka.Actor):  # type: ignore[misc]  # `_actor_ref` is a property here
    """A unit of state and behaviour that handles one message at a time.

    Every hook may be `def` or `async def`. With `dispatcher: loop`, the default, all of them run on the
    runtime's event loop: `def` hooks at once, `async def` hooks in a task of their own. With `dispatcher:
    thread` they run in one thread that belongs to the incarnation. Each call has a copy of the runtime's
    context variables. What a hook raises ends the incarnation, if its description does not say otherwise.
    """

    expected: ClassVar[tuple[type[Exception], ...]] = ()
    """Exceptions that `on_receive` may raise as an answer: they go to the caller, and the actor lives on."""

    trap_exit: bool = False
    """Whether a linked actor's exit arrives as a message (`signals.Exit`) rather than ending this one too."""

    # The hooks.

    def on_start(self) -> Any:
        """Runs before the first message. The supervisor waits for it; if it raises, the start has failed."""

    def on_stop(self, reason: ExitReason = Exit.NORMAL) -> Any:
        """Runs when the actor was asked to end, or ended itself: not after a crash or a kill.

        What it raises becomes the exit reason. An override may leave the parameter out, as pykka's has none.
        """

    def on_failure(
        self,
        exception_type: type[BaseException] | None,
        exception_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> Any:
        """Runs after a crash, before the incarnation ends. What it raises is reported, no more."""

    def on_restart(self, message: Any, reason: ExitReason) -> Any:
        """Runs before `on_start` in every incarnation but the first.

        `message` is the one that the last incarnation had in hand when it died, or None; `reason` is why it
        ended.
        """

    def on_receive(self, message: Any) -> Any:
        """Handles a message; what it returns is the reply. Not overridden: every message is a dead letter."""
        self._cell.undelivered(message, "not handled")

    # What an actor knows.

    @property
    def actor_ref(self) -> Ref[Self]:
        """The actor's own address; it stays good over restarts."""
        return self._cell.ref

    @property
    def path(self) -> str:
        """The actor's place in the tree."""
        return self._cell.path

    @property
    def incarnation(self) -> int:
        """Which life this is: 1 for the first."""
        return self._incarnation

    @property
    def system(self) -> ActorSystem:
        """The actor system: clock, entropy, registry, bus, dead letters."""
        return self._cell.system

    @functools.cached_property
    def log(self) -> Any:
        """A structlog logger with the actor's path and incarnation bound."""
        return self.system.telemetry.log.bind(actor=self.path, incarnation=self.incarnation)

    # What an actor can do, in its handlers and hooks: once its incarnation has ended, it is `ActorStopped`.

    def after(self, delay: float, message: Any) -> Timer:
        """Sends `message` to this actor after `delay` seconds, if the incarnation still lives."""
        return self._in_life(Timer, self._cell, delay, message)

    def every(self, interval: float, message: Any) -> Timer:
        """Sends `message` to this actor every `interval` seconds while the incarnation lives."""
        return self._in_life(Timer, self._cell, interval, message, interval)

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Sends `ReceiveTimeout` each time that no message has come for `seconds`; None ends it."""
        self._in_life(self._cell.set_receive_timeout, seconds)

    def progress(self, partial: Any = None) -> None:
        """Tells whoever waits for the message in hand that the work goes on, and what there is of it so far.

        A task's idle timeout begins anew with it; `partial` is what the outcome has if the work is cut off. From
        the handler, in the actor's own thread or on the loop.
        """
        envelope = self._cell.current
        still_mine = self._cell.incarnation == self._incarnation  # not what the next one has, if this is abandoned
        if still_mine and envelope is not None and envelope[1] is not None:
            self.system.call(envelope[1].beat, partial)

    def stash(self) -> None:
        """Puts the message in hand aside; its sender goes on waiting.

        `unstash_all` brings it back, and so does a restart. In a bounded mailbox it still counts.
        """
        self._in_life(self._cell.stash)

    def unstash_all(self) -> int:
        """Puts all stashed messages back in front of the mailbox, in their order; returns how many."""
        return self._in_life(self._cell.mailbox.unstash_all)

    def monitor(self, ref: pykka.ActorRef[Any]) -> None:
        """Asks for one `Down` when that actor's present incarnation ends; at once if it has ended."""
        self._in_life(links.monitor, self._cell, _cell_of(ref))

    def demonitor(self, ref: pykka.ActorRef[Any]) -> None:
        """Takes `monitor` back. A `Down` that is on its way already still comes."""
        self._in_life(links.demonitor, self._cell, _cell_of(ref))

    def link(self, ref: pykka.ActorRef[Any]) -> None:
        """Ties this incarnation to that actor's: one's abnormal end is the other's, unless it traps exits."""
        self._in_life(links.link, self._cell, _cell_of(ref))

    def unlink(self, ref: pykka.ActorRef[Any]) -> None:
        """Takes `link` back, on both sides."""
        self._in_life(links.unlink, self._cell, _cell_of(ref))

    def register(self, name: str) -> None:
        """Gives this actor a unique name until its incarnation ends. Raises `NameTaken`."""
        self._in_life(self.system.registry.register, name, self._cell.ref)

    def join(self, group: str) -> None:
        """Enters a group until the incarnation ends."""
        self._in_life(self.system.registry.join, group, self._cell.ref)

    def offer(self, capability: str) -> None:
        """Declares something that this actor can do, until the incarnation ends."""
        self._in_life(self.system.registry.offer, capability, self._cell.ref)

    def subscribe(self, pattern: str) -> None:
        """Receives `Published` for each topic that the pattern covers, until the incarnation ends."""
        self._in_life(self.system.bus.subscribe, pattern, self._cell.ref)

    def publish(self, topic: str, payload: Any) -> int:
        """Sends to all subscribers of a topic; returns how many received it."""
        return self._in_life(self.system.bus.publish, topic, payload)

    # pykka's side.

    def __init__(self, *_args: Any, **_kwargs: Any) -> None:
        """Does nothing: a subclass may leave out the call of `super().__init__()`."""

    def __str__(self) -> str:
        return f"{type(self).__name__} ({self._cell.path})"

    @classmethod
    def start(cls, *args: Any, **kwargs: Any) -> Ref[Self]:
        """Starts an unsupervised actor in the runtime whose block the caller is in; as pykka's `start`.

        Raises:
            SystemClosed: there is no such block.
        """
        system = SYSTEM.get()
        if system is None:
            raise SystemClosed("(none)")
        return system.spawn(cls, *args, **kwargs)

    @staticmethod
    def _create_actor_inbox() -> Any:
        return None

    @staticmethod
    def _create_future() -> Reply:
        return Reply()

    def _start_actor_loop(self) -> None:
        """Does nothing: the runtime schedules the actor."""


_EMPTY_HOOKS = frozenset({Actor.on_start, Actor.on_failure, Actor.on_restart})


def is_empty(hook: Any) -> bool:
    """Tells whether a hook need not be called: it is not there, or is the one above that does nothing."""
    return hook is None or getattr(hook, "__func__", None) in _EMPTY_HOOKS


def _cell_of(ref: pykka.ActorRef[Any]) -> Cell:
    return cast("Ref[Any]", ref)._cell  # noqa: SLF001 - a ref is a cell's own handle


_NOTHING: Mapping[str, Any] = {}  # a call unpacks a dict in a fraction of the time that it takes for a proxy of one


class Factory:
    """How to make an actor object: a class or a function, and its arguments. Immutable.

    `attributes` are set before the constructor runs.
    """

    __slots__ = ("args", "attributes", "cls", "is_foreign", "kwargs")

    def __init__(
        self,
        cls: Callable[..., pykka.Actor],
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        attributes: Mapping[str, Any] | None = None,
    ) -> None:
        if not callable(cls):
            raise TypeError(f"start is {cls!r}: expected an actor class, or a function that returns an actor")
        self.cls = cls
        self.args = args
        self.kwargs = kwargs or _NOTHING
        self.attributes = attributes or _NOTHING
        self.is_foreign = isinstance(cls, type) and not issubclass(cls, Hosted)
        """Whether this is one of pykka's own actors, such as a `ThreadingActor`: it runs in a thread."""

    def make(self, cell: Cell) -> Hosted:
        """Makes the object for one incarnation, in a context of its own. Raises what the constructor raises."""
        BIRTH.set(cell)
        make: Callable[..., Any] = adopted(self.cls) if self.is_foreign else self.cls
        actor = make(*self.args, **self.kwargs)
        if not isinstance(actor, Hosted):
            raise TypeError(f"{self} returned {type(actor).__name__}: expected a treeward.Actor")
        return actor

    def sketch(self) -> Any:
        """Returns an object with the class's own attributes, while there is no actor; None for a function."""
        return object.__new__(self.cls) if isinstance(self.cls, type) else None

    def _key(self) -> tuple[Any, ...]:
        return (self.cls, self.args, dict(self.kwargs), dict(self.attributes))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Factory) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash((self.cls, len(self.args), tuple(self.kwargs)))

    def __repr__(self) -> str:
        return f"Factory({getattr(self.cls, '__qualname__', self.cls)})"
