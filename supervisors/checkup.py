"""The look at children that live: who is looked at, when, and what is done about one that is unhealthy.

A look is a timer of the clock, and waits for nobody: a supervisor that is held up by one child still sees that
another one hangs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..runtime.cell import Phase
from .requests import ChildUnhealthy
from .work.health import is_hung, judge_health
from .work_errors import Unhealthy

if TYPE_CHECKING:
    from ..runtime.cell import Cell
    from ..runtime.clock import TimerHandle
    from .children import Child
    from .requests import Reaction
    from .work.health import HealthSpec

__all__ = ["Checkup", "ailment"]

_RANKS: dict[Reaction, int] = {"none": 1, "restart": 2, "kill": 3}
"""What was done goes before what is less."""

_NOTHING = (0, 0)


class Checkup:
    """The looks of one supervisor's incarnation at its children. On the runtime's loop.

    There is one timer for each interval that specs ask for, as long as a child runs that asks for it, and none
    where no child does.
    """

    __slots__ = ("_cell", "_rounds")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._rounds: dict[float, _Round] = {}

    def begin(self, child: Child) -> None:
        """Looks at a life that has just begun, whose spec asks for it: what the former one did does not count."""
        if child.cell.guard is not None:
            child.cell.guard.stats.reset(self._cell.system.clock.monotonic())
        self.attend(child)

    def attend(self, child: Child) -> None:
        """Looks at a child from now on, as often as its spec says, for as long as it runs."""
        health = child.spec.work.health
        if health is None or child.state != "running":
            return
        if health.every not in self._rounds:
            self._rounds[health.every] = _Round(self._cell, health.every, self._rounds)
        self._rounds[health.every].add(child)


class _Round:
    """The looks at all children that are looked at in one interval. It ends with the supervisor's incarnation."""

    __slots__ = ("_cell", "_children", "_every", "_rounds", "_timer")

    def __init__(self, cell: Cell, every: float, rounds: dict[float, _Round]) -> None:
        self._cell = cell
        self._every = every
        self._rounds = rounds
        self._children: dict[Child, tuple[int, int]] = {}
        """Who is looked at: in which incarnation something was done about it, and the rank of that."""
        self._timer: TimerHandle = cell.system.clock.call_later(every, self._look)
        cell.own(self)

    def add(self, child: Child) -> None:
        """Adds a child, if it is not among them."""
        self._children.setdefault(child, _NOTHING)

    def cancel(self) -> None:
        """Ends the looks."""
        self._timer.cancel()

    def _look(self) -> None:
        clock = self._cell.system.clock
        now = clock.monotonic()
        for child in list(self._children):
            health = child.spec.work.health
            if child.state == "running" and health is not None and health.every == self._every:
                self._look_at(child, health, now)
            else:
                del self._children[child]
        if self._children:
            self._timer = clock.call_later(self._every, self._look)
        else:
            del self._rounds[self._every]
            self._cell.disown(self)

    def _look_at(self, child: Child, health: HealthSpec, now: float) -> None:
        cell, before = child.cell, self._children[child]
        why = ailment(cell, health, now)
        if why is None:
            if before[1] == _RANKS["none"]:
                self._children[child] = _NOTHING
            return
        reaction = _reaction(child, health, now)
        done = (cell.incarnation, _RANKS[reaction])
        if done > before:
            self._children[child] = done
            _react(cell, why, reaction)


def ailment(cell: Cell, health: HealthSpec | None, now: float) -> str | None:
    """Returns why a child that lives is unhealthy; None if it is not, does not live, or is not looked at."""
    guard = cell.guard
    if health is None or guard is None or cell.phase is not Phase.RUNNING:
        return None
    return judge_health(health, guard.stats, guard.oldest(now), guard.silent_for(now), cell.busy, now)


def _reaction(child: Child, health: HealthSpec, now: float) -> Reaction:
    """Returns what is done about a child that is unhealthy; nothing where no restart would follow."""
    if child.spec.restart == "temporary":
        return "none"
    cell = child.cell
    return "kill" if is_hung(health, cell.guard.silent_for(now), busy=cell.busy) else "restart"


def _react(cell: Cell, why: str, reaction: Reaction) -> None:
    """Reports it, and ends the life: after the message in hand, or in the middle of it if that would never end."""
    cell.system.telemetry.emit(ChildUnhealthy, cell.path, cell.incarnation, why, reaction)
    if reaction == "restart":
        cell.stop_next(Unhealthy(why))
    elif reaction == "kill":
        cell.kill(Unhealthy(why))
