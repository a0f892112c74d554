"""The ref: tell, ask, stop, from the actor's loop, from other loops, from plain threads, and across the end."""

from __future__ import annotations

import asyncio
import threading

import pykka
import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.errors import ActorCrashed, ActorStopped, AskTimeout, SystemClosed, WouldBlock
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.signals import Kill, Stop
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


class Echo(Actor):
    """Answers with what it gets; raises what it is told to; sleeps when it gets a number."""

    def __init__(self, handled=None):
        self.handled = [] if handled is None else handled

    def on_receive(self, message):
        self.handled.append(message)
        if isinstance(message, BaseException):
            raise message
        if isinstance(message, float):
            return self.sleep(message)
        return message

    async def sleep(self, seconds):
        await asyncio.sleep(seconds)
        return seconds


# --- what a ref is ----------------------------------------------------------------------------------


async def test_a_ref_is_a_value():
    """Refs of one actor are equal and hash alike; they print as the path."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        same = ref._cell.actor.actor_ref
        assert ref == same
        assert len({ref, same, system.spawn(Echo)}) == 2
        assert (str(ref), repr(ref)) == (ref.path, f"<Ref {ref.path}>")
        assert ref != "echo-1"
        assert isinstance(ref, pykka.ActorRef)
        assert ref.actor_class is Echo
        assert ref.path in ref.actor_urn


async def test_is_alive():
    """An actor is alive from the first moment to the last."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        assert ref.is_alive()
        assert not ref.actor_stopped.is_set()
        await ref.stop()
        assert not ref.is_alive()
        assert ref.actor_stopped.is_set()


# --- tell and ask on the loop -----------------------------------------------------------------------


async def test_ask_returns_what_the_handler_returns():
    """The reply of a `def` and of an `async def` handler is its return value."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        assert await ref.ask("now") == "now"
        assert await ref.ask(3.0) == 3.0


async def test_ask_says_that_it_would_block():
    """`block=True` on the actor's own loop is an error, and nothing is sent."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Echo, handled)
        with pytest.raises(WouldBlock):
            ref.ask("x", block=True)
        with pytest.raises(WouldBlock):
            ref.stop(block=True)
        assert await ref.ask("y", block=False) == "y"
        assert handled == ["y"]


async def test_a_handler_is_never_run_within_the_sender():
    """A tell returns before the message is handled: no handler runs on its sender's stack."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Echo, handled)
        ref.tell("x")
        assert handled == []
        await asyncio.sleep(0)
        assert handled == ["x"]


async def test_one_message_at_a_time():
    """While an `async def` handler waits, the actor handles nothing else, and other actors do."""
    handled = []
    async with runtime() as system:
        slow, other = system.spawn(Echo, handled), system.spawn(Echo)
        first, second = slow.ask(5.0), slow.ask("second")
        assert await other.ask("meanwhile") == "meanwhile"
        await asyncio.sleep(4)
        assert handled == [5.0]
        assert (await first, await second) == (5.0, "second")


async def test_a_long_backlog_leaves_others_their_turn():
    """An actor with thousands of messages does not keep another one waiting for all of them."""
    handled = []
    async with runtime() as system:
        busy, other = system.spawn(Echo, handled), system.spawn(Echo)
        for number in range(5000):
            busy.tell(number)
        await other.ask("x")
        assert 0 < len(handled) < 500


@pytest.mark.parametrize("how", ["tell", "send"])
async def test_telling_a_stopped_actor_raises(how):
    """`tell` and `send` to an actor that has ended raise `ActorStopped`, which is pykka's `ActorDeadError`."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        await ref.stop(reason=Shutdown("enough"))
        with pytest.raises(pykka.ActorDeadError, match="enough") as stopped:
            await ref.send("x") if how == "send" else ref.tell("x")
        assert stopped.value.reason == Shutdown("enough")


async def test_asking_a_stopped_actor_fails_the_reply():
    """`ask` returns a reply that has failed; the message is a dead letter."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        await ref.stop()
        reply = ref.ask("x")
        with pytest.raises(ActorStopped):
            await reply
        assert [letter.message for letter in system.dead_letters] == ["x"]


# --- deadlines --------------------------------------------------------------------------------------


async def test_ask_times_out_exactly():
    """After `timeout` seconds the reply is `AskTimeout`; the late value is dropped, the actor goes on."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        with pytest.raises(AskTimeout, match="within 2 s"):
            await ref.ask(5.0, timeout=2)
        assert system.clock.monotonic() == 2.0
        assert await ref.ask("next") == "next"
        assert system.clock.monotonic() == 5.0


async def test_what_has_expired_is_skipped():
    """A handler that has not begun by the deadline is skipped."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Echo, handled)
        first, second, third = ref.ask(5.0), ref.ask("late", timeout=2), ref.ask("in time", timeout=9)
        results = await asyncio.gather(first, second, third, return_exceptions=True)
        assert isinstance(results[1], AskTimeout)
        assert handled == [5.0, "in time"]


async def test_what_nobody_waits_for_any_more_is_skipped():
    """A cancelled `ask` that has not been begun is skipped."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Echo, handled)
        first = ref.ask(5.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(ref.ask("cancelled"), 2)
        await first
        assert await ref.ask("x") == "x"
        assert handled == [5.0, "x"]


async def test_a_timeout_of_zero_is_over_at_once():
    """There is no reply in no time."""
    async with runtime() as system:
        with pytest.raises(AskTimeout):
            await system.spawn(Echo).ask(1.0, timeout=0)


# --- stop -------------------------------------------------------------------------------------------


async def test_stop_overtakes_what_waits():
    """A stop comes after the message in hand and before all others."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Echo, handled)
        in_hand = ref.ask(1.0)
        await asyncio.sleep(0.5)
        ref.tell("never")
        assert await ref.stop() is True
        assert await in_hand == 1.0
        assert handled == [1.0]


async def test_stop_tells_whether_there_was_something_to_stop():
    """True once the actor has ended, False if it had before; all who ask at once hear True."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        assert await asyncio.gather(ref.stop(), ref.stop()) == [True, True]
        assert await ref.stop() is False


async def test_stop_times_out():
    """`stop(timeout=...)` gives up waiting; the actor still ends."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        asked = ref.ask(5.0)
        await asyncio.sleep(0)
        with pytest.raises(AskTimeout):
            await ref.stop(timeout=1)
        assert await asked == 5.0
        await asyncio.sleep(1)
        assert not ref.is_alive()


@pytest.mark.parametrize("signal", [Stop(), Kill()], ids=["stop", "kill"])
async def test_asking_with_a_stop_or_a_kill_ends_like_stop(signal):
    """The reply to such a signal is True at the end of the actor, and False without one; none is left open."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        assert await ref.ask(signal) is True
        assert await ref.ask(signal) is False


@pytest.mark.parametrize(("signal", "reason"), [(Stop(Shutdown("x")), Shutdown("x")), (Kill(), Exit.KILLED)])
async def test_telling_a_signal_is_sending_it(signal, reason):
    """A signal that is told overtakes what waits, as one that is asked does."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Echo, handled)
        ref.tell("never")
        ref.tell(signal)
        await asyncio.sleep(1)
        assert ref._cell.end == reason
        assert handled == []


# --- from a plain thread ----------------------------------------------------------------------------


def test_ask_blocks_in_a_thread(aside):
    """In a plain thread `ask` returns the value, or raises the error."""
    with aside() as system:
        ref = system.spawn(Echo)
        assert ref.ask("x") == "x"
        assert ref.ask(0.01) == 0.01
        with pytest.raises(ActorCrashed):
            ref.ask(ValueError("bad"))


def test_ask_need_not_block_in_a_thread(aside):
    """`block=False` gives the reply itself, for `get`."""
    with aside() as system:
        reply = system.spawn(Echo).ask(0.01, block=False)
        assert reply.get() == 0.01


class Held(Actor):
    """Holds each message until it is let go."""

    def __init__(self):
        self.gate = asyncio.Event()

    async def on_receive(self, message):
        await self.gate.wait()
        return message


def test_ask_times_out_in_a_thread(aside):
    """The deadline holds in a thread as well."""
    with aside() as system:
        ref = system.spawn(Held)
        with pytest.raises(AskTimeout):
            ref.ask("in hand", timeout=0.01)
        reply = ref.ask("waits", timeout=0.01, block=False)
        with pytest.raises(AskTimeout):
            reply.get()
        system.call(lambda: ref._cell.actor.gate.set())
        assert ref.ask("x") == "x"


def test_stop_blocks_in_a_thread(aside):
    """In a plain thread `stop` waits for the end; afterwards the ref says that the actor is gone."""
    with aside() as system:
        ref = system.spawn(Echo)
        assert ref.stop() is True
        assert ref.stop() is False
        assert ref.stop(block=False).get() is False
        with pytest.raises(ActorStopped):
            ref.tell("x")
        with pytest.raises(ActorStopped):
            ref.ask("x")


def test_threads_keep_their_order(aside):
    """Messages of one thread are handled in its order, tells and asks alike, with other threads about."""
    handled = []
    with aside() as system:
        ref = system.spawn(Echo, handled)

        def send(name):
            for number in range(500):
                if number % 50:
                    ref.tell((name, number))
                else:
                    ref.ask((name, number))

        threads = [threading.Thread(target=send, args=(name,)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ref.ask("end")
    for name in "abcd":
        assert [number for message in handled[:-1] if message[0] == name for number in message[1:]] == list(range(500))


# --- from another loop ------------------------------------------------------------------------------


@pytest.mark.realtime
async def test_from_another_loop(elsewhere):
    """On another loop everything is awaited, and the loop is never blocked."""
    handled = []
    async with runtime() as system:
        ref = system.spawn(Echo, handled)

        async def use():
            ref.tell("told")
            await ref.send("sent")
            assert await ref.ask("asked") == "asked"
            with pytest.raises(AskTimeout):
                await ref.ask(5.0, timeout=0.01)
            assert asyncio.get_running_loop() is not system.loop

        await elsewhere(use)
        assert handled == ["told", "sent", "asked", 5.0]
        ref._cell.kill()


@pytest.mark.realtime
async def test_block_on_another_loop_blocks_that_loop(elsewhere):
    """`block=True` is the other loop's own affair: it gets the value at once."""
    async with runtime() as system:
        ref = system.spawn(Echo)

        async def use():
            return ref.ask("x", block=True)

        assert await elsewhere(use) == "x"


# --- across the end ---------------------------------------------------------------------------------


async def test_every_ask_ends_when_the_system_closes():
    """Those in hand, those that wait and those of other actors: each gets its reply or an error."""
    async with runtime() as system:
        refs = [system.spawn(Echo) for _ in range(5)]
        asked = [ref.ask(message) for ref in refs for message in (1.0, "waits", 600.0, "waits too")]
        await asyncio.sleep(0.5)
    assert all(reply.done() for reply in asked)
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(result) for result in results[0::4]} == {float}
    assert {type(result) for result in results[1:]} == {float, str, ActorStopped, ActorCrashed}


async def test_every_ask_of_a_handler_that_will_not_end_ends():
    """A handler that is killed at the end fails its caller with the crash."""
    async with runtime() as system:
        asked = system.spawn(Echo).ask(600.0)
        await asyncio.sleep(0)
    with pytest.raises(ActorCrashed, match="killed"):
        await asked


def test_refs_of_an_ended_system(aside):
    """From a thread, after the end: errors, and no waiting."""
    with aside() as system:
        ref = system.spawn(Echo)
        ref.ask("x")
    with pytest.raises(ActorStopped):
        ref.tell("x")
    with pytest.raises(ActorStopped):
        ref.ask("x")
    with pytest.raises(ActorStopped):
        ref.ask("x", block=False).get()
    assert ref.stop() is False
    assert ref.stop(block=False).get() is False
    with pytest.raises(SystemClosed):
        system.spawn(Echo)


def test_asks_from_threads_end_with_the_system(aside):
    """Threads that ask while the system closes all come back."""
    answers = []
    with aside() as system:
        refs = [system.spawn(Echo) for _ in range(20)]

        def pester(ref):
            try:
                while True:
                    ref.ask("x")
            except (ActorStopped, ActorCrashed, SystemClosed) as error:
                answers.append(error)

        threads = [threading.Thread(target=pester, args=(ref,)) for ref in refs]
        for thread in threads:
            thread.start()
        refs[0].ask(0.05)
    for thread in threads:
        thread.join(5)
    assert len(answers) == 20
