"""openai-agents' flows: an `Agent` with a fake `Model` for each worker and stage, a `Runner.run` for each turn.

What is between the agents is plain Python, as its guide does it: 5 runs gathered, 4 runs in turn. Its tracing is off,
as it would post to the network.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from openai.types.responses import ResponseOutputMessage, ResponseOutputText

from agents import Agent, Model, ModelResponse, Runner, Usage, set_trace_processors, set_tracing_disabled

from ..orchestration import by_hand, programs, say

if TYPE_CHECKING:
    from ..measure import Program

VERSION = f"openai-agents {version('openai-agents')}"

set_trace_processors([])
set_tracing_disabled(True)


class Fake(Model):
    """The model, as the framework has them."""

    async def get_response(self, system_instructions: Any, input: Any, *_: Any, **__: Any) -> ModelResponse:  # noqa: A002, ARG002 - its signature
        """Says it."""
        text = ResponseOutputText(text=say(str(input)), type="output_text", annotations=[])
        message = ResponseOutputMessage(
            id="message", content=[text], role="assistant", status="completed", type="message"
        )
        return ModelResponse(output=[message], usage=Usage(), response_id=None)

    def stream_response(self, *_: Any, **__: Any) -> Any:
        """Is not asked for."""
        raise NotImplementedError


def agents(count: int) -> list[Agent]:
    """Returns that many."""
    return [Agent(name=f"agent-{k}", instructions="Answer.", model=Fake()) for k in range(count)]


async def run(agent: Agent, prompt: str) -> str:
    """Returns what an agent says."""
    return str((await Runner.run(agent, prompt)).final_output)


PROGRAMS: dict[str, Program] = programs(by_hand(agents, run))
