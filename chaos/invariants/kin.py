"""The lives of all children, followed from outside: what their supervisors have said about them, and who wanted it."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar

from ...runtime.faults import HANDLE
from ...runtime.telemetry import ActorAbandoned, ActorEnded, ActorStarted
from ...supervisors.requests import (
    ChildRestarting,
    ChildRetried,
    DeleteChild,
    Reload,
    Resize,
    RestartChild,
    StartAnother,
    StartChild,
    TerminateChild,
)
from ...supervisors.supervisor import Supervisor
from .families import reach
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ...runtime.cell import Cell
    from ...runtime.exits import ExitReason
    from ...runtime.faults import Visit
    from ...runtime.telemetry import Event
    from ...supervisors.spec import ChildSpec, SupervisorSpec
    from ..world import World

__all__ = ["Kin", "Life", "Team"]

BY_HAND = frozenset({StartChild, StartAnother, RestartChild, TerminateChild, DeleteChild, Reload, Resize})
"""Requests after which a supervisor starts and ends children because somebody wants it."""


@dataclass(slots=True)
class Life:
    """What is known of the present or last life at an address. Numbers count what has been seen, from 1.

    Attributes:
        incarnation: which one it is.
        began: when the last one that has run began; 0: before the watch.
        under: the incarnation of its supervisor in which that was.
        ran: whether it has run; if not, its start has failed.
        ended: when it ended; 0: it has not.
        reason: why, as far as it is known.
    """

    incarnation: int
    began: int
    under: int
    ran: bool = False
    ended: int = 0
    reason: ExitReason | None = None


@dataclass(slots=True)
class Team:
    """What is known of one supervisor in one incarnation.

    Attributes:
        by_hand: when somebody last asked it to change something; 0: never.
        restarting: when a child's restart was last told, by its id.
        taking: since when those whom a child's restart takes along are ended, by its id.
    """

    by_hand: int = 0
    restarting: dict[str, int] = field(default_factory=dict)
    taking: dict[str, int] = field(default_factory=dict)


class Kin(Invariant):
    """Follows the lives of all children; the base of what says something about restarts."""

    events: ClassVar[tuple[type[Event], ...]] = (
        ActorStarted,
        ActorEnded,
        ActorAbandoned,
        ChildRestarting,
        ChildRetried,
    )
    points = (HANDLE,)

    def __init__(self) -> None:
        super().__init__()
        self.cells: Mapping[str, Cell] = {}
        self.lives: dict[str, Life] = {}
        self._teams: dict[tuple[str, int], Team] = {}
        self._abandoned: set[tuple[str, int]] = set()
        self._numbers = count(1)

    def started(self, world: World) -> None:
        """Takes note of who lives."""
        self.cells = world.system.cells
        for path, cell in self.cells.items():
            under = 0 if cell.parent is None else cell.parent.incarnation
            self.lives[path] = Life(cell.incarnation, 0, under, ran=cell.alive)

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Takes note of requests to supervisors."""
        if type(visit.message) in BY_HAND:
            self._team(visit.path, visit.incarnation).by_hand = next(self._numbers)
        return func

    def event(self, event: Event) -> None:
        """Takes note of a life's begin or end, or of what a supervisor says of one."""
        match event:
            case ActorStarted():
                self._began(event)
            case ChildRestarting():
                self._restarts(event)
            case ChildRetried():
                self._retries(event)
            case _:
                self._ended(event)

    def again(self, cell: Cell, before: Life) -> None:
        """Sees that a child begins once more under the same incarnation of its supervisor."""

    def restarting(self, event: ChildRestarting, life: Life | None) -> None:
        """Sees that a supervisor tells of a restart; `life` is what was known of just that incarnation."""

    def retried(self, event: ChildRetried) -> None:
        """Sees that a supervisor tries a start once more."""

    # What is told. ------------------------------------------------------------------------------------

    def _began(self, event: ActorStarted) -> None:
        before, cell = self.lives.get(event.path), self.cells.get(event.path)
        above = None if cell is None else cell.parent
        under = 0 if above is None else above.incarnation
        if cell is not None and above is not None and before is not None and before.under == under:
            self.again(cell, before)
        self.lives[event.path] = Life(event.incarnation, next(self._numbers), under, ran=True)

    def _ended(self, event: Event) -> None:
        life = self.lives.get(event.path)
        known = life is not None and not life.ended and life.incarnation == event.incarnation
        if life is not None and (event.path, event.incarnation) in self._abandoned and not known:
            return  # its end was told when it was abandoned
        if not known:  # a start that has failed
            before = Life(0, 0, 0) if life is None else life
            life = self.lives[event.path] = Life(event.incarnation, before.began, before.under)
        assert life is not None  # noqa: S101 - it is known, or was made
        life.ended = next(self._numbers)
        if isinstance(event, ActorEnded):
            life.reason = event.reason
        else:
            self._abandoned.add((event.path, event.incarnation))

    def _restarts(self, event: ChildRestarting) -> None:
        life = self.life_of(event.path, event.incarnation)
        self.restarting(event, life)
        team = self.team_of(event.path)
        if team is None:
            return
        child, number = _id(event.path), next(self._numbers)
        team.restarting[child] = number
        if life is not None and life.ran:
            team.taking[child] = number
        else:  # nobody is ended before it is tried again
            team.taking.pop(child, None)

    def _retries(self, event: ChildRetried) -> None:
        self.retried(event)
        team = self.team_of(event.path)
        if team is not None:
            team.taking[_id(event.path)] = next(self._numbers)

    # Who is who. --------------------------------------------------------------------------------------

    def life_of(self, path: str, incarnation: int) -> Life | None:
        """Returns what is known of just that incarnation."""
        life = self.lives.get(path)
        return life if life is not None and life.incarnation == incarnation else None

    def above(self, child: str) -> Cell | None:
        """Returns a child's supervisor."""
        return self.cells.get(child.rpartition("/")[0])

    def team_of(self, child: str) -> Team | None:
        """Returns what is known of a child's supervisor, in its present incarnation."""
        above = self.above(child)
        return None if above is None else self._team(above.path, above.incarnation)

    def _team(self, path: str, incarnation: int) -> Team:
        return self._teams.setdefault((path, incarnation), Team())

    def options_of(self, supervisor: Cell | None) -> SupervisorSpec | None:
        """Returns what a supervisor goes by at present."""
        actor = None if supervisor is None else supervisor.actor
        return actor.options if isinstance(actor, Supervisor) else None

    def spec_of(self, child: str) -> ChildSpec | None:
        """Returns a child's spec, if its supervisor has it still."""
        above = self.above(child)
        actor = None if above is None else above.actor
        return actor.spec_of(_id(child)) if isinstance(actor, Supervisor) else None

    # Why a child may begin once more. -----------------------------------------------------------------

    def is_asked_for(self, cell: Cell, before: Life) -> bool:
        """Tells whether somebody has asked its supervisor for something since it last began."""
        team = self.team_of(cell.path)
        return team is not None and team.by_hand > before.began

    def is_its_own(self, cell: Cell, before: Life) -> bool:
        """Tells whether its own death, or failed start, was told since it last began."""
        team = self.team_of(cell.path)
        return team is not None and team.restarting.get(_id(cell.path), 0) > before.began

    def siblings(self, cell: Cell, before: Life) -> list[str]:
        """Returns the siblings whose restart was told since it last began."""
        team = self.team_of(cell.path)
        told = {} if team is None else team.restarting
        return [child for child, number in told.items() if number > before.began and child != _id(cell.path)]

    def reached(self, child: str, siblings: list[str]) -> list[str]:
        """Returns those of these siblings whose restart takes a child along."""
        above = self.above(child)
        actor = None if above is None else above.actor
        if not isinstance(actor, Supervisor):
            return []
        strategy, ids = actor.options.strategy, tuple(actor.states())
        return [sibling for sibling in siblings if _id(child) in reach(strategy, ids, sibling)]

    def taken_along(self, child: str, life: Life) -> list[str]:
        """Returns the siblings with whose restart a child was ended: that is no death of its own."""
        team = self.team_of(child)
        taking = {} if team is None else team.taking
        since = [one for one, number in taking.items() if life.began < number < life.ended and one != _id(child)]
        return self.reached(child, since)

    def supervisors(self) -> Iterator[tuple[Cell, Supervisor]]:
        """Yields the supervisors that live."""
        for cell in list(self.cells.values()):
            if cell.alive and isinstance(cell.actor, Supervisor):
                yield cell, cell.actor


def _id(path: str) -> str:
    return path.rpartition("/")[2]
