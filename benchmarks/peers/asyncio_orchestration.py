"""Plain asyncio's flows: the orchestrator, its workers and the stages are a task and a queue each.

The orchestrator asks 5 workers at once and joins their answers; the line asks 4 stages in turn.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from ..orchestration import STAGES, WORKERS, Flows, joined, model, part, programs
from .asyncio_tasks import VERSION, Worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Program

__all__ = ["PROGRAMS", "VERSION"]


class Caller(Worker):
    """Asks the model."""

    async def handle(self, message: str) -> str:
        """Returns what it says."""
        return await model(message)


class Boss(Worker):
    """Asks each worker at once."""

    def __init__(self, workers: list[Worker]) -> None:
        self.workers = workers
        super().__init__()

    async def handle(self, message: str) -> str:
        """Joins their answers."""
        asked: list[Any] = [worker.ask(part(message, k)) for k, worker in enumerate(self.workers)]
        return joined(await asyncio.gather(*asked))


class Line(Boss):
    """Asks one stage after the other."""

    async def handle(self, message: str) -> str:
        """Returns what the last one says."""
        for stage in self.workers:
            message = await stage.ask(message)
        return message


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Starts the tasks."""
    agents: list[Worker] = [Caller() for _ in range(max(WORKERS, STAGES))]
    boss, line = Boss(agents[:WORKERS]), Line(agents[:STAGES])
    yield Flows(boss.ask, line.ask)


PROGRAMS: dict[str, Program] = programs(opened)
