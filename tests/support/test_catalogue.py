"""Plans: quotes prorated to the day, changes made once, and what is refused."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeward.runtime.entropy import Entropy
from treeward.trees.library.support import catalogue
from treeward.trees.library.support.errors import KeyReused, Refused
from treeward.trees.library.support.records import Customer, Origin, Subscription, Wish
from treeward.trees.library.support.seed import PLANS, PRICES, open_store
from treeward.trees.library.support.store import Store

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC).timestamp()
TODAY = date(2026, 11, 20)
LATER = NOW + timedelta(days=100).total_seconds()
AMOUNT = {(price.plan, price.interval, price.currency): price.amount for price in PRICES}


def subscribed(store, plan="team", interval="monthly", **changes):
    """Gives customer 1 a subscription from 31 January 2026 on, and nothing else."""
    fields = {
        "id": 1,
        "customer": 1,
        "plan": plan,
        "interval": interval,
        "currency": "USD",
        "seats": 1,
        "status": "active",
        "anchor": date(2026, 1, 31),
        "period_start": date(2026, 1, 31),
        "period_end": date(2026, 2, 28) if interval == "monthly" else date(2027, 1, 31),
        "ends_on": None,
    }
    records = [Customer(1, "Ada", "ada@example.com", "Bonn", "DE", date(2026, 1, 31)), Subscription(**fields | changes)]
    store.create(lambda: store.add([*PLANS, *PRICES, *records]))
    return store


@pytest.fixture
def books(tmp_path):
    """Makes books with one subscription, as `subscribed` does."""
    stores = []

    def made(*given, **changes):
        stores.append(Store(tmp_path / f"{len(stores)}.db"))
        return subscribed(stores[-1], *given, **changes)

    yield made
    for store in stores:
        store.close()


# --- quotes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "wish", "today", "sums", "end"),
    [
        # the period of 28 days from 31 January to 28 February; 28, 14 and 1 days are left
        ("team", Wish("enterprise"), date(2026, 1, 31), (4900, 49900), date(2026, 2, 28)),
        ("team", Wish("enterprise"), date(2026, 2, 14), (2450, 24950), date(2026, 2, 28)),
        ("team", Wish("enterprise"), date(2026, 2, 27), (175, 1782), date(2026, 2, 28)),
        # the next one has 31 days, and the one after it 30: the anchor's day comes back
        ("team", Wish("pro"), date(2026, 2, 28), (4900, 14900), date(2026, 3, 31)),
        ("team", Wish("pro"), date(2026, 3, 30), (158, 481), date(2026, 3, 31)),
        ("team", Wish("pro"), date(2026, 3, 31), (4900, 14900), date(2026, 4, 30)),
        ("team", Wish("pro"), date(2026, 4, 15), (2450, 7450), date(2026, 4, 30)),
        # a downgrade leaves a credit
        ("enterprise", Wish("team"), date(2026, 4, 15), (24950, 2450), date(2026, 4, 30)),
        # another interval begins a new period today
        ("team", Wish(None, "yearly"), date(2026, 4, 15), (2450, 49000), date(2027, 4, 15)),
        ("team", Wish("pro", "yearly"), date(2026, 4, 15), (2450, 149000), date(2027, 4, 15)),
    ],
)
def test_a_change_is_prorated_to_the_day(books, plan, wish, today, sums, end):
    """Unused days of the old plan are credited, the same days of the new one are charged."""
    quote = catalogue.quote(books(plan), 1, wish, today)
    assert (quote.credit, quote.charge) == sums
    assert quote.net == quote.charge - quote.credit
    assert (quote.effective_on, quote.period_end) == (today, end)
    assert quote.price == AMOUNT[quote.to_plan, quote.to_interval, "USD"]


@pytest.mark.parametrize(
    ("today", "credit", "charge"),
    [
        (date(2026, 1, 31), 49000, 4900),
        (date(2026, 8, 1), 24567, 4900),  # 183 of 365 days are left
        (date(2027, 1, 30), 134, 4900),
        (date(2028, 2, 29), 45117, 4900),  # 337 of the 366 days of a leap year
    ],
)
def test_a_year_is_left_for_months_with_its_unused_days(books, today, credit, charge):
    """From yearly to monthly, the rest of the year is credited, and a first month is charged."""
    quote = catalogue.quote(books("team", "yearly"), 1, Wish(None, "monthly"), today)
    assert (quote.credit, quote.charge) == (credit, charge)
    assert (quote.period_start, quote.direction) == (today, "interval")


@given(
    st.sampled_from(["monthly", "yearly"]),
    st.sampled_from([plan.id for plan in PLANS]),
    st.sampled_from([plan.id for plan in PLANS]),
    st.integers(0, 1500),
)
@settings(max_examples=60)
def test_there_and_back_costs_nothing(interval, one, other, days):
    """On any day, credits and charges are parts of their prices, and the way back that day returns the money."""
    if one == other:
        return
    today = date(2026, 1, 31) + timedelta(days=days)
    with TemporaryDirectory() as folder:
        store = subscribed(Store(Path(folder) / "there.db"), one, interval)
        there = catalogue.quote(store, 1, Wish(other), today)
        origin = Origin("k", "k", "sales", datetime(today.year, today.month, today.day, tzinfo=UTC).timestamp())
        catalogue.change_plan(store, 1, Wish(other), origin)
        back = catalogue.quote(store, 1, Wish(one), today)
        store.close()
    assert 0 < there.credit <= AMOUNT[one, interval, "USD"]
    assert 0 < there.charge <= AMOUNT[other, interval, "USD"]
    assert (there.net > 0) is (there.direction == "upgrade")
    assert there.net + back.net == 0


# --- changes ----------------------------------------------------------------------------------------


def test_a_change_takes_effect_and_leaves_an_invoice(store, origin):
    """The subscription has its new plan, in its old period; the invoice is over what is owed."""
    change = catalogue.change_plan(store, 1001, Wish("enterprise", None, "upgrade"), origin("k"))
    assert (change.from_plan, change.to_plan, change.direction) == ("team", "enterprise", "upgrade")
    assert (change.credit, change.charge, change.net) == (3430, 34930, 31500)  # 21 of 30 days
    assert store._number("SELECT amount FROM invoices") == 31500
    (subscription,) = store.subscriptions(1001)
    assert (subscription.plan, subscription.period_end) == ("enterprise", date(2026, 12, 11))


def test_the_same_key_gives_the_recorded_change(store, origin):
    """However often it comes, also weeks later, when the sum would be another one."""
    first = catalogue.change_plan(store, 1001, Wish("enterprise"), origin("k"))
    for at in (NOW, NOW + 3600, LATER):
        assert catalogue.change_plan(store, 1001, Wish("enterprise"), origin("k", at=at)) == first
    assert store._number("SELECT count(*) FROM plan_changes") == store._number("SELECT count(*) FROM invoices") == 1


def test_a_key_stands_for_one_change(store, origin):
    """The same key with another wish is a fault of the caller, and changes nothing."""
    catalogue.change_plan(store, 1001, Wish("enterprise"), origin("k"))
    with pytest.raises(KeyReused):
        catalogue.change_plan(store, 1001, Wish("basic"), origin("k"))
    with pytest.raises(KeyReused):
        catalogue.change_plan(store, 1001, Wish("enterprise", "yearly"), origin("k"))
    assert store.subscriptions(1001)[0].plan == "enterprise"


def test_another_interval_moves_the_anchor(store, origin):
    """From then on, periods are counted from the day of the change."""
    catalogue.change_plan(store, 1001, Wish(None, "yearly"), origin())
    (subscription,) = store.subscriptions(1001)
    assert (subscription.anchor, subscription.period_start, subscription.period_end) == (
        TODAY,
        TODAY,
        date(2027, 11, 20),
    )


def test_a_subscription_goes_on_when_its_recorded_period_is_over(store):
    """Months after the last run of the program, today's period is the one that the billing cycle gives."""
    later = catalogue.current(store, 1001, date(2027, 3, 1))
    assert (later.period_start, later.period_end) == (date(2027, 2, 11), date(2027, 3, 11))


@pytest.mark.parametrize(
    ("customer", "wish", "rule", "words"),
    [
        (1004, Wish("enterprise"), "same_plan", "You are on the enterprise plan already, billed yearly."),
        (1002, Wish("pro", "monthly"), "same_plan", "You are on the pro plan already, billed monthly."),
        (1002, Wish(None, "monthly"), "same_plan", "You are on the pro plan already, billed monthly."),
        (1002, Wish("gold"), "unknown_plan", "There is no plan called gold; there are basic, team, pro, enterprise."),
        (1002, Wish(), "which_plan", "Which would you like instead: basic, team, enterprise?"),
        (1002, Wish("team"), "too_many_seats", "The team plan is for 10 people at most, and 22 use yours."),
        (1012, Wish("basic"), "too_many_seats", "The basic plan is for one person at most, and 3 use yours."),
        (1013, Wish("enterprise", None, "downgrade"), "other_direction", "is an upgrade, not the downgrade"),
        (1009, Wish("pro"), "past_due", "The last charge for your team plan failed"),
        (1010, Wish("team"), "no_subscription", "Your subscription has ended already."),
        (1005, Wish("team"), "several_subscriptions", "You have several subscriptions"),
        (7, Wish("team"), "unknown_customer", "There is no customer with the number 7."),
    ],
)
def test_what_makes_no_sense_is_refused_in_words(store, origin, customer, wish, rule, words):
    """Nothing is changed, and the customer is told why."""
    before = store.subscriptions(customer)
    for ask in (catalogue.change_plan, lambda *given: catalogue.quote(*given[:3], TODAY)):
        with pytest.raises(Refused, match=words.split("?")[0]) as refusal:
            ask(store, customer, wish, origin())
        assert refusal.value.rule == rule
    assert store.subscriptions(customer) == before


def test_a_downgrade_is_allowed_and_leaves_a_credit(store, origin):
    """From enterprise to pro, the customer is owed money."""
    catalogue.change_plan(store, 1013, Wish("enterprise"), origin())
    change = catalogue.change_plan(store, 1013, Wish("pro", None, "downgrade"), origin())
    assert (change.direction, change.net) == ("downgrade", -25200)


def test_plans_are_listed_in_the_customers_currency(store):
    """The smallest first, each by the month and by the year."""
    listed = catalogue.plan_list(store, 1012)
    assert [plan.id for plan, _ in listed] == ["basic", "team", "pro", "enterprise"]
    assert {price.currency for _, prices in listed for price in prices} == {"JPY"}
    assert [[price.interval for price in prices] for _, prices in listed] == [["monthly", "yearly"]] * 4


# --- cancellations ----------------------------------------------------------------------------------


def test_a_cancellation_ends_with_its_period(store, origin):
    """The plan goes on until then, and is over on that day."""
    done = catalogue.cancel(store, 1002, origin("k"))
    assert (done.ends_on, done.immediate) == (date(2026, 12, 8), False)
    assert catalogue.current(store, 1002, date(2026, 12, 7)).ends_on == date(2026, 12, 8)
    with pytest.raises(Refused, match="has ended already"):
        catalogue.current(store, 1002, date(2026, 12, 8))
    with pytest.raises(Refused, match="is canceled and ends on 8 December 2026"):
        catalogue.quote(store, 1002, Wish("enterprise"), TODAY)


def test_a_cancellation_at_once_ends_today(store, origin):
    """Today is its first day without."""
    done = catalogue.cancel(store, 1002, origin(), immediate=True)
    assert (done.ends_on, store.subscriptions(1002)[0].status) == (TODAY, "canceled")
    with pytest.raises(Refused, match="has ended already"):
        catalogue.current(store, 1002, TODAY)


def test_the_same_key_cancels_once(store, origin):
    """The recorded cancellation comes back; the other kind of end is a fault of the caller."""
    first = catalogue.cancel(store, 1002, origin("k"))
    assert catalogue.cancel(store, 1002, origin("k", at=LATER)) == first
    with pytest.raises(KeyReused):
        catalogue.cancel(store, 1002, origin("k"), immediate=True)


def test_what_is_canceled_can_still_be_ended_at_once(store, origin):
    """A second cancellation with the period is refused; one at once brings the end forward."""
    catalogue.cancel(store, 1002, origin())
    with pytest.raises(Refused, match="is canceled already and ends on"):
        catalogue.cancel(store, 1002, origin())
    assert catalogue.cancel(store, 1002, origin(), immediate=True).ends_on == TODAY


def test_the_books_of_a_running_system_stay_open_to_another(open_books, origin):
    """What one connection has changed, the other one sees."""
    one, other = open_books(), open_books()
    catalogue.change_plan(one, 1001, Wish("enterprise"), origin())
    with pytest.raises(Refused, match="already"):
        catalogue.change_plan(other, 1001, Wish("enterprise"), origin())
    assert open_store(one.path, now=NOW, rng=Entropy(1).stream("support")).close() is None
