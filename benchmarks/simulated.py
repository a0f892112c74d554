"""Measures the simulation, in steps, virtual hours and runs a second: `python -m benchmarks.simulated`."""

from __future__ import annotations

import argparse
import asyncio
import time
from typing import TYPE_CHECKING, Any

from treeward.chaos.simulation.simulate import Simulated, simulate
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.system import ActorSystem
from treeward.supervisors.requests import WhichChildren
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


async def timers(size: int) -> None:
    """One timer after the other."""
    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def tick(left: int) -> None:
        if left:
            loop.call_later(1, tick, left - 1)
        else:
            done.set_result(None)

    tick(size)
    await done


async def tasks(size: int) -> None:
    """A hundred tasks that sleep for a minute each time."""

    async def work() -> None:
        for _ in range(size // 100):
            await asyncio.sleep(60)

    await asyncio.gather(*(work() for _ in range(100)))


async def ready(size: int) -> None:
    """Twenty tasks that can always go on."""

    async def work() -> None:
        for step in range(size // 20):
            await asyncio.sleep(step % 1000 == 999)

    await asyncio.gather(*(work() for _ in range(20)))


async def threads(size: int) -> None:
    """Calls in threads, one after the other."""
    for _ in range(size // 20):
        await asyncio.to_thread(int)


class Beating(Actor):
    """Sends itself a message every minute."""

    def on_start(self) -> None:
        """Begins to."""
        self.every(60.0, "beat")

    def on_receive(self, message: Any) -> None:
        """Takes it."""


class Crashing(Actor):
    """Crashes over every message."""

    def on_receive(self, message: Any) -> None:
        """Crashes."""
        raise RuntimeError(message)


async def heartbeats(size: int) -> None:
    """A hundred actors with a heartbeat of a minute."""
    async with ActorSystem(seed=1) as system:
        for _ in range(100):
            system.spawn(Beating)
        await asyncio.sleep(60 * size / 400)


async def crashes(size: int) -> None:
    """Crashes and restarts of one supervised child."""
    backoff = Backoff(initial=0.1, max=0.1, jitter="none")
    spec = SupervisorSpec(
        children=[ChildSpec(id="child", start=Factory(Crashing))],
        backoff=backoff,
        intensity=Intensity(10**9, 1.0),
    )
    async with ActorSystem(seed=1) as system:
        top = system.launch(Factory(Supervisor, (spec,)), path="top")
        await top.ask(WhichChildren())
        for _ in range(size // 20):
            system.ref("top/child").tell("crash")
            await asyncio.sleep(1)


CASES = {case.__name__: case for case in (timers, tasks, ready, threads, heartbeats, crashes)}
SIZE = 100_000


def main() -> None:
    """Prints a line for each case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulated", description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the size of every case")
    size = max(400, int(SIZE * parser.parse_args().scale))
    print(f"{'runs that do nothing':52} {runs_a_second(size // 100):>12,.0f} runs/s")
    for case in CASES.values():
        run, seconds = timed(lambda case=case: case(size))
        rate, hours = run.steps / seconds, run.seconds / 3600 / seconds
        print(f"{case.__doc__:52} {rate:>12,.0f} steps/s {hours:>10,.1f} virtual hours/s")


def timed(main: Callable[[], Coroutine[Any, Any, None]]) -> tuple[Simulated[None], float]:
    """Runs a case three times, and returns how long the fastest has taken, too."""
    best = float("inf")
    for _ in range(3):
        began = time.perf_counter()
        run = simulate(main)
        best = min(best, time.perf_counter() - began)
    run.result()
    return run, best


def runs_a_second(count: int) -> float:
    """Returns how many runs of a coroutine that does nothing there are in a second."""
    began = time.perf_counter()
    for seed in range(count):
        simulate(lambda: asyncio.sleep(0), seed=seed).result()
    return count / (time.perf_counter() - began)


if __name__ == "__main__":
    main()
