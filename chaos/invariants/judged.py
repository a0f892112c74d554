"""I2, of judges: no output goes on that the child's judges have not accepted in the attempt that it is from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...runtime.faults import HANDLE
from ...supervisors.events import JudgeFailed, OutputJudged, TaskAccepted, TaskSettled
from ...supervisors.failures.failure import OWN
from ...supervisors.judges.seat import JUDGE
from ...supervisors.work.attempt import Attempt
from ...supervisors.work.policy import rules_of
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ...runtime.cell import Cell
    from ...runtime.faults import Visit
    from ...runtime.telemetry import Event
    from ...supervisors.judges.judge import Judge
    from ..world import World

__all__ = ["Judged"]

ITS_OWN = frozenset({"first", *OWN})
"""The rungs on which a child's own output is the outcome's."""


@dataclass(slots=True)
class _Try:
    """What is known of a child's last attempt at a task."""

    judges: tuple[str, ...]
    asked: set[str] = field(default_factory=set)
    accepted: bool = False


class Judged(Invariant):
    """An output that a child with judges has made passes on once they have looked at it, in that attempt, and accepted.

    Each judge has to have been asked since the attempt began, or to have failed (then its `on_judge_error` decides).
    What a judge says is believed: that it lies is the fault's doing.

    Source: docs/judges.md: an output leaves a child only past its judges; that of a later attempt, too.
    """

    name = "I2"
    what = "no output passes that a judge of that child has not accepted in that attempt"
    events = (TaskAccepted, TaskSettled, OutputJudged, JudgeFailed)
    points = (HANDLE, JUDGE)

    def __init__(self) -> None:
        super().__init__()
        self._cells: Mapping[str, Cell] = {}
        self._tries: dict[tuple[str, str], _Try] = {}

    def started(self, world: World) -> None:
        """Begins."""
        self._cells = world.system.cells

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Takes note of attempts that begin, and of judges who are asked."""
        if visit.point is JUDGE:
            self._asked(visit.path, visit.message.task.id, visit.name)
        elif type(visit.reply) is Attempt:
            judges = self._judges(visit.path)
            if judges:
                self._tries[visit.path, visit.reply.task.id] = _Try(judges)
        return func

    def _judges(self, path: str) -> tuple[str, ...]:
        cell = self._cells.get(path)
        return () if cell is None else _names(rules_of(cell).judges)

    def _asked(self, path: str, task: str, judge: str) -> None:
        found = self._tries.get((path, task))
        if found is not None:
            found.asked.add(judge)

    def event(self, event: Event) -> None:
        """Takes note of what judges say, and looks at what goes on."""
        if isinstance(event, JudgeFailed):
            self._asked(event.path, event.task, event.judge)
        elif isinstance(event, OutputJudged):
            found = self._tries.get((event.path, event.task))
            if found is not None:
                found.accepted = event.accepted
        elif isinstance(event, TaskAccepted):
            self._tries.pop((event.path, event.task), None)
        elif isinstance(event, TaskSettled):
            self._settled(event)

    def _settled(self, event: TaskSettled) -> None:
        found, present = self._tries.pop((event.path, event.task), None), self._judges(event.path)
        if found is None or not present or not _passes(event):
            return
        which = f"{event.path}: task {event.task} is {event.status} by {event.rung}"
        kept = [judge for judge in found.judges if judge in present]  # others came or went with a reload
        silent = [judge for judge in kept if not any(_is(judge, one) for one in found.asked)]
        if not found.accepted:
            self.violated(f"{which}, and no judge accepted it")
        elif silent:
            self.violated(f"{which}, and {', '.join(silent)} was not asked")


def _names(judges: Iterable[Judge]) -> tuple[str, ...]:
    """Returns what judges are called in events and visits: those of one name are told apart by a number."""
    names: list[str] = []
    for judge in judges:
        number, name = 1, judge.name
        while name in names:
            number += 1
            name = f"{judge.name}-{number}"
        names.append(name)
    return tuple(names)


def _is(judge: str, asked: str) -> bool:
    """Tells whether who was asked is a judge, or one of its members, who are named behind it."""
    return asked == judge or asked.startswith(f"{judge}/")


def _passes(event: TaskSettled) -> bool:
    """Tells whether an output of the child's own goes on. One that a person has to decide about may be nobody's."""
    return event.rung in ITS_OWN and event.status != "needs_human" and (event.output or event.status == "ok")
