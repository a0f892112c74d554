"""All places at which a plan may let something go wrong: the fault points, and those that only have a time."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

from ...agents.calls import TOOL_CALL, TOOL_SERVE
from ...runtime.faults import BUS, HANDLE, PUT, REPLY, START, STOP, TIMER
from ...supervisors.judges.seat import JUDGE

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACTOR", "CALLS", "CLOCK", "LOOP", "MAILBOX", "PLACES", "SENDS", "TIMED", "Place", "Shape"]

Shape: TypeAlias = Literal["call", "send", "timed"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a fault may be.

    Attributes:
        name: as a plan has it under `at`.
        shape: at a `call` a function is about to run, at a `send` a value is on its way; what is `timed` is visited by
            nobody: it happens when its time has come.
        what: in words.
        subject: the key of `where` that tells one visit from another by its name, where it has one.
        keys: all keys of `where` that say something here.
    """

    name: str
    shape: Shape
    what: str
    subject: str
    keys: tuple[str, ...]


ACTOR, MAILBOX, CLOCK, LOOP = "actor", "mailbox", "clock", "loop"

_ABOUT_A_LIFE = ("path", "role", "incarnation")
_ABOUT_A_MESSAGE = (*_ABOUT_A_LIFE, "message", "kind")

_KEYS = {
    START: _ABOUT_A_LIFE,
    HANDLE: _ABOUT_A_MESSAGE,
    STOP: _ABOUT_A_LIFE,
    PUT: _ABOUT_A_MESSAGE,
    REPLY: _ABOUT_A_MESSAGE,
    TIMER: _ABOUT_A_MESSAGE,
    BUS: ("path", "role", "topic"),
    JUDGE: ("path", "kind", "judge"),
    TOOL_CALL: (*_ABOUT_A_LIFE, "tool"),
    TOOL_SERVE: (*_ABOUT_A_LIFE, "tool"),
}

_TIMED = (
    Place(ACTOR, "timed", "an actor that lives", "", _ABOUT_A_LIFE),
    Place(MAILBOX, "timed", "the mailbox of an actor that lives", "", _ABOUT_A_LIFE),
    Place(CLOCK, "timed", "the time of the whole runtime", "", ()),
    Place(LOOP, "timed", "the event loop, for whatever runs on it", "", ()),
)


def _places() -> dict[str, Place]:
    points = (Place(point.name, point.shape, point.what, point.subject, keys) for point, keys in _KEYS.items())
    return {place.name: place for place in (*points, *_TIMED)}


PLACES: Mapping[str, Place] = MappingProxyType(_places())
"""All of them by name: points in the order of a message's way, then what is timed."""

CALLS = tuple(place.name for place in PLACES.values() if place.shape == "call")
SENDS = tuple(place.name for place in PLACES.values() if place.shape == "send")
TIMED = tuple(place.name for place in PLACES.values() if place.shape == "timed")
