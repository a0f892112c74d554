"""Crashes on purpose: named points in an agent's work at which one can be asked for.

The points are `tool.return` (a tool call has its result), `tool.served` (a tool has done what it does, its
caller has not heard of it) and `handle.return` (the work is done, nobody has heard of it). With nothing
asked for, a point costs one look at an empty table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias
from weakref import WeakKeyDictionary

from .directory import directory_of
from .errors import InjectedCrash, UnknownAgent, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..runtime.system import ActorSystem

__all__ = ["CrashOnce", "Fault", "Point", "Visit", "arm", "crash_once", "visit"]

Point: TypeAlias = Literal["tool.return", "tool.served", "handle.return"]


@dataclass(frozen=True, slots=True)
class Visit:
    """An agent's coming by a point: `tool` and `effect` are those of the call, where it is one."""

    point: Point
    path: str
    incarnation: int
    tool: str = ""
    effect: bool = False


Fault: TypeAlias = "Callable[[Visit], object]"
"""Called at each point; what it raises is raised in the agent."""

_ARMED: WeakKeyDictionary[ActorSystem, tuple[Fault, ...]] = WeakKeyDictionary()


def arm(system: ActorSystem, fault: Fault) -> Callable[[], None]:
    """Lets `fault` see every visit from now on; returns the function that ends it."""
    _ARMED[system] = (*_ARMED.get(system, ()), fault)

    def disarm() -> None:
        left = tuple(other for other in _ARMED.pop(system, ()) if other is not fault)
        if left:
            _ARMED[system] = left

    return disarm


def visit(system: ActorSystem, seen: Visit) -> None:
    """Tells the faults that an agent comes by. Raises what they raise."""
    for fault in _ARMED.get(system, ()):
        fault(seen)


def armed() -> bool:
    """Tells whether anything is armed anywhere, so that a `Visit` need not be made for nobody."""
    return bool(_ARMED)


class CrashOnce:
    """Lets one agent die in the middle of its next task, once.

    An agent that handles tasks dies after its first tool call with an effect, when that effect is there;
    without such a call, just before its answer leaves. One that serves tools dies after the first one that
    it has served.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.fired = False
        """Whether it has happened."""

    def __call__(self, seen: Visit) -> None:
        """Raises `InjectedCrash` in the agent, if this is the agent and the point."""
        if self.fired or seen.path != self.path or (seen.point == "tool.return" and not seen.effect):
            return
        self.fired = True
        raise InjectedCrash(f"{seen.point} of {seen.tool}" if seen.tool else seen.point)


def crash_once(system: ActorSystem, agent: str) -> CrashOnce:
    """Arms a `CrashOnce` for the agent of that id or path, and returns it.

    Raises:
        UnknownAgent: no such agent runs, or several have that id.
    """
    known = [ref.path for ref in directory_of(system).agents()]
    paths = [path for path in known if agent in (path, path.rpartition("/")[2])]
    if len(paths) != 1:
        raise UnknownAgent(agent, tuple(paths) or nearest(agent, (path.rpartition("/")[2] for path in known)))
    fault = CrashOnce(paths[0])
    arm(system, fault)
    return fault
