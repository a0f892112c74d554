"""All that is asked of the support database, and all that is written to it. `schema.sql` has the tables."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from .database import Database
from .records import (
    Cancellation,
    Customer,
    Done,
    Duplicate,
    Payment,
    Plan,
    PlanChange,
    Price,
    Refund,
    Subscription,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from .records import Origin

__all__ = ["Store"]

_TABLES: Final[dict[type, str]] = {
    Customer: "customers",
    Plan: "plans",
    Price: "prices",
    Subscription: "subscriptions",
    Payment: "payments",
}

_CHANGES: Final = """(
    SELECT plan_changes.*, invoices.id AS invoice
    FROM plan_changes JOIN invoices ON invoices.plan_change = plan_changes.id
)"""

_FOR_REQUEST: Final = "substr(idempotency_key, 1, length(?1) + 1) = ?1 || '/' ORDER BY id"
"""An effect's key begins with that of the request, and of every part of a request, that it was written for."""


class Store(Database):
    """The support database as methods: one a question, one a write. Writes belong inside `transaction()`."""

    # Customers, plans, subscriptions

    def customer(self, customer: int) -> Customer | None:
        """Returns the customer, if there is one of that id."""
        return self._one(Customer, "customers WHERE id = ?", customer)

    def plans(self) -> tuple[Plan, ...]:
        """Returns every plan, the smallest first."""
        return self._all(Plan, "plans ORDER BY rank")

    def price(self, plan: str, interval: str, currency: str) -> Price | None:
        """Returns what a period of the plan costs, if it is sold so."""
        source = "prices WHERE plan = ? AND interval = ? AND currency = ?"
        return self._one(Price, source, plan, interval, currency)

    def prices(self, plan: str, currency: str) -> tuple[Price, ...]:
        """Returns the plan's prices in that currency, the shortest interval first."""
        return self._all(Price, "prices WHERE plan = ? AND currency = ? ORDER BY interval", plan, currency)

    def subscription(self, subscription: int) -> Subscription | None:
        """Returns the subscription, if there is one of that id."""
        return self._one(Subscription, "subscriptions WHERE id = ?", subscription)

    def subscriptions(self, customer: int) -> tuple[Subscription, ...]:
        """Returns all subscriptions that the customer ever had, the oldest first."""
        return self._all(Subscription, "subscriptions WHERE customer = ? ORDER BY id", customer)

    def add(self, records: Iterable[Customer | Plan | Price | Subscription | Payment]) -> None:
        """Inserts records as they are, ids included."""
        for record in records:
            self._insert(_TABLES[type(record)], _columns(record))

    def put_subscription(self, subscription: Subscription) -> None:
        """Writes back everything about the subscription but its id and its customer."""
        row = _columns(subscription)
        sets = ", ".join(f"{name} = :{name}" for name in row if name not in {"id", "customer"})
        self._rows(f"UPDATE subscriptions SET {sets} WHERE id = :id", row)  # noqa: S608 - our own columns

    # Payments and refunds

    def payment(self, payment: int) -> Payment | None:
        """Returns the payment, if there is one of that id."""
        return self._one(Payment, "payments WHERE id = ?", payment)

    def payments(self, customer: int, limit: int) -> tuple[Payment, ...]:
        """Returns the customer's last payments, failed ones too, the newest first."""
        source = "payments WHERE customer = ? ORDER BY captured_at DESC, id DESC LIMIT ?"
        return self._all(Payment, source, customer, limit)

    def payment_of_period(self, subscription: int, period_start: date) -> Payment | None:
        """Returns the payment that was captured first for the period."""
        source = """payments WHERE subscription = ? AND period_start = ? AND status = 'captured'
                    ORDER BY captured_at, id LIMIT 1"""
        return self._one(Payment, source, subscription, period_start.isoformat())

    def duplicates(self, customer: int, within: int, request: str | None) -> tuple[Duplicate, ...]:
        """Returns the charges that repeat another one, in the order of their capture.

        Repeating means: captured, of equal amount and currency, for the same period of the same subscription,
        and within so many seconds of the charge before. Those that were given back are `settled`, unless
        `request` itself gave them back.
        """
        source = "payments WHERE customer = ? AND status = 'captured' ORDER BY captured_at, id"
        bursts = _bursts(self._all(Payment, source, customer), within)
        refunds = {refund.payment: refund for refund in self.refunds(customer)} if bursts else {}
        found = (duplicate for burst in bursts for duplicate in _repeated(burst, refunds, request))
        return tuple(sorted(found, key=lambda one: (one.payment.captured_at, one.payment.id)))

    def refunds(self, customer: int) -> tuple[Refund, ...]:
        """Returns all refunds of the customer's payments, the oldest first."""
        source = "refunds WHERE payment IN (SELECT id FROM payments WHERE customer = ?) ORDER BY id"
        return self._all(Refund, source, customer)

    def refund_of(self, payment: int) -> Refund | None:
        """Returns the payment's refund, if it was given back."""
        return self._one(Refund, "refunds WHERE payment = ?", payment)

    def refund_by_key(self, key: str) -> Refund | None:
        """Returns the refund that was written under that idempotency key."""
        return self._one(Refund, "refunds WHERE idempotency_key = ?", key)

    def done_for(self, request: str) -> Done:
        """Returns what was written on behalf of a request, or of its parts; `request` is its key."""
        return Done(
            self._all(Refund, f"refunds WHERE {_FOR_REQUEST}", request),
            self._all(PlanChange, f"{_CHANGES} WHERE {_FOR_REQUEST}", request),
            self._all(Cancellation, f"cancellations WHERE {_FOR_REQUEST}", request),
        )

    def add_refund(self, payment: Payment, amount: int, reason: str, origin: Origin) -> Refund:
        """Records that so much of the payment was given back."""
        copy = {"charged": payment.amount, "currency": payment.currency, "state": payment.status}
        row = {"payment": payment.id, "amount": amount, "reason": reason, "request": origin.request}
        number = self._insert("refunds", copy | row | _signed(origin))
        return self._the(Refund, "refunds WHERE id = ?", number)

    # Plan changes and cancellations

    def change_by_key(self, key: str) -> PlanChange | None:
        """Returns the plan change that was written under that idempotency key."""
        return self._one(PlanChange, f"{_CHANGES} WHERE idempotency_key = ?", key)

    def add_change(self, change: Mapping[str, Any], origin: Origin) -> PlanChange:
        """Records a plan change, by its table's columns, and its invoice."""
        number = self._insert("plan_changes", dict(change) | _signed(origin))
        invoice = {"plan_change": number, "amount": change["net"], "currency": change["currency"]}
        self._insert("invoices", invoice | {"created_at": int(origin.at)})
        return self._the(PlanChange, f"{_CHANGES} WHERE id = ?", number)

    def cancellation_by_key(self, key: str) -> Cancellation | None:
        """Returns the cancellation that was written under that idempotency key."""
        return self._one(Cancellation, "cancellations WHERE idempotency_key = ?", key)

    def add_cancellation(self, subscription: int, ends_on: date, *, immediate: bool, origin: Origin) -> Cancellation:
        """Records a cancellation."""
        row = {"subscription": subscription, "ends_on": ends_on, "immediate": immediate}
        number = self._insert("cancellations", row | _signed(origin))
        return self._the(Cancellation, "cancellations WHERE id = ?", number)


def _bursts(charges: Iterable[Payment], within: int) -> list[list[Payment]]:
    """Returns equal charges for one period, each within some seconds of the one before: two of them at least."""
    alike: dict[tuple[Any, ...], list[list[Payment]]] = {}
    for charge in charges:
        bursts = alike.setdefault((charge.subscription, charge.period_start, charge.amount, charge.currency), [[]])
        if bursts[-1] and charge.captured_at - bursts[-1][-1].captured_at > within:
            bursts.append([])
        bursts[-1].append(charge)
    return [burst for bursts in alike.values() for burst in bursts if len(burst) > 1]


def _repeated(burst: list[Payment], refunds: Mapping[int, Refund], request: str | None) -> Iterator[Duplicate]:
    """Yields the charges of a burst that repeat its rightful one.

    That is the first that was not given back, or, where all were, the first that somebody else gave back. What
    `request` gave back itself is never the rightful one, and not settled: a request that is handled again sees
    what it saw before.
    """

    def standing(charge: Payment) -> int:
        refund = refunds.get(charge.id)
        return 0 if refund is None else 1 if refund.request != request else 2

    rightful, *others = sorted(burst, key=standing)
    for one in others:
        apart = abs(one.captured_at - rightful.captured_at)
        yield Duplicate(one, rightful.id, apart, refunds.get(one.id), standing(one) == 1)


def _columns(record: Any) -> dict[str, Any]:
    return {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}


def _signed(origin: Origin) -> dict[str, Any]:
    return {"idempotency_key": origin.key, "agent": origin.agent, "created_at": int(origin.at)}
