"""One process's actors: their loop, clock, entropy, registry, bus, dead letters and events."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import itertools
import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Any, Self, TypeVar

from .actor import SYSTEM, Factory
from .bus import Bus
from .cell import Cell
from .clock import Clock, LoopClock
from .dead_letters import DeadLetters
from .dispatch import CURRENT, Dispatcher, Life, Worker
from .entropy import Entropy
from .errors import ActorStopped, NameTaken, SystemClosed
from .exits import Exit
from .mailbox import UNBOUNDED, MailboxSpec
from .registry import Registry
from .reply import runs_here
from .signals import Stop
from .telemetry import ActorEnded, Event, HookFailed, Telemetry
from .turns import Turns
from .watchdog import Watch, watch_over

if TYPE_CHECKING:
    import concurrent.futures
    from collections.abc import Callable, Coroutine, Iterator

    import pykka

    from .faults import Faults
    from .ref import Ref
    from .signals import Exit as ExitSignal

__all__ = ["ActorSystem"]

T = TypeVar("T")

KILL_GRACE = 1.0
STOP_GRACE = 5.0
SETTLING_ROUNDS = 3


class ActorSystem:
    """Runs actors on the event loop in which it is entered: `async with ActorSystem() as system`.

    Args:
        name: stands in logs and thread names.
        seed: of all randomness; without one, the operating system gives it.
        clock: None means the event loop's own time.
        kill_grace: seconds between the first and the second cancellation of a handler that is killed, and
            between the second and its being abandoned.
        blocked_after: seconds after which a handler that holds the loop is reported; None turns the watchdog
        off.

    Several systems may live in one process, and on one loop. It is entered once; nothing of it lasts beyond
    the block.
    """

    def __init__(
        self,
        name: str = "treeward",
        *,
        seed: int | None = None,
        clock: Clock | None = None,
        kill_grace: float = KILL_GRACE,
        blocked_after: float | None = 0.3,
    ) -> None:
        self.name = name
        self.entropy = Entropy(seed)
        self.kill_grace = kill_grace
        self.registry = Registry()
        self.cells: dict[str, Cell] = {}
        self.roots: dict[Cell, None] = {}
        self.running: Cell | None = None
        """Whose `def` code runs at present."""
        self.exits: deque[tuple[Cell, int, ExitSignal]] = deque()
        """Exits on their way to links: who, in which incarnation, gets what."""
        self.abandoned: dict[Life, asyncio.Future[Any]] = {}
        self.abandoned_total = 0
        self.faults: Faults | None = None
        """What is armed at the fault points; see `faults.arm`."""
        self.context = contextvars.copy_context()
        self._given_clock = clock
        self._blocked_after = blocked_after
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchdog: Watch | None = None
        self._token: contextvars.Token[ActorSystem | None] | None = None
        self._numbers = itertools.count(1)
        self._workers: weakref.WeakKeyDictionary[Worker, None] = weakref.WeakKeyDictionary()  # a set has no order
        self._errands: set[asyncio.Task[Any]] = set()
        self._closing = False
        self._gate = threading.Lock()
        """Held by a thread that hands something over to the loop: what is let in is done before the end."""
        self._ended = False

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The event loop. Raises `SystemClosed` before the block is entered."""
        if self._loop is None:
            raise SystemClosed(self.name)
        return self._loop

    # Set up and tear down.

    async def __aenter__(self) -> Self:
        self.open(asyncio.get_running_loop())
        self._token = SYSTEM.set(self)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._token is not None:
            with contextlib.suppress(ValueError):  # left in another task than it was entered in
                SYSTEM.reset(self._token)
        await self.close()

    def open(self, loop: asyncio.AbstractEventLoop) -> None:
        """Takes the loop into use. On that loop."""
        if self._loop is not None:
            raise RuntimeError(f"the actor system {self.name!r} was entered before: make another one")
        self._loop = loop
        self.clock: Clock = self._given_clock or LoopClock(loop)
        self.telemetry = Telemetry(self.clock)
        self.dead_letters = DeadLetters(self.clock, self.telemetry, self.cells)
        self.bus = Bus(self)
        self.turns = Turns(self)
        self.context.run(SYSTEM.set, self)
        if self._blocked_after is not None:
            self._watchdog = watch_over(self, self._blocked_after)

    async def close(self, grace: float = STOP_GRACE) -> None:
        """Stops all actors without a supervisor, newest first: asks, waits `grace` seconds, then kills."""
        self._closing = True
        try:
            for cell in list(reversed(self.roots)):
                await self.end(cell, grace)
        finally:
            self._shut()
        await self._end_errands()
        for _ in range(SETTLING_ROUNDS):  # what threads handed over before the gate closed is answered now
            await asyncio.sleep(0)

    def _shut(self) -> None:
        """Ends what is left, refs and threads included."""
        for cell in list(self.roots):
            cell.kill()
        for cell in list(self.cells.values()):
            cell.close()
        with self._gate:
            self._ended = True
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None
        for worker in tuple(self._workers):
            worker.join()

    async def _end_errands(self) -> None:
        for errand in self._errands:
            errand.cancel()
        await asyncio.gather(*self._errands, return_exceptions=True)

    async def end(self, cell: Cell, grace: float | None) -> None:
        """Ends an incarnation and waits for it: asks with `shutdown`, kills after `grace` seconds."""
        if not cell.alive:
            return
        timer = None if grace is None else self.clock.call_later(grace, cell.kill)
        cell.signal(Stop(Exit.SHUTDOWN))
        try:
            await self.ended(cell)
        finally:
            if timer is not None:
                timer.cancel()

    async def ended(self, cell: Cell) -> None:
        """Waits until the present incarnation has ended and nothing of it runs; not at all if none lives."""
        waiter: asyncio.Future[None] = self.loop.create_future()
        cell.when_ended(lambda: None if waiter.done() else waiter.set_result(None))
        await waiter

    # Actors.

    def spawn(self, cls: Callable[..., pykka.Actor], *args: Any, **kwargs: Any) -> Ref[Any]:
        """Starts an actor that nobody supervises, and returns its ref at once; from any thread.

        Its path is the class's name and a number. If its start fails, the messages for it become dead
        letters.
        """
        return self.launch(Factory(cls, args, kwargs))

    def launch(
        self,
        factory: Factory,
        *,
        path: str | None = None,
        dispatcher: Dispatcher = "loop",
        mailbox: MailboxSpec = UNBOUNDED,
    ) -> Ref[Any]:
        """Starts an actor without a supervisor, with everything said; see `spawn`."""
        self._check_caller()
        if self._closing:
            raise SystemClosed(self.name)
        if path is None:
            path = f"{getattr(factory.cls, '__name__', 'actor').lower()}-{next(self._numbers)}"
        elif path in self.cells:
            raise NameTaken(path, path, "another actor that lives there")
        cell = Cell(self, path, factory, dispatcher=dispatcher, mailbox=mailbox)
        self.call(self.start_root, cell)
        return cell.ref

    def start_root(self, cell: Cell, when_started: Callable[[BaseException | None], None] | None = None) -> None:
        """Starts a cell that has no supervisor; `when_started` hears None, or why it failed. On the loop."""
        self.cells[cell.path] = cell
        self.roots[cell] = None
        cell.start(when_started)

    def adopt(self, cell: Cell) -> None:
        """Makes a cell known by its path. On the loop."""
        self.cells[cell.path] = cell

    def forget(self, cell: Cell) -> None:
        """Forgets a cell that has closed. On the loop."""
        self.roots.pop(cell, None)
        if self.cells.get(cell.path) is cell:
            del self.cells[cell.path]

    def ref(self, path: str) -> Ref[Any] | None:
        """Returns the ref of the actor at that path, or None."""
        cell = self.cells.get(path)
        return cell.ref if cell is not None else None

    def observe(self, observer: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `observer` with every event from now on; returns what ends that. See `Telemetry.observe`."""
        return self.telemetry.observe(observer)

    # What cells ask.

    def call(self, func: Callable[..., object], *args: Any) -> None:
        """Calls `func(*args)` on the loop: now if the caller is on it, soon if not. Raises `SystemClosed`."""
        if runs_here(self.loop):
            func(*args)
        else:
            self._hand_over(func, *args)

    def result_of(self, func: Callable[..., T], *args: Any) -> T:
        """Calls `func(*args)` on the loop for its result; who is elsewhere waits. Raises `SystemClosed`."""
        if runs_here(self.loop):
            return func(*args)
        return self.submit(_result(func, args)).result()

    def call_from_outside(self, func: Callable[..., object], *args: Any) -> None:
        """Calls `func(*args)` on the loop, soon. Raises `SystemClosed`; if abandoned, `ActorStopped`."""
        self._check_caller()
        self._hand_over(func, *args)

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Runs a coroutine on the loop, for a caller elsewhere. Raises as `call_from_outside`."""
        try:
            self._check_caller()
            with self._let_in():
                return asyncio.run_coroutine_threadsafe(coroutine, self.loop)
        except (SystemClosed, ActorStopped):
            coroutine.close()
            raise

    def errand(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Runs a coroutine that belongs to no actor, until the system ends at the latest. On the loop."""
        errand = self.loop.create_task(coroutine, name=name, context=self.context.copy())
        self._errands.add(errand)
        errand.add_done_callback(self._errand_ended)
        return errand

    def _errand_ended(self, errand: asyncio.Task[Any]) -> None:
        self._errands.discard(errand)
        error = None if errand.cancelled() else errand.exception()
        if error is not None:
            self.telemetry.emit(HookFailed, errand.get_name(), 0, "errand", error)

    def _hand_over(self, func: Callable[..., object], *args: Any) -> None:
        with self._let_in():
            self.loop.call_soon_threadsafe(func, *args)

    @contextlib.contextmanager
    def _let_in(self) -> Iterator[None]:
        """Holds the end of the system up while a thread hands something over, or says that it is too late."""
        with self._gate:
            if self._ended:
                raise SystemClosed(self.name)
            try:
                yield
            except RuntimeError:  # asyncio's way to say that the loop is closed
                raise SystemClosed(self.name) from None

    def _check_caller(self) -> None:
        if self.abandoned_total and self.silenced():
            raise ActorStopped("an abandoned actor", "nothing that it does reaches anybody")

    def hire(self, life: Life) -> Worker:
        """Makes the thread of an incarnation."""
        worker = Worker(life)
        self._workers[worker] = None
        return worker

    def abandon(self, life: Life, pending: asyncio.Future[Any]) -> None:
        """Notes an incarnation that could not be ended: it is in `abandoned` for as long as it runs on."""
        life.abandoned = True
        self.abandoned_total += 1
        self.abandoned[life] = pending
        pending.add_done_callback(lambda _: self._ended_after_all(life))

    def _ended_after_all(self, life: Life) -> None:
        del self.abandoned[life]
        self.telemetry.emit(ActorEnded, life.cell.path, life.incarnation, Exit.KILLED)

    def silenced(self) -> bool:
        """Tells whether the calling code belongs to an abandoned incarnation."""
        life = CURRENT.get()
        return life is not None and life.abandoned


async def _result(func: Callable[..., T], args: tuple[Any, ...]) -> T:
    return func(*args)
