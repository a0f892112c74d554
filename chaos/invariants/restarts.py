"""I5, I6 and I9: who is restarted, with whom, how often, and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...runtime.cell import Phase
from ...runtime.exits import Exit, reason_text
from ...runtime.faults import HANDLE
from ...supervisors.requests import ChildRestarting, ChildRetried, GaveUp, Reload
from .families import Deaths, is_due
from .kin import Kin

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.cell import Cell
    from ...runtime.faults import Visit
    from ...runtime.telemetry import Event
    from ..world import World
    from .kin import Life

__all__ = ["CauseKnown", "OnlyItsReach", "WithinIntensity"]


class OnlyItsReach(Kin):
    """A child is restarted for its own death, or with a sibling if the strategy says so; a temporary one never.

    A supervisor that is itself restarted starts all of its children; so does whoever asks for it by hand. Whoever is to
    be restarted does not stay down.

    Source: SUPERVISION, sections 6 and 7.
    """

    name = "I5"
    what = "siblings outside the strategy's reach are not restarted, and a temporary child never is"

    def again(self, cell: Cell, before: Life) -> None:
        """Looks whether a child that begins once more may."""
        if self.is_asked_for(cell, before):
            return
        spec, siblings = self.spec_of(cell.path), self.siblings(cell, before)
        after = f"after the death of {', '.join(siblings)}"
        if spec is not None and spec.restart == "temporary":
            self.violated(f"{cell.path} is temporary, and was started again {after if siblings else ''}".rstrip())
        elif siblings and not self.is_its_own(cell, before) and not self.reached(cell.path, siblings):
            self.violated(f"{cell.path} was started again {after}, whose restart does not reach it")

    def restarting(self, event: ChildRestarting, life: Life | None) -> None:
        """Looks whether a death is one that is followed by a restart."""
        spec = self.spec_of(event.path)
        if spec is None or life is None:
            return
        if spec.restart == "temporary" or (life.ran and not is_due(spec.restart, event.reason)):
            why = reason_text(event.reason)
            self.violated(f"{event.path} is {spec.restart}, has ended with {why}, and is to be started again")

    def settled(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Looks for children that should have been started again."""
        for cell, supervisor in self.supervisors():
            states = supervisor.states()
            waits = cell.busy or cell.phase is not Phase.RUNNING or {"restarting", "starting"} & set(states.values())
            for child in () if waits else [child for child, state in states.items() if state == "stopped"]:
                self._stays_down(f"{cell.path}/{child}")

    def _stays_down(self, path: str) -> None:
        cell, life, spec = self.cells.get(path), self.lives.get(path), self.spec_of(path)
        if cell is None or life is None or spec is None or not life.ended or life.reason is None:
            return
        declined = not life.ran and life.reason is Exit.NORMAL
        if is_due(spec.restart, life.reason) and not declined and not self.is_asked_for(cell, life):
            self.violated(f"{path} is {spec.restart}, has ended with {reason_text(life.reason)}, and stays down")


class CauseKnown(Kin):
    """Before every restart, the log tells why: an end of that very life, or a sibling's, or somebody's wish.

    Source: RELIABILITY, I9.
    """

    name = "I9"
    what = "every restart has a cause in the log"

    def again(self, cell: Cell, before: Life) -> None:
        """Looks for the cause of a child's beginning once more."""
        if not (self.is_its_own(cell, before) or self.siblings(cell, before) or self.is_asked_for(cell, before)):
            self.violated(f"{cell.path}: incarnation {cell.incarnation} began, and nothing tells why")

    def restarting(self, event: ChildRestarting, life: Life | None) -> None:
        """Looks whether the end that a supervisor gives as the reason was told, and told alike."""
        which = f"{event.path}: incarnation {event.incarnation}"
        if life is None or not life.ended:
            self.violated(f"{which} is to be replaced, and its end was never told")
        elif life.ran and life.reason is not None and life.reason is not event.reason:
            told, ended = reason_text(event.reason), reason_text(life.reason)
            self.violated(f"{which} is to be replaced because of {told}, and has ended with {ended}")


@dataclass(slots=True)
class _Count:
    """What one incarnation of a supervisor has to answer for."""

    deaths: Deaths = field(default_factory=Deaths)
    told: set[tuple[str, int]] = field(default_factory=set)
    """The lives whose end was given as a reason."""
    gave_up: bool = False
    reloaded: bool = False
    """Whether it may have forgotten what a longer window would have."""


class WithinIntensity(Kin):
    """Each death counts once, and so does each new try of a start; more than the limit, and the supervisor gives up.

    It gives up only then, does nothing more for its children, and ends. What is counted is taken from the ends that the
    runtime tells; the limit is the supervisor's spec.

    Source: SUPERVISION, section 8: exactly R events are allowed within any T seconds, an event counts while its age is
    at most T; section 7: one death is one event, however many siblings are restarted with it.
    """

    name = "I6"
    what = "restarts stay within the intensity, else the supervisor gives up and escalates; and only then"
    events = (*Kin.events, GaveUp)

    def __init__(self) -> None:
        super().__init__()
        self._counts: dict[tuple[str, int], _Count] = {}
        self._tried = ""
        """The child whose new try was the last event."""
        self._due = ""
        """Who has to give up now, since that try was one too many."""

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Takes note of requests to supervisors."""
        if type(visit.message) is Reload and visit.point is HANDLE:
            self._count(visit.path, visit.incarnation).reloaded = True
        return super().call(visit, func)

    def event(self, event: Event) -> None:
        """Counts, and looks whether a supervisor that has to give up does so at once."""
        tried, due, self._tried, self._due = self._tried, self._due, "", ""
        if isinstance(event, GaveUp):
            self._given_up(event, tried)
            return
        if due:
            self.violated(f"{due} has passed its limit, and does not give up")
        super().event(event)

    def restarting(self, event: ChildRestarting, life: Life | None) -> None:
        """Counts a death; a start that has failed counts when it is tried again."""
        kept = self._count_of(event.path)
        if kept is None:
            return
        self._look_at(kept, event.path, event.incarnation, life)
        if life is not None and life.ran and self._add(kept, event):
            self.violated(f"{event.path} is restarted, though its supervisor has passed its limit")

    def retried(self, event: ChildRetried) -> None:
        """Counts a new try."""
        kept, above = self._count_of(event.path), self.above(event.path)
        if kept is not None and above is not None:
            self._tried = event.path
            life = self.life_of(event.path, event.incarnation)
            if life is not None and life.ran:
                self.violated(
                    f"{event.path}: the end of incarnation {event.incarnation} is counted again, as a new try"
                )
            if self._add(kept, event):
                self._due = f"{above.path} #{above.incarnation}"

    def _look_at(self, kept: _Count, path: str, incarnation: int, life: Life | None) -> None:
        """Looks whether an end counts as a death, and as one only."""
        if kept.gave_up:
            self.violated(f"{path}: its supervisor has given up, and goes on all the same")
        if (path, incarnation) in kept.told:
            self.violated(f"{path}: the end of incarnation {incarnation} is counted twice")
        kept.told.add((path, incarnation))
        along = [] if life is None or not life.ran else self.taken_along(path, life)
        if along:
            with_whom = ", ".join(along)
            self.violated(
                f"{path}: incarnation {incarnation} was ended with {with_whom}, and counts as a death of its own"
            )

    def _add(self, kept: _Count, event: Event) -> bool:
        """Counts an event; tells whether it is surely one too many."""
        kept.deaths.add(event.at)
        options = self.options_of(self.above(event.path))
        if options is None or kept.reloaded:
            return False
        limit = options.intensity
        return kept.deaths.surely(limit.within, event.at) > limit.restarts

    def _given_up(self, event: GaveUp, tried: str) -> None:
        kept, child = self._count(event.path, event.incarnation), f"{event.path}/{event.child}"
        if tried != child:  # a death, which is told by this event alone
            life = self.lives.get(child)
            self._look_at(kept, child, 0 if life is None else life.incarnation, life)
            kept.deaths.add(event.at)
        kept.gave_up = True
        found, limit = kept.deaths.perhaps(event.within, event.at), f"{event.restarts} within {event.within:g} s"
        if found <= event.restarts:
            self.violated(f"{event.path} #{event.incarnation} gave up after {found} deaths: its limit is {limit}")
        options = self.options_of(self.cells.get(event.path))
        if options is not None and (options.intensity.restarts, options.intensity.within) != (
            event.restarts,
            event.within,
        ):
            self.violated(f"{event.path} gave up by a limit of {limit}: its spec says {options.intensity}")

    def _count(self, path: str, incarnation: int) -> _Count:
        return self._counts.setdefault((path, incarnation), _Count())

    def _count_of(self, child: str) -> _Count | None:
        above = self.above(child)
        return None if above is None else self._count(above.path, above.incarnation)

    def settled(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Looks whether those that have given up have ended."""
        if self._due:
            self.violated(f"{self._due} has passed its limit, and does not give up")
        for (path, incarnation), kept in self._counts.items():
            cell = self.cells.get(path)
            if kept.gave_up and cell is not None and cell.alive and cell.incarnation == incarnation:
                self.violated(f"{path} #{incarnation} has given up, and lives on")
