"""I7 and I8: what is said of a tree that does not recover, and of what a run leaves behind."""

import asyncio
import os
import threading
from types import SimpleNamespace

import pytest

from treeward.chaos.faults.fired import Fired
from treeward.chaos.invariants.leftovers import NothingLeft
from treeward.chaos.invariants.recovery import Recovered, unready
from treeward.runtime.dispatch import Life
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.events import TaskAccepted, TaskSettled
from treeward.supervisors.readiness import health_of
from treeward.supervisors.requests import ChildRestarting
from treeward.supervisors.snapshot import snapshot
from treeward.supervisors.work.delivery import TaskView
from treeward.supervisors.work.guard import guard_of
from treeward.supervisors.work.policy import Work


class Tree:
    """What an invariant asks of a runtime; tasks in hand are the test's."""

    def __init__(self, on, entry=None):
        self.on = on
        self.entry = entry
        self.tasks = ()

    def snapshot(self):
        root = snapshot(self.on.cell(""))
        object.__setattr__(root.children[0], "tasks", self.tasks)
        return root

    def health(self):
        return health_of(snapshot(self.on.cell("")), self.entry)


def recovers(stage, *names, entry=None, **options):
    return stage(Recovered(), *names, **options)


def heal(on, after=10.0):
    on.invariant.healed(on)
    on.healed, on.healed_at = True, on.now
    on.now += after
    on.runtime = on.runtime or Tree(on)


def state_of(on, name, state):
    on.cell("").actor._children.get(name).state = state


async def test_all_is_well(stage):
    """A tree that takes work, with nothing old in it, has recovered."""
    async with recovers(stage, "a") as on:
        heal(on)
        on.invariant.settled(on)
        assert on.told == []


async def test_not_ready(stage):
    """Whoever is not ready is named, with the reason."""
    async with recovers(stage, "a", "b") as on:
        heal(on)
        state_of(on, "a", "restarting")
        on.cell("a").end = ValueError("boom")
        on.invariant.settled(on)
        assert on.told == ["top/a is not ready: restarting after ValueError: boom"]


async def test_nothing_is_asked_of_a_broken_run(stage):
    """Nothing is asked of a run that was not healed, or whose root has given up."""
    async with recovers(stage, "a") as on:
        state_of(on, "a", "restarting")
        on.runtime = Tree(on)
        on.invariant.settled(on)
        heal(on)
        on.gave_up = "shutdown"
        on.invariant.settled(on)
        on.invariant.closed(on)
        assert on.told == []


async def test_backoff(stage):
    """A child whose backoff is not over is on its way."""
    async with recovers(stage, "a") as on:
        heal(on)
        state_of(on, "a", "restarting")
        on.tell(ChildRestarting("top/a", 1, on.now, ValueError(), 60.0, ("a",)))
        on.invariant.settled(on)
        on.now += 59.0
        on.invariant.settled(on)
        assert on.told == []
        on.now += 2.0
        on.invariant.settled(on)
        assert len(on.told) == 1


async def test_cooldown(stage):
    """A breaker whose cooldown is not over is open for good reason."""
    child = {"work": Work(breaker=BreakerSpec(cooldown=30.0))}
    async with recovers(stage, "a", child=child) as on:
        guard_of(on.cell("a")).breaker.trip(on.system.clock.monotonic(), "too many")
        heal(on)
        assert unready(on) == {"top/a": "its circuit breaker is open"}
        on.invariant.settled(on)
        assert on.told == []


async def test_temporary(stage):
    """Whoever is never started again need not be there, even if the work comes in there."""
    async with recovers(stage, "a", b="temporary") as on:
        on.runtime = Tree(on, entry="top/b")
        heal(on)
        supervisor = on.cell("").actor
        on.cell("b").kill()
        supervisor._children.drop(supervisor._children.get("b"))
        assert unready(on) == {"top/b": "there is no such actor"}
        on.invariant.settled(on)
        assert on.told == []


async def test_nobody_says_why(stage):
    """A tree that is not ready for no reason is not ready all the same."""
    async with recovers(stage, "a") as on:
        health = SimpleNamespace(ready=False, why={})
        on.runtime = SimpleNamespace(health=lambda: health, snapshot=Tree(on).snapshot)
        heal(on)
        on.invariant.settled(on)
        assert on.told == ["treeward is not ready: nobody says why"]


def in_hand(seconds, state="working"):
    return TaskView("t1", "t1", state, 1, "first", seconds, None)


@pytest.mark.parametrize(
    ("seconds", "state", "count"),
    [(9.0, "working", 0), (11.0, "working", 1), (11.0, "input-required", 0)],
)
async def test_tasks(stage, seconds, state, count):
    """A task that was there when all was healed has ended by now, unless it waits for a person."""
    async with recovers(stage, "a") as on:
        heal(on, after=10.0)
        on.runtime.tasks = (in_hand(seconds, state),)
        on.invariant.settled(on)
        assert on.told == [f"top/a has had task t1 in hand for {seconds:.6f} s: it is {state}"] * count


def lost(on, kind="drop"):
    on.invariant.fired(Fired("r", 1, kind, "drop", "reply", "top/a", 1, on.now, "t1"))


@pytest.mark.parametrize(
    ("kind", "deadline", "count"),
    [("drop", None, 0), ("corrupted output", None, 0), ("drop", 99.0, 1), ("delay", None, 1)],
)
async def test_tasks_that_have_lost_something(stage, kind, deadline, count):
    """A task without a deadline waits for ever for what a fault has lost; one with a deadline does not."""
    async with recovers(stage, "a") as on:
        on.tell(TaskAccepted("top/a", 1, 0.0, "t1", "t1", None, 0, deadline))
        lost(on, kind)
        heal(on, after=10.0)
        on.runtime.tasks = (in_hand(11.0),)
        on.invariant.settled(on)
        assert len(on.told) == count


async def test_tasks_after_a_loss(stage):
    """What was lost before a task came, or before it came again, is no excuse for it."""
    async with recovers(stage, "a") as on:
        accepted = TaskAccepted("top/a", 1, 0.0, "t1", "t1", None, 0, None)
        on.tell(accepted)
        lost(on)
        on.tell(TaskSettled("top/a", 1, 0.0, "t1", "t1", "ok", "first", True), accepted)
        heal(on, after=10.0)
        on.runtime.tasks = (in_hand(11.0),)
        on.invariant.settled(on)
        assert len(on.told) == 1


async def test_mailboxes(stage):
    """What was in the mailbox when all was healed is not there any more; what came later may be."""
    async with recovers(stage, "a", "b") as on:
        for name in "ab":
            on.cell(name).mailbox.put((f"old {name}", None))
        heal(on)
        on.cell("b").mailbox.messages.clear()
        on.cell("b").mailbox.put(("new", None))
        on.invariant.settled(on)
        for name in "ab":
            on.cell(name).mailbox.messages.clear()
        assert on.told == ["top/a has left 1 messages (str) where they were when all was healed"]


async def test_mailbox_of_one_who_is_down(stage):
    """The mailbox of a child that is down is kept for its next incarnation."""
    async with recovers(stage, "a", b="transient") as on:
        on.cell("b").mailbox.put(("old", None))
        heal(on)
        on.cell("b").kill()
        state_of(on, "b", "stopped")
        on.invariant.settled(on)
        assert on.told == []


# --- I8 ---------------------------------------------------------------------------------------------


def unlived(on):
    """Lets a closed system be looked at: the actors of a stage end only with it."""
    cells = dict(on.system.cells)
    on.system.cells.clear()
    return cells


async def test_nothing_left(stage):
    """Where nothing is left, nothing is said."""
    async with stage(NothingLeft(), "a") as on:
        on.invariant.settled(on)
        cells = unlived(on)
        on.loop = looked_at(on)
        on.invariant.closed(on)
        on.system.cells.update(cells)
        assert on.told == []


def looked_at(on, *timers):
    loop = asyncio.get_running_loop()
    loop.timers = lambda: timers
    return loop


async def test_what_is_left(stage):
    """Tasks, timers, actors and threads that are left after the close are named."""
    gate = threading.Event()
    async with stage(NothingLeft(), "a") as on:
        on.loop = looked_at(on, "call later at 99.0 s")
        task = asyncio.create_task(asyncio.sleep(1), name="stray")
        thread = threading.Thread(target=gate.wait, name="stray thread")
        thread.start()
        on.invariant.closed(on)
        gate.set()
        thread.join()
        task.cancel()
        assert on.told == [
            "the task stray is left after the close",
            "the timer call later at 99.0 s is left after the close",
            "the actor top is left after the close",
            "the actor top/a is left after the close",
            "the thread stray thread is left after the close",
        ]


async def test_tasks_of_others(stage):
    """What ran before the invariant was made is not the runtime's, and may have timers."""
    task = asyncio.create_task(asyncio.sleep(1), name="of somebody else")
    async with stage(NothingLeft(), "a") as on:
        on.loop = looked_at(on, "a timer of somebody else's")
        cells = unlived(on)
        on.invariant.closed(on)
        on.system.cells.update(cells)
        task.cancel()
        assert on.told == []


async def test_abandoned(stage):
    """What an abandoned incarnation still runs is known, and no leak."""
    async with stage(NothingLeft(), "a") as on:
        task = asyncio.create_task(asyncio.sleep(1), name="top/a")
        on.system.abandoned[Life(on.cell("a"))] = task
        on.loop = looked_at(on)
        on.invariant.settled(on)
        cells = unlived(on)
        on.invariant.closed(on)
        on.system.cells.update(cells)
        on.system.abandoned.clear()
        task.cancel()
        assert on.told == []


async def test_handler_of_nobody(stage):
    """A handler that runs for an actor that is not busy is one that nobody knows of."""
    async with stage(NothingLeft(), "a") as on:
        task = asyncio.create_task(asyncio.sleep(1), name="top/a")
        on.loop = looked_at(on)
        on.invariant.settled(on)
        task.cancel()
        assert on.told == ["a handler of top/a still runs, though the actor is not busy"]


async def test_gone(stage):
    """When nobody holds the run any more, the actor system is gone, and no file is open that was not before."""
    async with stage(NothingLeft(), "a") as on:
        on.invariant.gone()  # it has not been closed: nothing is known
        on.loop = looked_at(on)
        cells = unlived(on)
        on.invariant.closed(on)
        on.system.cells.update(cells)
        file = os.open(os.devnull, os.O_RDONLY)
        on.invariant.gone()
        os.close(file)
        assert on.told == [
            "the actor system is still in memory, though nobody holds it: something keeps it",
            "1 open files are left: null",
        ]


def test_made_outside_of_a_loop():
    """It may be made where no loop runs."""
    invariant = NothingLeft()
    invariant.gone()
    assert invariant.violations == []
