"""Monitors: exactly one `Down` for each incarnation that is watched."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.cell import Cell
from treeward.runtime.exits import Exit, Shutdown
from treeward.runtime.signals import Down
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


class Watcher(Actor):
    def __init__(self, downs=None):
        self.downs = [] if downs is None else downs

    def on_receive(self, message):
        if isinstance(message, Down | str):
            self.downs.append(message)
        elif isinstance(message, BaseException):
            raise message
        else:
            return message(self)
        return None


class Mortal(Actor):
    def on_receive(self, message):
        if isinstance(message, BaseException):
            raise message
        return asyncio.sleep(message)


ERROR = ValueError("bad")
ENDS = [
    (Exit.NORMAL, lambda ref: ref.stop(reason=Exit.NORMAL)),
    (Exit.SHUTDOWN, lambda ref: ref.stop()),
    (Shutdown("x"), lambda ref: ref.stop(reason=Shutdown("x"))),
    (Exit.KILLED, lambda ref: ref._cell.kill()),
    (ERROR, lambda ref: ref.tell(ERROR)),
]
IDS = ["normal", "shutdown", "Shutdown", "killed", "error"]


@pytest.mark.parametrize(("reason", "end"), ENDS, ids=IDS)
async def test_a_monitor_tells_every_end(reason, end, settle):
    """One `Down` with ref, incarnation and reason, whatever the reason; the watcher lives on."""
    downs = []
    async with runtime() as system:
        watcher, mortal = system.spawn(Watcher, downs), system.spawn(Mortal)
        await watcher.ask(lambda actor: actor.monitor(mortal))
        end(mortal)
        await settle()
        assert downs == [Down(mortal, 1, reason)]
        assert watcher.is_alive()


@pytest.mark.parametrize(("reason", "end"), ENDS, ids=IDS)
async def test_a_monitor_of_what_is_dead_already(reason, end, settle):
    """The `Down` comes at once, with the reason of then."""
    downs = []
    async with runtime() as system:
        watcher, mortal = system.spawn(Watcher, downs), system.spawn(Mortal)
        end(mortal)
        await settle()
        await watcher.ask(lambda actor: actor.monitor(mortal))
        await settle()
        assert downs == [Down(mortal, 1, reason)]


async def test_monitoring_twice_is_monitoring_once(settle):
    """However often it asked, a watcher gets one `Down` for an incarnation."""
    downs = []
    async with runtime() as system:
        watcher, mortal = system.spawn(Watcher, downs), system.spawn(Mortal)
        await watcher.ask(lambda actor: [actor.monitor(mortal), actor.monitor(mortal)])
        await mortal.stop()
        await settle()
        assert len(downs) == 1


async def test_many_watchers(settle):
    """Each of them gets its own."""
    downs = []
    async with runtime() as system:
        mortal = system.spawn(Mortal)
        watchers = [system.spawn(Watcher, downs) for _ in range(20)]
        for watcher in watchers:
            await watcher.ask(lambda actor: actor.monitor(mortal))
        await mortal.stop()
        await settle()
        assert downs == [Down(mortal, 1, Exit.SHUTDOWN)] * 20


async def test_demonitor(settle):
    """A monitor that was taken back tells nothing."""
    downs = []
    async with runtime() as system:
        watcher, mortal = system.spawn(Watcher, downs), system.spawn(Mortal)
        await watcher.ask(lambda actor: [actor.monitor(mortal), actor.demonitor(mortal)])
        await mortal.stop()
        await settle()
        assert downs == []


async def test_a_monitor_is_of_one_incarnation(nursed, settle):
    """The next incarnation is watched only if it is asked for again."""
    downs = []
    async with runtime() as system:
        watcher, child = system.spawn(Watcher, downs), nursed(system, Mortal)
        await watcher.ask(lambda actor: actor.monitor(child.ref))
        child.ref.tell(ERROR)
        await settle()
        child.ref.tell(ERROR)
        await settle()
        assert downs == [Down(child.ref, 1, ERROR)]
        await watcher.ask(lambda actor: actor.monitor(child.ref))
        child.ref.tell(ERROR)
        await settle()
        assert downs == [Down(child.ref, 1, ERROR), Down(child.ref, 3, ERROR)]


async def test_a_restarted_watcher_watches_nothing(nursed, settle):
    """What an incarnation monitors ends with it."""
    downs = []
    async with runtime() as system:
        watcher, mortal = nursed(system, Watcher, downs), system.spawn(Mortal)
        await watcher.ref.ask(lambda actor: actor.monitor(mortal))
        watcher.ref.tell(ERROR)
        await settle()
        await mortal.stop()
        await settle()
        assert downs == []
        assert watcher.ref.incarnation == 2


async def test_down_overtakes_messages(settle):
    """A `Down` is handled before what waits."""
    downs = []
    async with runtime() as system:
        watcher, mortal = system.spawn(Watcher, downs), system.spawn(Mortal)
        await watcher.ask(lambda actor: actor.monitor(mortal))
        watcher.tell("waits")
        mortal._cell.kill()
        await settle()
        assert downs == [Down(mortal, 1, Exit.KILLED), "waits"]


async def test_down_comes_when_nothing_of_the_incarnation_runs_any_more():
    """Not when the end was asked for, but when it is there."""
    downs = []
    async with runtime() as system:
        watcher, mortal = system.spawn(Watcher, downs), system.spawn(Mortal)
        await watcher.ask(lambda actor: actor.monitor(mortal))
        mortal.tell(5)
        await asyncio.sleep(1)
        mortal.stop()
        await asyncio.sleep(3)
        assert downs == []
        await asyncio.sleep(2)
        assert downs == [Down(mortal, 1, Exit.SHUTDOWN)]


VERBS = st.sampled_from(["monitor", "demonitor", "crash", "pause"])
STEPS = st.lists(st.tuples(VERBS, st.integers(0, 2), st.integers(0, 2)))


@given(STEPS)
async def test_exactly_one_down_per_incarnation_that_is_watched(steps):  # noqa: C901 - a model in one piece
    """Whatever the order of monitors, demonitors and crashes: each watcher's Downs are those that a model expects."""
    async with runtime() as system:
        told = [[] for _ in range(3)]
        watchers = [system.spawn(Watcher, downs) for downs in told]
        nurses = [system.spawn(Reviver) for _ in range(3)]
        for _ in range(5):
            await asyncio.sleep(0)
        mortals = [nurse._cell.actor.child for nurse in nurses]
        watching = set()
        expected = [[] for _ in range(3)]
        for verb, who, whom in steps:
            cell = mortals[whom]
            match verb:
                case "monitor":
                    await watchers[who].ask(lambda actor, ref=cell.ref: actor.monitor(ref))
                    watching.add((who, whom))
                case "demonitor":
                    await watchers[who].ask(lambda actor, ref=cell.ref: actor.demonitor(ref))
                    watching.discard((who, whom))
                case "crash":
                    for watcher, watched in sorted(watching):
                        if watched == whom:
                            expected[watcher].append((cell.path, cell.incarnation))
                    watching = {(one, other) for one, other in watching if other != whom}
                    cell.kill()
                    for _ in range(10):
                        await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        assert [[(down.ref.path, down.incarnation) for down in downs] for downs in told] == expected


class Reviver(Actor):
    """Brings its child back as soon as it has died."""

    def on_start(self):
        self.child = Cell(self.system, f"{self.path}/child", Factory(Mortal), parent=self._cell)
        self._cell.children = {"child": self.child}
        self.child.start()

    def on_receive(self, message):
        self.child.start()
