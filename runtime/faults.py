"""Fault points: named places at which something may be made to go wrong, on purpose.

A point is one of two kinds. At a `call`, a piece of an actor's code, or of what stands beside it, is about to run:
whoever is armed may put another function in its place, which raises, waits, or changes what comes of it. At a `send`,
a value is about to go from one place to another: it may be held back, sent twice, changed, or lost.

With nothing armed, a point costs one look at an attribute that is None.
"""

from __future__ import annotations

import weakref
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from .system import ActorSystem

__all__ = [
    "BUS",
    "HANDLE",
    "POINTS",
    "PUT",
    "REPLY",
    "START",
    "STOP",
    "TIMER",
    "Afterwards",
    "Faults",
    "Point",
    "Visit",
    "after",
    "arm",
    "around",
    "point",
]

Shape: TypeAlias = Literal["call", "send"]


@dataclass(frozen=True, slots=True)
class Point:
    """A named place. `subject` says what a visit's `name` is there, where it has one: a tool, a judge, a topic."""

    name: str
    shape: Shape
    what: str
    subject: str = ""


_POINTS: dict[str, Point] = {}
POINTS: Mapping[str, Point] = _POINTS
"""All points of the rooms that have been imported, by name."""


def point(name: str, shape: Shape, what: str, subject: str = "") -> Point:
    """Makes a point known; the room that has the place declares it. Raises ValueError for a name that is taken."""
    if name in _POINTS:
        raise ValueError(f"fault point {name!r} is declared twice")
    made = _POINTS[name] = Point(name, shape, what, subject)
    return made


START = point("actor.start", "call", "an incarnation's on_start, before its first message")
HANDLE = point("actor.handle", "call", "an actor's handler, over one message or signal")
STOP = point("actor.stop", "call", "an incarnation's on_stop")
PUT = point("mailbox.put", "send", "a message on its way into an actor's mailbox")
REPLY = point("reply", "send", "what a handler has returned, on its way to whoever asked")
TIMER = point("timer", "send", "a message that an actor has sent to itself for later, when it is due")
BUS = point("bus.publish", "send", "one subscriber's copy of what was published", "topic")


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody's coming by a point.

    Attributes:
        point: which one.
        path, incarnation: whose code it is, or for whom it is.
        message: the message, task, tool call or submission that it is about; None at a start and a stop.
        reply: the reply that its sender waits for, where there is one.
        name: what `Point.subject` says.
        effect: whether what runs here changes something outside, as far as that is declared.
    """

    point: Point
    path: str
    incarnation: int
    message: Any = None
    reply: Any = None
    name: str = ""
    effect: bool = False


class Faults(Protocol):
    """What can be armed. Both methods run on the runtime's loop, but for calls in threads, and must not raise."""

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what is called in the place of `func`, with the same arguments; `func` itself for no fault.

        It may return a coroutine where `func` returns a value: a handler may be either.
        """

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:
        """Calls `send(value)`, which sends it: once, as it is, at once, for no fault."""


def after(func: Callable[..., Any], then: Callable[[Any], Any]) -> Callable[..., Any]:
    """Returns `func` with `then` behind it: its value, awaited if it is a coroutine, is what `then` makes of it."""

    def call(*args: Any) -> Any:
        value = func(*args)
        return around(_then(value, then), value) if isinstance(value, Coroutine) else then(value)

    return call


def around(outer: Coroutine[Any, Any, Any], inner: Coroutine[Any, Any, Any]) -> Coroutine[Any, Any, Any]:
    """Returns `outer`, which awaits `inner`, and closes that with it: an incarnation may end before either begins."""
    weakref.finalize(outer, inner.close)
    return outer


async def _then(coroutine: Coroutine[Any, Any, Any], then: Callable[[Any], Any]) -> Any:
    return then(await coroutine)


class Afterwards:
    """Calls `then(visit)` each time that a call at a point has returned; what it raises is raised in its place."""

    def __init__(self, then: Callable[[Visit], object]) -> None:
        self._told = then

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Puts the telling behind `func`."""

        def tell(value: Any) -> Any:
            self._told(visit)
            return value

        return after(func, tell)

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:  # noqa: ARG002 - as it is called
        """Sends the value."""
        send(value)


class Chain:
    """Several that are armed: the first sees what the product does, the last does what comes of it."""

    __slots__ = ("links",)

    def __init__(self, links: tuple[Faults, ...]) -> None:
        self.links = links

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Wraps `func` once for each."""
        for link in reversed(self.links):
            func = link.call(visit, func)
        return func

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:
        """Sends a value through all of them."""
        for link in reversed(self.links):
            send = _through(link, visit, send)
        send(value)


def _through(link: Faults, visit: Visit, send: Callable[[Any], object]) -> Callable[[Any], object]:
    return lambda value: link.send(visit, send, value)


def arm(system: ActorSystem, faults: Faults) -> Callable[[], None]:
    """Lets `faults` see every visit from now on, after those that are armed; returns the function that ends it."""
    _set(system, (*_links(system), faults))

    def disarm() -> None:
        _set(system, tuple(link for link in _links(system) if link is not faults))

    return disarm


def _links(system: ActorSystem) -> tuple[Faults, ...]:
    return system.faults.links if isinstance(system.faults, Chain) else ()


def _set(system: ActorSystem, links: tuple[Faults, ...]) -> None:
    system.faults = Chain(links) if links else None
