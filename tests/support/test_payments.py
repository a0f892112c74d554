"""Charges and refunds: what was charged twice is found by query, and given back once."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from treeward.trees.library.support import catalogue, payments
from treeward.trees.library.support.errors import KeyReused, Refused
from treeward.trees.library.support.records import Customer, Origin, Payment, Plan, Price, Subscription
from treeward.trees.library.support.store import Store

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC).timestamp()
NOON = int(datetime(2026, 11, 1, 12, tzinfo=UTC).timestamp())
NOVEMBER, DECEMBER, JANUARY = date(2026, 11, 1), date(2026, 12, 1), date(2027, 1, 1)


def found(store, customer, **given):
    return [(one.payment.id, one.original, one.settled) for one in payments.find_duplicates(store, customer, **given)]


def charge(number, seconds=0, **changes):
    """A charge of $49 for November, so many seconds after noon."""
    fields = {
        "id": number,
        "customer": 1,
        "subscription": 1,
        "period_start": NOVEMBER,
        "period_end": DECEMBER,
        "amount": 4900,
        "currency": "USD",
        "status": "captured",
        "captured_at": NOON + seconds,
        "description": "Team plan",
        "card": "4242",
    }
    return Payment(**fields | changes)


@pytest.fixture
def ledger(tmp_path):
    """Makes books of one customer with the given charges, and nothing else."""
    stores = []

    def with_charges(*charges):
        store = Store(tmp_path / f"{len(stores)}.db")
        stores.append(store)
        store.create(lambda: fill(store, charges))
        return store

    yield with_charges
    for store in stores:
        store.close()


def fill(store, charges):
    prices = [Price("team", "monthly", currency, 4900) for currency in ("USD", "EUR")]
    store.add([Plan("team", 1, 10), *prices, Customer(1, "Ada", "ada@example.com", "Bonn", "DE", NOVEMBER)])
    for number in (1, 2):
        dates = (NOVEMBER, NOVEMBER, DECEMBER, None)
        store.add([Subscription(number, 1, "team", "monthly", "USD", 1, "active", *dates)])
    store.add(charges)


# --- what is a duplicate ----------------------------------------------------------------------------

DECEMBERS = {"period_start": DECEMBER, "period_end": JANUARY}


@pytest.mark.parametrize(
    ("charges", "duplicates"),
    [
        ([], []),
        ([charge(1)], []),
        ([charge(1), charge(2, 9)], [(2, 1)]),
        ([charge(1), charge(2, 0)], [(2, 1)]),  # in the same second
        ([charge(1), charge(2, 300)], [(2, 1)]),  # on the limit
        ([charge(1), charge(2, 301)], []),  # just past it
        ([charge(1, 9), charge(2)], [(1, 2)]),  # the later one, whatever its number
        ([charge(1), charge(2, 6), charge(3, 15)], [(2, 1), (3, 1)]),
        ([charge(1), charge(2, 299), charge(3, 598)], [(2, 1), (3, 1)]),  # one after the other
        ([charge(1), charge(2, 9), charge(3, 9000), charge(4, 9009)], [(2, 1), (4, 3)]),
        ([charge(1), charge(2, 9, amount=4901)], []),
        ([charge(1), charge(2, 9, currency="EUR")], []),
        ([charge(1), charge(2, 9, subscription=2)], []),
        ([charge(1), charge(2, 9, **DECEMBERS)], []),
        ([charge(1), charge(2, 9, status="failed")], []),
        ([charge(1, status="failed"), charge(2, 9)], []),
        ([charge(1, status="failed"), charge(2, 9), charge(3, 18)], [(3, 2)]),
    ],
)
def test_what_counts_as_charged_twice(ledger, charges, duplicates):
    """Captured, equal in amount and currency, for one period of one subscription, seconds apart: nothing less."""
    assert [one[:2] for one in found(ledger(*charges), 1)] == duplicates


def test_the_number_of_seconds_can_be_set(ledger):
    """How far apart they may be is the caller's to say."""
    store = ledger(charge(1), charge(2, 9))
    assert found(store, 1, within=8) == []
    assert len(found(store, 1, within=9)) == 1


@pytest.mark.parametrize(
    ("refunded", "open_ones"),
    [((2,), [3]), ((3,), [2]), ((1,), [3]), ((1, 2), []), ((2, 3), []), ((1, 2, 3), [])],
)
def test_of_equal_charges_one_is_always_rightful(ledger, origin, refunded, open_ones):
    """Whichever of three were given back, what is still open is all but one of the rest."""
    store = ledger(charge(1), charge(2, 6), charge(3, 15))
    for payment in refunded:
        payments.refund(store, payment, "charged twice", origin())
    assert [number for number, _, settled in found(store, 1) if not settled] == open_ones


def test_a_request_sees_again_what_it_gave_back_itself(ledger, origin):
    """Handled again after a crash, it finds the same duplicates; for every other request they are settled."""
    store = ledger(charge(1), charge(2, 9))
    payments.refund(store, 2, "charged twice", origin("k", "mine"))
    assert found(store, 1, request="mine") == [(2, 1, False)]
    assert found(store, 1, request="other") == found(store, 1) == [(2, 1, True)]


@pytest.mark.parametrize(
    ("customer", "open_ones", "settled"),
    [
        (1001, 1, 0),
        (1002, 0, 0),
        (1003, 0, 1),
        (1004, 0, 0),
        (1005, 0, 0),
        (1006, 0, 0),
        (1007, 0, 0),
        (1008, 1, 0),
        (1009, 0, 0),
        (1010, 0, 0),
        (1011, 2, 0),
        (1012, 0, 0),
        (1013, 0, 0),
    ],
)
def test_the_well_known_customers_are_what_is_said_of_them(store, customer, open_ones, settled):
    """Each has as many open and settled duplicates as the table of well-known customers says."""
    duplicates = payments.find_duplicates(store, customer)
    assert sum(not one.settled for one in duplicates) == open_ones
    assert sum(one.settled for one in duplicates) == settled


def test_some_of_the_crowd_were_charged_twice_too(store):
    """The well-known customers are not the only ones."""
    crowd = range(1101, 1288)
    assert 3 < sum(bool(payments.find_duplicates(store, customer)) for customer in crowd) < 30


# --- giving back ------------------------------------------------------------------------------------


def test_a_refund_is_the_whole_payment_unless_less_is_asked(ledger, origin):
    """It carries its reason, its request, its agent and its moment."""
    store = ledger(charge(1), charge(2))
    whole = payments.refund(store, 1, "charged twice", origin("k1", "r1"))
    assert (whole.payment, whole.amount, whole.currency, whole.reason) == (1, 4900, "USD", "charged twice")
    assert (whole.idempotency_key, whole.request, whole.agent, whole.created_at) == ("k1", "r1", "billing", int(NOW))
    assert payments.refund(store, 2, "unused", origin(), 1234).amount == 1234


def test_the_same_key_gives_the_recorded_refund(ledger, origin):
    """However often it comes, and however late: one refund."""
    store = ledger(charge(1))
    first = payments.refund(store, 1, "charged twice", origin("k"))
    again = [payments.refund(store, 1, "charged twice", origin("k", at=NOW + later)) for later in (0, 60, 10**6)]
    assert again == [first] * 3
    assert store.refunds(1) == (first,)


@pytest.mark.parametrize(
    ("payment", "amount", "rule", "words"),
    [
        (1, None, "already_refunded", "Payment 1 was refunded before: $49.00 on 20 November 2026."),
        (2, None, "not_captured", "Payment 2 failed, so there is no money to give back."),
        (9, None, "unknown_payment", "There is no payment with the number 9."),
        (3, 4901, "bad_amount", "$49.01 is no part of payment 3, which was $49.00."),
        (3, 0, "bad_amount", "$0.00 is no part of payment 3, which was $49.00."),
        (3, -1, "bad_amount", "-$0.01 is no part of payment 3, which was $49.00."),
    ],
)
def test_what_must_not_be_given_back_is_refused_in_words(ledger, origin, payment, amount, rule, words):
    """Another request for what was given back, failed charges, unknown ones, and impossible amounts."""
    store = ledger(charge(1), charge(2, status="failed"), charge(3, 1000))
    payments.refund(store, 1, "charged twice", origin())
    with pytest.raises(Refused) as refusal:
        payments.refund(store, payment, "charged twice", origin(), amount)
    assert (refusal.value.rule, str(refusal.value)) == (rule, words)
    assert len(store.refunds(1)) == 1


@pytest.mark.parametrize(("payment", "amount"), [(2, None), (1, 100)])
def test_a_key_stands_for_one_refund(ledger, origin, payment, amount):
    """The same key for another payment or amount is a fault of the caller, and writes nothing."""
    store = ledger(charge(1), charge(2))
    payments.refund(store, 1, "charged twice", origin("k"))
    with pytest.raises(KeyReused, match="idempotency key 'k' stands for"):
        payments.refund(store, payment, "charged twice", origin("k"), amount)
    assert len(store.refunds(1)) == 1


@pytest.mark.parametrize(
    ("customer", "payment", "rule"),
    [
        (1, 1, "no_duplicate"),  # the rightful one
        (1, 4, "no_duplicate"),  # of another period
        (1, 3, "already_refunded"),
        (1, 9, "unknown_payment"),
        (9, 2, "unknown_customer"),
    ],
)
def test_only_a_duplicate_is_given_back_as_one(ledger, origin, customer, payment, rule):
    """Whoever says that a charge is a duplicate: it is looked at again."""
    store = ledger(charge(1), charge(2, 6), charge(3, 15), charge(4, **DECEMBERS))
    payments.refund_duplicate(store, 1, 3, origin())
    with pytest.raises(Refused) as refusal:
        payments.refund_duplicate(store, customer, payment, origin())
    assert refusal.value.rule == rule
    assert len(store.refunds(1)) == 1


def test_only_the_customers_own_duplicate_is_given_back(store, origin):
    """That of somebody else is none, for whom it is asked."""
    (duplicate,) = payments.find_duplicates(store, 1001)
    with pytest.raises(Refused, match="does not repeat another charge of yours"):
        payments.refund_duplicate(store, 1011, duplicate.payment.id, origin())
    assert payments.refund_duplicate(store, 1001, duplicate.payment.id, origin()).payment == duplicate.payment.id


def test_all_duplicates_of_one_request_are_given_back_and_once(ledger, origin):
    """Both of them, however often its steps come; another request finds nothing left."""
    store = ledger(charge(1), charge(2, 6), charge(3, 15))
    for _ in range(2):
        for payment in 2, 3:
            payments.refund_duplicate(store, 1, payment, origin(f"k/{payment}", "k"))
    assert [(refund.payment, refund.reason) for refund in store.refunds(1)] == [
        (2, "charged twice"),
        (3, "charged twice"),
    ]
    with pytest.raises(Refused, match="was refunded before"):
        payments.refund_duplicate(store, 1, 2, origin())


def test_unused_days_come_back_after_an_end_at_once(store, origin):
    """Customer 1013 paid £119 three days ago: 27 of 30 days are unused. The same key gives the same refund."""
    catalogue.cancel(store, 1013, origin(), immediate=True)
    refund = payments.refund_unused(store, 1013, origin("k"))
    assert (refund.amount, refund.currency) == (10710, "GBP")
    assert payments.refund_unused(store, 1013, origin("k")) == refund
    with pytest.raises(Refused, match=r"was refunded before: £107\.10"):
        payments.refund_unused(store, 1013, origin())


@pytest.mark.parametrize(
    ("customer", "immediate"),
    [
        (1013, None),  # nothing was canceled
        (1013, False),  # it goes on to the end of its period
        (1010, None),  # it ended with its period, months ago
        (1008, True),  # ended at once, but paid 40 days ago
    ],
)
def test_unused_days_come_back_in_no_other_case(store, origin, customer, immediate):
    """Not without an end, not of a period that runs out, not long after the payment."""
    if immediate is not None:
        catalogue.cancel(store, customer, origin(), immediate=immediate)
    with pytest.raises(Refused) as refusal:
        payments.refund_unused(store, customer, origin())
    assert refusal.value.rule == "nothing_unused"
    assert not [one for one in store.refunds(customer) if one.created_at == int(NOW)]


def test_charges_are_listed_with_their_refunds(store):
    """The newest first, failed ones too, at most as many as asked for."""
    listed = payments.list_charges(store, 1003, limit=3)
    assert [refund is not None for _, refund in listed] == [True, False, False]
    moments = [payment.captured_at for payment, _ in payments.list_charges(store, 1007, limit=50)]
    assert moments == sorted(moments, reverse=True)
    assert "failed" in {payment.status for payment, _ in payments.list_charges(store, 1009)}


@pytest.mark.parametrize("look", [payments.find_duplicates, payments.list_charges])
def test_an_unknown_customer_is_refused(store, look):
    """Nobody is not somebody without charges."""
    with pytest.raises(Refused, match="There is no customer with the number 7"):
        look(store, 7)


# --- any interleaving -------------------------------------------------------------------------------


class Requests(RuleBasedStateMachine):
    """Several requests about one customer, each handled any number of times, over several connections."""

    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        self.stores = [Store(Path(self.folder.name) / "support.db") for _ in range(2)]
        for store in self.stores:
            store.create(lambda made=store: fill(made, [charge(1), charge(2, 6), charge(3, 15)]))
        self.answers = {}

    @rule(store=st.integers(0, 1), request=st.sampled_from("abc"), later=st.integers(0, 3))
    def charged_twice(self, store, request, later):
        """Does what the billing worker does: look, give back each, and give the same answer as the last time."""
        books, origin = self.stores[store], self.origin(request, later)
        duplicates = payments.find_duplicates(books, 1, request=request)
        answer = []
        for one in (one for one in duplicates if not one.settled):
            key = Origin(f"{request}/{one.payment.id}", request, origin.agent, origin.at)
            answer.append(payments.refund(books, one.payment.id, "charged twice", key))
        assert self.answers.setdefault(request, answer) == answer

    @rule(store=st.integers(0, 1), payment=st.integers(1, 3), key=st.sampled_from("xyz"))
    def one_payment(self, store, payment, key):
        """Asks for one of the three charges by hand, with a few keys for all of them."""
        try:
            refund = payments.refund(self.stores[store], payment, "by hand", self.origin(key, 0))
        except (Refused, KeyReused):
            return
        assert (refund.payment, refund.idempotency_key) == (payment, key)

    @staticmethod
    def origin(key, later):
        return Origin(key, key, "billing", NOW + timedelta(hours=later).total_seconds())

    @invariant()
    def no_payment_comes_back_twice(self):
        """One refund for each payment at most, none larger than it, and each key once."""
        refunds = self.stores[0].refunds(1)
        assert len({one.payment for one in refunds}) == len(refunds) <= 3
        assert len({one.idempotency_key for one in refunds}) == len(refunds)
        assert all(one.amount <= self.stores[1].payment(one.payment).amount for one in refunds)

    def teardown(self):
        for store in self.stores:
            store.close()
        self.folder.cleanup()


Requests.TestCase.settings = settings(max_examples=25, stateful_step_count=12, deadline=None)
TestRequests = Requests.TestCase
