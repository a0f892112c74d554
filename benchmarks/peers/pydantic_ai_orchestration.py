"""pydantic-ai's flows: an `Agent` with a `FunctionModel` for each worker and stage, an `Agent.run` for each turn.

What is between the agents is plain Python, as its guide does it: 5 runs gathered, 4 runs in turn.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart
from pydantic_ai.models.function import FunctionModel

from ..orchestration import by_hand, programs, say

if TYPE_CHECKING:
    from ..measure import Program

VERSION = f"pydantic-ai {version('pydantic-ai-slim')}"


async def fake(messages: list[Any], info: Any) -> ModelResponse:  # noqa: ARG001 - its signature
    """The model, as the framework has them."""
    return ModelResponse(parts=[TextPart(say(messages[-1].parts[-1].content))])


def agents(count: int) -> list[Agent[None, str]]:
    """Returns that many."""
    return [Agent(FunctionModel(fake), name=f"agent-{k}", instructions="Answer.") for k in range(count)]


async def run(agent: Agent[None, str], prompt: str) -> str:
    """Returns what an agent says."""
    return str((await agent.run(prompt)).output)


PROGRAMS: dict[str, Program] = programs(by_hand(agents, run))
