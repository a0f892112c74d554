"""Runs a coroutine in a simulation, from a seed to a verdict."""

from __future__ import annotations

import contextlib
import gc
from asyncio.events import _get_running_loop as running_loop
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .ending import end_generators, end_tasks
from .loop import EPOCH, LIVELOCK_AFTER, SimLoop
from .patches import simulated
from .processor import one_processor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from .schedule import Policy

__all__ = ["Simulated", "collector_off", "simulate"]

T = TypeVar("T")

TAIL = 40
"""Lines of the trace that a run comes with."""


@dataclass(frozen=True)
class Simulated(Generic[T]):
    """What has come of a run. The same seed, policy and code give the same.

    Attributes:
        value: what the coroutine returned; None if it did not.
        error: what ended the run in its place: its own error, an escape, a deadlock, a livelock.
        trace: the hash of all steps and notes.
        steps: how many handles were run.
        seconds: the virtual time at the end.
        tail: the last lines of the trace, each with its time.
        unhandled: the contexts that went to the loop's exception handler, and errors that ended a thread.
        lines: all lines of the trace, if they were to be kept; else None.
    """

    seed: int
    policy: Policy
    value: T | None
    error: BaseException | None
    trace: str
    steps: int
    seconds: float
    tail: tuple[str, ...]
    unhandled: tuple[dict[str, Any], ...]
    lines: tuple[str, ...] | None = None

    def result(self) -> T:
        """Returns the value, or raises the error, which then says how the run can be had again."""
        if self.error is None:
            return self.value  # type: ignore[return-value]  # without an error, it is what the coroutine returned
        note = f"simulated with seed {self.seed}, policy {self.policy}: step {self.steps}, {self.seconds:g} s"
        if note not in getattr(self.error, "__notes__", ()):
            self.error.add_note(note)
        raise self.error


def simulate(
    main: Callable[[], Coroutine[Any, Any, T]],
    *,
    seed: int = 0,
    policy: Policy = "random",
    keep_trace: bool = False,
    livelock_after: int = LIVELOCK_AFTER,
    epoch: float = EPOCH,
) -> Simulated[T]:
    """Runs `main()` on a `SimLoop` of its own, in the calling thread, until it is done.

    Tasks and threads that it leaves are ended: tasks are cancelled in the order in which they were made, and have 60
    virtual seconds to take it. The garbage collector is off during the run, so that it does not call finalizers at
    moments of its own. What is simulated, and what is refused, is in docs/simulation.md.

    Args:
        main: makes the coroutine; it is called within the simulation.
        seed: of all that is drawn.
        policy: how the next step is chosen: `fifo` as asyncio does, `random`, or `pct`.
        keep_trace: whether all lines of the trace are kept, and not the last ones alone.
        livelock_after: steps without virtual time passing that are a `Livelock`.
        epoch: the wall clock's time at the beginning, in seconds since 1970.

    Raises:
        KeyboardInterrupt: from the terminal, or from the code. All other errors are in what it returns.
        RuntimeError: an event loop runs in this thread, or a simulation in this process.
    """
    if running_loop() is not None:
        raise RuntimeError("simulate() was called in a running event loop: call it from plain code")
    loop = SimLoop(seed, policy=policy, keep_trace=keep_trace, livelock_after=livelock_after, epoch=epoch)
    with collector_off(), contextlib.closing(loop), one_processor():
        value, error, seen = _run(loop, main)
    return Simulated(seed, policy, value, loop.fatal or error, **seen, unhandled=tuple(loop.unhandled))


def _run(
    loop: SimLoop, main: Callable[[], Coroutine[Any, Any, T]]
) -> tuple[T | None, BaseException | None, dict[str, Any]]:
    with simulated(loop):
        try:
            value, error = _outcome(loop, main)
            trace = loop.trace
            seen: dict[str, Any] = {"trace": trace.digest(), "tail": trace.tail(TAIL), "lines": trace.kept()}
            seen |= {"steps": loop.steps, "seconds": loop.time()}
        finally:
            end_tasks(loop)
            end_generators(loop)
    return value, error, seen


def _outcome(loop: SimLoop, main: Callable[[], Coroutine[Any, Any, T]]) -> tuple[T | None, BaseException | None]:
    try:
        return loop.run_until_complete(main()), None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - whatever it was, the run has come to it
        return None, error


@contextlib.contextmanager
def collector_off() -> Iterator[None]:
    """Keeps the garbage collector off, and has it look at what the block has left.

    Where it is off already, that is left to whoever has put it off: he may hold all of it still.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
        gc.collect(0)
    finally:
        gc.enable()
