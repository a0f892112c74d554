"""A tree that runs for the command line: for one task, or as a daemon that takes requests until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from ..agents.faults import crash_once
from ..runtime.errors import SystemClosed
from ..runtime.task import Outcome
from ..trees.runtime import DEADLINE, Runtime
from .activity import Activity
from .failures import Code, Failure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ..agents.faults import CrashOnce
    from ..chaos.live import LiveChaos
    from ..trees.spec import Tree
    from .interrupts import Interrupts
    from .loose import Faults

    Request: TypeAlias = str | ValueError
    """A text, or why there is none."""

__all__ = ["Daemon", "Screen", "Settings", "ask_once"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is to run, and how: the options of `run`, checked."""

    tree: Tree
    allow: tuple[str, ...] = ()
    context: Mapping[str, Any] = field(default_factory=dict)
    deadline: float = DEADLINE
    crash: str | None = None
    seed: int | None = None
    parallel: int = 1
    faults: Faults | None = None

    def runtime(self) -> Runtime:
        """Returns a runtime for the tree, not yet entered."""
        return Runtime(self.tree, allow=self.allow, seed=self.seed)

    def loose(self, runtime: Runtime) -> contextlib.AbstractContextManager[LiveChaos | None]:
        """Returns the block in which the faults that were asked for happen, if any were."""
        return contextlib.nullcontext() if self.faults is None else self.faults.loose(runtime)


class Screen(Protocol):
    """Where a daemon's answers go."""

    def show(self, request: Request, outcome: Outcome) -> None:
        """Shows what became of a request. Raises `BrokenPipeError` where nobody reads any more."""

    def stopping(self) -> None:
        """Hears that a signal has come: what is in hand is being finished."""

    def running(self, runtime: Runtime, activity: Activity) -> contextlib.AbstractContextManager[object]:
        """Returns the block in which the tree runs."""


async def ask_once(settings: Settings, interrupts: Interrupts, text: str) -> tuple[Outcome, Failure | None]:
    """Gives one task to the tree's entry; returns its outcome, and the failure if the root gave up over it.

    The first signal cancels it. Runs on an event loop of its own.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it is one, on every loop
    interrupts.then(asyncio.get_running_loop(), task.cancel)
    activity = Activity(settings.tree.tree.id)
    async with settings.runtime() as runtime:
        runtime.observe(activity)
        armed = _armed(runtime, settings.crash)
        with settings.loose(runtime):
            outcome = await runtime.run(text, context=settings.context, deadline=settings.deadline)
    if armed is not None and not armed.fired:
        runtime.system.telemetry.log.warning("crash.not_reached", actor=armed.path)
    return outcome, _fall(activity)


def _armed(runtime: Runtime, agent: str | None) -> CrashOnce | None:
    return None if agent is None else crash_once(runtime.system, agent)


def _fall(activity: Activity) -> Failure | None:
    """Returns the root's giving up as a failure, if it did."""
    why = activity.why_the_root_gave_up()
    return Failure(Code.GAVE_UP, f"the root supervisor {activity.root!r} gave up: {why}") if why else None


class Daemon:
    """A tree that takes requests in their order, `parallel` of them at a time, and shows the answers in the same order.

    It ends when the requests do, when the root supervisor ends, when nobody reads the answers, or by a signal; what is
    in hand then is brought to its end, within the runtime's grace period if it was a signal. Without `requests` it runs
    until the root ends or a signal comes.
    """

    def __init__(
        self,
        settings: Settings,
        interrupts: Interrupts,
        screen: Screen,
        requests: AsyncIterator[Request] | None,
    ) -> None:
        self._settings = settings
        self._interrupts = interrupts
        self._screen = screen
        self._requests = requests
        self._activity = Activity(settings.tree.tree.id)
        self._stop = asyncio.Event()
        self._room = asyncio.Semaphore(settings.parallel)
        self._answers: asyncio.Queue[tuple[Request, asyncio.Task[Outcome]] | None] = asyncio.Queue()
        self._unfinished = 0

    async def run(self) -> Code:
        """Runs until the end, and returns the exit code. Raises `Failure` if the root gave up, or for an interrupt."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - it is one, on every loop
        self._interrupts.then(asyncio.get_running_loop(), task.cancel)
        async with self._settings.runtime() as runtime:
            runtime.observe(self._activity)
            _armed(runtime, self._settings.crash)
            self._interrupts.then(asyncio.get_running_loop(), self._stop.set)
            self._say(runtime, "daemon.started", fingerprint=self._settings.tree.fingerprint)
            with self._settings.loose(runtime) as chaos, self._screen.running(runtime, self._activity):
                await self._serve(runtime, chaos)
            self._say(runtime, "daemon.ended", unfinished=self._unfinished)
        return self._verdict()

    def _verdict(self) -> Code:
        fall = _fall(self._activity)
        if fall is not None:
            raise fall
        if self._interrupts.received is signal.SIGINT:
            raise Failure(Code.INTERRUPTED, "interrupted")
        return Code.FAILED if self._unfinished else Code.DONE

    async def _serve(self, runtime: Runtime, chaos: LiveChaos | None) -> None:
        root_ends = asyncio.create_task(runtime.wait())
        told = asyncio.create_task(self._stop.wait())
        taking = asyncio.create_task(self._take(runtime))
        showing = asyncio.create_task(self._show())
        try:
            await asyncio.wait({root_ends, told, showing}, return_when=asyncio.FIRST_COMPLETED)
            if told.done():
                self._screen.stopping()
            taking.cancel()
            if chaos is not None:
                chaos.heal("the daemon ends")
            await runtime.close()
            await asyncio.gather(showing, root_ends)
        finally:
            told.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await taking

    async def _take(self, runtime: Runtime) -> None:
        """Begins work on the requests as they come and as there is room; at their end, says so to `_show`."""
        try:
            if self._requests is None:
                await self._stop.wait()
                return
            while True:
                await self._room.acquire()
                request = await anext(self._requests)
                work = asyncio.create_task(self._answer(runtime, request))
                self._answers.put_nowait((request, work))
        except StopAsyncIteration:
            return
        finally:
            self._answers.put_nowait(None)

    async def _show(self) -> None:
        while (entry := await self._answers.get()) is not None:
            request, work = entry
            outcome = await work
            self._unfinished += outcome.status == "canceled"
            self._screen.show(request, outcome)
            self._room.release()

    def _say(self, runtime: Runtime, event: str, **facts: Any) -> None:
        runtime.system.telemetry.log.info(event, tree=self._settings.tree.name, **facts)

    async def _answer(self, runtime: Runtime, request: Request) -> Outcome:
        if isinstance(request, ValueError):
            return Outcome("", "failed", error=str(request))
        if runtime.tree is None or runtime.tree.entry_path is None:
            return Outcome("", "failed", error="the tree has no entry: no agent takes requests")
        try:
            answer: Outcome = await runtime.run(
                request, context=self._settings.context, deadline=self._settings.deadline
            )
        except (SystemClosed, asyncio.CancelledError):
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            return Outcome("", "canceled", error="the daemon has stopped")
        return answer
