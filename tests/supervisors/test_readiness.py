"""Whether a tree lives, and whether it takes work."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from treeward.supervisors.breakers.breaker import BreakerView
from treeward.supervisors.readiness import Health, health_of
from treeward.supervisors.snapshot import Snapshot, snapshot


def actor(path, *children, ready=True, **changes):
    values = {
        "path": path,
        "kind": "Clerk",
        "type": "supervisor" if children else "worker",
        "state": "running",
        "incarnation": 1,
        "mailbox": 0,
        "busy": False,
        "abandoned": 0,
        "last_end": None,
        "ready": ready,
        "children": children,
    }
    return Snapshot(**(values | changes))


def office(clerk=None, **root):
    """An office with a front desk and a clerk; if the clerk is not ready, the office as a whole is not."""
    its = {"ready": False, **clerk} if clerk is not None else {}
    whole = {"ready": clerk is None} | root
    return actor("office", actor("office/front"), actor("office/clerk", **its), **whole)


def breaker(state):
    return BreakerView("office/clerk", state, 5, 9, 3, 0, 4.0, 30.0, 1)


FRONT, CLERK = "office/front", "office/clerk"


@pytest.mark.parametrize(
    ("tree", "entry", "live", "ready", "why"),
    [
        pytest.param(office(), None, True, True, {}, id="all well"),
        pytest.param(office(), FRONT, True, True, {}, id="all well, by the entry"),
        pytest.param(
            office({"state": "restarting", "last_end": "Boom: no"}),
            None,
            True,
            False,
            {CLERK: "restarting after Boom: no"},
            id="one restarts",
        ),
        pytest.param(
            office({"state": "restarting", "last_end": "Boom: no"}),
            FRONT,
            True,
            True,
            {CLERK: "restarting after Boom: no"},
            id="one restarts that is not the entry",
        ),
        pytest.param(
            office({"state": "restarting"}), CLERK, True, False, {CLERK: "restarting"}, id="the entry's start failed"
        ),
        pytest.param(office({"state": "starting"}), CLERK, True, False, {CLERK: "starting"}, id="the entry starts"),
        pytest.param(
            office({"health": "too slow"}), CLERK, True, False, {CLERK: "unhealthy: too slow"}, id="unhealthy"
        ),
        pytest.param(
            office({"breaker": breaker("open")}), CLERK, True, False, {CLERK: "its circuit breaker is open"}, id="open"
        ),
        pytest.param(
            office({"breaker": breaker("forced_open")}),
            FRONT,
            True,
            True,
            {CLERK: "its circuit breaker is open"},
            id="open by hand, not the entry",
        ),
        pytest.param(office({}), CLERK, True, False, {CLERK: "nothing of it runs"}, id="died a moment ago"),
        pytest.param(office({"state": "stopped"}, ready=True), None, True, True, {}, id="one stopped on purpose"),
        pytest.param(
            office({"state": "stopped"}, ready=True), CLERK, True, False, {CLERK: "stopped"}, id="the entry stopped"
        ),
        pytest.param(
            office(), "office/nobody", True, False, {"office/nobody": "there is no such actor"}, id="no such entry"
        ),
        pytest.param(
            office(state="stopped", ready=False), None, False, False, {"office": "stopped"}, id="the root ended"
        ),
        pytest.param(
            office(state="stopped", ready=False),
            FRONT,
            False,
            False,
            {"office": "stopped"},
            id="the root, by the entry",
        ),
        pytest.param(actor("office"), None, True, True, {}, id="a root alone"),
        pytest.param(
            actor("office", actor(CLERK, ready=False, state="stopped"), ready=False),
            None,
            True,
            False,
            {"office": "nothing of it runs"},
            id="a pool without members",
        ),
    ],
)
def test_the_health_of_a_tree(tree, entry, live, ready, why):
    """It lives while its root runs; it is ready if its entry is, or without an entry, all of it."""
    assert health_of(tree, entry) == Health(live, ready, why)


def test_it_is_plain_data():
    """Ready for JSON, as an answer to whoever asks from outside."""
    health = health_of(office({"state": "starting"}), FRONT)
    assert json.loads(json.dumps(asdict(health))) == {"live": True, "ready": True, "why": {CLERK: "starting"}}


async def test_of_a_tree_that_runs(lab):
    """A crash, a restart, and the end of the root."""
    async with lab.run(*lab.specs("a b"), intensity=lab.MANY) as top:
        held = lab.hold("a")
        assert health_of(snapshot(top.ref._cell)) == Health(live=True, ready=True, why={})
        await top.crash("a", lab.Boom("broken"))
        assert health_of(snapshot(top.ref._cell)) == Health(live=True, ready=False, why={"top/a": "starting"})
        assert health_of(snapshot(top.ref._cell), "top/b").ready
        held.let_go()
        await lab.quiet()
        assert health_of(snapshot(top.ref._cell)).ready
        cell = top.ref._cell
        await top.stop()
        assert health_of(snapshot(cell)) == Health(live=False, ready=False, why={"top": "stopped"})
