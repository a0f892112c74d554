"""xoscar, with all actors in the main pool of this process, as it does with `n_process=0`.

Even there a call goes through the pool's channel of messages, then runs under the actor's lock. A method that raises
leaves its actor as it is; whoever wants a fresh one destroys the old one and creates another.
"""

# ruff: noqa: D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import itertools
import logging
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import xoscar

from ..measure import (
    ASKED,
    NAP,
    ROUNDS,
    WAIT_ROUNDS,
    clock,
    grown,
    in_rounds,
    once,
    resident,
    timed_rounds,
    trips,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ..measure import Measured, Program

VERSION = f"xoscar {version('xoscar')}"

logging.disable(logging.CRITICAL)  # its reports of each crash would be timed too

_serial = itertools.count()


class Echo(xoscar.Actor):
    """Answers, counts, waits and dies."""

    def __init__(self) -> None:
        self.seen = 0
        self.serial = next(_serial)

    def echo(self, message: Any) -> Any:
        """Answers."""
        return message

    async def echo_async(self, message: Any) -> Any:
        """Answers, as a coroutine."""
        return message

    def count(self) -> None:
        """Counts."""
        self.seen += 1

    def counted(self) -> int:
        """Returns the count."""
        return self.seen

    async def nap(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)

    def die(self) -> None:
        """Raises."""
        raise RuntimeError

    def incarnation(self) -> int:
        """Returns its serial number."""
        return self.serial


@asynccontextmanager
async def pool() -> AsyncIterator[str]:
    """Runs a pool; yields its address."""
    async with await xoscar.create_actor_pool("127.0.0.1", n_process=0) as made:
        yield made.external_address


async def echoes(address: str, n: int) -> list[Any]:
    """Creates n actors."""
    return [await xoscar.create_actor(Echo, address=address) for _ in range(n)]


async def spawn(n: int) -> Measured:
    async with pool() as address:
        begun = clock()
        refs = await echoes(address, n)
        return once(len(refs), clock() - begun)


async def memory(n: int) -> Measured:
    async with pool() as address:
        before, begun = resident(), clock()
        refs = await echoes(address, n)
        return grown(len(refs), before, clock() - begun)


async def memory_used(n: int) -> Measured:
    async with pool() as address:
        before, begun = resident(), clock()
        refs = await echoes(address, n)
        for ref in refs:
            await ref.echo(1)
        return grown(n, before, clock() - begun)


async def tell(n: int) -> Measured:
    async with pool() as address:
        [ref] = await echoes(address, 1)
        begun = clock()
        for _ in range(n):
            await ref.count.tell()
        while (counted := await ref.counted()) < n:  # noqa: ASYNC110 - nothing else says that all are handled
            await asyncio.sleep(0)
        seconds = clock() - begun
        assert counted == n
        return once(n, seconds)


async def ask(n: int) -> Measured:
    async with pool() as address:
        [ref], times = await echoes(address, 1), []
        for i in range(n):
            begun = clock()
            await ref.echo(i)
            times.append(clock() - begun)
        return trips(times)


async def ask_async(n: int) -> Measured:
    async with pool() as address:
        [ref], times = await echoes(address, 1), []
        for i in range(n):
            begun = clock()
            await ref.echo_async(i)
            times.append(clock() - begun)
        return trips(times)


async def ask_timeout(n: int) -> Measured:
    async with pool() as address:
        [ref], times = await echoes(address, 1), []
        for i in range(n):
            begun = clock()
            async with asyncio.timeout(5.0):
                await ref.echo(i)
            times.append(clock() - begun)
        return trips(times)


async def ask_many(n: int) -> Measured:
    async with pool() as address:
        refs = await echoes(address, ASKED)
        targets = [refs[i % ASKED] for i in range(n)]
        return in_rounds(n, await timed_rounds(ROUNDS, lambda: asyncio.gather(*[ref.echo(1) for ref in targets])))


async def fan(n: int) -> Measured:
    async with pool() as address:
        refs = await echoes(address, n)
        return in_rounds(n, await timed_rounds(ROUNDS, lambda: asyncio.gather(*[ref.echo(1) for ref in refs])))


async def crash(n: int) -> Measured:
    async with pool() as address:
        [ref], times = await echoes(address, 1), []
        last = await ref.incarnation()
        for _ in range(n):
            begun = clock()
            try:
                await ref.die()
            except RuntimeError:
                await xoscar.destroy_actor(ref)
                [ref] = await echoes(address, 1)
            answered = await ref.incarnation()
            times.append(clock() - begun)
            assert answered > last
            last = answered
        return trips(times, "by hand: the caller destroys the old actor and creates another")


async def wait(n: int) -> Measured:
    async with pool() as address:
        refs = await echoes(address, n)
        return in_rounds(n, await timed_rounds(WAIT_ROUNDS, lambda: asyncio.gather(*[ref.nap(NAP) for ref in refs])))


PROGRAMS: dict[str, Program] = {
    "spawn": spawn,
    "memory": memory,
    "memory_used": memory_used,
    "tell": tell,
    "ask": ask,
    "ask_async": ask_async,
    "ask_timeout": ask_timeout,
    "ask_many": ask_many,
    "fan": fan,
    "crash": crash,
    "wait": wait,
}
