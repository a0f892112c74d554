"""One fault of a plan while it is armed: its visits, its stream of draws, how far its program has come."""

from __future__ import annotations

import random
from functools import cached_property
from typing import TYPE_CHECKING

from ..plans.actions import arguments_of, drawn
from ..plans.matching import is_supervisor
from .turn import Turn

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.cell import Cell
    from ..plans.plan import Fault
    from .fired import Occurrence
    from .turn import Hit

__all__ = ["Armed"]


class Armed:
    """See the module. What happens at its n-th visit depends on the seed, the rule's id and n alone.

    Args:
        id: the rule's, in its plan.
        fault: what the plan says.
        seed: of the run.
        only: the only occurrences that happen; None means all.
        tell: as `Turn.tell`.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 - the field's name
        fault: Fault,
        seed: int,
        only: frozenset[Occurrence] | None,
        tell: Callable[[Turn, Hit], bool],
    ) -> None:
        self.id = id
        self.fault = fault
        self.fired = 0
        """How often it has happened."""
        self._seed = seed
        self._only = only
        self._tell = tell
        self._course = fault.course()
        self._from = fault.from_
        self._until = float("inf") if fault.for_ is None else fault.from_ + fault.for_

    @cached_property
    def pace(self) -> random.Random:
        """What the times of a timed fault are drawn from."""
        return self._stream("pace")

    @cached_property
    def _draw(self) -> Callable[[], float]:
        """What the chances of its visits are drawn from."""
        return self._stream("visits").random

    @property
    def visits(self) -> int:
        """How many visits it has counted."""
        return self._course.visits

    def turn(self, now: float) -> Turn | None:
        """Counts a visit at a time since the plan began; returns what happens, None if nothing does."""
        if not self._from <= now < self._until:
            return None
        term = self._course.step(self._draw)
        if term is None or not (self._only is None or (self.id, self.visits) in self._only):
            return None
        source = self._stream(str(self.visits))
        action = drawn(term.action, source)
        return Turn(self.id, self.visits, action, arguments_of(action), source, self._tell)

    def spares(self, cell: Cell | None) -> bool:
        """Tells whether an actor is left alone: nobody starts a root supervisor again, so its path alone means it."""
        if cell is None or cell.parent is not None or not is_supervisor(cell):
            return False
        return cell.path not in self.fault.where.path

    def _stream(self, what: str) -> random.Random:
        return random.Random(f"{self._seed}/{self.id}/{what}")  # noqa: S311 - drawn anew from the same seed
