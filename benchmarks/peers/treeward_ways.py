"""Treeward: other ways to an actor than its ref on its own loop: the bus, pools, other threads."""

# ruff: noqa: D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.system import ActorSystem
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.spec import ChildSpec

from ..measure import ROUNDS, Latch, clock, in_rounds, once, timed_rounds, trips
from .treeward_actors import Echo, Started, supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from treeward.runtime.bus import Published
    from treeward.runtime.ref import Ref
    from treeward.supervisors.pool import Route

    from ..measure import Measured, Program

ASKS = 1_000
"""Messages that each pool routes, whatever its size."""


class Listener(Actor):
    """Calls what is published."""

    def on_receive(self, message: Published) -> None:
        """Calls it."""
        message.payload()


async def bus(n: int) -> Measured:
    async with ActorSystem() as system:
        for _ in range(n):
            system.bus.subscribe("task.*.billing", system.spawn(Listener))

        async def publish() -> None:
            latch = Latch(n)
            assert system.bus.publish("task.done.billing", latch) == n
            await latch.reached

        return in_rounds(n, await timed_rounds(ROUNDS, publish))


async def pool(n: int, route: Route) -> Measured:
    spec = PoolSpec(child=ChildSpec(id="echo", start=Echo), size=n, route=route)
    async with supervisor(Pool, spec) as (system, _):
        ref: Any = system.ref("root")
        return trips([await _asked(ref, {"id": i}) for i in range(ASKS)])


async def _asked(ref: Ref[Any], message: Any) -> float:
    begun = clock()
    await ref.ask(message)
    return clock() - begun


async def pool_all(n: int) -> Measured:
    spec = PoolSpec(child=ChildSpec(id="echo", start=Echo), size=n, route="broadcast")
    async with supervisor(Pool, spec) as (system, _):
        ref: Any = system.ref("root")
        return in_rounds(n, await timed_rounds(ROUNDS, lambda: ref.ask(1)))


async def ask_outside(n: int) -> Measured:
    async with ActorSystem() as system:
        return trips(await asyncio.to_thread(_asked_here, system.spawn(Echo), n))


def _asked_here(ref: Ref[Any], n: int) -> list[float]:
    times = []
    for i in range(n):
        begun = clock()
        ref.ask(i)
        times.append(clock() - begun)
    return times


async def ask_thread(n: int) -> Measured:
    async with ActorSystem() as system:
        ref = system.launch(Factory(Echo), path="echo", dispatcher="thread")
        return trips([await _asked(ref, i) for i in range(n)])


async def spawn_thread(n: int) -> Measured:
    async with ActorSystem() as system:
        latch, begun = Latch(n), clock()
        started = functools.partial(_on, system.loop, latch)
        for i in range(n):
            system.launch(Factory(Started, (started,)), path=f"started-{i}", dispatcher="thread")
        await latch.reached
        return once(n, clock() - begun)


def _on(loop: asyncio.AbstractEventLoop, latch: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(latch)


PROGRAMS: dict[str, Program] = {
    "bus": bus,
    "pool_turn": functools.partial(pool, route="round_robin"),
    "pool_least": functools.partial(pool, route="least_mailbox"),
    "pool_hash": functools.partial(pool, route="consistent_hash"),
    "pool_all": pool_all,
    "ask_outside": ask_outside,
    "ask_thread": ask_thread,
    "spawn_thread": spawn_thread,
}
