"""Many seeds: what they came to, all together, and each that failed a second time."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter  # noqa: TID251 - how fast it really is
from typing import TYPE_CHECKING, Any

from .coverage import Coverage
from .crew import Crew
from .invariants.catalogue import declared
from .state import passing_place
from .trial import Keeping, run_trial
from .verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from .simulation.schedule import Policy
    from .subject import Subject
    from .trial import Trial

__all__ = ["Campaign", "Failing", "Findings"]


@dataclass(frozen=True)
class Failing:
    """A seed that failed, and what came of running it again.

    Attributes:
        first: what it came to in the campaign.
        trial: the second run, with all that is known of it; None where an earlier seed has failed in the same way.
        difference: how the second run differs from the first; empty if it repeats exactly, as it ought to.
    """

    first: Verdict
    trial: Trial | None
    difference: str = ""

    @property
    def kind(self) -> str:
        """What failed first: failures of one kind are told of once."""
        return self.first.violations[0].invariant

    @property
    def repeats(self) -> bool:
        """Whether the second run was the first one, step by step."""
        return not self.difference


@dataclass
class Findings:
    """What a campaign has come to so far.

    Attributes:
        verdicts: of each seed, in the order of the seeds, without what is in the sums.
        failing: the seeds that failed, in the same order.
        counts: how often each kind of fault happened, over all seeds.
        coverage: how often what was reached, over all seeds.
        traces: the digests of the runs, each once.
        seconds: virtual ones.
        steps: of the loops.
        wall: seconds that it took, from the first seed to the last.
        ended: why it ended before the last seed: `failed`, `time`, `interrupted`; empty if it did not.
    """

    verdicts: list[Verdict] = field(default_factory=list)
    failing: list[Failing] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    coverage: Coverage = field(default_factory=Coverage)
    traces: set[str] = field(default_factory=set)
    seconds: float = 0.0
    steps: int = 0
    wall: float = 0.0
    ended: str = ""

    @property
    def faults(self) -> int:
        """How many faults happened."""
        return self.counts.total()

    @property
    def seeds_per_second(self) -> float:
        """Of real time."""
        return len(self.verdicts) / self.wall if self.wall else 0.0

    @property
    def faults_per_second(self) -> float:
        """Of real time."""
        return self.faults / self.wall if self.wall else 0.0

    def take(self, verdict: Verdict) -> None:
        """Adds one run."""
        self.verdicts.append(verdict.brief())
        self.counts.update(verdict.counts)
        self.coverage.add(verdict.coverage)
        self.traces.add(verdict.trace)
        self.seconds += verdict.seconds
        self.steps += verdict.steps


@dataclass(frozen=True)
class Campaign:
    """Seeds that are run one after the other, or side by side; what they come to depends on the seeds alone.

    Attributes:
        subject: what is tried.
        seeds: in the order in which they count.
        policy: in which order ready tasks run.
        faults: whether any happen.
        jobs: how many processes work on it.
        keep_going: whether it goes on behind a seed that failed.
        max_time: seconds after which no further seed counts; None means that all of them do.
        clock: the time of `max_time` and of the rates.
    """

    subject: Subject
    seeds: Sequence[int]
    policy: Policy = "random"
    faults: bool = True
    jobs: int = 1
    keep_going: bool = False
    max_time: float | None = None
    clock: Callable[[], float] = perf_counter

    def run(
        self,
        told: Callable[[Findings], object] = lambda _: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> Findings:
        """Runs the seeds, and returns what they came to.

        Args:
            told: hears of what is known after each seed.
            stopped: whether it is to end before the next seed.

        A `KeyboardInterrupt` ends it as `stopped` does, in the middle of a seed. Raises as `Crew`.
        """
        findings = Findings(coverage=self._declared())
        began = self.clock()
        try:
            with passing_place() as place, self._verdicts(place) as verdicts:
                for verdict in verdicts:
                    findings.take(verdict)
                    findings.wall = self.clock() - began
                    if verdict.failed:
                        findings.failing.append(self._again(verdict, place, findings.failing))
                    told(findings)
                    findings.ended = self._why_it_ends(findings, stopped)
                    if findings.ended:
                        break
        except KeyboardInterrupt:
            findings.ended = "interrupted"
        return findings

    def _declared(self) -> Coverage:
        """Returns the claims of the modules that the tree may use: also those to which no run may ever come."""
        return Coverage(claims={name: (kind, 0, 0) for name, kind in declared(self.subject.allow).items()})

    def _why_it_ends(self, findings: Findings, stopped: Callable[[], bool]) -> str:
        if len(findings.verdicts) == len(self.seeds):
            return ""
        if findings.failing and not self.keep_going:
            return "failed"
        if stopped():
            return "interrupted"
        return "time" if self.max_time is not None and findings.wall >= self.max_time else ""

    @contextmanager
    def _verdicts(self, place: Path) -> Iterator[Iterator[Verdict]]:
        """Gives the verdicts in the order of the seeds, from this process or from several."""
        if self.jobs == 1:
            yield (Verdict.of(self._trial(place, seed)) for seed in self.seeds)
            return
        with Crew(partial(self._as_data, place), self.jobs) as crew:
            yield (Verdict.from_data(data) for data in crew.results(self.seeds))

    def _as_data(self, place: Path, seed: int) -> dict[str, Any]:
        return Verdict.of(self._trial(place, seed)).as_data()

    def _trial(self, place: Path, seed: int) -> Trial:
        return run_trial(self.subject, seed, policy=self.policy, faults=self.faults, keeping=Keeping(place))

    def _again(self, first: Verdict, place: Path, before: Sequence[Failing]) -> Failing:
        trial = self._trial(place, first.seed)
        failing = Failing(first, trial, _difference(first, Verdict.of(trial)))
        return replace(failing, trial=None) if any(one.kind == failing.kind for one in before) else failing


def _difference(first: Verdict, second: Verdict) -> str:
    """Returns how two runs of one seed differ, in words; empty if they do not."""
    if first.violations != second.violations:
        then, now = ("; ".join(map(str, verdict.violations)) or "nothing" for verdict in (first, second))
        return f"what did not hold at first: {then}; and the second time: {now}"
    if first.trace != second.trace:
        return (
            f"the first run has {first.steps} steps (trace {first.trace}), the second {second.steps} ({second.trace})"
        )
    return ""
