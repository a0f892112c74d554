"""How a run ends: what did not hold is told in words, whatever it was."""

from __future__ import annotations

import re

import pytest

from treeward.chaos.trial import run_trial
from treeward.trees.problems import TreeError

WORK = {"id": "sale", "input": "sale {n}", "key": "sale-{n}", "times": 10, "every": "1s..3s"}


def told(trial):
    """Returns the names of what did not hold, and the first text."""
    return [violation.invariant for violation in trial.violations], trial.violations[0].text


def test_an_invariant_of_the_plan(rush_hour, fails):
    """What an invariant of the user's own has seen is a violation by its name."""
    names, text = told(run_trial(rush_hour, fails))
    assert set(names) == {"booked once"}
    assert re.fullmatch(r"sale-\d+ was booked 2 times", text)


@pytest.mark.parametrize(
    ("fields", "name", "text"),
    [
        ({"setup": "tills:fail"}, "setup", "setup, tills:fail, raised OSError: [Errno 28] no space left"),
        ({"setup": "tills:wait_for_ever"}, "deadlock", "nothing can ever happen again"),
        ({"agent": "Closed"}, "start", "shop/till did not start: OSError: no electricity"),
        ({"agent": "Spinner", "work": WORK}, "livelock", "time did not pass"),
        ({"agent": "Caller", "work": WORK}, "escape", "not simulated"),
        ({"agent": "Forgetful", "work": {"input": "sale"}}, "unhandled", "LookupError: nobody hears of it"),
        ({"agent": "Doubter", "work": WORK}, "always: the shop is open", "task='sale 1'"),
        (
            {"parity": {"facts": "tills:fail"}, "work": WORK},
            "setup",
            "the facts of parity, tills:fail, raised OSError: [Errno 28] no space left",
        ),
    ],
)
def test_what_ends_a_run_is_told_in_words(subject, fields, name, text):
    """Each end is one violation with a name of its own, and never an error."""
    trial = run_trial(subject(**fields), 0)
    names, found = told(trial)
    assert names == [name]
    assert text in found


def test_the_root_gives_up(subject):
    """A root supervisor that ends by itself ends the run, and is named."""
    faults = [{"at": "actor.start", "where": "till", "do": "crash"}, {"at": "actor", "from": "5s", "do": "kill"}]
    trial = run_trial(subject(faults=faults, work=WORK), 0)
    names, text = told(trial)
    assert names == ["root"]
    assert text.startswith("the root supervisor has ended by itself")
    assert trial.seconds < 60.0


# --- parity -----------------------------------------------------------------------------------------


def test_parity_of_answers(subject):
    """An answer that is not the one of the run without faults breaks parity."""
    lost = {"at": "actor.handle", "where": "till", "do": "crash", "on": [2, 3, 4, 5, 6]}
    trial = run_trial(subject(faults=[lost], work=WORK, parity={"same": ["output"]}), 0)
    names, text = told(trial)
    assert set(names) == {"parity"}
    assert text == "sale 2: output is None, and without faults it was 'sold sale 2'"


def test_parity_of_facts(subject):
    """What a function of the user's says of both runs is compared."""
    lost = {"at": "actor.handle", "where": "till", "do": "crash", "on": [2, 3, 4, 5, 6]}
    tried = subject(faults=[lost], work=WORK, parity={"facts": "tills:booked", "unless": ["dead_letter", "failed"]})
    names, text = told(run_trial(tried, 0))
    assert names[0] == "parity"
    assert text.startswith("facts.sales is ")


def test_parity_holds(subject):
    """Where every answer is the same in the end, parity holds, whatever went wrong on the way."""
    late = {"at": "mailbox.put", "where": "till", "do": "50%->delay(1s..2s)"}
    trial = run_trial(subject(faults=[late], work=WORK, parity={"same": ["status", "output"]}), 0)
    assert trial.fired
    assert not trial.violations


def test_a_clean_run_that_fails(subject):
    """Where the run without faults fails already, that is what is said."""
    tried = subject(
        faults=[{"at": "mailbox.put", "do": "delay(1s)"}],
        work=WORK,
        parity={},
        invariants=["tills:NeverRight"],
    )
    assert [(one.invariant, one.text) for one in run_trial(tried, 0).violations] == [
        ("never right", "it is not so"),
        ("parity", "without faults, never right at 0.000000 s: it is not so"),
    ]


# --- the hypothesis ---------------------------------------------------------------------------------


def test_the_hypothesis_is_looked_at_first(subject):
    """A named invariant that does not hold before anything has gone wrong is said to be so."""
    tried = subject(hypothesis=["never right"], invariants=["tills:NeverRight"])
    names, _ = told(run_trial(tried, 0))
    assert names == ["never right", "hypothesis"]


def test_ready_in_time(subject):
    """A tree that is ready soon enough after its start fulfils the hypothesis."""
    assert not run_trial(subject(hypothesis=[{"ready_within": "1s"}], work=WORK), 0).violations


def test_a_hypothesis_that_names_nothing(subject):
    """A hypothesis that names an invariant which there is not is a fault of the plan."""
    with pytest.raises(TreeError, match="there is no invariant 'I77'; expected one of I1, I2"):
        subject(hypothesis=["I77"]).check()
    subject(hypothesis=["I7", "booked once"], invariants=["tills:BookedOnce"]).check()


# --- given up ---------------------------------------------------------------------------------------


def test_a_plan_is_given_up(subject):
    """Where a metric passes its level all is healed at once, and the rest of the run is as ever."""
    faults = [{"at": "actor.handle", "where": "till", "do": "3*crash->off"}]
    abort = {"metric": "restarts_per_minute", "above": 1}
    trial = run_trial(subject(faults=faults, work=WORK, abort_if=abort), 0)
    assert trial.log.first("plan.given_up").facts["why"] == "restarts_per_minute is 2, above 1"
    assert trial.log.first("healed").at < 30.0
    assert not trial.violations
    assert trial.answers["sale 10"].status == "ok"
