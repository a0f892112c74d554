"""Treeward: tasks for one supervised agent, with a deadline, a breaker and a judge."""

# ruff: noqa: D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from treeward.agents.agent import Agent
from treeward.runtime.actor import Factory
from treeward.runtime.task import Task
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.judges.schema import SchemaJudge
from treeward.supervisors.spec import ChildSpec, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor
from treeward.supervisors.work.policy import Work

from ..measure import clock, grown, resident, trips
from .treeward_actors import supervisor

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from treeward.runtime.ref import Ref

    from ..measure import Measured, Program

GUARDED = Work(timeout=3600.0, breaker=BreakerSpec(), judges=(SchemaJudge({"type": "string"}),))
WARM_UP = 200
"""Tasks before those whose traces in memory are looked for."""


class Writer(Agent):
    """Answers with the input."""

    def handle(self, task: Task) -> Any:
        """Answers."""
        return task.input


class Waiter(Agent):
    """Never answers."""

    async def handle(self, task: Task) -> None:  # noqa: ARG002 - what it is about does not matter
        """Waits for good."""
        await asyncio.get_running_loop().create_future()


@asynccontextmanager
async def employed(agent: type[Agent]) -> AsyncIterator[Ref[Any]]:
    """Runs a supervisor with one guarded agent."""
    spec = SupervisorSpec(children=[ChildSpec(id="agent", start=Factory(agent), shutdown="brutal_kill", work=GUARDED)])
    async with supervisor(Supervisor, spec) as (system, _):
        ref = system.ref("root/agent")
        assert ref is not None
        yield ref


async def task(n: int) -> Measured:
    async with employed(Writer) as ref:
        await _done(ref, WARM_UP)
        return trips(await _done(ref, n))


async def memory_finished(n: int) -> Measured:
    async with employed(Writer) as ref:
        await _done(ref, WARM_UP)
        before, begun = resident(), clock()
        await _done(ref, n)
        return grown(n, before, clock() - begun)


async def _done(ref: Ref[Any], n: int) -> list[float]:
    times = []
    for i in range(n):
        begun = clock()
        outcome = await ref.ask(Task(f"task-{i}", "a text"))
        times.append(clock() - begun)
        assert outcome.status == "ok", outcome
    return times


async def memory_waiting(n: int) -> Measured:
    async with employed(Waiter) as ref:
        before, begun = resident(), clock()
        replies = [ref.ask(Task(f"task-{i}", "a text"), block=False) for i in range(n)]
        await asyncio.sleep(0.1)
        measured = grown(n, before, clock() - begun)
        assert not any(reply.done() for reply in replies)
        return measured


PROGRAMS: dict[str, Program] = {
    "task": task,
    "memory_waiting": memory_waiting,
    "memory_finished": memory_finished,
}
