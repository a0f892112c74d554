"""I2, of budgets: none begins where the limit is passed, and what is reserved is given back."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from ...runtime.faults import HANDLE
from ...supervisors.budgets.budget import UNITS, Spending
from ...supervisors.escalation import DESK
from ...supervisors.events import TaskAccepted, TaskRecovering, TaskSettled
from ...supervisors.places import upwards
from ...supervisors.work.attempt import Attempt
from ...supervisors.work.policy import rules_of
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...runtime.cell import Cell
    from ...runtime.faults import Visit
    from ...runtime.system import ActorSystem
    from ...runtime.telemetry import Event
    from ...supervisors.budgets.budget import LedgerView
    from ..world import World

__all__ = ["WithinBudget"]

Account = tuple[str, str, float, str]
"""A ledger in a period: whose it is, for how long it is kept, when it began, for which request."""


class WithinBudget(Invariant):
    """No attempt begins that was asked for after a limit was passed; and in the end nothing is reserved for nobody.

    A limit may be passed by the call that is under way, and by those around it: that is documented. What was admitted
    before may still begin. So an attempt is held against a ledger if that was over its limit at an earlier attempt,
    before this one was asked for, and is so still.

    Source: docs/budgets.md, "Reserved before, settled after": one call at most passes the limit; none begins after.
    """

    name = "I2"
    what = "usage stays within budgets: nothing begins where a limit is passed"
    events = (TaskAccepted, TaskRecovering, TaskSettled)
    points = (HANDLE,)

    def __init__(self) -> None:
        super().__init__()
        self._system: ActorSystem | None = None
        self._numbers = count()
        self._asked: dict[tuple[str, str], int] = {}
        self._over: dict[Account, int] = {}

    def started(self, world: World) -> None:
        """Begins."""
        self._system = world.system

    def event(self, event: Event) -> None:
        """Takes note of when an attempt is asked for."""
        if isinstance(event, TaskSettled):
            self._asked.pop((event.path, event.task), None)
        elif isinstance(event, TaskAccepted | TaskRecovering):
            self._asked[event.path, event.task] = next(self._numbers)

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Looks at the ledgers of an attempt whose handler begins."""
        if type(visit.reply) is Attempt and visit.reply.task.kind != DESK and self._system is not None:
            cell = self._system.cells.get(visit.path)
            if cell is not None and cell.guard is not None and self._is_limited(cell, visit.reply):
                self._begins(cell, visit.reply)
        return func

    def _is_limited(self, cell: Cell, attempt: Attempt) -> bool:
        return bool(attempt.task.budget) or any(rules_of(one).budgets for one in upwards(cell))

    def _begins(self, cell: Cell, attempt: Attempt) -> None:
        """Looks at the ledgers that an attempt draws on, as its handler begins."""
        task, wall = attempt.task, cell.system.clock.time()
        asked = self._asked.get((cell.path, task.id))
        for ledgers in cell.guard.all_ledgers(task):
            for view in ledgers.views(wall):
                if view.per == "task" and view.request not in ("", task.trace):
                    continue  # of another request
                account = (view.owner, view.per, view.since, view.request)
                passed = _passed(view)
                if passed and asked is not None and self._over.setdefault(account, next(self._numbers)) < asked:
                    self.violated(f"{cell.path}: task {task.id} began, though {view.owner} has {passed}")

    def settled(self, world: World) -> None:
        """Looks for what is reserved, and nobody has it."""
        root = world.runtime.snapshot()
        for one in () if root is None else root.walk():
            if any(below.tasks for below in one.walk()):
                continue  # what is in hand may hold something
            for view in one.budgets:
                if view.calls or view.reserved != Spending():
                    self.violated(
                        f"{one.path}: {view.calls} calls have {view.reserved} of a budget, and none is under way"
                    )

    def closed(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Ends."""
        self._system = None


def _passed(view: LedgerView) -> str:
    """Returns which limit is passed, in words; empty if none is. More incarnations may be lost by one (docs)."""
    return ", ".join(f"spent {spent:g} {unit} of {limit:g}" for unit, spent, limit in _over(view))


def _over(view: LedgerView) -> Iterator[tuple[str, float, float]]:
    for unit in UNITS:
        limit, spent = getattr(view.limits, unit), getattr(view.spent, unit)
        if limit is not None and spent > limit:
            yield unit, spent, limit
