"""Many children, many crashes: nothing is lost, nothing is left, and memory comes back to where it was."""

from __future__ import annotations

import asyncio
import gc
import logging
import tracemalloc

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed
from treeward.runtime.system import ActorSystem
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.requests import Counts
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

MANY = Intensity(10**6, 5)
SLACK = 50_000  # bytes: Python's own lists of free objects; a leak of one object a time would be far more


class Counter(Actor):
    """Adds what it gets to the ledger, or crashes."""

    def __init__(self, ledger):
        self.ledger = ledger

    def on_receive(self, message):
        if isinstance(message, Exception):
            raise message
        self.ledger.append(message)
        return message


class AsyncCounter(Counter):
    """The same, in a task of its own for each message."""

    async def on_receive(self, message):
        await asyncio.sleep(0)
        return super().on_receive(message)


@pytest.fixture(autouse=True)
def quiet_log(caplog):
    """Keeps the log's thousands of lines out of the test's own memory."""
    with caplog.at_level(logging.CRITICAL, logger="treeward"):
        yield


@pytest.fixture
def traced():
    """Counts the memory that Python objects take."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def launch(system, spec, kind=Supervisor):
    return SupervisorHandle(system.launch(Factory(kind, (spec,)), path="top"))


@pytest.mark.parametrize("strategy", ["one_for_one", "rest_for_one", "one_for_all"])
@pytest.mark.timeout(30)
async def test_ten_thousand_children_restarted_as_a_group(strategy):
    """All come back as their second incarnation, with what had waited for them."""
    ledger = []
    children = [ChildSpec(id=f"c{n}", start=Factory(Counter, (ledger,))) for n in range(10_000)]
    async with ActorSystem(blocked_after=None) as system:
        top = launch(system, SupervisorSpec(children=children, strategy=strategy))
        assert (await top.count_children()).active == 10_000
        first = system.ref("top/c0")
        first.tell(ValueError("the first child dies"))
        first.tell("waits for the next life")
        await top.count_children()
        assert await top.count_children() == Counts(10_000, 10_000, 0, 10_000)
        group = 1 if strategy == "one_for_one" else 10_000
        assert sum(cell.incarnation == 2 for cell in system.cells.values()) == group
        await first.ask("after")
        assert ledger == ["waits for the next life", "after"]
        assert await top.stop()
        assert system.cells == {}


@pytest.mark.timeout(30)
async def test_starting_many_children_leaves_others_their_turn():
    """While ten thousand children start, another actor goes on answering."""
    children = [ChildSpec(id=f"c{n}", start=Factory(Counter, ([],))) for n in range(10_000)]
    async with ActorSystem(blocked_after=None) as system:
        other = system.spawn(Counter, [])
        top = launch(system, SupervisorSpec(children=children))
        asked = 0
        while system.ref("top/c9999") is None:
            await other.ask("still there?")
            asked += 1
        assert asked > 50
        assert (await top.count_children()).active == 10_000


@pytest.mark.timeout(30)
async def test_ten_thousand_dynamic_children_stop_all_at_once():
    """Each with the time that it needs, together in that time."""

    class Slow(Actor):
        async def on_stop(self, reason):
            await asyncio.sleep(3)

    async with ActorSystem(blocked_after=None) as system:
        spec = DynamicSpec(child=ChildSpec(id="w", start=Slow))
        top = launch(system, spec, DynamicSupervisor)
        for _ in range(10_000):
            await top.start_another()
        assert await top.stop()
        assert asyncio.get_running_loop().time() == 3.0
        assert system.cells == {}


@pytest.mark.parametrize("actor", [Counter, AsyncCounter])
async def test_a_thousand_crashes_lose_nothing(actor):
    """Every message but the deadly ones is handled once, in order; every caller has its answer."""
    ledger = []
    child = ChildSpec(id="a", start=Factory(actor, (ledger,)))
    async with ActorSystem(blocked_after=None) as system:
        top = launch(system, SupervisorSpec(children=[child], intensity=MANY))
        await top.count_children()
        ref = system.ref("top/a")
        replies = []
        for number in range(1000):
            replies.append(ref.ask(number, block=False))
            replies.append(ref.ask(ValueError(number), block=False))
        results = await asyncio.gather(*replies, return_exceptions=True)
        await top.count_children()
        assert results[::2] == list(range(1000)) == ledger
        assert all(isinstance(result, ActorCrashed) for result in results[1::2])
        assert ref.incarnation == 1001
        assert len(system.dead_letters) == 0


@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
async def test_a_thousand_crashes_over_many_children_lose_nothing(strategy):
    """Also where siblings are taken down in the middle of their work: what waits is kept for them."""
    ledger = []
    children = [ChildSpec(id=f"c{n}", start=Factory(Counter, (ledger,))) for n in range(10)]
    async with ActorSystem(blocked_after=None) as system:
        top = launch(system, SupervisorSpec(children=children, strategy=strategy, intensity=MANY))
        await top.count_children()
        for number in range(5000):
            ref = system.ref(f"top/c{number % 10}")
            ref.tell(number)
            if number % 5 == 0:
                ref.tell(ValueError(number))
        await asyncio.gather(*(_value(system.ref(f"top/c{n}").ask("end")) for n in range(10)))
        assert sorted(message for message in ledger if message != "end") == list(range(5000))
        assert len(system.dead_letters) == 0


async def _value(reply):
    return await reply


async def crash(system, top, times):
    ref = system.ref("top/a")
    for number in range(times):
        ref.tell(number)
        ref.tell(ValueError(number))
        if number % 100 == 99:
            await ref.ask("end")
            await top.count_children()


class Forgets(Counter):
    """Handles its messages, and keeps nothing of them."""

    def on_receive(self, message):
        if isinstance(message, Exception):
            raise message


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("strategy", ["one_for_one", "one_for_all"])
async def test_after_a_thousand_crashes_memory_is_back_to_its_baseline(strategy):
    """What an incarnation had is freed with it: exceptions, tasks, timers, monitors, replies."""
    children = [ChildSpec(id=name, start=Factory(Forgets, ([],))) for name in "ab"]
    limit = Intensity(10**6, 1e-3)  # the window itself remembers events for so long
    async with ActorSystem(blocked_after=None) as system:
        top = launch(system, SupervisorSpec(children=children, strategy=strategy, intensity=limit))
        await top.count_children()
        await crash(system, top, 200)
        baseline = await memory()
        await crash(system, top, 2000)
        assert await memory() - baseline < SLACK


@pytest.mark.usefixtures("traced")
async def test_children_that_come_and_go_leave_nothing():
    """A dynamic supervisor's two thousand short lives: no cell, no spec, no entry anywhere."""
    async with ActorSystem(blocked_after=None) as system:
        spec = DynamicSpec(child=ChildSpec(id="w", start=Factory(Forgets, ([],)), restart="temporary"))
        top = launch(system, spec, DynamicSupervisor)

        async def come_and_go(times):
            for number in range(times):
                ref = await top.start_another()
                if number % 2:
                    ref.tell(ValueError(number))
                else:
                    await top.terminate_child(ref)
            await top.count_children()

        await come_and_go(100)
        baseline = await memory()
        await come_and_go(2000)
        assert await memory() - baseline < SLACK
        assert list(system.cells) == ["top"]


async def memory():
    """Returns the bytes that Python objects take, once nothing is on its way any more."""
    await asyncio.sleep(1)
    gc.collect()
    return tracemalloc.get_traced_memory()[0]
