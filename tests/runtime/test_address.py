"""The address: handing a message on, answering for another, resting, and closing."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed, ActorStopped, MailboxFull
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.signals import Signal, Stop
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


class Worker(Actor):
    def on_receive(self, message):
        if message == "crash":
            raise ValueError
        return asyncio.sleep(1, f"{self.path} did {message}")


class Front(Actor):
    """Hands everything on to a worker, in one of two ways."""

    expected = (RuntimeError,)

    def __init__(self, worker, way):
        self.worker, self.way = worker, way

    def on_receive(self, message):
        cell = self.worker._cell
        if self.way == "forward":
            self._cell.forward(cell)
        elif self.way == "reply_from":
            self._cell.reply_from(self.worker.ask(message, block=False))
        else:
            self._cell.forward(cell)
            self._cell.forward(cell)
        return "not this"


ways = pytest.mark.parametrize("way", ["forward", "reply_from"])


@ways
async def test_the_reply_comes_from_the_other(way):
    """The sender gets the value of whoever did the work, and the one in between is free at once."""
    async with runtime() as system:
        worker = system.spawn(Worker)
        front = system.spawn(Front, worker, way)
        asked = [front.ask(number) for number in range(2)]
        assert await asyncio.gather(*asked) == [f"{worker.path} did 0", f"{worker.path} did 1"]


@ways
async def test_so_does_the_error(way):
    """A crash of the other is the sender's answer, and no crash of the one in between."""
    async with runtime() as system:
        worker = system.spawn(Worker)
        front = system.spawn(Front, worker, way)
        with pytest.raises(ActorCrashed) as crashed:
            await front.ask("crash")
        assert crashed.value.path == worker.path
        assert front.incarnation == 1
        with pytest.raises(ActorStopped):
            await front.ask("x")
        assert front.is_alive()


@ways
async def test_what_nobody_waits_for_is_handed_on_too(way):
    """A `tell` has no reply that could be handed on."""
    async with runtime() as system:
        worker = system.spawn(Worker)
        system.spawn(Front, worker, way).tell("x")
        await asyncio.sleep(0.5)
        assert worker._cell.busy
        await asyncio.sleep(1)


async def test_a_message_is_handed_on_once():
    """A second time is a mistake: it says so, and the first one holds."""
    async with runtime() as system:
        worker = system.spawn(Worker)
        front = system.spawn(Front, worker, "twice")
        events = []
        system.observe(events.append)
        assert await front.ask("x") == f"{worker.path} did x"
        assert "once" in str(events[0].error)


async def test_the_policy_of_the_other_decides():
    """A message that is handed on to a full mailbox fails its sender, where that is the policy."""
    async with runtime() as system:
        worker = system.launch(Factory(Worker), mailbox=MailboxSpec(1, "fail"))
        front = system.spawn(Front, worker, "forward")
        asked = []
        for number in range(3):
            asked.append(front.ask(number))
            await asyncio.sleep(0.1)
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(result) for result in results] == [str, str, MailboxFull]


async def test_at_rest_an_address_takes_nothing_new_and_loses_nothing(nursed):
    """What waits inside is kept for the next start; who comes now, or waits outside, is sent away."""
    async with runtime() as system:
        child = nursed(system, Worker, mailbox=MailboxSpec(1, "wait"))
        child.ref.tell("in hand")
        await asyncio.sleep(0.5)
        kept = child.ref.ask("kept")
        outside = [child.ref.ask("outside"), asyncio.ensure_future(child.ref.send("outside"))]
        child.nurse.restarts = False
        await asyncio.sleep(0)
        await child.ref.stop()
        child.cell.rest()
        results = await asyncio.gather(*outside, child.ref.ask("new"), return_exceptions=True)
        assert [type(result) for result in results] == [ActorStopped] * 3
        with pytest.raises(ActorStopped):
            child.ref.tell("new")
        assert not child.ref.is_alive()
        child.nurse.restarts = True
        child.cell.start()
        assert await kept == f"{child.ref.path} did kept"


async def test_a_request_to_what_does_not_live_fails(nursed):
    """Signals are for an incarnation: where none lives, who asks hears so at once."""
    async with runtime() as system:
        child = nursed(system, Worker)
        child.nurse.restarts = False
        await child.ref.stop()
        with pytest.raises(ActorStopped):
            await child.ref.ask(Poke())
        assert await child.ref.ask(Stop()) is False


async def test_requests_that_wait_fail_with_the_incarnation(nursed):
    """A signal is not kept for the next incarnation; who asked hears of the end."""
    async with runtime() as system:
        child = nursed(system, Worker)
        child.ref.tell("x")
        await asyncio.sleep(0.5)
        asked = child.ref.ask(Poke())
        child.cell.kill()
        with pytest.raises(ActorStopped):
            await asked
        assert await child.ref.ask("y") == f"{child.ref.path} did y"


class Poke(Signal):
    """A request of a room above."""


def test_signals_from_a_thread(aside):
    """A signal that a thread tells overtakes as well."""
    with aside() as system:
        ref = system.spawn(Worker)
        ref.tell("x")
        ref.tell(Stop())
        with pytest.raises(ActorStopped):
            [ref.ask("y", timeout=5) for _ in range(100)]
