"""What an answer claims, held against records: by themselves, and against the books."""

from dataclasses import replace
from datetime import date

import pytest
from pydantic import ValidationError

from treeward.trees.library.support import answers, catalogue, payments
from treeward.trees.library.support.audit import Books
from treeward.trees.library.support.claims import concealed, denied, unfounded
from treeward.trees.library.support.errors import Refused
from treeward.trees.library.support.people import WELL_KNOWN
from treeward.trees.library.support.records import (
    Cancellation,
    Done,
    Facts,
    Payment,
    PlanChange,
    Price,
    Refund,
    Wish,
)
from treeward.trees.library.support.schemas import Report

TODAY = date(2026, 11, 20)
PAYMENT = Payment(7, 1, 1, TODAY, date(2026, 12, 20), 4900, "USD", "captured", 0, "Team plan", "1234")
REFUND = Refund(3, 7, 4900, "USD", "charged twice", "k", "k/a", "billing", 0)
OTHER = Refund(4, 8, 1250, "USD", "charged twice", "k", "k/b", "billing", 0)
END = Cancellation(1, 1, True, TODAY, "k/c", "sales", 0)
CHANGE = PlanChange(
    id=1,
    subscription=1,
    direction="upgrade",
    from_plan="team",
    to_plan="pro",
    from_interval="monthly",
    to_interval="monthly",
    effective_on=TODAY,
    period_end=date(2026, 12, 20),
    credit=4900,
    charge=14900,
    net=10000,
    currency="USD",
    price=14900,
    idempotency_key="k/d",
    agent="sales",
    created_at=0,
    invoice=5,
)
CREDITED = replace(CHANGE, direction="downgrade", net=-10000, credit=14900, charge=4900, price=4900)
NOTHING = Done()


# --- what an answer denies ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "done", "faults"),
    [
        ("Nothing has been refunded so far.", NOTHING, []),
        ("Nothing has been refunded so far.", Done(refunds=(REFUND,)), ["it denies a refund"]),
        (
            "It was charged twice (payment 7). That has not been refunded so far.",
            Done(refunds=(REFUND,)),
            ["it denies a refund"],
        ),
        ("You were not charged twice.", Done(refunds=(REFUND,)), ["it denies a refund"]),
        ("There is nothing to refund.", Done(refunds=(REFUND,)), ["it denies a refund"]),
        ("I have refunded $49.00 (refund 3). Payment 8 has not been refunded so far.", Done(refunds=(REFUND,)), []),
        (
            "I have refunded $49.00 (refund 3). Payment 8 has not been refunded so far.",
            Done(refunds=(REFUND, OTHER)),
            ["it denies a refund"],
        ),
        ("You wrote \u201cNothing has been refunded so far\u201d. I have refunded it.", Done(refunds=(REFUND,)), []),
        ("Nothing has been changed so far.", NOTHING, []),
        ("Nothing has been changed so far.", Done(changes=(CHANGE,)), ["it denies a change"]),
        ("Nothing has been changed so far.", Done(cancellations=(END,)), ["it denies a change"]),
    ],
)
def test_what_was_done_is_not_denied(text, done, faults):
    """Of what was done, no answer says that it was not; of the rest it may."""
    assert list(denied(text, done)) == faults


# --- an answer against its own records ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "done", "known", "faults"),
    [
        ("Hello.", NOTHING, Facts(), []),
        ("I have refunded $49.00 (refund 3).", Done((REFUND,)), Facts(), []),
        ("I have refunded $61.50 (refunds 3, 4).", Done((REFUND, OTHER)), Facts(), []),
        ("I have refunded $49.00 (refund 3).", NOTHING, Facts(refunds=(REFUND,)), ["refunds"]),
        ("I have refunded $48.00 (refund 3).", Done((REFUND,)), Facts(), ["$48.00"]),
        ("I have refunded $49.00 (refund 4).", Done((REFUND,)), Facts(), ["refund 4"]),
        ("I have refunded $49.00 (refunds 3, 4).", Done((REFUND,)), Facts(), ["refund 4"]),
        ("Payment 7 was $49.00.", NOTHING, Facts(payments=(PAYMENT,)), []),
        ("Payment 8 was $49.00.", NOTHING, Facts(payments=(PAYMENT,)), ["payment 8"]),
        ("It is ¥1,300, or $13.", NOTHING, Facts(prices=(Price("basic", "monthly", "JPY", 1300),)), ["$13"]),
        ("As of 20 November 2026 you are on the pro plan.", NOTHING, Facts(), ["changes"]),
        ("As of 20 November 2026 you are on the pro plan.", Done(changes=(CHANGE,)), Facts(), []),
        ("Due are $100.00 on invoice 5.", Done(changes=(CHANGE,)), Facts(), []),
        ("Due are $100.00 on invoice 6.", Done(changes=(CHANGE,)), Facts(), ["invoice 6"]),
        ("Your subscription is canceled.", NOTHING, Facts(), ["cancellations"]),
        ("Your subscription is canceled.", Done(cancellations=(END,)), Facts(), []),
        ("A colleague will see to “give me my $500 of payment 9” (case-1).", NOTHING, Facts(), []),
        ("“He said ”$500“” and $600.", NOTHING, Facts(), ["$600"]),
    ],
)
def test_what_is_claimed_without_ground(text, done, known, faults):
    """Amounts, numbers and deeds that no record has; what the customer said claims nothing."""
    found = list(unfounded(text, done, known))
    assert len(found) == len(faults)
    assert all(fault in one for fault, one in zip(faults, found, strict=True))


@pytest.mark.parametrize(
    ("text", "done", "told", "faults"),
    [
        ("Hello.", NOTHING, Facts(), []),
        ("I have refunded $49.00 (refund 3).", Done((REFUND,)), Facts(), []),
        ("Hello.", Done((REFUND,)), Facts(), ["$49.00 came back", "refund 3"]),
        ("“I have refunded $49.00 (refund 3).”", Done((REFUND,)), Facts(), ["$49.00 came back", "refund 3"]),
        ("I have refunded $49.00 (refund 3).", Done((REFUND, OTHER)), Facts(), ["$61.50 came back", "refund 4"]),
        ("Hello.", NOTHING, Facts((PAYMENT,)), ["payment 7"]),
        (
            "Hello.",
            NOTHING,
            Facts(refunds=(REFUND,), prices=(Price("basic", "monthly", "JPY", 1300),)),
            ["refund 3", "¥1,300"],
        ),
        ("$100.00 are due on invoice 5, then $149.00.", Done(changes=(CHANGE,)), Facts(), []),
        ("$100.00 are due, then $149.00.", Done(changes=(CHANGE,)), Facts(), ["invoice 5"]),
        ("Then it is $149.00, on invoice 5.", Done(changes=(CHANGE,)), Facts(), ["$100.00"]),
        ("$100.00 are credited, then $49.00.", Done(changes=(CREDITED,)), Facts(), []),
        ("It ended on 20 November 2026.", Done(cancellations=(END,)), Facts(), []),
        ("It ended.", Done(cancellations=(END,)), Facts(), ["20 November 2026"]),
    ],
)
def test_what_is_concealed(text, done, told, faults):
    """Deeds, and what the answer is about, that it does not name."""
    found = list(concealed(text, done, told))
    assert len(found) == len(faults)
    assert all(fault in one for fault, one in zip(faults, found, strict=True))


def test_a_report_that_does_not_hold_is_not_valid():
    """The model says what is wrong, all of it."""
    with pytest.raises(ValidationError, match=r"there is no refund 9; it does not say that \$49.00 came back"):
        Report(answer="See refund 9.", customer_id=1, done=Done((REFUND,)))
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Report(answer="Hello.", customer_id=1, refund=1)


def test_a_report_is_the_same_after_its_way_through_json():
    """What is empty is left out, and comes back as empty."""
    report = Report(answer="I have refunded $49.00 (refund 3).", customer_id=1, done=Done((REFUND,)))
    assert report.plain().keys() == {"answer", "customer_id", "done"}
    assert Report.model_validate(report.plain()) == report


# --- an answer against the books ----------------------------------------------------------------------


@pytest.fixture
def books(store):
    """Opens the books of one customer, for one request."""

    def opened(customer=1001, request="k"):
        return Books(store, customer, request, TODAY)

    return opened


@pytest.fixture
def refunded(store, origin):
    """Has the second charge of customer 1001 given back, for the request `k`; returns the refund."""
    found = payments.find_duplicates(store, 1001)[0]
    return payments.refund(store, found.payment.id, "charged twice", origin("k/billing/refund", "k/billing"))


def report(text, customer=1001, **more):
    return Report.model_construct(answer=text, customer_id=customer, **more)


def test_a_report_has_to_say_what_was_done(books, refunded):
    """No more, no less, and nothing else: the whole record is compared."""
    said = answers.refunded([refunded])
    assert list(books().faults_of_report(report(said, done=Done((refunded,))))) == []
    for done in (Done(), Done((replace(refunded, amount=4500),)), Done((refunded, replace(refunded, id=99)))):
        assert "the books say" in next(books().faults_of_report(report(said, done=done)))
    assert "it says that refunds" in next(books(request="other").faults_of_report(report(said, done=Done((refunded,)))))


def test_a_report_has_to_know_what_is_known(store, books):
    """Another customer's payment, an older amount, another day's quote are nobody's facts."""
    own, others = store.payments(1001, 1)[0], store.payments(1002, 1)[0]
    quote = catalogue.quote(store, 1001, Wish("pro"), TODAY)
    price = store.price("pro", "monthly", "USD")
    good = Facts((own,), prices=(price,), quotes=(quote,))
    assert list(books().faults_of_report(report("Hello.", told=good))) == []
    for bad in (
        Facts((others,)),
        Facts((replace(own, amount=1),)),
        Facts(prices=(replace(price, amount=1),)),
        Facts(quotes=(replace(quote, net=1),)),
    ):
        assert "customer 1001 has no" in next(books().faults_of_report(report("Hello.", known=bad)))


@pytest.mark.parametrize(
    ("customer", "text", "fault"),
    [
        (1001, "You were not charged twice, so there is nothing to refund.", "has not come back"),
        (1002, "You were not charged twice, so there is nothing to refund.", ""),
        (1003, "There is no other duplicate charge.", ""),
        (1001, "Nothing has been changed so far: you are on the team plan, billed monthly.", ""),
        (1001, "You are on the pro plan already, billed monthly.", "not on the pro plan"),
        (1001, "Our plan is $149.00 a month.", ""),
        (1001, "Our plan is €139.00 a month.", "€139.00"),
        (1001, "I have refunded $49.00 (refund 1).", "refund"),
        (7, "There is no customer with the number 7.", ""),
        ("Ada", "Our plan is $149.00 a month.", "$149.00"),
    ],
)
def test_words_are_held_against_the_books(books, customer, text, fault):
    """What is said of the customer has to be so, and what it costs the customer's own price."""
    told = "; ".join(books(customer).faults_of_text(text))
    assert (fault in told) if fault else told == ""


def test_a_text_may_leave_out_what_it_leaves_to_a_person(books, refunded):
    """Else it names each refund, with its amount."""
    assert list(books().faults_of_text(answers.refunded([refunded]))) == []
    assert any("came back" in fault for fault in books().faults_of_text("Hello."))
    assert list(books().faults_of_text("A colleague will get back to you (case-1).")) == []


CUSTOMERS = [person.id for person in WELL_KNOWN]


@pytest.mark.parametrize("customer", CUSTOMERS)
def test_what_is_said_of_charges_stands(store, origin, books, customer):
    """Of those that are listed, repeated, and given back."""
    found = payments.find_duplicates(store, customer)
    said = [answers.charges(payments.list_charges(store, customer)), answers.not_yet_refunded(found) if found else ""]
    assert list(books(customer).faults_of_text(answers.combined(said))) == []
    still = [one for one in found if not one.settled]
    if not still:
        assert list(books(customer).faults_of_text(answers.not_charged_twice(found))) == []
        return
    refunds = [payments.refund(store, one.payment.id, "charged twice", origin(f"k/{one.payment.id}")) for one in still]
    text, told = answers.charged_twice(still, refunds), Facts(tuple(one.payment for one in still))
    assert list(books(customer).faults_of_report(report(text, done=Done(tuple(refunds)), told=told))) == []
    assert list(books(customer).faults_of_text(text)) == []
    assert list(concealed(text, Done(tuple(refunds)), told)) == []


@pytest.mark.parametrize("plan", ["basic", "team", "pro", "enterprise"])
@pytest.mark.parametrize("customer", CUSTOMERS)
def test_what_is_said_of_plans_stands(store, origin, books, customer, plan):
    """Of prices, of what a change would cost, of the change, and of why there is none."""
    assert list(books(customer).faults_of_text(answers.prices(catalogue.plan_list(store, customer)))) == []
    try:
        offer = answers.quoted(catalogue.quote(store, customer, Wish(plan), TODAY))
    except Refused as refusal:
        offer = str(refusal)
    assert list(books(customer).faults_of_text(offer)) == []
    if offer.startswith("To go from"):
        done = Done(changes=(catalogue.change_plan(store, customer, Wish(plan), origin("k/change")),))
        text = answers.plan_changed(done.changes[0])
        assert list(books(customer).faults_of_report(report(text, customer, done=done))) == []
        assert [*books(customer).faults_of_text(text), *concealed(text, done, Facts())] == []
