"""SUPERVISION.md section 7.2 as a function: who goes down, newest first, and who comes up, in list order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.strategy import Plan, plan

IDS = ("a", "b", "c", "d")


@pytest.mark.parametrize(
    ("strategy", "failed", "terminate", "start"),
    [
        pytest.param("one_for_one", "a", "", "a", id="one_for_one_first"),
        pytest.param("one_for_one", "b", "", "b", id="one_for_one_middle"),
        pytest.param("one_for_one", "d", "", "d", id="one_for_one_last"),
        pytest.param("rest_for_one", "a", "dcb", "abcd", id="rest_for_one_first"),
        pytest.param("rest_for_one", "b", "dc", "bcd", id="rest_for_one_middle"),
        pytest.param("rest_for_one", "d", "", "d", id="rest_for_one_last"),
        pytest.param("one_for_all", "a", "dcb", "abcd", id="one_for_all_first"),
        pytest.param("one_for_all", "b", "dca", "abcd", id="one_for_all_middle"),
        pytest.param("one_for_all", "d", "cba", "abcd", id="one_for_all_last"),
    ],
)
def test_plan(strategy, failed, terminate, start):
    """Each strategy makes its plan from the order of the children and the one that died."""
    assert plan(strategy, IDS, failed) == Plan(tuple(terminate), tuple(start))


@pytest.mark.parametrize("strategy", ["one_for_one", "rest_for_one", "one_for_all"])
def test_plan_of_an_only_child(strategy):
    """Alone, every strategy does the same."""
    assert plan(strategy, ["a"], "a") == Plan((), ("a",))


@given(
    ids=st.lists(st.text(), min_size=1, max_size=20, unique=True),
    position=st.integers(0, 19),
    strategy=st.sampled_from(["one_for_one", "rest_for_one", "one_for_all"]),
)
def test_a_plan_starts_what_it_takes_down_and_the_one_that_died(ids, position, strategy):
    """Nothing is taken down without being started again, and the dead child is started but not taken down."""
    failed = ids[position % len(ids)]
    made = plan(strategy, ids, failed)
    assert set(made.start) == {*made.terminate, failed}
    assert failed not in made.terminate
    assert list(made.start) == [child for child in ids if child in made.start]
    assert list(made.terminate) == [child for child in reversed(ids) if child in made.terminate]


def test_a_plan_takes_a_view_of_the_ids():
    """The ids may be a view of a dict, so that a plan for one child costs nothing in a crowd."""
    assert plan("rest_for_one", dict.fromkeys(IDS).keys(), "c") == Plan(("d",), ("c", "d"))
