"""The files of a support tree, read from outside: where whoever does not trust the tree looks what it has done."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["BOOKS", "DESK", "Ledger", "Row", "Written"]

Row: TypeAlias = "dict[str, Any]"
"""By the names of the columns; money is in minor units."""

BOOKS: Final = "support.db"
DESK: Final = "desk.db"


_REFUNDS: Final = """
    SELECT payments.customer, refunds.* FROM refunds JOIN payments ON payments.id = refunds.payment
    WHERE refunds.request <> 'past' ORDER BY refunds.id
"""
_CHANGES: Final = """
    SELECT subscriptions.customer, plan_changes.*, invoices.amount AS due FROM plan_changes
    JOIN subscriptions ON subscriptions.id = plan_changes.subscription
    LEFT JOIN invoices ON invoices.plan_change = plan_changes.id ORDER BY plan_changes.id
"""
_CANCELLATIONS: Final = """
    SELECT subscriptions.customer, cancellations.* FROM cancellations
    JOIN subscriptions ON subscriptions.id = cancellations.subscription ORDER BY cancellations.id
"""
_GIVEN_BACK: Final = "SELECT payment, idempotency_key FROM refunds"
_WITHOUT_A_CHARGE: Final = """
    SELECT customer, period_start, count(*) AS charges, sum(reason IS 'charged twice') AS back
    FROM payments LEFT JOIN refunds ON refunds.payment = payments.id
    WHERE status = 'captured' AND customer IN (
        SELECT customer FROM payments JOIN refunds ON refunds.payment = payments.id WHERE request <> 'past'
    )
    GROUP BY subscription, period_start, payments.amount, payments.currency HAVING back >= charges
"""
_TOUCHED: Final = """
    SELECT id, plan, interval, ends_on FROM subscriptions
    WHERE id IN (SELECT subscription FROM plan_changes UNION SELECT subscription FROM cancellations)
"""


@dataclass(frozen=True, slots=True)
class Written:
    """What was written into the books, in its order. Each row has its `customer`, and its `idempotency_key`."""

    refunds: tuple[Row, ...]
    changes: tuple[Row, ...]
    cancellations: tuple[Row, ...]

    def on_behalf_of(self, key: str) -> Written:
        """Returns what was written for one request, and for the parts of it; `key` is the request's."""
        groups = (self.refunds, self.changes, self.cancellations)
        return Written(*(tuple(row for row in rows if row["idempotency_key"].startswith(f"{key}/")) for rows in groups))

    @property
    def every(self) -> tuple[Row, ...]:
        """All of it."""
        return (*self.refunds, *self.changes, *self.cancellations)


class Ledger:
    """What is in the files when it is first asked for. It only reads, over connections of its own.

    Args:
        folder: with the files in it.

    Raises:
        sqlite3.OperationalError: there is no such file; from every property.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def written(self) -> Written:
        """What requests have caused: not what the past has in it that was made up with the books."""
        return Written(*self._books[:3])

    @property
    def given_back(self) -> tuple[Row, ...]:
        """Every refund there is, those of the past too."""
        return self._books[3]

    @property
    def without_a_charge(self) -> tuple[Row, ...]:
        """The periods for which, of charges that were made again and again, none is left."""
        return self._books[4]

    @property
    def touched(self) -> tuple[Row, ...]:
        """The subscriptions that were changed or canceled, as they are."""
        return self._books[5]

    @cached_property
    def _books(self) -> list[tuple[Row, ...]]:
        return self._answers(BOOKS, _REFUNDS, _CHANGES, _CANCELLATIONS, _GIVEN_BACK, _WITHOUT_A_CHARGE, _TOUCHED)

    def _answers(self, file: str, *queries: str) -> list[tuple[Row, ...]]:
        with closing(sqlite3.connect(f"{(self._folder / file).as_uri()}?mode=rw", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [tuple(dict(row) for row in database.execute(query)) for query in queries]

    @cached_property
    def cases(self) -> tuple[Row, ...]:
        """What waits for a person, or did: each case's document, with its `id`."""
        (found,) = self._answers(DESK, "SELECT number, document FROM cases ORDER BY number")
        return tuple({**json.loads(row["document"]), "id": f"case-{row['number']}"} for row in found)
