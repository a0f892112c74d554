"""SUPERVISION.md sections 2 and 7.3: how long a restart waits, and what happens meanwhile."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.backoff import delay
from treeward.supervisors.requests import ChildRestarting
from treeward.supervisors.spec import Backoff, Intensity

EXACT = Backoff(initial=1, factor=2, max=10, jitter="none", reset_after=100)


class Dice:
    """Draws always the same share of the range."""

    def __init__(self, share):
        self.share = share

    def uniform(self, low, high):
        return low + self.share * (high - low)


@pytest.mark.parametrize(
    ("backoff", "seconds"),
    [
        pytest.param(EXACT, [1, 2, 4, 8, 10, 10], id="doubles_to_the_maximum"),
        pytest.param(Backoff(initial=0.5, factor=1, jitter="none"), [0.5, 0.5, 0.5], id="factor_1_is_constant"),
        pytest.param(Backoff(initial=1, factor=3, max=10**9, jitter="none"), [1, 3, 9, 27], id="factor_3"),
        pytest.param(Backoff(initial=5, factor=2, max=5, jitter="none"), [5, 5], id="maximum_is_initial"),
    ],
)
def test_delay_without_jitter(backoff, seconds):
    """The wait is initial times factor to the power of the restarts before, at most max."""
    assert [delay(backoff, n, random.Random(1)) for n in range(len(seconds))] == seconds


@pytest.mark.parametrize(("share", "seconds"), [(0, [0, 0, 0]), (0.5, [0.5, 1, 2]), (1, [1, 2, 4])])
def test_full_jitter_draws_between_0_and_the_wait(share, seconds):
    """jitter: full."""
    backoff = Backoff(initial=1, factor=2, max=10, jitter="full")
    assert [delay(backoff, n, Dice(share)) for n in range(3)] == seconds


@pytest.mark.parametrize(("share", "seconds"), [(0, [1, 2, 8]), (0.5, [2, 3, 9]), (1, [3, 4, 10])])
def test_a_number_as_jitter_adds_up_to_so_many_seconds(share, seconds):
    """jitter: a number of seconds; the maximum holds for the sum."""
    backoff = Backoff(initial=1, factor=2, max=10, jitter=2)
    assert [delay(backoff, n, Dice(share)) for n in (0, 1, 3)] == seconds


@given(
    initial=st.floats(1e-3, 1e3),
    factor=st.floats(1, 100),
    most=st.floats(1e-3, 1e6),
    jitter=st.one_of(st.sampled_from(["full", "none"]), st.floats(0, 1e3)),
    restarts=st.integers(0, 10_000),
)
def test_a_wait_is_never_negative_and_never_above_the_maximum(initial, factor, most, jitter, restarts):
    """Whatever the options, and however often the child died."""
    backoff = Backoff(initial=initial, factor=factor, max=max(initial, most), jitter=jitter)
    assert 0 <= delay(backoff, restarts, random.Random(restarts)) <= backoff.max


# --- in a living supervisor -------------------------------------------------------------------------


async def test_without_a_backoff_the_restart_is_at_once(lab):
    """The default is OTP's: no wait."""
    async with lab.run(lab.spec("a")) as top:
        await lab.at(7)
        await top.crash("a")
        assert lab.times == [(7.0, "-a1"), (7.0, "+a2")]


async def test_the_waits_grow_with_the_restarts_in_a_row(lab):
    """1 s, 2 s, 4 s, 8 s, and then the maximum."""
    async with lab.run(lab.spec("a"), backoff=EXACT, intensity=lab.MANY) as top:
        waits = []
        for _ in range(6):
            await top.crash("a")
            died = lab.now()
            await lab.at(died + 10.5)
            waits.append(lab.times[-1][0] - died)
        assert waits == [1, 2, 4, 8, 10, 10]


@pytest.mark.parametrize(
    ("lived", "wait"), [pytest.param(99.0, 4.0, id="less"), pytest.param(100.0, 1.0, id="reset_after")]
)
async def test_a_child_that_has_run_for_reset_after_seconds_begins_anew(lab, lived, wait):
    """After a long enough life, the next wait is the initial one."""
    async with lab.run(lab.spec("a"), backoff=EXACT, intensity=lab.MANY) as top:
        await top.crash("a")  # up again at 1
        await lab.at(2)
        await top.crash("a")  # up again at 4
        await lab.at(4 + lived)
        await top.crash("a")
        assert lab.seen(ChildRestarting)[-1].delay == wait


async def test_the_row_that_begins_anew_grows_as_the_first_one(lab):
    """A long life is forgotten with the first wait after it."""
    async with lab.run(lab.spec("a"), backoff=EXACT, intensity=lab.MANY) as top:
        await lab.at(200)
        lab.fail("a", 3)
        await top.crash("a")
        await lab.at(300)
        assert [event.delay for event in lab.seen(ChildRestarting)] == [1, 2, 4, 8]


async def test_a_failed_start_after_a_long_life_begins_anew_too(lab):
    """A sibling that had run long, and fails when it is started with the group, waits as at first."""
    options = {"strategy": "one_for_all", "backoff": EXACT, "intensity": lab.MANY}
    async with lab.run(*lab.specs("a b"), **options) as top:
        for when in (0, 10, 20):  # b dies thrice: it has waited 1, 2 and 4 s
            await lab.at(when)
            await top.crash("b")
        await lab.at(200)
        lab.fail("b")
        await top.crash("a")
        await lab.at(203)
        assert [(event.path, event.delay) for event in lab.seen(ChildRestarting)[-2:]] == [
            ("top/a", 1),
            ("top/b", 1),
        ]


async def test_failed_starts_lengthen_the_waits_too(lab):
    """A start that fails is one more restart in a row."""
    async with lab.run(lab.spec("a"), backoff=EXACT, intensity=lab.MANY) as top:
        lab.fail("a", 3)
        await top.crash("a")
        await lab.at(50)
        assert lab.times == [
            (0.0, "-a1"),
            (1.0, "-a2"),
            (3.0, "-a3"),
            (7.0, "-a4"),
            (15.0, "+a5"),
        ]


async def test_every_child_has_its_own_row(lab):
    """The waits of one child say nothing about another's."""
    async with lab.run(*lab.specs("a b"), backoff=EXACT, intensity=lab.MANY) as top:
        await top.crash("a")
        await lab.at(5)
        await top.crash("a")
        await top.crash("b")
        assert [event.delay for event in lab.seen(ChildRestarting)] == [1, 2, 1]


async def test_each_try_is_an_event_with_backoff_too(lab):
    """A death and two failed tries are three events: the third try is not made."""
    async with lab.run(lab.spec("a"), backoff=EXACT, intensity=Intensity(2, 1000)) as top:
        lab.fail("a", 5)
        await top.crash("a")
        await lab.at(50)
        assert lab.times == [(0.0, "-a1"), (1.0, "-a2"), (3.0, "-a3"), (7.0, "-top1")]


async def test_full_jitter_is_the_default_and_comes_from_the_runtimes_entropy(new_lab):
    """Two runs from the same seed wait the same times, within the bounds of full jitter."""
    delays = []
    for _ in range(2):
        lab = new_lab()
        async with lab.run(lab.spec("a"), backoff=Backoff(initial=1), intensity=lab.MANY) as top:
            for _ in range(5):
                await top.crash("a")
                await lab.at(lab.now() + 60)
            delays.append([event.delay for event in lab.seen(ChildRestarting)])
    assert delays[0] == delays[1]
    assert all(0 <= wait <= 2**n for n, wait in enumerate(delays[0]))
    assert len(set(delays[0])) == 5


async def test_a_group_waits_once(lab):
    """one_for_all: all go down at once, wait as long as the dead child has to, and come up in order."""
    async with lab.run(*lab.specs("a b c"), strategy="one_for_all", backoff=EXACT) as top:
        await top.crash("b")
        await lab.at(5)
        assert lab.times == [
            (0.0, "-b1"),
            (0.0, "-c1"),
            (0.0, "-a1"),
            (1.0, "+a2"),
            (1.0, "+b2"),
            (1.0, "+c2"),
        ]
