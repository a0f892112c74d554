"""What a request has cost: all tries of all agents, each once, however they were asked and whatever became of them."""

from __future__ import annotations

import asyncio

import pytest

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.agents.desk import Desk
from treeward.agents.orchestrator import Orchestrator
from treeward.agents.plan import Subtask
from treeward.runtime.actor import Factory
from treeward.runtime.evidence import Verdict
from treeward.runtime.task import Outcome, Task, Usage
from treeward.runtime.usage import Limits
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.judges.agent_judge import AgentJudge
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.spec import ChildSpec, Intensity
from treeward.supervisors.work.ladder import Escalate, Fallback, Restart, Retry, Revise
from treeward.supervisors.work.policy import Work

SPENT = "spent"
AGAIN = Work(recovery=(Retry(3, jitter="none"),))


def spend(agent, tokens, *, by_charge=True):
    """Spends, and enters it into the true books."""
    agent.system.__dict__.setdefault(SPENT, []).append((agent.path.rpartition("/")[2], tokens))
    if by_charge:
        agent.charge(Usage(input_tokens=tokens))
    return Usage(input_tokens=tokens)


class Worker(Agent):
    """Spends 10 tokens an attempt, and does what its input says."""

    async def handle(self, task):
        spend(self, 10)
        steps = task.input if isinstance(task.input, list) else ["done"]
        step = steps[min(task.attempt, len(steps)) - 1]
        if isinstance(step, BaseException):
            raise type(step)(*step.args)
        if step == "hang":
            await asyncio.get_running_loop().create_future()
        return step


class Hand(Worker):
    """One that an orchestrator finds."""

    handles = ("work",)


class Teller(Agent):
    """Says in its outcome what it has spent, and not before."""

    async def handle(self, task):
        return Outcome(task.id, "ok", "done", usage=spend(self, 7, by_charge=False))


class Critic(Agent):
    """Judges, for 3 tokens."""

    def handle(self, task):
        spend(self, 3)
        return "bad" not in repr(task.input["output"])


class Boss(Agent):
    """Asks those whom its input names, at the same time, spends 5 tokens, and does what is said for the attempt."""

    tells = True

    async def handle(self, task):
        ask, *steps = task.input

        async def one(number, name, asked):
            part = task.part(self.system.entropy.new_id(), f"{number}", asked)
            return await deliver(self.system.ref(f"top/team/{name}"), part)

        outcomes = await asyncio.gather(*(one(number, *each) for number, each in enumerate(ask)))
        spend(self, 5)
        step = steps[min(task.attempt, len(steps)) - 1]
        if isinstance(step, BaseException):
            raise type(step)(*step.args)
        if not self.tells:
            return step
        parts = tuple(part for outcome in outcomes for part in outcome.parts)
        return Outcome(task.id, "ok", step, parts, sum((outcome.usage for outcome in outcomes), Usage()))


class Silent(Boss):
    """Says nothing of those whom it has asked."""

    tells = False


class Chief(Orchestrator):
    """An orchestrator like any other."""

    def decompose(self, task, labels):
        return [Subtask("work", id=name, input=asked) for name, asked in task.input]


ONCE_MORE = (Revise(1),)


def judged(*judges, rungs=ONCE_MORE):
    return Work(judges=judges, recovery=rungs)


def not_bad(output, task):
    return Verdict("not bad", "bad" not in repr(output), usage=Usage(input_tokens=2))


CHILDREN = {
    "worker": (Worker, AGAIN),
    "other": (Worker, AGAIN),
    "teller": (Teller, None),
    "critic": (Critic, None),
    "boss": (Boss, AGAIN),
    "silent": (Silent, AGAIN),
    "nested": (Boss, AGAIN),
    "falling": (Worker, Work(recovery=(Fallback(("other",)),))),
    "careful": (Worker, judged(AgentJudge("critic", "Is it good?"))),
    "checked": (Worker, judged(FunctionJudge(not_bad, name="not bad"))),
    "careful-boss": (Boss, judged(AgentJudge("critic", "Is it good?"))),
    "hasty": (Worker, Work(attempt_timeout=1.0, recovery=(Restart(1),))),
    "thrifty": (
        Worker,
        Work(budgets=(Budget(limits=Limits(tokens=10), per="life", cheaper="other", demote_at=1.0),), recovery=()),
    ),
    "lost": (Worker, Work(recovery=(Escalate(),))),
    "hand": (Hand, AGAIN),
    "chief": (Chief, AGAIN),
    "desk": (Desk, None),
}
GONE, OH = ConnectionError("gone"), RuntimeError("oh")
REQUESTS = {
    "done": ("worker", ["done"], 10),
    "crashed once": ("worker", [GONE, "done"], 20),
    "failed for good": ("worker", [GONE], 40),
    "said, not charged": ("teller", "x", 7),
    "a fallback": ("falling", [OH, "done"], 20),
    "a hang": ("hasty", ["hang", "done"], 20),
    "the cheaper one": ("thrifty", ["done"], 10),
    "the desk": ("lost", [OH], 10),
    "parts": ("boss", [[("worker", "x"), ("other", "x"), ("teller", "x")], "done"], 32),
    "parts that crash": ("boss", [[("worker", [GONE, "done"]), ("falling", [OH, "done"])], "done"], 45),
    "a boss that crashes": ("boss", [[("worker", "x"), ("teller", "x")], GONE, "done"], 44),
    "a boss that fails for good": ("boss", [[("worker", "x")], GONE], 60),
    "a boss that says nothing": ("silent", [[("worker", "x"), ("teller", "x")], "done"], 22),
    "a silent boss that crashes": ("silent", [[("worker", "x")], GONE, "done"], 30),
    "bosses of bosses": ("boss", [[("nested", [[("worker", [GONE, "done"])], GONE, "done"])], "done"], 45),
    "a judge that is an agent": ("careful", ["good"], 13),
    "a judge that rejects": ("careful", ["bad", "good"], 26),
    "a judge that rejects for good": ("careful", ["bad"], 26),
    "a judge that costs": ("checked", ["bad", "good"], 24),
    "a boss who is judged": ("careful-boss", [[("worker", "x"), ("careful", ["good"])], "bad", "good"], 62),
    "an orchestrator": ("chief", [("a", [GONE, "done"]), ("b", ["done"])], 30),
}
"""Who is asked for what, and what that costs in all."""


@pytest.mark.parametrize("name", REQUESTS)
async def test_usage_is_all_that_was_spent(plant, name):
    """The outcome of the request has it all, each amount once; and so have its parts together."""
    who, asked, tokens = REQUESTS[name]
    async with plant(CHILDREN) as tree:
        outcome = await tree.run(who, asked)
        spent = sum(amount for _, amount in tree.system.__dict__[SPENT])
    by_judges = 4 if name == "a judge that costs" else 0
    assert outcome.usage.input_tokens == spent + by_judges == tokens
    assert sum(part.usage.input_tokens for part in outcome.parts) == outcome.usage.input_tokens, outcome.parts


async def test_what_is_spent_by_the_deadline_counts(plant):
    """A request that is cut off has cost what all those have spent who were at it."""
    async with plant(CHILDREN) as tree:
        outcome = await tree.run("boss", [[("worker", ["hang"]), ("careful", ["good"])], "done"], deadline=3.0)
    assert (outcome.status, outcome.usage.input_tokens) == ("failed", 23)


async def test_members_of_a_broadcast_have_each_spent_their_own(plant):
    """The list of outcomes adds up to what all of them have spent."""
    async with plant({}) as tree:
        spec = PoolSpec(
            child=ChildSpec(id="member", start=Worker, work=AGAIN),
            size=3,
            route="broadcast",
            intensity=Intensity(1000, 1.0),
        )
        pool = ChildSpec(id="pool", start=Factory(Pool, (spec,)), type="supervisor")
        await SupervisorHandle(tree.system.ref("top/team")).start_child(pool)
        answers = await tree.system.ref("top/team/pool").ask(Task("t", [GONE, "done"]), block=False)
    assert [answer.usage.input_tokens for answer in answers] == [20, 20, 20]


async def test_a_request_that_is_sent_twice_costs_what_each_has_spent(plant):
    """Two callers of the same task at the same time: what one has spent is not the other's."""
    async with plant(CHILDREN) as tree:
        outcomes = await asyncio.gather(tree.run("worker", ["done"]), tree.run("worker", ["done"]))
    assert [outcome.usage.input_tokens for outcome in outcomes] == [10, 10]


async def test_the_ledger_has_what_the_outcome_has(plant):
    """The budget of all below a supervisor counts each amount once, too."""
    life = Work(budgets=(Budget(limits=Limits(tokens=10000), per="life"),))
    spent = 0
    for who, asked, _ in REQUESTS.values():
        async with plant(CHILDREN, team=life) as tree:
            outcome = await tree.run(who, asked)
            (view,) = tree.system.cells["top/team"].guard.view(tree.now).budgets
            spent = view.spent.tokens
        assert spent == outcome.usage.input_tokens, who
