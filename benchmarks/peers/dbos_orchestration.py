"""DBOS's flows: two durable workflows, whose steps await the model; every step is a row in SQLite before the next.

One gathers 5 steps, the other does 4 in turn.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING

from dbos import DBOS

from ..orchestration import STAGES, WORKERS, Flows, joined, model, part, programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Program

VERSION = f"DBOS {version('dbos')}"

logging.disable(logging.CRITICAL)  # its reports of each workflow would be timed too


@DBOS.step()
async def step(prompt: str) -> str:
    """Asks the model."""
    return await model(prompt)


@DBOS.workflow()
async def parallel(task: str) -> str:
    """Has 5 steps done at once."""
    return joined(await asyncio.gather(*[step(part(task, k)) for k in range(WORKERS)]))


@DBOS.workflow()
async def line(task: str) -> str:
    """Has 4 steps done in turn."""
    for _ in range(STAGES):
        task = await step(task)
    return task


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Launches it on a database in a folder for temporary files."""
    folder = tempfile.mkdtemp()
    url = f"sqlite:///{folder}/dbos.sqlite"
    DBOS(config={"name": "benchmark", "log_level": "CRITICAL", "system_database_url": url})
    DBOS.launch()
    yield Flows(parallel, line)


PROGRAMS: dict[str, Program] = programs(opened, "durable: each step is in SQLite before the next")
