"""SUPERVISION.md sections 2 and 10: dynamic supervisors, whose children are named by their refs."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.errors import ActorStopped
from treeward.runtime.exits import Exit
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.errors import FailedToStart, InvalidSpec, NotFound, Unsupported
from treeward.supervisors.requests import Counts
from treeward.supervisors.spec import Backoff, ChildSpec, Intensity

SLOW = Backoff(initial=10, jitter="none")


def dynamic(lab, child=None, **options):
    """Runs a dynamic supervisor; `child` are the options of its template, if it has one."""
    template = None if child is None else lab.spec("w", **child)
    return lab.run(kind=DynamicSupervisor, spec=DynamicSpec(child=template, **options))


async def test_with_a_template_each_start_makes_one_more_child(lab):
    """The children are numbered in the order in which they came."""
    async with dynamic(lab, {}) as top:
        refs = [await top.start_another() for _ in range(3)]
        assert [ref.path for ref in refs] == ["top/w-1", "top/w-2", "top/w-3"]
        assert await refs[1].ask("hello") == ("w", 1, "hello")


async def test_a_start_may_bring_arguments_that_are_added_to_the_templates(lab):
    """OTP's simple_one_for_one: template arguments first, then those of the start."""

    class Echo(Actor):
        def __init__(self, *args, **kwargs):
            self.given = (args, kwargs)

        def on_receive(self, message):
            return self.given

    template = ChildSpec(id="w", start=Factory(Echo, (1,), {"a": 1, "b": 2}))
    async with lab.run(kind=DynamicSupervisor, spec=DynamicSpec(child=template)) as top:
        ref = await top.start_another(2, 3, b=4)
        assert await ref.ask("what") == ((1, 2, 3), {"a": 1, "b": 4})
        await top.kill("w-1")
        assert await ref.ask("again") == ((1, 2, 3), {"a": 1, "b": 4})
        assert await (await top.start_another()).ask("what") == ((1,), {"a": 1, "b": 2})


async def test_without_a_template_each_start_brings_a_whole_spec(lab):
    """Elixir's DynamicSupervisor; equal ids are no conflict, since nobody goes by them."""
    async with dynamic(lab) as top:
        first, second = [await top.start_child(lab.spec("a")) for _ in range(2)]
        third = await top.start_child(lab.spec("b"))
        assert [ref.path for ref in (first, second, third)] == ["top/a-1", "top/a-2", "top/b-3"]


async def test_what_the_other_way_of_starting_needs_is_said(lab):
    """`start_child` with a template, and `start_another` without one, are errors that say what to use."""
    async with dynamic(lab, {}) as top:
        with pytest.raises(Unsupported, match="use start_another"):
            await top.start_child(lab.spec("a"))
    async with dynamic(lab) as top:
        with pytest.raises(Unsupported, match="use start_child"):
            await top.start_another()


async def test_a_failed_start_leaves_nothing(lab):
    """`FailedToStart`, no spec, no address, nothing counted, no try."""
    async with dynamic(lab, {}) as top:
        lab.fail("w")
        with pytest.raises(FailedToStart):
            await top.start_another()
        await lab.at(100)
        assert await top.states() == {}
        assert list(top.system.cells) == ["top"]
        assert len(top.actor._window) == 0


async def test_a_significant_spec_is_refused(lab):
    """There is no auto_shutdown here."""
    async with dynamic(lab) as top:
        with pytest.raises(InvalidSpec, match="significant"):
            await top.start_child(lab.spec("a", restart="transient", significant=True))


async def test_children_are_terminated_by_ref(lab):
    """That one ends, and is forgotten with its address, whatever its restart type."""
    async with dynamic(lab) as top:
        for restart in ("permanent", "transient", "temporary"):
            ref = await top.start_child(lab.spec("a", restart=restart))
            assert await top.terminate_child(ref) is None
            assert not ref.is_alive()
        assert await top.states() == {}
        assert list(top.system.cells) == ["top"]


@pytest.mark.parametrize("call", ["restart_child", "delete_child"])
async def test_restart_child_and_delete_child_are_errors(lab, call):
    """By ref or by id: there are no stopped children here."""
    async with dynamic(lab, {}) as top:
        ref = await top.start_another()
        for child in (ref, "w-1"):
            with pytest.raises(Unsupported, match=call):
                await getattr(top, call)(child)
        assert await top.states() == {"w-1": "running"}


async def test_terminating_one_that_is_already_gone_succeeds(lab):
    """Whoever it was that ended it: the wish has come true."""
    async with dynamic(lab, {"restart": "temporary"}) as top:
        ended, terminated = await top.start_another(), await top.start_another()
        await top.end("w-1", Exit.NORMAL)
        await top.terminate_child(terminated)
        assert await top.terminate_child(ended) is None
        assert await top.terminate_child(terminated) is None


async def test_a_ref_of_another_supervisors_child_is_not_found_and_that_child_lives_on(lab):
    """Also if its path looks alike, as in another system."""
    async with dynamic(lab, {}) as top, dynamic(lab, {}) as other:
        await top.start_another()
        stranger = await other.start_another()
        assert stranger.path == "top/w-1"
        with pytest.raises(NotFound):
            await top.terminate_child(stranger)
        assert await stranger.ask("alive") == ("w", 1, "alive")
        assert await top.states() == {"w-1": "running"}


@pytest.mark.parametrize("child", ["w-1", "x", None, 3], ids=str)
async def test_what_is_no_ref_names_no_child(lab, child):
    """Also an id, though one may look at it."""
    async with dynamic(lab, {}) as top:
        await top.start_another()
        with pytest.raises(NotFound):
            await top.terminate_child(child)
        assert await top.states() == {"w-1": "running"}


async def test_child_spec_by_ref(lab):
    """The spec has the numbered id, and all defaults."""
    async with dynamic(lab, {"shutdown": 2}) as top:
        ref = await top.start_another()
        spec = await top.child_spec(ref)
        assert (spec.id, spec.shutdown, spec.restart) == ("w-1", 2, "permanent")
        await top.terminate_child(ref)
        with pytest.raises(NotFound):
            await top.child_spec(ref)


async def test_which_children_and_count_children(lab):
    """As on a static supervisor: newest first."""
    async with dynamic(lab, {}, backoff=SLOW) as top:
        refs = [await top.start_another() for _ in range(3)]
        await top.crash("w-2")
        seen = [(info.id, info.ref, info.state) for info in await top.which_children()]
        assert seen == [
            ("w-3", refs[2], "running"),
            ("w-2", refs[1], "restarting"),
            ("w-1", refs[0], "running"),
        ]
        assert await top.count_children() == Counts(specs=3, active=2, supervisors=0, workers=3)


async def test_each_child_is_restarted_for_itself(lab):
    """one_for_one, behind the same ref."""
    async with dynamic(lab, {}) as top:
        refs = [await top.start_another() for _ in range(3)]
        lab.forget()
        await top.crash("w-2")
        assert lab.trace == ["-w-21", "+w-22"]
        assert await refs[1].ask("who") == ("w", 2, "who")


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_child_that_is_not_restarted_is_dropped(lab, restart):
    """Nobody could name its spec: there is nothing to keep."""
    async with dynamic(lab, {"restart": restart}) as top:
        ref = await top.start_another()
        await top.end("w-1", Exit.NORMAL)
        assert await top.states() == {}
        assert not ref.is_alive()


async def test_a_failed_restart_is_tried_again(lab):
    """The same as in a static supervisor: the child is `restarting`, each try is an event."""
    async with dynamic(lab, {}, intensity=Intensity(2, 5)) as top:
        await top.start_another()
        lab.fail("w", 1)
        await top.crash("w-1")
        assert await top.states() == {"w-1": "running"}
        lab.fail("w", 1)
        await top.crash("w-1")
        assert not top.ref.is_alive()


async def test_a_start_that_declines_during_a_restart_is_dropped(lab):
    """There is no `stopped` in a dynamic supervisor."""
    async with dynamic(lab, {}) as top:
        ref = await top.start_another()
        lab.decline("w")
        await top.crash("w-1")
        assert await top.states() == {}
        assert not ref.is_alive()


async def test_terminating_a_restarting_child_cancels_its_retry(lab):
    """It is forgotten, and what waited for it becomes dead letters."""
    async with dynamic(lab, {}, backoff=SLOW) as top:
        ref = await top.start_another()
        await top.crash("w-1")
        waiting = ref.ask("late", block=False)
        await top.terminate_child(ref)
        with pytest.raises(ActorStopped):
            await waiting
        await lab.at(50)
        assert await top.states() == {}
        assert [letter.message for letter in top.system.dead_letters] == ["late"]


async def test_giving_up_stops_all_at_once(lab):
    """A dynamic supervisor has no order to stop in."""
    async with dynamic(lab, intensity=Intensity(0, 5)) as top:
        for name in "abc":
            lab.ends[name] = 2
            await top.start_child(lab.spec(name))
        lab.forget()
        await top.crash("a-1")
        await lab.at(10)
        assert lab.times == [(0.0, "-a-11"), (2.0, "-b-21"), (2.0, "-c-31"), (2.0, "-top1")]
        assert lab.reasons["top1"] is Exit.SHUTDOWN


async def test_after_a_restart_of_the_supervisor_its_children_are_gone(lab):
    """Who wants them starts them again; an old ref does not name a new child that has its number."""
    inner = lab.nested("dyn", kind=DynamicSupervisor, spec=DynamicSpec(child=lab.spec("w")))
    async with lab.run(inner) as top:
        old = await top.handle("dyn").start_another()
        await top.kill("dyn")
        assert not old.is_alive()
        assert await top.handle("dyn").which_children() == ()
        new = await top.handle("dyn").start_another()
        assert (new.path, new == old) == (old.path, False)
        await top.handle("dyn").terminate_child(old)
        assert await new.ask("alive") == ("w", 1, "alive")


async def test_max_children_0_is_a_closed_door(lab):
    """Nobody is let in."""
    async with dynamic(lab, {}, max_children=0) as top:
        with pytest.raises(Exception, match="max_children is 0"):
            await top.start_another()


async def test_starts_are_served_one_at_a_time(lab):
    """A slow start holds up the next."""
    lab.starts["w"].extend([3, 2])
    async with dynamic(lab, {}) as top:
        await asyncio.gather(*(_value(top.start_another()) for _ in range(2)))
        assert lab.times == [(3.0, "+w-11"), (5.0, "+w-21")]


async def _value(call):
    return await call
