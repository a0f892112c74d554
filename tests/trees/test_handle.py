"""A task that was submitted: its state, its outcome, its end before its end; and what a request may cost."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from treeward.agents.agent import Agent
from treeward.runtime.errors import SystemClosed
from treeward.runtime.task import Usage
from treeward.runtime.usage import Limits
from treeward.trees.runtime import Runtime
from treeward.trees.spec import AgentNode, PoolNode, SupervisorNode, Template, Tree

HERE = __name__


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


class Writer(Agent):
    """Writes a page a second, as many as are asked for."""

    async def handle(self, task):
        for page in range(task.input):
            await self.system.clock.sleep(1)
            self.progress({"pages": page + 1})
            self.charge(Usage(cost=1.0))
        return {"pages": task.input}


def writing(**changes):
    node = SupervisorNode(supervisor="top", children=[AgentNode(agent="writer", use=f"{HERE}:Writer")])
    tree = Tree(name="writing", tree=node, entry="writer")
    return Runtime(tree, allow=[HERE], blocked_after=None, **changes)


async def test_a_task_is_submitted():
    """The handle is there at once, tells the states, and has the outcome."""
    async with writing() as rt:
        handle = rt.submit(2)
        states = [handle.state]
        await asyncio.sleep(1.5)
        states.append(handle.state)
        outcome = await handle.outcome()
        states.append(handle.state)
    assert states == ["submitted", "working", "completed"]
    assert (outcome.output, outcome.task_id, handle.done) == ({"pages": 2}, handle.id, True)


async def test_a_task_is_canceled_with_what_there_is():
    """Whoever cancels gets the pages that are written."""
    async with writing() as rt:
        handle = rt.submit(9)
        await asyncio.sleep(3.5)
        handle.cancel("enough")
        outcome = await handle.outcome()
    assert (outcome.status, outcome.output, outcome.error, handle.state) == (
        "canceled",
        {"pages": 3},
        "enough",
        "canceled",
    )


async def test_a_task_that_has_not_begun_is_canceled():
    """A handle that is canceled at once has a canceled outcome."""
    async with writing() as rt:
        handle = rt.submit(9)
        handle.cancel()
        assert (await handle.outcome()).status == "canceled"


async def test_waiting_may_have_an_end_before_the_task():
    """A timeout of the waiting leaves the task alone."""
    async with writing() as rt:
        handle = rt.submit(3)
        with pytest.raises(TimeoutError):
            await handle.outcome(timeout=1.5)
        assert (await handle.outcome()).status == "ok"


async def test_a_callback_hears_the_outcome():
    """It is called once the outcome is there."""
    heard = []
    async with writing() as rt:
        rt.submit(1).add_done_callback(heard.append)
        await asyncio.sleep(2)
    assert [outcome.output for outcome in heard] == [{"pages": 1}]


async def test_a_request_has_a_budget():
    """What a request may cost is said where it is made; the outcome has what there is."""
    async with writing() as rt:
        outcome = await rt.run(9, budget=Limits(cost=2.0))
    assert (outcome.status, outcome.failure, outcome.output) == ("partial", "exhausted", {"pages": 3})
    assert outcome.usage.cost == 3.0


async def test_leaving_the_block_cancels_what_takes_too_long():
    """After the grace period a task in hand is canceled, with what there is."""
    async with writing(grace=2.0) as rt:
        handle = rt.submit(9)
        await asyncio.sleep(0.5)
    outcome = await handle.outcome()
    assert (outcome.status, outcome.output) == ("canceled", {"pages": 2})
    assert outcome.error == "the runtime was closed before the task was done"


async def test_nothing_is_submitted_after_the_end():
    """A runtime that was left takes no task."""
    async with writing() as rt:
        pass
    with pytest.raises(SystemClosed):
        rt.submit(1)


async def test_health_says_what_a_probe_wants_to_know():
    """A tree that runs is ready; one whose entry was ended is not; nor is a runtime that is being left."""
    async with writing(grace=1.0) as rt:
        well = rt.health()
        await rt.supervisor("top").terminate_child("writer")
        unwell = rt.health()
    left = rt.health()
    assert (well.live, well.ready, dict(well.why)) == (True, True, {})
    assert (unwell.live, unwell.ready, list(unwell.why)) == (True, False, ["top/writer"])
    assert (left.live, left.ready) == (False, False)


@pytest.mark.realtime
def test_a_plain_thread_submits_and_cancels():
    """Everything works from a thread that has no event loop."""
    with writing() as rt:
        handle = rt.submit(60)
        timer = threading.Timer(0.05, handle.cancel)
        timer.start()
        outcome = handle.outcome(timeout=5)
        timer.join()
    assert (outcome.status, handle.state) == ("canceled", "canceled")


async def test_a_task_for_a_pool_is_canceled_with_what_there_is():
    """The handle finds the task at whichever member has it."""
    pool = PoolNode(pool="crew", size=2, child=Template(use=f"{HERE}:Writer"))
    tree = Tree(name="writing", tree=SupervisorNode(supervisor="top", children=[pool]), entry="crew")
    async with Runtime(tree, allow=[HERE], blocked_after=None) as rt:
        handle = rt.submit(9)
        await asyncio.sleep(2.5)
        state = handle.state
        handle.cancel()
        outcome = await handle.outcome()
    assert (state, outcome.status, outcome.output) == ("working", "canceled", {"pages": 2})
