"""A case as a value: what may be done with it in which state, and what it is as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from treeward.agents.case import Case, Said, acted, answer_of, case_of, refreshed, task_of, tried_again
from treeward.agents.errors import ToolRefused
from treeward.runtime.task import Outcome, Task
from treeward.supervisors.escalation import HumanAnswer

STATES = ("open", "returned", "answered", "dropped")
ACTIONS = ("answered", "returned", "dropped")


def said(action, text="so", by="Ann", at=5.0, key=""):
    return Said(action, text, by, at, key)


def case(state="open", **changes):
    before = {
        "open": (),
        "answered": (said("answered", "yes", at=2.0),),
        "returned": (said("returned", "look again", at=2.0),),
        "dropped": (said("dropped", "spam", at=2.0),),
    }[state]
    answer = "yes" if state == "answered" else None
    fields = {"task": "t", "id": "case-1", "agent": "a/b", "state": state, "said": before, "answer": answer}
    return Case("k/desk", "help", "odd", 1.0, **{**fields, **changes})


REFUSED = "refused"


@pytest.mark.parametrize(
    ("state", "action", "after"),
    [
        ("open", "answered", "answered"),
        ("open", "returned", "returned"),
        ("open", "dropped", "dropped"),
        ("returned", "answered", "answered"),
        ("returned", "returned", "returned"),
        ("returned", "dropped", "dropped"),
        ("answered", "answered", REFUSED),
        ("answered", "returned", REFUSED),
        ("answered", "dropped", REFUSED),
        ("dropped", "answered", REFUSED),
        ("dropped", "returned", REFUSED),
        ("dropped", "dropped", REFUSED),
    ],
)
def test_what_may_be_done(state, action, after):
    """A case that is open or returned may be decided; one that is answered or dropped is closed."""
    before = case(state, taken=state == "returned")
    if after == REFUSED:
        with pytest.raises(ToolRefused, match=f"case-1 was {state} by Ann already: open a new case about it"):
            acted(before, said(action))
        return
    done = acted(before, said(action))
    assert (done.state, done.said, done.taken) == (after, (*before.said, said(action)), False)
    assert done.answer == ("so" if action == "answered" else None)


@pytest.mark.parametrize(("state", "text"), [("answered", "yes"), ("dropped", "spam")])
def test_the_same_again_changes_nothing(state, text):
    """The same words by the same person about a closed case are no contradiction."""
    assert acted(case(state), said(state, text)) is not None
    assert acted(case(state), said(state, text)) == case(state)
    with pytest.raises(ToolRefused):
        acted(case(state), said(state, text, by="Bob"))


@pytest.mark.parametrize("action", ACTIONS)
def test_one_call_is_one_action(action):
    """A call that comes a second time, with its key, changes nothing, whatever came between."""
    once = acted(case(), said(action, key="call"))
    assert acted(once, said(action, key="call")) == once
    later = acted(acted(case(), said("returned", key="call")), said(action, "else", key="other"))
    assert acted(later, said("returned", key="call")) == later


def told(**changes):
    return Case("k/desk", "help", "odder still", 9.0, **changes)


@pytest.mark.parametrize("state", STATES)
def test_a_task_that_escalates_again(state):
    """It brings what is known now into a case that waits, opens one that was returned, and changes no closed one."""
    before = case(state, draft="old", evidence={"old": 1}, taken=state == "returned")
    after = refreshed(before, told(agent="a/c", draft="new", evidence={"new": 1}), 9.0)
    if state in ("answered", "dropped"):
        assert after == before
        return
    assert (after.state, after.reason, after.agent, after.draft, after.evidence, after.taken) == (
        "open",
        "odder still",
        "a/c",
        "new",
        {"new": 1},
        False,
    )
    again = () if state == "open" else (Said("reopened", "odder still", "a/c", 9.0),)
    assert (after.said, after.opened) == ((*before.said, *again), 1.0)


def test_what_is_known_is_not_forgotten():
    """An escalation that knows less leaves agent, draft and evidence as they were."""
    after = refreshed(case(draft="old", evidence={"old": 1}), told(), 9.0)
    assert (after.agent, after.draft, after.evidence) == ("a/b", "old", {"old": 1})


@pytest.mark.parametrize(
    ("outcome", "answer", "text"),
    [
        (Outcome("t", "ok", "done"), "done", "done"),
        (Outcome("t", "fallback", {"amount": 3}), {"amount": 3}, '{"amount": 3}'),
        (Outcome("t", "ok"), None, "null"),
    ],
)
def test_a_second_try_may_answer(outcome, answer, text):
    """An agent that does a returned task answers the case, in its own name."""
    after = tried_again(case("returned", taken=True), outcome, 9.0)
    assert (after.state, after.answer, after.taken) == ("answered", answer, False)
    assert after.said[-1] == Said("answered", text, "a/b", 9.0)


@pytest.mark.parametrize("status", ["partial", "needs_human", "failed", "canceled", "dead_letter"])
def test_a_second_try_may_fail(status):
    """Whatever else comes of a returned task opens the case again, with the reason and what there is of an answer."""
    after = tried_again(case("returned", draft="old"), Outcome("t", status, "half", error="no luck"), 9.0)
    assert (after.state, after.reason, after.draft, after.answer) == ("open", "no luck", "half", None)
    assert after.said[-1] == Said("reopened", "no luck", "a/b", 9.0)
    silent = tried_again(case("returned", draft="old"), Outcome("t", status), 9.0)
    assert (silent.reason, silent.draft) == (f"it was tried again, and is {status}", "old")


@pytest.mark.parametrize(
    ("state", "text"), [("open", None), ("answered", "yes"), ("returned", "look again"), ("dropped", "spam")]
)
def test_what_is_told_of_a_case(state, text):
    """Whoever waits is told of every state but `open`: the action, the words, and whose they are."""
    expected = None if text is None else HumanAnswer("case-1", state, text, "Ann")
    assert answer_of(case(state)) == expected


@pytest.mark.parametrize(
    ("key", "kind", "task_key"), [("k/desk", "billing", "k"), ("k", None, "k"), ("k/desk/desk", None, "k/desk")]
)
def test_the_task_of_a_returned_case(key, kind, task_key):
    """It is the old task: its id, key and trace, without an end, with the last note as feedback."""
    old = case("returned", context={"customer": 7}, trace="r")
    changed = case_of(asdict(old), key=key, kind=kind)
    assert task_of(changed) == Task(
        "t",
        "help",
        kind=kind,
        context={"customer": 7},
        idempotency_key=task_key,
        trace="r",
        feedback=("look again",),
    )


@pytest.mark.parametrize("state", STATES)
def test_a_case_is_data(state):
    """A case comes back from JSON as it was."""
    full = case(state, context={"a": [1]}, draft={"b": None}, evidence={"spent": {"cost": 0.5}}, kind="x", version=4)
    assert case_of(json.loads(json.dumps(asdict(full)))) == full


OLD = {"key": "k", "request": "x", "reason": "why", "opened": 1.0, "task": "t", "id": "", "context": {}, "draft": None}


@pytest.mark.parametrize(
    ("answered", "state", "history"),
    [
        ({"answer": None, "answered": None, "answered_by": None}, "open", ()),
        (
            {"answer": "done", "answered": 4.0, "answered_by": "Ann"},
            "answered",
            (Said("answered", "done", "Ann", 4.0),),
        ),
    ],
)
def test_a_case_from_before_there_were_states(answered, state, history):
    """What was only answered or not is a case in that state, with who said what."""
    found = case_of({**OLD, **answered}, id="case-3", version=3)
    assert (found.id, found.state, found.said, found.answer) == ("case-3", state, history, answered["answer"])
    assert (found.agent, found.evidence, found.version) == ("", None, 3)


def test_a_case_from_a_later_version_is_read():
    """A field that is not known yet is passed over."""
    assert case_of({**asdict(case()), "colour": "red"}) == case()
