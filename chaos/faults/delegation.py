"""Endless delegation: whoever gets the task passes it on to the next agent, until somebody puts an end to it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ...agents.delivery import deliver
from ...agents.desk import Desk
from ...agents.directory import directory_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.faults import Visit
    from ...runtime.ref import Ref
    from ...runtime.system import ActorSystem
    from ...runtime.task import Outcome, Task

__all__ = ["Delegation"]


class Delegation:
    """The tasks that are passed on, and who gets them: all agents but desks, one after the other by path."""

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._passed_on: set[str] = set()

    def concerns(self, visit: Visit) -> bool:
        """Tells whether the message of a visit is a task that was passed on, which is passed on again."""
        return bool(self._passed_on) and getattr(visit.message, "id", None) in self._passed_on

    def handler(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what is called in the place of the handler; itself where there is nobody to pass the task on to."""
        after = self._after(visit.path)
        return func if after is None else partial(self._pass_on, after)

    def clear(self) -> None:
        """Lets those who get a task from now on do it themselves."""
        self._passed_on.clear()

    async def _pass_on(self, to: Ref[Any], task: Task) -> Outcome:
        part = task.part(f"{task.id}>{task.hops + 1}", f"passed on to {to.path}", task.input)
        self._passed_on.add(part.id)
        return replace(await deliver(to, part), task_id=task.id)

    def _after(self, path: str) -> Ref[Any] | None:
        """Returns the agent that comes after that path, the first one after the last; None at a desk."""
        agents = {ref.path: ref for ref in directory_of(self._system).agents() if not self._is_desk(ref.path)}
        if path not in agents:
            return None
        paths = sorted(agents)
        return agents[paths[(paths.index(path) + 1) % len(paths)]]

    def _is_desk(self, path: str) -> bool:
        """Tells whether an agent is a desk, which would give what is passed on to a person."""
        cell = self._system.cells.get(path)
        cls = None if cell is None else cell.factory.cls
        return isinstance(cls, type) and issubclass(cls, Desk)
