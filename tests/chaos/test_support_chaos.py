"""The support tree under all kinds of faults at once: what is in its plan, that it holds, and that it could fail."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from treeward.agents.cases import FileCases
from treeward.chaos.campaign import Campaign
from treeward.chaos.plans.actions import ACTIONS, kind_of
from treeward.chaos.plans.plan import Fault
from treeward.chaos.plans.plan_file import load_plan
from treeward.chaos.plans.points import PLACES
from treeward.chaos.subject import Subject
from treeward.chaos.trial import run_trial
from treeward.trees import library
from treeward.trees.library.support import payments
from treeward.trees.library.support.audit import Books
from treeward.trees.load import load_tree

SEEDS = range(100)


@pytest.fixture(scope="module")
def support():
    """The tree and the plan beside it, as `treeward chaos run support` takes them."""
    tree = Path(library.find("support"))
    return Subject(load_tree(tree), load_plan(tree.parent / "chaos.yaml"))


def failures(runs):
    return {run.seed: [*map(str, run.violations)] for run in runs if run.violations}


# --- what is in it ------------------------------------------------------------------------------------


def test_every_kind_of_fault_is_in_the_plan(support):
    """Each action and kind there is; at each point but the bus and the agents' own timers, which the tree has not."""
    faults = support.plan.faults
    actions = [(fault, term.action) for fault in faults for term in fault.program.terms]
    assert {action.name for _, action in actions} == set(ACTIONS)
    assert {fault.at for fault in faults} == set(PLACES) - {"bus.publish", "timer"}
    kinds = {kind_of(action, fault.at, fault.pick) for fault, action in actions}
    assert {each.fault for each in ACTIONS.values()} - kinds == set()
    assert kinds > {"crash in start", "crash in stop", "judge that fails", "judge that hangs", "restart storm"}
    assert "hang that ignores cancellation" in kinds


def test_without_faults_all_is_well(support):
    """All of the work is asked, and all that can be done is done; only nonsense waits for a person."""
    run = run_trial(support, 0, faults=False)
    assert failures([run]) == {}
    assert {name: outcome.status for name, outcome in run.answers.items() if outcome.status != "ok"} == {
        "nonsense": "needs_human"
    }
    assert sum(len(effects) for effects in run.facts.values()) == 9


# --- it holds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", ["random", "pct", "fifo"])
def test_it_holds(support, policy):
    """Nothing is lost, no refund is made twice, no answer is false, in whatever order steps are made."""
    runs = [run_trial(support, seed, policy=policy) for seed in range(12)]
    assert failures(runs) == {}
    assert sum(len(run.fired) for run in runs) > 300


def test_a_seed_repeats_in_the_support_tree(support):
    """With files, threads and all: the same run, step by step."""
    first, second = run_trial(support, 5), run_trial(support, 5)
    assert (first.trace, first.fired, first.answers) == (second.trace, second.fired, second.answers)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_it_holds_for_ten_thousand_seeds(support):
    """As `treeward chaos run support --seeds 0..9999` says."""
    findings = Campaign(support, range(10_000), jobs=os.cpu_count() or 1, keep_going=True).run()
    assert [str(one) for failing in findings.failing for one in failing.first.violations] == []
    assert len(findings.traces) == len(findings.verdicts) == 10_000
    assert findings.coverage.never == ()


# --- it could fail ------------------------------------------------------------------------------------


def any_charge_is_given_back(patch):
    """Whatever comes as a duplicate is given back, be it somebody else's."""

    def refund(store, customer, payment, origin):
        return payments.refund(store, payment, payments.CHARGED_TWICE, origin)

    patch.setattr(payments, "refund_duplicate", refund)


def the_auditor_believes_everything(patch):
    """Whatever is said is as the books say."""
    for name in "faults_of_report", "faults_of_text":
        patch.setattr(Books, name, lambda books, said: iter(()))


def the_desk_keeps_nothing(patch):
    """Cases get a number, and are gone."""
    patch.setattr(FileCases, "keep", lambda cases, case: replace(case, id="case-1"))
    patch.setattr(FileCases, "find", lambda cases, id_: None)


CONFUSED = [
    {"at": "tool.call", "where": {"tool": "payments.refund"}, "do": "50%->crash(ConnectionError)"},
    {"at": "tool.call", "where": {"tool": "payments.find_duplicates"}, "do": "50%->corrupt(foreign)"},
]
"""Refunds fail, and what is found belongs to whoever asked before."""

BUGS = [
    (any_charge_is_given_back, "only_what_was_asked_for", CONFUSED),
    (the_auditor_believes_everything, "answers_are_honest", None),
    (the_desk_keeps_nothing, "nothing_is_lost", None),
]


def of_these(subject, faults):
    """Returns the tree with the same work, all of it, and other faults; the same ones if there are none."""
    if faults is None:
        return replace(subject, plan=subject.plan.model_copy(update={"parity": None}))
    work = tuple(one.model_copy(update={"chance": 1.0}) for one in subject.plan.work)
    told = [Fault.model_validate(fault) for fault in faults]
    changes = {"faults": tuple(told), "work": work, "swarm": False, "parity": None}
    return replace(subject, plan=subject.plan.model_copy(update=changes))


@pytest.mark.parametrize(("plant", "invariant", "faults"), BUGS, ids=[plant.__name__ for plant, *_ in BUGS])
def test_a_bug_of_the_support_tree_is_found(support, monkeypatch, plant, invariant, faults):
    """One of the checks says so within a hundred seeds, and again from the seed that found it."""
    subject = of_these(support, faults)
    assert not faults or failures(run_trial(subject, seed) for seed in range(10)) == {}
    plant(monkeypatch)
    runs = (run_trial(subject, seed) for seed in SEEDS)
    found = next((run for run in runs if invariant in {one.invariant for one in run.violations}), None)
    assert found is not None
    assert run_trial(subject, found.seed).violations == found.violations
