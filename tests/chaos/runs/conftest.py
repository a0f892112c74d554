"""What the tests of whole runs share: a shop whose till books a sale twice when it dies at the wrong time."""

from __future__ import annotations

from pathlib import Path

import pytest

from treeward.chaos import state
from treeward.chaos.plans.plan import Plan
from treeward.chaos.plans.plan_file import load_plan
from treeward.chaos.subject import Subject
from treeward.chaos.trial import run_trial
from treeward.trees.load import load_tree

SHOP = Path(__file__).with_name("shop")
ALLOW = ("tills",)


@pytest.fixture
def shop(monkeypatch):
    """The directory with the shop's tree, its plan and its module, which can be imported."""
    monkeypatch.syspath_prepend(str(SHOP))
    return SHOP


@pytest.fixture
def rush_hour(shop):
    """The shop under its plan, in which it fails from some seeds."""
    tree = load_tree(shop / "tree.yaml", allow=ALLOW)
    return Subject(tree, load_plan(shop / "plan.yaml", allow=ALLOW, tree=tree), ALLOW)


_FAILS: list[int] = []


@pytest.fixture
def fails(rush_hour):
    """The first seed from which the shop fails under its plan."""
    if not _FAILS:
        _FAILS.append(next(seed for seed in range(100) if run_trial(rush_hour, seed).failed))
    assert _FAILS[0] > 0
    return _FAILS[0]


@pytest.fixture
def subject(shop):
    """Makes a subject of an agent and the fields of a plan: `subject("Till", faults=[...], work={...})`."""

    def make(agent="Till", **fields):
        tree = load_tree(
            "treeward: 1\nname: shop\ntree:\n  supervisor: shop\n  children:\n"
            f"    - {{agent: till, use: 'tills:{agent}', mailbox: {{capacity: 100}}}}\nentry: till\n",
            allow=ALLOW,
        )
        return Subject(tree, Plan.model_validate({"name": "a plan", **fields}), ALLOW)

    return make


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """The directory in which runs have their state, in the place of the one that all processes share."""
    path = tmp_path / "memory"
    path.mkdir()
    monkeypatch.setattr(state, "MEMORY", path)
    return path
