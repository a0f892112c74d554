"""`ddmin`: what is left still fails, and nothing of it can be left out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from treeward.chaos.shrink import ddmin


@given(st.sets(st.integers(0, 40)), st.integers(1, 60))
def test_it_finds_what_is_needed(needed, number):
    """Where some of the items have to be there together, exactly those are left, in their order."""
    items = list(range(max(number, max(needed, default=0) + 1)))
    assert list(ddmin(items, lambda some: needed <= set(some))) == sorted(needed)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=25), st.integers(1, 60))
def test_nothing_can_be_left_out(items, enough):
    """Also where the failure has many causes, none of what is left can be left out alone."""

    def fails(some):
        return sum(some) >= enough

    if not fails(items):
        return
    left = ddmin(items, fails)
    assert fails(left)
    assert not any(fails([*left[:index], *left[index + 1 :]]) for index in range(len(left)))


def test_nothing_may_be_needed():
    """What fails without any item needs none, and one try tells."""
    tried = []

    def fails(some):
        tried.append(list(some))
        return True

    assert list(ddmin([1, 2, 3], fails)) == []
    assert tried == [[]]


def test_it_takes_few_tries():
    """Two items of a thousand are found in a number of tries that grows as a logarithm."""
    tried = []

    def fails(some):
        tried.append(1)
        return {17, 901} <= set(some)

    assert list(ddmin(range(1000), fails)) == [17, 901]
    assert len(tried) < 150
