"""Sentences for customers, made of what was found and done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from .money import format_money
from .periods import day_of, format_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .records import (
        Cancellation,
        Duplicate,
        Payment,
        Plan,
        PlanChange,
        Price,
        Quote,
        Refund,
        Subscription,
    )

__all__ = [
    "NOT_PASSED_ON",
    "canceled",
    "charged_twice",
    "charges",
    "closed_by_a_person",
    "combined",
    "from_a_person",
    "left_to_a_person",
    "next_charge",
    "not_changed",
    "not_charged_twice",
    "not_yet_refunded",
    "nothing_refunded",
    "plan_changed",
    "prices",
    "quoted",
    "refund_undecided",
    "refunded",
    "unknown",
    "unused_refunded",
]

NOT_PASSED_ON = "I could not pass"
"""How the sentence begins that says to a customer that no person was told."""

_EACH = {"monthly": "a month", "yearly": "a year"}


def charged_twice(found: Sequence[Duplicate], refunds: Sequence[Refund]) -> str:
    """Says what was charged twice, and what came back for it."""
    lines = [_repeated(duplicate) for duplicate in found]
    return " ".join(["You are right.", *lines, refunded(refunds)])


def refunded(refunds: Sequence[Refund]) -> str:
    """Says what has been given back."""
    numbers = ", ".join(str(refund.id) for refund in refunds)
    total = format_money(sum(refund.amount for refund in refunds), refunds[0].currency)
    noun = "refund" if len(refunds) == 1 else "refunds"
    return f"I have refunded {total} ({noun} {numbers})."


def not_yet_refunded(found: Sequence[Duplicate]) -> str:
    """Says what was charged twice and has not come back."""
    return " ".join([*map(_repeated, found), "That has not been refunded so far."])


def not_charged_twice(settled: Sequence[Duplicate]) -> str:
    """Says that nothing is to be given back: nothing was charged twice, or it came back already."""
    refunds = [duplicate.refund for duplicate in settled if duplicate.refund]
    if not refunds:
        return "I have checked your payments: you were not charged twice, so there is nothing to refund."
    last = refunds[-1]
    day = format_day(day_of(last.created_at))
    return (
        f"You were charged twice, and that has been put right: {_amount(last)} was refunded on {day} "
        f"(refund {last.id}). There is no other duplicate charge."
    )


def unused_refunded(refund: Refund) -> str:
    """Says that the unused days of an ended subscription came back."""
    return f"For the unused days of your subscription I have refunded {_amount(refund)} (refund {refund.id})."


def refund_undecided() -> str:
    """Says why a refund is not given at once."""
    return "You were not charged twice, and your subscription was not just ended: I may not refund this myself."


def nothing_refunded() -> str:
    """Says that no money has come back, and nothing of why."""
    return "Nothing has been refunded so far."


def charges(listed: Sequence[tuple[Payment, Refund | None]]) -> str:
    """Lists charges, the newest first."""
    if not listed:
        return "There are no charges on your account."
    return "\n".join(["Your last charges:", *(f"- {_charge(payment, refund)}" for payment, refund in listed)])


def next_charge(subscription: Subscription) -> str:
    """Says when the next charge is due, or that there is none."""
    if subscription.ends_on is not None:
        return f"There will be no further charge: your plan ends on {format_day(subscription.ends_on)}."
    return f"The next charge is due on {format_day(subscription.period_end)}."


def plan_changed(change: PlanChange) -> str:
    """Says what the plan is now, what the change costs, and how that comes about."""
    day, until = format_day(change.effective_on), format_day(change.period_end - timedelta(days=1))
    smaller = ", which is a downgrade" if change.direction == "downgrade" else ""
    now = f"As of {day} you are on the {change.to_plan} plan, billed {change.to_interval}{smaller}."
    charge, credit = (
        format_money(change.charge, change.currency),
        format_money(change.credit, change.currency),
    )
    days = (change.period_end - change.effective_on).days
    unused = f"less {credit} for the unused days of the {change.from_plan} plan"
    net = format_money(abs(change.net), change.currency)
    due = f"{net} is due on invoice {change.invoice}" if change.net >= 0 else f"{net} is credited to your next bill"
    price = f"{format_money(change.price, change.currency)} {_EACH[change.to_interval]}"
    cost = f"The {days} days until {until} cost {charge}, {unused}: {due}."
    return f"{now} {cost} From {format_day(change.period_end)} on it is {price}."


def not_changed(subscription: Subscription) -> str:
    """Says that all is as it was."""
    now = f"you are on the {subscription.plan} plan, billed {subscription.interval}"
    return f"Nothing has been changed so far: {now}. {next_charge(subscription)}"


def quoted(quote: Quote) -> str:
    """Says what a plan change would cost today."""
    net = format_money(abs(quote.net), quote.currency)
    price = f"{format_money(quote.price, quote.currency)} {_EACH[quote.to_interval]}"
    cost = f"cost {net}" if quote.net >= 0 else f"leave you a credit of {net}"
    until = format_day(quote.period_end - timedelta(days=1))
    return (
        f"To go from {quote.from_plan} ({quote.from_interval}) to {quote.to_plan} ({quote.to_interval}) "
        f"today would {cost} until {until}, and then {price}. Tell me to change it, and I will."
    )


def prices(listed: Iterable[tuple[Plan, Sequence[Price]]], named: Sequence[str] = ()) -> str:
    """Lists what plans cost: those named, or all."""
    lines = [f"- {_plan(plan, costs)}" for plan, costs in listed if not named or plan.id in named]
    return "\n".join(["Our plans:" if len(lines) > 1 else "The plan:", *lines])


def canceled(cancellation: Cancellation) -> str:
    """Says when a subscription ends."""
    day = format_day(cancellation.ends_on)
    if cancellation.immediate:
        return f"Your subscription is canceled and has ended today, {day}. You will not be charged again."
    return f"Your subscription is canceled, and ends on {day}. You will not be charged again."


def left_to_a_person(text: str, case: str | None) -> str:
    """Says that a person will answer; nobody will where there is no case."""
    if case is None:
        return f"{NOT_PASSED_ON} \u201c{text}\u201d on to a colleague: please ask again later."
    return f"A colleague will get back to you about \u201c{text}\u201d ({case})."


def from_a_person(words: str) -> str:
    """Passes on what a person has answered, as that person's words."""
    return f"A colleague answers: \u201c{words}\u201d."


def closed_by_a_person(text: str) -> str:
    """Says that a person has seen it, and that no more is to come."""
    return f"A colleague has looked into \u201c{text}\u201d, and there will be no further answer."


def unknown(text: str, case: str | None) -> str:
    """Says that it is not known what has become of something: it may have been done."""
    lost = f"Something went wrong on our side, and I cannot say what has become of \u201c{text}\u201d."
    return f"{lost} {left_to_a_person(text, case)}"


def combined(sentences: Iterable[str]) -> str:
    """Returns one answer, each part of it on lines of its own."""
    return "\n".join(dict.fromkeys(sentence for sentence in sentences if sentence))


def _repeated(duplicate: Duplicate) -> str:
    payment = duplicate.payment
    moment = datetime.fromtimestamp(payment.captured_at - duplicate.seconds_apart, UTC)
    return (
        f"{_amount(payment)} for {payment.description} was charged on {format_day(moment.date())} at "
        f"{moment:%H:%M:%S} UTC, and again {duplicate.seconds_apart} seconds later (payment {payment.id}, "
        f"card ending in {payment.card})."
    )


def _charge(payment: Payment, refund: Refund | None) -> str:
    day, outcome = format_day(day_of(payment.captured_at)), ""
    if payment.status == "failed":
        outcome = ", which failed"
    elif refund is not None:
        outcome = f", of which {_amount(refund)} was refunded on {format_day(day_of(refund.created_at))}"
    return f"{day}: {_amount(payment)} for {payment.description} (payment {payment.id}){outcome}."


def _plan(plan: Plan, costs: Sequence[Price]) -> str:
    people = "1 person" if plan.seats == 1 else f"up to {plan.seats:,} people"
    each = " or ".join(f"{_amount(cost)} {_EACH[cost.interval]}" for cost in costs)
    return f"{plan.id}: {each}, for {people}."


def _amount(priced: Payment | Refund | Price) -> str:
    return format_money(priced.amount, priced.currency)
