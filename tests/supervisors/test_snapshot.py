"""The living tree as frozen data."""

from __future__ import annotations

import dataclasses
import json

import pytest

from treeward.supervisors.dynamic import DynamicSpec, DynamicSupervisor
from treeward.supervisors.pool import Pool, PoolSpec
from treeward.supervisors.snapshot import snapshot
from treeward.supervisors.spec import Backoff


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
