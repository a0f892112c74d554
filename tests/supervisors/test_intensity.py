"""SUPERVISION.md section 8: how many events are too many."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from treeward.runtime.errors import ActorStopped
from treeward.runtime.exits import Exit
from treeward.supervisors.intensity import RestartWindow
from treeward.supervisors.requests import GaveUp
from treeward.supervisors.spec import Intensity, SupervisorSpec


@pytest.mark.parametrize(
    ("restarts", "within", "times", "passes"),
    [
        pytest.param(0, 5, [0], [True], id="r_0_the_first_event_is_too_many"),
        pytest.param(1, 5, [0, 0], [False, True], id="r_1_two_at_once"),
        pytest.param(3, 5, [0, 1, 2, 3], [False, False, False, True], id="exactly_r_are_allowed"),
        pytest.param(1, 5, [0, 5], [False, True], id="an_event_of_age_t_counts"),
        pytest.param(1, 5, [0, 5.000001], [False, False], id="an_older_event_does_not"),
        pytest.param(2, 5, [0, 3, 6, 9, 12], [False] * 5, id="the_window_slides"),
        pytest.param(2, 5, [0, 3, 6, 8], [False, False, False, True], id="it_slides_and_fills"),
        pytest.param(1, 0.5, [0.1, 0.6], [False, True], id="fractions_of_a_second"),
        pytest.param(1, 5, [-10.5, -5.5], [False, True], id="times_before_zero"),
        pytest.param(1, 5, [1e9, 1e9 + 5, 1e9 + 10.5], [False, True, False], id="late_times"),
    ],
)
def test_passes_limit(restarts, within, times, passes):
    """Exactly R events are allowed within any T seconds, the window inclusive; event R+1 is one too many."""
    window = RestartWindow(Intensity(restarts, within))
    assert [window.passes_limit(when) for when in times] == passes


def test_what_has_been_forgotten_does_not_come_back():
    """As in OTP: a limit with a longer time finds the events that the shorter one had kept."""
    window = RestartWindow(Intensity(5, 1))
    assert [window.passes_limit(when) for when in (0, 10, 10.5)] == [False] * 3
    window.limit = Intensity(2, 100)
    assert window.passes_limit(11) is True
    assert len(window) == 3


def test_only_what_can_still_count_is_remembered():
    """The window does not grow with the number of events, but with those within T."""
    window = RestartWindow(Intensity(10**6, 5))
    for second in range(100_000):
        window.passes_limit(second)
    assert len(window) == 6


class WindowMachine(RuleBasedStateMachine):
    """The window against the sentence: an event counts while its age is at most T."""

    @initialize(restarts=st.integers(0, 5), within=st.floats(1e-3, 1e3))
    def begin(self, restarts, within):
        self.limit = Intensity(restarts, within)
        self.window = RestartWindow(self.limit)
        self.now = 0.0
        self.events = []
        self.given_up = False

    @rule(seconds=st.floats(0, 2e3))
    def time_passes(self, seconds):
        self.now += seconds

    @rule()
    def time_passes_by_exactly_t(self):
        self.now += self.limit.within

    @rule(restarts=st.integers(0, 5))
    def reload(self, restarts):
        self.limit = Intensity(restarts, self.limit.within)
        self.window.limit = self.limit

    @rule()
    def event(self):
        self.events.append(self.now)
        counted = [when for when in self.events if self.now - when <= self.limit.within]
        assert self.window.passes_limit(self.now) is (len(counted) > self.limit.restarts)

    @invariant()
    def nothing_is_invented(self):
        assert len(self.window) <= len(self.events)


TestWindow = WindowMachine.TestCase


@given(st.lists(st.floats(0, 20), max_size=30), st.integers(0, 4), st.floats(0.1, 10))
def test_no_window_of_t_seconds_has_more_than_r_events_before_giving_up(gaps, restarts, within):
    """Whatever the times: up to the giving up, any T seconds hold at most R events; with that event, R+1."""
    window, now, times = RestartWindow(Intensity(restarts, within)), 0.0, []
    for gap in gaps:
        now += gap
        times.append(now)
        if window.passes_limit(now):
            assert sum(now - when <= within for when in times) == restarts + 1
            break
        assert all(sum(0 <= end - when <= within for when in times) <= restarts for end in times)


# --- in a living supervisor -------------------------------------------------------------------------


async def crashes(lab, top, *times):
    for when in times:
        await lab.at(when)
        await top.crash("a")


async def test_exactly_r_events_are_allowed_within_t(lab):
    """Three restarts within 5 s are allowed by default; the fourth event makes the supervisor give up."""
    async with lab.run(lab.spec("a")) as top:
        await crashes(lab, top, 1, 2, 3)
        assert lab.trace == ["-a1", "+a2", "-a2", "+a3", "-a3", "+a4"]
        await crashes(lab, top, 4)
        assert lab.times[-2:] == [(4.0, "-a4"), (4.0, "-top1")]
        assert lab.reasons["top1"] is Exit.SHUTDOWN


@pytest.mark.parametrize(
    ("last", "alive"), [pytest.param(6.0, False, id="age_t"), pytest.param(6.001, True, id="older")]
)
async def test_an_event_counts_while_its_age_is_at_most_t(lab, last, alive):
    """The window is inclusive: the event of 5 s ago counts, that of a moment before does not."""
    async with lab.run(lab.spec("a"), intensity=Intensity(1, 5)) as top:
        await crashes(lab, top, 1, last)
        assert top.ref.is_alive() is alive


async def test_with_r_0_the_first_death_makes_the_supervisor_give_up(lab):
    """R = 0: nothing is ever restarted."""
    async with lab.run(lab.spec("a"), intensity=Intensity(0, 5)) as top:
        await top.crash("a")
        assert lab.trace == ["-a1", "-top1"]


async def test_the_window_is_shared_by_the_children(lab):
    """It is the supervisor's: four deaths of four children are four events."""
    async with lab.run(*lab.specs("a b c d")) as top:
        for child in "abcd":
            await top.crash(child)
        assert lab.trace == ["-a1", "+a2", "-b1", "+b2", "-c1", "+c2", "-d1", "-c2", "-b2", "-a2", "-top1"]


async def test_a_child_that_is_terminated_and_restarted_by_hand_does_not_clear_the_window(lab):
    """Only time, or the supervisor's own end, clears it."""
    async with lab.run(lab.spec("a"), intensity=Intensity(1, 5)) as top:
        await top.crash("a")
        await top.terminate_child("a")
        await top.delete_child("a")
        await top.start_child(lab.spec("a"))
        await top.crash("a")
        assert not top.ref.is_alive()


async def test_time_clears_the_window(lab):
    """After T seconds, everything is as at the beginning."""
    async with lab.run(lab.spec("a"), intensity=Intensity(1, 5)) as top:
        await crashes(lab, top, 1, 7, 13, 19)
        assert top.ref.is_alive()


async def test_the_supervisors_own_end_clears_the_window(lab):
    """A supervisor that is restarted has no history."""
    inner = lab.nested("sup", lab.spec("a"), intensity=Intensity(1, 5))
    async with lab.run(inner, intensity=lab.MANY) as top:
        for _ in range(2):  # the second makes it give up, and come back
            await top.crash("sup/a")
        lab.forget()
        await top.crash("sup/a")
        assert lab.trace == ["-a3", "+a4"]


async def test_time_comes_from_the_runtimes_clock(lab):
    """A clock that is moved by the test decides what is old; the loop's time stands still."""

    class Clock:
        def __init__(self, loop):
            self.now, self.call_later = 0.0, loop.call_later

        def monotonic(self):
            return self.now

        def time(self):
            return self.now

    clock = Clock(asyncio.get_running_loop())
    async with lab.system(clock=clock) as system:
        spec = SupervisorSpec(children=[lab.spec("a")], intensity=Intensity(1, 5))
        top = lab.rig(system, spec)
        await lab.quiet()
        for clock.now in (0.0, 5.5, 11.0):
            await top.crash("a")
        assert top.ref.is_alive()
        await top.crash("a")
        assert not top.ref.is_alive()
    assert lab.now() == 0.0


async def test_giving_up_is_reported(lab):
    """The event says whose death, and which limit, was the last straw."""
    error = lab.Boom("last")
    async with lab.run(lab.spec("a"), intensity=Intensity(0, 5)) as top:
        await top.crash("a", error)
    (event,) = lab.seen(GaveUp)
    assert (event.path, event.child, event.reason) == ("top", "a", error)
    assert (event.restarts, event.within) == (0, 5)


async def test_giving_up_stops_the_other_children_newest_first(lab):
    """Those that live are ended in reverse order, each by its own shutdown, and then the supervisor ends."""
    lab.ends = {"a": 1, "d": 2}
    async with lab.run(*lab.specs("a b c d"), intensity=Intensity(0, 5)) as top:
        await top.crash("b")
        await lab.at(5)
        assert lab.times == [(0.0, "-b1"), (2.0, "-d1"), (2.0, "-c1"), (3.0, "-a1"), (3.0, "-top1")]
        assert {lab.reasons[name] for name in ("a1", "c1", "d1", "top1")} == {Exit.SHUTDOWN}


async def test_after_giving_up_nothing_else_is_served(lab):
    """Calls and deaths that wait when the limit is passed find nobody: it gives up once, and at once."""
    async with lab.run(*lab.specs("a b c"), intensity=Intensity(0, 5)) as top:
        held = lab.hold("x")
        started = asyncio.ensure_future(_value(top.start_child(lab.spec("x"))))
        await lab.quiet()
        await top.crash("a")
        await top.crash("b")
        (late,) = await top.queue(top.start_child(lab.spec("y")))
        held.let_go()
        await started
        with pytest.raises(ActorStopped):
            await late
        assert len(lab.seen(GaveUp)) == 1
        assert "+y1" not in lab.trace


async def _value(call):
    return await call


@pytest.mark.parametrize(("restart", "then"), [("transient", "stopped"), ("permanent", "running")])
async def test_a_supervisor_that_gives_up_is_restarted_by_its_parent_only_if_permanent(lab, restart, then):
    """It exits with `shutdown`, which the restart types judge as they judge any other child's."""
    inner = lab.nested("sup", lab.spec("a"), intensity=Intensity(0, 5), options={"restart": restart})
    async with lab.run(inner) as top:
        await top.crash("sup/a")
        assert lab.reasons["sup1"] is Exit.SHUTDOWN
        assert await top.states() == {"sup": then}


async def test_a_permanent_supervisor_that_gives_up_counts_as_one_event_in_its_parent(lab):
    """That is escalation: the inner window fills, the outer one has one event."""
    inner = lab.nested("sup", lab.spec("a"), intensity=Intensity(2, 5))
    async with lab.run(inner, intensity=Intensity(1, 5)) as top:
        for _ in range(3):
            await top.crash("sup/a")
        assert len(top.actor._window) == 1
        assert await top.states() == {"sup": "running"}
        for _ in range(3):
            await top.crash("sup/a")
        assert not top.ref.is_alive()
