"""Charges and refunds: what was charged twice is found by query, and given back once."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from .errors import KeyReused, Refused
from .money import format_money
from .periods import Period, day_of, format_day
from .records import Facts

if TYPE_CHECKING:
    from .records import Customer, Duplicate, Origin, Payment, Refund
    from .store import Store

__all__ = [
    "CHARGED_TWICE",
    "COOLING_OFF",
    "WITHIN",
    "customer_of",
    "find_duplicates",
    "list_charges",
    "refund",
    "refund_duplicate",
    "refund_unused",
]

CHARGED_TWICE: Final = "charged twice"
"""Why a refund was given."""
WITHIN: Final = 300
"""Equal charges for one period that are at most so many seconds apart are one charge made twice."""
COOLING_OFF: Final = timedelta(days=14)
"""So long after a charge, the unused days of a subscription that was canceled at once are given back."""


def customer_of(store: Store, customer: int) -> Customer:
    """Returns the customer of that id, or raises `Refused` (`unknown_customer`)."""
    found = store.customer(customer)
    if found is None:
        raise Refused("unknown_customer", f"There is no customer with the number {customer}.")
    return found


def find_duplicates(
    store: Store, customer: int, *, request: str | None = None, within: int = WITHIN
) -> tuple[Duplicate, ...]:
    """Returns the charges of the customer that repeat another charge.

    Repeating means: captured, equal in amount and currency, for the same period of the same subscription, and
    at most `within` seconds after the one before. One of them, the first that was not given back, is
    rightful. Those that were given back are `settled`, but not by `request` itself: it finds what it found
    the first time.
    """
    customer_of(store, customer)
    return store.duplicates(customer, within, request)


def list_charges(store: Store, customer: int, limit: int = 6) -> tuple[tuple[Payment, Refund | None], ...]:
    """Returns the customer's last payments, the newest first, each with its refund if there is one."""
    customer_of(store, customer)
    refunds = {refund.payment: refund for refund in store.refunds(customer)}
    return tuple((payment, refunds.get(payment.id)) for payment in store.payments(customer, limit))


def refund(store: Store, payment: int, reason: str, origin: Origin, amount: int | None = None) -> Refund:
    """Gives a payment back, whole or in part, and returns the refund. Does it once for each key.

    The same key gets the refund that is recorded already. Another key for the same payment is
    `Refused` (`already_refunded`), and so are a failed payment (`not_captured`), one that there is not
    (`unknown_payment`), and an `amount`, in minor units, that is no part of it (`bad_amount`). The same
    key with another amount or payment is `KeyReused`.
    """
    with store.transaction():
        return _recorded(store, payment, reason, origin, amount)


def refund_duplicate(store: Store, customer: int, payment: int, origin: Origin) -> Refund:
    """Gives back, whole, a charge that repeats another one of the customer's; as `refund` does.

    Whoever asks for it may be mistaken about that: any other charge is `Refused` (`no_duplicate`).
    """
    with store.transaction():
        if store.refund_by_key(origin.key) is None:
            _refundable(store, payment)
            found = find_duplicates(store, customer, request=origin.request)
            if payment not in {one.payment.id for one in found if not one.settled}:
                raise Refused("no_duplicate", f"Payment {payment} does not repeat another charge of yours.")
        return _recorded(store, payment, CHARGED_TWICE, origin)


def refund_unused(store: Store, customer: int, origin: Origin) -> Refund:
    """Gives back the unused days of a subscription that was canceled at once, and returns the refund.

    That is for the last payment of a subscription that ended within its period and was paid at most
    `COOLING_OFF` ago. Raises `Refused` (`nothing_unused`) where there is none.
    """
    for subscription in reversed(store.subscriptions(customer)):
        payment = store.payment_of_period(subscription.id, subscription.period_start)
        ended = subscription.ends_on
        if subscription.status != "canceled" or ended is None or payment is None:
            continue
        period = Period(subscription.period_start, subscription.period_end)
        if ended in period and day_of(payment.captured_at) + COOLING_OFF >= ended:
            return refund(store, payment.id, "canceled", origin, period.unused(payment.amount, ended))
    days = COOLING_OFF.days
    raise Refused("nothing_unused", f"No subscription was ended within {days} days of its last payment.")


def _recorded(store: Store, payment: int, reason: str, origin: Origin, amount: int | None = None) -> Refund:
    """Returns the refund that is recorded under the key; one is, if none was. Within a transaction."""
    recorded = store.refund_by_key(origin.key)
    if recorded is None:
        found = _refundable(store, payment)
        recorded = store.add_refund(found, _part_of(found, amount), reason, origin)
    if recorded.payment != payment or amount not in {None, recorded.amount}:
        first, now = (recorded.payment, recorded.amount), (payment, amount)
        raise KeyReused(origin.key, f"the refund of (payment, amount) {first}", f"{now}")
    return recorded


def _refundable(store: Store, payment: int) -> Payment:
    found, before = store.payment(payment), store.refund_of(payment)
    if found is None:
        raise Refused("unknown_payment", f"There is no payment with the number {payment}.")
    if found.status != "captured":
        sentence = f"Payment {payment} failed, so there is no money to give back."
        raise Refused("not_captured", sentence, Facts((found,)))
    if before is not None:
        money, day = format_money(before.amount, before.currency), format_day(day_of(before.created_at))
        sentence = f"Payment {payment} was refunded before: {money} on {day}."
        raise Refused("already_refunded", sentence, Facts((found,), (before,)))
    return found


def _part_of(payment: Payment, amount: int | None) -> int:
    if amount is None:
        return payment.amount
    if not 0 < amount <= payment.amount:
        wanted, paid = format_money(amount, payment.currency), format_money(payment.amount, payment.currency)
        raise Refused("bad_amount", f"{wanted} is no part of payment {payment.id}, which was {paid}.")
    return amount
