"""Treeward, as it is used: a system with all its defaults, the watchdog too, and real supervisors."""

# ruff: noqa: D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import tempfile
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.faults import START
from treeward.runtime.steps import at
from treeward.runtime.system import ActorSystem
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

from ..measure import (
    ASKED,
    NAP,
    ROUNDS,
    WAIT_ROUNDS,
    Latch,
    clock,
    grown,
    in_rounds,
    once,
    resident,
    timed_rounds,
    trips,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from treeward.runtime.cell import Cell
    from treeward.runtime.ref import Ref

    from ..measure import Measured, Program

VERSION = f"Treeward {version('treeward')}"
ENDLESS = Intensity(1_000_000_000, 5.0)
"""A limit that no case passes; the supervisor counts all the same."""


class Echo(Actor):
    """Answers with what it is told."""

    def on_receive(self, message: Any) -> Any:
        """Answers."""
        return message


class AsyncEcho(Actor):
    """The same, as a coroutine."""

    async def on_receive(self, message: Any) -> Any:
        """Answers."""
        return message


class Started(Echo):
    """Says that it has started."""

    def __init__(self, started: Callable[[], None]) -> None:
        self._started = started

    def on_start(self) -> None:
        """Says so."""
        self._started()


class Count(Actor):
    """Counts what is not a future, and gives the count to the one that is."""

    def on_start(self) -> None:
        """Begins to count."""
        self._seen = 1

    def on_receive(self, message: Any) -> None:
        """Counts."""
        if message is None:
            self._seen += 1
        else:
            message.set_result(self._seen)


class Napper(Actor):
    """Waits before it answers."""

    async def on_receive(self, message: float) -> None:
        """Waits."""
        await asyncio.sleep(message)


class Fragile(Actor):
    """Dies of a zero; otherwise tells which incarnation it is."""

    def on_receive(self, message: int) -> int:
        """Divides by the message."""
        return int(self.incarnation / message)


@asynccontextmanager
async def supervisor(cls: type[Supervisor], spec: Any) -> AsyncIterator[tuple[ActorSystem, SupervisorHandle]]:
    """Runs a supervisor, in a system of its own, which is ended with it."""
    async with ActorSystem() as system:
        handle = SupervisorHandle(system.launch(Factory(cls, (spec,)), path="root"))
        await handle.count_children()
        yield system, handle


def template() -> DynamicSpec:
    """Returns the options of a dynamic supervisor of echoes."""
    return DynamicSpec(child=ChildSpec(id="echo", start=Echo))


def gather(refs: list[Ref[Any]], message: Any) -> asyncio.Future[list[Any]]:
    """Asks each actor at once."""
    return asyncio.gather(*[ref.ask(message) for ref in refs])


async def spawn(n: int) -> Measured:
    async with ActorSystem() as system:
        latch, begun = Latch(n), clock()
        for _ in range(n):
            system.spawn(Started, latch)
        await latch.reached
        return once(n, clock() - begun)


async def spawn_supervised(n: int) -> Measured:
    async with supervisor(DynamicSupervisor, template()) as (_, handle):
        begun = clock()
        for _ in range(n):
            await handle.start_another()
        return once(n, clock() - begun, "a dynamic supervisor; each call waits for its child")


async def children(n: int) -> Measured:
    begun = clock()
    spec = SupervisorSpec(children=[ChildSpec(id=str(i), start=Echo) for i in range(n)])
    async with supervisor(Supervisor, spec) as (_, handle):
        seconds = clock() - begun
        assert (await handle.count_children()).active == n
        return once(n, seconds, "the making of the specs included")


async def tree(n: int) -> Measured:
    from treeward.trees.runtime import Runtime  # noqa: PLC0415 - the other cases are without YAML

    with tempfile.TemporaryDirectory() as folder:
        file = written(n, folder)
        begun = clock()
        async with Runtime(file, allow=["benchmarks"]) as runtime:
            seconds = clock() - begun
            assert runtime.ref(f"root/group-{(n - 1) // 100}/echo-{n - 1}").is_alive()
            return once(n, seconds)


def tree_load(n: int) -> Measured:
    from treeward.trees.load import load_tree  # noqa: PLC0415 - the other cases are without YAML

    with tempfile.TemporaryDirectory() as folder:
        file = written(n, folder)
        begun = clock()
        load_tree(file, allow=["benchmarks"])
        return once(n, clock() - begun)


def written(n: int, folder: str) -> Path:
    """Writes a tree of n echoes, at most 100 under one supervisor, and returns its file."""
    file = Path(folder, "tree.yaml")
    file.write_text(declaration(n), encoding="utf-8")
    return file


def declaration(n: int) -> str:
    """Returns the YAML of such a tree."""
    lines = ["treeward: 1", "name: wide", "tree:", "  supervisor: root", "  children:"]
    for i in range(n):
        if i % 100 == 0:
            lines += [f"    - supervisor: group-{i // 100}", "      children:"]
        lines += [f"        - agent: echo-{i}", f"          use: {__name__}:Echo"]
    return "\n".join(lines)


async def memory(n: int) -> Measured:
    async with ActorSystem() as system:
        before, begun = resident(), clock()
        for _ in range(n):
            system.spawn(Echo)
        return grown(n, before, clock() - begun)


async def memory_supervised(n: int) -> Measured:
    async with supervisor(DynamicSupervisor, template()) as (_, handle):
        before, begun = resident(), clock()
        for _ in range(n):
            await handle.start_another()
        return grown(n, before, clock() - begun)


async def memory_used(n: int) -> Measured:
    async with supervisor(DynamicSupervisor, template()) as (_, handle):
        before, begun = resident(), clock()
        for _ in range(n):
            ref = await handle.start_another()
            await ref.ask(1)
        return grown(n, before, clock() - begun)


async def tell(n: int) -> Measured:
    async with ActorSystem() as system:
        ref, done = system.spawn(Count), system.loop.create_future()
        begun = clock()
        for _ in range(n - 1):
            ref.tell(None)
        ref.tell(done)
        assert await done == n
        return once(n, clock() - begun)


async def ask(n: int, kind: type[Actor] = Echo, seconds: float | None = None) -> Measured:
    async with ActorSystem() as system:
        ref, times = system.spawn(kind), []
        for i in range(n):
            begun = clock()
            await ref.ask(i, timeout=seconds)
            times.append(clock() - begun)
        return trips(times)


async def ask_async(n: int) -> Measured:
    return await ask(n, AsyncEcho)


async def ask_timeout(n: int) -> Measured:
    return await ask(n, seconds=5.0)


async def ask_many(n: int) -> Measured:
    async with ActorSystem() as system:
        refs = [system.spawn(Echo) for _ in range(ASKED)]
        targets = [refs[i % ASKED] for i in range(n)]
        return in_rounds(n, await timed_rounds(ROUNDS, lambda: gather(targets, 1)))


async def fan(n: int) -> Measured:
    return await _each(n, Echo, 1, ROUNDS)


async def wait(n: int) -> Measured:
    return await _each(n, Napper, NAP, WAIT_ROUNDS)


async def _each(n: int, kind: type[Actor], message: Any, rounds: int) -> Measured:
    async with ActorSystem() as system:
        refs = [system.spawn(kind) for _ in range(n)]
        return in_rounds(n, await timed_rounds(rounds, lambda: gather(refs, message)))


async def crash(n: int) -> Measured:
    spec = SupervisorSpec(children=[ChildSpec(id="fragile", start=Fragile)], intensity=ENDLESS)
    async with supervisor(Supervisor, spec) as (system, _):
        ref: Ref[Any] | None = system.ref("root/fragile")
        assert ref is not None
        times = []
        for i in range(n):
            begun = clock()
            ref.tell(0)
            answered = await ref.ask(1)
            times.append(clock() - begun)
            assert answered == i + 2
        return trips(times, "a real supervisor")


async def points(n: int) -> Measured:
    """The costliest point, which is a call of its own; without what the loop around it takes."""
    async with ActorSystem() as system:
        cell = system.cells[system.spawn(Echo).path]
        return trips([_passed(cell, n) / n for _ in range(ROUNDS)])


def _passed(cell: Cell, n: int) -> float:
    func = cell.start
    begun = clock()
    for _ in range(n):
        pass
    empty = clock() - begun
    begun = clock()
    for _ in range(n):
        at(cell, START, func)
    return max(0.0, clock() - begun - empty)


PROGRAMS: dict[str, Program] = {
    "spawn": spawn,
    "spawn_supervised": spawn_supervised,
    "children": children,
    "tree": tree,
    "tree_load": tree_load,
    "memory": memory,
    "memory_supervised": memory_supervised,
    "memory_used": memory_used,
    "tell": tell,
    "ask": ask,
    "ask_async": ask_async,
    "ask_timeout": ask_timeout,
    "ask_many": ask_many,
    "fan": fan,
    "crash": crash,
    "wait": wait,
    "points": points,
}
