"""Time in a simulation: all clocks are virtual, and go on when nothing else can."""

# ruff: noqa: DTZ001, DTZ002, DTZ005, DTZ011

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import threading
import time
from time import monotonic, time_ns

import pytest

from treeward.chaos.simulation.clocks import DATETIME
from treeward.chaos.simulation.loop import EPOCH
from treeward.chaos.simulation.place import outside
from treeward.chaos.simulation.simulate import simulate
from treeward.runtime.clock import LoopClock


def seen_after(seconds, look, **options):
    """Returns what `look()` gives in a simulation after so many seconds."""

    async def main():
        await asyncio.sleep(seconds)
        return look()

    return simulate(main, **options).result()


def test_a_year_takes_no_time():
    """Time jumps to the next timer, and is exactly there."""
    began = time.monotonic()
    run = simulate(lambda: asyncio.sleep(365 * 86_400.0))
    assert run.seconds == 365 * 86_400.0
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("clock", "shown"),
    [
        (lambda: time.time(), EPOCH + 2.5),
        (lambda: time.time_ns(), int((EPOCH + 2.5) * 1e9)),
        (lambda: time.monotonic(), 2.5),
        (lambda: time.monotonic_ns(), 2_500_000_000),
        (lambda: time.perf_counter(), 2.5),
        (lambda: time.perf_counter_ns(), 2_500_000_000),
        (lambda: time.process_time(), 2.5),
        (lambda: time.clock_gettime(time.CLOCK_REALTIME), EPOCH + 2.5),
        (lambda: time.clock_gettime(time.CLOCK_MONOTONIC), 2.5),
        (lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME), 2_500_000_000),
        (lambda: monotonic(), 2.5),
        (lambda: time_ns(), int((EPOCH + 2.5) * 1e9)),
        (lambda: time.gmtime()[:6], (2023, 11, 14, 22, 13, 22)),
        (lambda: time.strftime("%Y", time.gmtime()), "2023"),
        (lambda: time.strftime("%Y"), "2023"),
        (lambda: time.localtime().tm_year, 2023),
        (lambda: time.ctime()[-4:], "2023"),
        (lambda: asyncio.get_running_loop().time(), 2.5),
        (lambda: LoopClock(asyncio.get_running_loop()).time(), EPOCH + 2.5),
        (lambda: logging.makeLogRecord({}).created, EPOCH + 2.5),
    ],
)
def test_every_clock_shows_the_virtual_time(clock, shown):
    """Of `time`, and of what stands on it; also by a name that a module has imported for itself."""
    assert seen_after(2.5, clock) == shown


@pytest.mark.parametrize(
    "clock",
    [
        lambda: dt.datetime.now(dt.UTC).replace(tzinfo=None),
        lambda: dt.datetime.fromtimestamp(dt.datetime.now().timestamp(), dt.UTC).replace(tzinfo=None),
        lambda: dt.datetime.fromtimestamp(dt.datetime.today().timestamp(), dt.UTC).replace(tzinfo=None),
    ],
)
def test_datetime_shows_the_virtual_time(clock):
    """With `time-machine`, which this project's tests have, also the clocks that are C code."""
    assert DATETIME
    assert seen_after(2.5, clock) == dt.datetime(2023, 11, 14, 22, 13, 22, 500_000)


def test_the_epoch_can_be_chosen():
    """The wall clock begins where it is told to."""
    assert seen_after(5, lambda: (time.time(), dt.date.today().year), epoch=0.0) == (5.0, 1970)


def test_the_wall_clock_can_jump():
    """A skew moves the wall clock alone, forwards and back."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.wall_skew = -3600.0
        back = time.time(), dt.datetime.now(dt.UTC).timestamp(), time.monotonic()
        loop.wall_skew = 3600.0
        return back, (time.time(), dt.datetime.now(dt.UTC).timestamp(), time.monotonic())

    earlier, later = EPOCH - 3600, EPOCH + 3600
    assert simulate(main).result() == ((earlier, earlier, 0.0), (later, later, 0.0))


def test_a_leap_lets_time_pass_while_nothing_runs():
    """After a leap, what was due meanwhile is called late, in the order of its times."""

    async def main():
        loop, seen = asyncio.get_running_loop(), []
        for delay in (3, 1, 2, 20):
            loop.call_later(delay, lambda delay=delay: seen.append((delay, loop.time())))
        await asyncio.sleep(0.5)
        loop.leap(10)
        assert (seen, loop.time()) == ([], 10.5)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return seen

    assert simulate(main).result() == [(1, 10.5), (2, 10.5), (3, 10.5)]


@pytest.mark.parametrize("seconds", [-1.0, float("nan")])
def test_time_does_not_leap_back(seconds):
    """A leap has a length."""

    async def main():
        asyncio.get_running_loop().leap(seconds)

    with pytest.raises(ValueError, match=r"leap\(.*\): expected seconds, 0 or more"):
        simulate(main).result()


def test_a_sleep_has_a_length():
    """A negative one is `time.sleep`'s own error, in a thread and on the loop."""

    async def main():
        with pytest.raises(ValueError, match="sleep length must be non-negative"):
            time.sleep(-1)  # noqa: ASYNC251 - it does not
        with pytest.raises(ValueError, match="sleep length must be non-negative"):
            await asyncio.to_thread(time.sleep, -1)

    simulate(main).result()


def test_who_watches_over_the_loop_hears_how_long_it_was_held():
    """Leaps at and above a watcher's limit are told, with the frame that made them; until it ends its watch."""

    async def main():
        loop, told = asyncio.get_running_loop(), []
        end = loop.watch(1.0, lambda seconds, frame: told.append((seconds, frame.f_code.co_name)))
        for seconds in (0.5, 1.0, 3.0):
            loop.leap(seconds)
        end()
        loop.leap(5)
        return told

    assert simulate(main).result() == [(1.0, "main"), (3.0, "main")]


def test_cancelled_timers_do_not_pile_up():
    """Deadlines that are taken back in time are forgotten long before they would be due."""

    async def main():
        loop = asyncio.get_running_loop()
        loop.call_later(1e6, print)
        for _ in range(10_000):
            async with asyncio.timeout(3600):
                await asyncio.sleep(0)
        return len(loop._timers), [line for line in loop.timers() if "print" in line]

    assert simulate(main).result() == (pytest.approx(60, abs=60), ["call print at 1000000.000000 s"])


def test_a_timer_of_the_past_is_due_at_once():
    """Time does not go back for it."""

    async def main():
        loop = asyncio.get_running_loop()
        await asyncio.sleep(5)
        due = loop.create_future()
        loop.call_at(1.0, due.set_result, None)
        await due
        return loop.time()

    assert simulate(main).result() == 5.0


@pytest.mark.realtime
def test_other_threads_of_the_process_have_their_own_time():
    """A thread that was there before sees real clocks all the while, and can sleep."""
    asked, told, seen = threading.Event(), threading.Event(), []

    def look():
        asked.wait(10)
        time.sleep(0.001)
        seen.append((time.time(), time.monotonic(), dt.datetime.now().timestamp(), threading.Lock()))
        told.set()

    looker = threading.Thread(target=look)
    looker.start()
    began = time.time(), time.monotonic()

    async def main():
        await asyncio.sleep(1e6)
        asked.set()
        with outside():
            told.wait(10)
        return time.monotonic()

    assert simulate(main).result() == 1e6
    looker.join()
    wall, elapsed, date, lock = seen[0]
    assert 0 <= wall - began[0] < 10
    assert 0 <= elapsed - began[1] < 10
    assert abs(date - wall) < 1
    assert type(lock) is type(threading.Lock())
