"""How it is measured: one clock, percentiles, resident memory, and rounds with a warm-up before them."""

from __future__ import annotations

import asyncio
import gc
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

__all__ = [
    "Latch",
    "Measured",
    "Program",
    "clock",
    "grown",
    "in_rounds",
    "once",
    "resident",
    "timed",
    "timed_rounds",
    "trips",
]

clock = time.process_time if os.environ.get("BENCHMARK_CLOCK") == "process" else time.perf_counter
"""Seconds: on the wall, or of this process's processor time, if the environment says so."""

ASKED = 100
"""Actors that share the asks of `ask_many`."""
ROUNDS = 20
WAIT_ROUNDS = 5
NAP = 0.01
"""Seconds that each actor of `wait` waits."""

Program: TypeAlias = "Callable[[int], Measured | Awaitable[Measured]]"
"""One case of one peer: takes n, returns what it measured; a coroutine function runs on a new event loop."""


@dataclass(frozen=True)
class Measured:
    """The figures of one run; None where a case has no such figure. `rate` is per second."""

    n: int
    seconds: float
    rate: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    bytes: float | None = None
    note: str = ""


def once(n: int, seconds: float, note: str = "") -> Measured:
    """Returns the figures of n operations that were timed as a whole."""
    return Measured(n, seconds, rate=n / seconds, note=note)


def trips(times: Sequence[float], note: str = "") -> Measured:
    """Returns the figures of operations that were timed one by one."""
    total = sum(times)
    p50, p99 = _percentile(times, 0.5), _percentile(times, 0.99)
    return Measured(len(times), total, len(times) / total, p50, p99, note=note)


def in_rounds(n: int, times: Sequence[float], note: str = "") -> Measured:
    """Returns the figures of rounds of n operations each; p50 and p99 are those of a round."""
    p50 = _percentile(times, 0.5)
    return Measured(n, sum(times), n / p50 * 1e6, p50, _percentile(times, 0.99), note=note)


def grown(n: int, before: int, seconds: float) -> Measured:
    """Returns the memory that n actors have added to this process since `before`, garbage taken out."""
    gc.collect()
    return Measured(n, seconds, bytes=(resident() - before) / n)


def timed(one: Callable[[], Any]) -> float:
    """Calls `one()`; returns the seconds that it took."""
    begun = clock()
    one()
    return clock() - begun


async def timed_rounds(count: int, one: Callable[[], Awaitable[Any]]) -> list[float]:
    """Awaits `one()` once to warm up, then `count` times; returns the seconds of each."""
    await one()
    times = []
    for _ in range(count):
        begun = clock()
        await one()
        times.append(clock() - begun)
    return times


def resident() -> int:
    """Returns the resident memory of this process, in bytes (Linux)."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def _percentile(times: Sequence[float], share: float) -> float:
    """In microseconds."""
    ordered = sorted(times)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1e6


class Latch:
    """Counts down; `await latch.reached` ends when it was called n times. On an event loop."""

    def __init__(self, n: int) -> None:
        self._left = n
        self.reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def __call__(self) -> None:
        """Counts one."""
        self._left -= 1
        if self._left == 0:
            self.reached.set_result(None)
