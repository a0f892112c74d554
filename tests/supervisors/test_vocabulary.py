"""SUPERVISION.md section 1: what its words mean."""

from __future__ import annotations

import pytest

from treeward.runtime.errors import StartFailed
from treeward.runtime.exits import Exit, Shutdown
from treeward.supervisors.errors import FailedToStart
from treeward.supervisors.snapshot import snapshot
from treeward.supervisors.spec import Backoff, Intensity

SLOW = Backoff(initial=10, jitter="none")


async def test_a_child_spec_has_an_id_a_start_and_what_to_do_about_its_end(lab):
    """A child spec is: id, how to start, restart type, shutdown, type, significant."""
    spec = lab.spec("a", restart="transient", shutdown=2, type="worker", significant=True)
    seen = (spec.id, spec.restart, spec.shutdown, spec.type, spec.significant)
    assert seen == ("a", "transient", 2, "worker", True)
    assert spec.factory.cls.__name__ == "Scripted"


async def test_an_incarnation_is_one_life_and_a_restart_makes_a_new_one_behind_the_same_ref(lab):
    """The ref is the same object before and after; what answers behind it is another life."""
    async with lab.run(lab.spec("a")) as top:
        ref = top.child("a")
        first = ref._cell.actor
        await top.crash("a")
        assert top.child("a") is ref
        assert ref._cell.actor is not first
        assert await ref.ask("hello") == ("a", 2, "hello")


async def test_incarnations_count_one_two_three(lab):
    """Treeward keeps the ref, and counts incarnations from 1."""
    async with lab.run(lab.spec("a")) as top:
        seen = [await top.child("a").ask("who")]
        for _ in range(2):
            await top.crash("a")
            seen.append(await top.child("a").ask("who"))
        assert [incarnation for _, incarnation, _ in seen] == [1, 2, 3]


async def test_incarnations_are_compared_where_otp_compares_pids(lab):
    """A `Down` of a life that has been replaced meanwhile says nothing about the present one."""
    async with lab.run(*lab.specs("a b"), strategy="one_for_all") as top:
        top.child("a").tell(lab.Boom("a"))
        top.child("b").tell(lab.Boom("b"))
        await lab.quiet()
        assert lab.trace == ["-a1", "-b1", "+a2", "+b2"]


async def test_a_ref_survives_restarts_and_keeps_the_mailbox(lab):
    """What waits when a life ends is handled by the next, in order."""
    async with lab.run(lab.spec("a")) as top:
        for message in (1, lab.Boom(), 2, 3):
            top.child("a").tell(message)
        await lab.quiet()
        assert lab.got == [("a", 1, 1), ("a", 2, 2), ("a", 2, 3)]


async def test_state_running(lab):
    """A child that has started is `running`."""
    async with lab.run(lab.spec("a")) as top:
        assert await top.states() == {"a": "running"}


async def test_state_starting(lab):
    """While its `on_start` is under way, a child is `starting`."""
    lab.starts["a"].append(5)
    async with lab.run(lab.spec("a")) as top:
        assert snapshot(top.ref._cell).find("top/a").state == "starting"
        await lab.at(5.5)
        assert snapshot(top.ref._cell).find("top/a").state == "running"


async def test_state_restarting_when_a_start_failed(lab):
    """A child whose start failed during a restart is `restarting` until it is tried again."""
    lab.starts["a"].append(None)
    lab.fail("a")
    async with lab.run(lab.spec("a"), backoff=SLOW) as top:
        await top.crash("a")
        await lab.at(10.5)
        assert lab.trace == ["-a1", "-a2"]
        assert await top.states() == {"a": "restarting"}


async def test_state_restarting_while_backing_off(lab):
    """A child that waits for the end of its backoff is `restarting`."""
    async with lab.run(lab.spec("a"), backoff=SLOW) as top:
        await top.crash("a")
        assert await top.states() == {"a": "restarting"}


async def test_state_stopped_when_the_spec_is_kept_and_nothing_runs(lab):
    """A child that was terminated is `stopped`: its spec is kept."""
    async with lab.run(lab.spec("a")) as top:
        await top.terminate_child("a")
        assert await top.states() == {"a": "stopped"}
        assert not top.child("a")._cell.alive


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        pytest.param(("stop", Exit.NORMAL), Exit.NORMAL, id="normal"),
        pytest.param(("stop", Exit.SHUTDOWN), Exit.SHUTDOWN, id="shutdown"),
        pytest.param(("stop", Shutdown("done")), Shutdown("done"), id="shutdown_detail"),
    ],
)
async def test_an_exit_reason_is_a_word(lab, how, reason):
    """An orderly end has `normal`, `shutdown` or `Shutdown(detail)` as its reason."""
    async with lab.run(lab.spec("a")) as top:
        await top.send("a", how)
        assert lab.reasons["a1"] == reason


async def test_the_exit_reason_of_a_kill_is_killed(lab):
    """Who is killed has the reason `killed`."""
    async with lab.run(lab.spec("a")) as top:
        await top.kill("a")
        assert lab.reasons["a1"] is Exit.KILLED


async def test_the_exit_reason_of_a_crash_is_the_exception(lab):
    """Who dies of an exception has that very exception as the reason."""
    error = lab.Boom("itself")
    async with lab.run(lab.spec("a")) as top:
        await top.crash("a", error)
        assert lab.reasons["a1"] is error


async def test_an_event_is_one_death_that_needs_a_restart(lab):
    """Two deaths are within an intensity of 2, a third is not; deaths that need no restart do not count."""
    limit = Intensity(2, 5)
    async with lab.run(lab.spec("a"), *lab.specs("b c d", restart="temporary"), intensity=limit) as top:
        for child in "abcda":
            await top.crash(child)
        assert top.ref.is_alive()
        await top.crash("a")
        assert not top.ref.is_alive()


async def test_an_event_is_one_failed_start_during_a_restart(lab):
    """A death and one failed start are two events: the next try would be the third."""
    async with lab.run(lab.spec("a"), intensity=Intensity(2, 5)) as top:
        lab.fail("a", 2)
        await top.crash("a")
        assert not top.ref.is_alive()
        assert lab.trace == ["-a1", "-a2", "-a3", "-top1"]


async def test_the_reason_of_a_failed_start_is_what_stopped_it(lab):
    """`FailedToStart` has the cause itself, not the wrapping that it came in."""
    async with lab.run() as top:
        lab.fail("a")
        with pytest.raises(FailedToStart) as caught:
            await top.start_child(lab.spec("a"))
        assert isinstance(caught.value.cause, lab.Boom)
        assert not isinstance(caught.value.cause, StartFailed)
