"""A plan carried out: in parallel, in order, in time."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.agents.aggregate import Need, Result
from treeward.agents.fanout import FanOut
from treeward.agents.plan import Plan, Subtask
from treeward.runtime.clock import LoopClock

ALL = Need()


class Works:
    """Does subtasks as their input says: seconds to take, and a status. Notes when each began and ended."""

    def __init__(self):
        self.began, self.ended, self.cancelled, self.order = {}, {}, {}, []
        self.clock = LoopClock(asyncio.get_running_loop())

    async def do(self, subtask, needed):
        seconds, status = subtask.input
        self.order.append(subtask.id)
        self.began[subtask.id] = self.clock.monotonic()
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.cancelled[subtask.id] = self.clock.monotonic()
            raise
        self.ended[subtask.id] = self.clock.monotonic()
        if status == "bug":
            raise RuntimeError("a bug")
        return Result(subtask, status, {id_: result.output for id_, result in needed.items()} or subtask.id)

    async def out(self, *subtasks, need=ALL, until=None):
        results = await FanOut(Plan(subtasks), self.do, need, self.clock, until).run()
        return {result.subtask.id: result for result in results}


def one(id_, seconds=1.0, status="ok", **changes):
    return Subtask("k", (seconds, status), id_, **changes)


async def test_subtasks_run_in_parallel():
    """Independent subtasks take as long as the longest."""
    works = Works()
    results = await works.out(one("a", 3), one("b", 1), one("c", 2))
    assert [result.status for result in results.values()] == ["ok"] * 3
    assert works.began == {"a": 0, "b": 0, "c": 0}
    assert works.clock.monotonic() == 3


async def test_a_subtask_begins_as_soon_as_its_own_needs_are_done():
    """A subtask does not wait for the others of the wave before it."""
    works = Works()
    results = await works.out(one("a", 1), one("slow", 10), one("b", 1, needs=("a",)), one("c", 1, after=("b",)))
    assert works.began == {"a": 0, "slow": 0, "b": 1, "c": 2}
    assert results["b"].output == {"a": "a"}
    assert results["c"].output == "c"


async def test_the_higher_priority_goes_first():
    """Of subtasks that may begin together the one with the higher priority begins first."""
    works = Works()
    await works.out(one("a"), one("b", priority=5), one("c", priority=1))
    assert works.order == ["b", "c", "a"]


async def test_what_needs_a_failure_is_skipped():
    """A subtask whose need fails is skipped, and so is what needs that; what only comes after is done."""
    works = Works()
    plan = [one("a", 1, "failed"), one("b", needs=("a",)), one("c", needs=("b",)), one("d", after=("a",)), one("e")]
    results = await works.out(*plan)
    assert {id_: result.status for id_, result in results.items()} == {
        "a": "failed",
        "e": "ok",
        "b": "canceled",
        "d": "ok",
        "c": "canceled",
    }
    assert results["b"].error == "skipped: no result of a"
    assert results["c"].error == "skipped: no result of b"
    assert set(works.began) == {"a", "d", "e"}


async def test_what_is_there_is_taken_in_time():
    """At the end of the time what is under way is cancelled, and what was not begun is left."""
    works = Works()
    results = await works.out(one("a", 1), one("b", 50), one("c", needs=("b",)), until=5.0)
    assert works.clock.monotonic() == 5
    assert works.cancelled == {"b": 5}
    assert results["a"].status == "ok"
    assert [(results[id_].status, results[id_].error) for id_ in "bc"] == [("canceled", "no answer in time")] * 2


async def test_enough_is_enough():
    """Once the number that is needed is there, the rest is cancelled."""
    works = Works()
    results = await works.out(one("a", 1), one("b", 2, "failed"), one("c", 3), one("d", 50), need=Need(2))
    assert works.clock.monotonic() == 3
    assert works.cancelled == {"d": 3}
    assert (results["d"].status, results["d"].error) == ("canceled", "not needed any more")


async def test_cancelling_cancels_all_that_is_under_way():
    """Whoever cancels the whole cancels its parts, and they are over when it is."""
    works = Works()
    whole = asyncio.ensure_future(works.out(one("a", 50), one("b", 50)))
    await asyncio.sleep(2)
    whole.cancel()
    with pytest.raises(asyncio.CancelledError):
        await whole
    assert works.cancelled == {"a": 2, "b": 2}


async def test_a_bug_in_the_work_ends_the_whole():
    """An error that is no result comes out, and leaves nothing running."""
    works = Works()
    with pytest.raises(RuntimeError, match="a bug"):
        await works.out(one("a", 1, "bug"), one("b", 50))
    assert works.cancelled == {"b": 1}


async def test_time_that_is_over_begins_nothing_late():
    """With no time left, everything is given up at once."""
    works = Works()
    results = await works.out(one("a", 1), until=-1.0)
    assert results["a"].status == "canceled"
    assert works.clock.monotonic() == 0


ROWS = st.tuples(
    st.sampled_from([0.0, 1.0, 2.5, 7.0]),
    st.sampled_from(["ok", "failed", "partial"]),
    st.sets(st.integers(0, 5)),
    st.sets(st.integers(0, 5)),
)


@given(st.lists(ROWS, max_size=6), st.sampled_from([None, 1.5, 4.0]), st.sampled_from(["all", 1, 3]))
async def test_every_subtask_has_one_result(rows, until, count):
    """Whatever they do, each subtask has one result, none begins before its needs, and the end comes in time."""
    works = Works()
    plan = [
        one(
            f"s{number}",
            seconds,
            status,
            needs=tuple(f"s{other}" for other in needs if other < number),
            after=tuple(f"s{other}" for other in after if other < number),
        )
        for number, (seconds, status, needs, after) in enumerate(rows)
    ]
    results = await works.out(*plan, need=Need(count), until=until)
    assert sorted(results) == sorted(subtask.id for subtask in plan)
    assert until is None or works.clock.monotonic() <= until
    for subtask in plan:
        if subtask.id in works.began:
            assert all(works.ended[id_] <= works.began[subtask.id] for id_ in subtask.needs)
            assert all(results[id_].usable for id_ in subtask.needs)
        else:
            assert not results[subtask.id].usable
