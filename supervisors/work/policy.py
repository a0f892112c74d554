"""What a child's spec says about work: all that is done for a task beside handling it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ..checks import check, is_seconds, one_of
from ..judges.panel import Judging
from ..places import upwards
from .ladder import check_ladder
from .loops import LoopLimits

if TYPE_CHECKING:
    from ...runtime.cell import Cell
    from ..breakers.breaker import BreakerSpec
    from ..budgets.budget import Budget
    from ..failures.failure import Failure
    from ..judges.judge import Judge
    from .health import HealthSpec
    from .ladder import Ladder

__all__ = ["NOTHING", "Classifier", "Work", "loop_limits", "rules_of"]

Classifier: TypeAlias = Callable[[BaseException], "Failure | str | None"]
"""A user's own classification: a kind, a whole `Failure`, or None where it has nothing to say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """How tasks for a child, or for all below a supervisor, are guarded.

    Attributes:
        timeout: seconds for all tries of the child itself; what a fallback takes does not count.
        attempt_timeout: seconds for one try.
        idle_timeout: seconds without `progress()` after which a try counts as hung.
        recovery: the ladder. None: the nearest supervisor's above that has one, or else `ladder.DEFAULT`.
        judges: asked in the order of their cost.
        judging: `first` stops at the first rejection, `all` collects all verdicts.
        breaker: in front of the child; None: there is none.
        budgets: of the child, or of all below the supervisor.
        health: when the supervisor restarts it though it lives.
        loops: what is too much of the same. None: as the nearest supervisor's above, or else `LoopLimits()`.
        classify: asked in order before the built-in classification; a supervisor's are asked after its child's.
    """

    timeout: float | None = None
    attempt_timeout: float | None = None
    idle_timeout: float | None = None
    recovery: Ladder | None = None
    judges: tuple[Judge, ...] = ()
    judging: Judging = "first"
    breaker: BreakerSpec | None = None
    budgets: tuple[Budget, ...] = ()
    health: HealthSpec | None = None
    loops: LoopLimits | None = None
    classify: tuple[Classifier, ...] = ()

    def __post_init__(self) -> None:
        for name in ("timeout", "attempt_timeout", "idle_timeout"):
            value = getattr(self, name)
            check(name, value, value is None or is_seconds(value), "seconds, more than 0, or None")
        if self.recovery is not None:
            check_ladder("recovery", self.recovery)
        one_of("judging", self.judging, Judging)
        for name in ("judges", "budgets", "classify"):
            check(name, getattr(self, name), isinstance(getattr(self, name), tuple), "a tuple")


NOTHING = Work()
"""What applies where a spec says nothing."""

NO_LIMITS = LoopLimits()


def rules_of(cell: Cell) -> Work:
    """Returns what the spec of the child at an address says."""
    policy: Work | None = cell.policy
    return NOTHING if policy is None else policy


def loop_limits(cell: Cell) -> LoopLimits:
    """Returns the loop limits that apply to a child: its own, or those of the nearest supervisor above."""
    for one in upwards(cell):
        limits = rules_of(one).loops
        if limits is not None:
            return limits
    return NO_LIMITS
