"""The floor's flows: the orchestrator, its workers and the stages are plain actors, with nothing that looks after them.

The orchestrator asks 5 workers at once and joins their answers; the line asks 4 stages in turn.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING

from ..orchestration import STAGES, WORKERS, Flows, joined, model, part, programs
from .floor import VERSION, Smallest

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Program

__all__ = ["PROGRAMS", "VERSION"]


async def orchestrate(workers: list[Smallest], task: str) -> str:
    """Asks each worker at once."""
    return joined(await asyncio.gather(*[worker.ask(part(task, k)) for k, worker in enumerate(workers)]))


async def pipe(stages: list[Smallest], task: str) -> str:
    """Asks one stage after the other."""
    for stage in stages:
        task = await stage.ask(task)
    return task


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Makes the actors."""
    agents = [Smallest(lambda: model) for _ in range(max(WORKERS, STAGES))]
    boss = Smallest(lambda: partial(orchestrate, agents[:WORKERS]))
    line = Smallest(lambda: partial(pipe, agents[:STAGES]))
    yield Flows(boss.ask, line.ask)


PROGRAMS: dict[str, Program] = programs(opened)
