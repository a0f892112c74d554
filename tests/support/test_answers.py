"""Sentences for customers: what they say, and what they leave out."""

from datetime import date

import pytest

from treeward.trees.library.support import answers, catalogue, payments
from treeward.trees.library.support.records import Wish

TODAY = date(2026, 11, 20)


def test_a_duplicate_is_told_with_moment_card_and_refund(store, origin):
    """What was charged, when, how soon again, on which card; and what came back under which number."""
    found = payments.find_duplicates(store, 1001)
    refund = payments.refund(store, found[0].payment.id, "charged twice", origin())
    said = answers.charged_twice(found, [refund])
    card = found[0].payment.card
    assert said.startswith(
        "You are right. $49.00 for Team plan, 11 November 2026 to 10 December 2026 was charged on 11 "
    )
    assert f"again 9 seconds later (payment 70016, card ending in {card})." in said
    assert said.endswith(f"I have refunded $49.00 (refund {refund.id}).")


def test_nothing_charged_twice_is_told_as_that(store):
    """Nothing at all, or something that came back before."""
    assert "you were not charged twice" in answers.not_charged_twice(payments.find_duplicates(store, 1002))
    before = answers.not_charged_twice(payments.find_duplicates(store, 1003))
    assert before.startswith("You were charged twice, and that has been put right: $49.00 was refunded on ")


@pytest.mark.parametrize(
    ("customer", "wish", "said"),
    [
        (1001, Wish("enterprise"), "To go from team (monthly) to enterprise (monthly) today would cost $315.00 until"),
        (1002, Wish("pro", "yearly"), "to pro (yearly) today would cost $1,400.60 until 19 November 2027"),
        (1004, Wish("pro"), "today would leave you a credit of €2,621.92 until"),
    ],
)
def test_a_quote_is_told_with_its_sum_and_its_price(store, customer, wish, said):
    """What it costs now or leaves as a credit, until when, and what it costs from then on."""
    if customer == 1004:
        store._rows("UPDATE subscriptions SET seats = 40 WHERE customer = :id", {"id": 1004})
    assert said in answers.quoted(catalogue.quote(store, customer, wish, TODAY))


def test_a_downgrade_is_called_one(store, origin):
    """And its credit goes to the next bill."""
    catalogue.change_plan(store, 1013, Wish("enterprise"), origin())
    said = answers.plan_changed(catalogue.change_plan(store, 1013, Wish("pro"), origin()))
    assert "you are on the pro plan, billed monthly, which is a downgrade." in said
    assert "£252.00 is credited to your next bill" in said


@pytest.mark.parametrize(
    ("immediate", "said"),
    [
        (False, "Your subscription is canceled, and ends on 8 December 2026. You will not be charged again."),
        (True, "has ended today, 20 November 2026."),
    ],
)
def test_a_cancellation_is_told_with_its_day(store, origin, immediate, said):
    """At once, or with the period."""
    assert said in answers.canceled(catalogue.cancel(store, 1002, origin(), immediate=immediate))


def test_charges_are_told_with_what_became_of_them(store, origin):
    """Refunded ones, failed ones, none at all, and the next one."""
    assert "of which $49.00 was refunded on" in answers.charges(payments.list_charges(store, 1003))
    assert ", which failed" in answers.charges(payments.list_charges(store, 1009))
    assert answers.charges([]) == "There are no charges on your account."
    assert answers.next_charge(catalogue.current(store, 1002, TODAY)) == "The next charge is due on 8 December 2026."
    catalogue.cancel(store, 1002, origin())
    assert "no further charge" in answers.next_charge(catalogue.current(store, 1002, TODAY))


def test_plans_are_told_with_prices_and_people(store):
    """All of them, or those that were named."""
    listed = catalogue.plan_list(store, 1002)
    assert "- basic: $9.00 a month or $90.00 a year, for 1 person." in answers.prices(listed)
    pro = "- pro: $149.00 a month or $1,490.00 a year, for up to 50 people."
    assert answers.prices(listed, ["pro"]) == f"The plan:\n{pro}"


def test_one_answer_says_nothing_twice():
    """Parts stand on lines of their own, empty and equal ones once."""
    assert answers.combined(["a", "", "b", "a"]) == "a\nb"


def test_a_person_is_promised_only_with_a_case():
    """Without one nobody will answer, and the customer is told so."""
    assert answers.left_to_a_person("hello", "case-3") == "A colleague will get back to you about “hello” (case-3)."
    assert answers.left_to_a_person("hello", None).endswith("please ask again later.")


def test_what_became_of_a_request_is_not_guessed():
    """Neither done nor not done is claimed of what came to no end."""
    said = answers.unknown("hello", "case-3")
    assert said.startswith("Something went wrong on our side, and I cannot say what has become of “hello”.")
    assert said.endswith("(case-3).")


def test_what_is_open_is_told_as_open(store, origin):
    """A duplicate that has not come back; a subscription as it is, canceled or not."""
    open_ones = payments.find_duplicates(store, 1001)
    assert answers.not_yet_refunded(open_ones).endswith("That has not been refunded so far.")
    said = answers.not_changed(catalogue.current(store, 1001, TODAY))
    assert said.startswith("Nothing has been changed so far: you are on the team plan, billed monthly. The next charge")
    catalogue.cancel(store, 1001, origin())
    assert "your plan ends on" in answers.not_changed(catalogue.current(store, 1001, TODAY))
