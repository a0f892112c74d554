"""Whether a child does well: the spec, the statistics, the judgement."""

from __future__ import annotations

import math
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.work.health import BUCKETS, HealthSpec, Stats, is_hung, judge_health

# --- the spec ---------------------------------------------------------------------------------------


def test_nothing_is_looked_at_unless_it_is_asked_for():
    """The defaults: a look each 10 s at the last 60 s, no limits, 10 attempts to be meaningful."""
    assert HealthSpec() == HealthSpec(
        every=10.0, within=60.0, errors=None, minimum=10, latency=None, age=None, heartbeat=None
    )


@pytest.mark.parametrize(
    "faulty",
    [
        {"every": 0},
        {"every": -1.0},
        {"every": math.inf},
        {"every": "10s"},
        {"within": 0},
        {"within": None},
        {"errors": 0},
        {"errors": 1.01},
        {"errors": True},
        {"minimum": 0},
        {"minimum": 1.5},
        {"latency": 0},
        {"latency": math.nan},
        {"age": -3},
        {"heartbeat": 0},
        {"heartbeat": False},
    ],
    ids=str,
)
def test_a_faulty_value_is_refused(faulty):
    """The error names the field, and the value that is not legal."""
    (name, value) = next(iter(faulty.items()))
    with pytest.raises(InvalidSpec, match=rf"health {name} is {value!r}: expected "):
        HealthSpec(**faulty)


def test_the_limits_of_what_is_legal_are_legal():
    """All attempts may have to fail, one may be enough, and times may be short."""
    spec = HealthSpec(every=0.001, within=0.5, errors=1.0, minimum=1, latency=0.01, age=1, heartbeat=0.1)
    assert spec.errors == 1.0


# --- the statistics ---------------------------------------------------------------------------------


def test_without_attempts_there_is_nothing_to_say():
    """No errors, no latency."""
    stats = Stats(60.0)
    assert (stats.ended(5.0), stats.failed(5.0), stats.error_rate(5.0), stats.mean_latency(5.0)) == (0, 0, 0.0, 0.0)


def test_it_counts_what_ended_in_the_window():
    """The share that failed, and the mean of their seconds."""
    stats = Stats(60.0)
    for ok, seconds, now in [(True, 1.0, 10.0), (False, 3.0, 20.0), (True, 2.0, 30.0), (True, 2.0, 30.5)]:
        stats.record(ok, seconds, now)
    assert (stats.ended(31.0), stats.failed(31.0)) == (4, 1)
    assert (stats.error_rate(31.0), stats.mean_latency(31.0)) == (0.25, 2.0)


def test_what_is_older_than_the_window_does_not_count():
    """Each attempt leaves it by itself."""
    stats = Stats(10.0)
    stats.record(False, 1.0, 5.0)
    stats.record(True, 1.0, 9.0)
    assert [stats.ended(now) for now in (9.0, 14.9, 15.0, 18.9, 19.0)] == [2, 2, 1, 1, 0]


def test_a_new_life_begins_with_nothing():
    """After a reset, only attempts that were begun after it count."""
    stats = Stats(60.0)
    stats.record(False, 1.0, 10.0)
    stats.reset(20.0)
    assert stats.ended(20.0) == 0
    stats.record(False, 0.0, 20.0)  # it ended with the former life
    stats.record(False, 15.0, 30.0)  # it was begun in the former life
    assert stats.ended(30.0) == 0
    stats.record(True, 5.0, 30.0)
    assert stats.ended(30.0) == 1


def test_the_window_may_be_changed():
    """What is known is kept, as far as the new window reaches."""
    stats = Stats(60.0)
    for now in range(0, 60, 3):
        stats.record(True, 0.1, float(now))
    stats.within = 10.0
    assert stats.ended(59.0) == 3  # at 51, 54 and 57 s
    stats.within = 600.0
    stats.record(True, 0.1, 60.0)
    assert stats.ended(300.0) == 4


def test_memory_is_bounded():
    """A hundred thousand attempts in a window leave a handful of buckets."""
    stats = Stats(60.0)
    for number in range(100_000):
        stats.record(True, 0.1, number / 1000)
    assert len(stats._buckets) <= BUCKETS + 1
    assert stats.ended(100.0) == pytest.approx(60_000, rel=1 / BUCKETS)


GAPS = st.floats(0.0, 5.0)
ATTEMPTS = st.lists(st.tuples(GAPS, st.booleans(), st.floats(0.0, 30.0)), max_size=60)


@given(ATTEMPTS, st.floats(0.0, 20.0))
def test_it_counts_all_of_a_window_that_is_a_twentieth_shorter(attempts, later):
    """Whatever comes when: nothing that is younger is missing, and nothing that is older than the window counts."""
    within, stats = 10.0, Stats(10.0)
    times = list(accumulate((gap for gap, _, _ in attempts), initial=0.0))[1:]
    for now, (_, ok, seconds) in zip(times, attempts, strict=True):
        stats.record(ok, seconds, now)
    end = (times[-1] if times else 0.0) + later

    def in_the_last(span):
        return [(ok, s) for when, (_, ok, s) in zip(times, attempts, strict=True) if end - when < span]

    sure, most = in_the_last(within - within / BUCKETS), in_the_last(within)
    assert len(sure) <= stats.ended(end) <= len(most)
    assert sum(not ok for ok, _ in sure) <= stats.failed(end) <= sum(not ok for ok, _ in most)
    assert 0.0 <= stats.error_rate(end) <= 1.0
    assert stats.mean_latency(end) <= max((s for _, s in most), default=0.0) + 1e-9


# --- the judgement ----------------------------------------------------------------------------------


def stats_of(oks, fails, seconds=1.0, now=90.0):
    stats = Stats(60.0)
    for ok in [True] * oks + [False] * fails:
        stats.record(ok, seconds, now)
    return stats


BUSY, IDLE = True, False

ERRORS = HealthSpec(errors=0.5, minimum=4)
LATENCY = HealthSpec(latency=2.0, minimum=4)
AGE = HealthSpec(age=30.0)
HEARTBEAT = HealthSpec(heartbeat=15.0)
ALL = HealthSpec(errors=0.5, latency=2.0, minimum=4, age=30.0, heartbeat=15.0)


@pytest.mark.parametrize(
    ("spec", "stats", "age", "silent", "busy", "why"),
    [
        pytest.param(HealthSpec(), stats_of(0, 50, 99.0), 999.0, 999.0, BUSY, None, id="nothing looked at"),
        pytest.param(ERRORS, stats_of(2, 1), None, None, IDLE, None, id="errors: too few"),
        pytest.param(ERRORS, stats_of(0, 3), None, None, IDLE, None, id="errors: all failed, but too few"),
        pytest.param(ERRORS, stats_of(3, 2), None, None, IDLE, None, id="errors: below"),
        pytest.param(
            ERRORS,
            stats_of(2, 2),
            None,
            None,
            IDLE,
            "2 of 4 attempts failed within 60 s, the limit is 50%",
            id="errors: at the limit",
        ),
        pytest.param(LATENCY, stats_of(3, 0, 9.0), None, None, IDLE, None, id="latency: too few"),
        pytest.param(LATENCY, stats_of(2, 2, 1.99), None, None, IDLE, None, id="latency: below"),
        pytest.param(
            LATENCY,
            stats_of(4, 0, 2.5),
            None,
            None,
            IDLE,
            "attempts take 2.5 s on average, the limit is 2 s",
            id="latency: above",
        ),
        pytest.param(AGE, stats_of(0, 0), None, None, IDLE, None, id="age: none waits"),
        pytest.param(AGE, stats_of(0, 0), 30.0, None, BUSY, None, id="age: at the limit"),
        pytest.param(
            AGE, stats_of(0, 0), 120.4, None, BUSY, "a task has waited for 120 s, the limit is 30 s", id="age: above"
        ),
        pytest.param(HEARTBEAT, stats_of(0, 0), None, 14.9, BUSY, None, id="heartbeat: below"),
        pytest.param(HEARTBEAT, stats_of(0, 0), None, 99.0, IDLE, None, id="heartbeat: not busy"),
        pytest.param(HEARTBEAT, stats_of(0, 0), None, None, BUSY, None, id="heartbeat: busy with no task"),
        pytest.param(
            HEARTBEAT,
            stats_of(0, 0),
            None,
            15.0,
            BUSY,
            "no sign of life for 15 s, the heartbeat is 15 s",
            id="heartbeat: at the limit",
        ),
        pytest.param(ALL, stats_of(5, 1, 0.5), 3.0, 3.0, BUSY, None, id="all looked at, all well"),
        pytest.param(
            ALL,
            stats_of(1, 3, 4.0),
            31.0,
            20.0,
            BUSY,
            "no sign of life for 20 s, the heartbeat is 15 s; 3 of 4 attempts failed within 60 s, the limit is 50%; "
            "attempts take 4 s on average, the limit is 2 s; a task has waited for 31 s, the limit is 30 s",
            id="all wrong",
        ),
    ],
)
def test_the_judgement(spec, stats, age, silent, busy, why):
    """Each measure has its limit, is looked at only where there is one, and says its figures."""
    assert judge_health(spec, stats, age, silent, busy, 100.0) == why


@pytest.mark.parametrize(("begun", "why"), [(100.0, None), (70.0, None), (69.0, "a task has waited for 31 s, ")])
def test_a_wait_in_a_former_life_is_not_held_against_this_one(begun, why):
    """The mailbox is kept over a restart: the age counts from the begin of the present life."""
    stats = Stats()
    stats.reset(begun)
    found = judge_health(AGE, stats, 500.0, None, IDLE, 100.0)
    assert found is None if why is None else found.startswith(why)


@pytest.mark.parametrize(
    ("spec", "silent", "busy", "hung"),
    [
        (HEARTBEAT, 15.0, BUSY, True),
        (HEARTBEAT, 14.9, BUSY, False),
        (HEARTBEAT, 15.0, IDLE, False),
        (HEARTBEAT, None, BUSY, False),
        (HealthSpec(), 9999.0, BUSY, False),
    ],
)
def test_who_hangs(spec, silent, busy, hung):
    """A busy child that is silent for longer than its heartbeat allows, where it has one."""
    assert is_hung(spec, silent, busy=busy) is hung
