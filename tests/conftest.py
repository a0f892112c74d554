"""How tests run: coroutine tests in a simulation, and nothing may outlive its test.

An `async def` test runs on the product's own `SimLoop`, in asyncio's order (`fifo`): time jumps to the next timer
whenever nothing else can happen, so an hour's sleep takes no time and times can be compared exactly; each test starts
at 0.0. If nothing can ever happen again, `Deadlock` names the tasks that wait. A test that works with real threads,
sockets, processes or a blocked loop is marked `realtime` and runs on an ordinary loop. Tests that use the fixtures
`chaos` and `runtime` are run by the product's pytest plugin instead.

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
import signal
import threading
from pathlib import Path

import pytest
from hypothesis import settings

from treeward.chaos.simulation.simulate import simulate
from treeward.chaos.simulation.waiting import task_line

JOIN_TIMEOUT = 2.0  # seconds of real time that a thread gets to end after its test
SETTLING_ROUNDS = 20  # rounds of the loop that a task gets to end after its test, in no time
OPEN_FILES = Path("/proc/self/fd")

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background: programs under test would, too
    signal.signal(signal.SIGINT, signal.default_int_handler)

settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "dev")


class Leak(Exception):
    """Something that a test started was still there after it."""


# --- running coroutine tests ------------------------------------------------------------------------


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs coroutine tests, those of hypothesis too, each call on a loop of its own."""
    test, handle = pyfuncitem.obj, getattr(pyfuncitem.obj, "hypothesis", None)
    coroutine_test = handle.inner_test if handle else test
    if not inspect.iscoroutinefunction(coroutine_test):
        return None
    run = in_real_time if pyfuncitem.get_closest_marker("realtime") else in_a_simulation
    runnable = in_a_loop(coroutine_test, run, pyfuncitem.stash[LOOP_ERRORS])
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    with pytest.MonkeyPatch.context() as patch:
        if handle:
            patch.setattr(handle, "inner_test", runnable)  # hypothesis calls it once an example
        (test if handle else runnable)(**arguments)
    return True


def in_a_loop(test, run, errors):
    """Makes an ordinary function of a coroutine function: each call has its own loop, and leaves no task."""

    @functools.wraps(test)
    def call(*args, **kwargs):
        __tracebackhide__ = True

        async def main():
            __tracebackhide__ = True
            await without_leftovers(test(*args, **kwargs))

        run(main, errors)

    return call


def in_real_time(main, errors):
    """Runs a coroutine on an ordinary loop."""
    __tracebackhide__ = True
    with asyncio.Runner() as runner:
        runner.get_loop().set_exception_handler(lambda _loop, context: errors.append(context))
        runner.run(main())


def in_a_simulation(main, errors):
    """Runs a coroutine in virtual time."""
    __tracebackhide__ = True

    async def watched():
        __tracebackhide__ = True
        asyncio.get_running_loop().unhandled = errors
        await main()

    simulate(watched, policy="fifo").result()


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
    names = "\n".join(sorted(f"  {task_line(task)}" for task in left))
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
