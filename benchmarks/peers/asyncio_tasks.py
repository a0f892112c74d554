"""Plain asyncio: a task that loops over a queue, as one writes it by hand."""

# ruff: noqa: D102, D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import platform
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

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
    timed,
    timed_rounds,
    trips,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..measure import Measured, Program

VERSION = f"Python {platform.python_version()}"


class Worker:
    """A task and its queue."""

    def __init__(self, started: Callable[[], None] = lambda: None) -> None:
        self.queue: asyncio.Queue[tuple[Any, asyncio.Future[Any] | None]] = asyncio.Queue()
        self.started = started
        self.task = asyncio.create_task(self.work())

    async def work(self) -> None:
        """Handles one message after the other, without end."""
        self.started()
        while True:
            message, reply = await self.queue.get()
            value = await self.handle(message)
            if reply is not None:
                reply.set_result(value)

    async def handle(self, message: Any) -> Any:
        """Answers with the message."""
        return message

    def tell(self, message: Any) -> None:
        """Sends a message."""
        self.queue.put_nowait((message, None))

    def ask(self, message: Any) -> asyncio.Future[Any]:
        """Sends a message that is replied to."""
        reply = asyncio.get_running_loop().create_future()
        self.queue.put_nowait((message, reply))
        return reply


class DefWorker(Worker):
    """Calls a plain function for each message."""

    async def work(self) -> None:
        while True:
            message, reply = await self.queue.get()
            value = self.answer(message)
            if reply is not None:
                reply.set_result(value)

    def answer(self, message: Any) -> Any:
        """Answers with the message."""
        return message


class Count(DefWorker):
    """Counts what is not a future, and gives the count to the one that is."""

    seen = 1

    def answer(self, message: Any) -> None:
        if message is None:
            self.seen += 1
        else:
            message.set_result(self.seen)


class Napper(Worker):
    """Waits before it answers."""

    async def handle(self, message: float) -> None:
        await asyncio.sleep(message)


class Fragile(DefWorker):
    """Dies of a zero."""

    def answer(self, message: int) -> float:
        return 1 / message


class ByHand:
    """The shortest supervisor that one can write: when the task dies, it makes another."""

    def __init__(self) -> None:
        self.lives = 0
        self.started = asyncio.Event()
        self.start()

    def start(self) -> None:
        """Makes the next worker, whose queue is a new one too."""
        self.lives += 1
        self.worker = Fragile()
        self.worker.task.add_done_callback(self._died)
        self.started.set()

    def _died(self, task: asyncio.Task[Any]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.start()


def gather(workers: Sequence[Worker], message: Any) -> asyncio.Future[list[Any]]:
    """Asks each worker at once."""
    return asyncio.gather(*[worker.ask(message) for worker in workers])


async def spawn(n: int) -> Measured:
    latch, begun = Latch(n), clock()
    workers = [Worker(latch) for _ in range(n)]
    await latch.reached
    return once(len(workers), clock() - begun)


async def memory(n: int) -> Measured:
    before, latch, begun = resident(), Latch(n), clock()
    workers = [Worker(latch) for _ in range(n)]
    await latch.reached
    return grown(len(workers), before, clock() - begun)


async def memory_used(n: int) -> Measured:
    before, begun = resident(), clock()
    workers = [Worker() for _ in range(n)]
    for worker in workers:
        await worker.ask(1)
    return grown(n, before, clock() - begun)


async def tell(n: int) -> Measured:
    worker = Count()
    done = asyncio.get_running_loop().create_future()
    begun = clock()
    for _ in range(n - 1):
        worker.tell(None)
    worker.tell(done)
    assert await done == n
    return once(n, clock() - begun)


async def ask(n: int, kind: type[Worker] = DefWorker) -> Measured:
    worker, times = kind(), []
    for i in range(n):
        begun = clock()
        await worker.ask(i)
        times.append(clock() - begun)
    return trips(times)


async def ask_async(n: int) -> Measured:
    return await ask(n, Worker)


async def ask_timeout(n: int) -> Measured:
    worker, times = DefWorker(), []
    for i in range(n):
        begun = clock()
        async with asyncio.timeout(5.0):
            await worker.ask(i)
        times.append(clock() - begun)
    return trips(times)


async def ask_many(n: int) -> Measured:
    workers = [DefWorker() for _ in range(ASKED)]
    targets = [workers[i % ASKED] for i in range(n)]
    return in_rounds(n, await timed_rounds(ROUNDS, lambda: gather(targets, 1)))


async def fan(n: int) -> Measured:
    workers = [DefWorker() for _ in range(n)]
    return in_rounds(n, await timed_rounds(ROUNDS, lambda: gather(workers, 1)))


async def crash(n: int) -> Measured:
    by_hand, times = ByHand(), []
    await by_hand.worker.ask(1)
    for _ in range(n):
        begun = clock()
        by_hand.started.clear()
        by_hand.worker.tell(0)
        await by_hand.started.wait()
        await by_hand.worker.ask(1)
        times.append(clock() - begun)
    assert by_hand.lives == n + 1
    return trips(times, "by hand: a done callback makes another task")


async def wait(n: int) -> Measured:
    workers = [Napper() for _ in range(n)]
    return in_rounds(n, await timed_rounds(WAIT_ROUNDS, lambda: gather(workers, NAP)))


async def ask_outside(n: int) -> Measured:
    worker, loop = DefWorker(), asyncio.get_running_loop()

    async def ask(message: Any) -> Any:
        return await worker.ask(message)

    def asks() -> list[float]:
        return [timed(lambda i=i: asyncio.run_coroutine_threadsafe(ask(i), loop).result()) for i in range(n)]

    return trips(await asyncio.to_thread(asks))


async def ask_thread(n: int) -> Measured:
    loop, times = asyncio.get_running_loop(), []
    with ThreadPoolExecutor(1) as thread:
        for i in range(n):
            begun = clock()
            await loop.run_in_executor(thread, abs, i)
            times.append(clock() - begun)
    return trips(times, "an executor with one thread")


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
    "ask_outside": ask_outside,
    "ask_thread": ask_thread,
}
