"""Whatever happens, in whatever order: every ask ends, no message is lost in silence, every life has one end."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from treeward.runtime.actor import Actor
from treeward.runtime.errors import MailboxFull
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import ActorEnded, ActorStarted


class Fate(Actor):
    """Meets the fate that its message names; keeps count of what it has begun."""

    def __init__(self, begun):
        self.begun = begun

    def on_receive(self, message):
        number, fate = message
        self.begun.append(number)
        return getattr(self, f"do_{fate}")(number)

    def do_answer(self, number):
        return number

    async def do_wait(self, number):
        await asyncio.sleep(1)
        return number

    def do_crash(self, number):
        raise ValueError(number)

    async def do_crash_late(self, number):
        await asyncio.sleep(1)
        raise ValueError(number)

    async def do_linger(self, number):
        try:
            await asyncio.sleep(1)
        except asyncio.CancelledError:
            await asyncio.sleep(0.5)
        return number

    def do_stop(self, number):
        self.stop()
        return number

    def do_kill(self, number):
        self._cell.kill()
        return number


FATES = st.sampled_from(["answer", "answer", "wait", "crash", "crash_late", "linger", "stop", "kill"])
SENDS = st.tuples(st.sampled_from(["tell", "ask", "ask in time", "ask and cancel"]), st.integers(0, 1), FATES)
OTHERS = st.tuples(st.sampled_from(["pause", "sleep", "sleep long", "stop", "kill"]), st.integers(0, 1), st.none())
BOUNDS = st.sampled_from([None, ("wait", 2), ("drop_newest", 2), ("drop_oldest", 2), ("fail", 2)])


class World:
    """Two actors that are brought back whenever they end, and the books about what they get."""

    def __init__(self, system, nursed, bound):
        self.system = system
        self.begun = [[], []]
        mailbox = MailboxSpec() if bound is None else MailboxSpec(bound[1], bound[0])
        self.children = [nursed(system, Fate, begun, mailbox=mailbox) for begun in self.begun]
        self.asked, self.stops = {}, []
        self.told, self.refused = set(), set()
        self.number = 0

    async def step(self, verb, who, fate):
        ref = self.children[who].ref
        match verb:
            case "pause":
                await asyncio.sleep(0)
            case "sleep":
                await asyncio.sleep(0.3)
            case "sleep long":
                await asyncio.sleep(3)
            case "stop":
                self.stops.append(ref.stop())
            case "kill":
                ref._cell.kill()
            case _:
                self.send(verb, ref, (self.number, fate))

    def send(self, verb, ref, message):
        self.number += 1
        if verb == "tell":
            self.told.add(message[0])
            try:
                ref.tell(message)
            except MailboxFull:
                self.refused.add(message[0])
            return
        reply = self.asked[message[0]] = ref.ask(message, timeout=0.5 if verb == "ask in time" else None)
        if verb == "ask and cancel":
            reply.cancel()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.one_of(SENDS, SENDS, OTHERS), max_size=40), bound=BOUNDS)
async def test_under_any_sequence_of_fates(nursed, steps, bound):
    """Messages that answer, wait, crash, linger, stop and kill, sent in every way, through every kind of mailbox."""
    events = []
    async with ActorSystem(blocked_after=None, kill_grace=0.2) as system:
        system.observe(events.append)
        world = World(system, nursed, bound)
        for step in steps:
            await world.step(*step)
        await asyncio.sleep(200)
    every_ask_has_ended(world)
    no_message_is_lost_in_silence(world, system)
    every_life_has_one_end(events)


def every_ask_has_ended(world):
    assert [reply for reply in [*world.asked.values(), *world.stops] if not reply.done()] == []


def no_message_is_lost_in_silence(world, system):
    """Each message was begun once, or is a dead letter, or its sender knows: by an error, or since it gave up."""
    begun = Counter(number for numbers in world.begun for number in numbers)
    dead = Counter(letter.message[0] for letter in system.dead_letters)
    assert max([*begun.values(), *dead.values()], default=1) == 1
    assert not begun.keys() & dead.keys()
    knows = {number for number, reply in world.asked.items() if reply.cancelled() or reply.exception() is not None}
    assert world.told - begun.keys() - dead.keys() == world.refused
    assert world.asked.keys() - begun.keys() - dead.keys() <= knows


def every_life_has_one_end(events):
    """Starts and ends of a path alternate, by incarnation."""
    lives = {}
    for event in events:
        if isinstance(event, ActorStarted | ActorEnded):
            lives.setdefault(event.path, []).append((event.incarnation, type(event)))
    for life in lives.values():
        starts = [incarnation for incarnation, kind in life if kind is ActorStarted]
        ends = [incarnation for incarnation, kind in life if kind is ActorEnded]
        assert starts == list(range(1, len(starts) + 1))
        assert sorted(ends) == sorted(set(ends))
        assert set(starts) <= set(ends)
