"""A support database made at first run: plans, some two hundred customers, and years of their payments.

Everything is drawn from the given random source and dated back from the given moment, so the same two make
the same database.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from itertools import count, takewhile
from typing import TYPE_CHECKING, Final

from .payments import CHARGED_TWICE
from .people import WELL_KNOWN, crowd
from .periods import add_months, day_of, format_day, period
from .records import Customer, Origin, Payment, Plan, Price, Subscription
from .store import Store

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path
    from random import Random

    from .people import Life, Person
    from .periods import Period
    from .records import PaymentStatus

__all__ = ["PLANS", "PRICES", "open_store"]

PLANS: Final = (Plan("basic", 1, 1), Plan("team", 2, 10), Plan("pro", 3, 50), Plan("enterprise", 4, 1000))
_MONTHLY: Final = {
    "basic": {"USD": 900, "EUR": 900, "GBP": 800, "JPY": 1300},
    "team": {"USD": 4900, "EUR": 4500, "GBP": 3900, "JPY": 7200},
    "pro": {"USD": 14900, "EUR": 13900, "GBP": 11900, "JPY": 22000},
    "enterprise": {"USD": 49900, "EUR": 46900, "GBP": 39900, "JPY": 74000},
}
PRICES: Final = tuple(
    price
    for plan, prices in _MONTHLY.items()
    for currency, amount in prices.items()
    for price in (Price(plan, "monthly", currency, amount), Price(plan, "yearly", currency, amount * 10))
)
"""A year costs ten months."""
_AMOUNT: Final = {(price.plan, price.interval, price.currency): price.amount for price in PRICES}

_HOUR: Final = 3600
_DAY: Final = 24 * _HOUR


def open_store(path: Path, *, now: float, rng: Random) -> Store:
    """Opens the support database at `path`, and makes it first if there is none.

    It is made in one transaction: two processes may begin at once, and one that dies on the way leaves
    nothing. Raises `StoreUnusable` for a file that is something else.
    """
    store = Store(path)
    try:
        store.create(lambda: _fill(store, now, rng))
    except BaseException:
        store.close()
        raise
    return store


def _fill(store: Store, now: float, rng: Random) -> None:
    book = _Book(int(now), rng)
    for person in (*WELL_KNOWN, *crowd(rng)):
        book.enter(person)
    store.add([*PLANS, *PRICES, *book.customers, *book.subscriptions])
    store.add(book.payments)
    for payment, origin in book.given_back:
        store.add_refund(payment, payment.amount, CHARGED_TWICE, origin)


class _Book:
    """What has been made up so far."""

    def __init__(self, now: int, rng: Random) -> None:
        self.now = now
        self.today = day_of(now)
        self.rng = rng
        self.customers: list[Customer] = []
        self.subscriptions: list[Subscription] = []
        self.payments: list[Payment] = []
        self.given_back: list[tuple[Payment, Origin]] = []

    def enter(self, person: Person) -> None:
        """Makes the customer, what was subscribed to, and what was paid."""
        times = self._periods(person.life)
        since = times[0].start - timedelta(days=self.rng.randrange(20))
        self.customers.append(Customer(person.id, person.name, person.email, person.city, person.country, since))
        card = f"{self.rng.randrange(10_000):04d}"
        hour = self.rng.randrange(5 * _HOUR, 21 * _HOUR)
        for extra in range(2 if person.life.story == "two_subscriptions" else 1):
            self._subscribe(person, times, card, hour + 11 * extra)

    def _periods(self, life: Life) -> list[Period]:
        """Returns the periods up to today's; for who canceled, up to the last one that was paid."""
        step = 12 if life.interval == "yearly" else 1
        anchor = add_months(self.today - timedelta(days=life.into), -(life.months - life.months % step))
        every = (period(anchor, life.interval, number) for number in count())
        begun = list(takewhile(lambda one: one.start <= self.today, every))
        if life.story != "canceled":
            return begun
        return begun[: -1 if life.interval == "yearly" else -4]

    def _subscribe(self, person: Person, times: list[Period], card: str, second: int) -> None:
        life, last = person.life, times[-1]
        canceled = life.story == "canceled"
        subscription = Subscription(
            id=5001 + len(self.subscriptions),
            customer=person.id,
            plan=life.plan,
            interval=life.interval,
            currency=life.currency,
            seats=life.seats,
            status="canceled" if canceled else "past_due" if life.story == "past_due" else "active",
            anchor=times[0].start,
            period_start=last.start,
            period_end=last.end,
            ends_on=last.end if canceled else None,
        )
        self.subscriptions.append(subscription)
        for one in times[:-1]:
            late = life.story == "two_periods" and one is times[-2]
            self._pay(
                subscription,
                one,
                card,
                (_moment(last.start, second) - 60) if late else _moment(one.start, second),
            )
        self._pay_last(life, replace(subscription), card, _moment(last.start, second))

    def _pay_last(self, life: Life, subscription: Subscription, card: str, at: int) -> None:
        """Pays the last period, as the story has it."""
        at = min(at, self.now - _HOUR)
        last = period(subscription.period_start, subscription.interval)
        last = replace(last, end=subscription.period_end)
        if life.story == "past_due":
            for day in range(0, life.into, 3):
                self._pay(subscription, last, card, at + day * _DAY, "failed")
            return
        if life.story == "failed_first":
            self._pay(subscription, last, card, at - 14, "failed")
        self._pay(subscription, last, card, at)
        again = {"twice": (9,), "refunded": (7,), "thrice": (6, 15)}.get(life.story, ())
        for seconds in again:
            self._pay(subscription, last, card, at + seconds)
        if life.story == "refunded":
            self._give_back(self.payments[-1])

    def _pay(
        self, subscription: Subscription, paid: Period, card: str, at: int, status: PaymentStatus = "captured"
    ) -> None:
        last_day = format_day(paid.end - timedelta(days=1))
        self.payments.append(
            Payment(
                id=70001 + len(self.payments),
                customer=subscription.customer,
                subscription=subscription.id,
                period_start=paid.start,
                period_end=paid.end,
                amount=_AMOUNT[subscription.plan, subscription.interval, subscription.currency],
                currency=subscription.currency,
                status=status,
                captured_at=at,
                description=f"{subscription.plan.title()} plan, {format_day(paid.start)} to {last_day}",
                card=card,
            )
        )

    def _give_back(self, payment: Payment) -> None:
        at = min(payment.captured_at + self.rng.randrange(_DAY, 3 * _DAY), self.now - 60)
        self.given_back.append((payment, Origin(f"past/{payment.id}", "past", "a person at the desk", at)))


def _moment(day: date, second: int) -> int:
    return int(datetime.combine(day, time(), UTC).timestamp()) + second
