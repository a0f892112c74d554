"""SUPERVISION.md section 5: how a child is ended, and how a supervisor is."""

from __future__ import annotations

import asyncio
import threading

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed, ActorStopped
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.telemetry import ActorAbandoned, ActorEnded
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.snapshot import snapshot
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity

SLOW = Backoff(initial=10, jitter="none")

# --- one child --------------------------------------------------------------------------------------


async def test_terminating_a_stopped_child_changes_nothing(lab):
    """Nothing runs, so there is nothing to end."""
    async with lab.run(lab.spec("a")) as top:
        await top.terminate_child("a")
        lab.forget()
        await top.terminate_child("a")
        assert lab.trace == []
        assert await top.states() == {"a": "stopped"}


async def test_terminating_a_restarting_child_cancels_its_pending_retry(lab):
    """It is `stopped` from then on, and the try that was planned is not made."""
    async with lab.run(lab.spec("a"), backoff=SLOW) as top:
        await top.crash("a")
        await top.terminate_child("a")
        assert await top.states() == {"a": "stopped"}
        await lab.at(50)
        assert lab.trace == ["-a1"]


async def test_brutal_kill_kills_and_waits_for_the_end(lab):
    """The child is not asked: its `on_stop` does not run."""
    lab.ends["a"] = 5
    async with lab.run(lab.spec("a", shutdown="brutal_kill")) as top:
        await top.terminate_child("a")
        assert lab.times == [(0.0, "-a1")]
        assert lab.reasons["a1"] is Exit.KILLED


@pytest.mark.parametrize(
    ("shutdown", "needs", "ended", "reason"),
    [
        pytest.param(5, 3, 3.0, Exit.SHUTDOWN, id="seconds_enough"),
        pytest.param(5, 8, 5.0, Exit.KILLED, id="seconds_not_enough"),
        pytest.param(0.25, 0.5, 0.25, Exit.KILLED, id="fractions"),
        pytest.param("infinity", 3, 3.0, Exit.SHUTDOWN, id="infinity"),
        pytest.param("infinity", 86_400, 86_400.0, Exit.SHUTDOWN, id="infinity_a_day"),
        pytest.param(0, 3, 0.0, Exit.KILLED, id="zero"),
        pytest.param("brutal_kill", 3, 0.0, Exit.KILLED, id="brutal_kill"),
    ],
)
async def test_seconds_or_infinity_asks_waits_that_long_then_kills(lab, shutdown, needs, ended, reason):
    """A child that needs longer than it gets is killed at that very time."""
    lab.ends["a"] = needs
    async with lab.run(lab.spec("a", shutdown=shutdown)) as top:
        await top.terminate_child("a")
        assert lab.times == [(ended, "-a1")]
        assert lab.now() == ended
        assert lab.reasons["a1"] is reason


class Asked(Actor):
    def __init__(self, heard):
        self.heard = heard

    def on_stop(self, reason):
        self.heard.append(reason)


@pytest.mark.parametrize("shutdown", [5, 0, "infinity"])
async def test_a_child_is_asked_with_shutdown(lab, shutdown):
    """`on_stop` gets the reason `shutdown`; with zero, who needs no time is in time."""
    heard = []
    spec = ChildSpec(id="a", start=Factory(Asked, (heard,)), shutdown=shutdown)
    async with lab.run(spec) as top:
        await top.terminate_child("a")
        assert heard == [Exit.SHUTDOWN]
        assert lab.reasons["a1"] is Exit.SHUTDOWN


async def test_zero_asks_then_kills_at_once(lab):
    """A child that is busy with a message has no time to answer: it is killed."""
    async with lab.run(lab.spec("a", shutdown=0)) as top:
        await top.send("a", ("wait", 60))
        await top.terminate_child("a")
        assert lab.times == [(0.0, "-a1")]
        assert lab.reasons["a1"] is Exit.KILLED


async def test_the_message_in_hand_is_finished_first(lab):
    """A child that is asked to go ends after its message, and its caller has the reply."""
    async with lab.run(lab.spec("a")) as top:
        reply = top.child("a").ask(("wait", 4), block=False)
        await lab.quiet()
        await top.terminate_child("a")
        assert await reply is None
        assert lab.times == [(4.0, "-a1")]


async def test_the_caller_of_a_killed_child_gets_an_error(lab):
    """Who waits for the message in hand learns that its handler was killed."""
    async with lab.run(lab.spec("a", shutdown=1)) as top:
        reply = top.child("a").ask(("wait", 60), block=False)
        await lab.quiet()
        await top.terminate_child("a")
        with pytest.raises(ActorCrashed) as caught:
            await reply
        assert caught.value.cause is Exit.KILLED


@pytest.mark.parametrize("restart", ["permanent", "transient", "temporary"])
@pytest.mark.parametrize("shutdown", ["brutal_kill", 0, 5, "infinity"])
async def test_a_child_that_is_terminated_on_purpose_is_never_restarted_for_it(lab, restart, shutdown):
    """Also when it is permanent, and however it is ended; it is no event either."""
    async with lab.run(lab.spec("a", restart=restart, shutdown=shutdown), intensity=Intensity(0, 5)) as top:
        await top.terminate_child("a")
        await lab.at(100)
        assert lab.trace == ["-a1"]
        assert await top.states() == ({} if restart == "temporary" else {"a": "stopped"})


async def test_a_crash_while_it_is_being_terminated_is_no_reason_for_a_restart(lab):
    """A child whose end fails is as ended as any other."""

    class Fails(Actor):
        def on_stop(self, reason):
            raise lab.Boom("in on_stop")

    async with lab.run(ChildSpec(id="a", start=Fails), intensity=Intensity(0, 5)) as top:
        await top.terminate_child("a")
        await lab.quiet()
        assert await top.states() == {"a": "stopped"}
        assert isinstance(lab.reasons["a1"], lab.Boom)


async def test_a_child_that_died_by_itself_just_before_is_not_restarted_after_its_termination(lab):
    """The call was before the news of the death: it wins, and the news is ignored."""
    async with lab.run(*lab.specs("a b")) as top:
        lab.ends["b"] = 5
        busy = asyncio.create_task(await_call(top.terminate_child("b")))
        await lab.quiet()
        ended = asyncio.create_task(await_call(top.terminate_child("a")))
        await lab.quiet()
        await top.crash("a")  # the supervisor is still busy with b, and a's termination waits
        await asyncio.gather(busy, ended)
        await lab.quiet()
        assert lab.times == [(0.0, "-a1"), (5.0, "-b1")]
        assert await top.states() == {"a": "stopped", "b": "stopped"}


async def await_call(call):
    return await call


# --- killing ----------------------------------------------------------------------------------------


async def test_kill_cancels_an_actor_on_the_event_loop(lab):
    """A handler that waits is cancelled where it waits."""
    seen = []

    class Waits(Actor):
        async def on_receive(self, message):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append(lab.now())
                raise

    async with lab.run(ChildSpec(id="a", start=Waits, shutdown="brutal_kill")) as top:
        await top.send("a", "wait")
        await lab.at(1)
        await top.terminate_child("a")
        assert seen == [1.0]
        assert lab.times == [(1.0, "-a1")]


async def test_one_that_swallows_the_cancellation_is_cancelled_again(lab):
    """A second cancellation comes after the grace, for who has swallowed the first."""
    seen = []

    class SwallowsOne(Actor):
        async def on_receive(self, message):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append(lab.now())
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append(lab.now())
                raise

    async with lab.run(ChildSpec(id="a", start=SwallowsOne, shutdown="brutal_kill")) as top:
        await top.send("a", "wait")
        await top.terminate_child("a")
        assert seen == [0.0, 1.0]
        assert lab.times == [(1.0, "-a1")]
        assert lab.seen(ActorAbandoned) == []


async def test_and_then_it_is_abandoned(lab):
    """Who swallows both cancellations is let run on; the supervisor goes on without it."""
    free = asyncio.Event()
    async with lab.run(lab.spec("a", shutdown="brutal_kill")) as top:
        await top.send("a", ("stubborn", free))
        await top.terminate_child("a")
        assert lab.now() == 2.0
        assert await top.restart_child("a") == top.child("a")
        assert await top.child("a").ask("new") == ("a", 2, "new")
        free.set()
        await lab.quiet()


class Ghost(Actor):
    """Swallows every cancellation, and then tries to be heard."""

    def __init__(self, free, friend, tried):
        self.free, self.friend, self.tried = free, friend, tried

    async def on_receive(self, message):
        if message != "haunt":
            return self.incarnation
        while not self.free.is_set():
            try:
                await self.free.wait()
            except asyncio.CancelledError:
                self.tried.append("swallowed")
        for attempt in (self._tell, self._tell_itself, self._publish, self._stop):
            try:
                attempt()
            except ActorStopped:
                self.tried.append("refused")
        return "late"

    def _tell(self):
        self.friend().tell("boo")

    def _tell_itself(self):
        self.actor_ref.tell("boo")

    def _publish(self):
        self.publish("graves", "boo")

    def _stop(self):
        self.stop()


async def test_an_abandoned_incarnation_is_disconnected_from_its_ref(lab):
    """Nothing that it does later reaches anyone: no message, no reply, no stop of its successor."""
    free, tried = asyncio.Event(), []
    ghost = ChildSpec(id="a", start=Factory(Ghost, (free, lambda: top.child("b"), tried)), shutdown="brutal_kill")
    async with lab.run(ghost, lab.spec("b")) as top:
        reply = top.child("a").ask("haunt", block=False)
        await lab.quiet()
        await top.terminate_child("a")
        await top.restart_child("a")
        with pytest.raises(ActorCrashed):
            await reply
        free.set()
        await lab.quiet()
        assert tried[:2] == ["swallowed", "swallowed"]
        assert lab.got == []
        assert await top.child("a").ask("who") == 2
        assert await top.states() == {"a": "running", "b": "running"}


async def test_an_abandoned_incarnation_is_counted_logged_and_visible(lab, caplog):
    """There is a count, an error in the log with the stack of where it hangs, and a mark in the tree."""
    free = asyncio.Event()
    async with lab.run(lab.spec("a", shutdown="brutal_kill")) as top:
        await top.send("a", ("stubborn", free))
        await top.terminate_child("a")
        (event,) = lab.seen(ActorAbandoned)
        assert (event.path, event.incarnation, event.at) == ("top/a", 1, 2.0)
        assert "_ignore_cancellation" in event.stack
        assert top.system.abandoned_total == 1
        assert snapshot(top.ref._cell).find("top/a").abandoned == 1
        (record,) = [record for record in caplog.records if record.msg == "actor.abandoned"]
        assert record.levelname == "ERROR"
        assert "_ignore_cancellation" in record.stack
        free.set()
        await lab.quiet()
        assert snapshot(top.ref._cell).find("top/a").abandoned == 0
        assert top.system.abandoned_total == 1


async def test_an_abandoned_incarnation_is_never_called_dead_while_it_is_alive(lab):
    """Its end is reported when it comes, and not before."""
    free = asyncio.Event()
    async with lab.run(lab.spec("a", shutdown="brutal_kill")) as top:
        await top.send("a", ("stubborn", free))
        await top.terminate_child("a")
        await lab.at(100)
        assert lab.seen(ActorEnded) == []
        free.set()
        await lab.quiet()
        assert lab.times == [(100.0, "-a1")]


async def test_an_abandoned_child_that_was_killed_is_restarted(lab):
    """A death is a death: its supervisor starts the next incarnation when the last one is cut off."""
    free = asyncio.Event()
    async with lab.run(lab.spec("a")) as top:
        await top.send("a", ("stubborn", free))
        await top.kill("a")
        await lab.at(3)
        assert lab.times == [(2.0, "+a2")]
        assert len(top.actor._window) == 1
        free.set()
        await lab.quiet()


@pytest.mark.realtime
async def test_an_actor_on_a_thread_cannot_be_killed_and_is_abandoned(lab):
    """Its supervisor goes on at once; the thread is counted until it ends."""
    entered, free = threading.Event(), threading.Event()

    class Blocks(Actor):
        def on_receive(self, message):
            if message == "block":
                entered.set()
                free.wait(30)
            return self.incarnation

    spec = ChildSpec(id="a", start=Blocks, dispatcher="thread", shutdown=0.01)
    async with lab.run() as top:
        await top.start_child(spec)
        reply = top.child("a").ask("block", block=False)
        await asyncio.to_thread(entered.wait, 30)
        await top.terminate_child("a")
        with pytest.raises(ActorCrashed):
            await reply
        assert len(top.system.abandoned) == 1
        assert "free.wait" in lab.seen(ActorAbandoned)[0].stack
        assert snapshot(top.ref._cell).find("top/a").abandoned == 1
        await top.restart_child("a")
        assert await top.child("a").ask("who") == 2
        free.set()
        await asyncio.gather(*top.system.abandoned.values())


@pytest.mark.realtime
async def test_an_abandoned_thread_reaches_nobody(lab):
    """What it sends is refused, and what it returns is dropped."""
    entered, free, refused = threading.Event(), threading.Event(), threading.Event()

    class Haunts(Actor):
        def __init__(self, friend):
            self.friend = friend

        def on_receive(self, message):
            entered.set()
            free.wait(30)
            try:
                self.friend().tell("boo")
            except ActorStopped:
                refused.set()

    start = Factory(Haunts, (lambda: top.child("b"),))
    async with lab.run(lab.spec("b")) as top:
        await top.start_child(ChildSpec(id="a", start=start, dispatcher="thread", shutdown="brutal_kill"))
        top.child("a").tell("block")
        await asyncio.to_thread(entered.wait, 30)
        await top.terminate_child("a")
        free.set()
        assert await asyncio.to_thread(refused.wait, 30)
        await asyncio.gather(*top.system.abandoned.values())
        assert lab.got == []


# --- nothing is orphaned ----------------------------------------------------------------------------


def ends(lab):
    return [entry for entry in lab.times if entry[1].startswith("-")]


async def test_a_killed_supervisor_leaves_no_orphan(lab):
    """Its children end before its own end is announced, those further down before those."""
    inner = lab.nested("sup", *lab.specs("x y"))
    async with lab.run(lab.spec("a"), inner) as top:
        top.ref._cell.kill()
        await lab.quiet()
        assert sorted(lab.trace) == ["-a1", "-sup1", "-top1", "-x1", "-y1"]
        assert lab.trace[-1] == "-top1"
        assert lab.trace.index("-sup1") > max(lab.trace.index("-x1"), lab.trace.index("-y1"))
        assert top.system.cells == {}


async def test_a_supervisor_killed_while_it_starts_a_child_leaves_no_orphan(lab):
    """Also the child that is just starting is ended before its supervisor."""
    lab.starts["b"].append(60)
    async with lab.run(*lab.specs("a b c")) as top:
        await lab.at(5)
        top.ref._cell.kill()
        await lab.quiet()
        assert lab.times[-1] == (5.0, "-top1")
        assert sorted(lab.trace[:-1]) == ["-a1", "-b1"]


async def test_a_supervisor_killed_while_it_terminates_a_child_leaves_no_orphan(lab):
    """It stays linked until the end is seen: the child that takes its time is killed with it."""
    lab.ends["b"] = 60
    async with lab.run(*lab.specs("a b c", shutdown="infinity")) as top:
        call = asyncio.create_task(await_call(top.terminate_child("b")))
        await lab.at(5)
        top.ref._cell.kill()
        await lab.quiet()
        assert lab.times[-1] == (5.0, "-top1")
        assert sorted(lab.trace[:-1]) == ["-a1", "-b1", "-c1"]
        assert lab.reasons["b1"] is Exit.KILLED
        with pytest.raises(ActorCrashed):
            await call


async def test_a_supervisor_killed_while_it_stops_leaves_no_orphan(lab):
    """Halfway down, the rest is killed."""
    lab.ends = {"b": 60}
    async with lab.run(*lab.specs("a b c", shutdown="infinity")) as top:
        top.ref.stop()
        await lab.at(5)
        top.ref._cell.kill()
        await lab.quiet()
        assert lab.times[0] == (0.0, "-c1")
        assert lab.times[-1] == (5.0, "-top1")
        assert sorted(lab.times[1:-1]) == [(5.0, "-a1"), (5.0, "-b1")]


async def test_a_supervisor_killed_while_it_restarts_a_group_leaves_no_orphan(lab):
    """In the middle of a restart there is nothing to lose either."""
    async with lab.run(*lab.specs("a b c"), strategy="one_for_all") as top:
        lab.starts["b"].append(60)
        await top.crash("a")
        await lab.at(5)
        top.ref._cell.kill()
        await lab.quiet()
        assert lab.times[-1] == (5.0, "-top1")
        assert sorted(entry for when, entry in lab.times if when == 5.0) == ["-a2", "-b2", "-top1"]


async def test_a_dynamic_supervisor_killed_while_it_stops_leaves_no_orphan(lab):
    """Its children, asked all at once, are killed all at once."""
    spec = DynamicSpec(child=lab.spec("w", shutdown="infinity"))
    async with lab.run(kind=DynamicSupervisor, spec=spec) as top:
        for _ in range(3):
            await top.start_another()
        lab.ends["w"] = 60
        lab.forget()
        top.ref.stop()
        await lab.at(5)
        top.ref._cell.kill()
        await lab.quiet()
        assert lab.times[-1] == (5.0, "-top1")
        assert sorted(lab.trace[:-1]) == ["-w-11", "-w-21", "-w-31"]


async def test_the_end_of_a_killed_supervisor_waits_for_a_child_that_swallows_its_cancellation(lab):
    """It is announced when the last child has ended or is abandoned, not before."""
    free = asyncio.Event()
    async with lab.run(lab.spec("a"), lab.nested("sup", lab.spec("b"))) as top:
        await top.send("sup/b", ("stubborn", free))
        seen = await top.watch(top.ref)
        top.ref._cell.kill()
        await lab.at(1.5)
        assert seen == []
        await lab.at(2.5)
        assert [down.reason for down in seen] == [Exit.KILLED]
        assert lab.times[-1] == (2.0, "-top1")
        free.set()
        await lab.quiet()


async def test_a_supervisor_that_is_killed_by_its_parents_patience_leaves_no_orphan(lab):
    """A supervisor with a shutdown in seconds whose children need longer is killed, and they with it."""
    lab.ends["x"] = 60
    inner = lab.nested("sup", lab.spec("x", shutdown="infinity"), options={"shutdown": 3})
    async with lab.run(inner) as top:
        await top.terminate_child("sup")
        assert lab.times == [(3.0, "-x1"), (3.0, "-sup1")]
        assert {lab.reasons["x1"], lab.reasons["sup1"]} == {Exit.KILLED}


# --- the supervisor's own end -----------------------------------------------------------------------


async def test_a_static_supervisor_stops_its_children_one_by_one_newest_first(lab):
    """Each has its own time, and the next is asked when it has ended."""
    lab.ends = {"a": 3, "b": 99, "c": 1}
    children = [lab.spec("a"), lab.spec("b", shutdown=2), lab.spec("c")]
    async with lab.run(*children) as top:
        assert await top.stop()
        assert lab.times == [(1.0, "-c1"), (3.0, "-b1"), (6.0, "-a1"), (6.0, "-top1")]


async def test_a_dynamic_supervisor_stops_all_at_once(lab):
    """All are asked at the same time, and each has its own."""
    async with lab.run(kind=DynamicSupervisor, spec=DynamicSpec()) as top:
        for name, seconds in (("a", 3), ("b", 99), ("c", 1)):
            lab.ends[name] = seconds
            await top.start_child(lab.spec(name, shutdown=2 if name == "b" else 5))
        lab.forget()
        assert await top.stop()
        assert lab.times == [(1.0, "-c-31"), (2.0, "-b-21"), (3.0, "-a-11"), (3.0, "-top1")]


@pytest.mark.parametrize("reason", [Exit.SHUTDOWN, Exit.NORMAL, Shutdown("update")], ids=str)
async def test_the_supervisors_own_exit_reason_is_what_its_parent_gave(lab, reason):
    """Asked with a reason, it ends with that one."""
    async with lab.run(lab.nested("sup", lab.spec("a"), options={"restart": "transient"})) as top:
        await top.child("sup").stop(reason=reason)
        assert lab.reasons["sup1"] == reason


async def test_terminated_by_its_parent_it_ends_with_shutdown(lab):
    """`shutdown` is what a parent gives."""
    async with lab.run(lab.nested("sup", lab.spec("a"))) as top:
        await top.terminate_child("sup")
        assert lab.reasons["sup1"] is Exit.SHUTDOWN


async def test_its_exit_reason_is_shutdown_when_it_gave_up(lab):
    """Not the exception of the child that was too much."""
    async with lab.run(lab.spec("a"), intensity=Intensity(0, 5)) as top:
        await top.crash("a")
        assert lab.reasons["top1"] is Exit.SHUTDOWN


async def test_its_exit_reason_is_shutdown_when_it_auto_shut_down(lab):
    """Not the reason of the significant child."""
    significant = lab.spec("a", restart="transient", significant=True)
    async with lab.run(significant, auto_shutdown="any_significant") as top:
        await top.end("a", Exit.NORMAL)
        assert lab.reasons["top1"] is Exit.SHUTDOWN


async def test_its_exit_reason_is_normal_on_a_plain_stop(lab):
    """`handle.stop()` is the plain stop, and so is `self.stop()`."""
    async with lab.run(lab.spec("a")) as top:
        assert await top.stop()
        assert lab.trace == ["-a1", "-top1"]
        assert lab.reasons["top1"] is Exit.NORMAL
        assert await top.stop() is False


async def test_calls_that_wait_for_a_supervisor_that_ends_get_an_error_with_its_reason(lab):
    """Nobody waits for ever for a supervisor that is gone."""
    lab.ends["a"] = 5
    async with lab.run(lab.spec("a")) as top:
        stopped = asyncio.create_task(await_call(top.stop()))
        await lab.quiet()
        with pytest.raises(ActorStopped) as caught:
            await top.which_children()
        assert caught.value.reason is Exit.NORMAL
        assert await stopped
