"""The policies: which of those that can go on goes on first."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections import Counter

import pytest

from treeward.chaos.simulation.schedule import POLICIES, Priorities, Uniform, picker
from treeward.chaos.simulation.simulate import simulate


def drawn(made, items):
    """Returns the order in which a picker gives out those items, put in under their own names."""
    for item in items:
        made.add(item, item)
    return [made.take() for _ in items]


def orders(policy, seeds, steps=1):
    """Returns the orders in which three tasks made their steps, one order a seed."""

    async def main():
        seen = []

        async def walk(name):
            for _ in range(steps):
                seen.append(name)
                await asyncio.sleep(0)

        await asyncio.gather(*(walk(name) for name in "abc"))
        return "".join(seen)

    return [simulate(main, seed=seed, policy=policy).result() for seed in range(seeds)]


def test_fifo_is_the_order_of_asyncio():
    """Under `fifo`, tasks go on in the order in which they could."""
    assert orders("fifo", 5, steps=3) == ["abcabcabc"] * 5


def test_random_finds_every_order():
    """Under `random`, each order of three tasks comes up, about as often as the others."""
    found = Counter(orders("random", 600))
    assert sorted(found) == ["abc", "acb", "bac", "bca", "cab", "cba"]
    assert min(found.values()) > 60


def test_pct_lets_the_same_one_go_on():
    """Under `pct`, whoever has the highest priority makes all its steps before the others, but for a few changes."""
    begun = Counter(order[:3] for order in orders("pct", 60, steps=3))
    assert sum(begun[name * 3] for name in "abc") > 55
    assert all(begun[name * 3] > 5 for name in "abc")
    begun = Counter(order[:3] for order in orders("random", 60, steps=3))
    assert sum(begun[name * 3] for name in "abc") < 20


def test_uniform_gives_out_everything_once():
    """What was put in comes out, each item once, whatever the order."""
    assert sorted(drawn(Uniform(random.Random(1)), range(100))) == list(range(100))


def test_priorities_stay():
    """Who was before another goes on being before it, while nothing changes."""
    made = Priorities(random.Random(1), depth=1)
    first = drawn(made, "abcdef")
    assert drawn(made, "fedcba") == first


def test_a_change_point_puts_whoever_is_next_below_all_others():
    """At one of its `depth - 1` change points, the highest priority becomes the lowest."""
    made = Priorities(random.Random(1), depth=2, window=6)
    first = drawn(made, "abcdef")
    after = drawn(made, "abcdef")  # one change in the first window, one in the second
    assert after != sorted(after, key=first.index)
    assert sorted(after) == sorted(first)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_priorities_change_at_most_so_often(depth):
    """In a window of steps there are `depth - 1` changes at most."""
    changes = 0
    for seed in range(50):
        made = Priorities(random.Random(seed), depth=depth, window=200)
        rounds = ["".join(drawn(made, "abcd")) for _ in range(50)]
        changes = max(changes, sum(one != other for one, other in itertools.pairwise(rounds)))
    assert changes <= 2 * (depth - 1)  # a change within a round shows in that one and in the next
    assert (changes > 0) is (depth > 1)


def test_pct_starves_nobody_for_ever():
    """Who polls with the highest priority, without time passing, lets the others go on all the same."""

    async def main():
        done = asyncio.Event()

        async def poll():
            while not done.is_set():  # noqa: ASYNC110 - the point
                await asyncio.sleep(0)

        async def work():
            for _ in range(5):
                await asyncio.sleep(0)
            done.set()

        await asyncio.gather(poll(), poll(), poll(), work())

    assert all(simulate(main, seed=seed, policy="pct").error is None for seed in range(20))


def test_callbacks_keep_their_order():
    """What is given to `call_soon` is called in that order under every policy, and after the steps before it."""

    async def main():
        loop, seen = asyncio.get_running_loop(), []
        for number in range(20):
            loop.call_soon(seen.append, number)
        await asyncio.sleep(0)
        return seen

    assert all(simulate(main, policy=policy).result() == list(range(20)) for policy in POLICIES)


def test_timers_of_one_time_keep_their_order():
    """What is due at the same time is called in the order in which it was asked for."""

    async def main():
        loop, seen = asyncio.get_running_loop(), []
        for number in range(20):
            loop.call_at(1.0, seen.append, number)
        await asyncio.sleep(1)
        return seen

    assert all(simulate(main, policy=policy).result() == list(range(20)) for policy in POLICIES)


def test_an_unknown_policy_is_refused_in_words():
    """The error names what was given and what there is."""
    with pytest.raises(ValueError, match="policy is 'rr': expected one of fifo, random, pct"):
        picker("rr", random.Random(1))
