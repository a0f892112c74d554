"""SUPERVISION.md section 9: significant children, and what their ends do to the supervisor."""

from __future__ import annotations

import pytest

from treeward.runtime.exits import Exit, Shutdown
from treeward.supervisors.errors import FailedToStart, InvalidSpec
from treeward.supervisors.spec import Backoff, SupervisorSpec

WAITS = Backoff(initial=10, jitter="none")


def significant(lab, ids, **options):
    return lab.specs(ids, **{"restart": "transient", "significant": True, **options})


@pytest.mark.parametrize(
    ("auto_shutdown", "ends", "alive"),
    [
        pytest.param("never", "", True, id="never_nobody"),
        pytest.param("never", "n", True, id="never_insignificant"),
        pytest.param("any_significant", "n", True, id="any_insignificant"),
        pytest.param("any_significant", "a", False, id="any_first"),
        pytest.param("any_significant", "b", False, id="any_second"),
        pytest.param("all_significant", "n", True, id="all_insignificant"),
        pytest.param("all_significant", "a", True, id="all_one_of_two"),
        pytest.param("all_significant", "ab", False, id="all_both"),
        pytest.param("all_significant", "ba", False, id="all_both_the_other_way"),
        pytest.param("all_significant", "an", True, id="all_one_and_an_insignificant"),
    ],
)
async def test_auto_shutdown(lab, auto_shutdown, ends, alive):
    """any: the first that ends by itself ends the supervisor; all: the last one does; never: none."""
    marked = significant(lab, "a b") if auto_shutdown != "never" else lab.specs("a b", restart="transient")
    children = [*marked, lab.spec("n", restart="transient")]
    async with lab.run(*children, auto_shutdown=auto_shutdown) as top:
        for child in ends:
            await top.end(child, Exit.NORMAL)
        assert top.ref.is_alive() is alive


@pytest.mark.parametrize("restart", ["transient", "temporary"])
@pytest.mark.parametrize("reason", [Exit.NORMAL, Exit.SHUTDOWN, Shutdown("done")], ids=str)
async def test_an_end_that_will_not_be_restarted_counts(lab, restart, reason):
    """Whatever the orderly reason, and whether the spec is kept or dropped."""
    async with lab.run(*significant(lab, "a", restart=restart), auto_shutdown="any_significant") as top:
        await top.end("a", reason)
        assert not top.ref.is_alive()


async def test_the_crash_of_a_temporary_child_counts(lab):
    """It ends by itself, and will not be restarted."""
    children = significant(lab, "a", restart="temporary")
    async with lab.run(*children, lab.spec("b"), auto_shutdown="any_significant") as top:
        await top.crash("a")
        assert lab.trace == ["-a1", "-b1", "-top1"]


async def test_the_crash_of_a_transient_child_does_not_count(lab):
    """It is restarted: looked at is only what will not be."""
    async with lab.run(*significant(lab, "a"), auto_shutdown="any_significant") as top:
        await top.crash("a")
        assert lab.trace == ["-a1", "+a2"]
        assert top.ref.is_alive()


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
async def test_the_supervisor_exits_with_shutdown(lab, auto_shutdown):
    """Newest first, the other children are stopped before."""
    children = [*significant(lab, "a"), *lab.specs("b c")]
    async with lab.run(*children, auto_shutdown=auto_shutdown) as top:
        await top.end("a", Exit.NORMAL)
        assert lab.trace == ["-a1", "-c1", "-b1", "-top1"]
        assert lab.reasons["top1"] is Exit.SHUTDOWN


async def test_all_significant_looks_at_those_that_are_alive(lab):
    """A significant child that was stopped by hand is not alive: the other's end is that of the last."""
    async with lab.run(*significant(lab, "a b"), auto_shutdown="all_significant") as top:
        await top.terminate_child("a")
        await top.end("b", Exit.NORMAL)
        assert not top.ref.is_alive()


async def test_a_restarting_one_is_alive(lab):
    """A significant child that waits for its next start keeps the supervisor going."""
    async with lab.run(*significant(lab, "a b"), auto_shutdown="all_significant", backoff=WAITS) as top:
        await top.crash("a")
        await top.end("b", Exit.NORMAL)
        assert top.ref.is_alive()
        await lab.at(11)
        await top.end("a", Exit.NORMAL)
        assert not top.ref.is_alive()


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_terminate_child_never_triggers_it(lab, auto_shutdown, restart):
    """What is stopped on purpose has not ended by itself."""
    async with lab.run(*significant(lab, "a", restart=restart), auto_shutdown=auto_shutdown) as top:
        await top.terminate_child("a")
        await lab.quiet()
        assert top.ref.is_alive()


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
@pytest.mark.parametrize("restart", ["transient", "temporary"])
async def test_being_taken_down_with_siblings_never_triggers_it(lab, auto_shutdown, restart):
    """Also if it is temporary, and so dropped for good."""
    children = [lab.spec("a"), *significant(lab, "b", restart=restart)]
    async with lab.run(*children, auto_shutdown=auto_shutdown, strategy="one_for_all") as top:
        await top.crash("a")
        assert top.ref.is_alive()


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
async def test_a_declined_restart_never_triggers_it(lab, auto_shutdown):
    """A significant child that crashes, and then declines to start, is `stopped`, and that is all."""
    async with lab.run(*significant(lab, "a"), auto_shutdown=auto_shutdown) as top:
        lab.decline("a")
        await top.crash("a")
        assert await top.states() == {"a": "stopped"}


@pytest.mark.parametrize("auto_shutdown", ["any_significant", "all_significant"])
async def test_a_declined_or_failed_first_start_never_triggers_it(lab, auto_shutdown):
    """A significant child that never ran has not ended."""
    lab.decline("a")
    async with lab.run(*significant(lab, "a"), auto_shutdown=auto_shutdown) as top:
        lab.fail("b")
        with pytest.raises(FailedToStart):
            await top.start_child(*significant(lab, "b"))
        assert await top.states() == {"a": "stopped"}


async def test_an_auto_shutdown_below_is_an_orderly_end_to_the_parent(lab):
    """A transient supervisor that shut itself down stays down; a permanent one is started again."""
    for restart, trace in (("transient", []), ("permanent", ["+a2", "+sup2"])):
        inner = lab.nested("sup", *significant(lab, "a"), auto_shutdown="any_significant", options={"restart": restart})
        async with lab.run(inner) as top:
            await top.end("sup/a", Exit.NORMAL)
            assert lab.trace == ["-a1", "-sup1", *trace]
        lab.forget()


async def test_a_significant_child_can_be_added_where_it_makes_a_difference(lab):
    """`start_child` looks at the supervisor's auto_shutdown."""
    async with lab.run(auto_shutdown="any_significant") as top:
        await top.start_child(*significant(lab, "a"))
        await top.end("a", Exit.NORMAL)
        assert not top.ref.is_alive()


async def test_a_significant_child_cannot_be_added_where_it_makes_none(lab):
    """It is an error that names the field, and nothing is started."""
    async with lab.run() as top:
        with pytest.raises(InvalidSpec, match="significant of 'a' is True: expected false"):
            await top.start_child(*significant(lab, "a"))
        assert lab.trace == []


async def test_a_supervisor_without_significant_children_never_shuts_itself_down(lab):
    """auto_shutdown alone does nothing, also when all children have ended."""
    spec = SupervisorSpec(children=lab.specs("a", restart="temporary"), auto_shutdown="all_significant")
    async with lab.run(spec=spec) as top:
        await top.end("a", Exit.NORMAL)
        assert top.ref.is_alive()
