"""Copies of frozen data: the same as `dataclasses.replace` makes, of our own classes and of a user's below them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass, replace

import pytest

from treeward.runtime.copies import changed
from treeward.runtime.evidence import Verdict
from treeward.runtime.task import Outcome, Task


class Plain(Task):
    """A user's own, with a dict."""


class Slotted(Task):
    """A user's own, without one."""

    __slots__ = ()


class Wider(Task):
    """A user's own, with a slot that is no field."""

    __slots__ = ("more",)


@dataclass(frozen=True, slots=True)
class Urgent(Task):
    """A user's own, with a field more."""

    grade: int = 1


@dataclass(frozen=True, slots=True)
class Single:
    one: int = 1


@pytest.mark.parametrize("kind", [Task, Plain, Slotted, Wider, Urgent])
def test_a_copy_is_what_replace_makes(kind):
    """Of the same class, with the same values, but for those that were given."""
    given = kind("t", {"n": 1}, deadline=3.0, visited=("a",))
    copy = changed(given, attempt=2, feedback=("no",))
    assert type(copy) is kind
    assert copy == replace(given, attempt=2, feedback=("no",))
    assert (given.attempt, copy.attempt, copy.input is given.input) == (1, 2, True)


@pytest.mark.parametrize(
    ("given", "changes"),
    [
        (Outcome("t", "ok"), {"status": "partial"}),
        (Verdict("j", accepted=True), {"score": 0.5}),
        (Single(), {"one": 2}),
    ],
)
def test_a_copy_of_other_data(given, changes):
    """Outcomes, verdicts, and what has one field only."""
    assert changed(given, **changes) == replace(given, **changes)


def test_a_copy_is_frozen():
    """As the one that it was made of."""
    copy = changed(Task("t", "x"), attempt=2)
    with pytest.raises(FrozenInstanceError):
        copy.attempt = 3


@pytest.mark.parametrize("given", [Task("t", "x"), Plain("t", "x"), Single()])
def test_a_field_that_there_is_not(given):
    """It is no typing error that goes unnoticed."""
    with pytest.raises((KeyError, TypeError), match="attemt"):
        changed(given, attemt=2)
