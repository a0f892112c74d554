"""Guarded tasks on a real clock: threads that block, callers in other threads and on other loops; and many tasks."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
import time

import pytest

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.runtime.actor import Actor
from treeward.runtime.errors import AskTimeout
from treeward.runtime.task import Task, Usage
from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.snapshot import snapshot
from treeward.supervisors.work.accounts import accounts_of
from treeward.supervisors.work.health import HealthSpec
from treeward.supervisors.work.ladder import Fallback, Restart, Retry
from treeward.supervisors.work.policy import Work

ON_TIME = 0.1
"""Seconds behind a deadline that are on time."""
EVENTS = {"hang": threading.Event()}


class Blocking(Agent):
    """Blocks its thread until the test lets it go, or does as its input says."""

    def handle(self, task):
        if task.input == "block":
            self.progress("half of it")
            EVENTS["hang"].wait(30)
        elif task.input == "charge":
            self.charge(Usage(cost=0.5))
        elif isinstance(task.input, Exception):
            raise task.input
        return f"{task.input} by {threading.current_thread().name}"


class Quick(Agent):
    """Returns its input."""

    async def handle(self, task):
        return task.input


async def timed(work, seconds):
    """Returns what comes of work, and by how much it comes later than a plain timer of the same loop."""
    ends = {}

    async def note(name, awaited):
        result = await awaited
        ends[name] = time.monotonic()
        return result

    result, _ = await asyncio.gather(note("work", work), note("timer", asyncio.sleep(seconds)))
    return result, ends["work"] - ends["timer"]


async def until(condition):
    """Waits in real time."""
    while not condition():  # noqa: ASYNC110 - of threads, which set no event of the loop
        await asyncio.sleep(0.01)


@pytest.fixture
def released():
    """Lets blocked threads go in the end."""
    EVENTS["hang"] = threading.Event()
    yield EVENTS["hang"]
    EVENTS["hang"].set()


@pytest.mark.realtime
async def test_the_deadline_is_kept_by_a_thread_that_blocks(plant, released):
    """The caller has what there is within 100 ms; the thread is left behind, and seen; the child goes on."""
    async with plant({"one": (Blocking, None)}, dispatcher="thread") as tree:
        outcome, late = await timed(tree.run("one", "block", deadline=0.3), 0.3)
        again = await tree.run("one", "done", task="u", deadline=5.0)
        abandoned = snapshot(tree.cell("one")).abandoned
        released.set()
        await until(lambda: not tree.system.abandoned)
    assert (outcome.status, outcome.output) == ("partial", "half of it")
    assert abs(late) < ON_TIME
    assert (again.status, abandoned) == ("ok", 1)


@pytest.mark.realtime
@pytest.mark.parametrize("rules", [Work(attempt_timeout=0.2), Work(idle_timeout=0.2), Work(timeout=0.2)])
async def test_a_thread_that_blocks_goes_down_the_ladder(plant, released, rules):
    """Whatever limits the try, the fallback has the task in time."""
    rules = Work(
        attempt_timeout=rules.attempt_timeout,
        idle_timeout=rules.idle_timeout,
        timeout=rules.timeout,
        recovery=(Fallback(("two",)),),
    )
    async with plant({"one": (Blocking, rules), "two": (Quick, None)}, dispatcher="thread") as tree:
        outcome, late = await timed(tree.run("one", "block", deadline=5.0), 0.2)
        released.set()
        await until(lambda: not tree.system.abandoned)
    assert (outcome.status, outcome.output) == ("fallback", "block")
    assert abs(late) < ON_TIME


@pytest.mark.realtime
async def test_a_deadline_is_kept_while_another_thread_uses_the_processor(plant, released):
    """A handler that never waits does not hold the caller up, as long as it lets other threads run."""

    class Busy(Agent):
        def handle(self, task):
            until = time.monotonic() + 0.6
            while time.monotonic() < until:
                sum(range(1000))
            return "done"

    async with plant({"one": (Busy, None)}, dispatcher="thread") as tree:
        outcome, late = await timed(tree.run("one", "x", deadline=0.2), 0.2)
        await until(lambda: not tree.system.abandoned)
    assert outcome.status == "failed"
    assert abs(late) < ON_TIME


@pytest.mark.realtime
async def test_callers_in_other_threads_and_on_other_loops(plant):
    """Each has its outcome; what is charged in a thread is counted."""
    rules = Work(recovery=(Retry(1, initial=0.01, max=0.01, jitter="none"),))
    async with plant({"one": (Blocking, rules)}, dispatcher="thread") as tree:
        ref, found = tree.ref("one"), {}

        def in_a_thread():
            found["thread"] = ref.ask(Task("a", "charge"))

        def on_a_loop():
            async def ask():
                return await deliver(ref, Task("b", "done", deadline=tree.now + 5))

            found["loop"] = asyncio.run(ask())

        def in_time():
            try:
                ref.ask(Task("c", "block"), timeout=0.2)
            except AskTimeout as error:
                found["late"] = error

        EVENTS["hang"] = threading.Event()
        threads = [threading.Thread(target=one) for one in (in_a_thread, on_a_loop, in_time)]
        for thread in threads:
            thread.start()
        await until(lambda: not any(thread.is_alive() for thread in threads))
        EVENTS["hang"].set()
        await until(lambda: not (tree.system.abandoned or tree.guard("one").deliveries))
        open_requests = dict(accounts_of(tree.system)._open)
    assert (found["thread"].status, found["thread"].usage.cost) == ("ok", 0.5)
    assert found["loop"].status == "ok"
    assert isinstance(found["late"], AskTimeout)
    assert open_requests == {}


@pytest.mark.realtime
async def test_a_thread_whose_budget_is_spent_is_told_so_in_its_thread(plant):
    """The exception comes out of `charge` there, and the task ends with what there is."""

    class Spender(Agent):
        def handle(self, task):
            for page in range(9):
                self.progress(page)
                self.charge(Usage(cost=1.0))

    budget = Budget(limits=Limits(cost=3.0), per="life")
    async with plant({"one": (Spender, Work(budgets=(budget,), recovery=()))}, dispatcher="thread") as tree:
        outcome = await tree.run("one", "x")
        (view,) = tree.guard("one").view(tree.now).budgets
        lives = tree.cell("one").incarnation
    assert (outcome.status, outcome.output, outcome.failure) == ("partial", 3, "exhausted")
    assert (view.spent.cost, lives) == (4.0, 1)


async def test_an_actor_that_nobody_supervises_has_no_guard(plant):
    """A task for it is a message like any other."""

    class Echo(Actor):
        def on_receive(self, message):
            return message.input

    async with plant({"one": (Quick, None)}) as tree:
        ref = tree.system.spawn(Echo)
        answer = await ref.ask(Task("t", "hello"))
        guarded = tree.system.cells[ref.path].guard
    assert (answer, guarded) == ("hello", None)


FULL = Work(
    recovery=(Retry(1, initial=0.001, max=0.001, jitter="none"), Restart(1), Fallback(("two",))),
    judges=(FunctionJudge(lambda output, task: True, name="yes"),),
    breaker=BreakerSpec(failures=None, rate=1.0, minimum=1000000),
    budgets=(Budget(limits=Limits(cost=1e6), per="day"), Budget(limits=Limits(cost=1e6), per="task")),
    health=HealthSpec(errors=1.0, minimum=1000000),
)
"""All that there is, never in the way."""


async def test_many_tasks_leave_nothing_behind(plant, caplog):
    """What a child keeps does not grow with its tasks: once its windows are past, it is the same after any number."""
    caplog.set_level(logging.CRITICAL, "treeward")  # else pytest keeps a record of each failure

    class Mixed(Agent):
        async def handle(self, task):
            self.charge(Usage(cost=0.001))
            if task.input % 50 == 7 and task.attempt == 1:
                raise ConnectionError("gone")
            return task.input

    async def some(tree, first, last):
        for number in range(first, last, 100):
            await asyncio.gather(*(tree.run("one", n, task=f"t{n}") for n in range(number, number + 100)))

    async def kept_after(tree, first, last):
        await some(tree, first, last)
        await tree.system.clock.sleep(3600)
        await some(tree, 0, 100)  # whoever is asked again forgets what is too old
        tree.events.clear()
        gc.collect()
        return len(gc.get_objects())

    async with plant({"one": (Mixed, FULL), "two": (Mixed, None)}) as tree:
        kept = [await kept_after(tree, 0, 1000), await kept_after(tree, 1000, 2000), await kept_after(tree, 2000, 6000)]
        outcomes = {(await tree.run("one", number, task=f"u{number}")).status for number in (6, 7)}
        assert tree.guard("one").view(tree.now).tasks == ()
    assert outcomes == {"ok"}
    assert abs(kept[2] - kept[1]) < 20, kept
