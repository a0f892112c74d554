"""LangGraph's flows: two `StateGraph`s, whose nodes await the model.

One has a node that plans, 5 worker nodes behind it that run in one step, and a node that joins what they say; the
other has 4 nodes in a row. With `BENCHMARK_SAVER=memory` the graphs have an `InMemorySaver`, and each task is a thread
of its own.
"""

from __future__ import annotations

import itertools
import operator
import os
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph

from ..orchestration import STAGES, WORKERS, Flows, joined, model, part, programs

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Program

VERSION = f"LangGraph {version('langgraph')}"
SAVED = os.environ.get("BENCHMARK_SAVER") == "memory"


class Parallel(TypedDict):
    """What the nodes of the first graph know."""

    task: str
    parts: Annotated[list[str], operator.add]
    answer: str


class Line(TypedDict):
    """What the nodes of the second graph know."""

    text: str


async def plan(state: Parallel) -> dict[str, Any]:
    """Passes the task on."""
    return {"task": state["task"]}


async def worker(state: Parallel, k: int) -> dict[str, Any]:
    """Asks the model for one part."""
    return {"parts": [await model(part(state["task"], k))]}


async def aggregate(state: Parallel) -> dict[str, Any]:
    """Joins the parts."""
    return {"answer": joined(state["parts"])}


async def stage(state: Line) -> dict[str, Any]:
    """Asks the model what the stage before has said."""
    return {"text": await model(state["text"])}


def parallel(saver: Any) -> Any:
    """Returns the first graph."""
    graph = StateGraph(Parallel)
    graph.add_node("plan", plan)
    graph.add_node("aggregate", aggregate)
    names = [f"worker-{k}" for k in range(WORKERS)]
    for k, name in enumerate(names):
        graph.add_node(name, partial(worker, k=k))
        graph.add_edge("plan", name)
    graph.add_edge(START, "plan")
    graph.add_edge(names, "aggregate")
    graph.add_edge("aggregate", END)
    return graph.compile(checkpointer=saver)


def line(saver: Any) -> Any:
    """Returns the second graph."""
    graph = StateGraph(Line)
    names = [START, *(f"stage-{k}" for k in range(STAGES)), END]
    for name in names[1:-1]:
        graph.add_node(name, stage)
    for one, following in itertools.pairwise(names):
        graph.add_edge(one, following)
    return graph.compile(checkpointer=saver)


@asynccontextmanager
async def opened() -> AsyncIterator[Flows]:
    """Compiles the graphs."""
    saver = InMemorySaver() if SAVED else None
    first, second = parallel(saver), line(saver)
    threads = iter(range(1 << 60))

    def options() -> dict[str, Any]:
        return {"config": {"configurable": {"thread_id": str(next(threads))}}} if SAVED else {}

    async def orchestrate(task: str) -> str:
        return str((await first.ainvoke({"task": task, "parts": []}, **options()))["answer"])

    async def pipe(task: str) -> str:
        return str((await second.ainvoke({"text": task}, **options()))["text"])

    yield Flows(orchestrate, pipe)


PROGRAMS: dict[str, Program] = programs(opened, "a checkpoint of each step in memory" if SAVED else "")
