"""Counts work in place of time: the same code does the same work on every machine, however busy it is."""

from __future__ import annotations

import asyncio
import collections
import gc
import itertools
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager
    from types import CodeType, FrameType

__all__ = ["COUNTED", "Counter", "Counts", "Items", "Path", "counted"]

Items: TypeAlias = "Callable[[int], Awaitable[None]]"
"""Does so many items, one after the other or at once."""

Path: TypeAlias = "Callable[[], AbstractAsyncContextManager[Items]]"
"""Sets up what is counted, yields what does its items, and takes it down again."""

TICK = 1e-6
"""Seconds that the loop's time goes on each time that it is asked for: no count depends on the machine's clock."""

_CALLBACK = asyncio.Handle._run.__code__  # noqa: SLF001 - the frame around everything that a loop runs


@dataclass(frozen=True)
class Counts:
    """The work of so many items, all told.

    Attributes:
        instructions: bytecode instructions of Python that were run.
        calls: functions that were called, those in C and coroutines that were resumed included.
        callbacks: callbacks that the event loop ran.
    """

    instructions: int
    calls: int
    callbacks: int


COUNTED = tuple(Counts.__dataclass_fields__)


class Counter:
    """Counts what this thread runs within `with`. The garbage collector is off: it would run when it likes."""

    def __init__(self) -> None:
        self.by_code: collections.Counter[CodeType] = collections.Counter()
        """The instructions of each function."""
        self.reset()

    def reset(self) -> None:
        """Begins at nothing."""
        self.by_code.clear()
        self._calls = 0
        self._callbacks = 0

    @property
    def counts(self) -> Counts:
        """What it has counted."""
        return Counts(self.by_code.total(), self._calls, self._callbacks)

    def __enter__(self) -> Self:
        self._before = sys.gettrace(), sys.getprofile()
        gc.collect()
        gc.disable()
        sys._getframe().f_trace_opcodes = True  # noqa: SLF001 - 3.12 tells of instructions only who asked before
        sys.setprofile(self._profile)
        sys.settrace(self._entered)
        return self

    def __exit__(self, *_: object) -> None:
        trace, profile = self._before
        sys.settrace(trace)
        sys.setprofile(profile)
        gc.enable()

    def _entered(self, frame: FrameType, _event: str, _value: Any) -> Callable[..., Any]:
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if frame.f_code is _CALLBACK:
            self._callbacks += 1
        return self._within

    def _within(self, frame: FrameType, event: str, _value: Any) -> Callable[..., Any]:
        if event == "opcode":
            self.by_code[frame.f_code] += 1
        return self._within

    def _profile(self, _frame: FrameType, event: str, _value: Any) -> None:
        if event in ("call", "c_call"):
            self._calls += 1


def counted(path: Path, n: int) -> Counter:
    """Counts the work of n items of a path, after as many to warm up, on a loop of its own."""
    with asyncio.Runner() as runner:
        runner.get_loop().time = itertools.count(0.0, TICK).__next__  # type: ignore[method-assign]
        return runner.run(_counted(path, n))


async def _counted(path: Path, n: int) -> Counter:
    """Counts from the second n on: since 3.12, a function's first call under a trace is not seen from its beginning."""
    async with path() as items:
        with Counter() as counter:
            await items(n)
            counter.reset()
            await items(n)
    return counter
