"""Timers and the receive timeout: exact, without drift, gone with the incarnation."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.actor import Actor
from treeward.runtime.signals import ReceiveTimeout
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


def now():
    return asyncio.get_running_loop().time()


class Ticking(Actor):
    """Notes when each message came, and does what it is told to."""

    def __init__(self, seen):
        self.seen = seen

    def on_receive(self, message):
        if callable(message):
            return message(self)
        if isinstance(message, BaseException):
            raise message
        self.seen.append((message, now()))
        return message


async def test_a_single_timer():
    """`after` sends its message once, at its time."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        timer = await ref.ask(lambda actor: actor.after(2.5, "tick"))
        assert timer.active
        await asyncio.sleep(10)
        assert not timer.active
    assert seen == [("tick", 2.5)]


async def test_a_periodic_timer():
    """`every` sends its message each interval, the first time after one."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        timer = await ref.ask(lambda actor: actor.every(2, "tick"))
        await asyncio.sleep(7)
        timer.cancel()
        assert not timer.active
        await asyncio.sleep(7)
    assert seen == [("tick", 2.0), ("tick", 4.0), ("tick", 6.0)]


async def test_cancelling_twice_or_late_does_nothing():
    """A timer that has fired or was cancelled can be cancelled again."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        timer = await ref.ask(lambda actor: actor.after(1, "tick"))
        await asyncio.sleep(2)
        timer.cancel()
        timer.cancel()
    assert seen == [("tick", 1.0)]


@given(st.floats(0.05, 10), st.integers(1, 200))
async def test_a_periodic_timer_does_not_drift(interval, ticks):
    """The n-th tick comes at n intervals, whatever the fraction."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        await ref.ask(lambda actor: actor.every(interval, "tick"))
        await asyncio.sleep(interval * ticks + interval / 2)
    assert [at for _, at in seen] == pytest.approx([interval * (n + 1) for n in range(ticks)], rel=1e-9)


@pytest.mark.realtime
async def test_ticks_that_come_in_a_heap_are_left_out():
    """After a pause of the loop there is one tick, and then the next one where it belongs."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        began = now()
        timer = await ref.ask(lambda actor: actor.every(0.05, "tick"))
        await asyncio.to_thread(lambda: None)
        block_until(began + 0.28)
        await asyncio.sleep(0.05)
        timer.cancel()
    times = [at - began for _, at in seen]
    assert len(times) == 2
    assert times[1] == pytest.approx(0.3, abs=0.03)


def block_until(when):
    while now() < when:
        pass


ENDS = {
    "stop": lambda ref: ref.tell(lambda actor: actor.stop()),
    "crash": lambda ref: ref.tell(ValueError()),
    "kill": lambda ref: ref._cell.kill(),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
async def test_timers_die_with_their_incarnation(end, nursed):
    """However it ends, nothing that it set comes to the next one."""
    seen = []
    async with runtime() as system:
        child = nursed(system, Ticking, seen)
        await child.ref.ask(
            lambda actor: [actor.after(5, "once"), actor.every(1, "tick"), actor.set_receive_timeout(3)]
        )
        await asyncio.sleep(1.5)
        end(child.ref)
        await asyncio.sleep(20)
        assert child.ref.incarnation == 2
        assert system.loop.timers() == ()
    assert seen == [("tick", 1.0)]


@pytest.mark.parametrize(
    ("set_it", "words"),
    [
        (lambda actor: actor.after(-1, "x"), "timer of -1 s: expected 0 or more"),
        (lambda actor: actor.after(float("nan"), "x"), "timer of nan s"),
        (lambda actor: actor.every(0, "x"), "timer of 0 s: expected more than 0"),
        (lambda actor: actor.set_receive_timeout(0), "receive timeout is 0 s: expected more than 0, or None"),
    ],
    ids=["negative", "not a number", "no interval", "no timeout"],
)
async def test_times_that_cannot_be_meant(set_it, words):
    """A wrong time is an error that names it."""
    async with runtime() as system:
        ref = system.spawn(Ticking, [])
        with pytest.raises(Exception, match=words):
            await ref.ask(set_it)


async def test_a_timer_of_zero_comes_next():
    """`after(0, ...)` comes behind what waits already."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        ref.tell(lambda actor: actor.after(0, "timer"))
        ref.tell("waits")
        await asyncio.sleep(1)
    assert [message for message, _ in seen] == ["waits", "timer"]


# --- receive timeout --------------------------------------------------------------------------------


async def test_receive_timeout():
    """It comes each time that no message has come for as long, until it is ended."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        await ref.ask(lambda actor: actor.set_receive_timeout(10))
        await asyncio.sleep(8)
        ref.tell("message")
        await asyncio.sleep(25)
        await ref.ask(lambda actor: actor.set_receive_timeout(None))
        await asyncio.sleep(60)
    assert seen == [("message", 8.0), (ReceiveTimeout(10), 18.0), (ReceiveTimeout(10), 28.0)]


async def test_receive_timeout_can_be_changed():
    """The last one set counts."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        await ref.ask(lambda actor: [actor.set_receive_timeout(10), actor.set_receive_timeout(3)])
        await asyncio.sleep(4)
    assert seen == [(ReceiveTimeout(3), 3.0)]


async def test_an_actor_at_work_has_not_waited():
    """A handler that takes long is no silence: the time counts from its end."""
    seen = []
    async with runtime() as system:
        ref = system.spawn(Ticking, seen)
        await ref.ask(lambda actor: actor.set_receive_timeout(10))
        await ref.ask(lambda actor: asyncio.sleep(25))
        assert seen == []
        await asyncio.sleep(11)
    assert seen == [(ReceiveTimeout(10), 35.0)]


async def test_receive_timeout_survives_an_expected_error():
    """An answer that is an error is a message handled like any other."""

    class Picky(Ticking):
        expected = (KeyError,)

    seen = []
    async with runtime() as system:
        ref = system.spawn(Picky, seen)
        await ref.ask(lambda actor: actor.set_receive_timeout(10))
        await asyncio.sleep(6)
        with pytest.raises(KeyError):
            await ref.ask(KeyError())
        await asyncio.sleep(11)
    assert seen == [(ReceiveTimeout(10), 16.0)]
