"""autogen-core's `SingleThreadedAgentRuntime`: one queue for all agents, a task for each message.

A message is told by publishing it to a topic, and asked with `send_message`. A handler that raises leaves its agent as
it is; whoever wants a fresh one takes the old one out of the runtime.
"""

# ruff: noqa: D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import itertools
import logging
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from autogen_core import (
    AgentId,
    MessageContext,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    TopicId,
    TypeSubscription,
    message_handler,
)

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
    from collections.abc import Sequence

    from ..measure import Measured, Program

VERSION = f"autogen-core {version('autogen-core')}"

logging.disable(logging.CRITICAL)  # its reports of each message would be timed too

_serial = itertools.count()


@dataclass
class Ping:
    """Is answered with the serial number of the agent."""


@dataclass
class Note:
    """Is counted; the last of `count` is reported."""

    count: int


@dataclass
class Nap:
    """Is waited for."""

    seconds: float


@dataclass
class Poison:
    """Is died of."""


@dataclass
class Pong:
    """Which agent has answered."""

    serial: int


class Echo(RoutedAgent):
    """Answers, counts, waits and dies."""

    def __init__(self, counted: asyncio.Future[int] | None = None) -> None:
        super().__init__("echo")
        self.counted = counted
        self.seen = 0
        self.serial = next(_serial)

    @message_handler
    async def on_ping(self, message: Ping, ctx: MessageContext) -> Pong:  # noqa: ARG002 - its signature
        """Answers."""
        return Pong(self.serial)

    @message_handler
    async def on_note(self, message: Note, ctx: MessageContext) -> None:  # noqa: ARG002
        """Counts."""
        self.seen += 1
        if self.seen == message.count and self.counted is not None:
            self.counted.set_result(self.seen)

    @message_handler
    async def on_nap(self, message: Nap, ctx: MessageContext) -> None:  # noqa: ARG002
        """Waits."""
        await asyncio.sleep(message.seconds)

    @message_handler
    async def on_poison(self, message: Poison, ctx: MessageContext) -> None:  # noqa: ARG002
        """Dies."""
        raise RuntimeError


async def runtime(counted: asyncio.Future[int] | None = None) -> SingleThreadedAgentRuntime:
    """Starts a runtime that makes echoes."""
    started = SingleThreadedAgentRuntime()
    await Echo.register(started, "echo", lambda: Echo(counted))
    started.start()
    return started


async def echoes(system: SingleThreadedAgentRuntime, n: int) -> list[AgentId]:
    """Makes n of them: the runtime would else make each at its first message."""
    return [await system.get(AgentId("echo", str(i)), lazy=False) for i in range(n)]


def gather(system: SingleThreadedAgentRuntime, ids: Sequence[AgentId], message: Any) -> asyncio.Future[list[Any]]:
    """Asks each agent at once."""
    return asyncio.gather(*[system.send_message(message, each) for each in ids])


async def spawn(n: int) -> Measured:
    system, begun = await runtime(), clock()
    ids = await echoes(system, n)
    return once(len(ids), clock() - begun, "objects; an idle agent has no task of its own")


async def memory(n: int) -> Measured:
    system = await runtime()
    before, begun = resident(), clock()
    ids = await echoes(system, n)
    return grown(len(ids), before, clock() - begun)


async def memory_used(n: int) -> Measured:
    system = await runtime()
    before, begun = resident(), clock()
    for each in await echoes(system, n):
        await system.send_message(Ping(), each)
    return grown(n, before, clock() - begun)


async def tell(n: int) -> Measured:
    counted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    system, topic = await runtime(counted), TopicId("notes", "0")
    await system.add_subscription(TypeSubscription("notes", "echo"))
    begun = clock()
    for _ in range(n):
        await system.publish_message(Note(n), topic)
    assert await counted == n
    return once(n, clock() - begun, "published to a topic")


async def ask(n: int) -> Measured:
    system, times = await runtime(), []
    [one] = await echoes(system, 1)
    for _ in range(n):
        begun = clock()
        await system.send_message(Ping(), one)
        times.append(clock() - begun)
    return trips(times, "all its handlers are `async def`")


async def ask_timeout(n: int) -> Measured:
    system, times = await runtime(), []
    [one] = await echoes(system, 1)
    for _ in range(n):
        begun = clock()
        async with asyncio.timeout(5.0):
            await system.send_message(Ping(), one)
        times.append(clock() - begun)
    return trips(times)


async def ask_many(n: int) -> Measured:
    system = await runtime()
    ids = await echoes(system, ASKED)
    targets = [ids[i % ASKED] for i in range(n)]
    return in_rounds(n, await timed_rounds(ROUNDS, lambda: gather(system, targets, Ping())))


async def fan(n: int) -> Measured:
    system = await runtime()
    ids = await echoes(system, n)
    return in_rounds(n, await timed_rounds(ROUNDS, lambda: gather(system, ids, Ping())))


async def crash(n: int) -> Measured:
    system, times = await runtime(), []
    [one] = await echoes(system, 1)
    last = (await system.send_message(Ping(), one)).serial
    for _ in range(n):
        begun = clock()
        try:
            await system.send_message(Poison(), one)
        except RuntimeError:
            del system._instantiated_agents[one]  # noqa: SLF001 - it has no call for it
        answered = (await system.send_message(Ping(), one)).serial
        times.append(clock() - begun)
        assert answered > last
        last = answered
    return trips(times, "by hand: the caller takes the old agent out of the runtime")


async def wait(n: int) -> Measured:
    system = await runtime()
    ids = await echoes(system, n)
    return in_rounds(n, await timed_rounds(WAIT_ROUNDS, lambda: gather(system, ids, Nap(NAP))))


PROGRAMS: dict[str, Program] = {
    "spawn": spawn,
    "memory": memory,
    "memory_used": memory_used,
    "tell": tell,
    "ask": ask,
    "ask_async": ask,
    "ask_timeout": ask_timeout,
    "ask_many": ask_many,
    "fan": fan,
    "crash": crash,
    "wait": wait,
}
