"""Whose turn it is: in which order actors run, and that a loop may say so."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.cell import Cell
from treeward.runtime.system import ActorSystem
from treeward.runtime.turns import RUNS

pytestmark = pytest.mark.realtime  # a simulated loop has an order of its own


class Teller(Actor):
    """Tells that it has run; of a ref, tells that one too."""

    def __init__(self, said):
        self.said = said

    def on_receive(self, message):
        self.said.append(self.path)
        if message is not None:
            message.tell(None)


@pytest.fixture
def stack(monkeypatch):
    """Makes the loop of a test put turns into an order of its own: the last one that came is the first to run."""

    def begin():
        loop, waiting = asyncio.get_running_loop(), []

        def call_soon(callback, *args, context=None):
            if getattr(callback, "__func__", None) is not Cell.take_turn:
                return plain(callback, *args, context=context)
            waiting.append((context, callback))
            return plain(run_last)

        def run_last():
            own, turn = waiting.pop()
            own.run(turn)

        plain = loop.call_soon
        monkeypatch.setattr(loop, "turns_apart", True, raising=False)
        monkeypatch.setattr(loop, "call_soon", call_soon)

    return begin


async def ran(count=3):
    """Tells some actors something, one after the other; returns the order in which they ran."""
    async with ActorSystem(blocked_after=None) as system:
        said = []
        refs = [system.spawn(Teller, said) for _ in range(count)]
        for ref in refs:
            ref.tell(None)
        await asyncio.sleep(0)
        return [path.removeprefix("teller-") for path in said]


async def test_the_oldest_is_next():
    """First come, first served."""
    assert await ran() == ["1", "2", "3"]


async def test_a_loop_may_put_turns_into_an_order_of_its_own(stack):
    """Each is a callback by itself, then."""
    stack()
    assert await ran() == ["3", "2", "1"]


async def test_a_turn_apart_is_the_actors_too(stack):
    """Whoever asks who holds the loop is told."""
    stack()
    async with ActorSystem(blocked_after=None) as system:
        seen = []

        class Looker(Actor):
            def on_receive(self, message):
                seen.append(self.system.running.path)

        await system.spawn(Looker).ask("look")
        assert (seen, system.running) == (["looker-1"], None)


async def test_who_is_woken_runs_in_the_same_turn_of_the_loop():
    """A chain of actors takes one callback, not one each."""
    async with ActorSystem(blocked_after=None) as system:
        said = []
        last, first = system.spawn(Teller, said), system.spawn(Teller, said)
        first.tell(last)
        await asyncio.sleep(0)
        assert said == ["teller-2", "teller-1"]


async def test_the_loop_has_its_turn_between_many():
    """After so many actors whatever else is ready goes on."""
    async with ActorSystem(blocked_after=None) as system:
        said = []
        for _ in range(RUNS + 1):
            system.spawn(Teller, said).tell(None)
        await asyncio.sleep(0)
        assert len(said) == RUNS
        await asyncio.sleep(0)
        assert len(said) == RUNS + 1


async def test_one_who_has_much_to_do_lets_others_have_their_turn():
    """It is at the back of the queue again, and the loop's other work is done before."""
    async with ActorSystem(blocked_after=None) as system:
        said = []
        busy, other = system.spawn(Teller, said), system.spawn(Teller, said)
        for _ in range(100):
            busy.tell(None)
        other.tell(None)
        await asyncio.sleep(0)
        assert said == ["teller-1"] * 64
        await asyncio.sleep(0)
        assert said[64:] == ["teller-2"] + ["teller-1"] * 36
