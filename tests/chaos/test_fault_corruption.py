"""Corruption: every kind, of every plain value, differs from what was right, and comes from the source alone."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from treeward.agents.calls import ToolCall
from treeward.chaos.faults.corruption import corrupt, lie
from treeward.chaos.plans.actions import CORRUPTIONS
from treeward.runtime.bus import Published
from treeward.runtime.evidence import Verdict
from treeward.runtime.task import Outcome, Task

KINDS = [kind for kind in CORRUPTIONS if kind != "random"]


@dataclass(frozen=True, slots=True)
class Payment:
    amount: int
    currency: str = "EUR"

    def __post_init__(self):
        if not isinstance(self.amount, int):
            raise TypeError("amount")


class Order(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: str
    items: list[str] = []


class Sulky:
    """Compares with nobody."""

    def __eq__(self, other):
        raise ValueError("do not touch")

    __hash__ = None


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
payments = st.builds(Payment, st.integers(), st.text(max_size=4))
orders = st.builds(Order, id=st.text(max_size=4), items=st.lists(st.text(max_size=4), max_size=3))
values = plain | payments | orders | st.tuples(st.integers(), st.text(max_size=3))


def strictly(value):
    """Writes a value so that 1, 1.0 and True are different."""
    if isinstance(value, dict):
        return {key: strictly(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(strictly, value)]
    return (type(value).__name__, repr(value))


@given(value=values, others=st.lists(values, max_size=3), kind=st.sampled_from([*KINDS, "random"]), seed=st.integers())
def test_what_comes_out_differs(value, others, kind, seed):
    """Whatever kind is wanted of whatever value: what comes is something else, and the given value is as it was."""
    before = strictly(value)
    changed, made = corrupt(value, kind, random.Random(seed), stale=others, foreign=others)
    assert strictly(changed) != before
    assert strictly(value) == before
    assert made in KINDS
    if kind not in ("random", made):
        assert made == "wrong_type"


@given(value=values, others=st.lists(values, max_size=3), kind=st.sampled_from([*KINDS, "random"]), seed=st.integers())
def test_it_comes_from_the_source_alone(value, others, kind, seed):
    """The same draws make the same of it."""
    first = corrupt(value, kind, random.Random(seed), stale=others, foreign=others)
    again = corrupt(value, kind, random.Random(seed), stale=others, foreign=others)
    assert (strictly(first[0]), first[1]) == (strictly(again[0]), again[1])


@given(output=plain, kind=st.sampled_from(KINDS), seed=st.integers())
def test_an_outcome_is_corrupted_in_its_output(output, kind, seed):
    """The outcome still is one, of the same task: its output is wrong."""
    outcome = Outcome("t1", "ok", output, seconds=2.0)
    changed, _ = corrupt(outcome, kind, random.Random(seed), stale=[Outcome("t0", "ok", "old")])
    assert (type(changed), changed.task_id, changed.status, changed.seconds) == (Outcome, "t1", "ok", 2.0)
    assert strictly(changed.output) != strictly(output)


@pytest.mark.parametrize(
    ("value", "kind", "stale", "expected"),
    [
        ("a text", "truncated", (), {"", "a", "a ", "a t", "a te", "a tex"}),
        ("a text", "empty", (), {""}),
        ("a text", "extra", (), {"a text injected"}),
        ("a text", "missing", (), {None}),
        ("a text", "stale", ("an old one", "a text"), {"an old one"}),
        (1234, "truncated", (), {123}),
        (1234, "empty", (), {0}),
        (1234, "extra", (), {12341}),
        (True, "empty", (), {False}),
    ],
)
def test_a_whole_value(value, kind, stale, expected):
    """What each kind makes of a text and of a number."""
    made = {corrupt(value, kind, random.Random(seed), stale=stale)[0] for seed in range(60)}
    assert made == expected


def test_the_parts_of_a_mapping():
    """Fields are lost, come from nowhere, are of another type, or belong to somebody else."""
    value = {"id": "x", "amount": 5}
    made = {
        kind: [corrupt(value, kind, random.Random(n), foreign=[{"id": "y"}])[0] for n in range(40)] for kind in KINDS
    }
    assert {frozenset(one) for one in made["missing"]} == {frozenset({"id"}), frozenset({"amount"})}
    assert all(one.keys() == {"id", "amount", "injected"} for one in made["extra"])
    assert {str(one) for one in made["truncated"]} == {"{}", "{'id': 'x'}"}
    assert all(one == {"id": "y"} for one in made["foreign"])
    assert made["empty"][0] == {}
    whole = [one for one in made["wrong_type"] if not isinstance(one, dict)]
    part = [one for one in made["wrong_type"] if isinstance(one, dict)]
    assert len(whole) > 5
    assert len(part) > 5
    assert all(one.keys() == value.keys() for one in part)


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_stays_what_it_is(kind):
    """A dataclass and a model are corrupted in a field: nobody's constructor is asked, which would refuse it."""
    for value in (Payment(5), Order(id="x", items=["a"])):
        changed, _ = corrupt(value, kind, random.Random(3))
        assert type(changed) is type(value)
        assert changed != value


def test_an_empty_value_has_nothing_to_lose():
    """Where a kind is not possible, it is another type; which is said."""
    for value in ("", [], {}, 0, None):
        assert corrupt(value, "empty", random.Random(0))[1] in ("wrong_type", "empty")
        assert corrupt(value, "truncated", random.Random(0))[1] == "wrong_type"
        assert corrupt(value, "stale", random.Random(0))[1] == "wrong_type"
    assert corrupt({}, "empty", random.Random(0))[1] == "wrong_type"


def test_what_is_drawn_covers_all_kinds():
    """`random` is each of the kinds in its turn; stale and foreign only where there is something."""
    alone = {corrupt("text", "random", random.Random(n))[1] for n in range(200)}
    assert alone == set(KINDS) - {"stale", "foreign"}
    among = {corrupt("text", "random", random.Random(n), stale=["old"], foreign=["other"])[1] for n in range(200)}
    assert among == set(KINDS)


def test_messages_are_changed_in_what_they_carry():
    """A task, a tool call and a publication still arrive; a call's arguments still have names."""
    task, _ = corrupt(Task("t1", "do it"), "empty", random.Random(0))
    assert (task.id, task.input) == ("t1", "")
    for seed in range(30):
        call, _ = corrupt(ToolCall("bank.find", {"payment": 7}, "key"), "random", random.Random(seed))
        assert call.tool == "bank.find"
        assert isinstance(call.arguments, dict)
        assert call.arguments != {"payment": 7}
    published, _ = corrupt(Published("news", ["a"]), "empty", random.Random(0))
    assert published == Published("news", [])


def test_a_value_that_compares_with_nobody_is_corrupted_too():
    """The user's own types may raise when they are compared: they are replaced."""
    changed, made = corrupt(Sulky(), "empty", random.Random(0))
    assert made in ("empty", "wrong_type")
    assert not isinstance(changed, Sulky)


def test_a_judge_lies():
    """What was accepted is rejected, for a reason that says so; what was rejected is accepted."""
    good, bad = Verdict("j", accepted=True, score=0.9), Verdict("j", accepted=False, reason="too long")
    assert lie(good) == Verdict("j", False, 1 - 0.9, "injected: the judge lies", "injected: the judge lies")
    assert lie(bad) == Verdict("j", accepted=True)
    assert lie("no verdict") == "no verdict"
