"""The real runtime in a simulation: agents on the loop and in threads, supervisors, judges, breakers; from a seed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

import pytest

from treeward.agents.agent import Agent
from treeward.agents.tools import tool
from treeward.chaos.simulation.errors import Deadlock
from treeward.chaos.simulation.schedule import POLICIES
from treeward.chaos.simulation.simulate import simulate
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorCrashed
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import ActorAbandoned, ActorEnded, ActorStarted
from treeward.supervisors.requests import WhichChildren
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor
from treeward.trees.load import load_tree
from treeward.trees.runtime import Runtime

HERE = __name__

TREE = f"""
treeward: 1
name: shop
policies:
  backoff:
    gentle: {{initial: 100ms, factor: 2, max: 10s, jitter: full}}
tree:
  supervisor: shop
  backoff: gentle
  intensity: {{restarts: 100, within: 1s}}
  children:
    - agent: books
      use: "{HERE}:Books"
      dispatcher: thread
      tool_breaker: {{failures: 3, within: 1m, cooldown: 5s}}
    - agent: writer
      use: "{HERE}:Writer"
      tools: [books.*]
      attempt_timeout: 5s
      breaker: {{failures: 5, within: 1m, cooldown: 2s}}
      judges:
        - {{function: "{HERE}:blocking_judge", dispatcher: thread, timeout: 2s}}
        - rules: {{forbid: [nonsense]}}
      recovery: [{{retry: {{times: 2, initial: 200ms}}}}, {{restart: 1}}, {{fallback: plain}}]
    - agent: plain
      use: "{HERE}:Plain"
entry: writer
"""


def world():
    return asyncio.get_running_loop().world


class Books(Agent):
    """Reads, in a thread, and fails now and then."""

    def on_start(self):
        time.sleep(0.2)

    @tool
    def read(self, page: int) -> str:
        """Reads a page."""
        time.sleep(0.05)
        if page % 5 == 4:
            raise ConnectionError("the books are closed")
        return f"page {page}"


class Writer(Agent):
    """Writes, and crashes, hangs or talks nonsense as the world has it."""

    async def handle(self, task):
        fate = world().random()
        await asyncio.sleep(fate)
        if fate < 0.1:
            raise RuntimeError("out of ink")
        if fate < 0.15:
            await asyncio.Event().wait()
        read = await self.call("books.read", page=int(fate * 100))
        return "nonsense" if fate > 0.9 else f"{task.input}: {read}"


class Plain(Agent):
    """Says little, at once."""

    def handle(self, task):
        return f"{task.input}: nothing to read"


def blocking_judge(output, task):
    """Thinks in a thread of its own."""
    time.sleep(0.01)
    return bool(output) and task.id != ""


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


async def a_busy_shop():
    events = []
    async with Runtime(load_tree(TREE, allow=[HERE]), allow=[HERE], seed=7) as rt:
        rt.system.observe(lambda event: events.append((type(event).__name__, event.path)))
        asked = [asyncio.create_task(rt.run(f"text {number}", deadline=60)) for number in range(20)]
        outcomes = await asyncio.gather(*asked)
    return [(outcome.status, outcome.output, round(outcome.seconds, 9)) for outcome in outcomes], events


@pytest.mark.parametrize("policy", POLICIES)
def test_a_tree_lives_through_the_same_twice(policy):
    """Outcomes, events and the trace are equal; every task has an answer; no thread is left."""
    before = threading.active_count()
    for seed in range(3):
        first, second = (simulate(a_busy_shop, seed=seed, policy=policy) for _ in range(2))
        assert first.result() == second.result()
        assert (first.trace, first.steps, first.seconds) == (second.trace, second.steps, second.seconds)
        outcomes, events = first.result()
        assert {status for status, _, _ in outcomes} <= {"ok", "fallback", "failed", "dead_letter"}
        assert sum(status in {"ok", "fallback"} for status, _, _ in outcomes) >= 18
        assert not any("nonsense" in str(output) for _, output, _ in outcomes)
        assert ("ActorEnded", "shop/writer") in events
        assert first.unhandled == ()
    assert threading.active_count() == before


def test_seeds_have_lives_of_their_own():
    """Ten seeds, ten histories."""
    runs = [simulate(a_busy_shop, seed=seed) for seed in range(10)]
    assert len({run.trace for run in runs}) == 10
    assert len({str(run.result()) for run in runs}) == 10


@pytest.mark.parametrize("hash_seed", ["0", "1"])
def test_a_life_is_the_same_in_another_process(hash_seed):
    """Neither the process nor PYTHONHASHSEED shows in the life of a tree."""
    expected = [simulate(a_busy_shop, seed=seed).trace for seed in range(3)]
    env = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, __file__]
    printed = subprocess.run(command, env=env, capture_output=True, text=True, timeout=50, check=True).stdout
    assert printed.splitlines()[-1] == repr(expected)


# --- threads ----------------------------------------------------------------------------------------


class Sleeper(Actor):
    """Works in a thread."""

    def __init__(self, other=None):
        self.other = other

    def on_receive(self, message):
        if message == "ask":
            return self.other.ask(2.0) + self.other.ask(1.0)
        if message == "crash":
            raise RuntimeError("oh")
        time.sleep(message)
        return message

    async def later(self, seconds):
        await asyncio.sleep(seconds)
        return asyncio.get_running_loop().time()


class AsyncSleeper(Sleeper):
    async def on_receive(self, message):
        return await self.later(message)


def in_threads(*classes):
    """Starts actors, each with a thread of its own; the next one's ref goes to the one before."""
    system, refs = ActorSystem(blocked_after=0.3), []

    async def started():
        other = None
        for cls in reversed(classes):
            other = system.launch(Factory(cls, (other,)), dispatcher="thread")
            refs.insert(0, other)
        return refs

    return system, started


def test_an_actor_in_a_thread_blocks_in_virtual_time():
    """Its handler sleeps for an hour, and others are heard meanwhile."""

    async def main():
        system, started = in_threads(Sleeper, Sleeper)
        async with system:
            one, other = await started()
            both = asyncio.gather(one.ask(3600.0), other.ask(1.0))
            await asyncio.sleep(2)
            assert not both.done()
            return await both, asyncio.get_running_loop().time()

    assert simulate(main, policy="fifo").result() == ([3600.0, 1.0], 3600.0)


def test_an_ask_blocks_in_a_thread():
    """As in real time: the thread waits for the reply, and the loop goes on."""

    async def main():
        system, started = in_threads(Sleeper, Sleeper)
        async with system:
            asker, _ = await started()
            return await asker.ask("ask"), asyncio.get_running_loop().time()

    assert simulate(main, policy="fifo").result() == (3.0, 3.0)


def test_an_async_handler_in_a_thread():
    """Its own event loop is a part of the simulation."""

    async def main():
        system, started = in_threads(AsyncSleeper)
        async with system:
            (one,) = await started()
            return await one.ask(60.0)

    assert simulate(main, policy="fifo").result() == 60.0


def test_a_crash_in_a_thread():
    """It is the actor's end, as ever."""

    async def main():
        system, started = in_threads(Sleeper)
        async with system:
            (one,) = await started()
            with pytest.raises(ActorCrashed, match="RuntimeError: oh"):
                await one.ask("crash")

    simulate(main).result()


def test_a_thread_that_hangs_is_abandoned():
    """It is reported with the line where it stands, and ended with the run."""

    class Hanging(Actor):
        def on_receive(self, message):
            threading.Event().wait()  # nobody sets it

    async def main():
        told = []
        async with ActorSystem(kill_grace=1.0) as system:
            system.observe(lambda event: told.append(event) if isinstance(event, ActorAbandoned) else None)
            hanging = system.launch(Factory(Hanging), path="hanging", dispatcher="thread")
            reply = hanging.ask("hang", block=False)
            await asyncio.sleep(1)
            hanging._cell.kill()
            with pytest.raises(ActorCrashed):
                await reply
        return [(event.path, "nobody sets it" in event.stack) for event in told]

    before = threading.active_count()
    assert simulate(main).result() == [("hanging", True)]
    assert threading.active_count() == before


# --- order ------------------------------------------------------------------------------------------


def test_turns_of_actors_are_permuted():
    """Which of two actors that have mail goes first is drawn; the mail of each keeps its order."""

    class Noter(Actor):
        def __init__(self, name, seen):
            self.name, self.seen = name, seen

        def on_receive(self, message):
            self.seen.append(f"{self.name}{message}")

    def order(seed, policy="random"):
        async def main():
            seen = []
            async with ActorSystem() as system:
                refs = [system.spawn(Noter, name, seen) for name in "abc"]
                for number in (1, 2):
                    for ref in refs:
                        ref.tell(number)
                await asyncio.sleep(1)
            return seen

        return tuple(simulate(main, seed=seed, policy=policy).result())

    found = {order(seed) for seed in range(100)}
    assert len({seen[::2] for seen in found}) == 6
    assert all(seen.index(f"{name}1") < seen.index(f"{name}2") for seen in found for name in "abc")
    assert {order(seed, "fifo") for seed in range(5)} == {("a1", "a2", "b1", "b2", "c1", "c2")}


def test_restarts_keep_their_backoff():
    """A child that cannot start is tried again after 1, 2, 4, ... virtual seconds, exactly."""
    tried = []

    class Unable(Actor):
        def on_start(self):
            tried.append(asyncio.get_running_loop().time())
            if 1 < len(tried) < 6:
                raise OSError("no database")

        def on_receive(self, message):
            raise RuntimeError(message)

    async def main():
        child = ChildSpec(id="child", start=Factory(Unable))
        backoff = Backoff(initial=1.0, factor=2.0, max=60.0, jitter="none")
        spec = SupervisorSpec(children=[child], backoff=backoff, intensity=Intensity(100, 1.0))
        ends = []
        async with ActorSystem() as system:
            system.observe(lambda event: ends.append(type(event)) if event.path == "top/child" else None)
            top = system.launch(Factory(Supervisor, (spec,)), path="top")
            await top.ask(WhichChildren())
            system.ref("top/child").tell("oh")
            await asyncio.sleep(100)
        return ends.count(ActorStarted), ends.count(ActorEnded)

    assert simulate(main, policy="fifo").result() == (2, 6)
    assert tried == [0.0, 1.0, 3.0, 7.0, 15.0, 31.0]


def test_actors_that_wait_for_each_other_are_a_deadlock():
    """The error says which, by their paths, and where."""

    class Asker(Actor):
        async def on_receive(self, message):
            return await self.system.ref(message).ask(self.path)

    async def main():
        async with ActorSystem(blocked_after=None) as system:
            one = system.launch(Factory(Asker), path="one")
            system.launch(Factory(Asker), path="two")
            await one.ask("two")

    error = simulate(main).error
    assert isinstance(error, Deadlock)
    main_line, first, second = error.waiting
    assert "await one.ask" in main_line
    assert first.startswith("one: guarded > ")
    assert second.startswith("two: guarded > ")
    assert all("await self.system.ref(message).ask(self.path)" in line for line in (first, second))


if __name__ == "__main__":
    sys.stdout.write(repr([simulate(a_busy_shop, seed=seed).trace for seed in range(3)]))
