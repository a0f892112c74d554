"""I4: what is said of lives at one address, and of those above them."""

import asyncio

from treeward.chaos.invariants.lives import NoOrphans, OneLife
from treeward.runtime.faults import HANDLE, Visit


def handled(on, name, number):
    on.invariant.call(Visit(HANDLE, f"top/{name}", number, "a message"), print)


async def test_one_after_the_other(stage):
    """One life after the other, each with its messages, is as it should be."""
    async with stage(OneLife(), "a") as on:
        handled(on, "a", 1)
        on.ended("a", 1)
        on.ended("a", 2)  # a start that has failed
        on.started("a", 3)
        handled(on, "a", 3)
        assert on.told == []


async def test_two_lives(stage):
    """An incarnation that begins while another one lives is a violation."""
    async with stage(OneLife(), "a") as on:
        on.started("a", 2)
        assert on.told == ["top/a: incarnation 2 began while incarnation 1 was alive"]


async def test_message_for_the_dead(stage):
    """Whoever has ended, or was replaced, handles no message."""
    async with stage(OneLife(), "a") as on:
        on.ended("a", 1)
        handled(on, "a", 1)
        on.started("a", 2)
        handled(on, "a", 1)
        assert on.told == [
            "top/a: incarnation 1 was given a message to handle, but none lives",
            "top/a: incarnation 1 was given a message to handle, but incarnation 2 lives",
        ]


async def test_abandoned(stage):
    """An abandoned incarnation makes room for the next one, and its real end is not that one's."""
    async with stage(OneLife(), "a") as on:
        on.abandoned("a", 1)
        on.cell("a").incarnation = 2
        on.started("a", 2)
        on.ended("a", 1)
        handled(on, "a", 2)
        assert on.told == []


async def test_handler_that_runs_on(stage):
    """When an incarnation has ended, none of its handlers runs on."""
    async with stage(OneLife(), "a", "b") as on:
        handler = asyncio.create_task(asyncio.sleep(1), name="top/a")
        on.ended("b", 1)
        on.ended("a", 1)
        handler.cancel()
        assert on.told == ["top/a: incarnation 1 is said to have ended, and its handler runs on"]


async def test_orphans(stage):
    """When a supervisor has ended, nobody below it lives; each one who does is named."""
    async with stage(NoOrphans(), "a", "b", "c") as on:
        on.ended("b", 1)
        on.ended("", 1)
        assert on.told == [
            "top/a: incarnation 1 lives, though top #1 above it has ended",
            "top/c: incarnation 1 lives, though top #1 above it has ended",
        ]


async def test_no_orphans(stage):
    """A supervisor that ends after its children leaves nobody behind; who has no supervisor is none of them."""
    async with stage(NoOrphans(), "a", "b") as on:
        on.system.cells["top/free"] = on.system.cells["top"]  # whoever lives there has nobody above
        on.started("free", 1)
        on.ended("b", 1)
        on.ended("a", 1)
        on.ended("", 1)
        del on.system.cells["top/free"]
        assert on.told == []


async def test_orphans_in_the_end(stage):
    """Orphans are looked for once more when all has settled, and whoever lives after the close is a violation."""
    async with stage(NoOrphans(), "a") as on:
        top = on.cell("")
        phase, top.phase = top.phase, type(top.phase).NONE
        on.invariant.settled(on)
        top.phase = phase
        on.invariant.closed(on)
        assert on.told == [
            "top/a: incarnation 1 lives, and top does not",
            "top: incarnation 1 lives, though the runtime was closed",
            "top/a: incarnation 1 lives, though the runtime was closed",
        ]
