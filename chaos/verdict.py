"""What is kept of a run when the run itself is let go: plain data, which crosses processes as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from .coverage import Coverage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .trial import Trial

__all__ = ["Broken", "Verdict"]


@dataclass(frozen=True, slots=True)
class Broken:
    """An invariant that did not hold: its name, when that was seen (virtual seconds), and what was seen."""

    invariant: str
    at: float
    text: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.at:.3f} s: {self.text}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One run's.

    Attributes:
        seed, policy: which run it was.
        violations: what did not hold; empty for a run that is fine.
        counts: how often each kind of fault happened.
        coverage: how often what was reached.
        trace: the digest of its steps.
        steps: of the loop.
        seconds: virtual ones.
        wall: seconds that it took; they are no part of what repeats.
    """

    seed: int
    policy: str
    violations: tuple[Broken, ...]
    counts: Mapping[str, int]
    coverage: Coverage = field(compare=False)
    trace: str
    steps: int
    seconds: float
    wall: float = field(compare=False, default=0.0)

    @property
    def failed(self) -> bool:
        """Whether something did not hold."""
        return bool(self.violations)

    @property
    def faults(self) -> int:
        """How many faults happened."""
        return sum(self.counts.values())

    def brief(self) -> Self:
        """Returns it without its counts and its coverage, which are large, once they are in a sum."""
        return replace(self, counts={}, coverage=Coverage())

    @classmethod
    def of(cls, trial: Trial) -> Self:
        """Returns what is kept of a run."""
        return cls(
            seed=trial.seed,
            policy=trial.policy,
            violations=tuple(Broken(one.invariant, one.at, one.text) for one in trial.violations),
            counts=dict(trial.counts),
            coverage=trial.coverage,
            trace=trial.trace,
            steps=trial.steps,
            seconds=trial.seconds,
            wall=trial.wall,
        )

    def as_data(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        violations = [asdict(one) for one in self.violations]
        return {**fields, "violations": violations, "coverage": self.coverage.as_data()}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Returns what `as_data` has made data of."""
        violations = tuple(Broken(**one) for one in data["violations"])
        return cls(**{**data, "violations": violations, "coverage": Coverage.from_data(data["coverage"])})
