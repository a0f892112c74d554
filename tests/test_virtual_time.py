"""The test runner itself: virtual time, and that nothing may outlive its test."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.chaos.simulation.place import outside

HERE = Path(__file__).parent


def now():
    return asyncio.get_running_loop().time()


# --- virtual time -----------------------------------------------------------------------------------


async def test_time_starts_at_zero():
    """Each test starts at the same time, so that times can be written down."""
    assert now() == 0.0


async def test_an_hours_sleep_takes_no_real_time():
    """Time jumps to the next timer when nothing else can happen."""
    with outside():
        began = time.monotonic()
    await asyncio.sleep(3600)
    assert now() == time.monotonic() == 3600.0
    with outside():
        assert time.monotonic() - began < 1.0


@pytest.mark.parametrize("delay", [0.1, 0.3, 1.1, 86_400.5, 1e7])
async def test_timers_run_exactly_when_they_are_due(delay):
    """A jump ends at the timer, not near it, and also beyond the day that asyncio waits at most."""
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.7)
    due = loop.time() + delay
    seen = loop.create_future()
    loop.call_at(due, lambda: seen.set_result(loop.time()))
    assert await seen == due


async def test_timers_run_in_the_order_of_their_times():
    """The order of timers is that of their times, whatever the order in which they were set."""
    seen = []
    async with asyncio.TaskGroup() as group:
        for delay in (3, 1, 2):
            group.create_task(note_after(delay, seen))
    assert seen == [(1.0, 1), (2.0, 2), (3.0, 3)]


async def note_after(delay, seen):
    await asyncio.sleep(delay)
    seen.append((now(), delay))


async def test_work_goes_before_time():
    """Time stands still while there is something to do."""
    timer = asyncio.create_task(asyncio.sleep(0.001))
    for _ in range(1000):
        await asyncio.sleep(0)
    assert (now(), timer.done()) == (0.0, False)
    await timer


async def test_a_timeout_is_exact():
    """A timeout ends what it limits at its time."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(30):
            await asyncio.Event().wait()
    assert now() == 30.0


async def test_threads_live_in_virtual_time_too():
    """A thread that sleeps for an hour does so in no time, and the loop waits for it."""
    await asyncio.to_thread(time.sleep, 3600)
    assert now() >= 3600


async def test_a_thread_wakes_the_loop():
    """Without a timer the loop waits for a thread of its own making."""
    loop, event = asyncio.get_running_loop(), asyncio.Event()
    threading.Thread(target=lambda: loop.call_soon_threadsafe(event.set), daemon=True).start()
    await event.wait()


@given(st.lists(st.integers(1, 10_000), max_size=5))
async def test_every_example_of_hypothesis_has_its_own_time(delays):
    """A coroutine test of hypothesis runs each example from 0.0 on."""
    assert now() == 0.0
    for delay in delays:
        await asyncio.sleep(delay)
    assert now() == sum(delays)


@pytest.mark.realtime
async def test_a_realtime_test_has_an_ordinary_loop():
    """On an ordinary loop, time is the real one."""
    before, began = now(), time.monotonic()
    await asyncio.sleep(0.01)
    assert now() - before >= 0.009
    assert time.monotonic() - began >= 0.009


async def test_an_unhandled_error_can_be_expected(loop_errors):
    """A test that expects an error at the loop's handler finds it in `loop_errors`, and takes it out."""
    asyncio.get_running_loop().call_soon(int, "seven")
    await asyncio.sleep(0)
    assert isinstance(loop_errors.pop()["exception"], ValueError)


# --- failures that the runner has to find -----------------------------------------------------------

FAILING = """
import asyncio, threading, pytest
from hypothesis import given, strategies as st

KEPT = []

async def test_passes():
    await asyncio.sleep(1)

async def test_fails():
    assert False

async def test_task():
    KEPT.append(asyncio.create_task(asyncio.sleep(3600), name="sleeper"))

async def test_task_that_ends():
    KEPT.append(asyncio.create_task(asyncio.sleep(0), name="napper"))

@pytest.mark.parametrize("table", ["of one row"])
@given(st.booleans())
async def test_task_of_hypothesis(table, _):
    KEPT.append(asyncio.create_task(asyncio.sleep(3600), name="sleeper"))

def test_thread(monkeypatch):
    event = threading.Event()
    KEPT.append(event)
    threading.Thread(target=event.wait, name="waiter", daemon=True).start()

def test_file():
    KEPT.append(open(__file__))

@given(st.booleans())
async def test_callback_of_hypothesis(_):
    asyncio.get_running_loop().call_soon(int, "seven")
    await asyncio.sleep(0)

async def test_callback():
    asyncio.get_running_loop().call_soon(int, "seven")
    await asyncio.sleep(0)

async def fails():
    raise ValueError("nobody looked")

async def test_exception():
    asyncio.create_task(fails())
    await asyncio.sleep(1)

async def test_never_awaited():
    fails()

async def test_deadlock():
    waiter = asyncio.create_task(asyncio.Event().wait(), name="waiter")
    await waiter

async def test_deadlock_in_place():
    await asyncio.Event().wait()

def test_unknown_thread_error():
    thread = threading.Thread(target=int, args=("seven",))
    thread.start()
    thread.join()
"""

FOUND = {
    "test_passes": "",
    "test_fails": "assert False",
    "test_task": "sleeper: sleep at",
    "test_task_that_ends": "",
    "test_task_of_hypothesis[of one row]": "sleeper: sleep at",
    "test_thread": "thread waiter",
    "test_file": "open file",
    "test_callback_of_hypothesis": "invalid literal for int",
    "test_callback": "invalid literal for int",
    "test_exception": "nobody looked",
    "test_never_awaited": "was never awaited",
    "test_deadlock": "waiter: Event.wait at",
    "test_deadlock_in_place": "test_deadlock_in_place > Event.wait at",
    "test_unknown_thread_error": "invalid literal for int",
}


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Runs tests that leak, fail or wait for ever, and returns what the runner says to each of them."""
    folder = tmp_path_factory.mktemp("failing")
    shutil.copy(HERE.parent / "pyproject.toml", folder)
    shutil.copy(HERE / "conftest.py", folder)
    (folder / "test_failing.py").write_text(FAILING)
    command = [sys.executable, "-m", "pytest", "--junitxml=report.xml", "test_failing.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    said = dict.fromkeys(FOUND, "")
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        said[case.get("name")] += "".join(f"{part.get('message')} {part.text}" for part in case)
    return said


@pytest.mark.parametrize(("test", "words"), FOUND.items(), ids=FOUND)
def test_the_runner_says_what_is_wrong(reports, test, words):
    """Leftover tasks, threads and files, unhandled errors and deadlocks fail the test that made them."""
    assert (words in reports[test]) if words else (reports[test] == "")


def test_every_failing_test_has_its_words(reports):
    """The table above names every one of the tests that were run."""
    assert reports.keys() == FOUND.keys()
