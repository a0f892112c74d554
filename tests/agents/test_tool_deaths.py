"""An owner of tools that dies over a call: it is asked again only where its supervisor can bear one more death."""

import asyncio

import pytest

from treeward.agents.agent import Agent
from treeward.agents.calls import ToolCall, ask_owner
from treeward.agents.delivery import deliver
from treeward.agents.errors import ToolUnavailable
from treeward.agents.profile import Profile
from treeward.agents.tools import tool
from treeward.runtime.task import Task
from treeward.supervisors.spec import Intensity
from treeward.supervisors.work.policy import Work

ASKED = []


class Store(Agent):
    """Dies over a call so many times."""

    @tool
    async def take(self, deaths: int) -> int:
        ASKED.append(self.system.clock.monotonic())
        if len(ASKED) <= deaths:
            raise OSError("the line is dead")
        return self.incarnation


class Caller(Agent):
    """Makes the call that the task describes."""

    async def handle(self, task):
        return await self.call("store.take", deaths=task.input)


CHILDREN = {"store": (Store,), "caller": (Caller, Profile(tools=("store.*",)), {}, Work(recovery=()))}
TWICE = Intensity(2, 5.0)


@pytest.fixture(autouse=True)
def nobody_asked():
    """Forgets who was asked."""
    ASKED.clear()


def lives(tree):
    """Returns how often the supervisor was started."""
    return tree.system.cells["top"].incarnation


async def test_a_call_that_kills_waits_for_room(grow):
    """Two deaths in five seconds can be borne: the third one, and the fourth, come when there is room again."""
    async with grow(CHILDREN, intensity=TWICE) as tree:
        outcome = await deliver(tree.ref("caller"), Task("t", 4))
        left = (lives(tree), tree.system.cells["top"].guard.daring)
    assert (outcome.output, left) == (5, (1, 0))
    assert [round(at) for at in ASKED] == [0, 0, 5, 5, 10]


async def test_calls_that_kill_at_the_same_time_count_together(grow):
    """One of two waits until the other one has come to its end."""
    async with grow(CHILDREN, intensity=Intensity(3, 5.0)) as tree:
        clock = tree.system.clock
        calls = [ToolCall("store.take", {"deaths": 6}, f"k{number}") for number in range(2)]
        await asyncio.gather(*(ask_owner(tree.ref("store"), call, 8, clock) for call in calls))
        assert (lives(tree), tree.system.cells["top"].guard.daring) == (1, 0)


async def test_a_wait_that_the_deadline_would_not_outlast_is_not_begun(grow):
    """The tool is not available, at once."""
    async with grow(CHILDREN, intensity=TWICE) as tree:
        call = ToolCall("store.take", {"deaths": 4}, "k", deadline=3.0)
        with pytest.raises(ToolUnavailable, match="the line is dead"):
            await ask_owner(tree.ref("store"), call, 8, tree.system.clock)
        assert (tree.now, len(ASKED), lives(tree)) == (0.0, 2, 1)


@pytest.mark.realtime
async def test_a_caller_on_another_loop_waits_as_well(grow):
    """The room is looked at on the runtime's own loop."""
    async with grow(CHILDREN, intensity=Intensity(1, 0.3)) as tree:
        call = ToolCall("store.take", {"deaths": 2}, "k")
        answer = await asyncio.to_thread(asyncio.run, ask_owner(tree.ref("store"), call, 8, tree.system.clock))
        assert (answer, lives(tree), tree.system.cells["top"].guard.daring) == (3, 1, 0)
    assert ASKED[2] - ASKED[0] >= 0.6
