"""One incarnation after another: hooks and their order, crashes, failed starts, what a restart keeps."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import weakref

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed, ActorStopped, StartFailed, SystemClosed
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.steps import Declined
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import ActorEnded, ActorStarted, HookFailed


def runtime(**options):
    return ActorSystem(blocked_after=None, **options)


class Plain(Actor):
    """Hooks that are `def`; each leaves a line in `trace`."""

    def __init__(self, trace, **faults):
        self.trace, self.faults = trace, faults
        self.note("init")

    def note(self, hook, *details):
        self.trace.append((self.incarnation, hook, *details))
        fault = self.faults.get(hook)
        if isinstance(fault, BaseException):
            raise fault

    def on_start(self):
        self.note("start")

    def on_stop(self, reason):
        self.note("stop", reason)

    def on_failure(self, exception_type, exception_value, traceback):
        assert exception_type is type(exception_value)
        assert traceback is exception_value.__traceback__
        self.note("failure", exception_value)

    def on_restart(self, message, reason):
        self.note("restart", message, reason)

    def on_receive(self, message):
        self.note("receive", message)
        if isinstance(message, BaseException):
            raise message
        if message == "stop":
            self.stop(Shutdown("said so"))
        return message


class Waiting(Plain):
    """The same, `async def`."""

    async def on_start(self):
        await asyncio.sleep(1)
        super().on_start()

    async def on_stop(self, reason):
        await asyncio.sleep(1)
        super().on_stop(reason)

    async def on_failure(self, *what):
        await asyncio.sleep(1)
        super().on_failure(*what)

    async def on_restart(self, message, reason):
        await asyncio.sleep(1)
        super().on_restart(message, reason)

    async def on_receive(self, message):
        await asyncio.sleep(1)
        return super().on_receive(message)


both = pytest.mark.parametrize("cls", [Plain, Waiting], ids=["def", "async def"])


# --- hooks ------------------------------------------------------------------------------------------


@both
async def test_hooks_of_a_life_that_ends_in_order(cls):
    """Constructor, on_start, messages, on_stop with the reason; on_failure has no part in it."""
    trace = []
    async with runtime() as system:
        ref = system.spawn(cls, trace)
        assert await ref.ask("hello") == "hello"
        assert await ref.stop(reason=Shutdown("enough")) is True
    stop = (1, "stop", Shutdown("enough"))
    assert trace == [(1, "init"), (1, "start"), (1, "receive", "hello"), stop]


@both
async def test_hooks_of_a_life_that_crashes(cls):
    """After a crash on_failure runs with the error's triple, and on_stop does not."""
    trace, error = [], ValueError("bad")
    async with runtime() as system:
        with pytest.raises(ActorCrashed):
            await system.spawn(cls, trace).ask(error)
        await asyncio.sleep(1)
    assert trace == [(1, "init"), (1, "start"), (1, "receive", error), (1, "failure", error)]


@both
async def test_a_restart_is_a_new_object_that_hears_of_the_last_message_and_the_error(cls, nursed):
    """on_restart runs before on_start in every incarnation but the first, with message and reason."""
    trace, error = [], ValueError("bad")
    async with runtime() as system:
        child = nursed(system, cls, trace)
        with pytest.raises(ActorCrashed):
            await child.ref.ask(error)
        await child.ref.ask("again")
        second = trace[4:]
        assert second[:3] == [(2, "init"), (2, "restart", error, error), (2, "start")]
        assert child.reasons == [error]
        assert child.ref.incarnation == 2


async def test_an_orderly_end_leaves_no_message_to_the_restart(nursed):
    """An incarnation that ended of itself, with no message in hand, hands none on."""
    trace = []
    async with runtime() as system:
        child = nursed(system, Plain, trace)
        await child.ref.stop()
        await child.ref.ask("x")
    assert (2, "restart", None, Exit.SHUTDOWN) in trace


async def test_the_message_of_a_crash_is_not_given_to_later_incarnations(nursed):
    """Each incarnation hears of the last message of the one before, not of an earlier one's."""
    trace, error = [], ValueError("bad")
    async with runtime() as system:
        child = nursed(system, Plain, trace)
        child.ref.tell(error)
        await child.ref.ask("x")
        await child.ref.stop()
        await child.ref.ask("x")
    assert [line[1:] for line in trace if line[1] == "restart"] == [
        ("restart", error, error),
        ("restart", None, Exit.SHUTDOWN),
    ]


@both
async def test_an_actor_ends_itself_after_the_message_in_hand(cls):
    """`self.stop(reason)` ends it with that reason; the message in hand gets its reply, the next does not."""
    trace, seen = [], []
    async with runtime() as system:
        system.observe(seen.append)
        ref = system.spawn(cls, trace)
        first, second = ref.ask("stop"), ref.ask("more")
        assert await first == "stop"
        with pytest.raises(ActorStopped) as stopped:
            await second
        assert stopped.value.reason == Shutdown("said so")
    assert [event.reason for event in seen if isinstance(event, ActorEnded)] == [Shutdown("said so")]


async def test_an_actor_may_leave_all_hooks_out():
    """A bare actor lives, takes messages as dead letters, and ends."""
    async with runtime() as system:
        ref = system.spawn(Actor, "ignored", argument="ignored")
        assert await ref.ask("anything") is None
        assert [letter.reason for letter in system.dead_letters] == ["not handled"]
        assert await ref.stop() is True


async def test_on_stop_may_leave_the_reason_out():
    """An `on_stop(self)` as pykka has it is called without the reason."""
    ended = []

    class Old(Actor):
        def on_stop(self):
            ended.append(self.path)

    async with runtime() as system:
        ref = system.spawn(Old)
        await ref.stop()
        assert ended == [ref.path]


async def test_an_actor_class_is_not_called():
    """An actor object cannot be made by hand: it says so."""
    with pytest.raises(SystemClosed, match="Actor was called as a class"):
        Actor()


# --- crashes ----------------------------------------------------------------------------------------


class Boom(Exception):
    pass


CRASHES = [Boom("b"), SystemExit(3), asyncio.CancelledError(), GeneratorExit(), BaseException("base"), StopIteration(1)]


@pytest.mark.parametrize("error", CRASHES, ids=lambda error: type(error).__name__)
@both
async def test_whatever_a_handler_raises_ends_that_incarnation_only(cls, error, nursed):
    """Also SystemExit and a CancelledError of its own: the reason is the exception, the loop goes on."""
    async with runtime() as system:
        child = nursed(system, cls, [])
        with pytest.raises(ActorCrashed) as crashed:
            await child.ref.ask(error)
        reason = crashed.value.cause
        assert reason is error or isinstance(reason, RuntimeError)  # what a coroutine makes of StopIteration
        assert (crashed.value.path, crashed.value.incarnation) == (child.ref.path, 1)
        assert await child.ref.ask("alive") == "alive"
        assert child.reasons == [reason]


INTERRUPTED = """
import asyncio
from treeward.runtime.actor import Actor
from treeward.runtime.system import ActorSystem

class Interrupted(Actor):
    {how}(self, *what):
        raise KeyboardInterrupt

async def main():
    async with ActorSystem(blocked_after=None) as system:
        ref = system.spawn(Interrupted)
        await ref.ask("x")
        await ref.stop()

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("hook", ["on_start", "on_receive", "on_stop"])
@pytest.mark.parametrize("how", ["def", "async def"])
def test_a_keyboard_interrupt_is_the_hosts(how, hook):
    """Ctrl-C in a handler or a hook goes through to whoever runs the loop, and the runtime still ends as it should."""
    code = INTERRUPTED.format(how=f"{how} {hook}")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    assert (run.stdout.strip(), run.stderr) == ("interrupted", "")


class Picky(Actor):
    expected = (LookupError,)

    def __init__(self):
        self.handled = 0

    def on_receive(self, message):
        self.handled += 1
        if isinstance(message, BaseException):
            raise message
        return self.handled


class AsyncPicky(Picky):
    async def on_receive(self, message):
        return super().on_receive(message)


@pytest.mark.parametrize("cls", [Picky, AsyncPicky], ids=["def", "async def"])
async def test_an_expected_exception_goes_to_the_caller_and_the_actor_lives(cls):
    """What is declared as expected is an answer: same incarnation, same state."""
    async with runtime() as system:
        ref = system.spawn(cls)
        with pytest.raises(KeyError, match="k"):
            await ref.ask(KeyError("k"))
        assert await ref.ask("state") == 2
        assert ref.incarnation == 1


async def test_an_expected_exception_that_nobody_waits_for_is_reported():
    """After a `tell` nobody gets the exception: it is an event, and the actor lives."""
    seen = []
    async with runtime() as system:
        system.observe(seen.append)
        ref = system.spawn(Picky)
        ref.tell(KeyError("k"))
        assert await ref.ask("state") == 2
    failed = [(event.hook, repr(event.error)) for event in seen if isinstance(event, HookFailed)]
    assert failed == [("on_receive", "KeyError('k')")]


async def test_an_expected_stop_iteration_does_no_harm():
    """No future takes a StopIteration: the caller gets it as a RuntimeError, and the actor lives."""

    class Iterating(Actor):
        expected = (Exception,)

        def on_receive(self, message):
            return next(iter([])) if message == "next" else "alive"

    async with runtime() as system:
        ref = system.spawn(Iterating)
        with pytest.raises(RuntimeError, match="StopIteration"):
            await ref.ask("next")
        assert await ref.ask("x") == "alive"


@both
async def test_an_error_in_on_failure_changes_nothing_and_is_reported(cls):
    """The reason of the end is the first error."""
    seen, error = [], ValueError("first")
    async with runtime() as system:
        system.observe(seen.append)
        ref = system.spawn(cls, [], failure=KeyError("second"))
        with pytest.raises(ActorCrashed) as crashed:
            await ref.ask(error)
        assert crashed.value.cause is error
        await asyncio.sleep(1)
    assert [event.reason for event in seen if isinstance(event, ActorEnded)] == [error]
    assert [(e.hook, type(e.error)) for e in seen if isinstance(e, HookFailed)] == [("on_failure", KeyError)]


@both
async def test_an_error_in_on_stop_is_the_reason(cls):
    """An end that fails is a crash."""
    seen, error = [], ValueError("cannot")
    async with runtime() as system:
        system.observe(seen.append)
        assert await system.spawn(cls, [], stop=error).stop() is True
    assert [event.reason for event in seen if isinstance(event, ActorEnded)] == [error]


@both
async def test_the_caller_hears_of_the_crash_before_on_failure_has_ended(cls):
    """A caller does not wait for the cleaning up."""
    async with runtime() as system:
        ref = system.spawn(cls, [])
        began = system.clock.monotonic()
        with pytest.raises(ActorCrashed):
            await ref.ask(ValueError())
        assert system.clock.monotonic() - began == (2.0 if cls is Waiting else 0.0)  # on_start and on_receive


# --- starts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["init", "start", "restart"])
@both
async def test_a_start_that_fails(cls, hook, nursed):
    """What the constructor, on_start or on_restart raises is a failed start, and the reason of the end."""
    error = ValueError("cannot")
    async with runtime() as system:
        child = nursed(system, cls, [])
        await child.ref.ask("x")
        child.cell.factory = Factory(cls, ([],), {hook: error})
        child.nurse.restarts = True
        ended = child.ref.stop()
        await ended
        await asyncio.sleep(5)
        failure = child.nurse.failures[0]
        assert isinstance(failure, StartFailed)
        assert failure.cause is error
        assert str(failure) == f"{child.ref.path} did not start: ValueError: cannot"
        assert child.cell.end is error
        assert not child.cell.alive


async def test_a_failed_start_is_told_once(nursed):
    """Who started it hears of the failure; no `Down` tells it again."""
    async with runtime() as system:
        child = nursed(system, Plain, [], start=ValueError("cannot"))
        await asyncio.sleep(1)
        assert len(child.nurse.failures) == 1
        assert child.nurse.downs == []


@both
async def test_a_start_may_decline(cls, nursed):
    """`Declined` says that there is nothing to do: no failure, an orderly end."""
    async with runtime() as system:
        child = nursed(system, cls, [], start=Declined("nothing to do"))
        await asyncio.sleep(5)
        assert [type(failure) for failure in child.nurse.failures] == [Declined]
        assert child.cell.end is Exit.NORMAL


async def test_messages_for_an_unsupervised_actor_that_does_not_start_become_dead_letters():
    """Nobody will come for them: each caller gets an error."""
    async with runtime() as system:
        ref = system.spawn(Waiting, [], start=ValueError("cannot"))
        asked = ref.ask("a")
        ref.tell("b")
        with pytest.raises(ActorStopped):
            await asked
        assert [(x.message, x.reason) for x in system.dead_letters] == [("a", "stopped"), ("b", "stopped")]
        assert not ref.is_alive()


async def test_messages_wait_until_the_start_has_ended():
    """No message is handled before on_start has returned."""
    trace = []
    async with runtime() as system:
        ref = system.spawn(Waiting, trace)
        await ref.ask("early")
    assert [line[1] for line in trace][:3] == ["init", "start", "receive"]


async def test_a_stop_that_comes_during_the_start_waits_for_its_end():
    """The incarnation starts, then ends in order, without having handled what waits."""
    trace = []
    async with runtime() as system:
        ref = system.spawn(Waiting, trace)
        ref.tell("never handled")
        assert await ref.stop() is True
    assert [line[1] for line in trace] == ["init", "start", "stop"]


# --- what a restart keeps ---------------------------------------------------------------------------


@both
async def test_waiting_messages_are_kept_for_the_next_incarnation_in_order(cls, nursed):
    """A crash loses the message in hand and no other; the rest is handled in order by the next one."""
    trace = []
    async with runtime() as system:
        child = nursed(system, cls, trace)
        crash = child.ref.ask(ValueError("bad"))
        replies = [child.ref.ask(number) for number in range(5)]
        with pytest.raises(ActorCrashed):
            await crash
        assert [await reply for reply in replies] == list(range(5))
    assert [line[2] for line in trace if line[:2] == (2, "receive")] == list(range(5))


async def test_order_holds_over_many_incarnations(nursed):
    """Every third message crashes it: what is handled is everything else, in order."""
    handled = []

    class Brittle(Actor):
        def on_receive(self, message):
            if message % 3 == 0:
                raise ValueError(message)
            handled.append((self.incarnation, message))

    async with runtime() as system:
        child = nursed(system, Brittle)
        for number in range(300):
            child.ref.tell(number)
        while child.cell.incarnation < 101:  # noqa: ASYNC110 - between two rounds of the loop
            await asyncio.sleep(0)
        await child.ref.ask(1000)
    assert [number for _, number in handled] == [n for n in range(300) if n % 3] + [1000]
    assert [incarnation for incarnation, _ in handled] == sorted(incarnation for incarnation, _ in handled)


async def test_messages_sent_while_nobody_lives_are_kept(nursed):
    """Between two incarnations the ref takes messages as before."""
    async with runtime() as system:
        child = nursed(system, Plain, [])
        await child.ref.ask("x")
        child.nurse.restarts = False
        await child.ref.stop()
        assert child.ref.is_alive()
        waiting = child.ref.ask("later")
        child.cell.start()
        assert await waiting == "later"
        child.nurse.restarts = True


async def test_a_ref_and_its_hash_stay_over_restarts(nursed):
    """The same address before and after; another actor's is another."""
    async with runtime() as system:
        child = nursed(system, Plain, [])
        before, number = child.ref, hash(child.ref)
        child.ref.tell(ValueError())
        await child.ref.ask("x")
        assert before == child.actor.actor_ref == system.ref(child.ref.path)
        assert hash(child.actor.actor_ref) == number
        assert before != system.spawn(Actor)


async def test_lost_messages_when_the_child_itself_goes(nursed):
    """When the address is closed each waiting caller gets an error, and each message is a dead letter."""
    async with runtime() as system:
        child = nursed(system, Waiting, [])
        asked = [child.ref.ask(number) for number in range(3)]
        child.ref.tell("told")
        child.nurse.restarts = False
        await system.end(child.cell, None)
        child.cell.close()
        results = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(result) for result in results] == [ActorStopped] * 3
        assert [letter.message for letter in system.dead_letters] == [0, 1, 2, "told"]
        assert system.ref(child.ref.path) is None


# --- an ended incarnation is over -------------------------------------------------------------------


class Lingering(Actor):
    """Starts something that goes on when the incarnation has ended, and keeps itself in reach."""

    made = ()

    def on_start(self):
        Lingering.made = (*Lingering.made, self)

    def on_receive(self, message):
        if message == "crash":
            raise ValueError
        return self.incarnation


OLD = {
    "stop": lambda actor: actor.stop(),
    "after": lambda actor: actor.after(0, "x"),
    "every": lambda actor: actor.every(1, "x"),
    "set_receive_timeout": lambda actor: actor.set_receive_timeout(1),
    "stash": lambda actor: actor.stash(),
    "unstash_all": lambda actor: actor.unstash_all(),
    "monitor": lambda actor: actor.monitor(actor.actor_ref),
    "demonitor": lambda actor: actor.demonitor(actor.actor_ref),
    "link": lambda actor: actor.link(actor.actor_ref),
    "unlink": lambda actor: actor.unlink(actor.actor_ref),
    "register": lambda actor: actor.register("name"),
    "join": lambda actor: actor.join("group"),
    "offer": lambda actor: actor.offer("capability"),
    "subscribe": lambda actor: actor.subscribe("topic"),
    "publish": lambda actor: actor.publish("topic", 1),
}


@pytest.mark.parametrize("act", OLD.values(), ids=OLD)
async def test_an_old_incarnation_cannot_act_for_the_new_one(act, nursed, monkeypatch):
    """What still runs of an ended incarnation gets `ActorStopped`: the next one is not its business."""
    monkeypatch.setattr(Lingering, "made", ())
    async with runtime() as system:
        child = nursed(system, Lingering)
        child.ref.tell("crash")
        assert await child.ref.ask("x") == 2
        old = Lingering.made[0]
        with pytest.raises(ActorStopped, match="incarnation 1 has ended"):
            act(old)
        assert old.incarnation == 1
        assert await child.ref.ask("x") == 2


@both
async def test_nothing_keeps_the_object_of_an_ended_incarnation(cls, nursed):
    """After an end in order the object is garbage, also while its address lives on."""
    async with runtime() as system:
        child = nursed(system, cls, [])
        await child.ref.ask("x")
        first = weakref.ref(child.actor)
        await child.ref.stop()
        await child.ref.ask("x")
        gc.collect()
        assert first() is None


async def test_nothing_keeps_a_closed_actor():
    """A hundred actors that came and went leave neither object nor cell."""
    async with runtime() as system:
        refs = [system.spawn(Plain, []) for _ in range(100)]
        watched = [weakref.ref(ref) for ref in refs] + [weakref.ref(ref._cell.actor) for ref in refs]
        await asyncio.gather(*(ref.stop() for ref in refs))
        del refs
        gc.collect()
        assert [one for one in watched if one() is not None] == []
        assert not system.cells
        assert not system.roots


async def test_events_of_a_life():
    """A start and an end are events, with path, incarnation and time."""
    seen = []
    async with runtime() as system:
        system.observe(seen.append)
        ref = system.spawn(Waiting, [])
        await ref.stop()
    assert seen == [
        ActorStarted(ref.path, 1, 1.0),
        ActorEnded(ref.path, 1, 2.0, Exit.SHUTDOWN),
    ]


async def test_a_bounded_mailbox_and_a_thread_are_said_at_launch():
    """`launch` takes everything that there is to say about an actor."""
    async with runtime() as system:
        ref = system.launch(Factory(Plain, ([],)), path="front/desk", mailbox=MailboxSpec(1, "fail"))
        assert ref.path == "front/desk"
        assert system.ref("front/desk") == ref
