"""Ray, on this machine alone: each actor is a process of its own, so there are few of them.

It does restart them (`max_restarts`), when their process dies; an exception in a method leaves its actor as it is.
"""

# ruff: noqa: D103 - what each case measures stands in cases.py

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # before the import, at which it looks at it
os.environ.pop("RAY_ADDRESS", None)  # another cluster, which is not measured

import psutil
import ray
from ray import cloudpickle

from ..measure import ASKED, NAP, ROUNDS, WAIT_ROUNDS, Measured, clock, in_rounds, once, trips

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..measure import Program

VERSION = f"Ray {version('ray')}"
TIMEOUT = 120.0
SHARING = ASKED // 10
"""Actors that share the asks of `ask_many`: each is a process."""
RETRY = 0.005
"""Seconds until a dead actor is asked again."""

cloudpickle.register_pickle_by_value(sys.modules[__name__])  # the actors' processes do not find this module


class Echo:
    """Answers, counts, waits and dies."""

    def __init__(self) -> None:
        self.seen = 0

    def echo(self, message: Any) -> Any:
        """Answers."""
        return message

    def count(self) -> None:
        """Counts."""
        self.seen += 1

    def counted(self) -> int:
        """Returns the count."""
        return self.seen

    def process(self) -> int:
        """Returns the id of its process."""
        return os.getpid()

    def die(self) -> None:
        """Ends its process."""
        os._exit(1)


class AsyncEcho:
    """Answers and waits, as a coroutine."""

    async def echo(self, message: Any) -> Any:
        """Answers."""
        return message

    async def nap(self, seconds: float) -> None:
        """Waits."""
        await asyncio.sleep(seconds)


@contextmanager
def cluster() -> Iterator[None]:
    """Runs a cluster of one node."""
    cores = len(os.sched_getaffinity(0))
    ray.init(
        address="local",
        num_cpus=cores,
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.CRITICAL,
        object_store_memory=200 << 20,
    )
    yield
    ray.shutdown()


def actors(n: int, kind: type = Echo) -> list[Any]:
    """Starts n actors, and waits until each answers."""
    made = ray.remote(num_cpus=0)(kind)
    refs = [made.remote() for _ in range(n)]
    ray.get([ref.echo.remote(1) for ref in refs], timeout=TIMEOUT)
    return refs


def _rounds(n: int, count: int, one: Callable[[], list[Any]], note: str = "") -> Measured:
    ray.get(one(), timeout=TIMEOUT)
    times = []
    for _ in range(count):
        begun = clock()
        ray.get(one(), timeout=TIMEOUT)
        times.append(clock() - begun)
    return in_rounds(n, times, note)


def _shared() -> int:
    """Returns the memory of all processes of the cluster, where what they share counts once."""
    processes = psutil.Process().children(recursive=True)
    return sum(process.memory_full_info().pss for process in processes)


def spawn(n: int) -> Measured:
    with cluster():
        begun = clock()
        refs = actors(n)
        return once(len(refs), clock() - begun, "processes")


def memory(n: int) -> Measured:
    with cluster():
        actors(1)
        before, begun = _shared(), clock()
        refs = actors(n)
        return Measured(n, clock() - begun, bytes=(_shared() - before) / len(refs), note="processes")


def tell(n: int) -> Measured:
    with cluster():
        [ref] = actors(1)
        begun = clock()
        for _ in range(n):
            ref.count.remote()
        assert ray.get(ref.counted.remote(), timeout=TIMEOUT) == n
        return once(n, clock() - begun)


def ask(n: int, kind: type = Echo, timeout: float | None = None) -> Measured:
    with cluster():
        [ref], times = actors(1, kind), []
        for i in range(n):
            begun = clock()
            ray.get(ref.echo.remote(i), timeout=timeout)
            times.append(clock() - begun)
        return trips(times)


def ask_async(n: int) -> Measured:
    return ask(n, AsyncEcho)


def ask_timeout(n: int) -> Measured:
    return ask(n, timeout=5.0)


def ask_many(n: int) -> Measured:
    with cluster():
        refs = actors(SHARING)
        targets = [refs[i % SHARING] for i in range(n)]
        return _rounds(n, ROUNDS, lambda: [ref.echo.remote(1) for ref in targets], f"of {SHARING} actors only")


def crash(n: int) -> Measured:
    with cluster():
        ref = ray.remote(num_cpus=0, max_restarts=-1)(Echo).remote()
        last, times = ray.get(ref.process.remote(), timeout=TIMEOUT), []
        for _ in range(n):
            begun = clock()
            ref.die.remote()
            answered = _again(ref)
            times.append(clock() - begun)
            assert answered != last
            last = answered
        return trips(times, "its own restart of a process that has died")


def _again(ref: Any) -> int:
    while True:
        try:
            return int(ray.get(ref.process.remote(), timeout=TIMEOUT))
        except ray.exceptions.RayActorError:
            time.sleep(RETRY)


def wait(n: int) -> Measured:
    with cluster():
        ref = ray.remote(num_cpus=0, max_concurrency=n)(AsyncEcho).remote()
        return _rounds(n, WAIT_ROUNDS, lambda: [ref.nap.remote(NAP) for _ in range(n)], "one actor, n coroutines")


PROGRAMS: dict[str, Program] = {
    "spawn": spawn,
    "memory": memory,
    "tell": tell,
    "ask": ask,
    "ask_async": ask_async,
    "ask_timeout": ask_timeout,
    "ask_many": ask_many,
    "crash": crash,
    "wait": wait,
}
