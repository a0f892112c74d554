"""The watchdog: a handler that holds the event loop is noticed within half a second, and named with its stack."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from treeward.runtime import watchdog
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import LoopBlocked

pytestmark = pytest.mark.realtime


class Blocks(Actor):
    """Blocks until it has been noticed, wherever it is told to."""

    def __init__(self, noticed, hook="receive"):
        self.noticed, self.hook = noticed, hook
        self.block_in("init")

    def block_in(self, hook):
        if hook == self.hook:
            hold_the_loop(self.noticed)

    def on_start(self):
        self.block_in("start")

    def on_stop(self, reason):
        self.block_in("stop")

    def on_receive(self, message):
        if message == "async":
            return self.later()
        if message == "subtask":
            return self.in_a_subtask()
        return self.block_in("receive")

    async def later(self):
        await asyncio.sleep(0)
        hold_the_loop(self.noticed)

    async def in_a_subtask(self):
        async with asyncio.TaskGroup() as group:
            group.create_task(self.later())


def hold_the_loop(noticed):
    began = time.monotonic()
    while not noticed and time.monotonic() - began < 5:
        time.sleep(0.005)


class Watched:
    """A system whose blocks are noted, with the real time that it took to notice them."""

    def __init__(self, **options):
        self.noticed = []
        self.system = ActorSystem(**options)

    async def __aenter__(self):
        await self.system.__aenter__()
        self.system.observe(lambda event: self.noticed.append(event) if isinstance(event, LoopBlocked) else None)
        return self

    async def __aexit__(self, *_):
        await self.system.__aexit__()


@pytest.mark.parametrize("message", ["def", "async", "subtask"])
async def test_a_handler_that_blocks_is_named_within_half_a_second(message):
    """A `def` handler, an `async def` handler, and a task that it has started: path, incarnation, time and stack."""
    async with Watched() as watched:
        ref = watched.system.spawn(Blocks, watched.noticed)
        began = time.monotonic()
        await ref.ask(message)
        assert time.monotonic() - began < 0.5
        (event,) = watched.noticed
        assert (event.path, event.incarnation) == (ref.path, 1)
        assert 0.3 <= event.seconds < 0.5
        assert "hold_the_loop" in event.stack


@pytest.mark.parametrize("hook", ["init", "start", "stop"])
async def test_a_hook_that_blocks_is_named(hook, nursed):
    """Also where a parent's handler started it: the child is named, not the parent."""
    async with Watched() as watched:
        child = nursed(watched.system, Blocks, watched.noticed, hook)
        await child.ref.stop()
        (event,) = watched.noticed
        assert event.path == child.ref.path


async def test_a_block_is_reported_once():
    """However long it lasts, one block is one event; the next block is the next."""
    async with Watched(blocked_after=0.05) as watched:
        time.sleep(0.3)  # noqa: ASYNC251 - the block is the test
        await asyncio.sleep(0.1)
        time.sleep(0.3)  # noqa: ASYNC251 - the block is the test
        await asyncio.sleep(0.1)
        assert len(watched.noticed) == 2


async def test_a_block_by_the_host_names_nobody():
    """What is no actor's doing has no path; the stack shows where it is."""
    async with Watched(blocked_after=0.05) as watched:
        hold_the_loop(watched.noticed)
        (event,) = watched.noticed
        assert event.path == ""
        assert "test_a_block_by_the_host_names_nobody" in event.stack


async def test_each_system_names_its_own_actors():
    """Of two systems on one loop, with actors of the same path, the one names it and the other does not."""
    async with Watched() as one, Watched() as other:
        mine, theirs = one.system.spawn(Blocks, one.noticed), other.system.spawn(Blocks, other.noticed)
        assert mine.path == theirs.path
        await mine.ask("async")
        await asyncio.sleep(0.1)
        assert [event.path for event in one.noticed] == [mine.path]
        assert [event.path for event in other.noticed if event.path] == []


def test_a_callback_that_is_just_over_names_nobody(monkeypatch):
    """The loop has let go of its handle, though the frame is still there."""

    def over(handle):
        self, handle = handle, None
        self = None
        return sys._getframe(), self, handle

    frame, *_ = over(object())
    monkeypatch.setattr(watchdog, "_CALLBACK", over.__code__)
    assert watchdog._life_in(frame) is None


async def test_quiet_while_nothing_blocks():
    """Waiting is not blocking, nor is a busy loop that goes on, nor a blocked thread."""
    release = threading.Event()

    class Sleeper(Actor):
        def on_receive(self, message):
            return release.wait(5) if message == "block" else asyncio.sleep(message)

    async with Watched(blocked_after=0.1) as watched:
        threaded = watched.system.launch(Factory(Sleeper), dispatcher="thread")
        threaded.tell("block")
        await watched.system.spawn(Sleeper).ask(0.3)
        began = time.monotonic()
        while time.monotonic() - began < 0.3:  # noqa: ASYNC110 - a loop that is busy and goes on
            await asyncio.sleep(0)
        release.set()
        assert watched.noticed == []


async def test_it_can_be_turned_off():
    """Without a limit there is no thread."""
    before = threading.active_count()
    async with ActorSystem(blocked_after=None):
        assert threading.active_count() == before
    async with ActorSystem():
        assert threading.active_count() == before + 1
    assert threading.active_count() == before


async def test_many_systems_come_and_go():
    """Opening and closing at any moment of the watchdog's round neither hangs nor reports."""
    events = []
    for _ in range(200):
        async with ActorSystem(blocked_after=0.001) as system:
            system.observe(events.append)
            await asyncio.sleep(0)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="the system does not show a thread's signals")
async def test_it_leaves_signals_to_the_main_thread():
    """No signal is delivered to the watchdog: one that it took would not wake a main thread that is blocked."""
    async with ActorSystem() as system:
        await asyncio.sleep(0.02)
        blocked = blocked_signals(system._watchdog._thread)
    assert all(blocked >> (number - 1) & 1 for number in (signal.SIGINT, signal.SIGTERM))


def blocked_signals(thread):
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    return next(int(line.split()[1], 16) for line in status.splitlines() if "SigBlk" in line)


@pytest.mark.parametrize("limit", [0, -1])
async def test_a_limit_is_more_than_zero(limit):
    """A limit that cannot be meant is an error that names it."""
    with pytest.raises(ValueError, match=f"watchdog limit is {limit}"):
        async with ActorSystem(blocked_after=limit):
            pass
