"""A task on its way to an agent: one outcome, whatever happens."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.agents.events import TaskRedelivered
from treeward.agents.profile import Profile
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.exits import Exit
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Outcome, Part, Task
from treeward.supervisors.spec import Backoff

SLOW = Backoff(initial=2.0, factor=1.0, max=2.0, jitter="none")


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


async def test_a_task_is_done(grow):
    """The outcome of a task that is done at once has its output, its one part and its time."""
    async with grow({"one": (Scripted,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", [2.0]))
    (part,) = outcome.parts
    assert (outcome.task_id, outcome.status, outcome.output, outcome.seconds) == ("t", "ok", "attempt 1", 2.0)
    assert part == Part("top/one", "ok", 1, "attempt 1", 2.0)


async def test_a_crash_gives_the_task_to_the_next_incarnation(grow):
    """The same task comes again with the next attempt's number and the same key; the part counts the attempts."""
    async with grow({"one": (Scripted,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", ["crash", "ok"], idempotency_key="k"))
        told = tree.told(TaskRedelivered)
    assert Scripted.seen == [("t", 1, 1, "k"), ("t", 2, 2, "k")]
    assert (outcome.status, outcome.parts[0].attempts) == ("ok", 2)
    assert [(event.path, event.task, event.attempt) for event in told] == [("top/one", "t", 2)]
    assert "RuntimeError: oh" in told[0].cause


async def test_attempts_have_an_end(grow):
    """A task that kills every incarnation fails after its last attempt, and says of what."""
    async with grow({"one": (Scripted,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", ["crash"], max_attempts=3))
    assert [attempt for _, attempt, _, _ in Scripted.seen] == [1, 2, 3]
    assert (outcome.status, outcome.parts[0].attempts) == ("failed", 3)
    assert "RuntimeError: oh" in outcome.error


async def test_attempts_that_were_made_before_count(grow):
    """A task that arrives as its last attempt is not given again."""
    async with grow({"one": (Scripted,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", ["crash"], attempt=3, max_attempts=3))
    assert len(Scripted.seen) == 1
    assert outcome.status == "failed"


async def test_no_attempt_begins_after_the_deadline(grow):
    """A task waits for a restart no longer than its deadline, and is then not begun any more."""
    async with grow({"one": (Scripted,)}, backoff=SLOW) as tree:
        begun = tree.now
        outcome = await deliver(tree.ref("one"), Task("t", ["crash", "ok"], deadline=tree.now + 1.0))
        assert tree.now == begun + 1.0
        await tree.system.clock.sleep(5)
    assert len(Scripted.seen) == 1
    assert (outcome.status, outcome.error) == ("failed", "top/one: no answer within 1 s")


async def test_a_hang_ends_at_the_deadline(grow):
    """An agent that does not answer by the deadline makes a failed outcome, and is free for the next task."""
    async with grow({"one": (Scripted,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", ["hang"], deadline=tree.now + 3.0))
        following = await deliver(tree.ref("one"), Task("u", ["ok"], deadline=tree.now + 1.0))
    assert (outcome.status, outcome.seconds, outcome.parts[0].error) == (
        "failed",
        3.0,
        "no answer within 3 s",
    )
    assert (following.status, following.seconds) == ("ok", 0.0)


@pytest.mark.parametrize(("own", "deadline", "seconds"), [(2.0, 5.0, 2.0), (5.0, 2.0, 2.0), (2.0, None, 2.0)])
async def test_the_sooner_of_timeout_and_deadline_counts(grow, own, deadline, seconds):
    """A task ends with the agent's own timeout or its deadline, whichever is sooner, over all attempts."""
    async with grow({"one": (Scripted, Profile(timeout=own))}) as tree:
        until = None if deadline is None else tree.now + deadline
        outcome = await deliver(tree.ref("one"), Task("t", ["crash", "hang"], deadline=until))
    assert (outcome.status, outcome.seconds) == ("failed", seconds)


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
    assert (await work).status == "failed"


STEPS = st.lists(st.sampled_from(["ok", "crash", "hang", 0.5]), min_size=1, max_size=5)


@given(STEPS, st.integers(1, 4), st.sampled_from([0.2, 3.0, None]), st.integers(1, 3))
async def test_every_task_has_one_outcome(grow, steps, most, patience, tasks):
    """Whatever an agent does, each of several tasks gets one outcome, in time, within its attempts."""
    Scripted.seen.clear()
    if patience is None:
        steps = [step for step in steps if step != "hang"] or ["ok"]
    async with grow({"one": (Scripted, Profile(timeout=patience))}) as tree:
        begun = tree.now
        made = [Task(f"t{number}", steps, max_attempts=most) for number in range(tasks)]
        outcomes = await asyncio.gather(*(deliver(tree.ref("one"), task) for task in made))
        assert patience is None or tree.now <= begun + patience
    assert [outcome.task_id for outcome in outcomes] == [task.id for task in made]
    for outcome in outcomes:
        attempts = [attempt for task, attempt, *_ in Scripted.seen if task == outcome.task_id]
        assert attempts == sorted(set(attempts))
        assert len(attempts) <= outcome.parts[0].attempts <= most
        assert outcome.status in ("ok", "failed")
