"""The model of supervision that supervisors are held against: the tables of the contract."""

import pytest

from treeward.chaos.invariants.families import CLOSE, Deaths, is_due, reach
from treeward.runtime.exits import Exit, Shutdown

ORDERLY = [Exit.NORMAL, Exit.SHUTDOWN, Shutdown("done")]
ABNORMAL = [Exit.KILLED, ValueError("boom"), SystemExit()]


@pytest.mark.parametrize("reason", [*ORDERLY, *ABNORMAL], ids=str)
@pytest.mark.parametrize("kind", ["permanent", "transient", "temporary"])
def test_is_due(kind, reason):
    """A permanent child is always restarted, a transient one after an abnormal end, a temporary one never."""
    expected = {"permanent": True, "transient": reason in ABNORMAL, "temporary": False}
    assert is_due(kind, reason) == expected[kind]


@pytest.mark.parametrize(
    ("strategy", "dead", "reached"),
    [
        ("one_for_one", "b", "b"),
        ("rest_for_one", "a", "abcd"),
        ("rest_for_one", "c", "cd"),
        ("rest_for_one", "d", "d"),
        ("one_for_all", "a", "abcd"),
        ("one_for_all", "d", "abcd"),
    ],
)
def test_reach(strategy, dead, reached):
    """One for one: that child; rest for one: it and those after it; one for all: all."""
    assert reach(strategy, "abcd", dead) == frozenset(reached)


def test_reach_of_a_stranger():
    """A child that is gone by now reaches itself alone."""
    assert reach("rest_for_one", ("a", "b"), "c") == {"c"}


@pytest.mark.parametrize(
    ("age", "surely", "perhaps"),
    [(0.0, 1, 1), (5.0 - 2 * CLOSE, 1, 1), (5.0, 0, 1), (5.0 + CLOSE / 2, 0, 1), (5.0 + 2 * CLOSE, 0, 0)],
)
def test_window(age, surely, perhaps):
    """An event counts while its age is at most the window's; at the edge it may be either, on a real clock."""
    deaths = Deaths()
    deaths.add(10.0)
    assert (deaths.surely(5.0, 10.0 + age), deaths.perhaps(5.0, 10.0 + age)) == (surely, perhaps)
