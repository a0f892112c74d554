"""Tasks and outcomes: what travels with the work, over attempts, agents and the wire."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from treeward.runtime.task import Outcome, Part, Task, Usage


def test_a_task_is_its_own_root():
    """Without more said, its id is its idempotency key and its trace."""
    task = Task("t1", "hello")
    assert (task.idempotency_key, task.trace, task.attempt, task.hops, task.parent) == ("t1", "t1", 1, 0, None)


def test_the_next_attempt_is_the_same_task():
    """Only the count of attempts changes: effects under its key are not done twice."""
    task = Task("t1", "hello", deadline=9.0)
    again = task.again().again()
    assert again.attempt == 3
    assert dataclasses.replace(again, attempt=1) == task


def test_a_part_inherits_all_but_its_identity():
    """A subtask has a new id and a first attempt; deadline, context and trace are its parent's."""
    task = Task("t1", "hello", context={"a": 1}, deadline=9.0).again()
    part = task.part("t2", "refund", "refund it", kind="billing")
    assert (part.id, part.input, part.kind, part.attempt) == ("t2", "refund it", "billing", 1)
    assert (part.parent, part.hops, part.trace, part.deadline, part.context) == ("t1", 1, "t1", 9.0, {"a": 1})


def test_a_parts_key_is_stable_over_its_parents_attempts():
    """The step's name makes it, not the part's id."""
    task = Task("t1", "hello")
    first, second = task.part("t2", "refund", 1), task.again().part("t3", "refund", 1)
    assert first.idempotency_key == second.idempotency_key == "t1/refund"
    assert first.part("t4", "pay", 1).idempotency_key == "t1/refund/pay"


@pytest.mark.parametrize(("deadline", "now", "left"), [(None, 5, None), (9.0, 5, 4.0), (9.0, 12, 0.0)])
def test_seconds_left(deadline, now, left):
    """The time until the deadline, never below zero; without one, there is no end."""
    assert Task("t", 1, deadline=deadline).seconds_left(now) == left


COUNTS = st.builds(Usage, *[st.integers(0, 10**6)] * 4)


@given(COUNTS, COUNTS, COUNTS)
def test_usage_adds_up(one, two, three):
    """In any order and grouping; nothing is added by nothing."""
    assert (one + two) + three == one + (two + three)
    assert one + two == two + one
    assert one + Usage() == one


@pytest.mark.parametrize(("status", "ok"), [("ok", True), ("partial", False), ("failed", False)])
def test_only_ok_is_ok(status, ok):
    """A partial outcome is not what was asked for."""
    assert Outcome("t", status).ok is ok


def test_they_cross_the_wire_as_json():
    """A task and an outcome are the same after JSON, through pydantic."""
    task = Task("t1", {"text": "hello"}, context={"a": 1}, deadline=9.0).again()
    outcome = Outcome("t1", "partial", {"a": 1}, (Part("a/b", "ok", 2, "x", 0.5),), Usage(1, 2, 3, 4, 0.5), "late", 1.5)
    for value in (task, outcome):
        adapter = TypeAdapter(type(value))
        assert adapter.validate_json(adapter.dump_json(value)) == value


def test_they_cannot_be_changed():
    """Who wants another task makes one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Task("t", 1).attempt = 2
