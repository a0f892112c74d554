"""Copies of frozen data: the same as `dataclasses.replace` makes, of our own classes and of a user's below them."""

from __future__ import annotations

import copy
import inspect
import pickle
from dataclasses import FrozenInstanceError, asdict, dataclass, field, replace

import pytest

from treeward.runtime.copies import changed, quick
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
    made = changed(given, attempt=2, feedback=("no",))
    assert type(made) is kind
    assert made == replace(given, attempt=2, feedback=("no",))
    assert (given.attempt, made.attempt, made.input is given.input) == (1, 2, True)


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
    made = changed(Task("t", "x"), attempt=2)
    with pytest.raises(FrozenInstanceError):
        made.attempt = 3


@pytest.mark.parametrize("given", [Task("t", "x"), Plain("t", "x"), Single()])
def test_a_field_that_there_is_not(given):
    """It is no typing error that goes unnoticed."""
    with pytest.raises((AttributeError, TypeError), match="attemt"):
        changed(given, attemt=2)


# --- made quickly -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Slow:
    name: str
    facts: dict = field(default_factory=dict)
    size: int = 0

    def __post_init__(self):
        if self.size < 0:
            raise ValueError("a size below 0")


@quick
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    facts: dict = field(default_factory=dict)
    size: int = 0

    def __post_init__(self):
        if self.size < 0:
            raise ValueError("a size below 0")


class Below(Quick):
    """A user's own."""


@pytest.mark.parametrize("kind", [Quick, Below])
@pytest.mark.parametrize(("args", "named"), [(("a",), {}), (("a", {"b": 1}, 2), {}), ((), {"size": 3, "name": "c"})])
def test_what_is_made_quickly_is_the_same(kind, args, named):
    """The same fields, the same defaults, each with a mapping of its own, and frozen."""
    made, other, slow = kind(*args, **named), kind(*args, **named), Slow(*args, **named)
    assert (type(made), asdict(made)) == (kind, asdict(slow))
    assert (made == other, hash(made.name) == hash(slow.name)) == (True, True)
    assert named or len(args) > 1 or made.facts is not other.facts
    with pytest.raises(FrozenInstanceError):
        made.size = 1


@pytest.mark.parametrize("kind", [Quick, Below])
def test_what_is_made_quickly_is_checked(kind):
    """`__post_init__` runs, and a wrong call is one."""
    with pytest.raises(ValueError, match="below 0"):
        kind("a", size=-1)
    with pytest.raises(TypeError, match="nmae"):
        kind(nmae="a")
    assert str(inspect.signature(Quick)) == str(inspect.signature(Slow))


def test_what_is_made_quickly_can_be_copied_and_pickled():
    """As ours are when they go to a process of their own."""
    task = Task("t", {"n": 1}, context={"a": 1})
    assert pickle.loads(pickle.dumps(task)) == copy.deepcopy(task) == replace(task) == task
