"""A blow at each single moment of a task's way: cancelled, killed, closed, reloaded after each step of the loop."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace

import pytest

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.delivery import deliver
from treeward.agents.desk import Desk
from treeward.runtime.errors import TreewardError
from treeward.runtime.evidence import Verdict
from treeward.runtime.exits import Exit
from treeward.runtime.signals import Stop
from treeward.runtime.task import Outcome, Task, Usage
from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.judges.agent_judge import AgentJudge
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.work.ladder import Escalate, Fallback, Restart, Retry, Revise
from treeward.supervisors.work.policy import Work

LATEST = 0.001
A_WHILE = 5.0
"""Seconds after which whoever was cut off has ended."""
ENDED = ("ok", "partial", "fallback", "needs_human", "failed", "canceled", "dead_letter")


class Steps(Agent):
    """Raises, sleeps, or returns what its input says for the attempt."""

    async def handle(self, task):
        step = task.input[min(task.attempt, len(task.input)) - 1]
        self.progress("half of it")
        self.charge(Usage(cost=0.01))
        await self.system.clock.sleep(0.1)
        if isinstance(step, BaseException):
            raise type(step)(*step.args)
        if step == "hang":
            await asyncio.get_running_loop().create_future()
        if step == "human":
            return NeedsHuman("I may not decide this", "a draft")
        return step


class Boss(Agent):
    """Has two others do the work at the same time."""

    async def handle(self, task):
        async def one(name):
            part = task.part(self.system.entropy.new_id(), name, task.input)
            return await deliver(self.system.ref(f"top/team/{name}"), part)

        outcomes = await asyncio.gather(one("one"), one("two"))
        parts = tuple(part for outcome in outcomes for part in outcome.parts)
        return Outcome(task.id, "ok", [outcome.output for outcome in outcomes], parts)


class Critic(Agent):
    """Judges."""

    async def handle(self, task):
        await self.system.clock.sleep(0.05)
        return "bad" not in repr(task.input["output"])


async def looks(output, task):
    await asyncio.sleep(0.01)
    return Verdict("looks", "bad" not in repr(output), usage=Usage(cost=0.001))


BREAKER = BreakerSpec(failures=2, cooldown=0.2)
BUDGET = Budget(limits=Limits(cost=1.0), per="task")
LADDER = (Retry(1, initial=0.1, jitter="none"), Revise(1), Restart(1), Fallback(("two",)), Escalate())
CAREFUL = Work(
    recovery=LADDER,
    judges=(FunctionJudge(looks),),
    breaker=BREAKER,
    budgets=(BUDGET,),
    attempt_timeout=20.0,
    idle_timeout=1.0,
)
PLAIN = Work(recovery=(Restart(2),), breaker=BREAKER, budgets=(replace(BUDGET, per="life", call=Limits(cost=0.01)),))
JUDGED = Work(recovery=(Revise(1),), judges=(AgentJudge("critic", "Is it good?", timeout=2.0),), breaker=BREAKER)
CHILDREN = {
    "one": (Steps, CAREFUL),
    "two": (Steps, PLAIN),
    "boss": (Boss, PLAIN),
    "judged": (Steps, JUDGED),
    "critic": (Critic, PLAIN),
    "desk": (Desk, None),
}
WAYS = {
    "done": ("two", ["good"]),
    "crash": ("one", [RuntimeError("oh"), "good"]),
    "retry": ("one", [ConnectionError("gone"), "good"]),
    "revise": ("one", ["bad", "good"]),
    "fallback": ("one", [RuntimeError("oh"), RuntimeError("oh"), "good"]),
    "hang": ("one", [RuntimeError("oh"), RuntimeError("oh"), "hang"]),
    "desk": ("one", [*[RuntimeError("oh")] * 7, "good"]),
    "human": ("one", ["human"]),
    "parts": ("boss", [ConnectionError("gone"), "good"]),
    "critic": ("judged", ["bad", "good"]),
}
"""Ways through the tree: who gets the task, and what is done in its attempts."""


class Moments:
    """Counts the steps of the loop, and does something after one of them."""

    def __init__(self, loop):
        self.loop = loop
        self.number = 0
        self.when = None
        self.what = None
        self._run_once = loop._run_once
        loop._run_once = self.step

    def step(self):
        self._run_once()
        self.number += 1
        if self.number == self.when:
            self.what()

    def over(self):
        del self.loop._run_once


@contextlib.contextmanager
def moments(when, what):
    loop = asyncio.get_running_loop()
    counted = Moments(loop)
    counted.when, counted.what = when, what
    try:
        yield counted
    finally:
        counted.over()


def blow(what, tree, reply):  # noqa: C901, PLR0912 - a table of what may happen
    """Strikes, from outside."""
    cells = tree.system.cells
    match what:
        case "cancel":
            reply.cancel()
        case "cancel by id":
            for cell in list(cells.values()):
                if cell.guard is not None:
                    for one in list(cell.guard.deliveries):
                        one.cancel("not needed")
        case "kill all":
            for name in CHILDREN:
                cells[f"top/team/{name}"].kill(Exit.KILLED)
        case "kill team":
            cells["top/team"].kill(Exit.KILLED)
        case "stop all":
            for name in CHILDREN:
                cells[f"top/team/{name}"].signal(Stop(Exit.SHUTDOWN))
        case "open breakers":
            for cell in cells.values():
                if cell.guard is not None and cell.guard.breaker is not None:
                    cell.guard.breaker.trip(tree.now, "by hand")
        case "reload":
            other = [ChildSpec(id=name, start=Steps, work=Work()) for name in ("one", "two")]
            spec = SupervisorSpec(children=other, intensity=Intensity(1000, 1.0))
            tree.reloading = asyncio.ensure_future(reload(tree, spec))


async def reload(tree, spec):
    with contextlib.suppress(TreewardError):
        await SupervisorHandle(tree.system.ref("top/team")).reload(spec)


async def travel(plant, nothing_is_left, way, what, when):
    """Sends one task on its way, and strikes after a number of steps; returns how many it took, and the outcome."""
    name, steps = WAYS[way]
    async with plant(CHILDREN) as tree:
        tree.reloading = None
        reply = tree.ref(name).ask(Task("t", steps, deadline=30.0 + tree.now), block=False)
        with moments(when, lambda: blow(what, tree, reply)) as counted:
            await asyncio.wait([reply])
            took = counted.number
        await tree.system.clock.sleep(A_WHILE)
        if tree.reloading is not None:
            await tree.reloading
        nothing_is_left(tree.system)
    return took, None if reply.cancelled() else reply.result()


BLOWS = ("cancel", "cancel by id", "kill all", "kill team", "stop all", "open breakers", "reload")


@pytest.mark.parametrize("what", BLOWS)
@pytest.mark.parametrize("way", WAYS)
async def test_a_blow_at_each_moment(plant, nothing_is_left, way, what):
    """Whenever it comes, the task has one outcome, in its deadline, and nothing stays behind."""
    took, outcome = await travel(plant, nothing_is_left, way, "nothing", 0)
    assert outcome.status in ENDED
    for when in range(1, took + 1):
        _, outcome = await travel(plant, nothing_is_left, way, what, when)
        assert outcome is None or outcome.status in ENDED, when
        assert outcome is None or outcome.seconds < 30.0 + LATEST, when
        if way == "done" and what in ("kill all", "kill team", "stop all"):
            assert outcome.status == "ok", when


@pytest.mark.parametrize("way", WAYS)
async def test_the_runtime_closes_at_each_moment(plant, nothing_is_left, way):
    """Every task has its outcome, and nothing runs on."""
    took, _ = await travel(plant, nothing_is_left, way, "nothing", 0)
    name, steps = WAYS[way]
    for when in range(1, took + 1):
        async with plant(CHILDREN) as tree:
            reply = tree.ref(name).ask(Task("t", steps, deadline=30.0 + tree.now), block=False)
            reached = asyncio.get_running_loop().create_future()
            with moments(when, lambda reached=reached: reached.set_result(None)):
                await reached
        assert reply.done(), when
        assert reply.result().status in ENDED, when
        await asyncio.sleep(A_WHILE)
        nothing_is_left(tree.system)
