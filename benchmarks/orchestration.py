"""The orchestration cases, equal for all: what a flow does, with what model, and how it is timed.

    orchestrator    a task goes to an orchestrator, from there to 5 workers at the same time; each asks its model for
                    `{task} part {k}`; the answers are put together as `ok+ok+ok+ok+ok`
    pipeline        a task goes through 4 stages, one after the other; each asks its model for what the one before said
    kept            the memory that a finished task of the pipeline leaves behind

The model is a fake that says `ok` at once. It counts what it is asked, and every answer is looked at: who leaves out
some of the work has no figure. Each task is a new one, as a request is: where a framework has sessions or runs, it
gets one of its own.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

from .measure import Measured, clock, grown, resident, trips

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from .measure import Program

__all__ = ["SAID", "STAGES", "WORKERS", "Flows", "by_hand", "joined", "model", "part", "programs", "say"]

A = TypeVar("A")

WORKERS = 5
STAGES = 4
SAID = "ok"
WARM_UP = 20
"""Tasks at most before the first that is timed."""

Flow: TypeAlias = "Callable[[str], Awaitable[str]]"
"""Takes a task, and returns the answer."""


class Flows(NamedTuple):
    """The two flows of a peer, ready to be used."""

    orchestrate: Flow
    pipe: Flow


Opened: TypeAlias = "Callable[[], AbstractAsyncContextManager[Flows]]"
"""Sets a peer's flows up, and tears them down. On an event loop."""


def say(prompt: str) -> str:
    """The model: says the same to whatever it is asked, and counts."""
    assert prompt
    _asked[0] += 1
    return SAID


async def model(prompt: str) -> str:
    """The same, for those who have no models of their own but await any coroutine."""
    return say(prompt)


def part(task: str, k: int) -> str:
    """Returns what worker k is asked."""
    return f"{task} part {k}"


def joined(answers: list[str]) -> str:
    """Returns what the orchestrator makes of its workers' answers."""
    return "+".join(answers)


def programs(opened: Opened, note: str = "") -> dict[str, Program]:
    """Returns the programs of a peer's flows; the note says what there is beside the work itself."""

    async def orchestrator(n: int) -> Measured:
        async with opened() as flows:
            return trips(await _one_by_one(n, flows.orchestrate, joined([SAID] * WORKERS), WORKERS), note)

    async def pipeline(n: int) -> Measured:
        async with opened() as flows:
            return trips(await _one_by_one(n, flows.pipe, SAID, STAGES), note)

    async def kept(n: int) -> Measured:
        async with opened() as flows:
            await _times(n, flows.pipe, SAID)  # so that pools and caches are full
            gc.collect()
            before, begun = resident(), clock()
            await _times(n, flows.pipe, SAID)
            return grown(n, before, clock() - begun)

    return {"orchestrator": orchestrator, "pipeline": pipeline, "kept": kept}


def by_hand(agents: Callable[[int], list[A]], run: Callable[[A, str], Awaitable[str]]) -> Opened:
    """Returns the flows of a framework that leaves to plain Python what is between agents: 5 gathered, 4 in turn.

    Args:
        agents: makes that many.
        run: asks one of them, and returns what it says.
    """

    @asynccontextmanager
    async def opened() -> AsyncIterator[Flows]:
        workers, stages = agents(WORKERS), agents(STAGES)

        async def orchestrate(task: str) -> str:
            return joined(await asyncio.gather(*[run(worker, part(task, k)) for k, worker in enumerate(workers)]))

        async def pipe(task: str) -> str:
            for stage in stages:
                task = await run(stage, task)
            return task

        yield Flows(orchestrate, pipe)

    return opened


async def _one_by_one(n: int, flow: Flow, expected: str, calls: int) -> list[float]:
    await _times(min(n, WARM_UP), flow, expected)
    before = _asked[0]
    times = await _times(n, flow, expected)
    asked = _asked[0] - before
    assert asked == n * calls, f"the model was asked {asked} times, not {n * calls}"
    return times


async def _times(n: int, flow: Flow, expected: str) -> list[float]:
    """Returns the seconds of each of n tasks, one after the other."""
    times = []
    for i in range(n):
        begun = clock()
        answer = await flow(f"task {i}")
        times.append(clock() - begun)
        assert answer == expected, f"the answer is {answer!r}, not {expected!r}"
    return times


_asked = [0]
