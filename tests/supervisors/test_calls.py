"""SUPERVISION.md section 10: the calls on a static supervisor, and what they answer."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.errors import ActorStopped, AskTimeout
from treeward.runtime.exits import Exit
from treeward.supervisors.errors import (
    AlreadyPresent,
    AlreadyRunning,
    AlreadyStarted,
    FailedToStart,
    InvalidSpec,
    NotFound,
    Restarting,
    SupervisionError,
    Unsupported,
)
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.requests import ChildInfo, Counts, StartChild
from treeward.supervisors.spec import Backoff, ChildSpec

SLOW = Backoff(initial=10, jitter="none")


async def bring(lab, top, child, state):
    """Brings a running child into a state."""
    if state == "stopped":
        await top.terminate_child(child)
    elif state == "restarting":
        await top.crash(child)
    lab.forget()
    assert (await top.states())[child] == state


# --- start_child ------------------------------------------------------------------------------------


async def test_start_child_returns_the_ref_of_a_child_that_has_started(lab):
    """When the call returns, `on_start` has."""
    lab.starts["a"].append(3)
    async with lab.run() as top:
        ref = await top.start_child(lab.spec("a"))
        assert ref is top.child("a")
        assert lab.times == [(3.0, "+a1")]


async def test_start_child_appends_the_child_as_the_newest(lab):
    """It is the last in the order of starts, and the first in that of ends."""
    async with lab.run(*lab.specs("b c")) as top:
        await top.start_child(lab.spec("a"))
        assert list(await top.states()) == ["b", "c", "a"]
        lab.forget()
        await top.stop()
        assert lab.trace == ["-a1", "-c1", "-b1", "-top1"]


async def test_start_child_of_a_running_id_is_already_started(lab):
    """The error has the ref of the one that runs; the new spec is not taken."""
    async with lab.run(lab.spec("a")) as top:
        with pytest.raises(AlreadyStarted, match="runs already") as caught:
            await top.start_child(lab.spec("a", shutdown=99))
        assert caught.value.ref is top.child("a")
        assert (await top.child_spec("a")).shutdown == 5.0


@pytest.mark.parametrize("state", ["stopped", "restarting"])
async def test_start_child_of_an_id_that_does_not_run_is_already_present(lab, state):
    """The error has the state; nothing is started."""
    async with lab.run(lab.spec("a"), backoff=SLOW) as top:
        await bring(lab, top, "a", state)
        with pytest.raises(AlreadyPresent, match=state) as caught:
            await top.start_child(lab.spec("a"))
        assert caught.value.state == state
        assert lab.trace == []


async def test_start_child_that_fails_drops_the_spec(lab):
    """`FailedToStart` has the cause; there is no child of that id afterwards, and no address."""
    async with lab.run() as top:
        lab.fail("a")
        with pytest.raises(FailedToStart) as caught:
            await top.start_child(lab.spec("a"))
        assert isinstance(caught.value.cause, lab.Boom)
        assert await top.states() == {}
        assert top.child("a") is None
        assert await top.start_child(lab.spec("a")) is top.child("a")


async def test_start_child_that_fails_is_not_counted_and_not_tried_again(lab):
    """It is no restart."""
    async with lab.run() as top:
        lab.fail("a")
        with pytest.raises(FailedToStart):
            await top.start_child(lab.spec("a"))
        await lab.at(100)
        assert lab.trace == ["-a1"]
        assert len(top.actor._window) == 0


@pytest.mark.parametrize("wrong", [None, "a", {"id": "a"}, 3], ids=str)
async def test_start_child_of_what_is_no_spec_is_an_error(lab, wrong):
    """The supervisor says so, and lives on."""
    async with lab.run(lab.spec("b")) as top:
        with pytest.raises(InvalidSpec, match="expected a ChildSpec"):
            await top.start_child(wrong)
        assert lab.trace == []


# --- terminate_child --------------------------------------------------------------------------------


@pytest.mark.parametrize(("restart", "left"), [("permanent", ["a"]), ("transient", ["a"]), ("temporary", [])])
async def test_terminate_child_keeps_the_spec_unless_temporary(lab, restart, left):
    """It returns nothing once the child has ended."""
    async with lab.run(lab.spec("a", restart=restart)) as top:
        assert await top.terminate_child("a") is None
        assert lab.trace == ["-a1"]
        assert list(await top.states()) == left


async def test_a_terminated_child_refuses_new_messages(lab):
    """Nothing will handle them: who sends learns it at once."""
    async with lab.run(lab.spec("a")) as top:
        await top.terminate_child("a")
        with pytest.raises(ActorStopped):
            top.child("a").tell("hello")
        with pytest.raises(ActorStopped):
            await top.child("a").ask("hello")


async def test_a_terminated_child_keeps_what_waited_for_a_later_restart_child(lab):
    """Messages are lost only with the child itself."""
    async with lab.run(lab.spec("a")) as top:
        top.child("a").tell(("wait", 1))
        waiting = top.child("a").ask("patience", block=False)
        await top.terminate_child("a")
        await lab.at(100)
        assert not waiting.done()
        await top.restart_child("a")
        assert await waiting == ("a", 2, "patience")


# --- restart_child ----------------------------------------------------------------------------------


async def test_restart_child_starts_a_stopped_child_and_returns_its_ref(lab):
    """The next incarnation runs behind the same ref."""
    async with lab.run(lab.spec("a")) as top:
        await top.terminate_child("a")
        assert await top.restart_child("a") is top.child("a")
        assert await top.child("a").ask("who") == ("a", 2, "who")


@pytest.mark.parametrize(("state", "error"), [("running", AlreadyRunning), ("restarting", Restarting)])
async def test_restart_child_only_from_stopped(lab, state, error):
    """A child that runs, or that waits for its start, is refused."""
    async with lab.run(lab.spec("a"), backoff=SLOW) as top:
        await bring(lab, top, "a", state)
        with pytest.raises(error, match="terminate_child"):
            await top.restart_child("a")
        assert lab.trace == []


async def test_restart_child_is_not_counted(lab):
    """Any number of restarts by hand leave the window empty."""
    async with lab.run(lab.spec("a")) as top:
        for _ in range(10):
            await top.terminate_child("a")
            await top.restart_child("a")
        assert len(top.actor._window) == 0


async def test_restart_child_that_fails_keeps_the_spec_and_is_not_tried_again(lab):
    """`FailedToStart`; the child is `stopped` as before, and takes no messages."""
    async with lab.run(lab.spec("a")) as top:
        await top.terminate_child("a")
        lab.fail("a")
        with pytest.raises(FailedToStart):
            await top.restart_child("a")
        await lab.at(100)
        assert lab.trace == ["-a1", "-a2"]
        assert await top.states() == {"a": "stopped"}
        assert len(top.actor._window) == 0
        with pytest.raises(ActorStopped):
            top.child("a").tell("hello")


# --- delete_child -----------------------------------------------------------------------------------


async def test_delete_child_forgets_a_stopped_child(lab):
    """Spec and address are gone; the id is free."""
    async with lab.run(lab.spec("a")) as top:
        old = top.child("a")
        await top.terminate_child("a")
        assert await top.delete_child("a") is None
        assert await top.states() == {}
        new = await top.start_child(lab.spec("a"))
        assert new != old
        assert await new.ask("who") == ("a", 1, "who")
        assert not old.is_alive()


@pytest.mark.parametrize(("state", "error"), [("running", AlreadyRunning), ("restarting", Restarting)])
async def test_delete_child_only_from_stopped(lab, state, error):
    """A child that runs, or that waits for its start, is refused, and stays."""
    async with lab.run(lab.spec("a"), backoff=SLOW) as top:
        await bring(lab, top, "a", state)
        with pytest.raises(error):
            await top.delete_child("a")
        assert await top.states() == {"a": state}


async def test_news_of_an_earlier_child_of_the_same_id_is_ignored(lab):
    """A temporary child is terminated and started anew in one go: the old one's end is not the new one's."""
    async with lab.run(lab.spec("a", restart="temporary")) as top:
        results = await asyncio.gather(
            _value(top.terminate_child("a")), _value(top.start_child(lab.spec("a", restart="temporary")))
        )
        await lab.quiet()
        assert await top.states() == {"a": "running"}
        assert await results[1].ask("who") == ("a", 1, "who")


async def _value(call):
    return await call


# --- the calls that only look -----------------------------------------------------------------------


async def test_which_children_newest_first_with_id_ref_state_and_type(lab):
    """One line a child; the states are those of section 1."""
    children = [lab.spec("a"), lab.nested("sup"), lab.spec("b"), lab.spec("c", restart="transient")]
    async with lab.run(*children, backoff=SLOW) as top:
        await top.crash("b")
        await top.end("c", Exit.NORMAL)
        assert await top.which_children() == (
            ChildInfo("c", top.child("c"), "stopped", "worker"),
            ChildInfo("b", top.child("b"), "restarting", "worker"),
            ChildInfo("sup", top.child("sup"), "running", "supervisor"),
            ChildInfo("a", top.child("a"), "running", "worker"),
        )


async def test_count_children_counts_specs_active_supervisors_and_workers(lab):
    """Supervisors and workers are counted by their specs, whether they run or not."""
    children = [lab.spec("a"), lab.nested("sup"), lab.nested("other"), lab.spec("b"), lab.spec("c")]
    async with lab.run(*children, backoff=SLOW) as top:
        assert await top.count_children() == Counts(specs=5, active=5, supervisors=2, workers=3)
        await top.terminate_child("other")
        await top.crash("b")
        assert await top.count_children() == Counts(specs=5, active=3, supervisors=2, workers=3)


async def test_count_children_does_not_count_the_dead_as_active(lab):
    """Also if the supervisor has not come to the news of the death yet."""
    async with lab.run(lab.spec("a"), lab.spec("b")) as top:
        counted = top.count_children()
        top.child("a")._cell.kill()
        assert (await counted).active == 1


async def test_child_spec_has_the_defaults_filled_in(lab):
    """The full spec, as the supervisor goes by it."""
    start = lab.spec("a").factory
    async with lab.run(ChildSpec(id="a", start=start), lab.nested("sup")) as top:
        spec = await top.child_spec("a")
        assert (spec.restart, spec.shutdown, spec.type, spec.significant) == ("permanent", 5.0, "worker", False)
        assert (spec.start_timeout, spec.dispatcher, spec.factory) == ("infinity", "loop", start)
        assert (await top.child_spec("sup")).shutdown == "infinity"


# --- errors -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", ["terminate_child", "restart_child", "delete_child", "child_spec"])
@pytest.mark.parametrize("child", ["x", "", None, 3], ids=str)
async def test_an_unknown_child_is_not_found(lab, call, child):
    """The error says which children there are."""
    async with lab.run(*lab.specs("a b")) as top:
        with pytest.raises(NotFound, match="the children are: a, b") as caught:
            await getattr(top, call)(child)
        assert caught.value.known == ("a", "b")


async def test_not_found_among_many_names_some(lab):
    """A message is for people: it does not list ten thousand names."""
    async with lab.run(*lab.specs(" ".join(f"c{n}" for n in range(30)))) as top:
        with pytest.raises(NotFound, match=r"c0, .* c9 and 20 more"):
            await top.child_spec("x")


@pytest.mark.parametrize("child", ["nest/a", "sup"])
async def test_a_path_is_no_id(lab, child):
    """Only direct children have names here."""
    async with lab.run(lab.nested("nest", lab.spec("a"))) as top:
        with pytest.raises(NotFound):
            await top.terminate_child(child)


async def test_every_error_is_a_supervision_error_with_the_child(lab):
    """One base for all of them; each carries the id that it is about."""
    async with lab.run(lab.spec("a")) as top:
        for call in (top.start_child(lab.spec("a")), top.restart_child("a"), top.delete_child("a")):
            with pytest.raises(SupervisionError) as caught:
                await call
            assert caught.value.child == "a"


async def test_an_error_is_an_answer_and_no_crash(lab):
    """The supervisor goes on as before."""
    async with lab.run(lab.spec("a")) as top:
        for _ in range(10):
            with pytest.raises(SupervisionError):
                await top.restart_child("a")
        assert top.ref.incarnation == 1
        assert lab.trace == []


async def test_what_only_other_kinds_can_is_unsupported(lab):
    """`start_another` and `resize` name the supervisor that has them."""
    async with lab.run() as top:
        with pytest.raises(Unsupported, match="start_another"):
            await top.start_another()
        with pytest.raises(Unsupported, match="resize"):
            await top.resize(3)


async def test_what_is_no_request_becomes_a_dead_letter(lab):
    """A supervisor handles nothing else, and survives it."""
    async with lab.run(lab.spec("a")) as top:
        top.ref.tell("hello")
        assert await top.ref.ask({"any": "thing"}) is None
        reasons = [(letter.recipient, letter.reason) for letter in top.system.dead_letters]
        assert reasons == [("top", "not handled")] * 2
        assert lab.trace == []


# --- one at a time ----------------------------------------------------------------------------------


async def test_the_supervisor_serves_one_call_at_a_time(lab):
    """Calls are answered in the order in which they came."""
    lab.starts["a"].append(3)
    lab.starts["b"].append(2)
    async with lab.run() as top:
        order = []

        async def call(name, reply):
            await reply
            order.append((lab.now(), name))

        await asyncio.gather(
            call("a", top.start_child(lab.spec("a"))),
            call("b", top.start_child(lab.spec("b"))),
            call("which", top.which_children()),
        )
        assert order == [(3.0, "a"), (5.0, "b"), (5.0, "which")]


@pytest.mark.parametrize("busy", ["starts", "stops"])
async def test_it_blocks_while_it_starts_or_stops_a_child(lab, busy):
    """Who calls meanwhile waits, and a death meanwhile is answered afterwards."""
    lab.ends["b"] = 4
    async with lab.run(*lab.specs("a b")) as top:
        lab.starts["c"].append(4)
        first = top.start_child(lab.spec("c")) if busy == "starts" else top.terminate_child("b")
        await lab.at(1)
        await top.crash("a")
        assert lab.times == [(1.0, "-a1")]
        await top.count_children()
        assert lab.now() == 4.0
        await first
        await lab.quiet()
        assert lab.times[-1] == (4.0, "+a2")


async def test_a_call_with_a_timeout_gives_up_and_what_was_not_begun_is_not_done(lab):
    """A call whose deadline has passed before the supervisor came to it is skipped."""
    lab.starts["a"].append(10)
    async with lab.run() as top:
        started = top.start_child(lab.spec("a"))
        with pytest.raises(AskTimeout):
            await SupervisorHandle(top.ref, timeout=2).start_child(lab.spec("b"))
        assert lab.now() == 2.0
        await started
        await lab.quiet()
        assert await top.states() == {"a": "running"}


async def test_a_call_on_a_supervisor_that_has_ended_is_an_error(lab):
    """There is nobody to answer."""
    async with lab.run(lab.spec("a")) as top:
        await top.stop()
        with pytest.raises(ActorStopped):
            await top.which_children()


async def test_calls_overtake_ordinary_messages(lab):
    """A flood of messages for the supervisor does not hold its calls up."""
    async with lab.run() as top:
        for number in range(1000):
            top.ref.tell(number)
        assert await top.which_children() == ()
        assert len(top.system.dead_letters) < 1000
        await lab.quiet()


async def test_a_call_is_a_message_that_anyone_can_send(lab):
    """The handle is a convenience: the requests are typed messages."""
    async with lab.run() as top:
        assert await top.ref.ask(StartChild(lab.spec("a"))) is top.child("a")


@pytest.mark.realtime
async def test_calls_block_in_a_plain_thread(lab):
    """The same methods return their values there, and raise their errors."""

    def in_a_thread(top):
        ref = top.start_child(lab.spec("a"))
        with pytest.raises(AlreadyStarted):
            top.start_child(lab.spec("a"))
        top.terminate_child("a")
        return ref, top.which_children(), top.stop(), top.stop()

    async with lab.run() as top:
        ref, children, stopped, again = await asyncio.to_thread(in_a_thread, top)
        assert children == (ChildInfo("a", ref, "stopped", "worker"),)
        assert (stopped, again) == (True, False)


async def test_the_exit_of_an_actor_that_linked_itself_is_no_business_of_a_supervisor(lab):
    """A supervisor traps exits, as OTP's does: a stranger's crash does not take the tree along."""
    async with lab.run(lab.spec("a")) as top:

        class Stranger(Actor):
            def on_receive(self, message):
                self.link(top.ref)
                raise lab.Boom

        top.system.spawn(Stranger).tell("link and die")
        await lab.quiet()
        assert await top.states() == {"a": "running"}
        assert "-a1" not in lab.trace
