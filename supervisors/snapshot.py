"""The living tree as frozen data: for people, for tests, for the command line."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from pydantic_core import to_jsonable_python

from ..runtime.exits import reason_text
from .checkup import ailment
from .pool import Pool
from .supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..runtime.cell import Cell
    from .breakers.breaker import BreakerView
    from .budgets.budget import LedgerView
    from .children import State
    from .work.guard import TaskView
    from .work.health import HealthSpec

__all__ = ["Snapshot", "snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One actor, and those below it, at one moment.

    Attributes:
        path: its place in the tree.
        kind: the class's name.
        type: `worker` or `supervisor`.
        state: `running`, `starting`, `restarting` or `stopped`.
        incarnation: how many lives it has had, this one included.
        mailbox: messages that wait.
        busy: whether a handler is at work.
        abandoned: earlier incarnations that could not be ended, and still run.
        last_end: why the last incarnation ended; None in the first.
        health: why it is unhealthy though it lives; None if it is not, or its spec has no `health`.
        ready: whether it takes work: it runs, is not unhealthy, and its breaker is not open. So must all children of
            a supervisor, but for those that are stopped; of a pool, one member.
        breaker: how the circuit breaker in front of it stands; None where there is none, or no task came yet.
        budgets: the ledgers of its own budgets; a supervisor's are for all below it.
        tasks: those in hand, oldest first: also those that wait, for their turn, a retry, judges or an answer.
        quarantined: tasks that have killed here, and are not given to it again.
        children: in start order.
    """

    path: str
    kind: str
    type: Literal["worker", "supervisor"]
    state: State
    incarnation: int
    mailbox: int
    busy: bool
    abandoned: int
    last_end: str | None
    health: str | None = None
    ready: bool = True
    breaker: BreakerView | None = None
    budgets: tuple[LedgerView, ...] = ()
    tasks: tuple[TaskView, ...] = ()
    quarantined: int = 0
    children: tuple[Snapshot, ...] = ()

    def walk(self) -> Iterator[Snapshot]:
        """Yields this one and all below it, parents first."""
        left = [self]
        while left:
            one = left.pop()
            yield one
            left += reversed(one.children)

    def find(self, path: str) -> Snapshot | None:
        """Returns the actor at that path, or None."""
        return next((one for one in self.walk() if one.path == path), None)

    def as_dict(self) -> dict[str, Any]:
        """Returns plain data, ready for JSON."""
        made: dict[int, dict[str, Any]] = {}
        for one in reversed(list(self.walk())):  # those below before those above: a tree may be higher than the stack
            made[id(one)] = _own(one) | {"children": [made.pop(id(child)) for child in one.children]}
        return made[id(self)]


def _own(one: Snapshot) -> dict[str, Any]:
    own = {field.name: getattr(one, field.name) for field in fields(one) if field.name != "children"}
    plain: dict[str, Any] = to_jsonable_python(own, inf_nan_mode="null", fallback=str)
    return plain


def snapshot(cell: Cell, state: State | None = None) -> Snapshot:
    """Takes the picture of an actor and of those below it. On the runtime's loop."""
    seen: list[tuple[Cell, State]] = [(cell, state or ("running" if cell.alive else "stopped"))]
    for one, _ in seen:  # it grows on the way: a tree may be higher than Python's stack is deep
        states = one.actor.states() if isinstance(one.actor, Supervisor) else {}
        seen += [(child, states.get(name, "stopped")) for name, child in (one.children or {}).items()]
    abandoned = Counter(life.cell for life in cell.system.abandoned)
    now = cell.system.clock.monotonic()
    taken: dict[Cell, Snapshot] = {}
    for one, its in reversed(seen):
        children = tuple(taken.pop(child) for child in (one.children or {}).values())
        taken[one] = _picture(one, its, abandoned[one], children, now)
    return taken[cell]


def _picture(cell: Cell, state: State, abandoned: int, children: tuple[Snapshot, ...], now: float) -> Snapshot:
    cls = cell.factory.cls
    kind = cls if isinstance(cls, type) else object
    health = ailment(cell, _health_spec(cell), now)
    view = None if cell.guard is None else cell.guard.view(now)
    breaker = None if view is None else view.breaker
    is_open = breaker is not None and breaker.state in ("open", "forced_open")
    above = kind.__mro__  # of a class that may have virtual subclasses, issubclass asks its way through all of them
    enough = any if Pool in above else all
    served = not children or enough(child.ready for child in children if child.state != "stopped")
    return Snapshot(
        path=cell.path,
        kind=getattr(cls, "__name__", str(cls)),
        type="supervisor" if Supervisor in above else "worker",
        state=state,
        incarnation=cell.incarnation,
        mailbox=len(cell.mailbox),
        busy=cell.busy,
        abandoned=abandoned,
        last_end=None if cell.end is None else reason_text(cell.end),
        health=health,
        ready=state == "running" and cell.alive and health is None and not is_open and served,
        breaker=breaker,
        budgets=() if view is None else view.budgets,
        tasks=() if view is None else view.tasks,
        quarantined=0 if view is None else view.quarantined,
        children=children,
    )


def _health_spec(cell: Cell) -> HealthSpec | None:
    health: HealthSpec | None = None if cell.policy is None else cell.policy.health
    return health
