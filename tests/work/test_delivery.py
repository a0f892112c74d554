"""A task on its way: tries, ladder, deadlines, escalation; one outcome, whatever happens."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.desk import Desk
from treeward.runtime.actor import Actor
from treeward.runtime.exits import Exit
from treeward.runtime.task import Outcome, Task, Usage
from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.events import TaskQuarantined, TaskRecovering, TaskStateChanged
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.spec import Intensity
from treeward.supervisors.work.ladder import Escalate, Fallback, Restart, Retry, Revise, Skip
from treeward.supervisors.work.policy import Work
from treeward.supervisors.work_errors import ModelRetry

AT_ONCE = Retry(3, initial=1.0, factor=2.0, max=4.0, jitter="none")


class Script(Agent):
    """Does with each attempt what the input says for it; the last step is repeated."""

    async def handle(self, task):
        seen = self.system.__dict__.setdefault("seen", [])
        seen.append((self.path.rpartition("/")[2], task.attempt, self.incarnation, tuple(task.feedback)))
        step = task.input[min(task.attempt, len(task.input)) - 1]
        return await self.do(step)

    async def do(self, step):  # noqa: C901 - a table of what a step means
        match step:
            case BaseException():
                raise step
            case "hang":
                await asyncio.get_running_loop().create_future()
            case "deaf":
                until = self.system.clock.monotonic() + 6
                while (left := until - self.system.clock.monotonic()) > 0:
                    with contextlib.suppress(asyncio.CancelledError):
                        await self.system.clock.sleep(left)
            case "partly":
                self.progress("half of it")
                await asyncio.get_running_loop().create_future()
            case "human":
                return NeedsHuman("I may not decide this", "a draft")
            case float():
                await self.system.clock.sleep(step)
            case Outcome():
                return step
        return f"{step} by {self.path.rpartition('/')[2]}"


class Deaf(Actor):
    """No agent: it does not know of tasks, and never ends."""

    async def on_receive(self, message):
        await asyncio.get_running_loop().create_future()


def seen(tree):
    return tree.system.__dict__.get("seen", [])


async def test_a_task_is_done(plant):
    """The outcome of a task that is done at once has its output, one part, its time, and no evidence."""
    async with plant({"one": (Script, Work())}) as tree:
        outcome = await tree.run("one", [2.0])
    assert (outcome.task_id, outcome.status, outcome.output, outcome.seconds) == ("t", "ok", "2.0 by one", 2.0)
    assert (outcome.rung, outcome.failure, outcome.evidence) == ("first", None, None)
    assert [(part.agent, part.status, part.attempts) for part in outcome.parts] == [("top/team/one", "ok", 1)]


async def test_the_reply_of_an_actor_that_is_no_agent_is_an_output(plant):
    """Any child is guarded, whatever it runs."""

    class Echo(Actor):
        def on_receive(self, message):
            return message.input

    async with plant({"one": (Echo, Work())}) as tree:
        outcome = await tree.run("one", "hello")
    assert (outcome.status, outcome.output, outcome.parts[0].attempts) == ("ok", "hello", 1)


async def test_a_crash_does_not_lose_the_task(plant):
    """Where nobody says anything, the next incarnation gets the task, and the outcome says so."""
    async with plant({"one": (Script, Work())}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh"), "ok"])
        told = tree.told(TaskRecovering)
    assert (outcome.status, outcome.rung, outcome.parts[0].attempts) == ("ok", "restart", 2)
    assert [(event.rung, event.failure) for event in told] == [("restart", "unknown")]
    assert [record.failure for record in outcome.evidence.attempts] == ["unknown", None]


async def test_the_same_failure_twice_is_not_tried_a_third_time(plant):
    """A task that kills two incarnations the same way is poison: it is quarantined, with its evidence."""
    async with plant({"one": (Script, Work(recovery=(Restart(5),)))}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh")], idempotency_key="k")
        again = await tree.run("one", ["ok"], idempotency_key="k")
        lives = tree.cell("one").incarnation
        (letter,) = tree.system.dead_letters
        quarantined = tree.told(TaskQuarantined)
    assert (outcome.status, lives, len(quarantined)) == ("dead_letter", 3, 1)
    assert (letter.reason, len(letter.evidence.attempts)) == ("poison", 2)
    assert "RuntimeError: oh" in outcome.error
    assert (again.status, again.failure) == ("failed", "unavailable")


async def test_retries_wait_as_the_ladder_says(plant):
    """Transient failures are tried again after 1, 2 and 4 s, three times by default."""
    steps = [TimeoutError(f"slow {word}") for word in ("a", "b", "c", "d")]
    async with plant({"one": (Script, Work(recovery=(AT_ONCE,)))}) as tree:
        begun = tree.now
        outcome = await tree.run("one", steps)
        took = tree.now - begun
    assert (outcome.status, outcome.parts[0].attempts, took) == ("failed", 4, 7.0)


async def test_a_retry_that_works(plant):
    """The outcome says which rung answered."""
    async with plant({"one": (Script, Work(recovery=(AT_ONCE,)))}) as tree:
        outcome = await tree.run("one", [ConnectionError("gone"), "ok"])
    assert (outcome.status, outcome.rung, outcome.output) == ("ok", "retry", "ok by one")


async def test_retry_after_goes_before_the_arithmetic(plant):
    """Who is rate-limited waits for as long as it was told."""

    class TooMany(Exception):
        status_code = 429
        headers = {"retry-after": "17"}  # noqa: RUF012 - as clients have it

    async with plant({"one": (Script, Work(recovery=(AT_ONCE,)))}) as tree:
        begun = tree.now
        outcome = await tree.run("one", [TooMany("slow down"), "ok"])
        took = tree.now - begun
    assert (outcome.status, took) == ("ok", 17.0)


async def test_revise_gives_feedback(plant):
    """`ModelRetry` in the handler is an output that is not good enough: the next attempt is told why."""
    async with plant({"one": (Script, Work(recovery=(Revise(2),)))}) as tree:
        outcome = await tree.run("one", [ModelRetry("name the customer"), "ok"])
        (_, _, _, none), (_, _, life, feedback) = seen(tree)
    assert (outcome.status, outcome.rung, none, life) == ("ok", "revise", (), 1)
    assert "name the customer" in feedback[0]


async def test_revise_changes_the_context(plant):
    """`changes` are merged into the context of the next attempt."""

    class Sizes(Agent):
        def handle(self, task):
            if task.context["size"] > 10:
                raise ModelRetry("too big")
            return task.context["size"]

    async with plant({"one": (Sizes, Work(recovery=(Revise(1, changes={"size": 5}),)))}) as tree:
        outcome = await tree.run("one", "x", context={"size": 50})
    assert outcome.output == 5


async def test_fallback(plant):
    """Another child answers, and the outcome says so; the first that can of several."""
    ladder = (Fallback(("nobody", "rules")),)
    async with plant({"one": (Script, Work(recovery=ladder)), "rules": (Script, Work())}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh"), "fine"])
    assert (outcome.status, outcome.rung, outcome.output) == ("fallback", "fallback", "fine by rules")
    assert [(part.agent, part.status) for part in outcome.parts] == [
        ("top/team/one", "failed"),
        ("top/team/rules", "ok"),
    ]
    assert outcome.parts[0].error == "RuntimeError: oh"


async def test_a_fallback_does_not_fall_back_to_where_it_came_from(plant):
    """A ladder that all inherit ends: who has had the task already is passed over."""
    ladder = (Fallback(("a", "b")),)
    async with plant({"a": (Script, None), "b": (Script, None)}, team=Work(recovery=ladder)) as tree:
        outcome = await tree.run("a", [RuntimeError("one"), RuntimeError("two"), RuntimeError("three")])
    assert outcome.status == "failed"
    assert [name for name, *_ in seen(tree)] == ["a", "b"]


async def test_the_nearest_ladder_applies(plant):
    """A child's own ladder goes before its supervisor's, and that before the tree's."""
    team, top = Work(recovery=(Skip("team"),)), Work(recovery=(Skip("top"),))
    own = Work(recovery=(Skip("own"),))
    async with plant({"one": (Script, own), "two": (Script, None)}, team=team, top=top) as tree:
        outcomes = [await tree.run(name, [RuntimeError("oh")], task=name) for name in ("one", "two")]
    assert [(outcome.status, outcome.output) for outcome in outcomes] == [("partial", "own"), ("partial", "team")]


async def test_escalation_climbs_the_ladders_above(plant):
    """`escalate` goes on with the supervisor's ladder, then the root's, then the desk; the case has the evidence."""
    children = {
        "one": (Script, Work(recovery=(Escalate(),))),
        "aide": (Script, Work(recovery=())),
        "desk": (Desk, None),
    }
    team, top = Work(recovery=(Fallback(("aide",)), Escalate())), Work(recovery=(Escalate(),))
    async with plant(children, team=team, top=top) as tree:
        outcome = await tree.run("one", [RuntimeError("one"), RuntimeError("two")])
    assert (outcome.status, outcome.rung, outcome.output) == ("needs_human", "escalate", {"case": "case-1"})
    assert [name for name, *_ in seen(tree)] == ["one", "aide"]
    assert [record.agent for record in outcome.evidence.attempts][:2] == ["top/team/one", "top/team/aide"]


async def test_without_a_desk_a_person_is_needed_all_the_same(plant):
    """Escalation with nobody there is not a failure that looks like another."""
    async with plant({"one": (Script, Work(recovery=(Escalate(),)))}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh")])
    assert outcome.status == "needs_human"
    assert "there is no desk here" in outcome.error


async def test_needs_human_goes_to_the_desk_at_once(plant):
    """What a handler says a person has to decide is not given to a fallback first."""
    children = {
        "one": (Script, Work(recovery=(Fallback(("two",)), Escalate()))),
        "two": (Script, None),
        "desk": (Desk, None),
    }
    async with plant(children) as tree:
        outcome = await tree.run("one", ["human"])
    assert (outcome.status, outcome.rung) == ("needs_human", "escalate")
    assert outcome.output == {"case": "case-1", "draft": "a draft"}
    assert [name for name, *_ in seen(tree)] == ["one"]


@pytest.mark.parametrize("step", ["hang", "deaf"])
async def test_the_deadline_is_kept(plant, step):
    """The caller has its outcome at the deadline, also from a handler that ignores its cancellation."""
    async with plant({"one": (Script, None)}) as tree:
        begun = tree.now
        outcome = await tree.run("one", [step], deadline=2.0)
        took = tree.now - begun
        await tree.system.clock.sleep(5)
        again = await tree.run("one", ["ok"], task="u")
        abandoned = tree.system.abandoned_total
    assert (outcome.status, took) == ("failed", 2.0)
    assert "no answer within 2 s" in outcome.error
    assert (again.status, abandoned) == ("ok", 1 if step == "deaf" else 0)


async def test_the_deadline_is_kept_for_any_actor(plant):
    """An actor that knows nothing of tasks is ended once nobody waits for it any more."""
    async with plant({"one": (Deaf, None)}) as tree:
        outcome = await tree.run("one", "x", deadline=2.0)
        await tree.system.clock.sleep(2)
        life = tree.cell("one").incarnation
    assert (outcome.status, outcome.seconds, life) == ("failed", 2.0, 2)


async def test_idle_timeout(plant):
    """A handler without a sign of life is given up, and the ladder goes on; one that reports goes on too."""

    class Slow(Agent):
        async def handle(self, task):
            for _ in range(5):
                await self.system.clock.sleep(0.8)
                self.progress()
            if task.attempt == 1:
                await asyncio.get_running_loop().create_future()
            return "done"

    async with plant({"one": (Slow, Work(idle_timeout=1.0, recovery=(AT_ONCE,)))}) as tree:
        outcome = await tree.run("one", "x")
    first, second = outcome.evidence.attempts
    assert (outcome.status, outcome.rung, second.failure) == ("ok", "retry", None)
    assert first.seconds == pytest.approx(5.0)
    assert "no sign of life within 1 s" in first.error


async def test_attempt_timeout_does_not_count_the_wait_in_the_mailbox(plant):
    """An attempt's time begins with its handler."""
    async with plant({"one": (Script, Work(attempt_timeout=3.0))}) as tree:
        outcomes = await asyncio.gather(*(tree.run("one", [2.0], task=str(n)) for n in range(3)))
    assert [outcome.status for outcome in outcomes] == ["ok", "ok", "ok"]


async def test_the_childs_timeout_leaves_time_for_the_fallback(plant):
    """`timeout` bounds the child's own tries; what a fallback takes is bounded by the task's deadline."""
    rules = Work(timeout=2.0, recovery=(AT_ONCE, Fallback(("two",))))
    async with plant({"one": (Script, rules), "two": (Script, None)}) as tree:
        outcome = await tree.run("one", ["hang", 4.0], deadline=10.0)
    assert (outcome.status, outcome.seconds, outcome.output) == ("fallback", 6.0, "4.0 by two")


async def test_a_timeout_has_what_there_is(plant):
    """A task that is cut off at its deadline returns what the handler has told of it."""
    async with plant({"one": (Script, None)}) as tree:
        outcome = await tree.run("one", ["partly"], deadline=2.0)
    assert (outcome.status, outcome.output) == ("partial", "half of it")


async def test_a_crash_has_what_there_is(plant):
    """A task whose handler crashes for good returns what it has told before."""

    class Torn(Agent):
        def handle(self, task):
            self.progress({"page": 1})
            raise ValueError("torn")

    async with plant({"one": (Torn, Work(recovery=()))}) as tree:
        outcome = await tree.run("one", "x")
    assert (outcome.status, outcome.output) == ("partial", {"page": 1})
    assert "torn" in outcome.error


async def test_cancel_has_what_there_is(plant):
    """A task that its owner cancels is `canceled`, with what there is."""
    async with plant({"one": (Script, None)}) as tree:
        reply = tree.ref("one").ask(Task("t", ["partly"]), block=False)
        await tree.system.clock.sleep(1)
        next(iter(tree.guard("one").deliveries)).cancel("not needed")
        outcome = await reply
    assert (outcome.status, outcome.output, outcome.error) == ("canceled", "half of it", "not needed")


async def test_whoever_stops_waiting_cancels(plant):
    """A caller that goes away leaves no work behind."""
    async with plant({"one": (Script, None)}) as tree:
        reply = tree.ref("one").ask(Task("t", ["hang"]), block=False)
        await tree.system.clock.sleep(1)
        reply.cancel()
        await tree.system.clock.sleep(0.1)
        hands, busy = dict(tree.guard("one").deliveries), tree.cell("one").busy
    assert (hands, busy) == ({}, False)


async def test_a_budget_stop_has_what_there_is(plant):
    """A handler that passes a budget is stopped, and what it has told is returned."""

    class Spender(Agent):
        async def handle(self, task):
            for page in range(10):
                self.progress(page)
                self.charge(Usage(cost=1.0))
            return "all"

    async with plant({"one": (Spender, None)}) as tree:
        outcome = await tree.run("one", "x", budget=Limits(cost=3.0))
    assert (outcome.status, outcome.failure) == ("partial", "exhausted")
    assert 3.0 <= outcome.usage.cost <= 4.0


async def test_attempts_travel_in_the_task(plant):
    """No layer gives a step more tries than the task has, and a step that comes again goes on counting."""
    steps = [TimeoutError(str(n)) for n in range(9)]
    async with plant({"one": (Script, Work(recovery=(Retry(9, jitter="none"),)))}) as tree:
        outcome = await tree.run("one", steps, max_attempts=3)
        late = await tree.run("one", steps, max_attempts=3, attempt=3)
    assert (outcome.parts[0].attempts, late.parts[0].attempts) == (3, 1)


async def test_nothing_multiplies_over_layers(plant):
    """A step whose parent is run again goes on counting its attempts: eight in all, whoever repeats whom."""

    class Boss(Agent):
        async def handle(self, task):
            part = task.part(self.system.entropy.new_id(), "step", [TimeoutError("a")])
            outcome = await self.system.ref("top/team/worker").ask(part, block=False)
            raise ConnectionError(outcome.error)

    retry = Work(recovery=(Retry(5, jitter="none"),))
    async with plant({"boss": (Boss, retry), "worker": (Script, retry)}) as tree:
        await tree.run("boss", "x")
        tried = len(seen(tree))
    assert tried == 8


async def test_a_poison_task_does_not_take_the_supervisor_down(plant):
    """A task that has killed is given again only when the supervisor can bear one more death."""
    steps = [RuntimeError(word) for word in ("one", "two", "three", "four", "five")]
    one = Intensity(1, 5.0)
    async with plant({"one": (Script, Work(recovery=(Restart(4),)))}, intensity=one) as tree:
        begun = tree.now
        outcome = await tree.run("one", steps)
        took = tree.now - begun
        life = tree.system.cells["top/team"].incarnation
    assert (outcome.status, outcome.parts[0].attempts, life) == ("dead_letter", 5, 1)
    assert took == pytest.approx(20.0, abs=0.1)


async def test_where_no_death_can_be_borne_the_task_is_not_given_again(plant):
    """With an intensity of 0 a task that kills is not tried again."""
    async with plant({"one": (Script, Work(recovery=(Restart(4),)))}, intensity=Intensity(0, 5.0)) as tree:
        outcome = await tree.run("one", [RuntimeError("oh")])
    assert (outcome.status, outcome.parts[0].attempts) == ("failed", 1)


async def test_restart_without_a_crash_asks_for_a_fresh_incarnation(plant):
    """`restart` gives the same task to a fresh incarnation, also where the old one lives."""

    class Stuck(Agent):
        expected = (LookupError,)

        def handle(self, task):
            if self.incarnation == 1:
                raise LookupError("a broken connection in here")
            return "fresh"

    async with plant({"one": (Stuck, Work(recovery=(Restart(1),)))}) as tree:
        outcome = await tree.run("one", "x")
    assert (outcome.status, outcome.output, outcome.rung) == ("ok", "fresh", "restart")


async def test_states(plant):
    """A task is submitted, working, and then what its outcome says, in A2A's words."""
    async with plant({"one": (Script, None)}) as tree:
        await tree.run("one", ["ok"])
        states = [event.state for event in tree.told(TaskStateChanged)]
    assert states == ["working", "completed"]


async def test_a_task_that_nobody_waits_for_becomes_a_dead_letter_if_it_fails(plant):
    """`tell` has no reply to tell of it."""
    async with plant({"one": (Script, Work(recovery=()))}) as tree:
        tree.ref("one").tell(Task("t", [RuntimeError("oh")]))
        await tree.system.clock.sleep(1)
        (letter,) = tree.system.dead_letters
    assert (letter.reason, letter.recipient, letter.message.id) == ("failed", "top/team/one", "t")


async def test_a_child_that_is_stopped_is_unavailable(plant):
    """Its tasks go down the ladder at once."""
    rules = Work(recovery=(AT_ONCE, Fallback(("two",))))
    async with plant({"one": (Script, rules), "two": (Script, None)}) as tree:
        await SupervisorHandle(tree.system.ref("top/team")).terminate_child("one")
        begun = tree.now
        outcome = await tree.run("one", ["fine"])
        took = tree.now - begun
    assert (outcome.status, outcome.output, took) == ("fallback", "fine by two", 0)


async def test_the_system_ends_and_every_task_has_an_outcome(plant):
    """Leaving the block answers for what is in hand."""
    async with plant({"one": (Script, None)}) as tree:
        reply = tree.ref("one").ask(Task("t", ["hang"]), block=False)
        await tree.system.clock.sleep(1)
    assert reply.done()
    assert (await reply).status in ("canceled", "failed")


async def test_usage_of_a_crashed_attempt_counts(plant):
    """What an incarnation has charged before it crashed is in the outcome."""

    class Dear(Agent):
        def handle(self, task):
            self.charge(Usage(input_tokens=100, cost=0.5))
            if task.attempt == 1:
                raise RuntimeError("oh")
            return "done"

    async with plant({"one": (Dear, None)}) as tree:
        outcome = await tree.run("one", "x")
    assert (outcome.usage, outcome.parts[0].usage) == (Usage(input_tokens=200, cost=1.0),) * 2


async def test_killed_from_outside(plant):
    """A kill is a crash like any other: the task goes to the next incarnation."""
    async with plant({"one": (Script, None)}) as tree:
        reply = tree.ref("one").ask(Task("t", ["hang", "ok"]), block=False)
        await tree.system.clock.sleep(1)
        tree.cell("one").kill(Exit.KILLED)
        outcome = await reply
    assert (outcome.status, outcome.rung, outcome.parts[0].attempts) == ("ok", "restart", 2)


@pytest.mark.parametrize(("judge", "state"), [(lambda *_: False, "open"), (lambda *_: 1 / 0, "closed")])
async def test_the_failure_of_a_judge_is_none_of_the_childs(plant, judge, state):
    """A rejected output counts for the child's breaker; a judge that could not say does not."""
    rules = Work(judges=(FunctionJudge(judge),), breaker=BreakerSpec(failures=1), recovery=())
    async with plant({"one": (Script, rules)}) as tree:
        outcome = await tree.run("one", ["ok"])
        breaker = tree.guard("one").breaker.view(tree.now)
    assert (outcome.status, outcome.output, breaker.state) == ("failed", None, state)
