"""What the verbs of `treeward chaos` do. This file loads the room of chaos, which no other verb needs."""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..chaos.campaign import Campaign
from ..chaos.crew import CrewUnavailable, WorkerLost
from ..chaos.plans.explain import explain, points
from ..chaos.plans.plan_file import load_plan
from ..chaos.report import Report, plan_yaml
from ..chaos.shrink import shrink
from ..chaos.timeline import timeline
from ..chaos.trial import Keeping, run_trial
from .failures import Code, Failure
from .halt import Halt
from .interrupts import Interrupts
from .outcomes import plain
from .plans import plan_of, seeds_of, subject_of
from .progress import watching
from .text import clean, json_text
from .tree import loaded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..chaos.campaign import Findings
    from ..chaos.shrink import Shrunken
    from ..chaos.simulation.schedule import Policy
    from ..chaos.subject import Subject
    from ..chaos.trial import Trial
    from .progress import Watcher

__all__ = ["Files", "Keeping", "campaign_of", "replayed", "subject_of", "table_of_points", "told_plan", "tried"]


@dataclass(frozen=True)
class Files:
    """Where a report is written beside stdout: the shrunken plan, JUnit's XML, JSON; None means nowhere."""

    plan: Path | None = None
    junit: Path | None = None
    json: Path | None = None

    def check(self) -> None:
        """Raises `Failure` if one of them cannot be written, before hours have gone into what was to be in it."""
        for option, file in (("--save-plan", self.plan), ("--junit", self.junit), ("--json", self.json)):
            if file is not None and (file.is_dir() or not file.absolute().parent.is_dir()):
                what = "is a directory" if file.is_dir() else f"lies in a directory that is not there: {file.parent}"
                raise Failure(Code.USAGE, f"{option}: {file} {what}")

    def write(self, report: Report) -> None:
        """Writes all of them; the plan only if there is one."""
        if self.plan is not None and report.shrunken:
            first = next(iter(report.shrunken.values()))
            self.plan.write_text(plan_yaml(first.plan), encoding="utf-8")
        if self.junit is not None:
            self.junit.write_text(report.junit(), encoding="utf-8")
        if self.json is not None:
            self.json.write_text(json_text(plain(report.as_data()), indent=2) + "\n", encoding="utf-8")


def campaign_of(subject: Subject, seeds: str, **options: Any) -> Campaign:
    """Returns a campaign of the seeds that are written as `A..B` or `N`; `options` are its other fields."""
    return Campaign(subject, seeds_of("--seeds", seeds), **options)


def tried(campaign: Campaign, tries: int, words: tuple[str, ...], files: Files) -> Code:
    """Runs a campaign, shrinks what failed in so many tries, and reports. Raises `Failure` if it was interrupted.

    `words` are those of a command that runs one of its seeds again, without seed and policy.
    """
    files.check()
    with Halt() as halt:
        with watching(len(campaign.seeds)) as watcher:
            findings = _found(campaign, watcher, halt)
            shrunken = _shrunken(campaign, findings, tries, watcher, halt)
        report = Report(campaign, findings, shrunken, words)
        print(clean(report.text()))
        files.write(report)
    if halt() or findings.ended == "interrupted":
        raise Failure(
            Code.INTERRUPTED, f"interrupted after {len(findings.verdicts):,} of {len(campaign.seeds):,} seeds"
        )
    return Code.FAILED if findings.failing else Code.DONE


def _found(campaign: Campaign, watcher: Watcher, halt: Halt) -> Findings:
    gc.collect()
    gc.freeze()  # what is there by now is no garbage of a run: nobody has to look through it after each
    try:
        return campaign.run(watcher.ran, halt)
    except CrewUnavailable as error:
        raise Failure(Code.USAGE, f"--jobs: {error}") from None
    except WorkerLost as error:
        raise Failure(Code.GAVE_UP, str(error)) from None


def _shrunken(campaign: Campaign, findings: Findings, tries: int, watcher: Watcher, halt: Halt) -> dict[int, Shrunken]:
    """Returns the first failure of each kind with as few faults as are found, by seed."""
    found: dict[int, Shrunken] = {}
    for failing in findings.failing:
        if not (tries and campaign.faults) or failing.trial is None or not failing.repeats or halt():
            continue
        try:
            found[failing.first.seed] = shrink(
                campaign.subject, failing.trial, most_tries=tries, told=watcher.shrinking, stopped=halt
            )
        except KeyboardInterrupt:
            break
    return found


def replayed(subject: Subject, seed: int, policy: Policy, *, faults: bool, keeping: Keeping) -> Code:
    """Runs one seed, and prints its timeline, or its trace if that is kept, and what came of it."""
    if keeping.state is not None and keeping.state.exists():
        what = f"{keeping.state} is there already: name a directory that is not there yet"
        raise Failure(Code.USAGE, f"--keep-state: {what}")
    with Interrupts():
        trial = run_trial(subject, seed, policy=policy, faults=faults, keeping=keeping)
    lines = trial.tail if keeping.trace else timeline(trial)
    print(clean("\n".join([*lines, "", *_verdict(trial)])))
    return Code.FAILED if trial.failed else Code.DONE


def _verdict(trial: Trial) -> Iterator[str]:
    yield f"seed {trial.seed}, policy {trial.policy}: {'failed' if trial.failed else 'all held'}"
    yield from (f"  {violation}" for violation in trial.violations)
    yield f"  time     {trial.seconds:,.3f} s virtual, {trial.steps:,} steps"
    kinds = ", ".join(f"{name} {number:,}" for name, number in trial.counts.most_common())
    yield f"  faults   {len(trial.fired):,}{f': {kinds}' if kinds else ''}"
    if trial.knobs:
        yield f"  knobs    {', '.join(f'{name} = {value!r}' for name, value in trial.knobs.items())}"
    yield f"  trace    {trial.trace}"


def table_of_points() -> Iterator[str]:
    """Yields all places at which something may go wrong, and what may go wrong there, line by line."""
    for row in points():
        yield f"{row.name} ({row.shape}): {row.what}"
        yield f"    where  {', '.join(row.where) or 'nothing to choose by'}"
        yield f"    do     {', '.join(row.actions)}"


def told_plan(plan: str, tree: str | None, allow: Sequence[str]) -> str:
    """Returns a plan in words. Raises `TreeError` if it is not valid, or does not fit the tree."""
    against = None if tree is None else loaded(tree, allow)
    return clean(explain(load_plan(plan_of(plan), allow=allow, tree=against)))
