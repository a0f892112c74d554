"""The look at children that live: an unhealthy one is restarted, and its task and its mailbox come to no harm."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.exits import Exit
from treeward.runtime.signals import Ping
from treeward.runtime.telemetry import ActorAbandoned
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.requests import ChildRestarting, ChildUnhealthy, GaveUp
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity
from treeward.supervisors.work.guard import GuardView
from treeward.supervisors.work.health import HealthSpec, Stats
from treeward.supervisors.work.policy import Work
from treeward.supervisors.work_errors import Unhealthy

EVERY = HealthSpec(every=10.0, errors=0.5, minimum=2, age=60.0, heartbeat=30.0)


class Told:
    """A guard whose signs are what the test says."""

    def __init__(self):
        self.stats = Stats()
        self.age = None
        self.silent = None

    def oldest(self, now):
        return self.age

    def silent_for(self, now):
        return self.silent

    def view(self, now):
        return GuardView(None, (), (), 0)


def looked_at(health=EVERY):
    return Work(health=health)


def guarded(top, child_id):
    """Puts a guard before a child, and returns it."""
    guard = top.child(child_id)._cell.guard = Told()
    return guard


def fail(guard, now, times=2):
    for _ in range(times):
        guard.stats.record(False, 0.5, now)


def timers():
    """When the timers of the loop are due, the test's own left out."""
    return sorted(when for when, _, timer in asyncio.get_running_loop()._timers if not timer.cancelled())


# --- who is restarted -------------------------------------------------------------------------------


async def test_an_unhealthy_child_is_restarted_at_the_next_look(lab):
    """Its reason says why, and the event too; one that does well is left alone."""
    async with lab.run(*lab.specs("a b", work=looked_at())) as top:
        fail(guarded(top, "a"), 3.0)
        guarded(top, "b").stats.record(True, 0.5, 3.0)
        await lab.at(9.9)
        assert lab.trace == []
        await lab.at(10.1)
        assert lab.times == [(10.0, "-a1"), (10.0, "+a2")]
        assert isinstance(lab.reasons["a1"], Unhealthy)
        why = "2 of 2 attempts failed within 60 s, the limit is 50%"
        assert [(e.path, e.incarnation, e.why, e.reaction) for e in lab.seen(ChildUnhealthy)] == [
            ("top/a", 1, why, "restart")
        ]
        assert str(lab.seen(ChildRestarting)[0].reason) == why


async def test_the_message_in_hand_is_finished_first(lab):
    """Its sender gets the answer; the messages that wait are kept for the next incarnation, in order."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        fail(guarded(top, "a"), 1.0)
        in_hand = top.child("a").ask(("wait", 25.0))
        waiting = [top.child("a").ask(text) for text in ("first", "second")]
        await lab.at(24.9)
        assert lab.trace == []
        assert await in_hand is None
        assert await asyncio.gather(*waiting) == [("a", 2, "first"), ("a", 2, "second")]
        assert lab.times == [(25.0, "-a1"), (25.0, "+a2")]
        assert len(lab.seen(ChildUnhealthy)) == 1


async def test_a_long_mailbox_does_not_put_the_restart_off(lab):
    """The stop goes after the message in hand, and before all that wait."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        guard = guarded(top, "a")
        for _ in range(100):
            top.child("a").tell(("wait", 3.0))
        fail(guard, 5.5)
        await lab.at(12.1)
        assert lab.times == [(12.0, "-a1"), (12.0, "+a2")]
        assert len(top.child("a")._cell.mailbox) == 95


@pytest.mark.parametrize("restart", ["permanent", "transient"])
async def test_unhealthy_is_an_abnormal_end(lab, restart):
    """So a transient child is restarted for it as well."""
    async with lab.run(lab.spec("a", restart=restart, work=looked_at())) as top:
        fail(guarded(top, "a"), 1.0)
        await lab.at(10.1)
        assert lab.trace == ["-a1", "+a2"]


async def test_a_temporary_child_is_only_reported(lab):
    """No restart would follow its end: it is left alone, hung or not, and told of once until it is well again."""
    async with lab.run(lab.spec("a", restart="temporary", work=looked_at())) as top:
        guard = guarded(top, "a")
        fail(guard, 1.0)
        top.child("a").tell(("wait", 45.0))
        guard.silent = 31.0
        await lab.at(39.0)
        assert [(e.at, e.reaction) for e in lab.seen(ChildUnhealthy)] == [(10.0, "none")]
        guard.stats.reset(39.0)
        guard.silent = None
        await lab.at(55.0)
        fail(guard, 55.0)
        await lab.at(75.0)
        assert [(e.at, e.reaction) for e in lab.seen(ChildUnhealthy)] == [(10.0, "none"), (60.0, "none")]
        assert lab.trace == []


async def test_a_stopped_child_is_not_looked_at(lab):
    """Nothing of it lives that could be unhealthy."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        fail(guarded(top, "a"), 1.0)
        await top.terminate_child("a")
        await lab.at(30.0)
        assert lab.seen(ChildUnhealthy) == []
        assert await top.states() == {"a": "stopped"}


async def test_a_child_without_a_task_so_far_is_healthy(lab):
    """It has no guard before its first task: there is nothing to judge."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        await lab.at(30.0)
        assert top.child("a")._cell.guard is None
        assert lab.trace == []


# --- the restart is one like any other --------------------------------------------------------------


async def test_it_counts_in_the_restart_window(lab):
    """One more than the intensity allows, and the supervisor gives up."""
    async with lab.run(lab.spec("a", work=looked_at()), intensity=Intensity(1, 60.0)) as top:
        guard = guarded(top, "a")
        for now in (5.0, 15.0):
            await lab.at(now)
            fail(guard, now)
        await lab.at(20.1)
        assert lab.trace == ["-a1", "+a2", "-a2", "-top1"]
        assert isinstance(lab.seen(GaveUp)[0].reason, Unhealthy)


async def test_it_waits_for_the_backoff(lab):
    """As after a crash."""
    async with lab.run(lab.spec("a", work=looked_at()), backoff=Backoff(initial=3.0, jitter="none")) as top:
        fail(guarded(top, "a"), 1.0)
        await lab.at(20.0)
        assert lab.times == [(10.0, "-a1"), (13.0, "+a2")]


async def test_the_strategy_takes_others_along(lab):
    """One for all: the siblings go down and come up with it, each after its message in hand."""
    specs = [lab.spec("a", work=looked_at()), lab.spec("b")]
    async with lab.run(*specs, strategy="one_for_all") as top:
        fail(guarded(top, "a"), 1.0)
        in_hand = top.child("b").ask(("wait", 12.0))
        await in_hand
        await lab.quiet()
        assert lab.times == [(10.0, "-a1"), (12.0, "-b1"), (12.0, "+a2"), (12.0, "+b2")]
        assert lab.reasons["b1"] is Exit.SHUTDOWN


async def test_the_next_life_is_not_judged_by_the_former_one(lab):
    """The statistics begin anew, and the time that tasks waited for the former life is not held against it."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        guard = guarded(top, "a")
        fail(guard, 9.0, times=50)
        guard.age = 500.0
        await lab.at(10.1)
        assert lab.trace == ["-a1", "+a2"]
        fail(guard, 10.2, times=50)  # begun before the restart
        await lab.at(69.0)
        assert lab.trace == ["-a1", "+a2"]
        await lab.at(81.0)  # by now they have waited for more than 60 s for this one
        assert lab.trace == ["-a1", "+a2", "-a2", "+a3"]


async def test_nor_is_one_that_came_up_after_a_crash(lab):
    """Every new life begins with nothing."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        guard = guarded(top, "a")
        fail(guard, 5.0, times=50)
        await lab.at(6.0)
        await top.crash("a")
        await lab.at(30.0)
        assert lab.seen(ChildUnhealthy) == []


# --- hangs ------------------------------------------------------------------------------------------


async def test_a_silent_child_hangs_and_is_killed(lab):
    """It is not waited for: the message in hand would never be done."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        guard = guarded(top, "a")
        top.child("a").tell(("wait", 10_000.0))
        waiting = top.child("a").ask("next")
        await lab.at(15.0)
        guard.silent = 30.0
        assert await waiting == ("a", 2, "next")
        assert lab.now() == 20.0
        event = lab.seen(ChildUnhealthy)[0]
        assert (event.why, event.reaction) == ("no sign of life for 30 s, the heartbeat is 30 s", "kill")
        assert lab.reasons["a1"].args == (event.why,)


async def test_one_that_gives_signs_of_life_goes_on(lab):
    """However long it takes; and one that is not at work owes none."""
    async with lab.run(*lab.specs("a b", work=looked_at())) as top:
        guarded(top, "a").silent = 29.0
        guarded(top, "b").silent = 31.0
        top.child("a").tell(("wait", 1000.0))
        await lab.at(500.0)
        assert lab.trace == []


async def test_one_that_hangs_after_it_was_asked_to_stop_is_killed(lab):
    """The restart that waits for the message in hand does not wait for ever."""
    async with lab.run(lab.spec("a", work=looked_at())) as top:
        guard = guarded(top, "a")
        fail(guard, 1.0)
        top.child("a").tell(("wait", 10_000.0))
        await lab.at(25.0)
        guard.silent = 45.0
        await lab.at(31.0)
        assert [(e.at, e.reaction) for e in lab.seen(ChildUnhealthy)] == [(10.0, "restart"), (30.0, "kill")]
        assert lab.times == [(30.0, "-a1"), (30.0, "+a2")]


async def test_one_that_ignores_its_cancellation_is_abandoned(lab):
    """As every kill ends: the next life begins after twice the kill grace, and it is reported once."""
    until = asyncio.Event()
    async with lab.run(lab.spec("a", work=looked_at(replace(EVERY, every=0.5)))) as top:
        guard = guarded(top, "a")
        top.child("a").tell(("stubborn", until))
        await lab.at(1.2)
        guard.silent = 30.0
        await lab.at(4.0)
        assert [(e.at, e.reaction) for e in lab.seen(ChildUnhealthy)] == [(1.5, "kill")]
        assert [e.at for e in lab.seen(ActorAbandoned)] == [3.5]
        assert lab.times == [(3.5, "+a2")]
        until.set()


@pytest.mark.realtime
async def test_a_blocked_thread_is_seen_and_replaced(lab):
    """It still answers a ping within 100 ms; what cannot be killed is abandoned, and the next life goes on."""
    blocks, free = threading.Event(), threading.Event()

    class Blocker(Actor):
        def on_receive(self, message):
            if message == "block":
                blocks.set()
                free.wait(10)
            return (self.incarnation, message)

    spec = ChildSpec(id="a", start=Factory(Blocker), dispatcher="thread", work=looked_at(replace(EVERY, every=0.05)))
    async with lab.run(spec) as top:
        async with asyncio.timeout(5):
            guard = guarded(top, "a")
            top.child("a").tell("block")
            try:
                assert await asyncio.to_thread(blocks.wait, 5)
                async with asyncio.timeout(0.1):
                    assert (await top.child("a").ask(Ping())).busy
                waiting = top.child("a").ask("next")
                guard.silent_for = lambda now: 30.0 if top.child("a").incarnation == 1 else None
                assert await waiting == (2, "next")
            finally:
                free.set()
        assert [e.reaction for e in lab.seen(ChildUnhealthy)] == ["kill"]


# --- when it is looked ------------------------------------------------------------------------------


async def test_an_idle_tree_without_health_has_no_timer(lab):
    """What nobody asked for costs nothing."""
    nested = lab.nested("sup", *lab.specs("c d"))
    async with lab.run(lab.spec("a"), lab.spec("b", work=looked_at(None)), nested) as top:
        guarded(top, "a")
        await lab.quiet()
        assert timers() == []


async def test_there_is_one_timer_for_each_interval(lab):
    """However many children are looked at."""
    specs = lab.specs("a b c", work=looked_at()) + lab.specs("d e", work=looked_at(HealthSpec(every=7.0)))
    async with lab.run(*specs, lab.spec("f")):
        assert timers() == [7.0, 10.0]
        await lab.at(10.1)
        assert timers() == [14.0, 20.0]


async def test_the_timer_ends_with_the_last_child_that_is_looked_at(lab):
    """And begins again with the next one."""
    async with lab.run(*lab.specs("a b", work=looked_at())) as top:
        await top.terminate_child("a")
        await lab.at(15.0)
        assert timers() == [20.0]
        await top.terminate_child("b")
        await lab.at(25.0)
        assert timers() == []
        await top.restart_child("a")
        assert timers() == [35.0]


async def test_the_timers_end_with_the_supervisor(lab):
    """However it ends."""
    async with lab.system() as system:
        spec = lab.nested("sup", lab.spec("a", work=looked_at()), options={"restart": "temporary"})
        top = lab.rig(system, spec.factory.args[0])
        await lab.quiet()
        assert timers() == [10.0]
        system.ref("top")._cell.kill()
        await lab.quiet()
        assert timers() == []
        assert top.child("a") is None


async def test_the_children_of_a_restarted_supervisor_are_looked_at(lab):
    """By its next incarnation; what guards them has outlived it, and begins with nothing."""
    async with lab.run(lab.nested("sup", lab.spec("a", work=looked_at()))) as top:
        guard = guarded(top, "sup/a")
        fail(guard, 4.0)
        await lab.at(5.0)
        await top.kill("sup")
        lab.forget()
        assert timers() == [15.0]
        await lab.at(16.0)
        assert lab.trace == []
        fail(guard, 16.0)
        await lab.at(25.1)
        assert lab.trace == ["-a2", "+a3"]


async def test_a_supervisor_that_is_held_up_looks_all_the_same(lab):
    """It waits for the start of one child, and another one hangs: the look does not stand in line."""
    async with lab.run(*lab.specs("a b", work=looked_at())) as top:
        guard = guarded(top, "a")
        held = lab.hold("b")
        top.child("a").tell(("wait", 10_000.0))
        await top.crash("b")
        guard.silent = 31.0
        await lab.at(10.1)
        assert lab.trace == ["-b1", "-a1"]
        held.let_go()
        await lab.quiet()
        assert lab.trace == ["-b1", "-a1", "+b2", "+a2"]


async def test_a_reload_changes_what_is_looked_at(lab):
    """Health may come, change and go; no incarnation ends for it."""
    async with lab.run(*lab.specs("a b")) as top:
        guard = guarded(top, "a")

        async def reload(health):
            await top.reload(replace(top.actor._spec, children=[lab.spec("a", work=looked_at(health)), lab.spec("b")]))

        await reload(EVERY)
        assert timers() == [10.0]
        await reload(replace(EVERY, every=4.0))
        assert timers() == [4.0, 10.0]
        await lab.at(11.0)
        assert timers() == [12.0]
        await reload(None)
        fail(guard, 11.0)
        await lab.at(13.0)
        assert timers() == []
        await reload(replace(EVERY, every=2.0))
        assert lab.trace == []
        await lab.at(15.1)
        assert lab.trace == ["-a1", "+a2"]


async def test_members_of_a_pool_are_looked_at(lab):
    """Each for itself."""
    spec = PoolSpec(child=lab.spec("w", work=looked_at()), size=3, intensity=lab.MANY)
    async with lab.run(kind=Pool, spec=spec) as top:
        fail(guarded(top, "2"), 1.0)
        await lab.at(10.1)
        assert [event.path for event in lab.seen(ChildRestarting)] == ["top/2"]


async def test_children_of_a_dynamic_supervisor_are_looked_at(lab):
    """From their start on, until they are gone."""
    spec = DynamicSpec(child=lab.spec("x", work=looked_at()))
    async with lab.run(kind=DynamicSupervisor, spec=spec) as top:
        assert timers() == []
        await lab.at(3.0)
        ref = await top.start_another()
        assert timers() == [13.0]
        fail(guarded(top, "x-1"), 4.0)
        await lab.at(13.1)
        assert [event.path for event in lab.seen(ChildRestarting)] == ["top/x-1"]
        await top.terminate_child(ref)
        await lab.at(30.0)
        assert timers() == []
