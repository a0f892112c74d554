"""Many messages, many actors, many crashes: nothing is lost, nothing is left, memory comes back."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import time

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed
from treeward.runtime.system import ActorSystem

pytestmark = [pytest.mark.realtime, pytest.mark.timeout(120)]


def runtime():
    return ActorSystem(blocked_after=None)


class Counter(Actor):
    def __init__(self):
        self.seen = 0

    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        self.seen += 1
        return self.seen


class AsyncCounter(Counter):
    async def on_receive(self, message):
        return super().on_receive(message)


def memory():
    """What Python's own objects take at present, and how many of them the collector knows."""
    gc.collect()
    return sys.getallocatedblocks()


@pytest.mark.parametrize("actors", [1, 100])
async def test_200_000_tells(actors):
    """200,000 messages are handled, each once."""
    async with runtime() as system:
        refs = [system.spawn(Counter) for _ in range(actors)]
        for number in range(200_000):
            refs[number % actors].tell(number)
            if number % 10_000 == 0:
                await asyncio.sleep(0)
        counts = [await ref.ask("count") - 1 for ref in refs]
        assert sum(counts) == 200_000


async def test_200_000_asks():
    """200,000 questions get 200,000 answers, in order."""
    async with runtime() as system:
        ref = system.spawn(Counter)
        for number in range(0, 200_000, 1000):
            answers = await asyncio.gather(*(ref.ask(n) for n in range(1000)))
            assert answers == list(range(number + 1, number + 1001))


async def test_200_000_messages_from_threads():
    """Eight threads, 25,000 messages each: none is lost."""
    async with runtime() as system:
        ref = system.spawn(Counter)

        def send():
            for number in range(25_000):
                ref.tell(number)

        await asyncio.gather(*(asyncio.to_thread(send) for _ in range(8)))
        assert await ref.ask("count") == 200_001


async def test_100_000_actors():
    """100,000 actors start, answer and end; then memory is what it was before."""
    async with runtime() as system:
        await asyncio.gather(*(system.spawn(Counter).stop() for _ in range(100)))
        before = memory()
        refs = [system.spawn(Counter) for _ in range(100_000)]
        assert len(system.cells) == 100_000
        assert sum(await asyncio.gather(*(ref.ask("x") for ref in refs))) == 100_000
        await asyncio.gather(*(ref.stop() for ref in refs))
        assert len(system.cells) == len(system.roots) == 0
        del refs
        await asyncio.sleep(0)
        assert memory() - before < 1000


@pytest.mark.realtime
async def test_100_000_actors_end_with_the_system():
    """Leaving the block ends them all, in a few seconds."""
    async with runtime() as system:
        for _ in range(100_000):
            system.spawn(Counter)
        began = time.monotonic()
    assert time.monotonic() - began < 20
    assert not system.cells


@pytest.mark.parametrize("cls", [Counter, AsyncCounter], ids=["def", "async def"])
async def test_1_000_crashes(cls, nursed):
    """After a thousand crashes nothing but the thousand messages is lost, and nothing is kept of the dead."""
    async with runtime() as system:
        child = nursed(system, cls)
        await child.ref.ask("x")
        before = memory()
        for _ in range(1000):
            crash, answer = child.ref.ask(ValueError("bad")), child.ref.ask("after")
            with pytest.raises(ActorCrashed):
                await crash
            assert await answer == 1
        assert child.ref.incarnation == 1001
        child.nurse.downs.clear()
        del crash, answer
        assert memory() - before < 1000


async def test_a_long_life_keeps_nothing():
    """After 100,000 messages with timers, timeouts and subscriptions memory is what it was."""

    class Busy(Actor):
        def on_receive(self, message):
            self.after(0.001, None).cancel()
            self.join("group")
            self.system.registry.leave("group", self.actor_ref)
            self.subscribe("a.b")
            self.system.bus.unsubscribe("a.b", self.actor_ref)
            self.set_receive_timeout(60)
            return message

    async with runtime() as system:
        ref = system.spawn(Busy)
        for _ in range(100):
            await ref.ask("x", timeout=60)
        before = memory()
        for _ in range(100_000):
            ref.tell("x")
        await ref.ask("x", timeout=60)
        await asyncio.sleep(0.01)
        assert memory() - before < 5000


def test_threads_that_come_and_go(aside):
    """A hundred actors in threads, one after the other, leave no thread and no open file."""
    before = threading.active_count()
    with aside() as system:
        for _ in range(100):
            ref = system.launch(Factory(AsyncCounter), dispatcher="thread")
            ref.ask("x")
            ref.stop()
    assert threading.active_count() == before
