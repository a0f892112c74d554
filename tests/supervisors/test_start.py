"""SUPERVISION.md section 4: how a supervisor starts."""

from __future__ import annotations

import asyncio
from collections import deque

import pytest

from treeward.runtime.errors import ActorStopped, StartFailed
from treeward.runtime.exits import Exit
from treeward.runtime.telemetry import ActorStarted
from treeward.supervisors.errors import FailedToStart
from treeward.supervisors.requests import ChildRestarting
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec


def spec_of(children, **options):
    return SupervisorSpec(children=children, **options)


async def failure(rig):
    """Returns why a supervisor did not start."""
    with pytest.raises(ActorStopped) as caught:
        await rig.which_children()
    return caught.value.reason


async def test_children_start_one_at_a_time_in_list_order(lab):
    """Each start waits for the one before it."""
    lab.starts.update({child: deque([seconds]) for child, seconds in (("a", 3), ("b", 2), ("c", 1))})
    async with lab.system() as system:
        lab.rig(system, spec_of(lab.specs("a b c")))
        await lab.at(10)
        assert lab.times == [(3.0, "+a1"), (5.0, "+b1"), (6.0, "+c1"), (6.0, "+top1")]


async def test_a_child_has_started_when_its_on_start_has_returned(lab):
    """It handles no message before; those that come wait."""
    lab.starts["a"].append(4)
    async with lab.run(lab.spec("a")) as top:
        reply = top.child("a").ask("early", block=False)
        await lab.at(3.5)
        assert not reply.done()
        assert await reply == ("a", 1, "early")
        assert lab.now() == 4.0


async def test_a_supervisor_has_started_when_its_children_have(lab):
    """So a child that is a supervisor starts after those below it, and before its next sibling."""
    async with lab.system() as system:
        lab.rig(system, spec_of([lab.nested("sup", *lab.specs("a b")), lab.spec("c")]))
        await lab.quiet()
        assert lab.trace == ["+a1", "+b1", "+sup1", "+c1", "+top1"]


async def test_if_child_k_fails_to_start_those_before_it_are_terminated_in_reverse_order(lab):
    """k-1 .. 1 end, newest first; then the supervisor fails."""
    lab.fail("d")
    async with lab.system() as system:
        rig = lab.rig(system, spec_of(lab.specs("a b c d e")))
        assert isinstance(await failure(rig), FailedToStart)
        assert lab.trace == ["+a1", "+b1", "+c1", "-d1", "-c1", "-b1", "-a1", "-top1"]


async def test_they_are_terminated_each_by_its_own_shutdown(lab):
    """A child that needs time gets its own time, one after the other; who is to be killed is killed."""
    lab.fail("e")
    lab.ends = {"a": 1, "b": 99, "c": 99, "d": 10}
    children = [
        lab.spec("a", shutdown="infinity"),
        lab.spec("b", shutdown=2),
        lab.spec("c", shutdown="brutal_kill"),
        lab.spec("d", shutdown="infinity"),
        lab.spec("e"),
    ]
    async with lab.system() as system:
        lab.rig(system, spec_of(children))
        await lab.at(50)
        ends = [entry for entry in lab.times if entry[1].startswith("-")]
        assert ends == [
            (0.0, "-e1"),
            (10.0, "-d1"),
            (10.0, "-c1"),
            (12.0, "-b1"),
            (13.0, "-a1"),
            (13.0, "-top1"),
        ]
        assert {name: lab.reasons[name] for name in ("a1", "b1", "c1", "d1")} == {
            "a1": Exit.SHUTDOWN,
            "b1": Exit.KILLED,
            "c1": Exit.KILLED,
            "d1": Exit.SHUTDOWN,
        }


async def test_later_children_never_start(lab):
    """After the one that failed, no other is tried."""
    lab.fail("a")
    async with lab.system() as system:
        lab.rig(system, spec_of(lab.specs("a b c")))
        await lab.quiet()
        assert lab.seen(ActorStarted) == []


async def test_the_supervisor_fails_with_the_child_and_the_cause(lab):
    """`FailedToStart(child, cause)` is why the supervisor is stopped."""
    lab.fail("b")
    async with lab.system() as system:
        error = await failure(lab.rig(system, spec_of(lab.specs("a b c"))))
    assert error.child == "b"
    assert isinstance(error.cause, lab.Boom)
    assert str(error) == "child 'b' failed to start: Boom: start of b"


async def test_a_failed_start_is_not_tried_again_and_not_counted(lab):
    """Also with a backoff and any intensity: the first failure is the last."""
    lab.fail("a")
    async with lab.system() as system:
        rig = lab.rig(system, spec_of(lab.specs("a"), intensity=Intensity(100, 5)))
        await lab.at(100)
        assert lab.trace == ["-a1", "-top1"]
        assert lab.seen(ChildRestarting) == []
        assert not rig.ref.is_alive()


async def test_a_supervisor_below_that_fails_to_start_is_its_parents_failure(lab):
    """The failure goes up with its evidence, and the siblings come down."""
    lab.fail("b")
    async with lab.system() as system:
        children = [lab.spec("z"), lab.nested("sup", *lab.specs("a b c"))]
        error = await failure(lab.rig(system, spec_of(children)))
    assert (error.child, error.cause.child) == ("sup", "b")
    assert lab.trace == ["+z1", "+a1", "-b1", "-a1", "-sup1", "-z1", "-top1"]


async def test_a_constructor_that_raises_is_a_failed_start(lab):
    """The constructor belongs to the start."""

    def factory():
        raise KeyError("no such thing")

    spec = ChildSpec(id="a", start=factory)
    async with lab.system() as system:
        error = await failure(lab.rig(system, spec_of([spec])))
    assert isinstance(error.cause, KeyError)


async def test_a_start_that_takes_longer_than_start_timeout_has_failed(lab):
    """The child is killed at its time, and counts as failed to start."""
    lab.starts["b"].append(60)
    children = [lab.spec("a"), lab.spec("b", start_timeout=7)]
    async with lab.system() as system:
        rig = lab.rig(system, spec_of(children))
        await lab.at(8)
        assert lab.times == [(0.0, "+a1"), (7.0, "-b1"), (7.0, "-a1"), (7.0, "-top1")]
        error = await failure(rig)
    assert isinstance(error.cause, StartFailed)
    assert "start_timeout, 7 s" in str(error)


async def test_a_start_within_start_timeout_is_left_alone(lab):
    """The time is for the start only: a child that has started runs on."""
    lab.starts["a"].append(6.9)
    async with lab.run(lab.spec("a", start_timeout=7)) as top:
        await lab.at(100)
        assert await top.states() == {"a": "running"}
        assert lab.trace == ["+a1", "+top1"]


async def test_without_a_start_timeout_a_start_takes_any_time(lab):
    """The default is infinity."""
    lab.starts["a"].append(86_400)
    async with lab.run(lab.spec("a")) as top:
        await lab.at(86_401)
        assert await top.states() == {"a": "running"}


async def test_start_timeout_ends_a_supervisor_below_with_all_that_it_has_started(lab):
    """A supervisor that takes too long leaves nothing behind."""
    lab.starts["b"].append(60)
    inner = lab.nested("sup", *lab.specs("a b"), options={"start_timeout": 5})
    async with lab.system() as system:
        lab.rig(system, spec_of([inner]))
        await lab.at(6)
        assert lab.times == [(0.0, "+a1"), (5.0, "-a1"), (5.0, "-b1"), (5.0, "-sup1"), (5.0, "-top1")]
        assert system.cells == {}


async def test_a_start_that_will_not_be_cancelled_is_abandoned_after_its_timeout(lab):
    """The supervisor does not wait for ever on a start that swallows its cancellation."""
    free = asyncio.Event()

    class Stubborn(lab.spec("x").factory.cls):
        def __init__(self):
            pass

        def on_stop(self, reason):
            pass

        async def on_start(self):
            await self._ignore_cancellation(free)

    spec = ChildSpec(id="a", start=Stubborn, start_timeout=5)
    async with lab.run() as top:
        with pytest.raises(FailedToStart):
            await top.start_child(spec)
        assert lab.now() == 7.0  # 5 s, and the grace of 1 s after each cancellation
        assert await top.states() == {}
        assert len(top.system.abandoned) == 1
        free.set()
        await lab.quiet()
        assert len(top.system.abandoned) == 0


async def test_the_death_of_a_child_while_the_next_one_starts_is_answered_afterwards(lab):
    """A supervisor that is starting notes the death, and restarts the child once it runs."""
    lab.starts["b"].append(5)
    async with lab.system() as system:
        rig = lab.rig(system, spec_of(lab.specs("a b")))
        await lab.at(1)
        await rig.crash("a")
        await lab.at(6)
        assert lab.times == [(0.0, "+a1"), (1.0, "-a1"), (5.0, "+b1"), (5.0, "+top1"), (5.0, "+a2")]


async def test_messages_for_a_child_whose_start_fails_are_not_lost_silently(lab):
    """The child goes with the supervisor: who waits gets an error, and the message is a dead letter."""
    lab.starts["a"].append(5)
    lab.starts["b"].append(lab.Boom("b"))
    async with lab.system() as system:
        rig = lab.rig(system, spec_of(lab.specs("a b")))
        await lab.at(1)
        reply = rig.child("a").ask("early", block=False)
        await lab.at(4)
        rig.child("a")._cell.kill()
        with pytest.raises(ActorStopped):
            await reply
        assert [(letter.recipient, letter.message) for letter in system.dead_letters] == [("top/a", "early")]
