"""The database itself: what its tables make impossible, and how it comes to be."""

import multiprocessing
import os
import signal
import sqlite3
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from treeward.runtime.entropy import Entropy
from treeward.trees.library.support import catalogue, payments
from treeward.trees.library.support.errors import StoreUnusable
from treeward.trees.library.support.people import CROWD, WELL_KNOWN
from treeward.trees.library.support.records import Done, Wish
from treeward.trees.library.support.seed import open_store
from treeward.trees.library.support.store import Store

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC).timestamp()
TABLES = ("plans", "prices", "customers", "subscriptions", "payments", "refunds")

REFUND = {
    "payment": 70016,
    "charged": 4900,
    "currency": "USD",
    "state": "captured",
    "amount": 4900,
    "reason": "charged twice",
    "request": "r",
    "idempotency_key": "k",
    "agent": "billing",
    "created_at": 1,
}
CHANGE = {
    "subscription": 5001,
    "direction": "upgrade",
    "from_plan": "team",
    "to_plan": "pro",
    "from_interval": "monthly",
    "to_interval": "monthly",
    "effective_on": "2026-11-20",
    "period_end": "2026-12-11",
    "credit": 100,
    "charge": 300,
    "net": 200,
    "currency": "USD",
    "price": 14900,
    "idempotency_key": "k",
    "agent": "sales",
    "created_at": 1,
}


def contents(path):
    with sqlite3.connect(path) as database:
        found = {table: database.execute(f"SELECT * FROM {table} ORDER BY 1, 2, 3").fetchall() for table in TABLES}
    database.close()
    return found


def insert(store, table, row):
    with store.transaction():
        store._insert(table, row)


# --- what must never happen -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"amount": 4901}, "CHECK"),  # more than the payment
        ({"amount": 0}, "CHECK"),
        ({"amount": -1}, "CHECK"),
        ({"charged": 9900, "amount": 9900}, "FOREIGN KEY"),  # a payment that was never so large
        ({"currency": "EUR"}, "FOREIGN KEY"),  # in another currency than it came in
        ({"payment": 1}, "FOREIGN KEY"),  # of no payment at all
        ({"state": "failed"}, "CHECK"),
        ({"amount": "all"}, "cannot store TEXT"),
        ({"idempotency_key": None}, "NOT NULL"),
    ],
)
def test_a_wrong_refund_cannot_be_written(store, wrong, why):
    """The tables refuse it, whatever the code above them does; and the right one goes in."""
    with pytest.raises(sqlite3.IntegrityError, match=why):
        insert(store, "refunds", REFUND | wrong)
    insert(store, "refunds", REFUND)
    assert store.refund_of(70016).amount == 4900


@pytest.mark.parametrize("other", [{"idempotency_key": "k2"}, {"payment": 70015}])
def test_neither_payment_nor_key_is_refunded_twice(store, other):
    """A second refund of the payment, and a second one with the key, are refused."""
    insert(store, "refunds", REFUND)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(store, "refunds", REFUND | other)


def test_a_failed_payment_cannot_be_refunded(store):
    """There is no money in it to give back."""
    (failed,) = [one for one in store.payments(1007, 5) if one.status == "failed"]
    row = REFUND | {"payment": failed.id, "charged": failed.amount, "amount": failed.amount}
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        insert(store, "refunds", row)


def test_a_refunded_payment_cannot_be_made_smaller(store):
    """What a refund rests on cannot be changed under it."""
    insert(store, "refunds", REFUND)
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"), store.transaction():
        store._rows("UPDATE payments SET amount = 1 WHERE id = :id", {"id": 70016})


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"net": 201}, "CHECK"),
        ({"credit": -1, "net": 301}, "CHECK"),
        ({"charge": -300, "credit": 0, "net": -300}, "CHECK"),
        ({"to_plan": "team"}, "CHECK"),  # from a plan to itself
        ({"to_plan": "gold"}, "FOREIGN KEY"),
        ({"effective_on": "2026-11-31"}, "CHECK"),  # no such day
        ({"subscription": 1}, "FOREIGN KEY"),
    ],
)
def test_a_wrong_plan_change_cannot_be_written(store, wrong, why):
    """Its sums must be right, its plans and days must exist, and it must change something."""
    with pytest.raises(sqlite3.IntegrityError, match=why):
        insert(store, "plan_changes", CHANGE | wrong)
    insert(store, "plan_changes", CHANGE)
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        insert(store, "plan_changes", CHANGE)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ("status = 'canceled', ends_on = NULL", "CHECK"),
        ("period_end = period_start", "CHECK"),
        ("plan = 'gold'", "FOREIGN KEY"),
        ("seats = 0", "CHECK"),
        ("status = 'asleep'", "CHECK"),
        ("customer = 1", "FOREIGN KEY"),
    ],
)
def test_a_wrong_subscription_cannot_be_written(store, wrong, why):
    """A subscription has a plan that is sold, a period with days, and an end if it is canceled."""
    with pytest.raises(sqlite3.IntegrityError, match=why), store.transaction():
        store._rows(f"UPDATE subscriptions SET {wrong} WHERE id = :id", {"id": 5001})


def test_what_was_done_for_a_request_is_found_by_its_key(store, origin):
    """Its own effects and those of its parts, of all kinds; not those of a key that only begins alike."""
    refund = payments.refund(store, 70016, "charged twice", origin("k/billing/refund:1", "k/billing"))
    change = catalogue.change_plan(store, 1002, Wish("enterprise"), origin("k/sales/change:2"))
    end = catalogue.cancel(store, 1003, origin("k/cancel"))
    catalogue.cancel(store, 1006, origin("kk/cancel"))
    assert store.done_for("k") == Done((refund,), (change,), (end,))
    assert store.done_for("k/billing") == Done((refund,))
    assert store.done_for("k/bill") == store.done_for("K") == store.done_for("") == Done()


def test_a_transaction_is_all_or_nothing(store):
    """What was written before an error is gone, and the next transaction works."""
    with suppress(ZeroDivisionError), store.transaction():
        store._insert("refunds", REFUND)
        1 / 0  # noqa: B018
    assert store.refund_of(70016) is None
    insert(store, "refunds", REFUND)
    assert store.refund_of(70016) is not None


def test_what_is_committed_is_durable(store):
    """Each commit is synced to the disk, in write-ahead mode."""
    assert store._number("PRAGMA synchronous") == 2
    assert store._connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert store._number("PRAGMA foreign_keys") == 1


# --- how it comes to be -----------------------------------------------------------------------------


def test_the_same_seed_and_moment_make_the_same_books(open_books, tmp_path):
    """Everything in them is drawn from the random source and dated from the moment."""
    for name, seed, now in [("a", 1, NOW), ("b", 1, NOW), ("c", 2, NOW), ("d", 1, NOW + 86400)]:
        open_books(name, now, seed)
    a, b, c, d = (contents(tmp_path / name) for name in "abcd")
    assert a == b
    assert a["payments"] != c["payments"]
    assert a["payments"] != d["payments"]


@pytest.mark.parametrize("day", ["2026-03-31", "2024-02-29", "2025-03-01", "2026-12-31", "2027-01-01", "2026-05-30"])
@pytest.mark.parametrize("second", [0, 86_399])
def test_books_can_be_made_on_any_day(open_books, day, second):
    """On the last of a month, on a leap day, at midnight: the periods hold today, and no charge is in the future."""
    now = datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() + second
    store = open_books(now=now)
    today = datetime.fromtimestamp(now, UTC).date()
    assert len(store._rows("SELECT id FROM customers", {})) == len(WELL_KNOWN) + CROWD == 200
    for (customer,) in store._rows("SELECT id FROM customers", {}):
        for one in store.subscriptions(customer):
            assert one.status == "canceled" or one.period_start <= today < one.period_end
            assert one.ends_on is None or one.ends_on <= today
    assert store._number("SELECT max(captured_at) FROM payments") <= now
    assert store._number("SELECT max(created_at) FROM refunds") <= now
    refunds = "SELECT count(*) FROM refunds JOIN payments ON payments.id = payment WHERE created_at < captured_at"
    assert store._number(refunds) == 0


def test_the_books_are_believable(store):
    """Years of payments in four currencies, yearly plans, failed charges, ended and owing subscriptions."""
    assert store._number("SELECT count(*) FROM payments") > 3000
    assert store._number("SELECT count(DISTINCT currency) FROM payments") == 4
    for condition in ("interval = 'yearly'", "status = 'canceled'", "status = 'past_due'", "plan = 'enterprise'"):
        assert store._number(f"SELECT count(*) FROM subscriptions WHERE {condition}") > 5
    assert store._number("SELECT count(*) FROM payments WHERE status = 'failed'") > 5
    assert store._number("SELECT count(*) FROM customers WHERE email NOT LIKE '%@example.%'") == 0


def test_books_are_made_once(open_books, tmp_path, origin):
    """Opening them again, later and with another seed, finds them as they were left."""
    first = open_books()
    with first.transaction():
        first.add_refund(first.payment(70016), 4900, "charged twice", origin("k"))
    second = open_books(now=NOW + 10**7, seed=9)
    assert second.refund_of(70016) == first.refund_of(70016)


def test_a_directory_is_made_for_the_books(open_books, tmp_path):
    """The state directory need not be there."""
    open_books("deep/down/support.db")
    assert (tmp_path / "deep/down/support.db").is_file()


def test_books_that_fail_to_be_made_leave_nothing(tmp_path):
    """An error on the way leaves an empty file, in which the next one succeeds."""
    path = tmp_path / "support.db"
    store = Store(path)
    with pytest.raises(ZeroDivisionError):
        store.create(lambda: 1 / 0)
    assert store._number("SELECT count(*) FROM sqlite_schema") == 0
    store.close()
    whole = open_store(path, now=NOW, rng=Entropy(1).stream("support"))
    assert whole.customer(1001).name == "Ava Lindqvist"
    whole.close()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"treeward: 1\nname: support\n" * 40, "cannot be read as a database"),
        (b"\x00" * 4096, "cannot be read as a database"),
        (None, "is a database of something else"),
        ("version", "is of version 7"),
    ],
)
def test_a_file_that_is_something_else_is_left_alone(tmp_path, content, why):
    """It is refused in words, and not a byte of it is changed."""
    path = tmp_path / "support.db"
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        database = sqlite3.connect(path)
        script = "CREATE TABLE notes (text)" if content is None else "PRAGMA application_id = 1415009109"
        database.executescript(f"{script}; PRAGMA user_version = 7")
        database.close()
    before = path.read_bytes()
    with pytest.raises(StoreUnusable, match=why):
        open_store(path, now=NOW, rng=Entropy(1).stream("support"))
    assert path.read_bytes() == before


def test_a_path_that_is_no_file_is_refused_in_words(tmp_path):
    """A directory in the database's place is no crash of SQLite's."""
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        open_store(tmp_path, now=NOW, rng=Entropy(1).stream("support"))


def begin(path, ready, results):
    """Opens the books in a process of its own, together with others."""
    ready.wait()
    store = open_store(path, now=NOW, rng=Entropy(1).stream("support"))
    with store.transaction():
        store._rows("UPDATE customers SET city = city WHERE id = :id", {"id": 1001})
    results.put(store._number("SELECT count(*) FROM customers"))
    store.close()


@pytest.mark.realtime
def test_processes_that_begin_at_once_share_one_set_of_books(tmp_path):
    """One of them makes the books, the others wait for it; all can write at once."""
    context = multiprocessing.get_context("fork")
    for number in range(5):
        path, ready, results = tmp_path / f"{number}.db", context.Event(), context.SimpleQueue()
        processes = [context.Process(target=begin, args=(path, ready, results)) for _ in range(6)]
        for process in processes:
            process.start()
        ready.set()
        for process in processes:
            process.join()
        assert [process.exitcode for process in processes] == [0] * 6
        assert [results.get() for _ in processes] == [200] * 6
        results.close()
        for process in processes:
            process.close()


def die_halfway(path):
    """Is killed, as by `kill -9`, while it fills the books."""
    store = Store(path)

    def fill():
        store._insert("plans", {"id": "basic", "rank": 1, "seats": 1})
        os.kill(os.getpid(), signal.SIGKILL)

    store.create(fill)


@pytest.mark.realtime
def test_a_process_killed_halfway_leaves_nothing(tmp_path):
    """What it had written is rolled back, and the next one makes the books."""
    path = tmp_path / "support.db"
    process = multiprocessing.get_context("fork").Process(target=die_halfway, args=(path,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    process.close()
    store = open_store(path, now=NOW, rng=Entropy(1).stream("support"))
    assert [plan.id for plan in store.plans()] == ["basic", "team", "pro", "enterprise"]
    store.close()
