"""Many seeds: what is counted, when it ends, and that it comes out the same however many work on it."""

from __future__ import annotations

from collections import Counter

import pytest

from treeward.chaos.campaign import Campaign
from treeward.chaos.trial import run_trial

WORK = {"id": "sale", "input": "sale {n}", "key": "sale-{n}", "times": 5, "every": "1s..3s"}
TOUCHY = {"agent": "Till", "faults": [{"at": "actor.handle", "where": "till", "do": "20%->crash(when=after)"}]}


class Clock:
    """A clock that goes on by so much at each look."""

    def __init__(self, step):
        self.now = 0.0
        self.step = step

    def __call__(self):
        self.now += self.step
        return self.now


def found(findings):
    """Returns all of what was found, but for how long it took."""
    return (
        findings.verdicts,
        [(one.first, one.difference, one.trial is None) for one in findings.failing],
        findings.counts,
        findings.coverage,
        findings.traces,
        findings.seconds,
        findings.steps,
        findings.ended,
    )


# --- what is counted --------------------------------------------------------------------------------


def test_the_sum_of_its_seeds(subject):
    """A campaign is the sum of its runs: faults by kind, coverage, virtual time, steps, distinct traces."""
    tried = subject(faults=[{"id": "late", "at": "mailbox.put", "do": "50%->delay(1s)"}], work=WORK)
    findings = Campaign(tried, range(5)).run()
    trials = [run_trial(tried, seed) for seed in range(5)]
    assert findings.counts == sum((trial.counts for trial in trials), Counter())
    assert findings.faults == sum(len(trial.fired) for trial in trials) == findings.coverage.rules["late"]
    assert findings.seconds == sum(trial.seconds for trial in trials)
    assert findings.steps == sum(trial.steps for trial in trials)
    assert findings.traces == {trial.trace for trial in trials}
    assert findings.coverage.claims["a sale was booked"] == ("reachable", 25, 25)
    assert findings.coverage.never == ("a sale came twice", "a sale was free")
    assert (findings.failing, findings.ended) == ([], "")


def test_rates_are_of_real_time(subject):
    """Seeds and faults a second are those of the clock that is given."""
    tried = subject(faults=[{"at": "mailbox.put", "do": "delay(1s)"}], work=WORK)
    findings = Campaign(tried, range(4), clock=Clock(0.5)).run()
    assert findings.wall == 2.0
    assert findings.seeds_per_second == 2.0
    assert findings.faults_per_second == findings.faults / 2.0 > 0


def test_without_faults(subject):
    """A campaign without faults has the work alone."""
    findings = Campaign(subject(**TOUCHY, work=WORK), range(3), faults=False).run()
    assert (findings.faults, findings.failing) == (0, [])


def test_it_tells_after_each_seed(subject):
    """Whoever is told hears of what is known after each seed."""
    told = []
    Campaign(subject(work=WORK), range(3)).run(lambda findings: told.append(len(findings.verdicts)))
    assert told == [1, 2, 3]


# --- failures ---------------------------------------------------------------------------------------


def test_it_ends_at_the_first_failure(rush_hour, fails):
    """Behind the first seed that fails none is run; that one is run again, and repeats."""
    findings = Campaign(rush_hour, range(100)).run()
    assert [verdict.seed for verdict in findings.verdicts] == list(range(fails + 1))
    (failing,) = findings.failing
    assert (failing.first.seed, failing.kind, failing.repeats) == (fails, "booked once", True)
    assert failing.trial.trace == failing.first.trace
    assert findings.ended == "failed"


def test_it_keeps_going(rush_hour):
    """With `keep_going` all seeds are run; only the first failure of a kind keeps all that is known of it."""
    findings = Campaign(rush_hour, range(40), keep_going=True).run()
    assert len(findings.verdicts) == 40
    assert findings.ended == ""
    assert [one.first.seed for one in findings.failing] == [one.seed for one in findings.verdicts if one.failed]
    assert len(findings.failing) > 1
    assert [one.trial is not None for one in findings.failing] == [True] + [False] * (len(findings.failing) - 1)


def test_a_seed_that_does_not_repeat(subject):
    """A failing seed whose second run is another one is said not to repeat, and how."""
    tried = subject(setup="tills:differ", **TOUCHY, work=WORK, invariants=["tills:BookedOnce"])
    findings = Campaign(tried, range(9)).run()
    (failing,) = findings.failing
    assert not failing.repeats
    assert "the first run has" in failing.difference or "did not hold" in failing.difference


# --- how it ends ------------------------------------------------------------------------------------


def test_it_ends_when_the_time_is_over(subject):
    """Once `max_time` is over no further seed is begun."""
    findings = Campaign(subject(work=WORK), range(100), max_time=5.0, clock=Clock(2.0)).run()
    assert (len(findings.verdicts), findings.ended) == (3, "time")


def test_it_can_be_stopped(subject):
    """`stopped` is asked behind each seed; what was found by then comes back."""
    asked = iter([False, False, True])
    findings = Campaign(subject(work=WORK), range(100)).run(stopped=lambda: next(asked))
    assert (len(findings.verdicts), findings.ended) == (3, "interrupted")


def test_an_interrupt_leaves_nothing(subject, memory):
    """A `KeyboardInterrupt` ends it at once, with what was found, and with nothing left where runs have their state."""

    def interrupt(findings):
        if len(findings.verdicts) == 2:
            raise KeyboardInterrupt

    findings = Campaign(subject(work=WORK), range(100)).run(interrupt)
    assert (len(findings.verdicts), findings.ended) == (2, "interrupted")
    assert list(memory.iterdir()) == []


# --- several processes ------------------------------------------------------------------------------


@pytest.mark.parametrize("keep_going", [False, True])
def test_jobs_change_nothing(rush_hour, fails, keep_going):
    """Two processes find what one finds, in the same order, and up to the same seed."""
    seeds = range(fails + 8)
    alone, together = (found(Campaign(rush_hour, seeds, jobs=jobs, keep_going=keep_going).run()) for jobs in (1, 2))
    assert alone == together


def test_jobs_leave_nothing(rush_hour, memory):
    """Processes that are ended in the middle of a seed leave no state behind."""
    Campaign(rush_hour, range(1000), jobs=2).run()
    assert list(memory.iterdir()) == []
