"""The way of a task where something else happens at the same moment: ends, reloads, full mailboxes, lost desks."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.agents.desk import Desk
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.cell import Phase
from treeward.runtime.errors import MailboxFull
from treeward.runtime.exits import Exit
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.reply import Reply
from treeward.runtime.task import Outcome, Task, Usage
from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.escalation import DESK
from treeward.supervisors.events import BreakerChanged, TaskStateChanged
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.work.accounts import accounts_of
from treeward.supervisors.work.handover import said_in
from treeward.supervisors.work.ladder import Escalate, Fallback, Restart, Retry
from treeward.supervisors.work.policy import Work
from treeward.supervisors.work_errors import BudgetExceeded

ONCE_MORE = Retry(1, jitter="none")


class Worker(Agent):
    """Does what the input says: raises it, sleeps so long, hangs, or returns it."""

    async def handle(self, task):
        self.system.__dict__.setdefault("begun", []).append((task.id, self.path.rpartition("/")[2]))
        step = task.input[min(task.attempt, len(task.input)) - 1] if isinstance(task.input, list) else task.input
        match step:
            case BaseException():
                raise step
            case "hang":
                await asyncio.get_running_loop().create_future()
            case float():
                await self.system.clock.sleep(step)
        return step


def begun(tree, name=None):
    """Returns the ids of the tasks that handlers have begun with, in their order; of one child or of all."""
    return [task for task, who in tree.system.__dict__.get("begun", []) if name in (None, who)]


def ask(tree, name, asked, task="t", **fields):
    return tree.ref(name).ask(Task(task, asked, **fields), block=False)


async def steps(count=20):
    for _ in range(count):
        await asyncio.sleep(0)


def no_account_is_open(tree):
    return not accounts_of(tree.system)._open


# --- ended before it began --------------------------------------------------------------------------


async def test_cancelled_at_once(plant):
    """A task that is cancelled in the very moment in which it came has an outcome, and nothing of it stays."""
    async with plant({"one": (Worker, None)}) as tree:
        reply = ask(tree, "one", "x")
        next(iter(tree.guard("one").deliveries)).cancel("not needed")
        outcome = await reply
        left = dict(tree.guard("one").deliveries)
        assert no_account_is_open(tree)
    assert (outcome.status, outcome.error, left, begun(tree)) == ("canceled", "not needed", {}, [])


async def test_the_runtime_closes_in_the_moment_in_which_a_task_comes(plant):
    """Even so the task has its outcome."""
    async with plant({"one": (Worker, None)}) as tree:
        reply = ask(tree, "one", "x")
        for errand in tree.system._errands:
            errand.cancel()
        await steps()
        assert reply.done()
        assert no_account_is_open(tree)
    assert (await reply).status == "canceled"


async def test_the_runtime_closes_while_judges_look_at_what_there_is(plant):
    """A task that is cut off is cut off once more: it ends with nothing, but it ends."""

    async def slow(output, task):
        await asyncio.sleep(1)

    class Telling(Agent):
        async def handle(self, task):
            self.progress("half of it")
            await asyncio.get_running_loop().create_future()

    async with plant({"one": (Telling, Work(judges=(FunctionJudge(slow),)))}) as tree:
        reply = ask(tree, "one", "x", deadline=2.0)
        await tree.system.clock.sleep(2.0)
        await steps()
        assert not reply.done()
        for errand in tree.system._errands:
            errand.cancel()
        await steps()
        assert reply.done()
        assert no_account_is_open(tree)
    assert (await reply).output is None


async def test_a_task_whose_time_is_up_is_not_begun(plant):
    """It fails at once, and its handler never hears of it."""
    async with plant({"one": (Worker, None)}) as tree:
        await tree.system.clock.sleep(5)
        outcome = await ask(tree, "one", "x", deadline=4.0)
        now = tree.now
        await steps()
    assert (outcome.status, now, begun(tree)) == ("failed", 5.0, [])


# --- mailboxes, and children that are not there --------------------------------------------------------


async def stopped(tree, name):
    await SupervisorHandle(tree.system.ref("top/team")).terminate_child(name)


async def test_a_task_that_a_fallback_did_is_no_dead_letter(plant):
    """A child that is stopped does not get its task: the ladder answers for it."""
    rules = Work(recovery=(Fallback(("two",)),))
    async with plant({"one": (Worker, rules), "two": (Worker, None)}) as tree:
        await stopped(tree, "one")
        outcome = await tree.run("one", "x")
        letters = list(tree.system.dead_letters)
    assert (outcome.status, letters) == ("fallback", [])


async def test_a_task_that_was_told_to_a_child_that_stops_is_one_dead_letter(plant):
    """Not one for each try and one for the task."""
    async with plant({"one": (Worker, None)}) as tree:
        tree.ref("one").tell(Task("t", "x"))
        await stopped(tree, "one")
        tree.cell("one").deliver((Task("u", "x"), None))
        await steps()
        letters = [(letter.message.id, letter.reason) for letter in tree.system.dead_letters]
    assert [id_ for id_, _ in letters] == ["u"]


BY_ITSELF = {
    "wait": ["t0", "t1", "t2", "t3", "t4", "t5"],
    "drop_newest": ["t0", "t1"],
    "drop_oldest": ["t4", "t5"],
    "fail": ["t0", "t1"],
}
"""Of six tasks at once, those that a child with room for two does itself."""


@pytest.mark.parametrize("overflow", BY_ITSELF)
async def test_a_bounded_mailbox(plant, overflow):
    """Whom the bound keeps out goes to the fallback; who may wait waits; each task ends once, and none is a letter."""
    rules = Work(recovery=(Fallback(("two",)),))
    bound = MailboxSpec(2, overflow)
    async with plant({"one": (Worker, rules)}, mailbox=bound) as tree:
        await SupervisorHandle(tree.system.ref("top/team")).start_child(ChildSpec(id="two", start=Worker))
        outcomes = await asyncio.gather(*(ask(tree, "one", 1.0, f"t{n}") for n in range(6)))
        letters = len(tree.system.dead_letters)
    done = [outcome.task_id for outcome in outcomes if outcome.status == "ok"]
    handed = [outcome.task_id for outcome in outcomes if outcome.status == "fallback"]
    assert (letters, len(begun(tree))) == (0, 6)
    assert sorted(done + handed) == [f"t{n}" for n in range(6)]
    assert done == BY_ITSELF[overflow]


@pytest.mark.parametrize("overflow", ["wait", "drop_newest", "drop_oldest", "fail"])
async def test_a_bounded_mailbox_and_tasks_that_nobody_waits_for(plant, overflow):
    """What is told ends as done or as one dead letter, or its sender is told that there is no room."""
    refused = []
    async with plant({"one": (Worker, None)}, mailbox=MailboxSpec(2, overflow)) as tree:
        for n in range(6):
            await steps()
            try:
                tree.ref("one").tell(Task(f"t{n}", 1.0))
            except MailboxFull:
                refused.append(f"t{n}")
        await tree.system.clock.sleep(30)
        letters = [letter.message.id for letter in tree.system.dead_letters]
        done = [event.task for event in tree.told(TaskStateChanged) if event.state == "completed"]
    assert sorted(done + letters + refused) == [f"t{n}" for n in range(6)]
    assert (done, bool(refused)) == (begun(tree), overflow in ("wait", "fail"))


async def test_who_waits_for_room_is_guarded_too(plant):
    """`send` to a full mailbox waits; the task is guarded all the same."""
    judged = []
    judge = FunctionJudge(lambda output, task: judged.append(task.id), name="noted")
    async with plant({"one": (Worker, Work(judges=(judge,)))}, mailbox=MailboxSpec(1, "wait")) as tree:
        for n in range(4):
            await tree.ref("one").send(Task(f"t{n}", 1.0))
            await steps()
        await tree.system.clock.sleep(30)
    assert sorted(judged) == ["t0", "t1", "t2", "t3"]


async def test_a_child_that_is_deleted_with_tasks_in_hand(plant):
    """What it had, and what waited for it, goes to the fallback."""
    rules = Work(recovery=(Fallback(("two",)),))
    async with plant({"one": (Worker, rules), "two": (Worker, None)}) as tree:
        replies = [ask(tree, "one", ["hang", 1.0], f"t{n}") for n in range(3)]
        await tree.system.clock.sleep(1)
        handle, guard = SupervisorHandle(tree.system.ref("top/team")), tree.guard("one")
        await handle.terminate_child("one")
        await handle.delete_child("one")
        outcomes = await asyncio.gather(*replies)
        letters = list(tree.system.dead_letters)
    assert [outcome.status for outcome in outcomes] == ["fallback"] * 3
    assert (dict(guard.deliveries), letters) == ({}, [])


async def test_a_supervisor_that_is_killed_with_tasks_in_hand(plant):
    """Its children's addresses outlive it: their tasks go to their next incarnations."""
    async with plant({"one": (Worker, None)}) as tree:
        replies = [ask(tree, "one", ["hang", "done"], f"t{n}") for n in range(3)]
        for _ in range(3):
            await tree.system.clock.sleep(1)
            tree.system.cells["top/team"].kill(Exit.KILLED)
        outcomes = await asyncio.gather(*replies)
    assert [outcome.status for outcome in outcomes] == ["ok"] * 3


async def test_the_handler_hands_its_task_on(plant):
    """A forwarded task is the other one's, with its own guard; the outcome comes back through both."""

    class Forwarding(Agent):
        def on_receive(self, message):
            self._cell.forward(self.system.cells["top/team/two"])

    async with plant({"one": (Forwarding, Work(attempt_timeout=5.0)), "two": (Worker, None)}) as tree:
        outcome = await tree.run("one", 2.0)
        late = await tree.run("one", 20.0, task="u")
        await tree.system.clock.sleep(5)
        left = [dict(tree.guard(name).deliveries) for name in ("one", "two")]
        busy = tree.cell("two").busy
    assert (outcome.status, outcome.output, [part.agent for part in outcome.parts]) == (
        "ok",
        2.0,
        ["top/team/two", "top/team/one"],
    )
    assert (late.status, left, busy) == ("failed", [{}, {}], False)


async def test_a_stashed_task_has_its_time_from_the_begin_on(plant):
    """It is handled again after the stash; no timer of the first begin ends it."""

    class Later(Agent):
        async def on_receive(self, message):
            if message == "now":
                self.unstash_all()
            elif not getattr(self, "once", False):
                self.once = True
                self.stash()
            else:
                await self.system.clock.sleep(2.0)
                return "done"
            return None

    async with plant({"one": (Later, Work(attempt_timeout=3.0))}) as tree:
        reply = ask(tree, "one", "x")
        await tree.system.clock.sleep(2.0)
        tree.ref("one").tell("now")
        outcome = await reply
    assert (outcome.status, outcome.output, outcome.parts[0].attempts) == ("ok", "done", 1)


async def test_a_reply_that_the_handler_lets_be_cancelled(plant):
    """A handler that passes on a reply which is cancelled has cancelled its task, and says so."""

    class Passing(Actor):
        def on_receive(self, message):
            other = Reply(loop=self._cell.loop)
            self._cell.reply_from(other)
            other.cancel()

    async with plant({"one": (Passing, None)}) as tree:
        outcome = await tree.run("one", "x")
        assert no_account_is_open(tree)
    assert outcome.status == "canceled"
    assert "closed" not in outcome.error


# --- restarts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("intensity", [Intensity(0, 5.0), Intensity(1, 5.0)])
async def test_a_fresh_incarnation_is_not_asked_for_where_it_would_be_one_death_too_many(plant, intensity):
    """`restart` on a hang never takes the supervisor down."""

    class Hung(Agent):
        async def handle(self, task):
            await asyncio.get_running_loop().create_future()

    rules = Work(attempt_timeout=1.0, recovery=(Restart(3), Fallback(("two",))))
    async with plant({"one": (Hung, rules), "two": (Worker, None)}, intensity=intensity) as tree:
        outcome = await tree.run("one", "done")
        life, lives = tree.system.cells["top/team"].incarnation, tree.cell("one").incarnation
    assert (outcome.status, life) == ("fallback", 1)
    assert lives == (1 if intensity.restarts == 0 else 4)


async def test_two_who_ask_for_a_fresh_incarnation_get_one(plant):
    """Nor is a fresh one ended that another task's restart has just brought."""

    class Stuck(Agent):
        expected = (LookupError,)

        async def handle(self, task):
            if self.incarnation == 1:
                raise LookupError("a broken connection in here")
            await self.system.clock.sleep(1.0)
            return self.incarnation

    async with plant({"one": (Stuck, Work(recovery=(Restart(1),)))}) as tree:
        outcomes = await asyncio.gather(*(ask(tree, "one", "x", f"t{n}") for n in range(4)))
        lives = tree.cell("one").incarnation
    assert [(outcome.status, outcome.output) for outcome in outcomes] == [("ok", 2)] * 4
    assert lives == 2


async def test_a_child_that_is_being_restarted_is_not_restarted_again_for_it(plant):
    """A restart that waits is fresh enough."""
    rules = Work(attempt_timeout=1.0, recovery=(Restart(1),))
    backoff = Backoff(initial=10.0, max=10.0, jitter="none")
    async with plant({"one": (Worker, rules)}, backoff=backoff) as tree:
        reply = ask(tree, "one", ["hang", "done"])
        await tree.system.clock.sleep(0.9)
        tree.cell("one").kill()
        outcome = await reply
        lives = tree.cell("one").incarnation
        await tree.system.clock.sleep(60)
        later = tree.cell("one").incarnation
    assert (outcome.status, lives, later) == ("ok", 2, 2)


# --- breakers ---------------------------------------------------------------------------------------------


async def reload(tree, child, work):
    """Gives one child of the team another spec."""
    cell = tree.cell(child)
    spec = ChildSpec(id=child, start=cell.factory, work=work)
    others = [
        ChildSpec(id=name, start=other.factory, work=other.policy)
        for name, other in tree.system.cells["top/team"].children.items()
        if name != child
    ]
    await SupervisorHandle(tree.system.ref("top/team")).reload(
        SupervisorSpec(children=[spec, *others], intensity=Intensity(1000, 1.0))
    )


async def test_a_permit_goes_back_to_the_breaker_that_gave_it(plant):
    """A reload takes the breaker away and brings another: a call that began before counts for none of that."""
    rules = Work(breaker=BreakerSpec(failures=1), recovery=())
    async with plant({"one": (Worker, rules)}) as tree:
        reply = ask(tree, "one", [2.0])
        await tree.system.clock.sleep(1)
        old = tree.guard("one").breaker
        for work in (Work(recovery=()), rules):
            await reload(tree, "one", work)
            tree.guard("one").rules  # noqa: B018 - the new spec is taken over when it is looked at
        new = tree.guard("one").breaker
        tree.cell("one").kill()
        outcome = await reply
        states = [breaker.view(tree.now).state for breaker in (old, new)]
    assert outcome.status == "failed"
    assert states == ["open", "closed"]


async def test_what_waits_in_the_mailbox_when_the_breaker_opens_is_not_begun(plant):
    """They go down their ladder at once, and are no attempts."""
    rules = Work(breaker=BreakerSpec(failures=2, cooldown=100.0), recovery=(Fallback(("two",)),))
    async with plant({"one": (Worker, rules), "two": (Worker, None)}) as tree:
        steps_ = [[ConnectionError("gone")], [ConnectionError("gone")], [1.0], [1.0], [1.0]]
        outcomes = await asyncio.gather(*(ask(tree, "one", step, f"t{n}") for n, step in enumerate(steps_)))
        view = tree.guard("one").breaker.view(tree.now)
    assert [outcome.status for outcome in outcomes[2:]] == ["fallback"] * 3
    assert [part.attempts for outcome in outcomes[2:] for part in outcome.parts if part.agent.endswith("one")] == []
    assert (view.state, view.failures) == ("open", 2)
    assert begun(tree, "one") == ["t0", "t1"]


async def test_one_probe_at_a_time_also_from_the_mailbox(plant):
    """After the cooldown one call is tried, however many come: the others are turned away or wait for its success."""
    rules = Work(breaker=BreakerSpec(failures=1, cooldown=5.0), recovery=())
    async with plant({"one": (Worker, rules)}) as tree:
        await tree.run("one", [ConnectionError("gone")])
        await tree.system.clock.sleep(6)
        outcomes = await asyncio.gather(*(ask(tree, "one", [2.0], f"t{n}") for n in range(4)))
        changes = [event.now for event in tree.told(BreakerChanged)]
    assert [outcome.status for outcome in outcomes] == ["ok", "failed", "failed", "failed"]
    assert changes == ["open", "half_open", "closed"]


async def test_a_probe_that_is_refused_for_its_budget_gives_its_place_back(plant):
    """Whoever comes next is the probe."""
    rules = Work(
        breaker=BreakerSpec(failures=1, cooldown=5.0),
        budgets=(Budget(limits=Limits(cost=1.0), per="task", call=Limits(cost=1.0)),),
        recovery=(),
    )

    class Dear(Worker):
        async def handle(self, task):
            if task.input == "dear":
                self.charge(Usage(cost=1.0))
                raise ConnectionError("gone")
            return "done"

    async with plant({"one": (Dear, rules)}) as tree:
        await tree.run("one", "dear", trace="r")
        hold = accounts_of(tree.system).enter(Task("r", "keeps the request open"))
        await tree.system.clock.sleep(6)
        tree.guard("one").ledgers.of("r", 0.0, accounts_of(tree.system).bank)[0]._spent["cost"] = 10**12
        refused = await tree.run("one", "x", trace="r")
        done = await tree.run("one", "x")
        accounts_of(tree.system).leave(Task("r", ""))
        assert hold is not None
    assert (refused.failure, done.status) == ("exhausted", "ok")


async def test_a_judge_that_hangs_at_the_deadline_is_no_failure_of_the_childs(plant):
    """The child has answered in time: its breaker and its health do not count what the judge did."""

    async def hangs(output, task):
        await asyncio.get_running_loop().create_future()

    rules = Work(judges=(FunctionJudge(hangs),), breaker=BreakerSpec(failures=1))
    async with plant({"one": (Worker, rules)}) as tree:
        outcome = await tree.run("one", "x", deadline=2.0)
        view, failed = tree.guard("one").breaker.view(tree.now), tree.guard("one").stats.failed(tree.now)
    assert (outcome.status, outcome.output) == ("failed", None)
    assert (view.state, view.failures, failed) == ("closed", 0, 0)


# --- the desk ----------------------------------------------------------------------------------------------


def with_desk(ladder, **fields):
    return {"one": (Worker, Work(recovery=ladder, **fields)), "desk": (Desk, None)}


async def test_the_deadline_comes_while_a_person_is_waited_for(plant):
    """The case is there, and the outcome names it: the answer may arrive later."""
    async with plant(with_desk((Escalate(wait=100.0),))) as tree:
        outcome = await tree.run("one", [RuntimeError("oh")], deadline=10.0)
        now = tree.now
    assert (outcome.status, outcome.output, now) == ("needs_human", {"case": "case-1"}, 10.0)
    assert outcome.rung == "escalate"


async def test_the_desk_ends_while_a_person_is_waited_for(plant):
    """A desk that has lost its cases with its incarnation leaves a person needed, not an error of its own."""
    async with plant(with_desk((Escalate(wait=100.0),))) as tree:
        reply = ask(tree, "one", [RuntimeError("oh")])
        await tree.system.clock.sleep(1)
        tree.cell("desk").kill()
        outcome = await reply
        lives = tree.cell("desk").incarnation
    assert (outcome.status, lives) == ("needs_human", 2)


async def test_a_desk_that_hangs_keeps_nobody_beyond_the_deadline(plant):
    """It is a child like any other."""

    class Hung(Actor):
        handles = (DESK,)

        async def on_receive(self, message):
            await asyncio.get_running_loop().create_future()

    async with plant({"one": (Worker, Work(recovery=(Escalate(),))), "desk": (Hung, None)}) as tree:
        outcome = await tree.run("one", [RuntimeError("oh")], deadline=5.0)
        now = tree.now
    assert (outcome.status, now) == ("failed", 5.0)


async def test_a_desk_that_is_being_restarted_gets_the_case(plant):
    """Its address takes messages meanwhile."""
    backoff = Backoff(initial=10.0, max=10.0, jitter="none")
    async with plant(with_desk((Escalate(),)), backoff=backoff) as tree:
        tree.cell("desk").kill()
        await tree.system.clock.sleep(1)
        outcome = await tree.run("one", [BaseExceptionGroup("oh", [ValueError("oh")])])
    assert (outcome.status, outcome.output) == ("needs_human", {"case": "case-1"})


async def test_what_went_round_in_circles_can_be_put_on_a_desk(plant):
    """The desk passes nothing on: it takes also what was passed on too often."""
    async with plant(with_desk((Escalate(),))) as tree:
        outcome = await tree.run("one", "x", hops=17)
    assert (outcome.status, outcome.output) == ("needs_human", {"case": "case-1"})


async def test_a_desk_that_nobody_guards_may_fail_in_any_way(plant):
    """A person is needed all the same."""

    class Odd(Actor):
        handles = (DESK,)
        expected = (LookupError,)

        def on_receive(self, message):
            raise LookupError("no pen")

    async with plant({"one": (Worker, Work(recovery=(Escalate(to="odd-1"),)))}) as tree:
        ref = tree.system.spawn(Odd)
        outcome = await tree.run("one", [RuntimeError("oh")])
    assert (ref.path, outcome.status) == ("odd-1", "needs_human")
    assert "no pen" in outcome.error


async def test_a_told_task_that_no_desk_took_is_a_dead_letter(plant):
    """A person is needed, and nobody waits: it is not lost in silence."""
    async with plant({"one": (Worker, Work(recovery=(Escalate(),)))}) as tree:
        tree.ref("one").tell(Task("t", [RuntimeError("oh")]))
        await tree.system.clock.sleep(1)
        letters = [(letter.message.id, letter.reason) for letter in tree.system.dead_letters]
    assert letters == [("t", "needs_human")]


# --- others that get the task --------------------------------------------------------------------------------


async def test_a_fallback_that_nobody_guards_may_fail_in_any_way(plant):
    """The ladder goes on with the next one."""

    class Odd(Actor):
        expected = (LookupError,)

        def on_receive(self, message):
            raise LookupError("no pen")

    rules = Work(recovery=(Fallback(("odd-1", "two")),))
    async with plant({"one": (Worker, rules), "two": (Worker, None)}) as tree:
        tree.system.spawn(Odd)
        outcome = await tree.run("one", [RuntimeError("oh"), "done"])
    assert (outcome.status, outcome.output) == ("fallback", "done")


def pool_of(size, route="round_robin", work=None, cls=Worker):
    member = ChildSpec(id="member", start=cls, work=work or Work())
    spec = PoolSpec(child=member, size=size, route=route, intensity=Intensity(1000, 1.0))
    return ChildSpec(id="pool", start=Factory(Pool, (spec,)), type="supervisor")


async def with_pool(tree, *args, **kwargs):
    await SupervisorHandle(tree.system.ref("top/team")).start_child(pool_of(*args, **kwargs))


async def test_a_fallback_that_is_a_pool(plant):
    """One of its members gets the task."""
    rules = Work(recovery=(Fallback(("pool",)),))
    async with plant({"one": (Worker, rules)}) as tree:
        await with_pool(tree, 2)
        outcomes = [await tree.run("one", [RuntimeError("oh"), "done"], task=f"t{n}") for n in range(2)]
    assert [outcome.status for outcome in outcomes] == ["fallback", "fallback"]
    assert [outcome.parts[-1].agent for outcome in outcomes] == ["top/team/pool/1", "top/team/pool/2"]


async def test_every_member_of_a_broadcast_has_attempts_of_its_own(plant):
    """Ten members get a task that may be tried eight times: each of them does."""
    async with plant({}) as tree:
        await with_pool(tree, 10, "broadcast", Work(recovery=(ONCE_MORE,)))
        answers = await tree.system.ref("top/team/pool").ask(Task("t", [ConnectionError("gone"), "done"]), block=False)
    assert [(one.status, one.parts[0].attempts) for one in answers] == [("ok", 2)] * 10


async def test_a_pool_that_shrinks_while_tasks_wait(plant):
    """What waits for a member that goes is another one's; each task ends once."""
    async with plant({}) as tree:
        await with_pool(tree, 3)
        pool = tree.system.ref("top/team/pool")
        replies = [pool.ask(Task(f"t{n}", 1.0), block=False) for n in range(9)]
        await tree.system.clock.sleep(0.5)
        await SupervisorHandle(pool).resize(1)
        outcomes = await asyncio.gather(*replies)
        letters, again = list(tree.system.dead_letters), begun(tree)
        assert no_account_is_open(tree)
    assert [outcome.status for outcome in outcomes] == ["ok"] * 9
    assert (letters, sorted(again)) == ([], [f"t{n}" for n in range(9)])


# --- the same task twice -----------------------------------------------------------------------------------------


async def test_the_same_task_twice_at_the_same_time_has_its_attempts_once(plant):
    """Both wait for the same budget, and then try in turn: together no more often than the task may be."""
    budget = Budget(limits=Limits(cost=100.0), per="life")
    rules = Work(recovery=(Retry(9, initial=0.001, max=0.001, jitter="none"),), budgets=(budget,))
    async with plant({"one": (Worker, rules)}) as tree:
        outcomes = await asyncio.gather(
            *(ask(tree, "one", [ConnectionError("gone")], max_attempts=3) for _ in range(4))
        )
    assert len(begun(tree)) == 3
    assert {outcome.status for outcome in outcomes} == {"failed"}


# --- who charges what -----------------------------------------------------------------------------------------------


async def test_a_handler_that_was_abandoned_charges_its_own_attempt(plant):
    """What it spends after its end is not the next task's."""

    class Deaf(Agent):
        async def handle(self, task):
            if task.input == "deaf":
                until = self.system.clock.monotonic() + 10
                while (left := until - self.system.clock.monotonic()) > 0:
                    with contextlib.suppress(asyncio.CancelledError):
                        await self.system.clock.sleep(left)
                self.charge(Usage(cost=5.0))
            else:
                await self.system.clock.sleep(20)
            return "done"

    async with plant({"one": (Deaf, Work(recovery=()))}) as tree:
        await tree.run("one", "deaf", deadline=1.0)
        outcome = await tree.run("one", "x", task="u")
    assert (outcome.status, outcome.usage) == ("ok", Usage())


async def test_who_goes_on_although_the_budget_is_spent_is_stopped(plant):
    """A handler that takes no notice of `BudgetExceeded` has one more call, and then nobody waits for it."""

    class Stubborn(Agent):
        async def handle(self, task):
            for _ in range(20):
                with contextlib.suppress(BudgetExceeded):
                    self.charge(Usage(cost=1.0))
                self.progress("half of it")
                await self.system.clock.sleep(0.1)
            return "done"

    budget = Budget(limits=Limits(cost=3.0), per="life")
    async with plant({"one": (Stubborn, Work(budgets=(budget,), recovery=()))}) as tree:
        outcome = await tree.run("one", "x")
        await tree.system.clock.sleep(10)
        (view,) = tree.guard("one").view(tree.now).budgets
        phase = tree.cell("one").phase
    assert (outcome.status, outcome.failure) == ("partial", "exhausted")
    assert view.spent.cost <= 5.0
    assert phase is Phase.RUNNING


async def test_outcomes_that_are_no_outcome_of_the_task(plant):
    """An outcome with another task's id is the task's own in the end."""
    async with plant({"one": (Worker, None)}) as tree:
        outcome = await tree.run("one", Outcome("another", "ok", "done"))
    assert (outcome.task_id, outcome.output) == ("t", "done")


# --- stopped, and asked as one ------------------------------------------------------------------------


async def test_what_waits_for_a_child_that_is_stopped_goes_down_the_ladder(plant):
    """A child is stopped for good while tasks wait in its mailbox: they are not kept for a day that may never come."""
    rules = Work(recovery=(Fallback(("two",)),))
    async with plant({"one": (Worker, rules), "two": (Worker, None)}) as tree:
        replies = [ask(tree, "one", 1.0, f"t{n}") for n in range(3)]
        await tree.system.clock.sleep(0.5)
        await stopped(tree, "one")
        outcomes = await asyncio.gather(*replies)
        letters = list(tree.system.dead_letters)
    assert [outcome.status for outcome in outcomes] == ["ok", "fallback", "fallback"]
    assert letters == []


async def test_what_waits_for_a_supervisor_that_is_stopped_goes_down_the_ladder(plant):
    """So it is with the children of a supervisor that is stopped."""
    rules = Work(recovery=())
    async with plant({"one": (Worker, rules)}) as tree:
        replies = [ask(tree, "one", 1.0, f"t{n}") for n in range(3)]
        await tree.system.clock.sleep(0.5)
        await SupervisorHandle(tree.system.ref("top")).terminate_child("team")
        outcomes = await asyncio.gather(*replies)
    assert [outcome.status for outcome in outcomes] == ["ok", "failed", "failed"]


async def test_a_task_of_a_class_of_its_own_is_guarded_too(plant):
    """Whatever is a `Task` is one."""

    class Order(Task):
        """A task."""

    judged = []
    judge = FunctionJudge(lambda output, task: judged.append(output), name="noted")
    async with plant({"one": (Worker, Work(judges=(judge,)))}) as tree:
        outcome = await tree.ref("one").ask(Order("t", "x"), block=False)
    assert (outcome.status, judged) == ("ok", ["x"])


@pytest.mark.parametrize(
    ("input_", "status", "output"),
    [
        ("done", "fallback", ["done", "done"]),
        ([RuntimeError("oh"), RuntimeError("oh")], "failed", None),
    ],
)
async def test_a_fallback_that_is_a_broadcast(plant, input_, status, output):
    """What all members make of it is one outcome: of them all, or none if none of them did it."""

    class Lost(Agent):
        def handle(self, task):
            raise ConnectionError("gone")

    rules = Work(recovery=(Fallback(("pool",)),))
    async with plant({"one": (Lost, rules)}) as tree:
        await with_pool(tree, 2, "broadcast", Work(recovery=()))
        outcome = await tree.run("one", input_)
    assert (outcome.status, outcome.output) == (status, output)
    assert [part.agent for part in outcome.parts][-2:] == (
        ["top/team/pool/1", "top/team/pool/2"] if status == "fallback" else [outcome.parts[-2].agent, "top/team/one"]
    )


async def test_the_outcomes_of_a_broadcast_are_one_to_whoever_delivers(plant):
    """Some members did it, some did not: that is partial, with all that each has said."""

    class Half(Agent):
        def handle(self, task):
            self.charge(Usage(input_tokens=1))
            if self.path.endswith("2"):
                raise ConnectionError("gone")
            return "done"

    async with plant({}) as tree:
        await with_pool(tree, 2, "broadcast", Work(recovery=()), cls=Half)
        outcome = await deliver(tree.system.ref("top/team/pool"), Task("t", "x"))
    assert (outcome.status, outcome.output, outcome.usage.input_tokens) == ("partial", ["done", None], 2)
    assert "gone" in outcome.error


@pytest.mark.parametrize(
    ("answer", "status", "output"),
    [
        ("done", None, None),
        ([], None, None),
        ([Outcome("t", "ok", "a"), "b"], None, None),
        (Outcome("t", "failed", error="oh"), "failed", None),
        ([Outcome("t", "ok", "a"), Outcome("t", "fallback", "b")], "ok", ["a", "b"]),
        ([Outcome("t", "ok"), Outcome("t", "failed", error="oh")], "partial", [None, None]),
        ([Outcome("t", "failed", "half", error="oh"), Outcome("t", "canceled")], "partial", ["half", None]),
        ([Outcome("t", "needs_human", error="why"), Outcome("t", "failed", error="oh")], "failed", None),
    ],
)
def test_what_is_said_in_an_answer(answer, status, output):
    """An outcome, one of several, or none."""
    made = said_in("t", answer)
    assert (made and made.status, made and made.output) == (status, output)
