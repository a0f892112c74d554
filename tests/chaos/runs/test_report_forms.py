"""What a campaign has found, as text, as JSON and as JUnit's XML."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from treeward.chaos.campaign import Campaign
from treeward.chaos.plans.plan_file import load_plan
from treeward.chaos.report import Report, again, plan_yaml
from treeward.chaos.shrink import shrink

WORDS = ("treeward", "chaos", "replay", "tree.yaml", "my plan.yaml", "--allow", "tills")


class Clock:
    """A clock in which each look takes a quarter of a second."""

    now = 0.0

    def __call__(self):
        self.now += 0.25
        return self.now


@pytest.fixture
def report(rush_hour):
    """Reports seeds of the rush hour, with the failures shrunken."""

    def make(seeds, **options):
        campaign = Campaign(rush_hour, seeds, clock=Clock(), **options)
        findings = campaign.run()
        shrunken = {one.first.seed: shrink(rush_hour, one.trial) for one in findings.failing if one.trial is not None}
        return Report(campaign, findings, shrunken, WORDS)

    return make


# --- text -------------------------------------------------------------------------------------------


def test_the_summary(report, fails):
    """Where all held, a few lines say how much was tried, how fast, and what was never reached."""
    made = report(range(fails))
    lines = [line for line in made.text().splitlines() if "silent" not in line]
    faults, wall = made.findings.faults, 0.25 * fails
    kinds = ", ".join(f"{kind} {number}" for kind, number in made.findings.counts.most_common())
    rates = f"{fails / wall:.1f} seeds/s, {faults / wall:,.0f} faults/s"
    assert lines == [
        f"{fails} seed{'s' * (fails > 1)}: 0 failed",
        f"  time     {made.findings.seconds:,.0f} s virtual in {wall:.1f} s: {rates}, policy random",
        f"  faults   {faults}: {kinds}",
        "  points   6 of 10 were visited; nobody came by bus.publish, judge, tool.call, tool.serve",
        *(line for line in lines if line.startswith("  claims   ")),
        f"  traces   {fails} distinct",
    ]
    assert "never held: " in lines[-2]
    assert "a sale was free" in lines[-2]


def test_rules_that_never_happened_are_named(rush_hour):
    """A rule that never fired tests nothing, and is named."""
    plan = rush_hour.plan.model_copy(update={"faults": (never(rush_hour.plan.faults[0]), *rush_hour.plan.faults[1:])})
    campaign = Campaign(replace(rush_hour, plan=plan), range(1), keep_going=True)
    silent = next(line for line in Report(campaign, campaign.run()).text().splitlines() if "silent" in line)
    assert silent.startswith("  silent   these never happened: dies")


def never(fault):
    return fault.model_copy(update={"on": (10_000,)})


def test_a_failure(report, fails):
    """A failure has what did not hold, the shrunken plan, what happens with it, and how to run the seed again."""
    made = report(range(100))
    lines = made.text().splitlines()
    assert lines[0] == f"{fails + 1} seeds of 100, up to the first that failed: 1 failed"
    begin = lines.index(f"seed {fails} failed (policy random, the same when run again):")
    assert lines[begin + 1] == f"  {made.findings.failing[0].first.violations[0]}"
    before = made.shrunken[fails].before
    assert f"  shrunk from {before} faults to 1 in {made.shrunken[fails].tries} runs:" in lines
    assert "      do: crash(when=after)" in lines
    assert any(" fault shop/till#" in line and "subject=sale " in line for line in lines)
    assert any(re.search(r" !! booked once: sale-\d+ was booked 2 times$", line) for line in lines)
    assert lines[-1] == (
        f"  run it again: treeward chaos replay tree.yaml 'my plan.yaml' --allow tills --seed {fails} --policy random"
    )


def test_failures_of_a_kind_are_told_once(report, fails):
    """Of several failures of one kind, the first is told in full, the others in three lines."""
    text = report(range(fails, fails + 40), keep_going=True).text()
    _, first, second, *_ = text.split("\n\n")
    assert "shrunk from" in first
    assert len(second.splitlines()) == 3


def test_a_seed_that_does_not_repeat_is_said_loudly(report, fails):
    """A failure whose second run differs is told in capitals, with what that means."""
    made = report([fails])
    made.findings.failing[0] = replace(made.findings.failing[0], difference="the first run has 9 steps")
    text = made.text()
    assert "DIFFERENT WHEN RUN AGAIN" in text
    assert "THIS SEED DOES NOT REPEAT: the first run has 9 steps" in text
    assert "something in it is not simulated" in text


def test_the_line_that_runs_it_again():
    """What the shell would take apart is in quotes."""
    assert again(["treeward", "a b"], 7, "pct") == "treeward 'a b' --seed 7 --policy pct"


# --- JSON -------------------------------------------------------------------------------------------


def test_json(report, fails):
    """The data has all that was found, and JSON can hold it."""
    made = report(range(100))
    data = json.loads(json.dumps(made.as_data()))
    assert {key: data[key] for key in ("format", "tree", "plan", "policy", "ended", "seeds")} == {
        "format": 1,
        "tree": "shop",
        "plan": "rush-hour",
        "policy": "random",
        "ended": "failed",
        "seeds": {"asked": 100, "run": fails + 1, "failed": 1},
    }
    assert data["faults"]["total"] == sum(data["faults"]["by_kind"].values()) == made.findings.faults
    assert data["coverage"]["never"] == ["a sale was free"]
    assert sum(data["coverage"]["rules"].values()) == made.findings.faults
    assert data["distinct_traces"] == fails + 1
    (failure,) = data["failures"]
    assert (failure["seed"], failure["repeats"], failure["difference"]) == (fails, True, "")
    (broken,) = failure["violations"]
    assert (broken["invariant"], sorted(broken)) == ("booked once", ["at", "invariant", "text"])
    assert failure["again"].endswith(f"--seed {fails} --policy random")
    assert failure["faults"] >= failure["shrunken"]["of"] > failure["shrunken"]["faults"] == 1
    assert failure["shrunken"]["occurrences"][0][0] == "dies-late"
    assert load_plan(failure["shrunken"]["plan"], allow=["tills"]).name == "rush-hour"


# --- JUnit ------------------------------------------------------------------------------------------


def test_junit(report, fails):
    """Each seed is a test case; one that failed has what did not hold, and all that the text says of it."""
    made = report(range(100))
    suite = ET.fromstring(made.junit()).find("testsuite")
    counts = [suite.get(key) for key in ("name", "tests", "failures")]
    assert counts == ["shop under rush-hour", str(fails + 1), "1"]
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == [f"seed {seed}" for seed in range(fails + 1)]
    assert [case.find("failure") is None for case in cases] == [True] * fails + [False]
    failure = cases[fails].find("failure")
    assert failure.get("type") == "booked once"
    assert failure.get("message") == str(made.findings.failing[0].first.violations[0])
    assert "run it again: treeward chaos replay" in failure.text


def test_junit_takes_every_text(report, fails):
    """What XML cannot have, such as an escape character in a text of the user's, does not get into it."""
    made = report([fails])
    (failing,) = made.findings.failing
    broken = replace(failing.first.violations[0], text="\x1b[31mred\x00 & <b>")
    made.findings.failing[0] = replace(failing, first=replace(failing.first, violations=(broken,)))
    assert ET.fromstring(made.junit()).find(".//failure").get("message").endswith("[31mred & <b>")


# --- a plan as YAML ---------------------------------------------------------------------------------


def test_a_plan_reads_back_as_it_was(rush_hour):
    """A plan that is written as YAML is read as an equal one."""
    assert load_plan(plan_yaml(rush_hour.plan), allow=["tills"]) == rush_hour.plan
