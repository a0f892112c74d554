"""One seed: what a run is made of, and what comes of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from treeward.agents.state import VARIABLE
from treeward.chaos.trial import Keeping, run_trial

CRASHES = {"at": "actor.handle", "where": "till", "do": "30%->crash(ValueError)"}
WORK = {"id": "sale", "input": "sale {n}", "key": "sale-{n}", "times": 10, "every": "1s..3s"}


def facts(trial):
    return trial.trace, trial.fired, trial.violations, trial.steps, trial.seconds, list(map(str, trial.log))


# --- the same again ---------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["random", "fifo", "pct"])
def test_a_seed_repeats(rush_hour, fails, policy):
    """The same seed gives the same run: trace, faults, what was seen, and what did not hold."""
    first, second = (run_trial(rush_hour, fails, policy=policy) for _ in range(2))
    assert facts(first) == facts(second)
    assert first.policy == policy


def test_seeds_differ(rush_hour):
    """Different seeds give different runs."""
    assert len({run_trial(rush_hour, seed).trace for seed in range(5)}) == 5


def test_a_kept_trace_changes_nothing(subject):
    """To keep all lines of the trace gives the same run, with all of its lines."""
    tried = subject(faults=[CRASHES], work=WORK)
    short, whole = run_trial(tried, 1), run_trial(tried, 1, keeping=Keeping(trace=True))
    assert short.trace == whole.trace
    assert len(short.tail) < len(whole.tail)
    assert whole.tail[-len(short.tail) :] == short.tail


# --- what it is made of -----------------------------------------------------------------------------


def test_faults_happen_and_are_counted(subject):
    """Faults are told one by one and by their kinds, and are in the log."""
    trial = run_trial(subject(faults=[{**CRASHES, "id": "dies"}], work=WORK), 0)
    assert trial.counts == {"crash": len(trial.fired)}
    assert len(trial.fired) == trial.log.count("fault") > 0
    assert {fired.rule for fired in trial.fired} == set(trial.coverage.rules) == {"dies"}
    assert trial.coverage.faulted == {"actor.handle": len(trial.fired)}


def test_without_faults_nothing_goes_wrong(subject):
    """A run without faults has the same work, and every request is answered as asked."""
    trial = run_trial(subject(faults=[CRASHES], work=WORK), 0, faults=False)
    assert (trial.fired, trial.violations) == ((), ())
    assert {name: outcome.status for name, outcome in trial.answers.items()} == dict.fromkeys(
        [f"sale {number}" for number in range(1, 11)], "ok"
    )


def test_only_some_faults(subject):
    """With `only`, no other faults happen than those, each as it did in the whole run."""
    tried = subject(faults=[CRASHES], work=WORK)
    whole = run_trial(tried, 0)
    first = whole.fired[0]
    part = run_trial(tried, 0, only=frozenset([first.occurrence]))
    assert part.fired == (first,)
    assert len(whole.fired) > 1


def test_a_plan_without_work_asks_something(subject):
    """Where a plan says nothing about work, the tree's entry gets a few requests all the same."""
    trial = run_trial(subject(), 0)
    assert list(trial.answers) == [f"request {number}" for number in range(1, 6)]
    assert {outcome.status for outcome in trial.answers.values()} == {"ok"}


def test_the_setup_is_called_before_the_tree_starts(subject):
    """The plan's setup has run, to its end, when the first request comes."""
    for setup in ("open_the_book", "open_the_book_slowly"):
        tried = subject(setup=f"tills:{setup}", work=WORK, parity={"facts": "tills:booked"})
        assert run_trial(tried, 0).facts["sales"][0] == "opening"


def test_requests_are_in_the_log(subject):
    """The log has when each request was given, and how it ended."""
    trial = run_trial(subject(work={**WORK, "times": 2, "every": "5s"}), 0)
    assert [(entry.at, entry.facts["request"]) for entry in trial.log.on("request.given")] == [
        (0.0, "sale 1"),
        (5.0, "sale 2"),
    ]
    assert trial.log.count("request.ended", path="shop/till", status="ok") == 2


def test_faults_end_when_all_is_healed(subject):
    """After `heal.at` no fault happens, though work goes on."""
    late = {"at": "mailbox.put", "where": "till", "do": "delay(1s)"}
    trial = run_trial(subject(faults=[late], work={**WORK, "every": "4s"}, heal={"at": "20s"}), 0)
    assert 10.0 < max(fired.at for fired in trial.fired) < 20.0
    assert trial.log.first("healed").at == 20.0
    assert trial.answers["sale 10"].status == "ok"


def test_knobs_are_drawn_and_turned(subject):
    """Each seed draws the knobs, and the tree runs with what was drawn."""
    tried = subject(knobs={"mailbox.capacity": [1, 7]}, work=WORK)
    drawn = {seed: run_trial(tried, seed).knobs for seed in range(8)}
    assert {knobs["mailbox.capacity"] for knobs in drawn.values()} == {1, 7}
    assert drawn == {seed: run_trial(tried, seed).knobs for seed in range(8)}


def test_claims_are_covered(rush_hour, fails):
    """The coverage has the points that were visited, and how often each claim was reached and held."""
    coverage = run_trial(rush_hour, fails).coverage
    assert coverage.visits["actor.handle"] > coverage.visits["actor.start"] > 0
    kind, reached, held = coverage.claims["a sale came twice"]
    assert kind == "sometimes"
    assert reached > 20 > held > 0
    assert coverage.never == ("a sale was free",)


# --- state ------------------------------------------------------------------------------------------


def test_each_run_has_a_state_of_its_own(rush_hour, state_dir, memory):
    """A run has an empty directory for state, which is gone after it; the environment is as it was."""
    first, second = run_trial(rush_hour, 0), run_trial(rush_hour, 0)
    assert first.violations == second.violations == ()
    assert list(memory.iterdir()) == []
    assert os.environ[VARIABLE] == str(state_dir)
    assert not state_dir.exists()


def test_the_state_can_be_kept(rush_hour, tmp_path):
    """A copy of the state is left where it is wanted; not over what is there already."""
    kept = tmp_path / "kept"
    run_trial(rush_hour, 0, keeping=Keeping(state=kept))
    assert "sale-1" in (kept / "book.txt").read_text().splitlines()
    with pytest.raises(FileExistsError, match="name a directory that is not there yet"):
        run_trial(rush_hour, 0, keeping=Keeping(state=kept))


def test_the_state_lies_where_it_is_told(subject, tmp_path):
    """The state lies in the place that is given, and is taken out of it."""
    trial = run_trial(subject(setup="tills:fail"), 0, keeping=Keeping(place=tmp_path))
    assert trial.failed
    assert list(Path(tmp_path).glob("tmp*")) == []
