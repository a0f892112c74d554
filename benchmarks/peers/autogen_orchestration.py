"""autogen-core's flows: the orchestrator, its workers and the stages are agents of one runtime.

The orchestrator sends to 5 workers at once and joins their answers; the line sends to 4 stages in turn.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from autogen_core import AgentId, MessageContext, RoutedAgent, SingleThreadedAgentRuntime, message_handler

from ..orchestration import STAGES, WORKERS, Flows, joined, model, part, programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Program

VERSION = f"autogen-core {version('autogen-core')}"

logging.disable(logging.CRITICAL)  # its reports of each message would be timed too


@dataclass
class Text:
    """What is asked, and what is said."""

    text: str


class Worker(RoutedAgent):
    """Asks the model."""

    @message_handler
    async def on_text(self, message: Text, ctx: MessageContext) -> Text:  # noqa: ARG002 - its signature
        """Returns what it says."""
        return Text(await model(message.text))


class Boss(RoutedAgent):
    """Asks each worker at once."""

    @message_handler
    async def on_text(self, message: Text, ctx: MessageContext) -> Text:  # noqa: ARG002
        """Joins their answers."""
        asked = [Text(part(message.text, k)) for k in range(WORKERS)]
        sent = [self.send_message(one, AgentId("worker", str(k))) for k, one in enumerate(asked)]
        return Text(joined([said.text for said in await asyncio.gather(*sent)]))


class Line(RoutedAgent):
    """Asks one stage after the other."""

    @message_handler
    async def on_text(self, message: Text, ctx: MessageContext) -> Text:  # noqa: ARG002
        """Returns what the last one says."""
        for k in range(STAGES):
            message = await self.send_message(message, AgentId("worker", str(k)))
        return message


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Starts the runtime."""
    runtime = SingleThreadedAgentRuntime()
    await Worker.register(runtime, "worker", lambda: Worker("worker"))
    await Boss.register(runtime, "boss", lambda: Boss("boss"))
    await Line.register(runtime, "line", lambda: Line("line"))
    runtime.start()

    async def orchestrate(task: str) -> str:
        return str((await runtime.send_message(Text(task), AgentId("boss", "0"))).text)

    async def pipe(task: str) -> str:
        return str((await runtime.send_message(Text(task), AgentId("line", "0"))).text)

    yield Flows(orchestrate, pipe)
    await runtime.stop()


PROGRAMS: dict[str, Program] = programs(opened)
