"""A crash on purpose, in the middle of one agent's next task: to see it come back."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from ..runtime.faults import HANDLE, Visit, after, arm
from ..runtime.task import Task
from .calls import TOOL_CALL, TOOL_SERVE
from .directory import directory_of
from .errors import InjectedCrash, UnknownAgent, nearest

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..runtime.system import ActorSystem

__all__ = ["CrashOnce", "crash_once"]


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

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Puts the crash behind `func`, if this is the agent and the point."""
        return after(func, partial(self._die, visit)) if self._is_meant(visit) else func

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:  # noqa: ARG002 - as it is called
        """Sends the value."""
        send(value)

    def _is_meant(self, visit: Visit) -> bool:
        if self.fired or visit.path != self.path:
            return False
        if visit.point is TOOL_CALL:
            return visit.effect
        return visit.point is TOOL_SERVE or (visit.point is HANDLE and isinstance(visit.message, Task))

    def _die(self, visit: Visit, value: Any) -> Any:
        if self.fired:
            return value
        self.fired = True
        raise InjectedCrash(f"{visit.point.name} of {visit.name}" if visit.name else visit.point.name)


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
