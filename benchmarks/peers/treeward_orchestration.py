"""Treeward's flows, as a user writes them: agents in a tree, behind `Runtime.run`, with everything that it offers.

Each of the 5 workers and 4 stages has a time limit, a circuit breaker and a judge that holds a schema against its
output; each request has a deadline, and one outcome. The 5 parts at the same time are those of an `Orchestrator`; the
4 steps in turn are asked for by an agent, of one stage after the other.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from treeward import Agent, Orchestrator, Runtime, Subtask, Task, load_tree

from ..orchestration import STAGES, WORKERS, Flows, joined, model, part, programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from ..measure import Program

VERSION = f"Treeward {version('treeward')}"

TREE = """
treeward: 1
name: flows
policies:
  breaker:
    patient: {failures: 5, within: 2m, cooldown: 30s}
  judges:
    text: [{schema: {type: string, minLength: 1}}]
tree:
  supervisor: flows
  children:
    - supervisor: workers
      children:
WORKERS
    - supervisor: stages
      children:
STAGES
    - {agent: orchestrator, use: "benchmarks.peers.treeward_orchestration:Parallel"}
    - {agent: line, use: "benchmarks.peers.treeward_orchestration:Line"}
entry: orchestrator
"""

CHILD = """\
        - agent: NAME
          use: benchmarks.peers.treeward_orchestration:Worker
          handles: [NAME]
          timeout: 30s
          breaker: patient
          judges: text
"""


class Worker(Agent):
    """Asks its model what it is asked."""

    async def handle(self, task: Task) -> str:
        """Returns what that says."""
        return await model(task.input)


class Parallel(Orchestrator):
    """Has a task done in parts, at the same time."""

    def decompose(self, task: Task, labels: Any) -> list[Subtask]:  # noqa: ARG002 - its signature
        """Returns one for each worker."""
        return [Subtask(f"worker-{k}", part(task.input, k)) for k in range(WORKERS)]

    def aggregate(self, task: Task, results: Sequence[Any]) -> str:  # noqa: ARG002 - its signature
        """Joins what they say."""
        return joined([result.output for result in results])


class Line(Agent):
    """Has a task done in steps: what a stage says is what the next one is asked."""

    async def handle(self, task: Task) -> str:
        """Returns what the last one says."""
        said = task.input
        for k in range(STAGES):
            step = task.part(f"{task.id}/{k}", f"stage-{k}", said)
            said = (await self.stages[k].ask(step)).output
        return str(said)

    def on_start(self) -> None:
        """Looks for the stages; their refs outlive restarts."""
        self.stages: list[Any] = [self.system.ref(f"flows/stages/stage-{k}") for k in range(STAGES)]


def tree() -> str:
    """Returns the tree, with as many workers and stages as there are to be."""

    def children(name: str, count: int) -> str:
        return "".join(CHILD.replace("NAME", f"{name}-{k}") for k in range(count)).rstrip()

    return TREE.replace("WORKERS", children("worker", WORKERS)).replace("STAGES", children("stage", STAGES))


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Runs the tree."""
    async with Runtime(load_tree(tree(), allow=["benchmarks"]), allow=["benchmarks"]) as runtime:

        async def orchestrate(task: str) -> Any:
            return (await runtime.run(task, deadline=60)).output

        async def pipe(task: str) -> Any:
            return (await runtime.run(task, to="flows/line", deadline=60)).output

        yield Flows(orchestrate, pipe)


PROGRAMS: dict[str, Program] = programs(opened, "a deadline, a breaker and a schema judge on every worker")
