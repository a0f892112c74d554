"""Knobs: what a seed draws, and the tree that comes of it."""

import pytest
from pydantic import ValidationError

from treeward.chaos.plans.choices import Choices, Range
from treeward.chaos.plans.knobs import Knob, Knobs, knob, swarmed
from treeward.chaos.plans.plan import Fault, Plan
from treeward.trees import library
from treeward.trees.load import load_tree

TREE = """
treeward: 1
name: t
tree:
  supervisor: team
  recovery: [{retry: 2}, restart, escalate]
  children:
    - {agent: writer, use: x, mailbox: {capacity: 10}, timeout: 1m, with: {temperature: 1}}
    - supervisor: desk
      children:
        - {agent: editor, use: x, recovery: [{retry: 5}], budget: [{cost: 1}, {calls: 5, per: day}]}
    - {pool: readers, size: 2, child: {use: x, mailbox: {capacity: 5}}}
    - {dynamic: guests, child: {use: x, restart: temporary}}
"""


@pytest.fixture(scope="module")
def tree():
    """A tree with a node of every kind."""
    return load_tree(TREE, check_classes=False)


def knobs_of(tree, **values):
    plan = Plan(name="x", knobs={name.replace("__", ".").replace("_at_", ":"): value for name, value in values.items()})
    return Knobs(plan.knobs, tree)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("timeout", Knob("", ("timeout",))),
        ("mailbox.capacity", Knob("", ("mailbox", "capacity"))),
        ("team/**:with.maxTokens", Knob("team/**", ("with", "maxTokens"))),
        ("a b", None),
        (":timeout", None),
        ("team:", None),
        ("a//b:timeout", None),
        ("Timeout", None),
    ],
)
def test_the_name_of_a_knob(name, parts):
    """A knob is named by the way to its field, with or without a pattern of paths."""
    assert knob(name) == parts


FIELDS = [
    ("timeout", "team/writer=60 team/desk/editor=None team/readers=None team/guests=None"),
    ("writer:timeout", "team/writer=60"),
    ("team/*:timeout", "team/writer=60 team/readers=None team/guests=None"),
    ("mailbox.capacity", "team/writer=10 team/readers=5"),
    ("mailbox", "team/writer={} team/desk/editor=None team/readers={} team/guests=None"),
    ("size", "team/readers=2"),
    ("team/*:restart", "team/writer=permanent team/desk=permanent team/readers=permanent team/guests=permanent"),
    ("intensity.restarts", "team=5 team/desk=5 team/readers=5 team/guests=5"),
    ("recovery.retry.times", "team=2 team/desk/editor=5"),
    ("budget.calls", "team/desk/editor=None team/desk/editor=5"),
    ("with.temperature", "team/writer=1"),
    ("with.unknown", ""),
    ("children", "team=() team/desk=()"),
]


@pytest.mark.parametrize(("name", "fields"), FIELDS)
def test_what_a_knob_turns(tree, name, fields):
    """It turns the field of every node that has it, and makes nothing for one that has not."""
    found = [(field.path, field.holder[field.key]) for field in knobs_of(tree).fields(name)]
    assert " ".join(f"{path}={short(value)}" for path, value in found) == fields


def short(value):
    if isinstance(value, dict | list | tuple):
        return str(type(value)())
    return f"{value:g}" if isinstance(value, float) else str(value)


def test_a_tree_is_turned(tree):
    """What was drawn stands in the tree, everything else is as it was, and the tree itself has not changed."""
    before = tree.fingerprint
    turned = knobs_of(tree, mailbox__capacity=[3], timeout=["2m"]).tree({"mailbox.capacity": 3, "timeout": "2m"})
    nodes = dict(turned.walk())
    assert (nodes["team/writer"].mailbox.capacity, nodes["team/readers"].child.mailbox.capacity) == (3, 3)
    assert (nodes["team/writer"].timeout, nodes["team/desk/editor"].timeout) == (120.0, 120.0)
    assert nodes["team/writer"].with_ == {"temperature": 1}
    assert nodes["team"].recovery == tree.tree.recovery
    assert tree.fingerprint == before != turned.fingerprint


def test_a_part_may_be_a_knob_as_a_whole(tree):
    """A mailbox that is there in one seed may be missing in another."""
    knobs = knobs_of(tree, mailbox=[None, {"capacity": 8}])
    for value, capacity in ((None, None), ({"capacity": 8}, 8)):
        node = dict(knobs.tree({"mailbox": value}).walk())["team/desk/editor"]
        assert (node.mailbox and node.mailbox.capacity) == capacity


def test_what_is_not_legal_is_refused(tree):
    """A value that a field does not take makes no tree."""
    with pytest.raises(ValidationError):
        knobs_of(tree).tree({"mailbox.capacity": 0})


def test_without_knobs_the_tree_is_the_tree(tree):
    """Nothing drawn, nothing copied."""
    knobs = knobs_of(tree)
    assert knobs.draw(7) == {}
    assert knobs.tree({}) is tree


def test_the_same_values_make_the_same_tree(tree):
    """A tree is made once for values that come again, and few are kept."""
    knobs = knobs_of(tree, timeout="1..1000")
    assert knobs.tree({"timeout": 5}) is knobs.tree({"timeout": 5})
    for value in range(1, 250):
        knobs.tree({"timeout": value})
    assert len(knobs._turned) <= 200


def test_a_seed_draws_the_same_values(tree):
    """What is drawn depends on the seed and the plan alone; other seeds draw other values."""
    values = {"timeout": "10s..300s", "size": "1..5", "mailbox__capacity": [8, 100, None]}
    first, again = (knobs_of(tree, **values) for _ in range(2))
    drawn = [first.draw(seed) for seed in range(100)]
    assert drawn == [again.draw(seed) for seed in range(100)]
    assert {one["size"] for one in drawn} == {1, 2, 3, 4, 5}
    assert {one["mailbox.capacity"] for one in drawn} == {8, 100, None}
    assert all(10 <= one["timeout"] <= 300 for one in drawn)
    assert len({one["timeout"] for one in drawn}) > 90


RANGES = [
    ("1..5", Range(1, 5)),
    ("0.1..0.9", Range(0.1, 0.9)),
    ("-2..2", Range(-2, 2)),
    ("10s..300s", Range(10.0, 300.0, is_time=True)),
    ("500ms..2s", Range(0.5, 2.0, is_time=True)),
    ("1m±30s", Range(30.0, 90.0, is_time=True)),
    ([1], Choices((1,))),
    (["a", None, {"b": [1]}], Choices(("a", None, {"b": [1]}))),
]


@pytest.mark.parametrize(("written", "values"), RANGES)
def test_values_are_a_list_or_a_range(written, values):
    """A list means its items, a range all between its ends; both are read as they are written."""
    assert Plan(name="x", knobs={"a": written}).knobs == {"a": values}
    assert Plan(name="x", knobs={"a": values.written()}).knobs == {"a": values}


@pytest.mark.parametrize("wrong", [[], "5..1", "a..b", "1..2s", "1s", 3, None, {"a": 1}, "1..2..3", [{1: 2}]])
def test_other_values_are_refused(wrong):
    """What is neither is an error."""
    with pytest.raises(ValidationError):
        Plan(name="x", knobs={"a": wrong})


def test_swarms_leave_faults_out():
    """With `swarm`, each seed has some of the faults, one at least; each is there in about half of the seeds."""
    plan = Plan(name="x", swarm=True, faults=[Fault(at="reply", do="drop")] * 3)
    drawn = [frozenset(swarmed(plan, seed).rules) for seed in range(400)]
    assert drawn == [frozenset(swarmed(plan, seed).rules) for seed in range(400)]
    assert len(set(drawn)) == 7
    assert all(150 < sum(name in ids for ids in drawn) < 260 for name in plan.rules)
    assert swarmed(Plan(name="x", faults=plan.faults), 1).rules.keys() == plan.rules.keys()
    assert swarmed(Plan(name="x", swarm=True), 1) == Plan(name="x", swarm=True)


def test_the_support_tree_can_be_turned():
    """A tree of the library is made anew from its data without a change, and with one."""
    support = load_tree(library.find("support"))
    knobs = Knobs(Plan(name="x", knobs={"intensity.restarts": "1..5", "recovery.retry.times": [1, 3]}).knobs, support)
    for seed in range(5):
        drawn = knobs.draw(seed)
        turned = knobs.tree(drawn)
        assert turned.tree.intensity.restarts == drawn["intensity.restarts"]
        assert [path for path, _ in turned.walk()] == [path for path, _ in support.walk()]
