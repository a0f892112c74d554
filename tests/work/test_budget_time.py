"""The time that a budget pays for is that of work: not that of waiting for room in it."""

from __future__ import annotations

import asyncio

from treeward.agents.agent import Agent
from treeward.runtime.usage import Limits
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.work.policy import Work

DAILY = Budget(limits=Limits(seconds=60.0), per="day")


class Worker(Agent):
    """Works for two seconds."""

    async def handle(self, task):
        await self.system.clock.sleep(2.0)
        return task.input


async def test_the_wait_for_room_costs_nothing(plant):
    """Three tasks at once, of which the budget lets one work at a time, cost the two seconds of each."""
    async with plant({"worker": (Worker, Work(budgets=(DAILY,)))}) as tree:
        outcomes = await asyncio.gather(*(tree.run("worker", n, task=f"t{n}") for n in range(3)))
        (ledger,) = tree.guard("worker").view(tree.now).budgets
        assert [outcome.seconds for outcome in outcomes] == [2.0, 4.0, 6.0]
        assert ledger.spent.seconds == 6.0
