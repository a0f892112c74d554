"""CrewAI's flows: two `Flow`s, its event-driven orchestration, whose methods await the model.

In one, 5 methods listen to the first and one to all of them; in the other, 4 methods listen to one another. A `Flow`
holds the state of its run, so each task gets a new one. Its telemetry, tracing and events are off.
"""

from __future__ import annotations

import os
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

os.environ.update(  # before the import, at which it looks at them
    CREWAI_DISABLE_TELEMETRY="true",
    CREWAI_DISABLE_TRACKING="true",
    CREWAI_STORAGE_DIR=os.environ.get("TMPDIR", "/tmp"),
    CREWAI_TELEMETRY_OPT_OUT="true",
    CREWAI_TRACING_ENABLED="false",
    OTEL_SDK_DISABLED="true",
)

from crewai.flow.flow import Flow, and_, listen, start

from ..orchestration import STAGES, WORKERS, Flows, joined, model, part, programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Program

VERSION = f"CrewAI {version('crewai')}"
assert (WORKERS, STAGES) == (5, 4), "the classes below have a method for each"


class Parallel(Flow):
    """A task in 5 parts."""

    @start()
    async def plan(self) -> None:
        """Has no parts yet."""
        self.state["parts"] = []

    async def work(self, k: int) -> None:
        """Asks the model for one part."""
        self.state["parts"].append(await model(part(self.state["task"], k)))

    @listen(plan)
    async def worker_0(self) -> None:
        """The first."""
        await self.work(0)

    @listen(plan)
    async def worker_1(self) -> None:
        """The second."""
        await self.work(1)

    @listen(plan)
    async def worker_2(self) -> None:
        """The third."""
        await self.work(2)

    @listen(plan)
    async def worker_3(self) -> None:
        """The fourth."""
        await self.work(3)

    @listen(plan)
    async def worker_4(self) -> None:
        """The fifth."""
        await self.work(4)

    @listen(and_(worker_0, worker_1, worker_2, worker_3, worker_4))
    async def aggregate(self) -> str:
        """Joins the parts."""
        return joined(self.state["parts"])


class Line(Flow):
    """A task in 4 steps."""

    @start()
    async def stage_0(self) -> str:
        """The first."""
        return await model(self.state["task"])

    @listen(stage_0)
    async def stage_1(self, said: str) -> str:
        """The second."""
        return await model(said)

    @listen(stage_1)
    async def stage_2(self, said: str) -> str:
        """The third."""
        return await model(said)

    @listen(stage_2)
    async def stage_3(self, said: str) -> str:
        """The fourth."""
        return await model(said)


async def run(kind: type[Flow[Any]], task: str) -> str:
    """Runs a new flow of a kind."""
    return str(await kind(suppress_flow_events=True).kickoff_async(inputs={"task": task}))


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Has nothing to set up."""
    yield Flows(lambda task: run(Parallel, task), lambda task: run(Line, task))


PROGRAMS: dict[str, Program] = programs(opened)
