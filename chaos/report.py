"""What a campaign has found: as text for people, as JSON, and as JUnit's XML."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from ..runtime.faults import POINTS
from ..trees.export import yaml_of
from ..trees.values import AS_WRITTEN
from .timeline import excerpt

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Iterator, Mapping

    from .campaign import Campaign, Failing, Findings
    from .plans.plan import Plan
    from .shrink import Shrunken
    from .trial import Trial

__all__ = ["Report", "again", "plan_yaml", "summary", "told_failure"]

FORMAT = 1
"""Of the JSON: a field is added without a new number, and none is taken away or changed without one."""

_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True)
class Report:
    """A campaign, what it found, and how it was begun.

    Attributes:
        campaign: what was to be run.
        findings: what came of it.
        shrunken: the failures with as few faults as were found, by seed.
        words: of a command line that runs one seed of it again, without seed and policy: `treeward chaos replay TREE`.
    """

    campaign: Campaign
    findings: Findings
    shrunken: Mapping[int, Shrunken] = field(default_factory=dict)
    words: tuple[str, ...] = ()

    # For people.

    def text(self) -> str:
        """Returns the summary, and then every failure, the first of a kind with all that is known of it."""
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from summary(self.campaign, self.findings)
        for failing in self.findings.failing:
            yield ""
            shrunken = self.shrunken.get(failing.first.seed)
            yield from told_failure(failing, shrunken, self._again(failing), whole=self._is_told(failing))

    def _is_told(self, failing: Failing) -> bool:
        """Tells whether a failure is the first of its kind."""
        kind = failing.kind
        return next(one for one in self.findings.failing if one.kind == kind) is failing

    def _again(self, failing: Failing) -> str:
        return again(self.words, failing.first.seed, failing.first.policy)

    # For machines.

    def as_data(self) -> dict[str, Any]:
        """Returns it as JSON has it. The fields are in docs/chaos-cli.md."""
        campaign, findings = self.campaign, self.findings
        return {
            "format": FORMAT,
            "tree": campaign.subject.tree.name,
            "fingerprint": campaign.subject.tree.fingerprint,
            "plan": campaign.subject.plan.name,
            "policy": campaign.policy,
            "seeds": {"asked": len(campaign.seeds), "run": len(findings.verdicts), "failed": len(findings.failing)},
            "ended": findings.ended or "done",
            "faults": {"total": findings.faults, "by_kind": dict(findings.counts.most_common())},
            "virtual_seconds": findings.seconds,
            "steps": findings.steps,
            "seconds": findings.wall,
            "seeds_per_second": findings.seeds_per_second,
            "faults_per_second": findings.faults_per_second,
            "distinct_traces": len(findings.traces),
            "coverage": {**findings.coverage.as_data(), "never": list(findings.coverage.never)},
            "failures": [self._failure(failing) for failing in findings.failing],
        }

    def _failure(self, failing: Failing) -> dict[str, Any]:
        first = failing.first
        shrunken = self.shrunken.get(first.seed)
        return {
            "seed": first.seed,
            "policy": first.policy,
            "violations": [{"invariant": one.invariant, "at": one.at, "text": one.text} for one in first.violations],
            "trace": first.trace,
            "repeats": failing.repeats,
            "difference": failing.difference,
            "knobs": dict(failing.trial.knobs) if failing.trial else {},
            "faults": len(failing.trial.fired) if failing.trial else first.faults,
            "shrunken": None if shrunken is None else _shrunken(shrunken),
            "timeline": excerpt(failing.trial) if failing.trial else [],
            "trace_tail": list(failing.trial.tail) if failing.trial else [],
            "again": self._again(failing),
        }

    def junit(self) -> str:
        """Returns JUnit's XML: a test case for each seed that was run."""
        findings = self.findings
        name = f"{self.campaign.subject.tree.name} under {self.campaign.subject.plan.name}"
        numbers = {"tests": len(findings.verdicts), "failures": len(findings.failing), "errors": 0, "skipped": 0}
        counts = {key: str(value) for key, value in numbers.items()}
        suites = ET.Element("testsuites")
        suite = ET.SubElement(suites, "testsuite", {"name": name, "time": f"{findings.wall:.3f}", **counts})
        failing = {one.first.seed: one for one in findings.failing}
        for verdict in findings.verdicts:
            attributes = {"classname": name, "name": f"seed {verdict.seed}", "time": f"{verdict.wall:.3f}"}
            case = ET.SubElement(suite, "testcase", attributes)
            if verdict.seed in failing:
                self._add_failure(case, failing[verdict.seed])
        ET.indent(suites)
        return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="unicode")}\n'

    def _add_failure(self, case: ET.Element, failing: Failing) -> None:
        first = failing.first.violations[0]
        attributes = {"type": _xml(first.invariant), "message": _xml(str(first))}
        lines = told_failure(failing, self.shrunken.get(failing.first.seed), self._again(failing), whole=True)
        ET.SubElement(case, "failure", attributes).text = _xml("\n".join(lines))


def _shrunken(shrunken: Shrunken) -> dict[str, Any]:
    return {
        "plan": plan_yaml(shrunken.plan),
        "faults": shrunken.faults,
        "of": shrunken.before,
        "tries": shrunken.tries,
        "complete": shrunken.complete,
        "exact": shrunken.exact,
        "occurrences": [list(one) for one in shrunken.only],
    }


def _xml(text: str) -> str:
    """Returns a text without the characters that XML cannot have."""
    return _NOT_IN_XML.sub("", text)


def again(words: Iterable[str], seed: int, policy: str) -> str:
    """Returns the command line that runs one seed again."""
    return shlex.join([*words, "--seed", str(seed), "--policy", policy])


def plan_yaml(plan: Plan) -> str:
    """Returns a plan as a YAML document; `load_plan` reads it back as an equal plan."""
    data = plan.model_dump(exclude_defaults=True, context=AS_WRITTEN)
    for fault in data.get("faults", ()):
        if set(fault.get("where", ())) == {"path"}:
            fault["where"] = fault["where"]["path"][0] if len(fault["where"]["path"]) == 1 else fault["where"]["path"]
    return yaml_of({"treeward": plan.treeward, **data})


# --- the summary ------------------------------------------------------------------------------------


def summary(campaign: Campaign, findings: Findings) -> Iterator[str]:
    """Yields what a campaign came to, line by line."""
    ran, asked = len(findings.verdicts), len(campaign.seeds)
    of = "" if ran == asked else f" of {asked:,}, {_WHY[findings.ended]}"
    yield f"{_counted(ran, 'seed')}{of}: {len(findings.failing):,} failed"
    rate = f"{findings.seeds_per_second:,.1f} seeds/s, {findings.faults_per_second:,.0f} faults/s"
    yield f"  time     {_hours(findings.seconds)} virtual in {findings.wall:,.1f} s: {rate}, policy {campaign.policy}"
    kinds = _listed(findings.counts)
    yield f"  faults   {findings.faults:,}{f': {kinds}' if kinds else ''}"
    if silent := [
        rule for rule in campaign.subject.plan.rules if campaign.faults and not findings.coverage.rules[rule]
    ]:
        yield f"  silent   these never happened: {', '.join(silent)}"
    yield f"  points   {_points(findings)}"
    yield from _claims(findings)
    yield f"  traces   {len(findings.traces):,} distinct"


_WHY = {
    "failed": "up to the first that failed",
    "time": "as many as the time allowed",
    "interrupted": "interrupted",
    "": "",
}


def _points(findings: Findings) -> str:
    visits = findings.coverage.visits
    never = [name for name in POINTS if not visits[name]]
    missing = f"; nobody came by {', '.join(never)}" if never else ""
    return f"{len(POINTS) - len(never)} of {len(POINTS)} were visited{missing}"


def _claims(findings: Findings) -> Iterator[str]:
    claims = findings.coverage.claims
    wanted = [name for name, (kind, _, _) in claims.items() if kind in ("sometimes", "reachable")]
    if wanted:
        never = findings.coverage.never
        missing = f"; never held: {', '.join(never)}" if never else ""
        yield f"  claims   {len(wanted) - len(never)} of {len(wanted)} have held{missing}"


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {number:,}" for name, number in counts.most_common())


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:,.2f} h" if seconds >= 3600 else f"{seconds:,.0f} s"


# --- a failure --------------------------------------------------------------------------------------


def told_failure(failing: Failing, shrunken: Shrunken | None, command: str, *, whole: bool) -> Iterator[str]:
    """Yields what is known of a seed that failed, line by line; not `whole`, as few as will do."""
    first = failing.first
    repeats = "the same when run again" if failing.repeats else "DIFFERENT WHEN RUN AGAIN"
    yield f"seed {first.seed} failed (policy {first.policy}, {repeats}):"
    for violation in first.violations if whole else first.violations[:1]:
        yield f"  {violation}".replace("\n", "\n  ")
    if not failing.repeats:
        yield f"  THIS SEED DOES NOT REPEAT: {failing.difference}"
        yield "  something in it is not simulated: a clock, randomness, the order of a set, state left by another run"
    if whole and failing.trial is not None:
        yield from _details(failing.trial, shrunken)
    yield f"  run it again: {command}"


def _details(trial: Trial, shrunken: Shrunken | None) -> Iterator[str]:
    if trial.knobs:
        yield f"  knobs: {', '.join(f'{name} = {value!r}' for name, value in trial.knobs.items())}"
    if shrunken is not None:
        yield from _plan(shrunken)
    yield "  what happened:" if shrunken is None else "  what happens with it:"
    yield from (f"    {line}" for line in excerpt(trial if shrunken is None else shrunken.trial))


def _plan(shrunken: Shrunken) -> Iterator[str]:
    bound = "" if shrunken.complete else "; there may be fewer: the tries were used up"
    of = f"{_counted(shrunken.before, 'fault')} to {shrunken.faults:,} in {_counted(shrunken.tries, 'run')}{bound}"
    yield f"  shrunk from {of}:"
    if not shrunken.exact:
        needed = ", ".join(f"{one.rule} at {one.number}" for one in shrunken.only)
        yield f"  as a plan of its own it does not fail; of the plan's faults, those needed are: {needed}"
        return
    yield from (f"    {line}" for line in plan_yaml(shrunken.plan).splitlines())
