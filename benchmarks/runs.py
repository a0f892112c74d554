"""Runs everybody: each run in a process of its own, the repeats as the outer loop.

So a busy minute of the machine falls on all peers alike, and none inherits another's memory or garbage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .measure import Measured
from .process import answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .cases import Case
    from .entrants import Entrant

__all__ = ["Plan", "Run", "runs"]

SMALLEST = 2


@dataclass(frozen=True)
class Plan:
    """Which cases of which peers to run, how often, with n times `scale`, for `timeout` seconds at most."""

    cases: tuple[Case, ...]
    entrants: tuple[Entrant, ...]
    repeat: int = 3
    scale: float = 1.0
    timeout: float = 300.0
    collect: bool = True
    """Whether Python collects its cyclic garbage."""
    loop: str = "asyncio"
    """The library whose event loop those run on that have Treeward's environment."""

    def steps(self) -> Iterator[tuple[int, Case, Entrant]]:
        """Yields what to run, in order."""
        for repeat in range(self.repeat):
            for case in self.cases:
                for entrant in self.entrants:
                    if case.name in entrant.modules:
                        yield repeat, case, entrant

    def size(self, case: Case, entrant: Entrant) -> int:
        """Returns n for a case of a peer."""
        return max(SMALLEST, round(entrant.peer.sizes.get(case.name, case.n) * self.scale))


@dataclass(frozen=True)
class Run:
    """What one process measured; or why it did not."""

    repeat: int
    case: str
    peer: str
    n: int
    measured: Measured | None
    error: str | None = None


def runs(plan: Plan) -> Iterable[Run]:
    """Carries a plan out; yields each run as it ends."""
    for repeat, case, entrant in plan.steps():
        n = plan.size(case, entrant)
        try:
            yield Run(repeat, case.name, entrant.name, n, _measured(entrant, case.name, n, plan))
        except (ValueError, TypeError) as error:
            yield Run(repeat, case.name, entrant.name, n, None, str(error))


def _measured(entrant: Entrant, case: str, n: int, plan: Plan) -> Measured:
    collecting = {} if plan.collect else {"BENCHMARK_NO_GC": "1"}
    looping = {"BENCHMARK_LOOP": plan.loop} if entrant.peer.venv is None else {}
    words = ("measure", entrant.modules[case], case, str(n))
    return Measured(**answer(entrant.python, words, {**entrant.environment, **collecting, **looping}, plan.timeout))
