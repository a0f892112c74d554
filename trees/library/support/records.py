"""What the support desk knows, as frozen values: the rows of the store, and what is made of them.

Money is in minor units, moments are whole seconds since the epoch, days are those of UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date  # noqa: TC003 - tools return records, and pydantic reads their fields at run time
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "Cancellation",
    "Customer",
    "Direction",
    "Done",
    "Duplicate",
    "Facts",
    "Interval",
    "Origin",
    "Payment",
    "PaymentStatus",
    "Plan",
    "PlanChange",
    "Price",
    "Quote",
    "Refund",
    "Subscription",
    "SubscriptionStatus",
    "Wish",
    "all_of",
]

Direction: TypeAlias = Literal["upgrade", "downgrade", "interval"]
Interval: TypeAlias = Literal["monthly", "yearly"]
PaymentStatus: TypeAlias = Literal["captured", "failed"]
SubscriptionStatus: TypeAlias = Literal["active", "past_due", "canceled"]


@dataclass(frozen=True, slots=True)
class Origin:
    """On whose behalf an effect is written."""

    key: str
    """The effect's idempotency key."""
    request: str
    """The key of the request that it is a part of: the same however often the request is handled."""
    agent: str
    at: float
    """The moment, by the caller's clock."""


@dataclass(frozen=True, slots=True)
class Customer:
    """Someone who pays."""

    id: int
    name: str
    email: str
    city: str
    country: str
    since: date


@dataclass(frozen=True, slots=True)
class Plan:
    """What can be subscribed to. A higher `rank` is a bigger plan."""

    id: str
    rank: int
    seats: int
    """How many people may use it; the price covers them all."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a whole period of a plan costs."""

    plan: str
    interval: Interval
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Subscription:
    """A customer's plan, with the period that was charged last: `period_end` is the first day after it."""

    id: int
    customer: int
    plan: str
    interval: Interval
    currency: str
    seats: int
    status: SubscriptionStatus
    anchor: date
    """The day from which periods are counted: it gives the day of the month on which each begins."""
    period_start: date
    period_end: date
    ends_on: date | None
    """The first day without the subscription, where it was canceled."""

    def over(self, today: date) -> bool:
        """Tells whether it has ended by that day."""
        return self.status == "canceled" or (self.ends_on is not None and self.ends_on <= today)


@dataclass(frozen=True, slots=True)
class Payment:
    """One attempt to charge a card for one period of a subscription."""

    id: int
    customer: int
    subscription: int
    period_start: date
    period_end: date
    amount: int
    currency: str
    status: PaymentStatus
    captured_at: int
    """When it was captured; of a failed one, when it was tried."""
    description: str
    card: str
    """The card's last four digits."""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money given back for one payment. There is at most one for each."""

    id: int
    payment: int
    amount: int
    currency: str
    reason: str
    request: str
    """The stable key of the request that it was written for."""
    idempotency_key: str
    agent: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A charge that repeats the payment `original`."""

    payment: Payment
    original: int
    seconds_apart: int
    refund: Refund | None
    settled: bool
    """It was given back before, by another request than the one that asks."""


@dataclass(frozen=True, slots=True)
class Quote:
    """What a plan change would be. Money is in minor units of `currency`; a `net` below zero is a credit."""

    subscription: int
    direction: Direction
    from_plan: str
    to_plan: str
    from_interval: Interval
    to_interval: Interval
    effective_on: date
    period_start: date
    period_end: date
    credit: int
    charge: int
    net: int
    currency: str
    price: int
    """What each whole period costs from `period_end` on."""


@dataclass(frozen=True, slots=True)
class PlanChange:
    """A plan change that was made, with its invoice over `net`: `charge` less `credit`, what is owed."""

    id: int
    subscription: int
    direction: Direction
    from_plan: str
    to_plan: str
    from_interval: Interval
    to_interval: Interval
    effective_on: date
    period_end: date
    credit: int
    charge: int
    net: int
    currency: str
    price: int
    """What each whole period costs from `period_end` on."""
    idempotency_key: str
    agent: str
    created_at: int
    invoice: int


@dataclass(frozen=True, slots=True)
class Wish:
    """The plan change that a customer asks for. What is `None` was not said."""

    plan: str | None = None
    interval: Interval | None = None
    direction: Direction | None = None

    def granted_by(self, change: PlanChange) -> bool:
        """Tells whether that change is what was asked for."""
        return self.plan in {None, change.to_plan} and self.interval in {None, change.to_interval}


@dataclass(frozen=True, slots=True)
class Cancellation:
    """The end of a subscription, at once or with its period."""

    id: int
    subscription: int
    immediate: bool
    ends_on: date
    idempotency_key: str
    agent: str
    created_at: int


@dataclass(frozen=True, slots=True)
class Done:
    """What was written on behalf of one request."""

    refunds: tuple[Refund, ...] = ()
    changes: tuple[PlanChange, ...] = ()
    cancellations: tuple[Cancellation, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found in the books."""

    payments: tuple[Payment, ...] = ()
    refunds: tuple[Refund, ...] = ()
    prices: tuple[Price, ...] = ()
    quotes: tuple[Quote, ...] = ()


def all_of(*groups: Done | Facts) -> Iterator[Any]:
    """Yields every record that is in there."""
    for group in groups:
        for name in group.__slots__:
            yield from getattr(group, name)
