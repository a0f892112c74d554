"""Billing periods and proration: days, months of all lengths, and cents that add up."""

from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.trees.library.support.periods import Period, add_months, day_of, format_day, period, period_at

DAYS = st.dates(date(1999, 1, 1), date(2101, 12, 31))
INTERVALS = st.sampled_from(["monthly", "yearly"])
PRICES = st.integers(0, 10_000_000)


@pytest.mark.parametrize(
    ("anchor", "months", "expected"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 1, 31), 2, date(2026, 3, 31)),
        (date(2026, 1, 30), 1, date(2026, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 2, 29), 48, date(2028, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 1, 15), -1, date(2025, 12, 15)),
        (date(2026, 3, 31), -1, date(2026, 2, 28)),
    ],
)
def test_a_month_without_the_day_ends_on_its_last_one(anchor, months, expected):
    """Months are added to the anchor itself, so a short month does not shorten the ones after it."""
    assert add_months(anchor, months) == expected


@pytest.mark.parametrize(
    ("anchor", "interval", "day", "start", "end"),
    [
        (date(2026, 1, 31), "monthly", date(2026, 2, 27), date(2026, 1, 31), date(2026, 2, 28)),
        (date(2026, 1, 31), "monthly", date(2026, 2, 28), date(2026, 2, 28), date(2026, 3, 31)),
        (date(2026, 1, 31), "monthly", date(2026, 3, 30), date(2026, 2, 28), date(2026, 3, 31)),
        (date(2024, 2, 29), "yearly", date(2025, 2, 27), date(2024, 2, 29), date(2025, 2, 28)),
        (date(2024, 2, 29), "yearly", date(2025, 2, 28), date(2025, 2, 28), date(2026, 2, 28)),
        (date(2023, 6, 15), "yearly", date(2026, 6, 14), date(2025, 6, 15), date(2026, 6, 15)),
        (date(2026, 11, 20), "monthly", date(2026, 11, 20), date(2026, 11, 20), date(2026, 12, 20)),
    ],
)
def test_the_period_of_a_day(anchor, interval, day, start, end):
    """A period's first day is in it, the next one's is not."""
    assert period_at(anchor, interval, day) == Period(start, end)


@pytest.mark.parametrize(
    ("start", "end", "price", "today", "used"),
    [
        (date(2026, 11, 11), date(2026, 12, 11), 4900, date(2026, 11, 20), 1470),  # 9 of 30 days
        (date(2026, 2, 1), date(2026, 3, 1), 2800, date(2026, 2, 2), 100),  # 28 days
        (date(2024, 2, 1), date(2024, 3, 1), 2900, date(2024, 2, 2), 100),  # 29 days
        (date(2024, 1, 1), date(2025, 1, 1), 36600, date(2024, 3, 1), 6000),  # a leap year
        (date(2025, 1, 1), date(2026, 1, 1), 36500, date(2025, 3, 1), 5900),
        (date(2026, 1, 1), date(2026, 2, 1), 31, date(2026, 1, 16), 15),
        (date(2026, 11, 1), date(2026, 12, 1), 1, date(2026, 11, 16), 1),  # half a cent is rounded up
        (date(2026, 11, 1), date(2026, 12, 1), 1, date(2026, 11, 15), 0),
    ],
)
def test_what_the_days_so_far_cost(start, end, price, today, used):
    """The days before today cost their share, rounded half upwards to the cent."""
    assert Period(start, end).used(price, today) == used


@given(DAYS, INTERVALS, st.integers(0, 60))
def test_periods_follow_each_other_without_gaps(anchor, interval, number):
    """Where one period ends the next begins, and each is as long as a month or a year."""
    one, following = period(anchor, interval, number), period(anchor, interval, number + 1)
    assert one.end == following.start
    assert one.days in ({28, 29, 30, 31} if interval == "monthly" else {365, 366})


@given(DAYS, INTERVALS, st.integers(0, 3000))
def test_every_day_is_in_the_period_that_is_found_for_it(anchor, interval, later):
    """The period of a day holds that day, and is one of those counted from the anchor."""
    day = anchor + timedelta(days=later)
    found = period_at(anchor, interval, day)
    assert day in found
    assert found in {period(anchor, interval, number) for number in range(102)}


@given(DAYS, INTERVALS, PRICES)
def test_the_days_of_a_period_cost_its_price(anchor, interval, price):
    """Charged day by day, a period costs exactly its price, and no two days differ by more than a cent."""
    one = period(anchor, interval)
    days = [one.start + timedelta(days=number) for number in range(one.days + 1)]
    costs = [one.used(price, after) - one.used(price, before) for before, after in pairwise(days)]
    assert sum(costs) == price
    assert min(costs) >= 0
    assert max(costs) - min(costs) <= 1


@given(DAYS, INTERVALS, PRICES, st.data())
def test_what_is_used_grows_and_what_is_left_shrinks(anchor, interval, price, data):
    """From day to day the used part never falls, and the two parts are always the whole."""
    one = period(anchor, interval)
    sooner, later = sorted(data.draw(st.lists(st.integers(0, one.days), min_size=2, max_size=2)))
    first, second = one.start + timedelta(days=sooner), one.start + timedelta(days=later)
    assert 0 <= one.used(price, first) <= one.used(price, second) <= price
    assert one.used(price, first) + one.unused(price, first) == price


@given(DAYS, INTERVALS, PRICES, PRICES, st.data())
def test_a_dearer_plan_costs_more_on_any_day(anchor, interval, low, high, data):
    """Of two plans the one with the higher price never costs less for the same days."""
    one = period(anchor, interval)
    day = one.start + timedelta(days=data.draw(st.integers(0, one.days)))
    low, high = sorted((low, high))
    assert one.unused(low, day) <= one.unused(high, day)


def test_a_day_outside_has_no_share():
    """Asking what a period cost up to a day outside of it is a fault of the caller."""
    one = Period(date(2026, 11, 1), date(2026, 12, 1))
    with pytest.raises(ValueError, match="is not in the period from 2026-11-01 to 2026-12-01"):
        one.used(100, date(2026, 12, 2))
    with pytest.raises(ValueError, match="before the first period"):
        period_at(date(2026, 11, 1), "monthly", date(2026, 10, 31))


def test_days_are_those_of_utc():
    """A moment belongs to the UTC day, and days are written out for people."""
    assert day_of(1795132799.9) == date(2026, 11, 19)
    assert day_of(1795132800.0) == date(2026, 11, 20)
    assert format_day(date(2026, 5, 3)) == "3 May 2026"
