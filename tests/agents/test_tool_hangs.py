"""An owner of tools that hangs over a call: it is ended once nobody waits for that any more."""

import asyncio
import threading

import pytest

from treeward.agents.agent import Agent
from treeward.agents.calls import ToolCall, ask_owner
from treeward.agents.delivery import deliver
from treeward.agents.errors import ToolUnavailable
from treeward.agents.profile import Profile
from treeward.agents.tools import tool
from treeward.runtime.task import Task
from treeward.supervisors.work.policy import Work


class Store(Agent):
    """Its tools take as long as they are told."""

    @tool
    async def take(self, seconds: float) -> int:
        await self.system.clock.sleep(seconds)
        return self.incarnation

    @tool
    async def block(self) -> None:
        RELEASED.wait(60)


RELEASED = threading.Event()


class Caller(Agent):
    """Calls the tool that the task names."""

    async def handle(self, task):
        name, arguments = task.input
        return await self.call(name, **arguments)


HASTY = Work(attempt_timeout=2.0, recovery=())
CALLERS = {"caller": (Caller, Profile(tools=("store.*",)), {}, HASTY)}


@pytest.mark.parametrize(("seconds", "incarnation"), [(2.5, 1), (2.9, 1), (3.1, 2), (1e6, 2)])
async def test_a_call_has_the_kill_grace_after_its_caller(grow, seconds, incarnation):
    """The caller gives up after 2 s; an owner that is still at it 1 s later is killed, one that has ended is not."""
    async with grow({"store": (Store,), **CALLERS}) as tree:
        outcome = await deliver(tree.ref("caller"), Task("t", ("store.take", {"seconds": seconds})))
        assert (outcome.status, tree.now) == ("failed", 2.0), outcome.error
        again = await deliver(tree.ref("caller"), Task("u", ("store.take", {"seconds": 0.5})))
    assert (again.status, again.output) == ("ok", incarnation)


async def test_a_call_that_waits_in_the_mailbox_kills_nobody(grow):
    """Who is busy with somebody else's call is not to blame for one that was given up before it was its turn."""
    async with grow({"store": (Store,), **CALLERS}) as tree:
        long = asyncio.ensure_future(tree.ref("store").ask(ToolCall("store.take", {"seconds": 10.0}, "k")))
        outcome = await deliver(tree.ref("caller"), Task("t", ("store.take", {"seconds": 0.5})))
        assert outcome.status == "failed"
        assert (await long, tree.now) == (1, 10.0)


async def test_a_deadline_ends_a_call_as_well(grow):
    """The owner of a call that has its own deadline is killed the same time after that."""
    async with grow({"store": (Store,), "caller": (Caller, Profile(tools=("store.*",)))}) as tree:
        task = Task("t", ("store.take", {"seconds": 1e6}), deadline=5.0)
        await deliver(tree.ref("caller"), task)
        again = await deliver(tree.ref("caller"), Task("u", ("store.take", {"seconds": 0.5})))
    assert (again.output, tree.now) == (2, 6.5)


@pytest.mark.realtime
async def test_a_thread_that_blocks_over_a_call_is_left_behind(grow):
    """The next incarnation has a thread of its own, and the next call is answered."""
    RELEASED.clear()
    async with grow({"store": (Store,)}, dispatcher="thread") as tree:
        call = ToolCall("store.block", {}, "k", deadline=tree.now + 0.1)
        with pytest.raises(ToolUnavailable):
            await ask_owner(tree.ref("store"), call, 1, tree.system.clock)
        again = await tree.ref("store").ask(ToolCall("store.take", {"seconds": 0.0}, "l"))
        RELEASED.set()
    assert again == 2
