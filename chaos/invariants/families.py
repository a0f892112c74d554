"""Our own model of supervision: which death is restarted, whom it takes along, and when it is too much. Pure.

It is written from the contract, and not from the supervisors' code, which is held against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...runtime.exits import Exit, ExitReason, Shutdown

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ...supervisors.spec import Restart, Strategy

__all__ = ["CLOSE", "Deaths", "is_due", "reach"]

CLOSE = 1e-3
"""Seconds: two times that are as close as that may lie on either side of a window's edge, on a real clock."""


def is_due(restart: Restart, reason: ExitReason) -> bool:
    """Tells whether a child that has ended by itself is to be started again (SUPERVISION, section 6)."""
    if restart == "temporary":
        return False
    orderly = reason in (Exit.NORMAL, Exit.SHUTDOWN) or isinstance(reason, Shutdown)
    return restart == "permanent" or not orderly


def reach(strategy: Strategy, ids: Sequence[str], dead: str) -> frozenset[str]:
    """Returns whom the death of one child restarts, itself included (SUPERVISION, section 7).

    `ids` are all children, in the order in which they start. Temporary ones among them go down, and are not started.
    """
    if strategy == "one_for_all":
        return frozenset(ids)
    if strategy == "rest_for_one" and dead in ids:
        return frozenset(ids[ids.index(dead) :])
    return frozenset({dead})


class Deaths:
    """The events of one supervisor's incarnation: deaths, and new tries of a start (SUPERVISION, section 8)."""

    __slots__ = ("_at",)

    def __init__(self, at: Iterable[float] = ()) -> None:
        self._at = list(at)

    def add(self, at: float) -> None:
        """Counts one more."""
        self._at.append(at)

    def surely(self, within: float, now: float) -> int:
        """Returns how many have happened within the last so many seconds, those at the edge left out."""
        return sum(now - at <= within - CLOSE for at in self._at)

    def perhaps(self, within: float, now: float) -> int:
        """Returns the same, those at the edge included."""
        return sum(now - at <= within + CLOSE for at in self._at)
