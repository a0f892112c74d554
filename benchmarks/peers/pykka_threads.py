"""pykka's `ThreadingActor`: one thread an actor. It has no supervisor; `on_failure` starts the next actor."""

# ruff: noqa: D102, D103 - what each case measures stands in cases.py

from __future__ import annotations

import logging
import queue
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pykka

from ..measure import ASKED, NAP, ROUNDS, WAIT_ROUNDS, clock, grown, in_rounds, once, resident, trips

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..measure import Measured, Program

VERSION = f"pykka {version('pykka')}"
TIMEOUT = 60.0

logging.getLogger("pykka").setLevel(logging.CRITICAL)  # its report of each crash would be timed too


class Echo(pykka.ThreadingActor):
    """Answers with what it is told."""

    use_daemon_thread = True

    def __init__(self, started: Callable[[Any], None] = lambda _: None) -> None:
        super().__init__()
        self.started = started

    def on_start(self) -> None:
        """Says that it has started."""
        self.started(self.actor_ref)

    def on_receive(self, message: Any) -> Any:
        """Answers."""
        return message


class Count(Echo):
    """Counts what is not a future, and gives the count to the one that is."""

    seen = 1

    def on_receive(self, message: Any) -> Any:
        if message is None:
            self.seen += 1
        else:
            message.set(self.seen)


class Napper(Echo):
    """Waits before it answers."""

    def on_receive(self, message: float) -> None:
        time.sleep(message)


class Fragile(Echo):
    """Dies of a zero; then starts another one."""

    def on_receive(self, message: int) -> float:
        return 1 / message

    def on_failure(self, *_: Any) -> None:
        """Does by hand what a supervisor is for."""
        Fragile.start(self.started)


def _started(kind: type[Echo], n: int) -> list[Any]:
    up: queue.SimpleQueue[Any] = queue.SimpleQueue()
    refs = [kind.start(up.put) for _ in range(n)]
    for _ in refs:
        up.get(timeout=TIMEOUT)
    return refs


def _gather(refs: list[Any], message: Any) -> None:
    for future in [ref.ask(message, block=False) for ref in refs]:
        future.get(timeout=TIMEOUT)


def _timed_rounds(count: int, one: Callable[[], None]) -> list[float]:
    one()
    times = []
    for _ in range(count):
        begun = clock()
        one()
        times.append(clock() - begun)
    return times


def spawn(n: int) -> Measured:
    begun = clock()
    refs = _started(Echo, n)
    return once(len(refs), clock() - begun)


def memory(n: int) -> Measured:
    before, begun = resident(), clock()
    refs = _started(Echo, n)
    return grown(len(refs), before, clock() - begun)


def memory_used(n: int) -> Measured:
    before, begun = resident(), clock()
    refs = _started(Echo, n)
    for ref in refs:
        ref.ask(1)
    return grown(n, before, clock() - begun)


def tell(n: int) -> Measured:
    ref, done = Count.start(), pykka.ThreadingFuture[int]()
    begun = clock()
    for _ in range(n - 1):
        ref.tell(None)
    ref.tell(done)
    assert done.get(timeout=TIMEOUT) == n
    return once(n, clock() - begun)


def ask(n: int, timeout: float | None = None) -> Measured:
    ref, times = Echo.start(), []
    for i in range(n):
        begun = clock()
        ref.ask(i, timeout=timeout)
        times.append(clock() - begun)
    return trips(times)


def ask_timeout(n: int) -> Measured:
    return ask(n, 5.0)


def ask_many(n: int) -> Measured:
    refs = _started(Echo, ASKED)
    targets = [refs[i % ASKED] for i in range(n)]
    return in_rounds(n, _timed_rounds(ROUNDS, lambda: _gather(targets, 1)))


def fan(n: int) -> Measured:
    refs = _started(Echo, n)
    return in_rounds(n, _timed_rounds(ROUNDS, lambda: _gather(refs, 1)))


def crash(n: int) -> Measured:
    up: queue.SimpleQueue[Any] = queue.SimpleQueue()
    Fragile.start(up.put)
    ref, times = up.get(timeout=TIMEOUT), []
    for _ in range(n):
        begun = clock()
        ref.tell(0)
        ref = up.get(timeout=TIMEOUT)
        ref.ask(1)
        times.append(clock() - begun)
    return trips(times, "by hand: on_failure starts another actor")


def wait(n: int) -> Measured:
    refs = _started(Napper, n)
    return in_rounds(n, _timed_rounds(WAIT_ROUNDS, lambda: _gather(refs, NAP)))


PROGRAMS: dict[str, Program] = {
    "spawn": spawn,
    "memory": memory,
    "memory_used": memory_used,
    "tell": tell,
    "ask": ask,
    "ask_timeout": ask_timeout,
    "ask_many": ask_many,
    "fan": fan,
    "crash": crash,
    "wait": wait,
    "ask_outside": ask,
    "ask_thread": ask,
    "spawn_thread": spawn,
}
