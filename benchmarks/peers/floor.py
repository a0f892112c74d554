"""The floor: the smallest actor that plain Python on asyncio allows. It has no supervisor and no timers.

A deque, a flag, and a callback that empties the deque: what any actor on an event loop pays at least. A crash
puts a new handler in the old one's place and goes on.
"""

# ruff: noqa: D102, D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import platform
from collections import deque
from types import CoroutineType
from typing import TYPE_CHECKING, Any

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
    from collections.abc import Callable

    from ..measure import Measured, Program

VERSION = f"Python {platform.python_version()}"
TURN = 64
"""Messages that one actor handles before the others get their turn."""


class Smallest:
    """An actor, if one may call it so."""

    __slots__ = ("handler", "inbox", "lives", "loop", "make", "queued")

    def __init__(self, make: Callable[[], Callable[[Any], Any]]) -> None:
        self.make = make
        self.handler = make()
        self.inbox: deque[tuple[Any, asyncio.Future[Any] | None]] = deque()
        self.lives = 1
        self.loop = asyncio.get_running_loop()
        self.queued = False

    def tell(self, message: Any, reply: asyncio.Future[Any] | None = None) -> None:
        """Sends a message."""
        self.inbox.append((message, reply))
        if not self.queued:
            self.queued = True
            self.loop.call_soon(self._turn)

    def ask(self, message: Any) -> asyncio.Future[Any]:
        """Sends a message that is replied to."""
        reply = self.loop.create_future()
        self.tell(message, reply)
        return reply

    def ask_within(self, message: Any, seconds: float) -> asyncio.Future[Any]:
        """The same, and the reply fails when it is late."""
        reply = self.ask(message)
        timer = self.loop.call_later(seconds, _expire, reply)
        reply.add_done_callback(lambda _: timer.cancel())
        return reply

    def _turn(self) -> None:
        inbox = self.inbox
        for _ in range(TURN):
            if not inbox:
                self.queued = False
                return
            message, reply = inbox.popleft()
            try:
                value = self.handler(message)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is a crash
                self._reborn(error, reply)
                continue
            if type(value) is CoroutineType:
                self._await(value, reply)
                return
            if reply is not None:
                reply.set_result(value)
        self.loop.call_soon(self._turn)

    def _await(self, coroutine: CoroutineType[Any, Any, Any], reply: asyncio.Future[Any] | None) -> None:
        self.loop.create_task(coroutine).add_done_callback(lambda task: self._arrived(task, reply))

    def _arrived(self, task: asyncio.Task[Any], reply: asyncio.Future[Any] | None) -> None:
        if reply is not None:
            reply.set_result(task.result())
        self._turn()

    def _reborn(self, error: Exception, reply: asyncio.Future[Any] | None) -> None:
        self.handler = self.make()
        self.lives += 1
        if reply is not None:
            reply.set_exception(error)


def _expire(reply: asyncio.Future[Any]) -> None:
    if not reply.done():
        reply.set_exception(TimeoutError())


class Echo:
    """Answers with what it is told."""

    __slots__ = ()

    def __call__(self, message: Any) -> Any:
        return message


class AsyncEcho(Echo):
    """The same, as a coroutine."""

    __slots__ = ()

    async def __call__(self, message: Any) -> Any:
        return message


class Count(Echo):
    """Counts what is not a future, and gives the count to the one that is."""

    __slots__ = ("seen",)

    def __init__(self) -> None:
        self.seen = 1

    def __call__(self, message: Any) -> None:
        if message is None:
            self.seen += 1
        else:
            message.set_result(self.seen)


class Fragile(Echo):
    """Dies of a zero."""

    __slots__ = ()

    def __call__(self, message: int) -> float:
        return 1 / message


class Napper(Echo):
    """Waits before it answers."""

    __slots__ = ()

    async def __call__(self, message: float) -> None:
        await asyncio.sleep(message)


def gather(actors: list[Smallest], message: Any) -> asyncio.Future[list[Any]]:
    """Asks each actor at once."""
    return asyncio.gather(*[actor.ask(message) for actor in actors])


async def spawn(n: int) -> Measured:
    begun = clock()
    actors = [Smallest(Echo) for _ in range(n)]
    return once(len(actors), clock() - begun)


async def memory(n: int) -> Measured:
    before, begun = resident(), clock()
    actors = [Smallest(Echo) for _ in range(n)]
    return grown(len(actors), before, clock() - begun)


async def memory_used(n: int) -> Measured:
    before, begun = resident(), clock()
    actors = [Smallest(Echo) for _ in range(n)]
    for actor in actors:
        await actor.ask(1)
    return grown(n, before, clock() - begun)


async def tell(n: int) -> Measured:
    actor = Smallest(Count)
    done = actor.loop.create_future()
    begun = clock()
    for _ in range(n - 1):
        actor.tell(None)
    actor.tell(done)
    assert await done == n
    return once(n, clock() - begun)


async def ask(n: int, handler: type[Echo] = Echo) -> Measured:
    actor, times = Smallest(handler), []
    for i in range(n):
        begun = clock()
        await actor.ask(i)
        times.append(clock() - begun)
    return trips(times)


async def ask_async(n: int) -> Measured:
    return await ask(n, AsyncEcho)


async def ask_timeout(n: int) -> Measured:
    actor, times = Smallest(Echo), []
    for i in range(n):
        begun = clock()
        await actor.ask_within(i, 5.0)
        times.append(clock() - begun)
    return trips(times)


async def ask_many(n: int) -> Measured:
    actors = [Smallest(Echo) for _ in range(ASKED)]
    targets = [actors[i % ASKED] for i in range(n)]
    return in_rounds(n, await timed_rounds(ROUNDS, lambda: gather(targets, 1)))


async def fan(n: int) -> Measured:
    actors = [Smallest(Echo) for _ in range(n)]
    return in_rounds(n, await timed_rounds(ROUNDS, lambda: gather(actors, 1)))


async def crash(n: int) -> Measured:
    actor, times = Smallest(Fragile), []
    for _ in range(n):
        begun = clock()
        actor.tell(0)
        await actor.ask(1)
        times.append(clock() - begun)
    assert actor.lives == n + 1
    return trips(times, "no supervisor")


async def wait(n: int) -> Measured:
    actors = [Smallest(Napper) for _ in range(n)]
    return in_rounds(n, await timed_rounds(WAIT_ROUNDS, lambda: gather(actors, NAP)))


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
