"""A circuit breaker: every transition, every boundary, late results, forced states, growth."""

from __future__ import annotations

import contextlib
import threading

import pytest

from treeward.supervisors.breakers.breaker import Breaker, BreakerSpec, BreakerView
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.work_errors import BreakerOpen

SPEC = BreakerSpec(failures=3, within=10.0, cooldown=4.0, factor=2.0, max_cooldown=12.0)
RATE = BreakerSpec(failures=None, rate=0.5, minimum=4, within=10.0, cooldown=4.0)


class Played:
    """A breaker, what it told, and the calls that are under way."""

    def __init__(self, spec=SPEC):
        self.told = []
        self.breaker = Breaker(spec, "it", lambda *change: self.told.append(change))

    def state(self, now):
        return self.breaker.view(now).state

    def call(self, now, ok, **took):
        self.breaker.record(self.breaker.permit(now), ok=ok, now=now, **took)

    def fail(self, *times):
        for now in times:
            self.call(now, False)

    def succeed(self, *times):
        for now in times:
            self.call(now, True)

    def wait(self, now):
        """Returns the seconds that a call is told to wait, 0.0 if it is let through and given back."""
        try:
            permit = self.breaker.permit(now)
        except BreakerOpen as error:
            return error.retry_in
        self.breaker.release(permit, now)
        return 0.0


# --- the spec ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("failures", 0, "a whole number, 1 or more, or None"),
        ("failures", 2.0, "a whole number, 1 or more, or None"),
        ("failures", True, "a whole number, 1 or more, or None"),
        ("failures", None, "a whole number, since there is no rate"),
        ("within", 0, "seconds, more than 0"),
        ("within", float("inf"), "seconds, more than 0"),
        ("rate", 0.0, "a share, above 0 to 1, or None"),
        ("rate", 1.5, "a share, above 0 to 1, or None"),
        ("rate", "half", "a share, above 0 to 1, or None"),
        ("minimum", 0, "a whole number, 1 or more"),
        ("slow", 0, "seconds, more than 0, or None"),
        ("dear", -1, "US dollars, 0 or more, or None"),
        ("dear", float("nan"), "US dollars, 0 or more, or None"),
        ("cooldown", 0, "seconds, more than 0"),
        ("factor", 0.5, "a number, 1 or more"),
        ("max_cooldown", 29.9, "seconds, not less than the cooldown of 30.0"),
    ],
)
def test_what_is_illegal_is_named(field, value, expected):
    """A value that cannot be is refused with the field, what was given and what is legal."""
    with pytest.raises(InvalidSpec) as caught:
        BreakerSpec(**{field: value})
    assert str(caught.value).startswith(f"breaker {field} is {value!r}: expected {expected}")


@pytest.mark.parametrize(
    "legal",
    [
        {"failures": None, "rate": 1},
        {"failures": 1, "rate": 0.01, "minimum": 1},
        {"slow": 0.001, "dear": 0.0},
        {"factor": 1, "max_cooldown": 30},
    ],
)
def test_what_is_legal_is_taken(legal):
    """The ends of what is legal are legal."""
    spec = BreakerSpec(**legal)
    assert {name: getattr(spec, name) for name in legal} == legal


def test_the_defaults():
    """As it comes, five failures in two minutes open it, for 30 s, doubling up to ten minutes."""
    spec = BreakerSpec()
    assert (spec.failures, spec.within, spec.rate) == (5, 120.0, None)
    assert (spec.cooldown, spec.factor, spec.max_cooldown) == (30.0, 2.0, 600.0)


# --- closed -> open ---------------------------------------------------------------------------------


def test_it_begins_closed():
    """A new breaker is closed and lets every call through, also many at a time."""
    it = Played()
    permits = [it.breaker.permit(0.0) for _ in range(100)]
    assert {(permit.state, permit.probe) for permit in permits} == {("closed", False)}
    assert it.breaker.view(0.0) == BreakerView("it", "closed", 0, 0, 0, 0, 0.0, 4.0, 0)


@pytest.mark.parametrize(
    ("times", "state"),
    [
        ((0, 0), "closed"),
        ((0, 0, 0), "open"),
        ((0, 5, 10), "open"),  # the first is 10 s old: it counts
        ((0, 5, 10.001), "closed"),  # it is older
        ((0, 5, 10.001, 15), "open"),  # 5, 10.001 and 15
        ((0, 5, 10.001, 15.001), "closed"),
        ((0, 11, 22, 33, 44), "closed"),
    ],
)
def test_so_many_failures_in_the_window_open_it(times, state):
    """It opens with the last of so many failures whose age is at most the window."""
    it = Played()
    it.fail(*times)
    assert it.state(times[-1]) == state


@pytest.mark.parametrize("successes", [0, 1, 100])
def test_successes_do_not_undo_failures(successes):
    """The count is of failures in the window, whatever went well between them."""
    it = Played()
    it.fail(0, 1)
    it.succeed(*[1] * successes)
    it.fail(2)
    assert it.state(2) == "open"


@pytest.mark.parametrize(
    ("calls", "state"),
    [
        ("fff", "closed"),  # fewer than the minimum
        ("ffff", "open"),
        ("ffss", "open"),  # the fourth call makes it a rate, and that went well
        ("fsss", "closed"),
        ("fsssff", "open"),  # 3 of 6 are half
        ("sssssff", "closed"),
        ("ssssfffs", "closed"),  # 3 of 8
    ],
)
def test_a_failure_rate_opens_it(calls, state):
    """It opens once the share of failures is reached, if so many calls have ended in the window as a rate needs."""
    it = Played(RATE)
    for call in calls:
        if it.state(0.0) == "closed":
            it.call(0.0, call == "s")
    assert it.state(0.0) == state


@pytest.mark.parametrize(("last", "state"), [(10.0, "closed"), (10.5, "open")])
def test_a_rate_forgets_what_is_older_than_the_window(last, state):
    """Calls older than the window are no part of the share, exactly from its end on."""
    it = Played(RATE)
    it.succeed(0, 0)  # gone after 10 s
    it.fail(5)
    it.succeed(5, 5)
    it.fail(last)  # 2 of 6, or 2 of 4
    assert it.state(last) == state


@pytest.mark.parametrize(("rate", "failed", "state"), [(0.3, 3, "open"), (0.3, 2, "closed"), (0.7, 7, "open")])
def test_a_rate_is_reached_exactly(rate, failed, state):
    """A share that is exactly reached opens it, though floats are not exact."""
    it = Played(BreakerSpec(failures=None, rate=rate, minimum=10))
    it.succeed(*[0] * (10 - failed))
    it.fail(*[0] * failed)
    assert it.state(0) == state


@pytest.mark.parametrize(
    ("spec", "took", "failures"),
    [
        ({"slow": 2.0}, {"seconds": 2.0}, 0),
        ({"slow": 2.0}, {"seconds": 2.001}, 1),
        ({"dear": 0.5}, {"cost": 0.5}, 0),
        ({"dear": 0.5}, {"cost": 0.501}, 1),
        ({"dear": 0.0}, {"cost": 0.0}, 0),
        ({"slow": 2.0, "dear": 0.5}, {"seconds": 9.0, "cost": 9.0}, 1),
        ({}, {"seconds": 1e9, "cost": 1e9}, 0),
    ],
)
def test_slow_and_dear_calls_are_failures(spec, took, failures):
    """A call that went well is a failure if it took, or cost, more than the limit; not if just as much."""
    it = Played(BreakerSpec(**spec))
    it.call(0.0, True, **took)
    assert (it.breaker.view(0.0).failures, it.breaker.view(0.0).calls) == (failures, 1)


# --- open -> half-open ------------------------------------------------------------------------------


@pytest.mark.parametrize(("now", "wait"), [(0.0, 4.0), (1.5, 2.5), (3.75, 0.25), (4.0, 0.0), (100.0, 0.0)])
def test_an_open_one_lets_nothing_through_until_its_cooldown_is_over(now, wait):
    """It rejects with the seconds that are left, and lets the first call through exactly when they are over."""
    it = Played()
    it.fail(0, 0, 0)
    assert it.breaker.view(now).retry_in == wait
    assert it.wait(now) == wait
    assert it.state(now) == ("half_open" if wait == 0.0 else "open")


def test_a_rejection_says_whose_and_how_long():
    """The error of a rejected call carries the breaker's name and the seconds to wait."""
    it = Played()
    it.fail(0, 0, 0)
    with pytest.raises(BreakerOpen, match="the circuit breaker of it is open for another 3 s") as caught:
        it.breaker.permit(1.0)
    assert (caught.value.name, caught.value.retry_in) == ("it", 3.0)


def test_rejections_are_counted_and_are_no_failures():
    """What is not let through is counted by itself, and changes neither the window nor the cooldown."""
    it = Played()
    it.fail(0, 0, 0)
    assert [it.wait(now) for now in (1, 2, 3)] == [3, 2, 1]
    view = it.breaker.view(3)
    assert (view.rejected, view.failures, view.calls, view.retry_in) == (3, 3, 3, 1.0)


def test_looking_changes_nothing():
    """A view shows half-open from the end of the cooldown on; only a call makes it so, and is told of."""
    it = Played()
    it.fail(0, 0, 0)
    assert [it.state(now) for now in (3.9, 4.0, 5.0, 3.9)] == ["open", "half_open", "half_open", "open"]
    assert len(it.told) == 1


# --- half-open --------------------------------------------------------------------------------------


def half_open(spec=SPEC):
    it = Played(spec)
    it.fail(0, 0, 0)
    return it


def test_one_probe_at_a_time():
    """Half-open lets one call through; the others are rejected until that has ended."""
    it = half_open()
    probe = it.breaker.permit(4.0)
    assert (probe.probe, probe.state) == (True, "half_open")
    assert [it.wait(now) for now in (4.0, 5.0, 7.5)] == [4.0, 3.0, 0.5]
    it.breaker.record(probe, ok=True, now=7.5)
    assert it.wait(7.5) == 0.0


def test_a_probe_that_goes_well_closes_it_with_nothing_in_the_window():
    """After a good probe it is closed, and needs all of its failures again to open."""
    it = half_open()
    it.succeed(4.0)
    assert it.breaker.view(4.0) == BreakerView("it", "closed", 0, 0, 0, 0, 0.0, 4.0, 1)
    it.fail(4.0, 4.0)
    assert it.state(4.0) == "closed"
    it.fail(4.0)
    assert it.state(4.0) == "open"


@pytest.mark.parametrize("took", [{"ok": False}, {"ok": True, "seconds": 3.0}, {"ok": True, "cost": 3.0}])
def test_a_probe_that_fails_opens_it_for_longer(took):
    """A probe that fails, or is too slow or too dear, opens it again, for the next longer cooldown."""
    it = half_open(BreakerSpec(failures=3, cooldown=4.0, slow=2.0, dear=2.0))
    it.breaker.record(it.breaker.permit(4.0), now=5.0, **took)
    view = it.breaker.view(5.0)
    assert (view.state, view.cooldown, view.retry_in, view.opened) == ("open", 8.0, 8.0, 2)


def test_a_probe_that_was_not_made_makes_room_for_the_next():
    """A probe that is given back without a call counts for nothing, and the next may go at once."""
    it = half_open()
    it.breaker.release(it.breaker.permit(4.0), 5.0)
    assert it.state(5.0) == "half_open"
    assert it.breaker.permit(5.0).probe


@pytest.mark.parametrize(("ok", "state"), [(True, "closed"), (False, "open")])
@pytest.mark.parametrize("first", [0, 1])
def test_a_probe_that_never_ends_does_not_jam_it(ok, state, first):
    """After a cooldown without a word another probe may go; the first of them to end decides, the other is late."""
    it = half_open()
    probes = [it.breaker.permit(4.0)]
    assert it.wait(7.999) == pytest.approx(0.001)
    probes.append(it.breaker.permit(8.0))
    assert it.wait(8.0) == 4.0
    it.breaker.record(probes[first], ok=ok, now=9.0)
    assert it.state(9.0) == state
    it.breaker.record(probes[1 - first], ok=not ok, now=9.0)
    assert (it.state(9.0), it.breaker.view(9.0).late) == (state, 1)


def test_a_lost_probe_that_is_given_back_leaves_the_present_one():
    """Giving a lost probe back makes no room for a third."""
    it = half_open()
    lost = it.breaker.permit(4.0)
    it.breaker.permit(8.0)
    it.breaker.release(lost, 9.0)
    assert it.wait(9.0) == 3.0


# --- growth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "cooldowns"),
    [
        ({"cooldown": 4.0, "factor": 2.0, "max_cooldown": 12.0}, [4, 8, 12, 12]),
        ({"cooldown": 4.0, "factor": 1.0, "max_cooldown": 12.0}, [4, 4, 4, 4]),
        ({"cooldown": 4.0, "factor": 1.5, "max_cooldown": 100.0}, [4, 6, 9, 13.5]),
        ({"cooldown": 4.0, "factor": 2.0, "max_cooldown": 4.0}, [4, 4, 4]),
        ({"cooldown": 1.0, "factor": 1e200, "max_cooldown": 5.0}, [1, 5, 5, 5]),
    ],
)
def test_the_cooldown_grows_with_each_failed_probe(spec, cooldowns):
    """Each failed probe makes the cooldown longer by the factor, up to the longest; a good one resets it."""
    it, now = Played(BreakerSpec(failures=1, **spec)), 0.0
    for cooldown in cooldowns:
        it.fail(now)
        assert it.wait(now) == cooldown
        now += cooldown
    it.succeed(now)
    assert it.breaker.view(now).cooldown == cooldowns[0]
    it.fail(now)
    assert it.wait(now) == cooldowns[0]


# --- late results -----------------------------------------------------------------------------------


def begin_closed(it):
    return it.breaker.permit(0.0)


def begin_half_open(it):
    it.fail(0, 0, 0)
    return it.breaker.permit(4.0)


def begin_forced_closed(it):
    it.breaker.force("closed", 0.0)
    return it.breaker.permit(0.0)


def to_open(it):
    it.breaker.trip(5.0, "a test")


def to_half_open(it):
    it.breaker.trip(5.0, "a test")
    it.wait(50.0)


def to_closed_again(it):
    it.breaker.trip(5.0, "a test")
    it.succeed(50.0)


def to_forced_open(it):
    it.breaker.force("open", 5.0)


def to_forced_closed(it):
    it.breaker.force("open", 5.0)
    it.breaker.force("closed", 5.0)


def to_automatic(it):
    it.breaker.force("open", 5.0)
    it.breaker.force(None, 5.0)


@pytest.mark.parametrize("ok", [True, False])
@pytest.mark.parametrize(
    "change", [to_open, to_half_open, to_closed_again, to_forced_open, to_forced_closed, to_automatic]
)
@pytest.mark.parametrize("begin", [begin_closed, begin_half_open, begin_forced_closed])
def test_a_late_result_changes_nothing(begin, change, ok):
    """The result of a call that began in an earlier state is counted as late, and nothing else changes."""
    it = Played()
    permit = begin(it)
    if begin is begin_forced_closed:
        it.breaker.force(None, 1.0)
    change(it)
    before, told = it.breaker.view(60.0), list(it.told)
    it.breaker.record(permit, ok=ok, now=60.0, seconds=1e9, cost=1e9)
    it.breaker.release(permit, 60.0)
    after = it.breaker.view(60.0)
    assert after == BreakerView(**{**fields(before), "late": before.late + 1})
    assert it.told == told


def fields(view):
    return {name: getattr(view, name) for name in BreakerView.__dataclass_fields__}


def test_many_late_failures_do_not_open_the_next_state():
    """Calls that began before a probe closed it may all fail afterwards: it stays closed."""
    it = Played()
    under_way = [it.breaker.permit(0.0) for _ in range(50)]
    it.fail(0, 0, 0)
    it.succeed(4.0)
    for permit in under_way:
        it.breaker.record(permit, ok=False, now=5.0)
    assert it.breaker.view(5.0) == BreakerView("it", "closed", 0, 0, 0, 50, 0.0, 4.0, 1)


# --- cancelled calls --------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "failures"), [(0.0, 0), (2.0, 0), (2.1, 1)])
def test_a_cancelled_call_counts_only_if_it_was_too_slow_already(seconds, failures):
    """A call that is given back counts for nothing, unless it had taken longer than the limit by then."""
    it = Played(BreakerSpec(slow=2.0))
    it.breaker.release(it.breaker.permit(0.0), seconds, seconds)
    assert (it.breaker.view(9.0).failures, it.breaker.view(9.0).calls) == (failures, failures)


def test_a_cancelled_probe_that_was_too_slow_has_failed():
    """A probe that is cancelled after the limit opens it again."""
    it = half_open(BreakerSpec(failures=3, cooldown=4.0, slow=2.0))
    it.breaker.release(it.breaker.permit(4.0), 7.0, 3.0)
    assert it.breaker.view(7.0).cooldown == 8.0


# --- by hand ----------------------------------------------------------------------------------------


def closed(it):
    it.fail(0.0)


def opened(it):
    it.fail(0, 0, 0)


def halved(it):
    it.fail(0, 0, 0)
    it.breaker.permit(4.0)


@pytest.mark.parametrize("now", [5.0, 1000.0])
@pytest.mark.parametrize("begin", [closed, opened, halved])
def test_forced_open_lets_nothing_through(begin, now):
    """Held open, it rejects every call without an end, and counts the rejections."""
    it = Played()
    begin(it)
    it.breaker.force("open", 5.0)
    with pytest.raises(BreakerOpen, match="until it is closed by hand"):
        it.breaker.permit(now)
    view = it.breaker.view(now)
    assert (view.state, view.retry_in, view.rejected) == ("forced_open", None, 1)


@pytest.mark.parametrize("begin", [closed, opened, halved])
def test_forced_closed_lets_all_through_and_counts(begin):
    """Held closed, it lets every call through, whatever they do, and counts them."""
    it = Played()
    begin(it)
    it.breaker.force("closed", 5.0)
    before = it.breaker.view(5.0)
    it.fail(*[5.0] * 50)
    it.succeed(*[5.0] * 50)
    view = it.breaker.view(5.0)
    assert (view.state, view.retry_in) == ("forced_closed", 0.0)
    assert (view.failures - before.failures, view.calls - before.calls) == (50, 100)


@pytest.mark.parametrize("to", ["open", "closed"])
@pytest.mark.parametrize(
    ("begin", "until", "state"),
    [
        (closed, 6.0, "closed"),
        (opened, 3.0, "open"),  # its cooldown ends at 4
        (opened, 4.0, "half_open"),
        (halved, 6.0, "half_open"),
    ],
)
def test_what_is_no_longer_forced_is_what_it_was(begin, until, state, to):
    """Given back, it is in its automatic state; a cooldown went on meanwhile."""
    it = Played()
    begin(it)
    now = 2.0 if until < 5 else 5.0
    it.breaker.force(to, now)
    it.breaker.force(None, until)
    assert it.state(until) == state


def test_a_probe_under_way_does_not_bind_what_was_forced_meanwhile():
    """After it was forced, a half-open one lets a new probe through; the old one's result is late."""
    it = half_open()
    old = it.breaker.permit(4.0)
    it.breaker.force("open", 4.5)
    it.breaker.force(None, 4.5)
    new = it.breaker.permit(4.5)
    it.breaker.record(old, ok=False, now=5.0)
    it.breaker.record(new, ok=True, now=5.0)
    assert (it.state(5.0), it.breaker.view(5.0).late) == ("closed", 1)


def test_what_failed_while_it_was_forced_closed_counts_afterwards():
    """Given back, one that was closed is judged by its window: it opens if too many have failed meanwhile."""
    it = Played()
    it.breaker.force("closed", 0.0)
    it.fail(1, 2, 3)
    it.breaker.force(None, 4.0)
    assert it.told[1:] == [
        ("forced_closed", "closed", "no longer forced"),
        ("closed", "open", "3 failures within 10 s"),
    ]
    assert it.breaker.view(4.0).retry_in == 4.0


def test_forcing_twice_is_forcing_once():
    """The same again changes nothing and tells nothing; calls under way go on counting."""
    it = Played()
    it.breaker.force(None, 0.0)
    it.breaker.force("closed", 1.0)
    permit = it.breaker.permit(1.0)
    it.breaker.force("closed", 2.0)
    it.breaker.record(permit, ok=False, now=2.0)
    assert it.told == [("closed", "forced_closed", "by hand")]
    assert it.breaker.view(2.0).failures == 1


def test_what_cannot_be_forced_is_named():
    """A word that is none of those is refused with those that are."""
    with pytest.raises(InvalidSpec, match="forced state is 'half_open': expected open, closed or None"):
        Played().breaker.force("half_open", 0.0)


@pytest.mark.parametrize(
    ("begin", "now", "shown", "retry_in", "opened_"),
    [
        (closed, 1.0, "open", 4.0, 1),
        (opened, 1.0, "open", 3.0, 1),  # it stays open, for no longer
        (opened, 4.0, "open", 8.0, 2),  # it was half-open by then
        (halved, 5.0, "open", 8.0, 2),
    ],
)
def test_a_trip_opens_at_once(begin, now, shown, retry_in, opened_):
    """What cannot get better by trying opens it at once; one that is open stays as it is."""
    it = Played()
    begin(it)
    it.breaker.trip(now, "the key is not valid")
    view = it.breaker.view(now)
    assert (view.state, view.retry_in, view.opened) == (shown, retry_in, opened_)


@pytest.mark.parametrize("forced", ["open", "closed"])
def test_a_trip_waits_while_it_is_forced(forced):
    """Held by hand it stays as it is held; the trip shows when it is given back, and calls go on counting."""
    it = Played()
    it.breaker.force(forced, 0.0)
    permit = it.breaker.permit(0.0) if forced == "closed" else None
    it.breaker.trip(1.0, "the key is not valid")
    assert it.state(1.0) == f"forced_{forced}"
    if permit is not None:
        it.breaker.record(permit, ok=True, now=1.0)
    assert it.breaker.view(1.0).late == 0
    it.breaker.force(None, 2.0)
    assert (it.state(2.0), it.breaker.view(2.0).retry_in) == ("open", 3.0)


# --- what it tells ----------------------------------------------------------------------------------


def test_every_change_is_told_with_its_reason():
    """Each change is told once, in order: the state before, the state now, and why."""
    it = Played()
    it.fail(0, 1, 2)
    it.fail(6.0)
    it.succeed(14.0)
    it.breaker.trip(15.0, "the key is not valid")
    it.breaker.force("closed", 16.0)
    it.breaker.force("open", 17.0)
    it.breaker.force(None, 18.0)
    assert it.told == [
        ("closed", "open", "3 failures within 10 s"),
        ("open", "half_open", "the cooldown of 4 s is over"),
        ("half_open", "open", "the probe failed"),
        ("open", "half_open", "the cooldown of 8 s is over"),
        ("half_open", "closed", "the probe succeeded"),
        ("closed", "open", "the key is not valid"),
        ("open", "forced_closed", "by hand"),
        ("forced_closed", "forced_open", "by hand"),
        ("forced_open", "open", "no longer forced"),
    ]


def test_the_reason_of_a_rate_has_its_numbers():
    """An opening by the failure rate says how many of how many."""
    it = Played(RATE)
    it.succeed(0, 0)
    it.fail(0, 0)
    assert it.told == [("closed", "open", "2 of 4 calls failed within 10 s")]


def test_a_change_stands_though_who_hears_of_it_raises():
    """What `on_change` raises goes to the caller; the change is made."""

    def refuse(*change):
        raise RuntimeError(change[1])

    breaker = Breaker(BreakerSpec(failures=1), "it", refuse)
    with pytest.raises(RuntimeError, match="open"):
        breaker.record(breaker.permit(0.0), ok=False, now=0.0)
    assert breaker.view(0.0).state == "open"


def test_who_hears_of_a_change_may_look():
    """`on_change` sees the breaker in its new state."""
    seen = []
    breaker = Breaker(BreakerSpec(failures=1), "it", lambda *_: seen.append(breaker.view(0.0).state))
    breaker.record(breaker.permit(0.0), ok=False, now=0.0)
    assert seen == ["open"]


# --- another spec -----------------------------------------------------------------------------------


def test_another_spec_keeps_the_history():
    """A new spec applies from the next call on, to the failures that there are."""
    it = Played()
    it.fail(0, 1)
    it.breaker.spec = BreakerSpec(failures=2, within=10.0)
    assert it.state(1.0) == "closed"
    it.succeed(2.0)
    assert it.state(2.0) == "open"


def test_another_spec_keeps_the_state():
    """An open one stays open, for as long as the new spec says, the failed probes included."""
    it = Played()
    it.fail(0, 0, 0)
    it.fail(4.0)
    it.breaker.spec = BreakerSpec(cooldown=10.0, factor=3.0)
    assert (it.state(5.0), it.breaker.view(5.0).retry_in) == ("open", 29.0)


# --- bounds -----------------------------------------------------------------------------------------


def test_memory_is_bounded():
    """However many calls there are, few of them are remembered one by one, and the counts are right all the same."""
    it = Played(BreakerSpec(failures=None, rate=1.0, within=100.0))
    for number in range(30_000):
        it.call(number / 64, ok=number % 3 != 0)
    view = it.breaker.view(30_000 / 64)
    assert view.calls == pytest.approx(6_400, rel=0.002)
    assert view.failures == pytest.approx(6_400 / 3, rel=0.002)
    assert len(it.breaker._passed._entries) + len(it.breaker._failed._entries) <= 4_002


class Hesitant(Breaker):
    """Waits between the look at its state and the decision, for another thread that would come in between."""

    __slots__ = ("meeting",)

    def _retry_in(self, now):
        found = super()._retry_in(now)
        with contextlib.suppress(threading.BrokenBarrierError):
            self.meeting.wait(timeout=0.05)
        return found


@pytest.mark.realtime
def test_threads_get_one_probe_between_them():
    """Two threads at a half-open breaker: one of their calls is let through, however they meet."""
    breaker, permits = Hesitant(SPEC, "it"), []
    breaker.meeting = threading.Barrier(2)
    breaker.trip(0.0, "a test")

    def ask():
        with contextlib.suppress(BreakerOpen):
            permits.append(breaker.permit(5.0))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [permit.probe for permit in permits] == [True]
