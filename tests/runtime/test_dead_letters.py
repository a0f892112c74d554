"""Dead letters: what was lost is kept, counted and observable, and does not flood the log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.dead_letters import KEPT, DeadLetter, DeadLetters, MessageLost
from treeward.runtime.errors import ActorStopped
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


async def test_a_letter_says_what_for_whom_why_and_when():
    """Each dead letter has its message, recipient, reason and wall-clock time."""
    async with runtime() as system:
        system.dead_letters.add("hello", "a/b", "stopped")
        assert list(system.dead_letters) == [DeadLetter("hello", "a/b", "stopped", system.clock.time())]


async def test_letters_are_counted_by_reason():
    """The counts go on when the letters are not kept any more."""
    async with runtime() as system:
        for number in range(KEPT + 5):
            system.dead_letters.add(number, "a", "stopped")
        system.dead_letters.add("x", "a", "not handled")
        letters = list(system.dead_letters)
        assert (len(letters), letters[0].message, letters[-1].message) == (KEPT, 6, "x")
        assert len(system.dead_letters) == KEPT + 6
        assert system.dead_letters.counts == {"stopped": KEPT + 5, "not handled": 1}


async def test_ten_a_minute_are_reported():
    """Of a flood ten are events; the next report says how many were left out."""
    seen = []
    async with runtime() as system:
        system.observe(seen.append)
        for number in range(25):
            system.dead_letters.add(number, "a", "stopped")
        await asyncio.sleep(61)
        system.dead_letters.add("late", "a", "stopped")
    lost = [event for event in seen if isinstance(event, MessageLost)]
    assert [event.suppressed for event in lost] == [0] * 10 + [15]
    assert (lost[0].path, lost[0].reason, lost[0].message_type) == ("a", "stopped", "int")


async def test_the_log_is_spared_too(caplog):
    """A thousand dead letters are ten lines."""
    caplog.set_level(logging.WARNING, "treeward")
    async with runtime() as system:
        for number in range(1000):
            system.dead_letters.add(number, "a", "stopped")
    assert len(caplog.records) == 10
    assert caplog.records[0].reason == "stopped"


async def test_looking_at_the_letters_disturbs_nothing():
    """Letters may come while somebody goes through them."""
    async with runtime() as system:
        letters: DeadLetters = system.dead_letters
        letters.add(1, "a", "x")
        for letter in letters:
            letters.add(letter.message + 1, "a", "x")
        assert len(letters) == 2


class Deaf(Actor):
    """Handles nothing."""


async def ask_stopped(system):
    ref = system.spawn(Deaf)
    await ref.stop()
    with pytest.raises(ActorStopped):
        await ref.ask("lost")


async def left_behind(system):
    ref = system.spawn(Deaf)
    ref.tell("lost")
    await ref.stop()


async def unhandled(system):
    await system.spawn(Deaf).ask("lost")


async def published(system):
    ref = system.spawn(Deaf)
    await ref.stop()
    system.bus.subscribe("lost", ref)
    system.bus.publish("lost", 1)


@pytest.mark.parametrize(
    ("way", "reason"),
    [(ask_stopped, "stopped"), (left_behind, "stopped"), (unhandled, "not handled"), (published, "stopped")],
)
async def test_ways_to_get_lost(way, reason):
    """Whatever way a message is lost, it is one dead letter with the reason."""
    async with runtime() as system:
        await way(system)
        assert [letter.reason for letter in system.dead_letters] == [reason]
