"""How runs end: well, with an error, in a deadlock or livelock, from the terminal; and what is left of them."""

from __future__ import annotations

import _thread
import asyncio
import builtins
import concurrent.futures
import contextlib
import datetime as dt
import gc
import os
import queue
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import types
import uuid
import weakref
from pathlib import Path

import pytest

from treeward.chaos.simulation.errors import Deadlock, Livelock, SimulationEscape
from treeward.chaos.simulation.loop import SimLoop
from treeward.chaos.simulation.patches import simulated
from treeward.chaos.simulation.place import PLACES
from treeward.chaos.simulation.simulate import collector_off, simulate

OWNERS = [
    *(
        time,
        random,
        os,
        uuid,
        secrets,
        socket,
        subprocess,
        threading,
        queue,
        _thread,
        asyncio,
        asyncio.events,
        builtins,
    ),
    *(socket.socket, subprocess.Popen, threading.Thread, random.Random, concurrent.futures.ThreadPoolExecutor),
    *(asyncio.selector_events.BaseSelectorEventLoop, sys.modules[__name__]),
]


def everything():
    """Returns what those modules and classes have, by name, as it is at present."""
    return [dict(vars(owner)) for owner in OWNERS]


def assert_untouched(before):
    for owner, was, now in zip(OWNERS, before, everything(), strict=True):
        assert was.keys() == now.keys(), owner
        changed = [name for name in was if was[name] is not now[name]]
        assert not changed, owner
    assert not PLACES
    assert gc.isenabled()
    assert abs(time.time() - dt.datetime.now(dt.UTC).timestamp()) < 5


async def well():
    await asyncio.sleep(1)
    return "well"


async def badly():
    await asyncio.sleep(1)
    raise LookupError("badly")


async def escaping():
    time.sleep(1)  # noqa: ASYNC251 - what is not done on a loop


async def stuck():
    await asyncio.get_running_loop().create_future()


async def spinning():
    while True:  # noqa: ASYNC110 - what is not done, either
        await asyncio.sleep(0)


async def leaving():
    sys.exit(3)


async def leaving_threads():
    threading.Thread(target=threading.Event().wait).start()
    asyncio.get_running_loop().run_in_executor(None, time.sleep, 1e9)
    await asyncio.sleep(1)


ENDS = [
    (well, type(None)),
    (badly, LookupError),
    (escaping, SimulationEscape),
    (stuck, Deadlock),
    (spinning, Livelock),
    (leaving, SystemExit),
    (leaving_threads, type(None)),
]


@pytest.mark.parametrize(("main", "kind"), ENDS)
def test_everything_is_given_back(main, kind):
    """However a run ends, the process is exactly as it was."""
    before = everything()
    run = simulate(main, livelock_after=1000)
    assert type(run.error) is kind
    assert_untouched(before)


@pytest.mark.parametrize(("main", "kind"), ENDS)
def test_an_end_repeats(main, kind):
    """The same seed comes to the same end in the same step, at the same time."""
    first, second = (simulate(main, seed=5, livelock_after=1000) for _ in range(2))
    assert (first.trace, first.steps, first.seconds, str(first.error)) == (
        second.trace,
        second.steps,
        second.seconds,
        str(second.error),
    )
    assert type(first.error) is kind


def test_the_result_is_the_value_or_the_error():
    """`result` returns, or raises, and the error then says how to have the run again; once."""
    assert simulate(well).result() == "well"
    run = simulate(badly, seed=7, policy="pct")
    for _ in range(2):
        with pytest.raises(LookupError) as caught:
            run.result()
    assert caught.value.__notes__ == [f"simulated with seed 7, policy pct: step {run.steps}, 1 s"]
    assert (run.value, run.seed, run.policy, run.seconds) == (None, 7, "pct", 1.0)


def test_a_deadlock_says_where_each_task_waits():
    """One line a task, oldest first: its name, the coroutines down to where it waits, and the line of its own code."""

    async def main():
        done = asyncio.Event()

        async def inner():
            await done.wait()  # nobody sets it

        async def outer():
            await inner()

        async with asyncio.TaskGroup() as group:
            group.create_task(outer(), name="first")
            group.create_task(asyncio.Queue().get(), name="second")

    error = simulate(main).error
    assert isinstance(error, Deadlock)
    assert isinstance(error, AssertionError)
    main_line, first, second = error.waiting
    name = "test_a_deadlock_says_where_each_task_waits.<locals>"
    assert main_line.startswith(f"task-1: {name}.main > TaskGroup.__aexit__ at {__file__}:")
    assert first.startswith(
        f"first: {name}.main.<locals>.outer > {name}.main.<locals>.inner > Event.wait at {__file__}:"
    )
    assert first.endswith(" in inner: await done.wait()  # nobody sets it")
    assert second.startswith("second: Queue.get at ")
    assert str(error).startswith("at 0 s nothing can ever happen again; 3 wait:\n  task-1: ")


def test_a_deadlock_looks_through_generators():
    """What Python lets see of a chain of awaits is named: coroutines, old ones, and async generators."""

    @types.coroutine
    def old():
        yield from asyncio.get_running_loop().create_future()

    async def steps():
        await old()
        yield

    async def main():
        async with contextlib.aclosing(steps()) as made:
            await made.asend(None)

    (line,) = simulate(lambda: old_first(old)).error.waiting
    assert "old_first > test_a_deadlock_looks_through_generators.<locals>.old at" in line
    (line,) = simulate(main).error.waiting
    assert "main at" in line


async def old_first(old):
    await old()


def test_a_timer_that_was_cancelled_keeps_nobody_waiting():
    """A deadlock is found though timers are left that will not fire."""

    async def main():
        asyncio.get_running_loop().call_later(10, print).cancel()
        await asyncio.get_running_loop().create_future()

    run = simulate(main)
    assert isinstance(run.error, Deadlock)
    assert run.seconds == 0.0


def test_a_livelock_says_who_goes_round():
    """Steps without time are counted; the error names those who made the last ones."""

    async def main():
        await asyncio.sleep(5)
        await asyncio.gather(spinning(), spinning())

    error = simulate(main, livelock_after=5_000).error
    assert isinstance(error, Livelock)
    assert (error.now, error.steps) == (5.0, 5_000)
    assert str(error).startswith("at 5 s 5000 steps were made and time did not pass; who is there:\n  ")
    assert sorted(line.partition(": ")[2] for line in error.waiting) == ["task-4", "task-5"]


def test_a_long_moment_is_no_livelock():
    """What starts at once may take hundreds of thousands of steps, and its trace does not fill the memory."""

    async def main():
        async def work():
            for _ in range(100):
                await asyncio.sleep(0)

        await asyncio.gather(*(work() for _ in range(2_000)))
        return len(asyncio.get_running_loop().trace.pending)

    run = simulate(main)
    assert run.result() <= 10_000
    assert run.steps > 200_000


def test_time_that_hardly_passes_is_a_livelock_too():
    """Ever shorter waits do not come to an end."""

    async def main():
        while True:  # noqa: ASYNC110 - as above
            await asyncio.sleep(1e-12)

    assert isinstance(simulate(main, livelock_after=5_000).error, Livelock)


def test_many_steps_are_no_livelock_while_time_passes():
    """The count begins anew with every millisecond."""

    async def main():
        for _ in range(20):
            for _ in range(500):
                await asyncio.sleep(0)
            await asyncio.sleep(0.001)

    assert simulate(main, livelock_after=1_000).error is None


def test_tasks_that_are_left_are_cancelled_in_order():
    """The oldest first, after the run is over: their steps are not in its trace, and they may clean up."""
    ended, kept = [], []

    async def main():
        async def work(name):
            try:
                await asyncio.sleep(1e9)
            finally:
                await asyncio.sleep(1)
                ended.append(name)

        kept.extend(asyncio.create_task(work(name)) for name in range(20))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "done"

    run = simulate(main, policy="fifo")
    assert (run.result(), run.seconds) == ("done", 0.0)
    assert ended == list(range(20))


def test_a_task_that_ignores_its_cancellation_is_cut_off():
    """It has a minute of virtual time, and nothing of it goes on then."""
    seen, kept = [], []

    async def main():
        async def deaf():
            while True:
                try:
                    await asyncio.sleep(25)
                except asyncio.CancelledError:
                    seen.append("cancelled")
                seen.append(asyncio.get_running_loop().time())

        kept.append(asyncio.create_task(deaf()))
        await asyncio.sleep(1)

    assert simulate(main).error is None
    assert seen == ["cancelled", 1.0, 26.0, 51.0]


def test_a_task_that_fails_while_it_is_cancelled_is_told():
    """Its error is among the unhandled ones."""

    async def main():
        async def work():
            try:
                await asyncio.sleep(60)
            finally:
                raise LookupError("in the end")

        task = asyncio.create_task(work(), name="worker")
        await asyncio.sleep(1)
        return task

    (context,) = simulate(main).unhandled
    assert context["message"] == "unhandled exception in the task worker, which was cancelled at the end"
    assert isinstance(context["exception"], LookupError)


def test_async_generators_that_are_left_are_closed_in_order():
    """Those that have begun run their `finally`, in the order in which they began."""
    closed, kept = [], []

    async def main():
        async def count(name):
            try:
                while True:
                    yield name
            finally:
                await asyncio.sleep(1)
                closed.append(name)

        for name in range(20):
            kept.append(count(name))
            await anext(kept[-1])

    simulate(main, policy="fifo").result()
    assert closed == list(range(20))


def test_the_collector_is_off_during_a_run():
    """No finalizer runs at a moment of the collector's own; afterwards it is as it was before."""

    async def main():
        return gc.isenabled()

    assert simulate(main).result() is False
    assert gc.isenabled()
    gc.disable()
    try:
        simulate(main).result()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_collector_is_left_to_whoever_has_put_it_off():
    """In a block that keeps it off, what a run leaves is looked at when the block ends, and not with the run."""

    class Knot:
        def __init__(self):
            self.itself = self

    async def main():
        return weakref.ref(Knot())

    with collector_off():
        knot = simulate(main).result()
        assert not gc.isenabled()
        assert knot() is not None
    assert gc.isenabled()
    assert knot() is None


def test_a_simulation_in_a_simulation_is_refused():
    """In the loop, in a thread of it, and beside it: only one has the process."""

    async def main():
        with pytest.raises(RuntimeError, match=r"simulate\(\) was called in a running event loop"):
            simulate(well)
        with pytest.raises(RuntimeError, match="a simulation runs already in this process"):
            await asyncio.to_thread(simulate, well)
        return "refused"

    before = everything()
    assert simulate(main).result() == "refused"
    assert_untouched(before)


def test_a_loop_of_ones_own():
    """`simulated` makes the process ready for a loop that somebody else runs, once and again."""
    loop = SimLoop(3)
    before = everything()
    with simulated(loop):
        assert loop.run_until_complete(well()) == "well"
        assert loop.run_until_complete(asyncio.sleep(1, "again")) == "again"
        assert time.monotonic() == 2.0
    loop.close()
    assert_untouched(before)


def test_a_main_that_makes_no_coroutine_is_an_error_of_the_run():
    """Whatever is wrong with what is to run is in the result."""
    assert isinstance(simulate(lambda: 7).error, TypeError)
    assert isinstance(simulate(lambda: 1 / 0).error, ZeroDivisionError)


def test_an_interrupt_from_the_code_is_for_the_caller():
    """A KeyboardInterrupt comes through; the process is as it was, and what was left is ended."""
    ended, kept = [], []

    async def main():
        async def work():
            try:
                await asyncio.sleep(60)
            finally:
                ended.append("work")

        kept.append(asyncio.create_task(work()))
        await asyncio.sleep(1)
        raise KeyboardInterrupt

    before = everything()
    with pytest.raises(KeyboardInterrupt):
        simulate(main)
    assert ended == ["work"]
    assert_untouched(before)


@pytest.mark.realtime
@pytest.mark.parametrize("where", ["loop", "thread"])
def test_an_interrupt_from_the_terminal(where):
    """Control-C ends a run that is under way, wherever its code is; nothing is left behind."""
    script = Path(__file__).with_name("interrupted.py")
    child = subprocess.Popen([sys.executable, str(script), where], stdout=subprocess.PIPE, text=True)
    with child:
        try:
            assert child.stdout.readline() == "running\n"
            child.send_signal(signal.SIGINT)
            assert child.stdout.read() == "interrupted, 1 thread, real time\n"
        finally:
            child.kill()  # nothing happens if it has ended
    assert child.returncode == 0
