"""Who gets a task: by declared capability the least busy, and round robin among those equally busy."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .directory import directory_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..runtime.ref import Ref
    from ..runtime.system import ActorSystem

__all__ = ["Router", "candidates", "least_busy", "load"]


def candidates(system: ActorSystem, capability: str) -> tuple[Ref[Any], ...]:
    """Returns who can do it: those that run now, or else those that are just being restarted."""
    return system.registry.capable(capability) or directory_of(system).who(capability)


def load(system: ActorSystem, ref: Ref[Any]) -> int:
    """Returns how many messages an actor has to handle: those that wait, and the one in hand."""
    cell = system.cells.get(ref.path)
    return 0 if cell is None else len(cell.mailbox) + cell.busy


def least_busy(loads: Sequence[int], turn: int) -> int:
    """Returns the place of the smallest load; of several, the one whose turn it is."""
    places = [place for place, found in enumerate(loads) if found == min(loads)]
    return places[turn % len(places)]


class Router:
    """Chooses one of several that can do the same."""

    __slots__ = ("_system", "_turns")

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._turns: Counter[str] = Counter()

    def choose(self, capability: str, among: Sequence[Ref[Any]]) -> Ref[Any] | None:
        """Returns whose turn it is, or None if there is nobody: never one that did not say it can."""
        if not among:
            return None
        turn = self._turns[capability]
        self._turns[capability] = turn + 1
        place = 0 if len(among) == 1 else least_busy([load(self._system, ref) for ref in among], turn)
        return among[place]
