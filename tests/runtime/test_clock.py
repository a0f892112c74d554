"""The clock: the loop's time for decisions, a wall clock that never jumps for people."""

from __future__ import annotations

import asyncio
import time

import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.clock import LoopClock
from treeward.runtime.system import ActorSystem


async def test_monotonic_time_is_the_loops():
    """Whoever moves the loop's time moves the runtime's."""
    clock = LoopClock(asyncio.get_running_loop())
    assert clock.monotonic() == 0.0
    await clock.sleep(3600)
    assert clock.monotonic() == 3600.0


async def test_wall_clock_follows_the_monotonic_one():
    """The wall clock is read once; from then on both move together."""
    clock = LoopClock(asyncio.get_running_loop(), epoch=1_000_000.0)
    assert clock.time() == 1_000_000.0
    await clock.sleep(60)
    assert clock.time() == 1_000_060.0


@pytest.mark.realtime
async def test_wall_clock_is_that_of_the_machine():
    """Without an epoch, people see the time of day."""
    assert LoopClock(asyncio.get_running_loop()).time() == pytest.approx(time.time(), abs=1)


async def test_wall_clock_can_be_made_to_show_another_time():
    """Whoever tries what a wrong clock does says what it shows; the monotonic time stays what it is."""
    clock = LoopClock(asyncio.get_running_loop(), epoch=1_000_000.0)
    clock.shown = lambda right: right - 3600
    await clock.sleep(60)
    assert (clock.time(), clock.monotonic()) == (996_460.0, 60.0)
    clock.shown = None
    assert clock.time() == 1_000_060.0


async def test_a_loop_with_a_wall_clock_of_its_own_is_asked():
    """A simulated loop says what time of day it is; an epoch that is given goes before it."""
    loop = asyncio.get_running_loop()
    loop.wall = lambda: 77.0 + loop.time()
    clock = LoopClock(loop)
    await clock.sleep(1)
    assert clock.time() == 78.0
    assert LoopClock(loop, epoch=5.0).time() == 5.0


async def test_call_later_is_exact_and_can_be_taken_back():
    """A call comes at its time; one that was cancelled does not."""
    clock, seen = LoopClock(asyncio.get_running_loop()), []
    clock.call_later(2.5, lambda word: seen.append((word, clock.monotonic())), "made")
    clock.call_later(1.0, seen.append, "cancelled").cancel()
    await clock.sleep(10)
    assert seen == [("made", 2.5)]


class Counting:
    """A clock that notes what it is asked."""

    def __init__(self, loop):
        self.inner = LoopClock(loop)
        self.delays = []

    def monotonic(self):
        return self.inner.monotonic()

    def time(self):
        return 7.0

    def call_later(self, delay, callback, *args):
        self.delays.append(delay)
        return self.inner.call_later(delay, callback, *args)

    async def sleep(self, delay):
        await self.inner.sleep(delay)


class Timed(Actor):
    def on_receive(self, message):
        self.after(5, "late")


async def test_the_runtime_asks_only_the_clock_that_it_is_given():
    """Timers, deadlines and the times of dead letters come from the injected clock."""
    clock = Counting(asyncio.get_running_loop())
    async with ActorSystem(clock=clock, blocked_after=None) as system:
        ref = system.spawn(Timed)
        await ref.ask("start", timeout=9)
        assert clock.delays == [9, 5]
        system.dead_letters.add("lost", "nobody", "test")
        assert [letter.at for letter in system.dead_letters] == [7.0]
