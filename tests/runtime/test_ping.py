"""Ping: the cell answers for its actor, whatever that is at."""

from __future__ import annotations

import asyncio
import threading

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorStopped
from treeward.runtime.exits import Exit
from treeward.runtime.signals import Ping, Pong
from treeward.runtime.system import ActorSystem


class Sleeper(Actor):
    """Waits for as many seconds as it is told; also when it starts and when it ends."""

    def __init__(self, start=0.0, end=0.0):
        self.start_takes = start
        self.end_takes = end
        self.got = []

    async def on_start(self):
        await asyncio.sleep(self.start_takes)

    async def on_stop(self):
        await asyncio.sleep(self.end_takes)

    async def on_receive(self, message):
        self.got.append(message)
        await asyncio.sleep(message)


class Blocker(Actor):
    """Blocks its thread until an event is set."""

    def on_receive(self, message):
        message.wait(10)


async def test_an_idle_actor_is_alive():
    """Path, incarnation and phase; nothing waits, nothing is under way."""
    async with ActorSystem(seed=1) as system:
        ref = system.spawn(Sleeper)
        await asyncio.sleep(1)
        assert await ref.ask(Ping()) == Pong("sleeper-1", 1, "running", False, 0, None, True)


async def test_it_is_answered_at_once_while_the_handler_waits():
    """No time passes, the message in hand and those that wait stay where they are."""
    async with ActorSystem(seed=1) as system:
        ref = system.spawn(Sleeper)
        for seconds in (3600, 1, 1):
            ref.tell(seconds)
        await asyncio.sleep(10)
        pong = await ref.ask(Ping())
        assert (pong.busy, pong.mailbox, pong.alive) == (True, 2, True)
        assert asyncio.get_running_loop().time() == 10


async def test_the_actor_does_not_see_it():
    """It reaches no handler, answered or not."""
    async with ActorSystem(seed=1) as system:
        ref = system.spawn(Sleeper)
        ref.tell(Ping())
        await ref.ask(Ping())
        await ref.ask(0)
        assert ref._cell.actor.got == [0]
        assert len(system.dead_letters) == 0


@pytest.mark.parametrize(
    ("when", "phase"),
    [(1, "starting"), (7, "running"), (12, "stopping")],
    ids=["on_start", "between", "on_stop"],
)
async def test_it_is_answered_in_every_phase(when, phase):
    """Also while a hook is under way."""
    async with ActorSystem(seed=1) as system:
        ref = system.spawn(Sleeper, start=5, end=5)
        system.clock.call_later(10, ref.tell, 0)
        asyncio.get_running_loop().call_later(10, lambda: ref.stop(block=False))
        await asyncio.sleep(when)
        pong = await ref.ask(Ping())
        assert (pong.phase, pong.alive, pong.busy) == (phase, True, phase != "running")


async def test_between_two_lives_nobody_is_alive(nursed, settle):
    """The address takes messages, and says that no incarnation handles them."""
    async with ActorSystem(seed=1) as system:
        child = nursed(system, Sleeper)
        child.nurse.restarts = False
        child.cell.kill()
        await settle()
        pong = await child.ref.ask(Ping())
        assert (pong.phase, pong.alive, pong.incarnation) == ("none", False, 1)
        child.cell.start()
        await asyncio.sleep(1)
        assert (await child.ref.ask(Ping())).alive


async def test_a_stopped_actor_answers_as_for_other_signals():
    """Its address takes no messages any more: `ActorStopped`, with the reason."""
    async with ActorSystem(seed=1) as system:
        ref = system.spawn(Sleeper)
        await ref.stop(reason=Exit.NORMAL)
        with pytest.raises(ActorStopped, match="normal"):
            await ref.ask(Ping())


async def test_it_says_how_long_the_oldest_task_has_waited():
    """As the guard of the tasks knows it, at that moment."""

    class Guard:
        def oldest(self, now):
            return now - 4

    async with ActorSystem(seed=1) as system:
        ref = system.spawn(Sleeper)
        ref._cell.guard = Guard()
        await asyncio.sleep(10)
        assert (await ref.ask(Ping())).oldest == 6


@pytest.mark.realtime
async def test_a_blocked_thread_does_not_hold_the_answer_up(until):
    """The cell answers within 100 ms while its actor's thread is blocked, on the loop and from a plain thread."""
    free = threading.Event()
    async with ActorSystem(seed=1) as system:
        ref = system.launch(Factory(Blocker), path="blocker", dispatcher="thread")
        ref.tell(free)
        await until(lambda: ref._cell.phase.value == "running" and ref._cell.busy)
        try:
            async with asyncio.timeout(0.1):
                pong = await ref.ask(Ping())
            assert (pong.busy, pong.alive, pong.phase) == (True, True, "running")
            assert await asyncio.to_thread(lambda: ref.ask(Ping(), timeout=0.1).busy)
        finally:
            free.set()


@pytest.mark.realtime
async def test_a_thread_that_has_died_is_not_alive(until):
    """An incarnation whose thread is gone handles nothing, and the answer says so."""
    async with ActorSystem(seed=1) as system:
        ref = system.launch(Factory(Blocker), path="blocker", dispatcher="thread")
        await until(lambda: ref._cell.idle)
        assert (await ref.ask(Ping())).alive
        worker = ref._cell.worker
        worker.close()
        await asyncio.to_thread(worker.thread.join)
        pong = await ref.ask(Ping())
        assert (pong.phase, pong.alive) == ("running", False)
        ref._cell.kill()
