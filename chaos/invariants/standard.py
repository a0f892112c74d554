"""The invariants that every run is checked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .breakers import BreakersHold
from .budgets import WithinBudget
from .judged import Judged
from .leftovers import NothingLeft
from .lives import NoOrphans, OneLife
from .messages import NoMessageLost
from .recovery import Recovered
from .replies import OneReply
from .restarts import CauseKnown, OnlyItsReach, WithinIntensity
from .tasks import DeadlineInherited, NoMoreAttempts, OneEnd, RequestsEnd, TasksEnd

if TYPE_CHECKING:
    from .invariant import Invariant

__all__ = ["STANDARD", "standard"]

STANDARD: tuple[type[Invariant], ...] = (
    TasksEnd,
    RequestsEnd,
    NoMessageLost,
    OneEnd,
    OneReply,
    Judged,
    BreakersHold,
    DeadlineInherited,
    NoMoreAttempts,
    WithinBudget,
    OneLife,
    NoOrphans,
    OnlyItsReach,
    WithinIntensity,
    Recovered,
    NothingLeft,
    CauseKnown,
)
"""Their kinds, in the order of their names. Several may have one name: each is one side of it."""


def standard() -> list[Invariant]:
    """Returns one of each, for one run; to be made before the runtime is."""
    return [kind() for kind in STANDARD]
