"""Billing periods as days: where each begins and ends, and what a part of one costs.

A period begins at midnight UTC and reaches up to, and without, the day on which the next one begins. Periods
are counted from an anchor day, month by month or year by year; where a month has no such day, its last one
stands in for it, and the next period goes back to the anchor's day (31 January, 28 February, 31 March). These
are the rules of Stripe's billing cycle anchor, https://docs.stripe.com/billing/subscriptions/billing-cycle.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .records import Interval

__all__ = ["Period", "add_months", "day_of", "format_day", "period", "period_at"]

_MONTHS: Final[dict[Interval, int]] = {"monthly": 1, "yearly": 12}


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `start` up to, and without, `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        """How many days it has: 28 to 31, or 365 or 366."""
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end

    def used(self, price: int, today: date) -> int:
        """Returns the part of its price that the days before `today` cost.

        Days cost the same, and their sum is rounded, half upwards, to a whole minor unit: so the days of a
        period cost its price exactly, none costs less than zero, and two parts cost what they cost together.
        """
        days = (today - self.start).days
        if not 0 <= days <= self.days:
            raise ValueError(f"{today} is not in the period from {self.start} to {self.end}")
        return (2 * price * days + self.days) // (2 * self.days)

    def unused(self, price: int, today: date) -> int:
        """Returns the part of its price that `today` and the days after it cost."""
        return price - self.used(price, today)


def day_of(moment: float) -> date:
    """Returns the day, in UTC, of a moment in seconds since the epoch."""
    return datetime.fromtimestamp(moment, UTC).date()


def format_day(day: date) -> str:
    """Returns a day for people: `3 May 2026`."""
    return f"{day.day} {calendar.month_name[day.month]} {day.year}"


def add_months(day: date, months: int) -> date:
    """Returns the same day so many months later (earlier, if below zero), or that month's last day."""
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def period(anchor: date, interval: Interval, number: int = 0) -> Period:
    """Returns the period of that number, counted from the anchor day."""
    step = _MONTHS[interval]
    return Period(add_months(anchor, number * step), add_months(anchor, (number + 1) * step))


def period_at(anchor: date, interval: Interval, day: date) -> Period:
    """Returns the period with that day in it. A day before the anchor is a `ValueError`."""
    if day < anchor:
        raise ValueError(f"{day} is before the first period, which begins on {anchor}")
    months = (day.year - anchor.year) * 12 + day.month - anchor.month
    found = period(anchor, interval, months // _MONTHS[interval])
    return found if found.start <= day else period(anchor, interval, months // _MONTHS[interval] - 1)
