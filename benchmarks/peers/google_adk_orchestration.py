"""Google ADK's flows: two `Workflow`s of `LlmAgent`s with a fake `BaseLlm`, in an `InMemoryRunner`.

One has 5 agents behind the start, a node that waits for all of them and one that joins what they say; the other has 4
agents in a row. Each task is a session of its own.
"""

# ruff: noqa: E402 - its warnings have to be off before it is imported

from __future__ import annotations

import logging
import warnings
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

warnings.filterwarnings("ignore")  # of experimental features, as soon as they are imported

from google.adk.agents import LlmAgent
from google.adk.models.base_llm import BaseLlm
from google.adk.models.llm_response import LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.workflow import START, JoinNode, Workflow
from google.genai import types

from ..orchestration import STAGES, WORKERS, Flows, joined, programs, say

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Program

VERSION = f"Google ADK {version('google-adk')}"
USER = "user"

logging.disable(logging.CRITICAL)  # its reports of each turn would be timed too


class Fake(BaseLlm):
    """The model, as the framework has them."""

    async def generate_content_async(self, llm_request: Any, stream: bool = False) -> AsyncIterator[LlmResponse]:  # noqa: ARG002 - its signature
        """Says it."""
        said = say(text_of(llm_request.contents[-1]))
        yield LlmResponse(content=types.Content(role="model", parts=[types.Part(text=said)]))


def agents(name: str, count: int) -> tuple[LlmAgent, ...]:
    """Returns that many."""
    return tuple(
        LlmAgent(name=f"{name}_{k}", model=Fake(model="fake"), instruction=f"Answer part {k}.") for k in range(count)
    )


def text_of(said: Any) -> str:
    """Returns the text of a content, or a text itself."""
    return said if isinstance(said, str) else "".join(one.text or "" for one in said.parts)


def aggregate(node_input: dict[str, Any]) -> str:
    """Joins the parts; the framework knows the parameter by its name."""
    return joined([text_of(node_input[name]) for name in sorted(node_input)])


async def run(runner: InMemoryRunner, task: str) -> str:
    """Runs a task in a new session; returns the last thing said."""
    session = await runner.session_service.create_session(app_name=runner.app_name, user_id=USER)
    message = types.Content(role="user", parts=[types.Part(text=task)])
    said: Any = ""
    async for event in runner.run_async(user_id=USER, session_id=session.id, new_message=message):
        if event.output is not None:
            said = event.output
        elif event.content and event.content.parts and event.content.parts[0].text:
            said = event.content
    return text_of(said)


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Makes the runners."""
    join = (START, agents("worker", WORKERS), JoinNode(name="join"), aggregate)
    parallel = InMemoryRunner(node=Workflow(name="parallel", edges=[join]), app_name="parallel")
    line = InMemoryRunner(node=Workflow(name="line", edges=[(START, *agents("stage", STAGES))]), app_name="line")
    yield Flows(lambda task: run(parallel, task), lambda task: run(line, task))


PROGRAMS: dict[str, Program] = programs(opened)
