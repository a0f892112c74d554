"""The six hottest paths, each as what is set up and what does its items. See `work.py`.

Treeward as it is used, but without its watchdog, whose thread looks at the real clock.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from treeward.agents.agent import Agent
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.judges.schema import SchemaJudge
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor
from treeward.supervisors.work.policy import Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .counting import Items, Path

__all__ = ["PATHS"]

ENDLESS = Intensity(1_000_000_000, 5.0)
GUARDS = {"timeout": 60.0, "breaker": BreakerSpec()}


class Echo(Actor):
    """Answers with what it is told; sets a future that it is told."""

    def on_receive(self, message: Any) -> Any:
        """Answers."""
        if isinstance(message, asyncio.Future):
            message.set_result(None)
            return None
        return message


class AsyncEcho(Actor):
    """Answers with what it is told."""

    async def on_receive(self, message: Any) -> Any:
        """Answers."""
        return message


class Fragile(Actor):
    """Dies of a zero."""

    def on_receive(self, message: int) -> float:
        """Divides by the message."""
        return 1 / message


class Answer(BaseModel):
    """What a writer's output has to be."""

    text: str


class Writer(Agent):
    """Answers every task at once."""

    def handle(self, task: Task) -> dict[str, Any]:
        """Answers with the input."""
        return {"text": task.input}


@asynccontextmanager
async def running(cls: type[Supervisor], spec: Any) -> AsyncIterator[tuple[ActorSystem, SupervisorHandle]]:
    """Runs a supervisor at the path `root`, in a system of its own."""
    async with ActorSystem(seed=1, blocked_after=None) as system:
        handle = SupervisorHandle(system.launch(Factory(cls, (spec,)), path="root"))
        await handle.count_children()
        yield system, handle


@asynccontextmanager
async def tell() -> AsyncIterator[Items]:
    async with ActorSystem(seed=1, blocked_after=None) as system:
        ref = system.spawn(Echo)

        async def items(n: int) -> None:
            done = system.loop.create_future()
            for _ in range(n - 1):
                ref.tell(1)
            ref.tell(done)
            await done

        yield items


@asynccontextmanager
async def asking(cls: type[Actor]) -> AsyncIterator[Items]:
    async with ActorSystem(seed=1, blocked_after=None) as system:
        ref = system.spawn(cls)

        async def items(n: int) -> None:
            for _ in range(n):
                await ref.ask(1)

        yield items


@asynccontextmanager
async def start_stop() -> AsyncIterator[Items]:
    spec = DynamicSpec(child=ChildSpec(id="echo", start=Echo))
    async with running(DynamicSupervisor, spec) as (_, handle):

        async def items(n: int) -> None:
            for _ in range(n):
                await handle.terminate_child(await handle.start_another())

        yield items


@asynccontextmanager
async def crash() -> AsyncIterator[Items]:
    spec = SupervisorSpec(children=[ChildSpec(id="fragile", start=Fragile)], intensity=ENDLESS)
    async with running(Supervisor, spec) as (system, _):
        ref: Any = system.ref("root/fragile")

        async def items(n: int) -> None:
            for _ in range(n):
                ref.tell(0)
                await ref.ask(1)

        yield items


@asynccontextmanager
async def guarded_task() -> AsyncIterator[Items]:
    work = Work(**GUARDS, judges=(SchemaJudge(Answer),))
    spec = SupervisorSpec(children=[ChildSpec(id="writer", start=Writer, work=work)])
    async with running(Supervisor, spec) as (system, _):
        ref: Any = system.ref("root/writer")

        async def items(n: int) -> None:
            for i in range(n):
                outcome = await ref.ask(Task(f"task-{i}", "a text"))
                assert outcome.status == "ok"

        yield items


PATHS: dict[str, Path] = {
    "tell": tell,
    "ask": lambda: asking(Echo),
    "ask_async": lambda: asking(AsyncEcho),
    "start_stop": start_stop,
    "crash": crash,
    "guarded_task": guarded_task,
}
"""By name: messages sent; asks of a `def` and of an `async def` handler; a supervised child started and stopped; a
crash, up to the fresh incarnation's answer; a task with a deadline, a breaker and a schema judge."""
