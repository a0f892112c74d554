"""Crashes on purpose: what they hit, and that the tree mends them."""

from __future__ import annotations

import pytest

from treeward.agents.agent import Agent
from treeward.agents.calls import ToolCall
from treeward.agents.delivery import deliver
from treeward.agents.errors import InjectedCrash, UnknownAgent
from treeward.agents.faults import crash_once
from treeward.agents.profile import Profile
from treeward.agents.tools import IdempotencyKey, tool
from treeward.runtime.faults import Afterwards, arm
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.runtime.telemetry import ActorEnded


class Bank(Agent):
    """Keeps its book outside of itself, as a database would."""

    book: dict = {}  # noqa: RUF012 - shared by all incarnations, emptied by each test

    @tool(effect=True)
    def refund(self, payment: int, key: IdempotencyKey) -> int:
        """Gives a payment back, once for each key."""
        self.book.setdefault(key, payment)
        return payment

    @tool
    def find(self) -> int:
        """Finds a payment."""
        return 7


class Clerk(Agent):
    async def handle(self, task):
        found = await self.call("bank.find")
        return [task.attempt, found if task.input == "look" else await self.call("bank.refund", payment=found)]


TREE = {"bank": (Bank,), "clerk": (Clerk, Profile(tools=("bank.*",)))}


@pytest.fixture(autouse=True)
def empty_book():
    Bank.book.clear()


def deaths(tree):
    return [
        (event.path, event.reason.point) for event in tree.told(ActorEnded) if isinstance(event.reason, InjectedCrash)
    ]


@pytest.mark.parametrize(
    ("who", "asked", "attempt", "point"),
    [
        ("clerk", "refund", 2, "tool.call of bank.refund"),
        ("clerk", "look", 2, "actor.handle"),
        ("bank", "refund", 1, "tool.serve of bank.find"),
        ("top/clerk", "look", 2, "actor.handle"),
    ],
    ids=["after its effect", "without an effect at the end", "the owner of a tool", "by its path"],
)
async def test_an_agent_dies_in_the_middle(grow, who, asked, attempt, point):
    """The next task of the agent is hit once; the answer is the same, and the effect is there once."""
    async with grow(TREE) as tree:
        fault = crash_once(tree.system, who)
        assert not fault.fired
        outcome = await deliver(tree.ref("clerk"), Task("t", asked))
        again = await deliver(tree.ref("clerk"), Task("u", asked))
        assert fault.fired
        assert deaths(tree) == [(f"top/{who.removeprefix('top/')}", point)]
    assert (outcome.status, outcome.output) == ("ok", [attempt, 7])
    assert (again.output, again.parts[0].attempts) == ([1, 7], 1)
    assert len(Bank.book) == (2 if asked == "refund" else 0)


@pytest.mark.parametrize("who", ["clark", "top", "nobody at all"])
async def test_only_an_agent_can_be_named(grow, who):
    """A name that no agent has is an error with the nearest one; a supervisor is no agent."""
    async with grow(TREE) as tree:
        with pytest.raises(UnknownAgent, match="did you mean clerk" if who == "clark" else "by its id or its path"):
            crash_once(tree.system, who)


async def test_nothing_is_looked_at_where_nothing_is_armed(grow):
    """Without a fault no visit is even made; what was armed can be taken back."""
    async with grow(TREE) as tree:
        seen = []
        disarm = arm(tree.system, Afterwards(seen.append))
        await deliver(tree.ref("clerk"), Task("t", "refund"))
        disarm()
        assert tree.system.faults is None
        await deliver(tree.ref("clerk"), Task("u", "refund"))
    assert [
        (visit.point.name, visit.path, visit.name, visit.effect)
        for visit in seen
        if visit.path != "top" and isinstance(visit.message, Task | ToolCall)
    ] == [
        ("tool.serve", "top/bank", "bank.find", False),
        ("actor.handle", "top/bank", "", False),
        ("tool.call", "top/clerk", "bank.find", False),
        ("tool.serve", "top/bank", "bank.refund", True),
        ("actor.handle", "top/bank", "", False),
        ("tool.call", "top/clerk", "bank.refund", True),
        ("actor.handle", "top/clerk", "", False),
    ]


async def test_faults_are_taken_back_one_by_one(grow):
    """Several faults see every visit; taking one back leaves the others armed."""
    async with grow(TREE) as tree:
        first, second = [], []
        disarm_first, disarm_second = (
            arm(tree.system, Afterwards(first.append)),
            arm(tree.system, Afterwards(second.append)),
        )
        disarm_first()
        await deliver(tree.ref("clerk"), Task("t", "look"))
        disarm_second()
        disarm_second()
    assert (first, len(second)) == ([], 4)
    assert {visit.point.name for visit in second} == {"actor.handle", "tool.call", "tool.serve"}


async def test_faults_belong_to_one_system(grow):
    """A fault hits the actors of its own system, not those of another one in the process."""
    async with grow(TREE) as tree, ActorSystem(blocked_after=None) as other:
        arm(other, Afterwards(lambda visit: pytest.fail("hit")))
        outcome = await deliver(tree.ref("clerk"), Task("t", "refund"))
    assert outcome.status == "ok"
