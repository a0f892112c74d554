"""What has come by at the points where values are changed: a stale value, or another task's, was right once."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from .corruption import payload, snapshot
from .turn import subject_of

if TYPE_CHECKING:
    from ...runtime.faults import Visit

__all__ = ["Memory"]

KEPT = 16
"""Values that are remembered of one point, and of one name there, such as a tool's."""


class _Seen(NamedTuple):
    path: str
    subject: str
    carrier: type
    value: Any


class Memory:
    """Values as they were right, the latest of each point and name."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], deque[_Seen]] = {}

    def add(self, visit: Visit, value: Any) -> None:
        """Remembers what came by, as it is now."""
        kept = self._seen.setdefault((visit.point.name, visit.name), deque(maxlen=KEPT))
        kept.append(_Seen(visit.path, subject_of(visit.message), type(value), snapshot(payload(value))))

    def stale(self, visit: Visit, value: Any) -> list[Any]:
        """Returns what the same actor has given before, the oldest first."""
        return [seen.value for seen in self._like(visit, value) if seen.path == visit.path]

    def foreign(self, visit: Visit, value: Any) -> list[Any]:
        """Returns what belongs to other tasks than the visit's, the oldest first."""
        subject = subject_of(visit.message)
        return [seen.value for seen in self._like(visit, value) if seen.subject != subject]

    def clear(self) -> None:
        """Forgets all."""
        self._seen.clear()

    def _like(self, visit: Visit, value: Any) -> list[_Seen]:
        """Returns what could stand in the place of a value: of its point and name, and carried by the same type."""
        seen = list(self._seen.get((visit.point.name, visit.name), ()))  # threads may add to it meanwhile
        return [one for one in seen if one.carrier is type(value) and one.value is not value]
