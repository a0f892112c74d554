"""The same seed, policy and code: the same run, down to its trace."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from treeward.chaos.simulation.schedule import POLICIES
from treeward.chaos.simulation.simulate import simulate

ME = Path(__file__)


async def busy():
    """Does a little of everything whose order is drawn, or would be that of addresses."""
    loop = asyncio.get_running_loop()
    done = []

    async def work(name):
        for _ in range(3):
            await asyncio.sleep(loop.world.choice([0, 0, 1, 2]))
        done.append(name)
        loop.note("done", name)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(work(number))
    ended, _ = await asyncio.wait({asyncio.create_task(work(f"w{n}")) for n in range(20)})
    done += [task.get_name() for task in ended]
    done += await asyncio.gather(*(asyncio.to_thread(in_thread, n) for n in range(5)))
    return done


def in_thread(number):
    time.sleep(number % 3)
    return f"{number} in {threading.current_thread().name}"


def facts(seed, policy="random"):
    run = simulate(busy, seed=seed, policy=policy)
    return [run.trace, run.steps, run.seconds, *map(str, run.result())]


@pytest.mark.parametrize("policy", POLICIES)
def test_a_seed_gives_the_same_run_twice_in_one_process(policy):
    """Trace, steps, times and values are equal, though other objects with other addresses took part."""
    first = [facts(seed, policy) for seed in range(5)]
    ballast = [object() for _ in range(10_000)]
    assert [facts(seed, policy) for seed in range(5)] == first
    del ballast


@pytest.mark.parametrize("hash_seed", ["0", "1", "random"])
def test_a_seed_gives_the_same_run_in_another_process(hash_seed):
    """Neither the process nor PYTHONHASHSEED shows in a trace."""
    expected = [facts(seed) for seed in range(3)]
    command = [sys.executable, str(ME)]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    printed = subprocess.run(command, env=env, capture_output=True, text=True, timeout=50, check=True).stdout
    assert printed == repr(expected)


def test_other_seeds_give_other_runs():
    """Fifty seeds, fifty traces, and as many orders."""
    runs = [facts(seed) for seed in range(50)]
    assert len({run[0] for run in runs}) == 50
    assert len({tuple(run[3:]) for run in runs}) == 50


def test_a_draw_of_the_world_leaves_the_schedule_alone():
    """The order of steps does not change when something else is drawn; nor does the world with the policy."""

    def order(draws):
        async def main():
            seen = []
            world = asyncio.get_running_loop().world

            async def walk(name):
                for _ in range(5):
                    seen.append(name)
                    for _ in range(draws):
                        world.random()
                    await asyncio.sleep(0)

            await asyncio.gather(*(walk(name) for name in range(5)))
            return seen

        return simulate(main, seed=3).result()

    assert order(0) == order(7)


def test_the_trace_tells_two_runs_apart_that_end_alike():
    """A note more is another trace, though all else is the same."""

    def traced(*words):
        async def main():
            asyncio.get_running_loop().note(*words)

        return simulate(main).trace

    assert traced("a", 1) == traced("a", 1)
    assert traced("a", 1) != traced("a", 2)


def test_the_trace_can_be_read():
    """A run has its last lines, each with its time; and all of them, where they are kept."""

    async def main():
        asyncio.get_running_loop().note("before")
        await asyncio.sleep(1.5)
        asyncio.get_running_loop().note("behind", 7)
        await asyncio.sleep(0)

    run = simulate(main, keep_trace=True)
    assert run.lines == run.tail
    assert run.lines == (
        "0.0 task-1",
        "0.0 note before",
        "1.5 call _set_result_unless_cancelled",
        "1.5 task-1",
        "1.5 note behind 7",
        "1.5 task-1",
        "1.5 call _run_until_complete_cb",
    )
    assert simulate(main).lines is None


def test_the_tail_of_a_long_run_has_its_times():
    """The last lines are those of the end, after any number of steps; the hash covers all of them."""

    async def main(last="end"):
        for _ in range(5_000):
            await asyncio.sleep(0.25)
        asyncio.get_running_loop().note(last)

    run = simulate(main)
    assert len(run.tail) == 40
    assert run.tail[-2:] == ("1250.0 note end", "1250.0 call _run_until_complete_cb")
    assert run.trace != simulate(lambda: main("other end")).trace
    kept = simulate(main, keep_trace=True)
    assert (kept.trace, kept.tail) == (run.trace, run.tail)
    assert len(kept.lines) == kept.steps + 1


@pytest.mark.parametrize("steps", [1, 100, 170, 171, 172, 300, 511, 512, 513, 1000])
def test_the_tail_is_the_end_of_all_lines(steps):
    """However many lines there were, and wherever in a batch the run ended."""

    async def main():
        for step in range(steps):
            await asyncio.sleep(step % 2)

    run = simulate(main, keep_trace=True)
    assert run.tail == run.lines[-40:]


def test_tasks_are_named_by_their_number_in_the_run():
    """A task without a name has one that does not depend on what ran before in the process."""

    async def main():
        task = asyncio.create_task(asyncio.sleep(0))
        return asyncio.current_task().get_name(), task.get_name(), await task

    assert simulate(main).result() == simulate(main).result() == ("task-1", "task-2", None)


if __name__ == "__main__":
    sys.stdout.write(repr([facts(seed) for seed in range(3)]))
