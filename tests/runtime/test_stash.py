"""The stash: messages put aside come back in order, with their senders, also over a restart."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.errors import ActorCrashed, ActorStopped
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


class Busy(Actor):
    """Puts everything aside until it is ready."""

    def __init__(self, handled):
        self.handled, self.ready = handled, False

    def on_receive(self, message):
        if message == "ready":
            self.ready = True
            return self.unstash_all()
        if message == "crash":
            raise ValueError
        if not self.ready:
            self.stash()
            return "not the reply"
        self.handled.append((self.incarnation, message))
        return f"did {message}"


class AsyncBusy(Busy):
    async def on_receive(self, message):
        await asyncio.sleep(0)
        return super().on_receive(message)


both = pytest.mark.parametrize("cls", [Busy, AsyncBusy], ids=["def", "async def"])


@both
async def test_stashed_messages_come_back_in_order_ahead_of_the_rest(cls):
    """They are handled before what came later, and their senders get the reply of then."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(cls, handled)
        asked = [ref.ask(number) for number in range(3)]
        ready = ref.ask("ready")
        asked.append(ref.ask(3))
        assert await ready == 3
        assert await asyncio.gather(*asked) == ["did 0", "did 1", "did 2", "did 3"]
    assert [message for _, message in handled] == [0, 1, 2, 3]


@both
async def test_a_restart_brings_stashed_messages_back(cls, nursed):
    """A crash loses none of them: the next incarnation handles them first, in order, for the same callers."""
    handled = []
    async with runtime() as system:
        child = nursed(system, cls, handled)
        asked = [child.ref.ask(number) for number in range(3)]
        crash = child.ref.ask("crash")
        child.ref.tell("waits")
        with pytest.raises(ActorCrashed):
            await crash
        await child.ref.ask("ready")
        assert await asyncio.gather(*asked) == ["did 0", "did 1", "did 2"]
        await child.ref.ask("end")
    assert handled == [(2, 0), (2, 1), (2, 2), (2, "waits"), (2, "end")]


async def test_a_stashed_message_is_not_lost_with_the_crash_of_its_handler(nursed):
    """Put aside, then crashed: the message waits for the next incarnation, which is told of it too."""

    class Stumbling(Actor):
        told = ()

        def on_restart(self, message, reason):
            Stumbling.told = (message, type(reason))

        def on_receive(self, message):
            if self.incarnation == 1:
                self.stash()
                raise ValueError
            return f"did {message}"

    async with runtime() as system:
        child = nursed(system, Stumbling)
        assert await child.ref.ask("x") == "did x"
    assert Stumbling.told == ("x", ValueError)


@both
async def test_senders_of_stashed_messages_hear_of_the_end(cls):
    """When the actor is gone for good, each sender gets an error and each message is a dead letter."""
    async with runtime() as system:
        ref = system.spawn(cls, [])
        asked = [ref.ask(number) for number in range(3)]
        await asyncio.sleep(1)
        await ref.stop()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(result) for result in results] == [ActorStopped] * 3
        assert [letter.message for letter in system.dead_letters] == [0, 1, 2]


async def test_a_deadline_runs_on_for_what_is_put_aside():
    """A stashed message whose sender has given up is skipped when it comes back."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Busy, handled)
        asked = ref.ask("late", timeout=2)
        await asyncio.sleep(3)
        await ref.ask("ready")
        with pytest.raises(TimeoutError):
            await asked
    assert handled == []


async def test_a_message_is_put_aside_once():
    """A second `stash()` for the same message is a mistake: it says so."""

    class Twice(Actor):
        expected = (RuntimeError,)

        def on_receive(self, message):
            if message == "state":
                return self._cell.mailbox.stashed
            self.stash()
            return self.stash()

    async with runtime() as system:
        ref = system.spawn(Twice)
        ref.tell("x")
        assert await ref.ask("state") == [("x", None)]


@pytest.mark.parametrize("where", ["start", "stop"])
async def test_only_messages_are_put_aside(where):
    """In a hook there is no message in hand."""

    class Wrong(Actor):
        def on_start(self):
            if where == "start":
                self.stash()

        def on_stop(self, reason):
            self.stash()

    async with runtime() as system:
        ref = system.spawn(Wrong)
        await ref.stop()
        assert "no message in hand" in str(ref._cell.end)


async def test_an_empty_stash():
    """There is nothing to bring back: zero."""
    async with runtime() as system:
        assert await system.spawn(Busy, []).ask("ready") == 0
