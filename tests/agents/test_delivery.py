"""A task on its way to an agent: one outcome, whatever happens."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.exits import Exit
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Outcome, Task
from treeward.supervisors.work.policy import Work


class Scripted(Agent):
    """Does with each attempt what the input says: `ok`, `crash`, `hang`, or take so many seconds."""

    seen: list = []  # noqa: RUF012 - shared by all incarnations, emptied by each test

    async def handle(self, task):
        self.seen.append((task.id, task.attempt, self.incarnation, task.idempotency_key))
        step = task.input[min(task.attempt, len(task.input)) - 1]
        if step == "crash":
            raise RuntimeError("oh")
        if step == "hang":
            await asyncio.get_running_loop().create_future()
        if step != "ok":
            await self.system.clock.sleep(step)
        return f"attempt {task.attempt}"


@pytest.fixture(autouse=True)
def nothing_seen():
    Scripted.seen.clear()


async def test_a_late_result_is_dropped(grow):
    """What a stubborn agent returns after the deadline reaches nobody."""

    class Stubborn(Agent):
        async def handle(self, task):
            try:
                await self.system.clock.sleep(10)
            except asyncio.CancelledError:
                await self.system.clock.sleep(1)
            return "late"

    async with grow({"one": (Stubborn,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", "x", deadline=tree.now + 1.0))
        await tree.system.clock.sleep(20)
    assert (outcome.status, outcome.output) == ("failed", None)


async def test_a_child_that_is_not_restarted_fails_the_task(grow):
    """Where no next incarnation comes, the outcome says that the agent is stopped."""
    async with grow({"one": (Scripted,)}, restart="temporary") as tree:
        outcome = await deliver(tree.ref("one"), Task("t", ["crash"]))
    assert outcome.status == "failed"
    assert "stopped" in outcome.error


async def test_an_agent_that_is_gone_fails_the_task():
    """A ref whose actor has ended makes a failed outcome, not an exception."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Scripted))
        await ref.stop(reason=Exit.NORMAL)
        outcome = await deliver(ref, Task("t", ["ok"]))
    assert (outcome.status, outcome.parts[0].status) == ("failed", "failed")


async def test_a_full_mailbox_fails_the_task():
    """A mailbox that refuses the task makes a failed outcome that says so."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Scripted), mailbox=MailboxSpec(1, "fail"))
        works = [asyncio.ensure_future(deliver(ref, Task(f"t{n}", [1.0]))) for n in range(3)]
        outcomes = await asyncio.gather(*works)
    assert [outcome.status for outcome in outcomes].count("failed") >= 1
    assert any("mailbox" in (outcome.error or "") for outcome in outcomes)


async def test_an_answer_that_is_an_error_fails_the_task():
    """An exception that an agent declares as expected, and raises, is no crash: the outcome has its words."""

    class Refusing(Actor):
        expected = (ValueError,)

        def on_receive(self, message):
            raise ValueError("not so")

    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Refusing))
        outcome = await deliver(ref, Task("t", "x"))
        assert ref.is_alive()
    assert (outcome.status, outcome.error) == ("failed", "ValueError: not so")


async def test_any_actor_may_do_a_task():
    """The reply of an actor that is no agent is an output, with a part of its own."""

    class Plain(Actor):
        def on_receive(self, message):
            return message.input.upper()

    async with ActorSystem(blocked_after=None) as system:
        outcome = await deliver(system.launch(Factory(Plain), path="plain"), Task("t", "x"))
    assert (outcome.status, outcome.output, outcome.parts[0].agent) == ("ok", "X", "plain")


async def test_a_canceled_outcome_passes_through():
    """An agent that says `canceled` is not asked again."""

    class Quitting(Agent):
        def handle(self, task):
            return Outcome(task.id, "canceled")

    async with ActorSystem(blocked_after=None) as system:
        assert (await deliver(system.launch(Factory(Quitting)), Task("t", "x"))).status == "canceled"


async def test_cancelling_the_caller_cancels_the_work(grow):
    """Whoever stops waiting stops the work: the agent is free at once, and what waited is not begun."""
    async with grow({"one": (Scripted,)}) as tree:
        works = [asyncio.ensure_future(deliver(tree.ref("one"), Task(name, ["hang"]))) for name in ("a", "b")]
        await asyncio.sleep(1)
        for work in works:
            work.cancel()
        done = await asyncio.gather(*works, return_exceptions=True)
        following = await deliver(tree.ref("one"), Task("c", ["ok"], deadline=tree.now + 1))
    assert all(isinstance(error, asyncio.CancelledError) for error in done)
    assert [name for name, *_ in Scripted.seen] == ["a", "c"]
    assert following.status == "ok"


async def test_a_stopped_system_answers(grow):
    """A task that is in hand when everything stops gets its outcome too."""
    async with grow({"one": (Scripted,)}, shutdown="brutal_kill") as tree:
        work = asyncio.ensure_future(deliver(tree.ref("one"), Task("t", ["hang"])))
        await asyncio.sleep(1)
    assert (await work).status in ("failed", "canceled")


STEPS = st.lists(st.sampled_from(["ok", "crash", "hang", 0.5]), min_size=1, max_size=5)


@given(STEPS, st.integers(1, 4), st.sampled_from([0.2, 3.0, None]), st.integers(1, 3))
async def test_every_task_has_one_outcome(grow, steps, most, patience, tasks):
    """Whatever an agent does, each of several tasks gets one outcome, in time, within its attempts."""
    Scripted.seen.clear()
    if patience is None:
        steps = [step for step in steps if step != "hang"] or ["ok"]
    async with grow({"one": (Scripted,)}, work=Work(timeout=patience)) as tree:
        begun = tree.now
        made = [Task(f"t{number}", steps, max_attempts=most) for number in range(tasks)]
        outcomes = await asyncio.gather(*(deliver(tree.ref("one"), task) for task in made))
        assert patience is None or tree.now <= begun + patience
    assert [outcome.task_id for outcome in outcomes] == [task.id for task in made]
    for outcome in outcomes:
        attempts = [attempt for task, attempt, *_ in Scripted.seen if task == outcome.task_id]
        assert attempts == sorted(set(attempts))
        assert len(attempts) <= outcome.parts[0].attempts <= most
        assert outcome.status in ("ok", "failed", "dead_letter")
