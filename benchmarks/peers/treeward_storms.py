"""Treeward: many at once: restart storms, restarts of whole groups, children that come and go."""

# ruff: noqa: D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

from treeward.runtime.actor import Actor, Factory
from treeward.supervisors.dynamic import DynamicSupervisor
from treeward.supervisors.spec import ChildSpec, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

from ..measure import ROUNDS, clock, in_rounds, once, timed_rounds
from .treeward_actors import ENDLESS, Echo, supervisor, template

if TYPE_CHECKING:
    from collections.abc import Callable

    from treeward.runtime.ref import Ref
    from treeward.supervisors.spec import Strategy

    from ..measure import Measured, Program

DEPTH = 4
"""Supervisors above each child of `storm_tree`."""


class Starts:
    """Is told of each start; knows who has started."""

    def __init__(self) -> None:
        self.refs: dict[Ref[Any], None] = {}
        self._left = 0
        self._reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self, ref: Ref[Any]) -> None:
        """Takes one down."""
        self.refs[ref] = None
        self._left -= 1
        if self._left == 0:
            self._reached.set_result(None)

    def next(self, count: int) -> asyncio.Future[None]:
        """Returns what is done once so many more have started."""
        self._left = count
        self._reached = asyncio.get_running_loop().create_future()
        return self._reached


class Mortal(Actor):
    """Says that it has started; dies of a zero."""

    def __init__(self, started: Callable[[Ref[Any]], None]) -> None:
        self._started = started

    def on_start(self) -> None:
        """Says so."""
        self._started(self.actor_ref)

    def on_receive(self, message: int) -> float:
        """Divides by the message."""
        return 1 / message


class Mayfly(Echo):
    """Answers; puts its number on a list at its end."""

    def __init__(self, number: int, ended: list[int]) -> None:
        self._number = number
        self._ended = ended

    def on_stop(self) -> None:
        """Says that it ends."""
        self._ended.append(self._number)


def mortals(n: int, starts: Starts) -> list[ChildSpec]:
    """Returns the specs of n children."""
    return [ChildSpec(id=str(i), start=Factory(Mortal, (starts,))) for i in range(n)]


def layered(n: int, starts: Starts, width: int, depth: int = DEPTH) -> SupervisorSpec:
    """Returns a tree with n children under so many layers of supervisors, each above `width` at most."""
    if depth == 1:
        return SupervisorSpec(children=mortals(n, starts), intensity=ENDLESS)
    sizes = [n // width + (i < n % width) for i in range(min(n, width))]
    below = [layered(size, starts, width, depth - 1) for size in sizes]
    children = [
        ChildSpec(id=str(i), start=Factory(Supervisor, (spec,)), type="supervisor") for i, spec in enumerate(below)
    ]
    return SupervisorSpec(children=children, intensity=ENDLESS)


async def storm(n: int) -> Measured:
    starts = Starts()
    return await _storm(n, starts, SupervisorSpec(children=mortals(n, starts), intensity=ENDLESS))


async def storm_tree(n: int) -> Measured:
    starts = Starts()
    return await _storm(n, starts, layered(n, starts, width=math.ceil(round(n ** (1 / DEPTH), 6))))


async def _storm(n: int, starts: Starts, spec: SupervisorSpec) -> Measured:
    async with supervisor(Supervisor, spec):
        refs, again, begun = list(starts.refs), starts.next(n), clock()
        assert len(refs) == n
        for ref in refs:
            ref.tell(0)
        await again
        seconds = clock() - begun
        assert {ref.incarnation for ref in refs} == {2}
        return once(n, seconds)


async def group_all(n: int) -> Measured:
    return await _group(n, "one_for_all", 0)


async def group_rest(n: int) -> Measured:
    return await _group(n, "rest_for_one", n // 2)


async def _group(n: int, strategy: Strategy, dies: int) -> Measured:
    """One child's crash ends and starts all that were started after it, or all."""
    starts = Starts()
    spec = SupervisorSpec(children=mortals(n, starts), strategy=strategy, intensity=ENDLESS)
    async with supervisor(Supervisor, spec):
        first = list(starts.refs)[dies]

        async def crash() -> None:
            again = starts.next(n - dies)
            first.tell(0)
            await again

        return in_rounds(n - dies, await timed_rounds(ROUNDS, crash))


async def life(n: int) -> Measured:
    ended: list[int] = []
    begun = clock()
    children = [ChildSpec(id=str(i), start=Factory(Mayfly, (i, ended))) for i in range(n)]
    async with supervisor(Supervisor, SupervisorSpec(children=children)) as (system, handle):
        for i in range(n):
            ref: Any = system.ref(f"root/{i}")
            assert await ref.ask(i) == i
        await handle.stop()
        seconds = clock() - begun
    assert ended == list(range(n - 1, -1, -1))
    return once(n, seconds)


async def dynamic(n: int) -> Measured:
    async with supervisor(DynamicSupervisor, template()) as (_, handle):
        begun = clock()
        refs = [await handle.start_another() for _ in range(n)]
        for ref in refs:
            await handle.terminate_child(ref)
        seconds = clock() - begun
        assert (await handle.count_children()).specs == 0
        return once(n, seconds)


PROGRAMS: dict[str, Program] = {
    "storm": storm,
    "storm_tree": storm_tree,
    "group_all": group_all,
    "group_rest": group_rest,
    "life": life,
    "dynamic": dynamic,
    "dynamic_few": dynamic,
}
