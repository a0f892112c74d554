"""SUPERVISION.md section 6: which death is restarted. The table, as a function and in a living supervisor."""

from __future__ import annotations

import itertools

import pytest

from treeward.runtime.errors import ActorCrashed, StartFailed
from treeward.runtime.exits import Exit, Shutdown
from treeward.supervisors.errors import NotFound
from treeward.supervisors.restart import is_restarted

REASONS = {
    "normal": Exit.NORMAL,
    "shutdown": Exit.SHUTDOWN,
    "shutdown_detail": Shutdown("moved"),
    "killed": Exit.KILLED,
    "exception": ValueError("wrong"),
    "base_exception": SystemExit(3),
    "crash_of_another": ActorCrashed("top/b", 1, ValueError()),
    "failed_start": StartFailed("top/b", ValueError()),
}
ORDERLY = {"normal", "shutdown", "shutdown_detail"}


def becomes(restart, word):
    """The table of the contract: what becomes of a child that ended so."""
    if restart == "permanent" or (restart == "transient" and word not in ORDERLY):
        return "running"
    return "stopped" if restart == "transient" else "dropped"


TABLE = [
    pytest.param(restart, REASONS[word], becomes(restart, word), id=f"{restart}_{word}")
    for restart, word in itertools.product(("permanent", "transient", "temporary"), REASONS)
]


@pytest.mark.parametrize(("restart", "reason", "then"), TABLE)
def test_is_restarted(restart, reason, then):
    """The decision is a function of restart type and exit reason."""
    assert is_restarted(restart, reason) is (then == "running")


@pytest.mark.parametrize(("restart", "reason", "then"), TABLE)
async def test_a_child_that_ends_itself(lab, restart, reason, then):
    """A child that ends for that reason is restarted, kept as `stopped`, or dropped, as the table says."""
    async with lab.run(lab.spec("a", restart=restart)) as top:
        await top.end("a", reason)
        assert (await top.states()).get("a", "dropped") == then
        assert lab.trace == (["-a1", "+a2"] if then == "running" else ["-a1"])


@pytest.mark.parametrize(
    ("restart", "then"), [("permanent", "running"), ("transient", "running"), ("temporary", "dropped")]
)
async def test_a_child_that_crashes(lab, restart, then):
    """An exception out of a handler is a crash for every restart type."""
    async with lab.run(lab.spec("a", restart=restart)) as top:
        await top.crash("a")
        assert (await top.states()).get("a", "dropped") == then


@pytest.mark.parametrize(
    ("restart", "then"), [("permanent", "running"), ("transient", "running"), ("temporary", "dropped")]
)
async def test_a_child_that_is_killed(lab, restart, then):
    """`killed` is no orderly end, for every restart type."""
    async with lab.run(lab.spec("a", restart=restart)) as top:
        await top.kill("a")
        assert (await top.states()).get("a", "dropped") == then


async def test_spec_kept_means_that_it_can_be_restarted_by_hand(lab):
    """A transient child that has ended normally starts again with `restart_child`."""
    async with lab.run(lab.spec("a", restart="transient")) as top:
        await top.end("a", Exit.NORMAL)
        assert await top.restart_child("a") == top.child("a")
        assert lab.trace == ["-a1", "+a2"]


async def test_spec_dropped_means_that_nothing_is_left_of_it(lab):
    """A temporary child that has ended has neither a spec nor an address."""
    async with lab.run(lab.spec("a", restart="temporary")) as top:
        ref = top.child("a")
        await top.end("a", Exit.NORMAL)
        with pytest.raises(NotFound):
            await top.child_spec("a")
        assert top.child("a") is None
        assert not ref.is_alive()
