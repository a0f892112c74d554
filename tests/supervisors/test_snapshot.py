"""The living tree as frozen data."""

from __future__ import annotations

import dataclasses
import json

import pytest

from treeward.supervisors.breakers.breaker import BreakerView
from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.snapshot import snapshot
from treeward.supervisors.spec import Backoff
from treeward.supervisors.work.guard import GuardView, TaskView
from treeward.supervisors.work.health import HealthSpec, Stats
from treeward.supervisors.work.policy import Work


async def test_it_shows_the_whole_tree_in_start_order(lab):
    """Parents before those below them."""
    children = [
        lab.spec("a"),
        lab.nested("sup", *lab.specs("c b")),
        lab.nested("pool", kind=Pool, spec=PoolSpec(child=lab.spec("w"), size=2)),
        lab.nested("dyn", kind=DynamicSupervisor, spec=DynamicSpec(child=lab.spec("x"))),
    ]
    async with lab.run(*children) as top:
        await top.handle("dyn").start_another()
        seen = [(one.path, one.kind, one.type) for one in snapshot(top.ref._cell).walk()]
        assert seen == [
            ("top", "Supervisor", "supervisor"),
            ("top/a", "Scripted", "worker"),
            ("top/sup", "Supervisor", "supervisor"),
            ("top/sup/c", "Scripted", "worker"),
            ("top/sup/b", "Scripted", "worker"),
            ("top/pool", "Pool", "supervisor"),
            ("top/pool/1", "Scripted", "worker"),
            ("top/pool/2", "Scripted", "worker"),
            ("top/dyn", "DynamicSupervisor", "supervisor"),
            ("top/dyn/x-1", "Scripted", "worker"),
        ]


async def test_it_shows_what_each_child_is_at(lab):
    """State, incarnation, what waits, whether it is busy, and why the last life ended."""
    async with lab.run(*lab.specs("a b c d"), backoff=Backoff(initial=10, jitter="none")) as top:
        await top.send("a", ("wait", 5))
        top.child("a").tell("waits")
        await top.crash("b", lab.Boom("broken"))
        await top.terminate_child("c")
        tree = snapshot(top.ref._cell)
        seen = [(one.state, one.incarnation, one.mailbox, one.busy, one.last_end) for one in tree.children]
        assert seen == [
            ("running", 1, 1, True, None),
            ("restarting", 1, 0, False, "Boom: broken"),
            ("stopped", 1, 0, False, "shutdown"),
            ("running", 1, 0, False, None),
        ]


async def test_it_follows_a_reload_of_the_order(lab):
    """The order of the list is that of the picture."""
    async with lab.run(*lab.specs("a b c")) as top:
        await top.reload(dataclasses.replace(top.actor._spec, children=lab.specs("c x a")))
        assert [one.path for one in snapshot(top.ref._cell).children] == ["top/c", "top/x", "top/a"]


async def test_it_is_frozen_and_does_not_change_later(lab):
    """A picture is a picture."""
    async with lab.run(lab.spec("a")) as top:
        before = snapshot(top.ref._cell)
        await top.crash("a")
        assert before.find("top/a").incarnation == 1
        with pytest.raises(dataclasses.FrozenInstanceError):
            before.state = "stopped"


async def test_it_is_plain_data(lab):
    """Ready for JSON; what is not in the tree is not found."""
    async with lab.run(lab.nested("sup", lab.spec("a"))) as top:
        tree = snapshot(top.ref._cell)
        data = json.loads(json.dumps(tree.as_dict()))
        assert data["children"][0]["children"][0]["path"] == "top/sup/a"
        assert tree.find("top/nobody") is None


# --- what guards it ---------------------------------------------------------------------------------


class Told:
    """A guard that knows what the test says."""

    def __init__(self, age=None, **known):
        self.stats = Stats()
        self.age = age
        self.known = {"breaker": None, "budgets": (), "tasks": (), "quarantined": 0} | known

    def oldest(self, now):
        return self.age

    def silent_for(self, now):
        return None

    def view(self, now):
        return GuardView(**self.known)


def breaker(state):
    return BreakerView("top/a", state, 5, 9, 3, 0, None, 30.0, 1)


def guarded(top, child_id, **known):
    top.child(child_id)._cell.guard = Told(**known)


async def test_a_child_without_a_task_so_far_shows_none(lab):
    """No guard, no breaker, no budgets; and it is ready for its first."""
    async with lab.run(lab.spec("a")) as top:
        one = snapshot(top.ref._cell).find("top/a")
        seen = (one.health, one.ready, one.breaker, one.budgets, one.tasks, one.quarantined)
        assert seen == (None, True, None, (), (), 0)


async def test_it_shows_what_the_guard_remembers(lab):
    """Breaker, tasks in hand and how many are quarantined, as data that JSON has."""
    task = TaskView("t1", "t0", "working", 2, "retry", 3.5, None)
    async with lab.run(lab.spec("a")) as top:
        guarded(top, "a", breaker=breaker("closed"), tasks=(task,), quarantined=4)
        tree = snapshot(top.ref._cell)
        one = tree.find("top/a")
        assert (one.breaker, one.tasks, one.quarantined) == (breaker("closed"), (task,), 4)
        data = json.loads(json.dumps(tree.as_dict(), allow_nan=False))["children"][0]
        assert data["breaker"] == dataclasses.asdict(breaker("closed"))
        assert data["tasks"] == [dataclasses.asdict(task)]


async def test_it_says_why_a_child_is_unhealthy(lab):
    """As the look of its supervisor would find it at that moment."""
    async with lab.run(*lab.specs("a b", work=Work(health=HealthSpec(every=1000.0, age=5.0)))) as top:
        guarded(top, "a", age=7.0)
        guarded(top, "b", age=3.0)
        tree = snapshot(top.ref._cell)
        assert [one.health for one in tree.children] == ["a task has waited for 7 s, the limit is 5 s", None]
        assert [one.ready for one in tree.children] == [False, True]


@pytest.mark.parametrize(
    ("state", "ready"),
    [("closed", True), ("half_open", True), ("forced_closed", True), ("open", False), ("forced_open", False)],
)
async def test_who_has_an_open_breaker_is_not_ready(lab, state, ready):
    """Half-open takes work: somebody has to try."""
    async with lab.run(lab.spec("a")) as top:
        guarded(top, "a", breaker=breaker(state))
        assert snapshot(top.ref._cell).find("top/a").ready is ready


async def test_only_what_runs_is_ready(lab):
    """Not what starts, waits for its restart, is stopped, or has died while its supervisor is held up."""
    async with lab.run(*lab.specs("a b c d e"), backoff=Backoff(initial=10, jitter="none")) as top:
        held = lab.hold("c")
        await top.terminate_child("d")
        await top.crash("c")
        await lab.at(5.0)
        await top.crash("b")
        await lab.at(11.0)
        await top.crash("e")
        states = {one.path: (one.state, one.ready) for one in snapshot(top.ref._cell).children}
        assert states == {
            "top/a": ("running", True),
            "top/b": ("restarting", False),
            "top/c": ("starting", False),
            "top/d": ("stopped", False),
            "top/e": ("running", False),
        }
        held.let_go()


async def test_a_supervisor_is_ready_with_its_children(lab):
    """With all that are not stopped; a pool with one of its members, and one without children by itself."""
    pool = lab.nested("pool", kind=Pool, spec=PoolSpec(child=lab.spec("w"), size=2))
    sup = lab.nested("sup", *lab.specs("a b"))
    dyn = lab.nested("dyn", kind=DynamicSupervisor, spec=DynamicSpec(child=lab.spec("x")))
    async with lab.run(sup, pool, dyn) as top:

        def ready():
            tree = snapshot(top.ref._cell)
            return {one.path: one.ready for one in (tree, *tree.children)}

        assert ready() == {"top": True, "top/sup": True, "top/pool": True, "top/dyn": True}
        await top.handle("sup").terminate_child("b")
        guarded(top, "pool/1", breaker=breaker("open"))
        assert ready() == {"top": True, "top/sup": True, "top/pool": True, "top/dyn": True}
        guarded(top, "sup/a", breaker=breaker("open"))
        assert ready() == {"top": False, "top/sup": False, "top/pool": True, "top/dyn": True}
        guarded(top, "pool/2", breaker=breaker("open"))
        assert ready() == {"top": False, "top/sup": False, "top/pool": False, "top/dyn": True}


async def test_a_tree_may_be_higher_than_the_stack_is_deep(lab):
    """Two thousand levels are pictured, walked, searched and made plain data."""
    spec = lab.spec("leaf")
    for _ in range(2000):
        spec = lab.nested("s", spec)
    async with lab.run(spec) as top:
        await top.count_children()  # it answers once it has started
        tree = snapshot(top.ref._cell)
        paths = [one.path for one in tree.walk()]
        assert len(paths) == 2002
        assert tree.find(paths[-1]).kind == "Scripted"
        data, levels = tree.as_dict(), 1
        while data["children"]:
            (data,) = data["children"]
            levels += 1
        assert (levels, data["path"]) == (2002, paths[-1])
