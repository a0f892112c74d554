"""Plans and their changes: what a change costs to the day, and making it once.

A change takes effect on the day that it is made, which counts as a day of the new plan. With the same
interval the billing period stays: the customer is credited the unused days of the old plan and charged the
same days of the new one. With another interval a new period begins that day: the unused days are credited,
and the new period is charged whole. This is the proration of Stripe,
https://docs.stripe.com/billing/subscriptions/prorations, by days instead of seconds; `Period.used` has the
rounding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from .errors import KeyReused, Refused
from .payments import customer_of
from .periods import Period, day_of, format_day, period, period_at
from .records import Quote

if TYPE_CHECKING:
    from datetime import date

    from .records import (
        Cancellation,
        Direction,
        Origin,
        Plan,
        PlanChange,
        Price,
        Subscription,
        Wish,
    )
    from .store import Store

__all__ = ["cancel", "change_plan", "current", "plan_list", "quote"]

_CHANGE_COLUMNS: Final = (
    "subscription",
    "direction",
    "from_plan",
    "to_plan",
    "from_interval",
    "to_interval",
    "effective_on",
    "period_end",
    "credit",
    "charge",
    "net",
    "currency",
    "price",
)


def plan_list(store: Store, customer: int) -> tuple[tuple[Plan, tuple[Price, ...]], ...]:
    """Returns every plan with its prices in the customer's currency, the smallest plan first."""
    customer_of(store, customer)
    subscriptions = store.subscriptions(customer)
    currency = subscriptions[-1].currency if subscriptions else "USD"
    return tuple((plan, store.prices(plan.id, currency)) for plan in store.plans())


def current(store: Store, customer: int, today: date) -> Subscription:
    """Returns the customer's one running subscription, in the period that `today` is in.

    A subscription whose recorded period has run out goes on by its billing cycle. Raises `Refused`
    (`unknown_customer`, `no_subscription`, or `several_subscriptions`, since choosing one would be a guess).
    """
    customer_of(store, customer)
    every = store.subscriptions(customer)
    running = [subscription for subscription in every if not subscription.over(today)]
    if not running:
        ended = "Your subscription has ended already." if every else "You have no subscription."
        raise Refused("no_subscription", ended)
    if len(running) > 1:
        plans = " and ".join(f"{one.plan} (number {one.id})" for one in running)
        raise Refused("several_subscriptions", f"You have several subscriptions: {plans}. Which one do you mean?")
    return _renewed(running[0], today)


def quote(store: Store, customer: int, wish: Wish, today: date) -> Quote:
    """Returns what a change of the customer's subscription would cost today.

    Raises `Refused` as `current` does, and for `which_plan` (the wish names neither plan nor interval),
    `unknown_plan`, `same_plan`, `other_direction`, `past_due`, `ends_soon` (canceled, but not over yet) and
    `too_many_seats`.
    """
    old = current(store, customer, today)
    _check_standing(old)
    new = replace(old, plan=_plan_of(store, old, wish), interval=wish.interval or old.interval)
    direction = _direction(store, old, new, wish)
    was = Period(old.period_start, old.period_end)
    becomes = was if new.interval == old.interval else period(today, new.interval)
    credit = was.unused(_price(store, old), today)
    charge = becomes.unused(_price(store, new), today)
    return Quote(
        subscription=old.id,
        direction=direction,
        from_plan=old.plan,
        to_plan=new.plan,
        from_interval=old.interval,
        to_interval=new.interval,
        effective_on=today,
        period_start=becomes.start,
        period_end=becomes.end,
        credit=credit,
        charge=charge,
        net=charge - credit,
        currency=old.currency,
        price=_price(store, new),
    )


def change_plan(store: Store, customer: int, wish: Wish, origin: Origin) -> PlanChange:
    """Changes the customer's plan, billing interval or both as of today. Does it once for each key.

    The same key gets the change that is recorded already; with another wish it is `KeyReused`. Raises
    `Refused` as `quote` does.
    """
    with store.transaction():
        recorded = store.change_by_key(origin.key)
        if recorded is None:
            today = day_of(origin.at)
            offer = quote(store, customer, wish, today)
            return _change(store, current(store, customer, today), offer, origin)
    if not wish.granted_by(recorded):
        raise KeyReused(origin.key, f"{recorded.to_plan}, {recorded.to_interval}", f"{wish.plan}, {wish.interval}")
    return recorded


def cancel(store: Store, customer: int, origin: Origin, *, immediate: bool = False) -> Cancellation:
    """Ends the customer's subscription with its period, or today if `immediate`. Once for each key.

    Today is then its first day without. The same key gets the cancellation that is recorded already; the
    other kind of end is `KeyReused`. Raises `Refused` as `current` does, and `ends_soon` if it was canceled
    before.
    """
    with store.transaction():
        recorded = store.cancellation_by_key(origin.key)
        if recorded is None:
            return _cancel(store, current(store, customer, day_of(origin.at)), origin, immediate=immediate)
    if recorded.immediate is not immediate:
        raise KeyReused(origin.key, f"a cancellation on {recorded.ends_on}", "another kind of end")
    return recorded


def _renewed(subscription: Subscription, today: date) -> Subscription:
    if today < subscription.period_end:
        return subscription
    now = period_at(subscription.anchor, subscription.interval, today)
    return replace(subscription, period_start=now.start, period_end=now.end)


def _check_standing(subscription: Subscription) -> None:
    if subscription.status == "past_due":
        sentence = f"The last charge for your {subscription.plan} plan failed; it has to be settled before a change."
        raise Refused("past_due", sentence)
    if subscription.ends_on is not None:
        day = format_day(subscription.ends_on)
        raise Refused("ends_soon", f"Your {subscription.plan} plan is canceled and ends on {day}.")


def _plan_of(store: Store, old: Subscription, wish: Wish) -> str:
    if wish.plan is None and wish.interval is not None:
        return old.plan
    plans = [plan.id for plan in store.plans()]
    if wish.plan is None:
        others = ", ".join(plan for plan in plans if plan != old.plan)
        raise Refused("which_plan", f"You are on the {old.plan} plan. Which would you like instead: {others}?")
    if wish.plan not in plans:
        raise Refused("unknown_plan", f"There is no plan called {wish.plan}; there are {', '.join(plans)}.")
    return wish.plan


def _direction(store: Store, old: Subscription, new: Subscription, wish: Wish) -> Direction:
    if (old.plan, old.interval) == (new.plan, new.interval):
        raise Refused("same_plan", f"You are on the {new.plan} plan already, billed {new.interval}.")
    plans = {plan.id: plan for plan in store.plans()}
    if new.seats > plans[new.plan].seats:
        room = "one person" if plans[new.plan].seats == 1 else f"{plans[new.plan].seats} people"
        sentence = f"The {new.plan} plan is for {room} at most, and {new.seats} use yours."
        raise Refused("too_many_seats", sentence)
    up, same = plans[new.plan].rank > plans[old.plan].rank, new.plan == old.plan
    direction: Direction = "interval" if same else "upgrade" if up else "downgrade"
    if not same and wish.direction not in {None, direction}:
        step = "an upgrade" if up else "a downgrade"
        sentence = f"From the {old.plan} plan to the {new.plan} plan is {step}, not the {wish.direction}"
        raise Refused("other_direction", f"{sentence} that you asked for. Which plan do you mean?")
    return direction


def _price(store: Store, subscription: Subscription) -> int:
    found = store.price(subscription.plan, subscription.interval, subscription.currency)
    if found is None:
        raise LookupError(f"no price for {subscription}")
    return found.amount


def _change(store: Store, subscription: Subscription, quote: Quote, origin: Origin) -> PlanChange:
    new = replace(subscription, plan=quote.to_plan, interval=quote.to_interval)
    anchor = subscription.anchor if quote.from_interval == quote.to_interval else quote.effective_on
    store.put_subscription(replace(new, anchor=anchor, period_start=quote.period_start, period_end=quote.period_end))
    return store.add_change({name: getattr(quote, name) for name in _CHANGE_COLUMNS}, origin)


def _cancel(store: Store, subscription: Subscription, origin: Origin, *, immediate: bool) -> Cancellation:
    if subscription.ends_on is not None and not immediate:
        day = format_day(subscription.ends_on)
        raise Refused("ends_soon", f"Your {subscription.plan} plan is canceled already and ends on {day}.")
    ends_on = day_of(origin.at) if immediate else subscription.period_end
    status = "canceled" if immediate else subscription.status
    store.put_subscription(replace(subscription, status=status, ends_on=ends_on))
    return store.add_cancellation(subscription.id, ends_on, immediate=immediate, origin=origin)
