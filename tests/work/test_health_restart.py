"""Health with all that stands before a child: real tasks, real statistics, real restarts."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from treeward.agents.agent import Agent
from treeward.runtime.signals import Ping
from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.events import TaskRecovering
from treeward.supervisors.readiness import health_of
from treeward.supervisors.requests import ChildUnhealthy
from treeward.supervisors.snapshot import snapshot
from treeward.supervisors.work.health import HealthSpec
from treeward.supervisors.work.ladder import Restart, Retry
from treeward.supervisors.work.policy import Work
from treeward.supervisors.work_errors import ModelRetry, TaskHung, Unhealthy

TWICE = Retry(1, initial=60.0, factor=1.0, max=60.0, jitter="none")


class Worker(Agent):
    """Does what the input says: fails, takes its time, hangs in its first life, gives signs of life meanwhile."""

    async def handle(self, task):
        match task.input:
            case "bad":
                raise ModelRetry("not good enough")
            case "hang":
                await self.system.clock.sleep(10_000.0 if self.incarnation == 1 else 1.0)
            case ("beat", every, times):
                for count in range(times):
                    await self.system.clock.sleep(every)
                    self.progress(f"{count + 1} of {times}")
            case float():
                await self.system.clock.sleep(task.input)
        return (self.incarnation, task.attempt)


def all_of(tree, *inputs):
    """Gives the worker several tasks at once."""
    return asyncio.gather(*(tree.run("one", asked, task=f"t{index}") for index, asked in enumerate(inputs)))


def unhealthy(tree):
    return [(event.at, event.why, event.reaction) for event in tree.told(ChildUnhealthy)]


# --- restarts that break no task --------------------------------------------------------------------


async def test_errors_restart_a_child_and_break_no_task(plant):
    """The task in hand is finished in its first attempt, and those that wait are done by the next incarnation."""
    health = HealthSpec(every=10.0, errors=0.5, minimum=2)
    async with plant({"one": (Worker, Work(health=health, recovery=()))}) as tree:
        bad = await all_of(tree, "bad", "bad")
        outcomes = await all_of(tree, 25.0, 1.0, 1.0)
        assert [outcome.failure for outcome in bad] == ["invalid_output", "invalid_output"]
        assert [(outcome.status, outcome.output) for outcome in outcomes] == [
            ("ok", (1, 1)),
            ("ok", (2, 1)),
            ("ok", (2, 1)),
        ]
        assert unhealthy(tree) == [(10.0, "2 of 2 attempts failed within 60 s, the limit is 50%", "restart")]
        assert isinstance(tree.cell("one").end, Unhealthy)
        assert tree.told(TaskRecovering) == []
        await tree.system.clock.sleep(100.0)
        assert tree.cell("one").incarnation == 2


async def test_latency_is_the_time_of_the_handler(plant):
    """Not that in the mailbox: one that is quick is healthy, however many tasks wait for it."""
    health = HealthSpec(every=1.0, latency=1.75, minimum=3)
    async with plant({"one": (Worker, Work(health=health))}) as tree:
        await all_of(tree, *[1.5] * 20)
        assert unhealthy(tree) == []
        await tree.run("one", 8.5)
        await tree.system.clock.sleep(5.0)
        assert unhealthy(tree) == [(39.0, "attempts take 1.83 s on average, the limit is 1.75 s", "restart")]
        assert tree.cell("one").incarnation == 2


async def test_a_task_that_waits_too_long_restarts_a_child(plant):
    """The mailbox is kept, and every task is done once."""
    health = HealthSpec(every=10.0, age=30.0)
    async with plant({"one": (Worker, Work(health=health))}) as tree:
        outcomes = await all_of(tree, *[12.0] * 5)
        assert [outcome.output for outcome in outcomes] == [(1, 1), (1, 1), (1, 1), (1, 1), (2, 1)]
        assert unhealthy(tree) == [(40.0, "a task has waited for 40 s, the limit is 30 s", "restart")]


# --- hangs ------------------------------------------------------------------------------------------


async def test_a_hung_child_loses_its_life_and_not_its_task(plant):
    """The fresh incarnation gets it as the next attempt; what waited behind it is done too."""
    health = HealthSpec(every=10.0, heartbeat=30.0)
    async with plant({"one": (Worker, Work(health=health))}) as tree:
        hung, waiting = await all_of(tree, "hang", 1.0)
        assert (hung.status, hung.output, hung.rung) == ("ok", (2, 2), "restart")
        assert (waiting.status, waiting.output) == ("ok", (2, 1))
        assert unhealthy(tree) == [(30.0, "no sign of life for 30 s, the heartbeat is 30 s", "kill")]


async def test_signs_of_life_keep_a_child_alive(plant):
    """`progress()` is the heartbeat that its supervisor looks at: a long task is no hang."""
    health = HealthSpec(every=10.0, heartbeat=30.0)
    async with plant({"one": (Worker, Work(health=health))}) as tree:
        outcome = await tree.run("one", ("beat", 29.0, 20))
        assert (outcome.output, outcome.seconds) == ((1, 1), 580.0)
        assert unhealthy(tree) == []


async def test_a_task_that_waits_for_its_retry_is_not_silent(plant):
    """Its handler is at work on another one by then, which is well."""
    health = HealthSpec(every=5.0, heartbeat=30.0)
    work = Work(health=health, recovery=(TWICE,))
    async with plant({"one": (Worker, work)}) as tree:
        _, other = await all_of(tree, "bad", ("beat", 20.0, 5))
        assert (other.output, unhealthy(tree)) == ((1, 1), [])


@pytest.mark.realtime
async def test_a_thread_that_blocks_is_replaced_and_its_task_is_done(plant):
    """Meanwhile a ping is answered within 100 ms, and nothing is lost of the task, nor of what waits behind it."""
    blocks, free = threading.Event(), threading.Event()

    class Blocker(Agent):
        def handle(self, task):
            if self.incarnation == 1:
                blocks.set()
                free.wait(10)
            return (self.incarnation, task.attempt)

    work = Work(health=HealthSpec(every=0.02, heartbeat=0.1))
    async with plant({"one": (Blocker, work)}, dispatcher="thread") as tree:
        try:
            running = asyncio.ensure_future(all_of(tree, "first", "second"))
            assert await asyncio.to_thread(blocks.wait, 5)
            async with asyncio.timeout(0.1):
                pong = await tree.ref("one").ask(Ping())
            assert (pong.busy, pong.alive) == (True, True)
            async with asyncio.timeout(5):
                outcomes = await running
        finally:
            free.set()
        assert [outcome.output for outcome in outcomes] == [(2, 2), (2, 1)]


@pytest.mark.realtime
async def test_what_an_abandoned_thread_says_is_no_sign_of_life_of_the_next(plant):
    """Nor is it part of the next one's output."""
    blocks, free, said = threading.Event(), threading.Event(), threading.Event()

    class Blocker(Agent):
        def handle(self, task):
            if self.incarnation > 1:
                free.set()
                said.wait(5)
                raise ModelRetry("so far nothing")
            blocks.set()
            free.wait(10)
            self.progress("from the dead")
            said.set()
            return "too late"

    work = Work(health=HealthSpec(every=0.02, heartbeat=0.1), recovery=(Restart(1),))
    async with plant({"one": (Blocker, work)}, dispatcher="thread") as tree:
        async with asyncio.timeout(5):
            outcome = await tree.run("one", "x")
        assert (outcome.status, outcome.output, tree.cell("one").incarnation) == ("failed", None, 2)


# --- what is seen of it -----------------------------------------------------------------------------


async def test_a_ping_says_how_long_the_oldest_task_has_waited(plant):
    """In the mailbox: not the one in hand."""
    async with plant({"one": (Worker, Work())}) as tree:
        running = asyncio.ensure_future(all_of(tree, 20.0, 1.0, 1.0))
        await tree.system.clock.sleep(7.0)
        pong = await tree.ref("one").ask(Ping())
        assert (pong.busy, pong.mailbox, pong.oldest) == (True, 2, 7.0)
        await running
        assert (await tree.ref("one").ask(Ping())).oldest is None


async def test_the_picture_shows_breaker_budgets_and_tasks(plant):
    """The tasks with their ids, attempts and signs of life; the supervisor's own ledgers at the supervisor."""
    own = Budget(limits=Limits(calls=10), per="life")
    shared = Budget(limits=Limits(cost=5.0), per="day")
    work = Work(breaker=BreakerSpec(failures=3), budgets=(own,))
    async with plant({"one": (Worker, work)}, team=Work(budgets=(shared,))) as tree:
        running = asyncio.ensure_future(all_of(tree, ("beat", 5.0, 4), 1.0))
        await tree.system.clock.sleep(12.0)
        picture = snapshot(tree.system.cells["top"])
        one, team = picture.find("top/team/one"), picture.find("top/team")
        assert (one.breaker.state, len(one.budgets), len(team.budgets)) == ("closed", 1, 1)
        first, second = one.tasks
        assert (first.id, first.state, first.attempt, first.rung) == ("t0", "working", 1, "first")
        assert (first.seconds, first.silent) == (12.0, 2.0)
        assert (second.id, second.seconds, second.silent) == ("t1", 12.0, None)
        assert json.loads(json.dumps(picture.as_dict(), allow_nan=False))["children"][0]["path"] == "top/team"
        await running
        assert snapshot(tree.cell("one")).tasks == ()


async def test_an_open_breaker_makes_a_tree_unready(plant):
    """Until its cooldown is over and it takes a probe."""
    work = Work(breaker=BreakerSpec(failures=2, cooldown=30.0), recovery=())
    async with plant({"one": (Worker, work), "two": (Worker, Work())}) as tree:
        await all_of(tree, "bad", "bad")
        top = tree.system.cells["top"]
        health = health_of(snapshot(top), "top/team/one")
        assert (health.live, health.ready, health.why) == (True, False, {"top/team/one": "its circuit breaker is open"})
        assert health_of(snapshot(top), "top/team/two").ready
        assert not health_of(snapshot(top)).ready
        await tree.system.clock.sleep(30.0)
        assert health_of(snapshot(top)).ready


async def test_an_idle_timeout_shorter_than_the_heartbeat_comes_first(plant):
    """The attempt ends by it, and its incarnation if the handler does not: there is nothing left to look at."""
    health = HealthSpec(every=10.0, heartbeat=30.0)
    async with plant({"one": (Worker, Work(health=health, idle_timeout=5.0, recovery=()))}) as tree:
        outcome = await tree.run("one", 500.0)
        assert (outcome.status, outcome.seconds, outcome.failure) == ("failed", 5.0, "transient")
        await tree.system.clock.sleep(100.0)
        assert unhealthy(tree) == []
        assert isinstance(tree.cell("one").end, TaskHung | None)
