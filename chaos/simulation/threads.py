"""The threads of a simulation: real ones, of which only one runs at a time, and the loop's is one of them.

Whatever starts a thread in a simulation gets one that is in lockstep with the loop. It runs until it has to wait: for
a lock (and so for an event, a queue, a future, a reply), for another thread's end, or for a time. Then it is parked,
and the loop goes on; once it can go on, it does so a little later in virtual time, how much being drawn.
"""

from __future__ import annotations

import _thread
import contextlib
import logging
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn

from .errors import Deadlock, SimulationEscape
from .place import PLACES, Place, here, outside
from .waiting import stack_place

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Iterator

    from .loop import SimLoop

__all__ = ["LoopPlace", "SimThread", "ThreadEnded", "Threads", "join_thread", "start_thread"]

DELAY = 0.01
"""Virtual seconds at most after which a thread that can go on does. None under `fifo`."""

STALL = 10.0
"""Real seconds after which a thread that has neither come back nor moved is taken to block outside."""

SETTLED = 0.1
"""Real seconds in which a thread that has just been parked has given the turn back."""

END_ROUNDS = 3

END_TRIES = 100
"""How often a thread that is to end is told so, if it takes no notice."""

_REAL_START = threading.Thread.start
_REAL_JOIN = threading.Thread.join


class ThreadEnded(SystemExit):
    """Raised in a parked thread at the end of the run, to end it."""


class LoopPlace(Place):
    """The thread of the loop. While it waits for a thread, the loop is held, and the threads go on."""

    def __init__(self, loop: SimLoop, threads: Threads) -> None:
        self.loop = loop
        self.threads = threads

    def wait(self, ready: Callable[[], bool], waiters: list[Any], seconds: float | None) -> bool:  # noqa: ARG002
        """Lets the threads run, until it is ready; meanwhile nothing else does."""
        since = self.loop.time()
        until = None if seconds is None else since + seconds
        in_time = True
        while in_time and not ready():
            in_time = self.threads.run_next(until) or self._waited_in_vain(until)
        self.loop.held(self.loop.time() - since, sys._getframe(1))  # noqa: SLF001 - whose stack holds the loop
        return in_time

    def _waited_in_vain(self, until: float | None) -> bool:
        if until is None:
            holder = f"{self.who()}, which holds the loop: at {stack_place(sys._getframe(1))}"  # noqa: SLF001 - as above
            self.loop.fail(Deadlock(self.loop.time(), (holder, *self.threads.waiting())))
        self.loop.move_to(until)
        return False

    def sleep(self, seconds: float) -> None:
        """Is an escape: it would hold the loop."""
        self.loop.escape(f"time.sleep({seconds!r})", "On an event loop, `await asyncio.sleep(...)`.")

    def wake(self) -> None:
        """Does nothing: it looks by itself."""

    def new_loop(self) -> Any:
        """Returns None: no second loop can run in this thread."""
        return None

    def who(self) -> str:
        """Says whose step runs."""
        return self.loop.who()


class SimThread(Place):
    """A thread that is in lockstep."""

    def __init__(self, threads: Threads, thread: threading.Thread) -> None:
        self.threads = threads
        self.loop = threads.loop
        self.thread = thread
        self.number = next(self.loop.numbers)
        self.ended = False
        self.parked = True
        self.step: asyncio.TimerHandle | None = None
        """Its next run, where that is known."""
        self.joiners: list[Place] = []
        self._woken = True
        self._tries = 0
        self._arrived = _thread.allocate_lock()
        self._turn = _thread.allocate_lock()
        self._arrived.acquire()
        self._turn.acquire()

    # On the side of those who run it.

    def start(self) -> None:
        """Starts the real thread, which waits for its first turn."""
        run = self.thread.run
        self.thread.run = lambda: self._main(run)  # type: ignore[method-assign]  # it is what the thread runs
        with outside():
            _REAL_START(self.thread)
        self._arrived.acquire()
        self._soon()

    def _soon(self) -> None:
        self.step = self.loop.call_later(self.threads.drawn_delay(), self.threads.run, self)

    def go_on(self) -> None:
        """Lets it run: the caller waits for `Threads.back`."""
        self.step = None
        self.parked = False
        self._turn.release()

    def wake(self) -> None:
        """Lets it look soon whether it can go on."""
        if not self._woken:
            self._woken = True
            if self.step is not None:
                self.step.cancel()
            self._soon()

    def waits(self) -> str:
        """Returns a line that says where it waits."""
        frame = sys._current_frames().get(self.thread.ident or 0)  # noqa: SLF001 - the documented way to its stack
        return f"thread {self.thread.name}: at {stack_place(frame)}"

    # In the thread itself.

    def _main(self, run: Callable[[], None]) -> None:
        PLACES[_thread.get_ident()] = self
        self._arrived.release()
        self._turn.acquire()
        try:
            if not self.threads.ending:
                run()
        except SystemExit:
            pass
        except BaseException as error:  # noqa: BLE001 - as threading.excepthook: the thread ends, the process goes on
            self._report(error)
        finally:
            del self.thread.run
            self._leave()

    def _report(self, error: BaseException) -> None:
        if not self.threads.ending:
            context = {"message": f"unhandled exception in thread {self.thread.name}", "exception": error}
            self.loop.call_exception_handler(context)

    def _leave(self) -> None:
        if PLACES.pop(_thread.get_ident(), None) is None:  # it was given up: another runs in its turn
            return
        self.ended = self.parked = True
        for joiner in self.joiners:
            joiner.wake()
        self.threads.back.release()

    def _park(self, until: float | None) -> None:
        """Gives the turn back until it is woken, or until that time."""
        self._woken = False
        self.step = None if until is None else self.loop.call_at(until, self.threads.run, self)
        if not self.threads.ending:
            self._give_back()
        self._woken = True
        if self.threads.ending:
            self._end()

    def _end(self) -> None:
        """Ends the thread from within; one that will not end is parked for good."""
        self._tries += 1
        if self._tries > END_TRIES:
            self._give_back()
        raise ThreadEnded

    def _give_back(self) -> None:
        self.parked = True
        self.threads.back.release()
        self._turn.acquire()

    def wait(self, ready: Callable[[], bool], waiters: list[Any], seconds: float | None) -> bool:
        """Parks the thread until it is ready, or until the time is up."""
        until = None if seconds is None else self.loop.time() + seconds
        waiters.append(self)
        try:
            while not ready():
                if until is not None and self.loop.time() >= until:
                    return False
                self._park(until)
        finally:
            waiters.remove(self)
        return True

    def sleep(self, seconds: float) -> None:
        """Parks the thread for that time."""
        until = self.loop.time() + seconds
        self._park(until)

    def new_loop(self) -> Any:
        """Returns a loop that parks the thread where it has nothing to do."""
        return self.threads.new_loop(self)

    def park_until(self, when: float | None) -> None:
        """Parks the thread until somebody wakes it, or until that time: for the loop that runs in it."""
        self._park(when)

    def who(self) -> str:
        """Says which thread it is."""
        return f"thread {self.thread.name}"


class Threads:
    """All threads of a run. `back` is released by whoever has had a turn."""

    def __init__(self, loop: SimLoop, new_loop: Callable[[SimThread], Any]) -> None:
        self.loop = loop
        self.new_loop = new_loop
        self.ending = False
        self.back = _thread.allocate_lock()
        self.back.acquire()
        self._threads: dict[threading.Thread, SimThread] = {}
        loop.others.append(self.waiting)

    def __iter__(self) -> Iterator[SimThread]:
        return iter(list(self._threads.values()))

    def drawn_delay(self) -> float:
        """Returns how long a thread that can go on does not, yet."""
        return 0.0 if self.loop.policy == "fifo" else self.loop.schedule_rng.random() * DELAY

    def start(self, thread: threading.Thread) -> None:
        """Starts a thread in lockstep."""
        made = SimThread(self, thread)
        made.start()
        self._threads[thread] = made

    def find(self, thread: threading.Thread) -> SimThread | None:
        """Returns what that thread is here, while it runs."""
        return self._threads.get(thread)

    def run(self, thread: SimThread) -> None:
        """Gives a thread its turn, and waits until it is parked or has ended."""
        self.loop.trace.pending.append(f"thread {thread.thread.name} #{thread.number}")
        try:
            thread.go_on()
            self._come_back(thread)
        except KeyboardInterrupt:  # it is meant for whoever runs the simulation, but not while the thread runs too
            self.back.acquire(timeout=SETTLED if thread.parked else STALL)
            raise
        finally:
            if thread.ended:
                self._bury(thread)

    def _come_back(self, thread: SimThread) -> None:
        seen = None
        while not self.back.acquire(timeout=STALL):
            frame = sys._current_frames().get(thread.thread.ident or 0)  # noqa: SLF001 - the documented way
            at = (frame, frame and frame.f_lasti)
            if at == seen:
                self._give_up(thread, stack_place(frame))
            seen = at

    def _give_up(self, thread: SimThread, line: str) -> NoReturn:
        """Leaves a thread alone that blocks where nobody sees it."""
        del self._threads[thread.thread]
        PLACES.pop(thread.thread.ident or 0, None)
        instead = "Have it wait for a lock, an event, a queue or a future that was made in the simulation."
        self.loop.fail(SimulationEscape("what blocks there", f"{thread.who()}, at {line}", instead))

    def _bury(self, thread: SimThread) -> None:
        """Waits for the real end, which is near, so that nothing of it runs beside the next."""
        del self._threads[thread.thread]
        with outside():
            _REAL_JOIN(thread.thread)

    def run_next(self, until: float | None) -> bool:
        """Runs the thread that is due first, if one is by then: for the loop's thread while it waits itself."""
        due = [(thread.step.when(), thread.number, thread) for thread in self if thread.step is not None]
        if not due or (until is not None and min(due)[0] > until):
            return False
        when, _, thread = min(due)
        if thread.step is not None:
            thread.step.cancel()
        self.loop.move_to(when)
        self.run(thread)
        return True

    def waiting(self) -> list[str]:
        """Returns a line for each thread."""
        return [thread.waits() for thread in self]

    def end(self) -> None:
        """Ends all threads, in the order of their starts. One that does not end is an escape, and is left parked."""
        self.ending = True
        with _quiet_pools():
            for _ in range(END_ROUNDS):  # one that ends may start another
                for thread in self:
                    self.run(thread)
        if self._threads and self.loop.fatal is None:
            names = ", ".join(thread.name for thread in self._threads)
            who = f"{names}, at the end of the run"
            self.loop.fatal = SimulationEscape("a thread that does not end", who, "Let SystemExit through in it.")


@contextlib.contextmanager
def _quiet_pools() -> Iterator[None]:
    """Keeps thread pools from logging that their workers end; nobody had to shut them down before."""
    log = logging.getLogger("concurrent.futures")
    was, log.disabled = log.disabled, True
    try:
        yield
    finally:
        log.disabled = was


def start_thread(thread: threading.Thread) -> None:
    """Is `threading.Thread.start`, during a run."""
    place = here()
    if place is None:
        _REAL_START(thread)
    else:
        place.threads.start(thread)


def join_thread(thread: threading.Thread, timeout: float | None = None) -> None:
    """Is `threading.Thread.join`, during a run."""
    place = here()
    other = None if place is None else place.threads.find(thread)
    if place is None or other is None:
        _REAL_JOIN(thread, timeout)
    else:
        place.wait(lambda: other.ended, other.joiners, None if timeout is None else max(timeout, 0.0))
