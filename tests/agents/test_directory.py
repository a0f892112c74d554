"""Who offers what, and who of several gets a task."""

from __future__ import annotations

import asyncio
import gc

import pytest

from treeward.agents.agent import Agent
from treeward.agents.directory import SWEEP_AT, directory_of
from treeward.agents.profile import Profile
from treeward.agents.routing import Router, candidates, least_busy, load
from treeward.agents.tools import tool
from treeward.runtime.actor import Factory
from treeward.runtime.exits import Exit
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.spec import Backoff

LATER = Backoff(initial=10.0, factor=1.0, max=10.0, jitter="none")


class Worker(Agent):
    async def handle(self, task):
        await self.system.clock.sleep(1)

    @tool
    def ping(self) -> str:
        """Answers."""
        return "pong"


class Broken(Agent):
    def __init__(self):
        raise ValueError("no")


BILLING = Profile(handles=("billing",))


async def test_an_agent_is_found_by_what_it_handles(grow):
    """What an agent handles, its id and its tools are in the registry and in the directory."""
    async with grow({"one": (Worker, BILLING)}) as tree:
        one = tree.ref("one")
        for word in ("billing", "agent:one", "tool:one.ping"):
            assert tree.system.registry.capable(word) == (one,)
            assert directory_of(tree.system).who(word) == (one,)
        assert list(directory_of(tree.system).tools()) == ["one.ping"]
        assert directory_of(tree.system).profile(one) is BILLING


async def test_a_subclass_need_not_call_super(grow):
    """An agent whose own hooks call no `super()` is found all the same."""

    class Bare(Worker):
        def __init__(self):
            self.started = False

        def on_start(self):
            self.started = True

    async with grow({"one": (Bare, BILLING)}) as tree:
        assert candidates(tree.system, "billing") == (tree.ref("one"),)


async def test_an_agent_that_is_being_restarted_can_be_found(grow):
    """A crashed agent that waits for its restart is found, unless another one can do the same now."""
    async with grow({"one": (Worker, BILLING), "two": (Worker, BILLING)}, backoff=LATER) as tree:
        one, two = tree.ref("one"), tree.ref("two")
        one._cell.kill()
        await asyncio.sleep(0.1)
        assert candidates(tree.system, "billing") == (two,)
        two._cell.kill()
        await asyncio.sleep(0.1)
        assert tree.system.registry.capable("billing") == ()
        assert candidates(tree.system, "billing") == (one, two)


async def test_an_agent_that_is_gone_is_not_found():
    """Who has ended for good is found no more."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Worker, attributes={"profile": BILLING}))
        await ref.stop(reason=Exit.NORMAL)
        assert candidates(system, "billing") == ()
        assert directory_of(system).tools() == {}


async def test_an_agent_whose_start_fails_is_not_found():
    """An agent that does not come to its start offers nothing."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Broken, attributes={"profile": BILLING}))
        assert not ref.is_alive()
        assert candidates(system, "billing") == ()


async def test_a_changed_profile_replaces_the_old_one():
    """What an agent has offered in an earlier life and does not any more is found no more."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Worker), path="one")
        directory = directory_of(system)
        directory.enter(ref, BILLING, {"billing": None, "a": None})
        directory.enter(ref, Profile(), {"a": None})
        assert directory.who("billing") == ()
        assert directory.who("a") == (ref,)
        assert directory.profile(ref) == Profile()


@pytest.mark.realtime  # in a simulation the garbage collector is off
async def test_the_directory_does_not_grow_with_the_dead():
    """Words of those who are gone are forgotten, so that many short lives leave nothing behind."""
    async with ActorSystem(blocked_after=None) as system:
        for _ in range(3 * SWEEP_AT):
            await system.launch(Factory(Worker)).stop()
        gc.collect()
        system.launch(Factory(Worker), path="last")
        assert len(directory_of(system)._words) <= SWEEP_AT + 2


async def test_a_system_takes_its_directory_with_it():
    """Two systems know nothing of each other's agents."""
    async with ActorSystem(blocked_after=None) as one, ActorSystem(blocked_after=None) as other:
        one.launch(Factory(Worker, attributes={"profile": BILLING}))
        assert len(candidates(one, "billing")) == 1
        assert candidates(other, "billing") == ()


@pytest.mark.parametrize(
    ("loads", "turns", "places"),
    [
        ([0, 0, 0], range(4), [0, 1, 2, 0]),
        ([2, 1, 1], range(3), [1, 2, 1]),
        ([5], range(2), [0, 0]),
        ([3, 0, 9], range(2), [1, 1]),
    ],
)
def test_the_least_busy_has_its_turn(loads, turns, places):
    """The smallest load gets the next one; of several, each in turn."""
    assert [least_busy(loads, turn) for turn in turns] == places


async def test_who_is_busy_is_passed_over(grow):
    """A message in hand and messages that wait both count."""
    async with grow({"one": (Worker, BILLING), "two": (Worker, BILLING)}) as tree:
        one, two = tree.ref("one"), tree.ref("two")
        router, found = Router(tree.system), candidates(tree.system, "billing")
        one.tell(Task("a", "x"))
        one.tell(Task("b", "x"))
        await asyncio.sleep(0)
        assert [load(tree.system, ref) for ref in (one, two)] == [2, 0]
        assert [router.choose("billing", found) for _ in range(3)] == [two, two, two]


def test_nobody_is_chosen_from_nobody():
    """Where nobody can do it, nobody is chosen: never a guess."""
    assert Router(ActorSystem()).choose("billing", ()) is None
