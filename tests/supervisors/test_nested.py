"""Supervisors below supervisors: escalation, and who restarts whom."""

from __future__ import annotations

import pytest

from treeward.runtime.exits import Exit
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.requests import GaveUp
from treeward.supervisors.spec import Backoff, Intensity, SupervisorSpec

ONE = Intensity(1, 5)


async def test_a_crash_is_mended_by_the_nearest_supervisor(lab):
    """Nobody above it notices."""
    async with lab.run(lab.nested("left", *lab.specs("a b")), lab.nested("right", lab.spec("c"))) as top:
        await top.crash("left/a")
        assert lab.trace == ["-a1", "+a2"]
        assert len(top.actor._window) == 0


async def test_what_it_cannot_mend_goes_up(lab):
    """A supervisor that gives up is restarted with all below it; its sibling is not touched."""
    left = lab.nested("left", *lab.specs("a b"), intensity=ONE)
    async with lab.run(left, lab.nested("right", lab.spec("c"))) as top:
        await top.crash("left/a")
        lab.forget()
        await top.crash("left/a")
        assert lab.trace == ["-a2", "-b1", "-left1", "+a3", "+b2", "+left2"]


@pytest.mark.parametrize(
    ("strategy", "trace"),
    [
        ("one_for_one", "-a1 -left1 +a2 +left2"),
        ("rest_for_one", "-a1 -left1 -c1 -right1 +a2 +left2 +c2 +right2"),
        ("one_for_all", "-a1 -left1 -c1 -right1 -x1 +x2 +a2 +left2 +c2 +right2"),
    ],
)
async def test_the_strategy_above_decides_who_is_restarted_with_it(lab, strategy, trace):
    """A supervisor that has ended is a child as any other."""
    left = lab.nested("left", lab.spec("a"), intensity=Intensity(0, 5))
    right = lab.nested("right", lab.spec("c"))
    async with lab.run(lab.spec("x"), left, right, strategy=strategy) as top:
        await top.crash("left/a")
        assert lab.trace == trace.split()


async def test_escalation_to_the_top(lab):
    """A child that never comes up brings down level after level, each by its own limit."""
    inner = lab.nested("s2", lab.spec("a"), intensity=ONE)
    middle = lab.nested("s1", inner, intensity=ONE)
    async with lab.run(middle, intensity=ONE) as top:
        while top.ref.is_alive():
            await top.crash("s1/s2/a")
        gave_up = [event.path for event in lab.seen(GaveUp)]
        assert gave_up.count("top/s1/s2") == 4
        assert gave_up.count("top/s1") == 2
        assert gave_up.count("top") == 1
        assert lab.reasons["top1"] is Exit.SHUTDOWN


@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_a_supervisor_that_gives_up_and_is_not_permanent_stays_down(lab, restart):
    """Its end is orderly; what is below it takes no messages any more."""
    inner = lab.nested("sup", *lab.specs("a b"), intensity=Intensity(0, 5), options={"restart": restart})
    async with lab.run(inner, lab.spec("x")) as top:
        refs = [top.child("sup/a"), top.child("sup/b"), top.child("sup")]
        await top.crash("sup/a")
        assert (await top.states()).get("sup", "dropped") == ("stopped" if restart == "transient" else "dropped")
        assert not any(ref.is_alive() for ref in refs)
        assert len(top.actor._window) == 0


async def test_a_killed_supervisor_is_restarted_with_its_children(lab):
    """`killed` is no orderly end: also a transient one is restarted."""
    inner = lab.nested("sup", *lab.specs("a b"), options={"restart": "transient"})
    async with lab.run(inner) as top:
        await top.kill("sup")
        assert lab.trace == ["-a1", "-b1", "-sup1", "+a2", "+b2", "+sup2"]


async def test_a_supervisor_whose_children_do_not_come_up_is_tried_again(lab):
    """A failed start of a supervisor is a failed start: each try is one event above, and none below."""
    inner = lab.nested("sup", *lab.specs("a b"))
    async with lab.run(inner) as top:
        lab.fail("b", 2)
        await top.kill("sup")
        assert lab.trace[3:] == ["+a2", "-b2", "-a2", "-sup2", "+a3", "-b3", "-a3", "-sup3", "+a4", "+b4", "+sup4"]
        assert len(top.actor._window) == 3
        assert await top.states() == {"sup": "running"}


async def test_a_supervisor_that_is_stopped_and_restarted_by_hand_starts_from_its_spec(lab):
    """Children that were stopped are started again, those that were added are not."""
    async with lab.run(lab.nested("sup", *lab.specs("a b"))) as top:
        sup = top.handle("sup")
        await sup.terminate_child("a")
        await sup.start_child(lab.spec("c"))
        await top.terminate_child("sup")
        await top.restart_child("sup")
        states = {info.id: info.state for info in reversed(await sup.which_children())}
        assert states == {"a": "running", "b": "running"}
        assert top.child("sup/c") is None


async def test_children_of_a_stopped_supervisor_refuse_messages_and_take_them_again_when_it_is_back(lab):
    """What is stopped says so, as far down as it goes."""
    async with lab.run(lab.nested("s1", lab.nested("s2", lab.spec("a")))) as top:
        ref = top.child("s1/s2/a")
        await top.terminate_child("s1")
        assert not ref.is_alive()
        await top.restart_child("s1")
        assert await ref.ask("back") == ("a", 2, "back")


async def test_while_a_supervisor_backs_off_messages_for_those_below_wait(lab):
    """They will be handled: the ref takes them."""
    inner = lab.nested("sup", lab.spec("a"))
    async with lab.run(inner, backoff=Backoff(initial=10, jitter="none")) as top:
        ref = top.child("sup/a")
        await top.kill("sup")
        assert await ref.ask("patience") == ("a", 2, "patience")
        assert lab.now() == 10.0


async def test_windows_are_each_supervisors_own(lab):
    """Events below do not count above, and not beside."""
    nests = [lab.nested(name, lab.spec(f"{name}-a"), intensity=ONE) for name in ("x", "y", "z")]
    async with lab.run(*nests, intensity=Intensity(0, 5)) as top:
        for name in ("x", "y", "z"):
            await top.crash(f"{name}/{name}-a")
        assert top.ref.is_alive()


async def test_a_dynamic_supervisor_below_a_static_one(lab):
    """It gives up as any other, and comes back empty."""
    spec = DynamicSpec(child=lab.spec("w"), intensity=Intensity(0, 5))
    async with lab.run(lab.nested("dyn", kind=DynamicSupervisor, spec=spec)) as top:
        ref = await top.handle("dyn").start_another()
        await top.crash("dyn/w-1")
        assert await top.states() == {"dyn": "running"}
        assert await top.handle("dyn").which_children() == ()
        assert not ref.is_alive()


async def test_a_supervisor_below_a_dynamic_one(lab):
    """A whole subtree can come and go at run time."""
    template = lab.nested("tree", *lab.specs("a b"))
    async with lab.run(kind=DynamicSupervisor, spec=DynamicSpec(child=template)) as top:
        ref = await top.start_another()
        assert await top.child("tree-1/a").ask("hello") == ("a", 1, "hello")
        await top.terminate_child(ref)
        assert list(top.system.cells) == ["top"]


@pytest.mark.parametrize("depth", [50, 400])
@pytest.mark.parametrize("how", ["stop", "kill", "terminate", "give_up", "start_fails"])
async def test_a_tree_may_be_deep(lab, depth, how):
    """Starting, stopping, killing and dropping go through any number of levels, without a recursion's limit."""
    child = lab.spec("a")
    for _ in range(depth):
        child = lab.nested("s", child, intensity=Intensity(0, 5))
    if how == "start_fails":
        lab.fail("a")
    async with lab.system() as system:
        rig = lab.rig(system, SupervisorSpec(children=[child], intensity=Intensity(0, 5)))
        await lab.at(1)
        if how == "kill":
            rig.ref._cell.kill()
        elif how == "terminate":
            await rig.terminate_child("s")
            await rig.delete_child("s")
            await rig.stop()
        elif how == "stop":
            await rig.stop()
        elif how == "give_up":
            system.ref("top" + "/s" * depth + "/a").tell(lab.Boom())
        await lab.at(2)
        assert system.cells == {}
        assert not any(type(reason) is RecursionError for reason in lab.reasons.values())
