"""The hottest paths do no more work than what is written down. Work is counted, never timed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent
PATHS = ("tell", "ask", "ask_async", "start_stop", "crash", "guarded_task")
DEBUGGING = ("PYTHONASYNCIODEBUG", "PYTHONDEVMODE", "PYTHONOPTIMIZE")

SLOWED = """
from treeward.runtime.ref import Ref
from benchmarks.work import main

ask = Ref.ask
def slower(self, message, **options):
    for _ in range(20):
        self.is_alive()
    return ask(self, message, **options)
Ref.ask = slower
main()
"""


def python(*arguments, **environment):
    """Runs a program in a Python of its own, in which nothing but what is counted is imported, warm or patched."""
    clean = {name: value for name, value in os.environ.items() if name not in DEBUGGING}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=CHECKOUT, env={**clean, **environment}, capture_output=True, text=True, check=False
    )


def count(**environment):
    done = python("-m", "benchmarks.work", "--json", **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def counts():
    """What the paths do now; they are counted once for the tests of a module."""
    return count()


@pytest.fixture
def written(module):
    """What the paths did when it was last written down."""
    found = module("work").limits()
    if found is None:
        pytest.skip(f"nothing is written down for {module('work').PYTHON}: python -m benchmarks.work --write")
    return found


@pytest.mark.realtime
@pytest.mark.parametrize("path", PATHS)
def test_a_path_does_no_more_than_it_may(module, written, counts, path):
    """Each path stays within what it did when it was last written down, and the margin."""
    work = module("work")
    found = work.excesses(counts, {path: written[path]})
    assert not found, "\n".join([*found, "", work.ADVICE.format(path=path)])


def test_every_path_has_its_limits(module, written):
    """The paths that are counted, those that are limited and those that are tested are the same."""
    assert tuple(module("paths").PATHS) == PATHS
    assert tuple(written) == PATHS
    assert {tuple(limits) for limits in written.values()} == {("instructions", "calls", "callbacks")}


@pytest.mark.realtime
@pytest.mark.parametrize("seed", ["0", "4711"])
def test_the_same_work_counts_the_same(counts, seed):
    """No count depends on the process, the order of sets, or the time."""
    assert count(PYTHONHASHSEED=seed) == counts


@pytest.mark.realtime
def test_a_path_that_does_more_is_noticed(written):
    """Twenty more calls in an ask fail it, with what was counted, what was allowed, and what to do about it."""
    done = python("-c", SLOWED)
    assert done.returncode == 1
    assert re.search(r"^ask: [\d,.]+ calls an item, [\d,.]+ allowed \([\d,.]+ and 3%\)$", done.stderr, re.MULTILINE)
    assert "\nask_async: " in done.stderr
    assert "tell: " not in done.stderr
    assert "python -m benchmarks.work --where ask" in done.stderr
    assert "python -m benchmarks.work --write" in done.stderr


def test_what_is_more_than_the_margin_is_an_excess(module):
    """Three per cent more is allowed, what is more than that is told with all its figures."""
    work = module("work")
    was, allowed = 100 * work.ITEMS, 103 * work.ITEMS
    assert work.excesses({"ask": {"calls": allowed}}, {"ask": {"calls": was}}) == []
    told = work.excesses({"ask": {"calls": allowed + work.ITEMS}}, {"ask": {"calls": was}})
    assert told == ["ask: 104.00 calls an item, 103.00 allowed (100.00 and 3%)"]


@pytest.mark.realtime
def test_counts_are_exact(module):
    """One more call, one more callback: each item counts once more, and nothing else does."""
    counted = module("counting").counted
    one, two, waits = (counted(repeated(item), 50).counts for item in (calls_once, calls_twice, calls_and_waits))
    assert two.calls - one.calls == 50
    assert two.callbacks == one.callbacks
    assert (two.instructions - one.instructions) % 50 == 0
    assert two.instructions > one.instructions
    assert waits.callbacks - one.callbacks == 50


async def calls_once():
    len("")


async def calls_twice():
    len("")
    len("")


async def calls_and_waits():
    len("")
    await asyncio.sleep(0)


def repeated(item):
    """A path whose items do this."""

    @asynccontextmanager
    async def path():
        async def items(n):
            for _ in range(n):
                await item()

        yield items

    return path


@pytest.mark.realtime
def test_the_functions_of_a_path_are_shown():
    """--where names each function of a path with its place, the busiest first."""
    done = python("-m", "benchmarks.work", "--where", "ask")
    assert done.returncode == 0, done.stderr
    counts = [float(row.rsplit("|", 2)[1].replace(",", "")) for row in done.stdout.splitlines()[2:]]
    assert counts == sorted(counts, reverse=True)
    assert re.search(r"^\| Ref\.ask \(runtime/ref\.py:\d+\) \| ", done.stdout, re.MULTILINE)
