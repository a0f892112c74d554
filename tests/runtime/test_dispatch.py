"""Where code runs: on the loop, or in a thread that belongs to the incarnation; and in which context."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import threading
import weakref

import pytest
import structlog

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed, NameTaken
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.signals import Down, ReceiveTimeout
from treeward.runtime.system import ActorSystem


def runtime(**options):
    return ActorSystem(blocked_after=None, **options)


def here():
    return threading.current_thread().name


class Placed(Actor):
    """Notes in which thread each of its hooks runs."""

    def __init__(self):
        self.threads = [here()]

    def on_start(self):
        self.threads.append(here())

    def on_restart(self, message, reason):
        self.threads.append(here())

    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        if message == "async":
            return self.elsewhere()
        self.threads.append(here())
        return self.threads

    async def elsewhere(self):
        await asyncio.sleep(0)
        self.threads.append(here())
        return asyncio.get_running_loop()

    def on_failure(self, *what):
        self.threads.append(here())

    def on_stop(self, reason):
        self.threads.append(here())


def in_thread(system, cls, *args, **options):
    return system.launch(Factory(cls, args), dispatcher="thread", **options)


# --- threads ----------------------------------------------------------------------------------------


@pytest.mark.realtime
async def test_everything_of_a_thread_actor_runs_in_its_thread():
    """Constructor, hooks, `def` and `async def` handlers, the latter on a loop of the thread's own."""
    async with runtime() as system:
        ref = in_thread(system, Placed)
        loop = await ref.ask("async")
        threads = await ref.ask("x")
        await ref.stop()
        assert threads == [f"treeward-{ref.path}"] * 5
        assert loop is not system.loop


@pytest.mark.realtime
async def test_a_blocking_handler_in_a_thread_blocks_nobody_else():
    """While one sleeps in its thread, actors on the loop go on."""
    release = threading.Event()

    class Blocking(Actor):
        def on_receive(self, message):
            return release.wait(5)

    async with runtime() as system:
        blocking, other = in_thread(system, Blocking), system.spawn(Placed)
        waiting = blocking.ask("x")
        assert await other.ask("x")
        assert not waiting.done()
        release.set()
        assert await waiting is True


@pytest.mark.realtime
async def test_each_incarnation_has_its_own_thread(nursed):
    """After a crash the next one does not run in the old one's thread, which ends."""
    async with runtime() as system:
        child = nursed(system, Placed, dispatcher="thread")
        await child.ref.ask("x")
        before = child.cell.worker.thread
        with pytest.raises(ActorCrashed):
            await child.ref.ask(ValueError("bad"))
        await child.ref.ask("x")
        assert child.cell.worker.thread is not before
        before.join(5)
        assert not before.is_alive()


@pytest.mark.realtime
@pytest.mark.parametrize("error", [ValueError("bad"), SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_crashes_in_a_thread(error, nursed):
    """Whatever is raised in the thread is that incarnation's end, and no more."""
    async with runtime() as system:
        child = nursed(system, Placed, dispatcher="thread")
        with pytest.raises(ActorCrashed) as crashed:
            await child.ref.ask(error)
        assert crashed.value.cause is error
        await child.ref.ask("x")
        assert child.reasons == [error]


@pytest.mark.realtime
async def test_a_constructor_that_fails_in_a_thread(nursed, until):
    """It is a failed start, and its thread ends."""

    class Failing(Actor):
        def __init__(self):
            raise ValueError("cannot")

    async with runtime() as system:
        child = nursed(system, Failing, dispatcher="thread")
        await until(lambda: child.nurse.failures)
        assert repr(child.nurse.failures[0].cause) == "ValueError('cannot')"


@pytest.mark.realtime
async def test_no_thread_to_be_had_is_a_failed_start(monkeypatch, nursed, until):
    """If the system gives no further thread, the start fails, and nothing else does."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    async with runtime() as system:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", refuse)
            child = nursed(system, Placed, dispatcher="thread")
            assert "can't start new thread" in str(child.nurse.failures[0])
        assert await system.spawn(Placed).ask("x")


class Doing(Actor):
    """Does what it is told to, in its thread."""

    expected = (NameTaken,)

    def __init__(self):
        self.seen = []

    def on_receive(self, message):
        if callable(message):
            return message(self)
        self.seen.append(message)
        return self.seen


@pytest.mark.realtime
async def test_an_actor_in_a_thread_can_do_all_that_others_can(until):
    """Names, groups, timers, subscriptions, monitors, stash, receive timeout: from its own thread."""

    def everything(actor):
        actor.register("desk")
        actor.join("desks")
        actor.offer("refund")
        actor.subscribe("news.*")
        actor.after(0.01, "once")
        actor.monitor(mortal)
        actor.set_receive_timeout(0.05)
        return actor.publish("news.today", 1), actor.unstash_all()

    async with runtime() as system:
        mortal = system.spawn(Doing)
        ref = in_thread(system, Doing)
        assert await ref.ask(everything) == (1, 0)
        assert system.registry.name("desk") == ref
        assert system.registry.group("desks") == system.registry.capable("refund") == (ref,)
        await mortal.stop()
        seen = ref._cell.actor.seen
        await until(lambda: any(isinstance(message, ReceiveTimeout) for message in seen))
        kinds = [message if isinstance(message, str) else type(message).__name__ for message in seen]
        assert sorted(kinds[:3]) == ["Down", "Published", "once"]
        assert any(isinstance(message, Down) for message in seen)
        other = in_thread(system, Doing)
        with pytest.raises(NameTaken):
            await other.ask(lambda actor: actor.register("desk"))
        timer = await ref.ask(lambda actor: actor.every(60, "x"))
        await ref.ask(lambda actor: timer.cancel())
        await until(lambda: not timer.active)
        await ref.ask(lambda actor: actor.set_receive_timeout(None))


@pytest.mark.realtime
async def test_stash_in_a_thread():
    """A message that is put aside in the thread comes back, for its sender."""

    class Later(Actor):
        ready = False

        def on_receive(self, message):
            if message == "ready":
                self.ready = True
                return self.unstash_all()
            return message if self.ready else self.stash()

    async with runtime() as system:
        ref = in_thread(system, Later)
        asked = [ref.ask(number) for number in range(3)]
        assert await ref.ask("ready") == 3
        assert await asyncio.gather(*asked) == [0, 1, 2]


@pytest.mark.realtime
async def test_actors_in_threads_talk_to_each_other():
    """`ask` blocks the asker's own thread only; `tell` and `stop` work as well."""

    class Relay(Actor):
        def __init__(self, to=None):
            self.to = to

        def on_receive(self, message):
            return message if self.to is None else self.to.ask(message) + 1

    async with runtime() as system:
        end = in_thread(system, Relay)
        middle = in_thread(system, Relay, end)
        loop_end = system.spawn(Relay)
        assert await in_thread(system, Relay, middle).ask(40) == 42
        assert await in_thread(system, Relay, loop_end).ask(40) == 41


@pytest.mark.realtime
async def test_a_bounded_mailbox_of_a_thread_actor():
    """An actor in a thread that tells itself too much hears of it, where the policy is to fail."""

    async with runtime() as system:
        ref = in_thread(system, Doing, mailbox=MailboxSpec(2, "fail"))

        def overfill(actor):
            for number in range(3):
                try:
                    actor.actor_ref.tell(number)
                except Exception as error:
                    return type(error).__name__, number
            return None

        assert await ref.ask(overfill) == ("MailboxFull", 2)


@pytest.mark.realtime
async def test_an_idle_thread_keeps_nothing_alive():
    """A thread that waits for its next message holds on to neither the last message nor its reply."""

    class Box:
        pass

    class Taking(Actor):
        def on_receive(self, message):
            return Box()

    async with runtime() as system:
        ref = in_thread(system, Taking)
        message = Box()
        watched = [weakref.ref(message), weakref.ref(await ref.ask(message))]
        del message
        await asyncio.sleep(0.05)
        gc.collect()
        assert [one() for one in watched] == [None, None]


@pytest.mark.realtime
async def test_threads_end_with_the_system():
    """When the block is left, no thread of it is alive, not for a moment."""
    before = set(threading.enumerate())
    async with runtime() as system:
        for _ in range(10):
            await in_thread(system, Placed).ask("async")
        assert len(set(threading.enumerate()) - before) == 10
    assert set(threading.enumerate()) - before == set()


# --- context variables ------------------------------------------------------------------------------

VARIABLE = contextvars.ContextVar("variable", default="unset")


class Context(Actor):
    """Returns the variable's value, and then sets it."""

    def __init__(self):
        self.inits = VARIABLE.get()
        VARIABLE.set("by init")

    def on_start(self):
        self.starts = VARIABLE.get()
        VARIABLE.set("by start")

    def on_receive(self, message):
        before = VARIABLE.get()
        VARIABLE.set(f"by {message}")
        return before


class AsyncContext(Context):
    async def on_receive(self, message):
        await asyncio.sleep(0)
        before = super().on_receive(message)
        await asyncio.sleep(0)
        assert VARIABLE.get() == f"by {message}"
        return before


WAYS = {
    "def": lambda system: system.spawn(Context),
    "async def": lambda system: system.spawn(AsyncContext),
    "thread": lambda system: in_thread(system, Context),
    "async def in a thread": lambda system: in_thread(system, AsyncContext),
}


@pytest.mark.realtime
@pytest.mark.parametrize("start", WAYS.values(), ids=WAYS)
async def test_context_variables_do_not_leak_between_messages(start):
    """What a handler or a hook sets is gone with it: for its own actor, for others, and for the host."""
    async with runtime() as system:
        ref, other = start(system), system.spawn(Context)
        VARIABLE.set("by the sender")
        assert [await ref.ask(number) for number in range(3)] == ["unset"] * 3
        assert await other.ask("x") == "unset"
        assert VARIABLE.get() == "by the sender"
        actor = ref._cell.actor
        assert (actor.inits, actor.starts) == ("unset", "unset")
    VARIABLE.set("unset")


@pytest.mark.parametrize("cls", [Context, AsyncContext], ids=["def", "async def"])
async def test_many_messages_in_one_go_have_a_context_each(cls):
    """Also those that are handled without a break."""
    async with runtime() as system:
        ref = system.spawn(cls)
        assert await asyncio.gather(*(ref.ask(number) for number in range(200))) == ["unset"] * 200


async def test_the_hosts_context_at_the_start_is_what_actors_see():
    """What the host had set when it made the system holds in all actors."""
    token = VARIABLE.set("by the host")
    try:
        system = runtime()
    finally:
        VARIABLE.reset(token)
    async with system:
        assert await system.spawn(Context).ask("x") == "by the host"


async def test_an_actor_that_another_starts_does_not_inherit_its_context():
    """A constructor that runs within somebody's handler does not see what that one has set."""

    class Parent(Actor):
        async def on_receive(self, message):
            VARIABLE.set("by the parent")
            ref = self.system.spawn(Context)
            return ref._cell.actor.inits, ref._cell.actor.starts, await ref.ask("x")

    async with runtime() as system:
        assert await system.spawn(Parent).ask("x") == ("unset", "unset", "unset")


async def test_an_observer_does_not_leak_into_actors():
    """What an observer sets stays with it."""
    async with runtime() as system:
        system.observe(lambda event: VARIABLE.set("by the observer"))
        system.spawn(Context)
        ref = system.spawn(Context)
        assert await ref.ask("x") == "unset"


async def test_bound_log_fields_end_with_the_message():
    """A task id that a handler binds for its log lines is not on the next message's."""

    class Binding(Actor):
        def on_receive(self, message):
            before = structlog.contextvars.get_contextvars()
            structlog.contextvars.bind_contextvars(task=message)
            return before

    async with runtime() as system:
        ref = system.spawn(Binding)
        assert await asyncio.gather(ref.ask("one"), ref.ask("two")) == [{}, {}]
