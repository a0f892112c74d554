"""The fewest faults that still fail, as a plan that stands alone."""

from __future__ import annotations

import pytest

from treeward.chaos.plans.amounts import Span
from treeward.chaos.plans.plan_file import load_plan
from treeward.chaos.report import plan_yaml
from treeward.chaos.shrink import shrink
from treeward.chaos.subject import Subject
from treeward.chaos.trial import run_trial

SALES = {"id": "sale", "input": "sale {n}", "key": "sale-{n}", "times": 20, "every": "1s..3s"}
DYING = [
    {"id": "dies", "at": "actor.handle", "where": "till", "do": "5%->crash"},
    {"id": "dies-late", "at": "actor.handle", "where": "till", "do": "10%->crash(when=after)"},
    {"id": "late", "at": "mailbox.put", "where": "till", "do": "50%->delay(10ms..700ms)"},
]
SLOWLY = [{"id": "slow", "at": "actor.handle", "where": "till", "do": "60%->slow(2500ms..20s)"}]


def failing(subject, seeds=range(60)):
    """Returns the first run that fails."""
    return next(trial for trial in (run_trial(subject, seed) for seed in seeds) if trial.failed)


def read_back(subject, plan):
    """Returns a subject of the plan as it is written to a file and read."""
    read = load_plan(plan_yaml(plan), allow=subject.allow, tree=subject.tree)
    assert read == plan
    return Subject(subject.tree, read, subject.allow)


def test_one_fault_is_left(rush_hour, fails):
    """Of all the faults of a failing run, one that it needs is left, and the requests up to there."""
    trial = run_trial(rush_hour, fails)
    shrunken = shrink(rush_hour, trial)
    assert (shrunken.before, shrunken.faults) == (len({one.occurrence for one in trial.fired}), 1)
    assert (shrunken.complete, shrunken.exact) == (True, True)
    (fault,) = shrunken.plan.faults
    assert (fault.id, fault.on, str(fault.do)) == ("dies-late", (shrunken.only[0].number,), "crash(when=after)")
    assert shrunken.only[0] in {one.occurrence for one in trial.fired}
    assert [work.id for work in shrunken.plan.work] == ["sale"]
    assert shrunken.plan.work[0].times < 20


def test_the_plan_stands_alone(rush_hour, fails):
    """The plan, written to a file and read again, fails from the same seed, in the same way, each time."""
    shrunken = shrink(rush_hour, run_trial(rush_hour, fails))
    again = [run_trial(read_back(rush_hour, shrunken.plan), fails) for _ in range(2)]
    assert {trial.trace for trial in again} == {shrunken.trial.trace}
    assert {trial.violations[0].invariant for trial in again} == {"booked once"}
    assert all(len(trial.fired) == 1 for trial in again)


def test_two_faults_that_are_needed_together(shop, rush_hour):
    """Where two faults are needed, two are left: one for each of what has to die."""
    plan = rush_hour.plan.model_copy(update={"invariants": ("tills:TwoDeaths",)})
    subject = Subject(rush_hour.tree, plan, rush_hour.allow)
    trial = failing(subject)
    shrunken = shrink(subject, trial)
    assert shrunken.before > 5
    assert sorted(fired.path for fired in shrunken.trial.fired) == ["shop/careful-till", "shop/till"]
    assert run_trial(read_back(subject, shrunken.plan), trial.seed).violations[0].invariant == "two deaths"


def test_a_failure_without_faults(subject):
    """A failure that no fault has caused is left with none, and with one request."""
    tried = subject("Doubter", faults=[{"at": "mailbox.put", "do": "delay(1s)"}], work=SALES)
    shrunken = shrink(tried, run_trial(tried, 0))
    assert (shrunken.faults, shrunken.plan.faults) == (0, ())
    assert shrunken.plan.work[0].times == 1
    assert run_trial(read_back(tried, shrunken.plan), 0).failed


def test_what_was_drawn_becomes_the_plan(subject):
    """Knobs have the one value that the seed has drawn, and of a swarm the faults that are needed are left."""
    tried = subject(
        faults=DYING, swarm=True, work=SALES, knobs={"mailbox.capacity": "5..50"}, invariants=["tills:BookedOnce"]
    )
    trial = failing(tried)
    shrunken = shrink(tried, trial)
    assert shrunken.plan.knobs["mailbox.capacity"].values == (trial.knobs["mailbox.capacity"],)
    assert not shrunken.plan.swarm
    assert list(shrunken.plan.rules) == ["dies-late"]
    assert run_trial(read_back(tried, shrunken.plan), trial.seed).failed


def test_works_that_were_drawn_are_no_chance_any_more(subject):
    """What a seed has drawn to be asked is in the plan for good, what it has not is not, and nothing else changes."""
    works = [SALES | {"chance": 0.5}, SALES | {"id": "other", "key": "other-{n}", "chance": 0.5}]
    tried = subject(faults=DYING, work=works)
    trial = next(trial for seed in range(100) if len((trial := run_trial(tried, seed)).answers) == 20 and trial.failed)
    shrunken = shrink(tried, trial)
    (work,) = shrunken.plan.work
    assert (work.chance, work.id) == (1.0, next(iter(trial.answers)).partition(" ")[0])
    assert run_trial(read_back(tried, shrunken.plan), trial.seed).trace == shrunken.trial.trace


def test_times_become_round(subject):
    """A time that was drawn is made rounder, where it still fails."""
    tried = subject(faults=SLOWLY, work={**SALES, "deadline": "2s"}, parity={"same": ["output"]})
    trial = failing(tried)
    shrunken = shrink(tried, trial)
    (drawn,) = [fired.action for fired in trial.fired if fired.occurrence == shrunken.only[0]]
    (time,) = shrunken.plan.faults[0].do.terms[0].action.args
    assert "ms" in drawn
    assert time == Span(round(time.low), round(time.low))
    assert run_trial(read_back(tried, shrunken.plan), trial.seed).failed


@pytest.mark.parametrize("most", [1, 4, 8])
def test_the_tries_are_bounded(rush_hour, fails, most):
    """No more runs are made than are allowed; that there may be fewer faults is said."""
    trial = run_trial(rush_hour, fails)
    whole = shrink(rush_hour, trial)
    shrunken = shrink(rush_hour, trial, most_tries=most)
    assert shrunken.tries <= most < whole.tries
    assert shrunken.before >= shrunken.faults >= 1
    assert whole.complete
    if shrunken.faults > 1:
        assert not shrunken.complete


def test_it_can_be_stopped(rush_hour, fails):
    """`stopped` ends it behind a run, with what was found by then."""
    told = []
    shrunken = shrink(
        rush_hour,
        run_trial(rush_hour, fails),
        told=lambda tries, faults: told.append((tries, faults)),
        stopped=lambda: len(told) >= 2,
    )
    assert [tries for tries, _ in told] == [1, 2]
    assert (shrunken.complete, shrunken.tries) == (False, 2)
