"""The actor system: its block, its end, several of them at once, and that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import threading

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.cell import Cell
from treeward.runtime.errors import ActorStopped, NameTaken, SystemClosed
from treeward.runtime.exits import Exit
from treeward.runtime.system import ActorSystem


def runtime(**options):
    return ActorSystem(blocked_after=None, **options)


def now():
    return asyncio.get_running_loop().time()


class Echo(Actor):
    def __init__(self, ends=None):
        self.ends = ends

    def on_receive(self, message):
        return asyncio.sleep(message) if isinstance(message, int) else message

    def on_stop(self, reason):
        if self.ends is not None:
            self.ends.append((self.path, reason))


class Stubborn(Actor):
    """Does not want to end."""

    async def on_stop(self, reason):
        await asyncio.Event().wait()


# --- before and after -------------------------------------------------------------------------------


async def test_a_system_that_was_not_entered_is_closed():
    """Nothing can be started in it, and it says how to mend that."""
    system = runtime(name="early")
    with pytest.raises(SystemClosed, match="'early' is not running: use it inside its `with` block"):
        system.spawn(Echo)


async def test_a_system_that_was_left_is_closed():
    """Neither can anything be started afterwards; what was started has ended."""
    async with runtime() as system:
        ref = system.spawn(Echo)
    with pytest.raises(SystemClosed):
        system.spawn(Echo)
    with pytest.raises(ActorStopped):
        ref.tell("x")
    with pytest.raises(ActorStopped):
        await ref.ask("x")
    assert await ref.stop() is False


async def test_a_system_is_entered_once():
    """Its actors and counts are those of one block: a second one needs a new system."""
    async with runtime() as system:
        pass
    with pytest.raises(RuntimeError, match="make another one"):
        async with system:
            pass


async def test_leaving_it_by_an_error_ends_it_too():
    """The error goes on to the host."""
    refs = []

    async def host():
        async with runtime():
            refs.append(Echo.start())
            raise KeyError

    with pytest.raises(KeyError):
        await host()
    assert not refs[0].is_alive()


async def test_leaving_it_in_another_task_than_it_was_entered_in():
    """Set up here and torn down there, as frameworks do, it ends as well."""
    system = runtime()
    await asyncio.create_task(system.__aenter__())
    ref = system.spawn(Echo)
    await asyncio.create_task(system.__aexit__())
    assert not ref.is_alive()


@pytest.mark.realtime
async def test_a_close_that_is_cut_short_still_ends_everything():
    """If the host's task is cancelled while the block is left, what is left is killed, threads and all."""
    threads = set(threading.enumerate())
    refs = []

    async def host():
        async with ActorSystem() as system:
            refs.extend(system.spawn(Stubborn) for _ in range(3))
            refs.append(system.launch(Factory(Echo), dispatcher="thread"))

    task = asyncio.create_task(host())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [ref for ref in refs if ref.is_alive()] == []
    assert set(threading.enumerate()) - threads == set()


# --- the end ----------------------------------------------------------------------------------------


async def test_actors_end_newest_first():
    """Each is asked with `shutdown`, after those that were started later have ended."""
    ends = []
    async with runtime() as system:
        refs = [system.spawn(Echo, ends) for _ in range(3)]
    assert ends == [(ref.path, Exit.SHUTDOWN) for ref in reversed(refs)]


async def test_what_is_in_hand_is_finished_at_the_end():
    """A handler at work has the grace to come to its end."""
    async with runtime() as system:
        asked = system.spawn(Echo).ask(3)
        await asyncio.sleep(0)
    assert asked.done()
    assert now() == 3.0


async def test_who_does_not_end_in_time_is_killed():
    """After the grace of five seconds."""
    async with runtime() as system:
        ref = system.spawn(Stubborn)
    assert now() == 5.0
    assert ref._cell.end is Exit.KILLED


async def test_no_actor_starts_while_the_system_ends():
    """Who would spawn another in its on_stop hears that it is too late: nothing is left over."""

    class Spawning(Actor):
        def on_stop(self, reason):
            self.system.spawn(Echo)

    async with runtime() as system:
        ref = system.spawn(Spawning)
    assert isinstance(ref._cell.end, SystemClosed)
    assert not system.cells


async def test_actors_can_talk_while_the_system_ends():
    """An on_stop may still ask those that end after it."""
    answers = []

    class Farewell(Actor):
        def __init__(self, to):
            self.to = to

        async def on_stop(self, reason):
            answers.append(await self.to.ask("bye"))

    async with runtime() as system:
        first = system.spawn(Echo)
        system.spawn(Farewell, first)
    assert answers == ["bye"]


async def test_an_actor_without_a_supervisor_goes_when_it_ends():
    """Its path is free again, and nothing of it is kept."""
    async with runtime() as system:
        ref = system.launch(Factory(Echo), path="desk")
        assert system.ref("desk") == ref
        await ref.stop()
        assert system.ref("desk") is None
        assert system.launch(Factory(Echo), path="desk") != ref


async def test_a_path_is_one_actors_alone():
    """A second actor at a path is refused; the first goes on."""
    async with runtime() as system:
        ref = system.launch(Factory(Echo), path="desk")
        with pytest.raises(NameTaken, match="desk"):
            system.launch(Factory(Echo), path="desk")
        assert await ref.ask("x") == "x"


async def test_end_waits_as_long_as_it_is_told():
    """`end` asks, waits for the grace, and kills; without a grace it waits for ever; nothing lives: nothing to do."""
    async with runtime() as system:
        stubborn, slow = system.spawn(Stubborn), system.spawn(Echo)
        await system.end(stubborn._cell, 2.0)
        assert now() == 2.0
        slow.tell(600)
        await asyncio.sleep(0)
        await system.end(slow._cell, None)
        assert now() == 602.0
        await system.end(slow._cell, None)


async def test_children_end_before_their_parent_has_ended(nursed):
    """A parent that is killed takes its child along, and is not gone before it."""
    order = []
    async with runtime() as system:
        system.observe(lambda event: order.append(event.path) if event.name == "actor.ended" else None)
        child = nursed(system, Slow)
        await child.ref.ask("x")
        asked = child.ref.ask("wait")
        await asyncio.sleep(1)
        parent = child.nurse._cell
        parent.kill()
        assert parent.alive
        await asyncio.sleep(10)
        assert order == [child.ref.path, parent.path]
        assert asked.done()
        assert now() < 10 + 5


class Slow(Actor):
    """Takes a second to be killed."""

    async def on_receive(self, message):
        if message == "x":
            return message
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(1)


# --- several ----------------------------------------------------------------------------------------


async def test_two_systems_on_one_loop():
    """They share nothing: neither actors, nor names, nor the bus, nor ids, nor dead letters."""
    async with runtime(seed=1) as one, runtime(seed=2) as other:
        first, second = one.spawn(Echo), other.spawn(Echo)
        assert first.path == second.path
        assert first != second
        one.registry.register("desk", first)
        assert other.registry.name("desk") is None
        one.dead_letters.add("x", "a", "lost")
        assert len(other.dead_letters) == 0
        assert one.entropy.new_id() != other.entropy.new_id()
        assert await asyncio.gather(first.ask("a"), second.ask("b")) == ["a", "b"]


@pytest.mark.realtime
async def test_systems_on_different_loops(aside):
    """An actor of one can ask an actor of another, each on its own loop."""

    class Asking(Actor):
        async def on_receive(self, message):
            return await message.ask("x")

    async with runtime() as here:
        with aside() as there:
            near, far = here.spawn(Echo), there.spawn(Asking)
            assert await far.ask(near) == "x"


def test_many_systems_in_threads(aside):
    """Eight runtimes in eight threads, used from a ninth."""
    blocks = [aside(name=f"system {number}") for number in range(8)]
    systems = [block.__enter__() for block in blocks]
    try:
        refs = [system.spawn(Echo) for system in systems]
        assert [ref.ask(f"x{number}") for number, ref in enumerate(refs)] == [f"x{number}" for number in range(8)]
    finally:
        for block in blocks:
            block.__exit__()


# --- plain threads ----------------------------------------------------------------------------------


def test_spawning_from_threads(aside):
    """Threads that spawn at the same time get actors of different paths."""
    with aside() as system:
        refs = []

        def spawn():
            refs.extend(system.spawn(Echo) for _ in range(100))

        threads = [threading.Thread(target=spawn) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len({ref.path for ref in refs}) == 400
        assert all(ref.ask("x") == "x" for ref in refs[::40])


def test_result_of(aside):
    """A thread can have something done on the loop, and gets its result or its error."""
    with aside() as system:
        assert system.result_of(threading.get_ident) != threading.get_ident()
        with pytest.raises(ZeroDivisionError):
            system.result_of(lambda: 1 / 0)
    with pytest.raises(SystemClosed):
        system.result_of(threading.get_ident)
    with pytest.raises(SystemClosed):
        system.call(threading.get_ident)


# --- nothing is left --------------------------------------------------------------------------------


@pytest.mark.realtime
async def test_start_and_stop_leave_nothing():
    """No task, no thread, no timer, no callback, no entry: fifty times over."""
    loop = asyncio.get_running_loop()
    tasks, threads = asyncio.all_tasks(), set(threading.enumerate())
    for _ in range(50):
        async with ActorSystem() as system:
            ref = system.spawn(Echo)
            ref._cell.actor.every(60, "tick")
            ref._cell.actor.subscribe("#")
            ref._cell.actor.register("desk")
            asked = ref.ask(0, timeout=60)
            await asked
        assert asyncio.all_tasks() == tasks
        assert set(threading.enumerate()) == threads
        assert [handle for handle in loop._scheduled if not handle.cancelled()] == []
        assert (system.cells, system.roots, system.abandoned) == ({}, {}, {})
        assert system.registry._entries == system.bus._subscribers == {}


async def test_nothing_starts_with_the_import_or_the_constructor():
    """A system that is only made has no thread, no task and no loop."""
    tasks, threads = asyncio.all_tasks(), threading.enumerate()
    ActorSystem()
    assert (asyncio.all_tasks(), threading.enumerate()) == (tasks, threads)


def test_an_idle_actor_costs_no_task(aside):
    """A thousand actors that wait are no task and no thread."""
    with aside() as system:
        for _ in range(1000):
            system.spawn(Echo)
        assert system.result_of(lambda: len(asyncio.all_tasks(system.loop))) <= 2
        assert threading.active_count() <= 3


async def test_a_cell_shows_what_it_is():
    """For people who debug: path, incarnation, phase, and the last end."""
    async with runtime() as system:
        ref = system.spawn(Echo)
        cell: Cell = ref._cell
        assert repr(cell) == "<Cell echo-1 #1 running>"
        await ref.stop()
        assert repr(cell) == "<Cell echo-1 #1 none shutdown>"
