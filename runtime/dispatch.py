"""Where an incarnation's code runs: on the event loop, or in a thread of its own."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Coroutine
from types import CoroutineType, FrameType
from typing import TYPE_CHECKING, Any, Literal, Self, TypeAlias, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from .cell import Cell

__all__ = [
    "COROUTINES",
    "CURRENT",
    "Begun",
    "Dispatcher",
    "Life",
    "Worker",
    "begun",
    "guarded",
    "leave_signals_to_others",
    "stack_of",
]

T = TypeVar("T")

Dispatcher: TypeAlias = Literal["loop", "thread"]

Settled: TypeAlias = "tuple[Any, BaseException | None]"
"""How a call ended: its value, or its error."""

_Order: TypeAlias = "tuple[Callable[..., Any], tuple[Any, ...], asyncio.Future[Settled]]"

JOIN_TIMEOUT = 1.0


class Life:
    """One incarnation, as its code carries it along: an abandoned one is known wherever it calls from."""

    __slots__ = ("abandoned", "cell", "context", "incarnation")

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        self.incarnation = cell.incarnation
        self.abandoned = False
        self.context = cell.system.context.copy()
        self.context.run(CURRENT.set, self)


CURRENT: contextvars.ContextVar[Life | None] = contextvars.ContextVar("treeward_life", default=None)
"""The incarnation whose `async def` handler, or whose thread, runs at present."""


def begun(coroutine: Coroutine[Any, Any, T]) -> T | Begun[T]:
    """Runs a coroutine up to where it first waits: returns its value, or the rest of it, to be awaited or made a task.

    For the runtime's own code, which seldom waits and then needs no task. Until it waits, there is no current
    task: code that wants one (`asyncio.timeout`, `TaskGroup`) does not belong there.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration as end:
        return cast("T", end.value)
    return Begun(coroutine, waits_for)


class Begun(Coroutine[Any, Any, T]):
    """The rest of a coroutine that has begun: `await` and tasks take it as if it had not.

    A task that is cancelled before its first step throws into it all the same, so it can tidy up.
    """

    __slots__ = ("_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    @property
    def rest(self) -> Coroutine[Any, Any, T]:
        """The coroutine itself, which waits."""
        return self._coroutine

    def send(self, value: Any) -> Any:
        """Says once more what it waits for; from then on, goes on with it."""
        waits_for, self._waits_for = self._waits_for, None
        return self._coroutine.send(value) if waits_for is None else waits_for

    def throw(self, *error: Any) -> Any:
        """Raises an error where it waits."""
        self._waits_for = None
        return self._coroutine.throw(*error)

    def close(self) -> None:
        """Ends it where it waits."""
        self._coroutine.close()

    def __await__(self) -> Generator[Any, Any, T]:
        """Goes on with it in whoever awaits it."""
        return cast("Generator[Any, Any, T]", self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        return self.send(None)


COROUTINES = frozenset({CoroutineType, Begun})
"""The types of what is awaited where a handler returns it. Others that can be awaited are values as all are."""


async def guarded(coroutine: Coroutine[Any, Any, Any]) -> Settled:
    """Awaits a handler and returns (value, error): an error that is not raised cannot take the loop with it.

    asyncio re-raises `SystemExit` out of the loop itself; here an agent that calls `sys.exit()` ends only
    itself.
    """
    try:
        return await coroutine, None
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - a crash becomes an exit reason: the cell decides
        return None, error


class Worker:
    """A thread that runs one incarnation's calls, one after the other, each in a context of its own.

    It is a daemon thread: a handler that blocks for ever cannot keep the process alive. An `async def`
    handler gets an event loop of its own in the thread. What an abandoned incarnation has not begun, it does
    not begin.
    """

    __slots__ = ("__weakref__", "_calls", "_life", "_loop", "thread")

    def __init__(self, life: Life) -> None:
        self._life = life
        self._loop = life.cell.loop
        self._calls: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self.thread = threading.Thread(target=self._run, name=f"treeward-{life.cell.path}", daemon=True)
        self.thread.start()

    def call(self, func: Callable[..., Any], args: tuple[Any, ...]) -> asyncio.Future[Settled]:
        """Runs `func(*args)` in the thread; the future gets (value, error)."""
        future: asyncio.Future[Settled] = self._loop.create_future()
        self._calls.put((func, args, future))
        return future

    def close(self) -> None:
        """Lets the thread end after the call that it has in hand."""
        self._calls.put(None)

    def join(self) -> None:
        """Waits a moment for the thread's end, after `close`; not for an abandoned one's."""
        if not self._life.abandoned:
            self.thread.join(JOIN_TIMEOUT)

    def _run(self) -> None:
        runner = asyncio.Runner()  # makes its loop when the first `async def` handler wants it
        try:
            while (call := self._calls.get()) is not None:
                func, args, future = call
                settled = self._settled(runner, func, args)
                self._loop.call_soon_threadsafe(_settle, future, settled)
                del call, func, args, future, settled  # while it waits, it keeps nothing alive
        except RuntimeError:  # the loop is closed, so this incarnation was abandoned: there is nobody to tell
            pass
        finally:
            runner.close()

    def _settled(self, runner: asyncio.Runner, func: Callable[..., Any], args: tuple[Any, ...]) -> Settled:
        if self._life.abandoned:
            return None, asyncio.CancelledError()
        return self._life.context.copy().run(_outcome, runner, func, args)


def _outcome(runner: asyncio.Runner, func: Callable[..., Any], args: tuple[Any, ...]) -> Settled:
    try:
        value = func(*args)
        if type(value) is CoroutineType:
            value = runner.run(value, context=contextvars.copy_context())
    except BaseException as error:  # noqa: BLE001 - a crash becomes an exit reason: the cell decides
        return None, error
    return value, None


def _settle(future: asyncio.Future[Settled], settled: Settled) -> None:
    if not future.done():
        future.set_result(settled)


def leave_signals_to_others() -> None:
    """Has the system deliver no signal to the calling thread: one that it took would not wake the main thread.

    Not for threads that start processes: those would inherit it.
    """
    if hasattr(signal, "pthread_sigmask"):  # not on Windows
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())


def stack_of(pending: asyncio.Future[Any] | None, worker: Worker | None) -> str:
    """Returns where a call stands at present, as text: for the report of an abandoned incarnation."""
    if worker is not None:
        frames = sys._current_frames()  # noqa: SLF001 - the documented way to another thread's stack
        frame = frames.get(worker.thread.ident or 0)
        return "".join(traceback.format_stack(frame)) if frame else ""
    if isinstance(pending, asyncio.Task):
        stack = _frames_of(pending.get_coro())
        return "".join(line for inner in stack for line in traceback.format_stack(inner, limit=1))
    return ""


def _frames_of(coroutine: Any) -> Iterator[FrameType]:
    """Yields the frames of a coroutine that waits, outermost first: a task itself knows only that one."""
    while isinstance(coroutine, CoroutineType | Begun):
        if isinstance(coroutine, Begun):
            coroutine = coroutine.rest
        if coroutine.cr_frame is not None:
            yield coroutine.cr_frame
        coroutine = coroutine.cr_await
