"""Tasks that kill, several at once: each one is tried again only where the supervisor can bear one more death."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from treeward.agents.agent import Agent
from treeward.runtime.task import Task
from treeward.supervisors.spec import Intensity
from treeward.supervisors.work.ladder import Fallback, Restart, Retry
from treeward.supervisors.work.policy import Work

NAMES = ("one", "two", "three", "four")


class Worker(Agent):
    """Does in each attempt what the input says: raises it, sleeps so long, is deaf for so long, or returns it."""

    async def handle(self, task):
        for step in task.input[min(task.attempt, len(task.input)) - 1]:
            match step:
                case BaseException():
                    raise step
                case float():
                    await self.system.clock.sleep(step)
                case ("deaf", seconds):
                    await self.deaf(seconds)
        return "done"

    async def deaf(self, seconds):
        until = self.now + seconds
        while self.now < until:
            with contextlib.suppress(asyncio.CancelledError):
                await self.system.clock.sleep(until - self.now)

    @property
    def now(self):
        return self.system.clock.monotonic()


OH = RuntimeError("oh")


def ask(tree, name, *attempts, task="t", **fields):
    return tree.ref(name).ask(Task(task, attempts, **fields), block=False)


def lives(tree):
    """Returns how often the supervisor was started."""
    return tree.system.cells["top/team"].incarnation


def all_have(rules, names=NAMES):
    return dict.fromkeys(names, (Worker, rules))


def again_after(seconds, **rules):
    return Work(recovery=(Retry(1, initial=seconds, max=seconds, jitter="none"),), **rules)


@pytest.mark.parametrize("names", [("one",), ("one", "two"), ("one", "two", "three")])
async def test_several_poison_tasks_do_not_take_the_supervisor_down(plant, names):
    """Three of them at once, where three deaths can be borne."""
    async with plant(all_have(Work(recovery=(Restart(4),)), names), intensity=Intensity(3, 5.0)) as tree:
        whom = [names[number % len(names)] for number in range(3)]
        outcomes = await asyncio.gather(*(ask(tree, name, [OH], task=f"t{n}") for n, name in enumerate(whom)))
        assert (lives(tree), tree.now < 30) == (1, True)
    assert [outcome.status for outcome in outcomes] == ["dead_letter"] * 3
    assert [outcome.parts[0].attempts for outcome in outcomes] == [2, 2, 2]


async def test_those_that_run_at_the_same_time_count_together(plant, nothing_is_left):
    """Four children try again in the same moment, where three deaths can be borne: the fourth one waits."""
    children = {name: (Worker, again_after(20.0 if name in NAMES[:2] else 14.0)) for name in NAMES}
    async with plant(children, intensity=Intensity(3, 5.0)) as tree:
        replies = [ask(tree, name, [OH], [8.0, OH], task=name) for name in NAMES[:2]]
        await tree.system.clock.sleep(6.0)
        replies += [ask(tree, name, [OH], [8.0, OH], task=name) for name in NAMES[2:]]
        outcomes = await asyncio.gather(*replies)
        await tree.system.clock.sleep(1.0)
        nothing_is_left(tree.system)
        assert lives(tree) == 1
    assert [outcome.parts[0].attempts for outcome in outcomes] == [2] * 4
    assert sorted(round(outcome.seconds) for outcome in outcomes) == [22, 28, 28, 35]


async def test_who_ends_well_lets_the_next_one_begin(plant):
    """A task waits for no longer than until the one before it has come to its end, and what has died is too old."""
    children = all_have(again_after(2.0), NAMES[:2])
    async with plant(children, intensity=Intensity(1, 1.0)) as tree:
        first = ask(tree, "one", [OH], [30.0], task="t1")
        await tree.system.clock.sleep(1.5)
        second = await ask(tree, "two", [OH], [0.0], task="t2")
        assert ((await first).status, second.status, lives(tree)) == ("ok", "ok", 1)
    assert 30 < second.seconds < 33


async def test_a_wait_that_its_deadline_would_not_outlast_is_not_begun(plant):
    """The next rung is taken at once."""
    rules = Work(recovery=(Retry(1, initial=2.0, max=2.0, jitter="none"), Fallback(("three",))))
    async with plant(all_have(rules, NAMES[:3]), intensity=Intensity(1, 20.0)) as tree:
        outcome = await ask(tree, "one", [OH], [], deadline=tree.now + 15)
    assert (outcome.status, outcome.seconds, outcome.parts[0].attempts) == ("fallback", 2.0, 1)


async def test_several_who_ask_for_a_fresh_incarnation_do_not_take_the_supervisor_down(plant):
    """Three children hang in the same moment: one after the other is restarted, as the supervisor can bear it."""
    rules = Work(attempt_timeout=1.0, recovery=(Restart(2),))
    names = NAMES[:3]
    async with plant(all_have(rules, names), intensity=Intensity(1, 5.0)) as tree:
        outcomes = await asyncio.gather(*(ask(tree, name, [9.0], [], task=name) for name in names))
        assert (lives(tree), tree.now < 20) == (1, True)
    assert [outcome.output for outcome in outcomes] == ["done"] * 3


async def test_a_task_that_ignores_its_end_does_not_take_the_supervisor_down(plant):
    """A handler that has to be killed has cost a death: its task is tried again only where one more can be borne."""
    rules = Work(attempt_timeout=0.5, recovery=(Retry(3, initial=0.1, jitter="none"),))
    async with plant({"one": (Worker, rules)}, intensity=Intensity(1, 20.0)) as tree:
        outcome = await ask(tree, "one", [("deaf", 50.0)])
        now = tree.now
        await tree.system.clock.sleep(100)
        assert lives(tree) == 1
    assert (outcome.status, outcome.parts[0].attempts) == ("failed", 4)
    assert 60 < now < 80


async def test_a_handler_that_ignores_its_end_may_still_end_with_a_death(plant):
    """Nobody waits for it any more, but until it has ended, or was killed, its death may come."""
    children = {"one": (Worker, again_after(9.0, attempt_timeout=1.0)), "two": (Worker, again_after(3.0))}
    async with plant(children, intensity=Intensity(1, 5.0)) as tree:
        first = ask(tree, "one", [OH], [("deaf", 9.0)], task="t1")
        await tree.system.clock.sleep(7.5)
        second = ask(tree, "two", [OH], [OH], task="t2")
        await asyncio.gather(first, second)
        await tree.system.clock.sleep(30)
        assert lives(tree) == 1


async def test_a_task_that_is_put_aside_dares_once(plant):
    """It is handled again after the stash, and does not wait for itself."""

    class Later(Worker):
        async def on_receive(self, message):
            if message == "now":
                self.unstash_all()
            elif message.attempt == 2 and not getattr(self, "once", False):
                self.once = True
                self.stash()
            else:
                return await super().on_receive(message)
            return None

    async with plant({"one": (Later, again_after(9.0))}, intensity=Intensity(1, 5.0)) as tree:
        reply = ask(tree, "one", [OH], [])
        await tree.system.clock.sleep(10.0)
        tree.ref("one").tell("now")
        outcome = await reply
        assert tree.system.cells["top/team"].guard.daring == 0
    assert (outcome.output, outcome.seconds, outcome.parts[0].attempts) == ("done", 10.0, 2)
