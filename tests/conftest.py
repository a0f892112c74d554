"""How tests run: coroutine tests on virtual time, and nothing may outlive its test.

An `async def` test runs on an event loop whose time jumps to the next timer whenever nothing else can
happen, so an hour's sleep takes no time and times can be compared exactly; each test starts at 0.0. If
nothing can ever happen again, `DeadlockError` names the tasks that wait. Time does not wait for threads: a
test that works with threads, sockets, processes or a blocked loop is marked `realtime` and runs on an
ordinary loop.

After each test, no task, thread or file descriptor may be left, and no error may have gone to the loop's
handler.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import inspect
import itertools
import os
import selectors
import threading
from pathlib import Path

import pytest
from hypothesis import settings

JOIN_TIMEOUT = 2.0  # seconds of real time that a thread gets to end after its test
SETTLING_ROUNDS = 20  # rounds of the loop that a task gets to end after its test, in no time
OPEN_FILES = Path("/proc/self/fd")

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


class DeadlockError(Exception):
    """Nothing is ready, no timer is set, and no thread or file could wake the loop: it would wait on."""


class Leak(Exception):
    """Something that a test started was still there after it."""


# --- virtual time -----------------------------------------------------------------------------------


class VirtualTimeSelector(selectors.DefaultSelector):
    """A selector that moves the time of its loop on, where an ordinary one waits."""

    loop: VirtualTimeLoop

    def select(self, timeout=None):
        """Returns what is ready now; else jumps to the next timer, or waits for a thread or a file."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if timeout is None:
            return self._wait()
        self.loop.jump(timeout)
        return []

    def _wait(self):
        while not (ready := super().select(0.05)):
            if not self._can_be_woken():
                raise DeadlockError(waiting_tasks(self.loop))
        return ready

    def _can_be_woken(self):
        me = threading.current_thread()
        threads = [t for t in threading.enumerate() if t is not me and not t.daemon]
        return bool(threads) or len(self.get_map()) > 1  # the one is the loop's own wake-up pipe


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time starts at 0.0 and moves only when nothing else can happen."""

    def __init__(self):
        self._now = 0.0
        selector = VirtualTimeSelector()
        selector.loop = self
        super().__init__(selector)

    def time(self):
        """Returns the virtual time, in seconds since the test began."""
        return self._now

    def jump(self, seconds):
        """Moves on by `seconds`, and exactly to the next timer where that is what the step leads to."""
        target = self._now + seconds
        due = self._scheduled[0].when() if self._scheduled else target
        self._now = due if abs(due - target) <= self._clock_resolution else target

    async def shutdown_default_executor(self, timeout=None):  # noqa: ASYNC109 - asyncio calls it so
        """Waits in real time for the threads of `to_thread`: virtual time would not wait for them."""
        self._executor_shutdown_called = True
        if self._default_executor is not None:
            self._default_executor.shutdown(wait=True)


def waiting_tasks(loop):
    """Describes the tasks of a loop and where each one waits, one a line."""
    lines = [f"  {task.get_name()}: {where(task)}" for task in asyncio.all_tasks(loop)]
    return "\n".join(["nothing can ever happen again; these tasks wait:", *sorted(lines)])


def where(task):
    """Describes what a task runs, down to the line in which it waits."""
    names, frame, coroutine = [], None, task.get_coro()
    while inspect.iscoroutine(coroutine):
        names.append(coroutine.__qualname__)
        frame, coroutine = coroutine.cr_frame or frame, coroutine.cr_await
    place = f" at {frame.f_code.co_filename}:{frame.f_lineno}" if frame else ""
    return " > ".join(names) + place


# --- running coroutine tests ------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs coroutine tests, those of hypothesis too, each call on a loop of its own."""
    test, handle = pyfuncitem.obj, getattr(pyfuncitem.obj, "hypothesis", None)
    coroutine_test = handle.inner_test if handle else test
    if not inspect.iscoroutinefunction(coroutine_test):
        return None
    loop_factory = None if pyfuncitem.get_closest_marker("realtime") else VirtualTimeLoop
    runnable = in_a_loop(coroutine_test, loop_factory, pyfuncitem.stash[LOOP_ERRORS])
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with pytest.MonkeyPatch.context() as patch:
        if handle:
            patch.setattr(handle, "inner_test", runnable)  # hypothesis calls it once an example
        (test if handle else runnable)(**arguments)
    return True


def in_a_loop(test, loop_factory, errors):
    """Makes an ordinary function of a coroutine function: each call has its own loop, and leaves no task."""

    @functools.wraps(test)
    def call(*args, **kwargs):
        __tracebackhide__ = True
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            loop = runner.get_loop()
            loop.set_exception_handler(lambda _loop, context: errors.append(context))
            runner.run(without_leftovers(test(*args, **kwargs)))

    return call


async def without_leftovers(coroutine):
    """Awaits a test, then says which tasks it left; they are cancelled with the loop."""
    __tracebackhide__ = True
    asyncio.current_task().set_name("the test")
    await coroutine
    for _ in range(SETTLING_ROUNDS):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        await asyncio.sleep(0)
    names = "\n".join(sorted(f"  {task.get_name()}: {where(task)}" for task in left))
    raise Leak(f"the test left tasks:\n{names}")


# --- nothing outlives its test ----------------------------------------------------------------------

LOOP_ERRORS = pytest.StashKey[list]()
TESTS = itertools.count(1)
FROZEN_EVERY = 50  # tests; what pytest keeps of them adds up, and would be looked through after each one


def pytest_collection_finish(session):
    """Takes what was imported out of the garbage collector's way: it is asked after every test."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish(session):
    """Lets the collector have everything again, so that pytest's last look finds what is left."""
    gc.unfreeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Gives each test its list of errors that reach the loop's exception handler."""
    item.stash[LOOP_ERRORS] = []


@pytest.fixture(autouse=True)
def nothing_left(request):
    """Fails a test that leaves a thread, an open file or an error that nobody took."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    gc.collect()  # what an exception or a cycle kept alive may still close, or complain
    if next(TESTS) % FROZEN_EVERY == 0:
        gc.freeze()
    complaints = [f"thread {t.name}" for t in left_threads(threads)]
    complaints += [f"open file {number}: {target}" for number, target in sorted(open_files() - files)]
    complaints += [f"unhandled: {described(context)}" for context in request.node.stash[LOOP_ERRORS]]
    if complaints:
        raise Leak("\n".join(["the test left something behind:", *(f"  {line}" for line in complaints)]))


@pytest.fixture
def loop_errors(request):
    """The contexts that reached the loop's exception handler; a test that expects one takes it out."""
    return request.node.stash[LOOP_ERRORS]


@pytest.fixture(autouse=True)
def state_dir(tmp_path, monkeypatch):
    """A state directory of the test's own, so that no test sees or changes its user's."""
    path = tmp_path / "state"
    monkeypatch.setenv("TREEWARD_STATE_DIR", str(path))
    return path


def left_threads(before):
    """Returns the threads that are new and do not end in time."""
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        thread.join(JOIN_TIMEOUT)
    return [thread for thread in left if thread.is_alive()]


def open_files():
    """Returns the open descriptors as (number, target), where the system can say so."""
    found = set()
    if OPEN_FILES.is_dir():
        for entry in OPEN_FILES.iterdir():
            with contextlib.suppress(FileNotFoundError):  # the listing's own descriptor is gone by now
                found.add((int(entry.name), str(entry.readlink())))
    return found


def described(context):
    """Describes what reached the loop's exception handler."""
    return f"{context.get('message')} {context.get('exception')!r}"
