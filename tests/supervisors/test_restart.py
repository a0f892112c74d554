"""SUPERVISION.md section 7: what a supervisor does about a death."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.exits import Exit
from treeward.supervisors.errors import Restarting
from treeward.supervisors.requests import ChildRestarting, GaveUp, TryAgain
from treeward.supervisors.spec import Backoff, Intensity

EXACT = Backoff(initial=10, factor=2, max=1000, jitter="none")
GROUPS = ["rest_for_one", "one_for_all"]
STRATEGIES = ["one_for_one", *GROUPS]

# --- 1. counting ------------------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_over_the_limit_the_supervisor_gives_up(lab, strategy):
    """The death that is one too many restarts nobody: the others are stopped, newest first."""
    async with lab.run(*lab.specs("a b c"), strategy=strategy, intensity=Intensity(0, 5)) as top:
        await top.crash("a")
        assert lab.trace == ["-a1", "-c1", "-b1", "-top1"]
        assert lab.reasons["top1"] is Exit.SHUTDOWN
        assert lab.reasons["c1"] is Exit.SHUTDOWN


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_one_death_is_one_event_however_many_siblings_are_restarted_with_it(lab, strategy):
    """Two deaths are two events for an intensity of 2, also if each restarts five."""
    async with lab.run(*lab.specs("a b c d e"), strategy=strategy, intensity=Intensity(2, 5)) as top:
        await top.crash("a")
        await top.crash("a")
        assert len(top.actor._window) == 2
        assert top.ref.is_alive()


async def test_siblings_that_died_meanwhile_are_no_further_events(lab):
    """A group of children that die together, and are restarted together, is one event."""
    async with lab.run(*lab.specs("a b c"), strategy="one_for_all", intensity=Intensity(1, 5)) as top:
        for child in "abc":
            top.child(child).tell(lab.Boom(child))
        await lab.quiet()
        assert await top.states() == dict.fromkeys("abc", "running")
        assert len(top.actor._window) == 1


# --- 2. the three strategies ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("strategy", "dies", "trace"),
    [
        pytest.param("one_for_one", "b", "-b1 +b2", id="one_for_one"),
        pytest.param("rest_for_one", "a", "-a1 -d1 -c1 -b1 +a2 +b2 +c2 +d2", id="rest_for_one_first"),
        pytest.param("rest_for_one", "b", "-b1 -d1 -c1 +b2 +c2 +d2", id="rest_for_one_middle"),
        pytest.param("rest_for_one", "d", "-d1 +d2", id="rest_for_one_last"),
        pytest.param("one_for_all", "a", "-a1 -d1 -c1 -b1 +a2 +b2 +c2 +d2", id="one_for_all_first"),
        pytest.param("one_for_all", "b", "-b1 -d1 -c1 -a1 +a2 +b2 +c2 +d2", id="one_for_all_middle"),
        pytest.param("one_for_all", "d", "-d1 -c1 -b1 -a1 +a2 +b2 +c2 +d2", id="one_for_all_last"),
    ],
)
async def test_strategy(lab, strategy, dies, trace):
    """Who goes down goes newest first, who comes up comes in list order, and nobody else is touched."""
    async with lab.run(*lab.specs("a b c d"), strategy=strategy) as top:
        await top.crash(dies)
        assert lab.trace == trace.split()


@pytest.mark.parametrize("strategy", GROUPS)
async def test_siblings_are_terminated_each_by_its_own_shutdown(lab, strategy):
    """The group comes up when the last of them is down."""
    lab.ends = {"b": 1, "c": 99, "d": 3}
    children = [lab.spec("a"), lab.spec("b"), lab.spec("c", shutdown=2), lab.spec("d")]
    async with lab.run(*children, strategy=strategy) as top:
        await top.crash("a")
        await lab.at(50)
        downs = [(0.0, "-a1"), (3.0, "-d1"), (5.0, "-c1"), (6.0, "-b1")]
        assert lab.times == [*downs, *((6.0, f"+{child}2") for child in "abcd")]


@pytest.mark.parametrize(("strategy", "left"), [("rest_for_one", "a b c"), ("one_for_all", "b c")])
async def test_temporary_siblings_are_dropped_for_good(lab, strategy, left):
    """What is temporary is taken down with its siblings, and does not come back."""
    children = [
        lab.spec("a", restart="temporary"),
        lab.spec("b"),
        lab.spec("t", restart="temporary"),
        lab.spec("c"),
    ]
    async with lab.run(*children, strategy=strategy) as top:
        refs = {child: top.child(child) for child in "at"}
        await top.crash("b")
        assert await top.states() == dict.fromkeys(left.split(), "running")
        assert not refs["t"].is_alive()
        assert refs["a"].is_alive() is (strategy == "rest_for_one")


@pytest.mark.parametrize("strategy", GROUPS)
@pytest.mark.parametrize("how", ["ended_normally", "stopped_by_hand", "declined"])
async def test_every_remaining_spec_in_the_group_is_started_also_one_that_was_stopped(lab, strategy, how):
    """A restart of the group brings back who had ended normally, had declined, or was stopped by hand."""
    if how == "declined":
        lab.decline("b")
    children = [lab.spec("a"), lab.spec("b", restart="transient"), lab.spec("c")]
    async with lab.run(*children, strategy=strategy) as top:
        if how == "ended_normally":
            await top.end("b", Exit.NORMAL)
        elif how == "stopped_by_hand":
            await top.terminate_child("b")
        assert await top.states() == {"a": "running", "b": "stopped", "c": "running"}
        await top.crash("a")
        assert await top.states() == dict.fromkeys("abc", "running")
        assert lab.trace[-3:] == ["+a2", "+b2", "+c2"]


async def test_a_stopped_child_before_the_dead_one_stays_stopped_in_rest_for_one(lab):
    """It is not in the group."""
    async with lab.run(*lab.specs("a b c"), strategy="rest_for_one") as top:
        await top.terminate_child("a")
        await top.crash("b")
        assert await top.states() == {"a": "stopped", "b": "running", "c": "running"}


async def test_children_added_at_run_time_are_the_newest_of_the_group(lab):
    """`start_child` appends: such a child goes down first, and comes up last."""
    async with lab.run(*lab.specs("a b"), strategy="rest_for_one") as top:
        await top.start_child(lab.spec("c"))
        lab.forget()
        await top.crash("a")
        assert lab.trace == ["-a1", "-c1", "-b1", "+a2", "+b2", "+c2"]


# --- 3. starts that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize("strategy", STRATEGIES)
async def test_a_child_whose_start_fails_is_restarting_and_is_tried_again(lab, strategy):
    """Without a backoff, the tries follow each other at once, until one succeeds or the limit is reached."""
    async with lab.run(lab.spec("a"), strategy=strategy) as top:
        lab.fail("a", 2)
        await top.crash("a")
        assert lab.times == [(0.0, "-a1"), (0.0, "-a2"), (0.0, "-a3"), (0.0, "+a4")]
        assert await top.states() == {"a": "running"}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize(("failures", "alive"), [(0, True), (1, True), (2, True), (3, False)])
async def test_each_try_is_one_more_event(lab, strategy, failures, alive):
    """A death and two further tries are three events; the third failure asks for a fourth."""
    async with lab.run(lab.spec("a"), strategy=strategy, intensity=Intensity(3, 5)) as top:
        lab.fail("a", failures)
        await top.crash("a")
        assert top.ref.is_alive() is alive
        if alive:
            assert len(top.actor._window) == 1 + failures


async def test_giving_up_over_a_try_stops_the_others_newest_first(lab):
    """It is the same giving up as over a death; the reason is why the start failed."""
    async with lab.run(*lab.specs("a b c"), intensity=Intensity(1, 5)) as top:
        lab.fail("b", 9)
        await top.crash("b")
        assert lab.trace == ["-b1", "-b2", "-c1", "-a1", "-top1"]
        (event,) = lab.seen(GaveUp)
        assert (event.child, str(event.reason)) == ("b", "start of b")


async def test_try_again_goes_behind_what_is_already_in_the_mailbox(lab):
    """What came before the start failed is served before the next try, and sees a `restarting` child."""
    async with lab.run(lab.spec("a")) as top:
        held = lab.hold("a", lab.Boom())
        await top.crash("a")
        states, refused = await top.queue(top.which_children(), top.restart_child("a"))
        held.let_go()
        assert [info.state for info in await states] == ["restarting"]
        with pytest.raises(Restarting):
            await refused
        await lab.quiet()
        assert await top.states() == {"a": "running"}
        assert lab.trace == ["-a1", "-a2", "+a3"]


async def test_a_terminate_child_that_waits_there_wins(lab):
    """The child is stopped, and not tried again."""
    async with lab.run(lab.spec("a")) as top:
        held = lab.hold("a", lab.Boom())
        await top.crash("a")
        (terminated,) = await top.queue(top.terminate_child("a"))
        held.let_go()
        await terminated
        await lab.quiet()
        assert lab.trace == ["-a1", "-a2"]
        assert await top.states() == {"a": "stopped"}


async def test_a_shutdown_that_waits_there_wins(lab):
    """The supervisor ends, and does not try again; its parent does not wait for tries without end."""
    inner = lab.nested("sup", lab.spec("a"), intensity=lab.MANY)
    async with lab.run(inner) as top:
        held = lab.hold("a", lab.Boom())
        await top.crash("sup/a")
        terminated = asyncio.ensure_future(_value(top.terminate_child("sup")))
        await lab.quiet()
        lab.fail("a", 1000)
        held.let_go()
        await terminated
        assert lab.trace == ["-a1", "-a2", "-sup1"]


async def test_requests_are_served_between_the_tries(lab):
    """A child whose starts fail again and again does not make its supervisor deaf."""
    async with lab.run(lab.spec("a"), lab.spec("b"), intensity=lab.MANY) as top:
        lab.fail("a", 500)
        top.child("a").tell(lab.Boom())
        for _ in range(10):
            await asyncio.sleep(0)
            await top.count_children()
        await top.terminate_child("a")
        assert 400 < len(lab.starts["a"]) < 500


async def _value(call):
    return await call


async def test_with_backoff_the_try_waits_for_its_delay(lab):
    """10 s after the death, 20 s after the first failure, 40 s after the second."""
    async with lab.run(lab.spec("a"), backoff=EXACT) as top:
        lab.fail("a", 2)
        await lab.at(1)
        await top.crash("a")
        await lab.at(100)
        assert lab.times == [(1.0, "-a1"), (11.0, "-a2"), (31.0, "-a3"), (71.0, "+a4")]


async def test_with_backoff_the_state_is_restarting_meanwhile(lab):
    """From the death to the try, and from try to try."""
    async with lab.run(lab.spec("a"), backoff=EXACT) as top:
        lab.fail("a")
        await top.crash("a")
        for when in (5, 15, 25):
            await lab.at(when)
            assert await top.states() == {"a": "restarting"}
        await lab.at(35)
        assert await top.states() == {"a": "running"}


async def test_with_backoff_the_supervisor_goes_on_serving(lab):
    """While one child waits, others are started, ended and restarted, at once."""
    async with lab.run(lab.spec("a"), backoff=EXACT, intensity=lab.MANY) as top:
        await top.crash("a")
        await lab.at(1)
        assert await (await top.start_child(lab.spec("b"))).ask("hello") == ("b", 1, "hello")
        await top.terminate_child("b")
        await top.restart_child("b")
        assert await top.states() == {"a": "restarting", "b": "running"}
        assert lab.now() == 1.0
        await lab.at(2)
        await top.crash("b")
        await lab.at(50)
        assert lab.times[-2:] == [(10.0, "+a2"), (12.0, "+b3")]


async def test_with_backoff_a_waiting_childs_messages_wait_too(lab):
    """Who sends to a child that is backing off is answered by the next incarnation."""
    async with lab.run(lab.spec("a"), backoff=EXACT) as top:
        await top.crash("a")
        assert await top.child("a").ask("patience") == ("a", 2, "patience")
        assert lab.now() == 10.0


async def test_a_supervisor_that_ends_forgets_its_pending_tries(lab):
    """Nothing is started after the end."""
    async with lab.run(lab.spec("a"), backoff=EXACT) as top:
        await top.crash("a")
        await top.stop()
        assert asyncio.get_running_loop().timers() == ()
        await lab.at(100)
        assert lab.trace == ["-a1", "-top1"]


async def test_a_killed_supervisor_forgets_its_pending_tries(lab):
    """Also when it is restarted: its next incarnation has nothing to do with them."""
    inner = lab.nested("sup", lab.spec("a"), backoff=EXACT)
    async with lab.run(inner) as top:
        await top.crash("sup/a")
        await lab.at(5)
        await top.kill("sup")
        await lab.at(100)
        assert lab.times == [(0.0, "-a1"), (5.0, "-sup1"), (5.0, "+a2"), (5.0, "+sup2")]


async def test_a_try_of_a_supervisors_last_life_means_nothing_to_the_next(lab):
    """Also if the same child waits for its start again: it waits for its own time."""
    inner = lab.nested("sup", lab.spec("a"), backoff=EXACT)
    async with lab.run(inner) as top:
        await top.crash("sup/a")  # to be tried at 10
        await lab.at(5)
        await top.kill("sup")
        await lab.at(6)
        await top.crash("sup/a")  # to be tried at 16
        await lab.at(50)
        assert lab.times[-2:] == [(6.0, "-a2"), (16.0, "+a3")]


async def test_rest_for_one_tries_again_from_the_child_that_failed(lab):
    """Those already up stay up, those after it wait for their turn."""
    async with lab.run(*lab.specs("a b c d"), strategy="rest_for_one") as top:
        lab.fail("c")
        await top.crash("b")
        assert lab.trace == ["-b1", "-d1", "-c1", "+b2", "-c2", "+c3", "+d2"]
        assert await top.states() == dict.fromkeys("abcd", "running")


async def test_rest_for_one_with_backoff_waits_with_those_before_it_up(lab):
    """While the failed child is `restarting`, those after it are `stopped`."""
    async with lab.run(*lab.specs("a b c d"), strategy="rest_for_one", backoff=EXACT) as top:
        lab.fail("c")
        await top.crash("b")
        await lab.at(15)
        assert await top.states() == {"a": "running", "b": "running", "c": "restarting", "d": "stopped"}
        await lab.at(25)
        assert lab.times == [
            *((0.0, entry) for entry in ("-b1", "-d1", "-c1")),
            (10.0, "+b2"),
            (10.0, "-c2"),
            (20.0, "+c3"),
            (20.0, "+d2"),
        ]


async def test_one_for_all_tears_down_and_starts_all_again(lab):
    """Each try begins from nothing."""
    async with lab.run(*lab.specs("a b c"), strategy="one_for_all") as top:
        lab.fail("b")
        await top.crash("c")
        assert lab.trace == ["-c1", "-b1", "-a1", "+a2", "-b2", "-a2", "+a3", "+b3", "+c2"]
        assert await top.states() == dict.fromkeys("abc", "running")


async def test_one_for_all_with_backoff_waits_with_those_before_it_up(lab):
    """The tearing down is part of the next try."""
    async with lab.run(*lab.specs("a b c"), strategy="one_for_all", backoff=EXACT) as top:
        lab.fail("b")
        await top.crash("c")
        await lab.at(15)
        assert await top.states() == {"a": "running", "b": "restarting", "c": "stopped"}
        await lab.at(25)
        assert [entry for when, entry in lab.times if when == 20.0] == ["-a2", "+a3", "+b3", "+c2"]


@pytest.mark.parametrize("strategy", GROUPS)
async def test_a_temporary_child_in_a_try_is_not_brought_back(lab, strategy):
    """Dropped with the first taking down, also when the group needs several tries."""
    children = [lab.spec("a"), lab.spec("b"), lab.spec("t", restart="temporary")]
    async with lab.run(*children, strategy=strategy) as top:
        lab.fail("b")
        await top.crash("a")
        assert await top.states() == {"a": "running", "b": "running"}
        assert lab.trace.count("-t1") == 1


@pytest.mark.parametrize("strategy", GROUPS)
async def test_a_sibling_that_was_started_by_hand_while_the_group_waited_stays_up(lab, strategy):
    """The try starts whom it finds down, and leaves the others alone."""
    async with lab.run(*lab.specs("a b c"), strategy=strategy, backoff=EXACT) as top:
        await top.crash("a")
        await lab.at(5)
        await top.restart_child("b")
        await lab.at(15)
        assert lab.times[3:] == [(5.0, "+b2"), (10.0, "+a2"), (10.0, "+c2")]


async def test_a_sibling_that_dies_while_the_group_waits_for_a_try_is_restarted_with_it(lab):
    """one_for_all: its death is an event, and the group's next try is that of its restart."""
    async with lab.run(*lab.specs("a b c"), strategy="one_for_all", backoff=EXACT) as top:
        lab.fail("b")
        await top.crash("c")  # at 10 a comes up, b fails
        await lab.at(12)
        await top.crash("a")
        assert await top.states() == {"a": "restarting", "b": "stopped", "c": "stopped"}
        await lab.at(100)
        assert await top.states() == dict.fromkeys("abc", "running")
        assert [entry for when, entry in lab.times if when > 12] == ["+a3", "+b3", "+c2"]


async def test_a_try_again_for_a_child_that_is_no_longer_restarting_is_ignored(lab):
    """Stopped by hand, started by hand, dropped, or restarting anew: the old note means nothing."""
    async with lab.run(*lab.specs("a b c"), backoff=EXACT, intensity=lab.MANY) as top:
        for child in "abc":
            await top.crash(child)
        notes = {child: TryAgain(child, top.actor._children.get(child).ticket, True) for child in "abc"}
        await top.terminate_child("a")
        await top.restart_child("a")
        await top.terminate_child("b")
        await top.terminate_child("c")
        await top.delete_child("c")
        lab.forget()
        for note in notes.values():
            top.ref._cell.signal(note)
        await lab.at(9)
        assert lab.trace == []
        assert await top.states() == {"a": "running", "b": "stopped"}
        await lab.at(50)
        assert lab.trace == []


async def test_a_try_of_an_earlier_row_is_ignored(lab):
    """A child that is `restarting` again waits for its own time, not for that of a cancelled try."""
    async with lab.run(lab.spec("a"), backoff=EXACT, intensity=lab.MANY) as top:
        await top.crash("a")  # to be tried at 10
        note = TryAgain("a", top.actor._children.get("a").ticket, True)
        await lab.at(5)
        await top.terminate_child("a")
        await top.restart_child("a")
        await top.crash("a")  # to be tried 20 s later
        top.ref._cell.signal(note)  # as if it had waited in the mailbox since the time was up
        await lab.at(50)
        assert lab.times == [(0.0, "-a1"), (5.0, "+a2"), (5.0, "-a2"), (25.0, "+a3")]


@pytest.mark.parametrize("strategy", GROUPS)
async def test_siblings_of_a_restarting_child_that_is_terminated_stay_down_and_say_so(lab, strategy):
    """Nothing will start them any more: who sends to them learns it at once, as with any stopped child."""
    async with lab.run(*lab.specs("a b"), strategy=strategy, backoff=EXACT) as top:
        await top.crash("a")
        assert top.child("b").is_alive()
        await top.terminate_child("a")
        assert await top.states() == {"a": "stopped", "b": "stopped"}
        assert not top.child("b").is_alive()
        await top.restart_child("b")
        assert await top.child("b").ask("back") == ("b", 2, "back")


async def test_a_restart_is_reported(lab):
    """The event has the reason, the wait, and who is restarted along."""
    error = lab.Boom("why")
    async with lab.run(*lab.specs("a b c"), strategy="rest_for_one", backoff=EXACT) as top:
        lab.fail("b")
        await top.crash("b", error)
        await lab.at(50)
        first, second = lab.seen(ChildRestarting)
        assert (first.path, first.incarnation, first.reason) == ("top/b", 1, error)
        assert (first.delay, first.group) == (10, ("b", "c"))
        assert (second.path, second.incarnation, str(second.reason)) == ("top/b", 2, "start of b")
        assert (second.delay, second.group) == (20, ("b", "c"))


async def test_start_timeout_holds_for_restarts_too(lab):
    """A restart that takes too long has failed, and is tried again."""
    async with lab.run(lab.spec("a", start_timeout=3)) as top:
        lab.starts["a"].append(60)
        await top.crash("a")
        await lab.at(10)
        assert lab.times == [(0.0, "-a1"), (3.0, "-a2"), (3.0, "+a3")]


# --- 4. starts that decline -------------------------------------------------------------------------


async def test_a_start_that_declines_during_a_restart_is_kept_as_stopped(lab):
    """It is not tried again, and no event."""
    async with lab.run(lab.spec("a"), intensity=Intensity(1, 5)) as top:
        lab.decline("a")
        await top.crash("a")
        assert await top.states() == {"a": "stopped"}
        assert not top.child("a").is_alive()
        assert len(top.actor._window) == 1
        assert await top.restart_child("a") == top.child("a")


@pytest.mark.parametrize("strategy", GROUPS)
@pytest.mark.parametrize("declines", ["a", "b", "c"])
async def test_a_start_that_declines_in_a_group_does_not_keep_the_others_down(lab, strategy, declines):
    """The group comes up without it."""
    async with lab.run(*lab.specs("a b c"), strategy=strategy) as top:
        lab.decline(declines)
        await top.crash("a")
        expected = {child: "stopped" if child == declines else "running" for child in "abc"}
        assert await top.states() == expected


async def test_a_start_that_declines_in_a_try_is_kept_as_stopped(lab):
    """First it fails, then it declines."""
    async with lab.run(lab.spec("a")) as top:
        lab.fail("a")
        lab.decline("a")
        await top.crash("a")
        assert lab.trace == ["-a1", "-a2", "-a3"]
        assert await top.states() == {"a": "stopped"}
