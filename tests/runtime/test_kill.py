"""The kill ladder: cancelled, cancelled again, abandoned; and what an abandoned incarnation can still do: nothing."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed, ActorStopped, StartFailed
from treeward.runtime.exits import Exit
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import ActorAbandoned, ActorEnded


def runtime(**options):
    return ActorSystem(blocked_after=None, **options)


def now():
    return asyncio.get_running_loop().time()


class Patient(Actor):
    """Waits for ever, and swallows so many cancellations."""

    def __init__(self, trace=None, swallows=0, then=None):
        self.trace = [] if trace is None else trace
        self.swallows, self.then = swallows, then

    async def on_receive(self, message):
        if message == "x":
            return self.incarnation
        self.trace.append(("begins", now()))
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.trace.append(("cancelled", now()))
                if self.swallows == 0:
                    raise
                self.swallows -= 1
                if self.then is not None:
                    return self.then(self)

    async def on_stop(self, reason):
        self.trace.append("stop")

    async def on_failure(self, *what):
        self.trace.append("failure")


# --- the ladder -------------------------------------------------------------------------------------


async def test_a_killed_handler_is_cancelled():
    """It ends at once, without on_stop and on_failure; its caller hears `ActorCrashed` with `killed`."""
    trace = []
    async with runtime() as system:
        ref = system.spawn(Patient, trace)
        asked = ref.ask("wait")
        await asyncio.sleep(3)
        ref._cell.kill()
        with pytest.raises(ActorCrashed, match="killed") as crashed:
            await asked
        assert crashed.value.cause is Exit.KILLED
        assert ref._cell.end is Exit.KILLED
        assert trace == [("begins", 0.0), ("cancelled", 3.0)]
        assert system.abandoned_total == 0


async def test_a_handler_that_swallows_one_cancellation_is_cancelled_again():
    """The second one comes after the grace, and ends it."""
    trace = []
    async with runtime(kill_grace=2.0) as system:
        ref = system.spawn(Patient, trace, swallows=1)
        asked = ref.ask("wait")
        await asyncio.sleep(3)
        ref._cell.kill()
        with pytest.raises(ActorCrashed):
            await asked
        assert trace == [("begins", 0.0), ("cancelled", 3.0), ("cancelled", 5.0)]
        assert system.abandoned_total == 0


async def test_a_handler_that_swallows_two_is_abandoned():
    """After the second grace it is cut off: its caller is told, it is listed, and it runs on until it ends."""
    trace, events = [], []
    async with runtime(kill_grace=2.0) as system:
        system.observe(events.append)
        ref = system.spawn(Patient, trace, swallows=2)
        asked = ref.ask("wait")
        await asyncio.sleep(3)
        ref._cell.kill()
        with pytest.raises(ActorCrashed):
            await asked
        assert now() == 7.0
        assert [(life.cell.path, life.incarnation) for life in system.abandoned] == [(ref.path, 1)]
        (task,) = system.abandoned.values()
        abandoned = [event for event in events if isinstance(event, ActorAbandoned)]
        assert [(event.path, event.at) for event in abandoned] == [(ref.path, 7.0)]
        assert "await asyncio.Event().wait()" in abandoned[0].stack
        task.cancel()
        await asyncio.sleep(0.1)
        assert system.abandoned == {}
        assert system.abandoned_total == 1


async def test_an_abandoned_incarnation_is_not_called_dead_while_it_is_alive():
    """Its end is an event when it has ended, not when it was given up."""
    events = []
    async with runtime(kill_grace=1.0) as system:
        system.observe(events.append)
        ref = system.spawn(Patient, swallows=2)
        ref.tell("wait")
        await asyncio.sleep(1)
        ref._cell.kill()
        await asyncio.sleep(10)
        assert not [event for event in events if isinstance(event, ActorEnded)]
        next(iter(system.abandoned.values())).cancel()
        await asyncio.sleep(1)
        ended = [event for event in events if isinstance(event, ActorEnded)]
        assert [(event.path, event.incarnation, event.reason) for event in ended] == [(ref.path, 1, Exit.KILLED)]


async def test_a_handler_that_swallows_and_returns_is_dead_all_the_same():
    """What it returns reaches nobody."""
    async with runtime() as system:
        ref = system.spawn(Patient, swallows=1, then=lambda actor: "made it")
        asked = ref.ask("wait")
        await asyncio.sleep(0)
        ref._cell.kill()
        with pytest.raises(ActorCrashed):
            await asked
        assert not ref.is_alive()


async def test_a_kill_before_the_first_step(nursed):
    """A handler that was scheduled and has not begun does not begin."""
    trace = []
    async with runtime() as system:
        child = nursed(system, Patient, trace)
        await child.ref.ask("x")
        asked = child.ref.ask("wait")
        while not child.cell.busy:  # noqa: ASYNC110 - between two rounds of the loop
            await asyncio.sleep(0)
        assert trace == []
        child.cell.kill()
        with pytest.raises(ActorCrashed):
            await asked
        assert trace == []
        assert await child.ref.ask("x") == 2


async def test_an_idle_actor_is_killed_at_once(nursed):
    """There is nothing to wait for, and no hook runs; what waits in the mailbox stays for the next incarnation."""
    trace = []
    async with runtime() as system:
        child = nursed(system, Patient, trace)
        await child.ref.ask("x")
        waiting = child.ref.ask("x")
        child.cell.kill()
        assert not child.cell.alive
        assert await waiting == 2
        assert trace == []


async def test_a_second_kill_changes_nothing():
    """The first reason stays, and the ladder is not begun anew."""
    trace = []
    async with runtime(kill_grace=2.0) as system:
        ref = system.spawn(Patient, trace, swallows=1)
        ref.tell("wait")
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        ref._cell.kill()
        await asyncio.sleep(1)
        ref._cell.kill(ValueError("later"))
        await asyncio.sleep(5)
        assert [at for what, at in trace if what == "cancelled"] == [0.0, 2.0]
        assert ref._cell.end is Exit.KILLED


async def test_a_kill_during_a_stop():
    """An on_stop that hangs is cancelled; the reason is then `killed`."""

    class Hanging(Actor):
        async def on_stop(self, reason):
            await asyncio.Event().wait()

    async with runtime() as system:
        ref = system.spawn(Hanging)
        stopped = ref.stop()
        await asyncio.sleep(1)
        ref._cell.kill()
        assert await stopped is True
        assert ref._cell.end is Exit.KILLED


async def test_a_kill_during_on_failure():
    """So is an on_failure that hangs."""

    class Hanging(Actor):
        def on_receive(self, message):
            raise ValueError

        async def on_failure(self, *what):
            await asyncio.Event().wait()

    async with runtime() as system:
        ref = system.spawn(Hanging)
        ref.tell("x")
        await asyncio.sleep(1)
        ref._cell.kill()
        await asyncio.sleep(0.1)
        assert not ref.is_alive()


@pytest.mark.parametrize("swallows", [False, True])
async def test_a_kill_while_starting(nursed, settle, swallows):
    """The start fails with `killed`, once, also where on_start swallows the cancellation and returns."""

    class Slow(Actor):
        async def on_start(self):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                if not swallows:
                    raise

    async with runtime() as system:
        child = nursed(system, Slow)
        waiting = child.ref.ask("x")
        await asyncio.sleep(1)
        child.cell.kill()
        await settle()
        assert [(type(failure), failure.cause) for failure in child.nurse.failures] == [(StartFailed, Exit.KILLED)]
        assert child.nurse.downs == []
        assert not child.cell.alive
        assert not waiting.done()
    with pytest.raises(ActorStopped):
        await waiting


async def test_a_kill_by_ones_own_hand(nursed, settle):
    """A handler that kills its own actor ends when it returns: once, and its reply is the crash."""
    async with runtime() as system:
        child = nursed(system, Suicidal)
        asked = child.ref.ask("now")
        await settle()
        assert "killed" in str(asked.exception())
        assert child.reasons == [Exit.KILLED]
        asked = child.ref.ask("async")
        await settle()
        assert "killed" in str(asked.exception())
        assert child.reasons == [Exit.KILLED] * 2


class Suicidal(Actor):
    def on_receive(self, message):
        if message == "async":
            return self.later()
        self._cell.kill()
        return "returned"

    async def later(self):
        self._cell.kill()
        await asyncio.sleep(0)
        return "never"


async def test_a_grace_of_zero():
    """Without a grace the ladder takes no time."""
    async with runtime(kill_grace=0) as system:
        ref = system.spawn(Patient, swallows=2)
        ref.tell("wait")
        await asyncio.sleep(0.1)
        ref._cell.kill()
        await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        assert not ref.is_alive()
        assert now() == 0.2
        next(iter(system.abandoned.values())).cancel()


# --- what an abandoned one can do -------------------------------------------------------------------


class Zombie(Actor):
    """Comes back to life when it is abandoned, and then tries to do harm."""

    def __init__(self, wake, other, attempts):
        self.wake, self.other, self.attempts = wake, other, attempts

    async def on_receive(self, message):
        if message == "x":
            return self.incarnation
        system, me = self.system, self.actor_ref
        while not self.wake.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.wake.wait()
        for name, attempt in HARM.items():
            try:
                result = attempt(self, system, me, self.other)
                if asyncio.iscoroutine(result) or asyncio.isfuture(result):
                    result = await result
            except ActorStopped:
                self.attempts[name] = "stopped"
            else:
                self.attempts[name] = result
        return "reply of the dead"


HARM = {
    "tell": lambda actor, system, me, other: other.tell("from the dead"),
    "ask": lambda actor, system, me, other: other.ask("from the dead"),
    "send": lambda actor, system, me, other: other.send("from the dead"),
    "proxy": lambda actor, system, me, other: other.proxy().note("from the dead"),
    "stop another": lambda actor, system, me, other: other.stop(),
    "stop itself": lambda actor, system, me, other: actor.stop(),
    "tell itself": lambda actor, system, me, other: me.tell("from the dead"),
    "stop its ref": lambda actor, system, me, other: me.stop(),
    "after": lambda actor, system, me, other: actor.after(0, "from the dead"),
    "stash": lambda actor, system, me, other: actor.stash(),
    "register": lambda actor, system, me, other: actor.register("grave"),
    "publish": lambda actor, system, me, other: actor.publish("topic", 1),
    "publish past its back": lambda actor, system, me, other: system.bus.publish("topic", 1) and None,
    "spawn": lambda actor, system, me, other: system.spawn(Listener, []),
    "from a task": lambda actor, system, me, other: asyncio.create_task(tell_later(other)),
}


async def tell_later(other):
    await asyncio.sleep(0)
    other.tell("from the dead")


class Listener(Actor):
    def __init__(self, heard):
        self.heard = heard

    def on_start(self):
        self.subscribe("topic")

    def on_receive(self, message):
        self.heard.append(message)
        return message

    def note(self, message):
        self.heard.append(message)


async def test_nothing_that_it_does_later_reaches_anybody(nursed, settle):
    """Tells, asks, stops, timers, names, publishing, spawning, its reply: nothing comes through, to nobody."""
    wake, heard, attempts = asyncio.Event(), [], {}
    async with runtime(kill_grace=1.0) as system:
        other = system.spawn(Listener, heard)
        child = nursed(system, Zombie, wake, other, attempts)
        asked = child.ref.ask("linger")
        await asyncio.sleep(1)
        child.cell.kill()
        with pytest.raises(ActorCrashed):
            await asked
        assert await child.ref.ask("x") == 2
        actors = len(system.cells)
        wake.set()
        await settle()
        assert attempts.keys() == HARM.keys()
        assert {name: result for name, result in attempts.items() if result not in ("stopped", None)} == {}
        assert heard == []
        assert other.is_alive()
        assert await child.ref.ask("x") == 2
        assert system.registry.name("grave") is None
        assert len(system.cells) == actors
        assert system.abandoned == {}
        assert "from the dead" in [letter.message for letter in system.dead_letters]


async def test_others_are_heard_while_one_is_abandoned():
    """Living actors are not silenced with it, nor is an actor that it has started before."""

    class Parent(Actor):
        async def on_receive(self, message):
            self.child = self.system.spawn(Ticker)
            message.append(self.child)
            while True:
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    message.append(asyncio.current_task())
                    if len(message) > 3:
                        raise

    heard = []
    async with runtime(kill_grace=1.0) as system:
        listener = system.spawn(Listener, heard)
        made = []
        parent = system.spawn(Parent)
        parent.tell(made)
        await asyncio.sleep(0.5)
        parent._cell.kill()
        await asyncio.sleep(5)
        assert len(system.abandoned) == 1
        made[0].tell(listener)
        await asyncio.sleep(2.5)
        assert heard == ["tick", "tick"]
        made[1].cancel()


class Ticker(Actor):
    def on_start(self):
        self.listener = None
        self.every(1, "tick")

    def on_receive(self, message):
        if message != "tick":
            self.listener = message
        elif self.listener is not None:
            self.listener.tell(message)


# --- threads ----------------------------------------------------------------------------------------


class Blocking(Actor):
    """Blocks its thread until it is let go, then tries to tell."""

    def __init__(self, release, other=None, trace=None):
        self.release, self.other = release, other
        self.trace = [] if trace is None else trace

    def on_receive(self, message):
        if message == "x":
            return self.incarnation
        me = self.actor_ref
        self.trace.append("blocks")
        self.release.wait(10)
        for attempt in (
            lambda: self.other.tell("from the dead"),
            lambda: self.other.ask("from the dead", timeout=1),
            lambda: me.tell("from the dead"),
            lambda: self.stop(),
            lambda: self.after(0, "from the dead"),
        ):
            try:
                attempt()
            except ActorStopped:
                self.trace.append("stopped")
        return "reply of the dead"


@pytest.mark.realtime
async def test_a_thread_is_abandoned_at_once(nursed, until):
    """It cannot be killed: it is listed until it ends, its ref goes on with the next incarnation in another thread."""
    release, heard, trace, events = threading.Event(), [], [], []
    async with runtime() as system:
        system.observe(events.append)
        other = system.spawn(Listener, heard)
        child = nursed(system, Blocking, release, other, trace, dispatcher="thread")
        asked = child.ref.ask("block")
        await until(lambda: trace)
        thread = child.cell.worker.thread
        child.cell.kill()
        with pytest.raises(ActorCrashed):
            await asked
        assert await child.ref.ask("x") == 2
        assert [life.incarnation for life in system.abandoned] == [1]
        assert "self.release.wait(10)" in next(e.stack for e in events if isinstance(e, ActorAbandoned))
        assert thread.is_alive()
        release.set()
        await until(lambda: not system.abandoned)
        thread.join(5)
        assert not thread.is_alive()
        assert trace == ["blocks", *["stopped"] * 5]
        assert heard == []
        assert await child.ref.ask("x") == 2


@pytest.mark.realtime
async def test_a_thread_that_outlives_the_runtime(until):
    """Leaving the block does not wait for an abandoned thread, and the thread does no harm later."""
    release, trace = threading.Event(), []
    async with runtime() as system:
        ref = system.launch(Factory(Blocking, (release, None, trace)), dispatcher="thread")
        ref.tell("block")
        await until(lambda: trace)
        thread = ref._cell.worker.thread
        ref._cell.kill()
    assert thread.is_alive()
    assert len(system.abandoned) == 1
    release.set()
    await asyncio.to_thread(thread.join, 5)
    assert not thread.is_alive()


def test_a_thread_that_outlives_the_loop():
    """An abandoned thread that ends when the loop is closed ends in silence."""
    release, trace, threads = threading.Event(), [], []

    async def main():
        async with runtime() as system:
            ref = system.launch(Factory(Blocking, (release, None, trace)), dispatcher="thread")
            ref.tell("block")
            while not trace:  # noqa: ASYNC110 - what it waits for happens in another thread
                await asyncio.sleep(0.001)
            threads.append(ref._cell.worker.thread)
            ref._cell.kill()

    asyncio.run(main())
    release.set()
    threads[0].join(5)
    assert not threads[0].is_alive()


@pytest.mark.realtime
async def test_a_thread_that_has_not_begun_does_not_begin(until):
    """A call that was handed to the thread, and killed before the thread came to it, is not made."""
    release, trace = threading.Event(), []

    class Slow(Actor):
        def __init__(self):
            trace.append("init")
            release.wait(10)

        def on_start(self):
            trace.append("start")

    async with runtime() as system:
        ref = system.launch(Factory(Slow), dispatcher="thread")
        await until(lambda: trace)
        thread = ref._cell.worker.thread
        ref._cell.kill()
        assert not ref.is_alive()
        release.set()
        await asyncio.to_thread(thread.join, 5)
        await until(lambda: not system.abandoned)
        assert trace == ["init"]


@pytest.mark.realtime
async def test_an_idle_thread_is_not_abandoned():
    """A thread that has nothing in hand just ends."""
    async with runtime() as system:
        ref = system.launch(Factory(Blocking, (None,)), dispatcher="thread")
        await ref.ask("x")
        thread = ref._cell.worker.thread
        ref._cell.kill()
        assert not ref.is_alive()
        await asyncio.to_thread(thread.join, 5)
        assert not thread.is_alive()
        assert system.abandoned_total == 0
