"""I7: after healing, the tree is ready, and what was waiting then has been dealt with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...runtime.cell import Phase
from ...supervisors.events import TaskAccepted, TaskSettled
from ...supervisors.requests import ChildRestarting
from ...supervisors.supervisor import Supervisor
from .held import A_BIT
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...runtime.cell import Cell
    from ...runtime.telemetry import Event
    from ...supervisors.snapshot import Snapshot
    from ..faults.fired import Fired
    from ..world import World

__all__ = ["Recovered", "unready"]

LOSSES = frozenset({"drop", "corrupted message", "corrupted output"})
"""Faults after which somebody may wait for what never comes: without a deadline, for ever."""


class Recovered(Invariant):
    """When the tree has had its time after the faults, it takes work, and nothing of what waited is still there.

    Documented waits are no failure: a breaker whose cooldown is not over, a child whose backoff is not; nor is the end
    of a child that is never restarted, or of a root that has given up (whether it might is I6's). A task without a
    deadline that has lost a message to a fault waits for ever, and rightly so.

    Source: RELIABILITY, I7.
    """

    name = "I7"
    what = "after healing all is ready, and mailboxes and hands are empty in time"
    events = (TaskAccepted, TaskSettled, ChildRestarting)

    def __init__(self) -> None:
        super().__init__()
        self._cells: Mapping[str, Cell] = {}
        self._tasks: dict[tuple[str, str], float | None] = {}
        self._lossy: set[tuple[str, str]] = set()
        """Tasks in hand, without a deadline, since whose beginning a fault has lost something."""
        self._due: dict[str, float] = {}
        """When a child's restart is due, by its path."""
        self._passing: frozenset[str] = frozenset()
        self._old: dict[str, list[Any]] = {}
        """What was in each mailbox when all was healed, by path."""

    def started(self, world: World) -> None:
        """Takes note of those that are not started again whatever happens."""
        self._cells = world.system.cells
        self._passing = frozenset(path for path in self._cells if self._restart_of(path) == "temporary")

    def _restart_of(self, path: str) -> str:
        cell = self._cells[path]
        actor = None if cell.parent is None else cell.parent.actor
        spec = actor.spec_of(path.rpartition("/")[2]) if isinstance(actor, Supervisor) else None
        return "" if spec is None else spec.restart

    def event(self, event: Event) -> None:
        """Takes note of what is in hand, and of restarts that have to wait."""
        if isinstance(event, TaskAccepted):
            self._tasks[event.path, event.task] = event.deadline
        elif isinstance(event, TaskSettled):
            self._tasks.pop((event.path, event.task), None)
            self._lossy.discard((event.path, event.task))
        elif isinstance(event, ChildRestarting):
            self._due[event.path] = event.at + event.delay

    def fired(self, fired: Fired) -> None:
        """Takes note of tasks that may wait for what a fault has lost."""
        if fired.kind in LOSSES:
            self._lossy.update(one for one, deadline in self._tasks.items() if deadline is None)

    def healed(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Takes note of what is waiting."""
        self._old = {path: [one[0] for one in cell.mailbox.messages or ()] for path, cell in self._cells.items()}

    def settled(self, world: World) -> None:
        """Looks at what has become of all that."""
        root = world.runtime.snapshot()
        if not world.healed or world.gave_up or root is None:
            return
        for path, why in unready(world).items():
            if not self._is_excused(root, path):
                self.violated(f"{path} is not ready: {why}")
        for one in root.walk():
            self._look_for_tasks(one, world)
            self._look_into(one)

    def closed(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Lets go of messages."""
        self._old.clear()

    def _is_excused(self, root: Snapshot, path: str) -> bool:
        """Tells whether somebody is not ready for a reason that is documented."""
        if any(path == one or path.startswith(f"{one}/") for one in self._passing):
            return True
        return any(self._waits(below) for one in [root.find(path)] if one is not None for below in one.walk())

    def _waits(self, one: Snapshot) -> bool:
        cooling = one.breaker is not None and one.breaker.retry_in != 0.0
        return cooling or (one.state == "restarting" and self.now() <= self._due.get(one.path, 0.0) + A_BIT)

    def _look_for_tasks(self, one: Snapshot, world: World) -> None:
        since = self.now() - (world.healed_at or 0.0)
        for task in one.tasks:
            waits = task.state == "input-required" or (one.path, task.id) in self._lossy
            if task.seconds > since + A_BIT and not waits:
                self.violated(f"{one.path} has had task {task.id} in hand for {task.seconds:.6f} s: it is {task.state}")

    def _look_into(self, one: Snapshot) -> None:
        cell = self._cells.get(one.path)
        if cell is None or cell.phase is not Phase.RUNNING:
            return
        there = {id(message) for message, _ in cell.mailbox.messages or ()}
        left = [message for message in self._old.get(one.path, ()) if id(message) in there]
        if left:
            kinds = ", ".join(sorted({type(message).__name__ for message in left}))
            self.violated(f"{one.path} has left {len(left)} messages ({kinds}) where they were when all was healed")


def unready(world: World) -> dict[str, str]:
    """Returns who keeps the tree from being ready, by path, and why; nothing if it is ready."""
    health = world.runtime.health()
    return {} if health.ready else dict(health.why) or {world.system.name: "nobody says why"}
