"""The event loop of a simulation: its time jumps, its order is drawn, and nothing comes in from outside.

Of the handles that are ready, one at a time is run. Steps of tasks and turns of actors that follow each other in
the queue are permuted: nobody is promised which of two that can go on goes on first. Everything else keeps its
place, as asyncio documents it for `call_soon`. Where nothing is ready, time moves to the next timer; where there
is none, it is a `Deadlock`.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
import sys
from asyncio import events
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn, TypeVarTuple

from .errors import Deadlock, Livelock, SimulationEscape
from .place import here
from .refused import refusing
from .schedule import Policy, picker
from .steps import Generators, SimFuture, SimTask, label_of, who_runs
from .trace import Trace
from .waiting import stack_place, task_line

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Iterable
    from contextvars import Context
    from types import FrameType

__all__ = ["EPOCH", "SimLoop"]

EPOCH = 1_700_000_000.0
"""The wall clock's time at the beginning of a run: 2023-11-14, 22:13:20 UTC."""

LIVELOCK_AFTER = 500_000
"""Steps in one moment after which it is taken that time will never pass."""

LONG_MOMENT = 10_000
"""Steps of one moment after which the trace is put away, and the count looked at."""

MOMENT = 0.001
"""Seconds by which time has to move for that."""

TIDY_AFTER = 100
"""Cancelled timers that may lie about, as long as they are fewer than the others."""

Ts = TypeVarTuple("Ts")


@refusing
class SimLoop(asyncio.BaseEventLoop):
    """See the module. `simulate` runs it, and takes care of clocks, threads and the rest of the process.

    Args:
        seed: of all that is drawn.
        policy: how the next step is chosen; see `schedule`.
        keep_trace: whether all lines of the trace are kept, and not the last ones alone.
        livelock_after: steps in one moment (a millisecond of virtual time) that are a `Livelock`.
        epoch: the wall clock's time at the beginning, in seconds since 1970.

    Attributes:
        world: what faults, users and the simulated surroundings draw from.
        schedule_rng: what the order of steps is drawn from: a further draw of one does not change the other.
        entropy: what `os.urandom` and all that stands on it draws from.
        wall_skew: seconds that the wall clock is ahead; to set it is to let that clock jump, and that one only.
        shown: makes of the right wall-clock time the one that is told; None means the right one.
        steps: how many handles have been run.
        fatal: the first escape, or what else ends the run whoever may swallow it.
        livelocked: whether it has come to a `Livelock`: nothing else will run then.
        unhandled: the contexts that went to the loop's exception handler.
        others: functions that each return a line for everybody else who waits, as threads do.
    """

    turns_apart = True
    """Each actor's turn is a step of its own: the runtime asks for that."""

    _ready: deque[Any]
    _stopping: bool

    def __init__(
        self,
        seed: int = 0,
        *,
        policy: Policy = "random",
        keep_trace: bool = False,
        livelock_after: int = LIVELOCK_AFTER,
        epoch: float = EPOCH,
    ) -> None:
        self._now = 0.0
        super().__init__()
        self.seed = seed
        self.policy: Policy = policy
        self._begin(keep_trace=keep_trace)
        self.epoch = epoch
        self.wall_skew = 0.0
        self.shown: Callable[[float], float] | None = None
        self.steps = 0
        self.fatal: Exception | None = None
        self.livelocked = False
        self.others: list[Callable[[], Iterable[str]]] = []
        self._watches: dict[int, tuple[float, Callable[[float, FrameType | None], object]]] = {}
        self.livelock_after = livelock_after
        self._moment = 0.0
        self._new_moment()
        self._label = ""
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._timers_cancelled = 0
        self._picker = picker(policy, self.schedule_rng)
        self._asyncgens = self.generators = Generators()
        self.set_exception_handler(lambda _, context: self.unhandled.append(context))

    def _begin(self, *, keep_trace: bool) -> None:
        """Makes what all loops of a simulation have in common."""
        self.schedule_rng = random.Random(f"schedule/{self.seed}")  # noqa: S311 - for the same order again, no secrets
        self.world = random.Random(f"world/{self.seed}")  # noqa: S311 - as above
        self.entropy = random.Random(f"entropy/{self.seed}")  # noqa: S311 - as above
        self.trace = Trace(keep=keep_trace)
        self.unhandled: list[dict[str, Any]] = []
        self.numbers = itertools.count(1)

    # Time.

    def time(self) -> float:
        """Returns the virtual time: seconds since the run began."""
        return self._now

    def wall(self) -> float:
        """Returns the wall clock's time, in seconds since 1970."""
        right = self.epoch + self._now + self.wall_skew
        return right if self.shown is None else self.shown(right)

    def leap(self, seconds: float) -> None:
        """Lets time pass while nothing runs: a loop that is held by a handler, a process that is suspended.

        Whoever watches over the loop is told, as the runtime's watchdog would be.
        """
        if not seconds >= 0:
            raise ValueError(f"leap({seconds!r}): expected seconds, 0 or more")
        self.move_to(self._now + seconds)
        self.held(seconds, sys._getframe(1))  # noqa: SLF001 - whose stack it is that holds the loop

    def watch(self, limit: float, held: Callable[[float, FrameType | None], object]) -> Callable[[], None]:
        """Calls `held(seconds, frame)` each time that something has held the loop for `limit` virtual seconds or more.

        `frame` is the innermost one of its stack. Returns the function that ends it.
        """
        number = next(self.numbers)
        self._watches[number] = (limit, held)

        def end() -> None:
            self._watches.pop(number, None)

        return end

    def held(self, seconds: float, frame: FrameType | None) -> None:
        """Tells who watches that the loop was held for that long."""
        for limit, held in list(self._watches.values()):
            if seconds >= limit:
                held(seconds, frame)

    def move_to(self, when: float) -> None:
        """Moves time on, and nothing else; not back."""
        if when <= self._now:
            return
        self._now = when
        self.trace.pending.append(f"@{when!r}")
        self.trace.flush()
        if when - self._moment >= MOMENT:
            self._moment = when
            self._new_moment()
            if self._picker is not None:
                self._picker.moved()

    def note(self, *what: object) -> None:
        """Puts a line into the trace: the words are what `str` makes of them, so they must not hold an address."""
        self.trace.pending.append(" ".join(["note", *map(str, what)]))

    # Tasks and futures.

    def create_task(self, coro: Any, *, name: object = None, context: Context | None = None, **options: Any) -> Any:
        """Makes a task; without a name of its own it is called by its number in this run."""
        if self._task_factory is not None:
            return super().create_task(coro, name=name, context=context, **options)
        self._check_closed()
        return self._numbered(coro, name=name, context=context, **options)

    def _numbered(self, coro: Any, *, name: object = None, **options: Any) -> SimTask:
        number = next(self.numbers)
        return SimTask(coro, number=number, loop=self, name=name or f"task-{number}", **options)

    def set_task_factory(self, factory: Any) -> None:
        """Sets what makes tasks. asyncio's own eager factory gets this loop's tasks."""
        if factory is not None and factory is getattr(asyncio, "eager_task_factory", None):
            super().set_task_factory(lambda _, coro, **options: self._numbered(coro, eager_start=True, **options))
        else:
            super().set_task_factory(factory)

    def create_future(self) -> Any:
        """Makes a future."""
        future = SimFuture(loop=self)
        future.number = next(self.numbers)
        return future

    # Calls.

    def call_at(
        self, when: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Calls at a virtual time. Of two calls at one time, the one that was ordered first comes first."""
        self._check_closed()
        timer = events.TimerHandle(when, callback, args, self, context)
        timer._scheduled = True  # type: ignore[attr-defined]  # noqa: SLF001 - so that it says when it is cancelled
        heapq.heappush(self._timers, (when, next(self.numbers), timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.TimerHandle:
        """Calls after a virtual delay."""
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_soon(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Calls soon, in the order of the calls."""
        if self._debug:
            return super().call_soon(callback, *args, context=context)
        self._check_closed()
        handle = events.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Calls soon; from any thread of the simulation, since only one of them runs at a time."""
        self._check_closed()
        handle = events.Handle(callback, args, self, context)
        self._ready.append(handle)
        self._write_to_self()
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:  # noqa: ARG002 - asyncio's
        """Hears of each timer that is cancelled; they are thrown out when they are too many."""
        self._timers_cancelled += 1
        if self._timers_cancelled > max(TIDY_AFTER, len(self._timers) // 2):
            self._timers[:] = [timer for timer in self._timers if not timer[2].cancelled()]
            heapq.heapify(self._timers)
            self._timers_cancelled = 0

    def close(self) -> None:
        """Closes the loop; what was to run on it does not."""
        self._timers.clear()
        super().close()

    # The run.

    def _run_once(self) -> None:  # noqa: C901 - the hot path, written out
        """Runs handles, one after the other, until the loop is to stop."""
        ready, timers, lines = self._ready, self._timers, self.trace.pending
        choose = self._picker is not None
        waiting = self._picker.items if self._picker is not None else ()
        while True:
            if timers and timers[0][0] <= self._now:
                self._take_due()
            if waiting or (choose and len(ready) > 1):
                handle = self._pick()
            elif ready:
                handle = ready.popleft()
            elif self._stopping:
                return
            else:
                self._idle()
                continue
            if handle._cancelled:  # noqa: SLF001 - asyncio's loops look there
                continue
            self.steps += 1
            self._label = label_of(handle._callback)  # noqa: SLF001 - as above
            lines.append(self._label)
            if self.steps > self._allowed:
                self._long_moment()
            handle._run()  # noqa: SLF001 - as above
            if self._stopping:
                return

    def _new_moment(self) -> None:
        """Counts the steps of a moment anew."""
        self._steps_before = self.steps
        self._allowed = self.steps + min(LONG_MOMENT, self.livelock_after)

    def _long_moment(self) -> None:
        """Looks, after many steps of one moment, whether they are too many."""
        self.trace.flush()
        left = self._steps_before + self.livelock_after - self.steps
        if left < 0:
            self.livelocked = True
            self.fail(Livelock(self._now, self.livelock_after, self._busy()))
        self._allowed = self.steps + min(LONG_MOMENT, left)

    def _pick(self) -> Any:
        """Returns the next handle where several are ready: of those at the head that may be permuted, any."""
        ready, among = self._ready, self._picker
        assert among is not None  # noqa: S101 - it is not asked for under `fifo`
        while ready:
            who = who_runs(ready[0]._callback)  # noqa: SLF001 - as asyncio's loops
            if who is None:
                break
            among.add(ready.popleft(), who)
        return among.take() if among.items else ready.popleft()

    def _take_due(self) -> None:
        """Makes ready what has come due."""
        timers, ready, now = self._timers, self._ready, self._now
        while timers and timers[0][0] <= now:
            handle: Any = heapq.heappop(timers)[2]
            handle._scheduled = False  # noqa: SLF001 - so that it does not say any more when it is cancelled
            if handle._cancelled:  # noqa: SLF001 - as above
                self._timers_cancelled -= 1
            else:
                ready.append(handle)

    def _idle(self) -> None:
        """Moves time to the next timer, since nothing is ready."""
        when = self.next_timer()
        if when is None:
            raise Deadlock(self._now, self.waiting())
        self.move_to(when)

    def next_timer(self) -> float | None:
        """Returns the time of the next timer that is not cancelled; None if there is none."""
        timers = self._timers
        while timers and timers[0][2]._cancelled:  # noqa: SLF001 - as above
            heapq.heappop(timers)
            self._timers_cancelled -= 1
        return timers[0][0] if timers else None

    # Who is there.

    def waiting(self) -> tuple[str, ...]:
        """Returns a line for each task that is not done, oldest first, and for each thread: what it waits for."""
        tasks = sorted((task for task in asyncio.all_tasks(self)), key=hash)
        others = (line for lines in self.others for line in lines())
        return (*map(task_line, tasks), *others)

    def timers(self) -> tuple[str, ...]:
        """Returns a line for each timer that is set and not cancelled, the next one first: what it calls, and when."""
        due = sorted(timer for timer in self._timers if not timer[2].cancelled())
        return tuple(f"{label_of(handle._callback)} at {when:.6f} s" for when, _, handle in due)  # type: ignore[attr-defined]  # noqa: SLF001 - as above

    def _busy(self) -> tuple[str, ...]:
        """Returns who has made the last steps, most of them first."""
        lines = (line.partition(" ")[2] for line in self.trace.tail(1_000))
        return tuple(f"{count} of the last steps: {who}" for who, count in Counter(lines).most_common(10))

    def who(self) -> str:
        """Says whose step it is that runs at present."""
        return self._label or "(nobody)"

    # What is not simulated.

    def escape(self, wanted: str, instead: str) -> NoReturn:
        """Ends the run: code has tried something real, in the calling thread."""
        place = here()
        line = stack_place(sys._getframe(1))  # noqa: SLF001 - the line from which it was tried
        who = self.who() if place is None else place.who()
        self.fail(SimulationEscape(wanted, f"{who}, at {line}", instead))

    def fail(self, error: Exception) -> NoReturn:
        """Ends the run with that error, which is raised as well: whoever lets it pass unheeded does not keep it."""
        if self.fatal is None:
            self.fatal = error
        self._stopping = True
        raise error

    def _write_to_self(self) -> None:
        """Does nothing: whoever calls from another thread runs in this one's place."""

    if TYPE_CHECKING:
        _debug: bool
        _task_factory: Any

        def _check_closed(self) -> None: ...
