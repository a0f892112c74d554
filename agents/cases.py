"""What waits for a person, kept in memory or in an SQLite file."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the fields of a case at run time
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["Case", "Cases", "FileCases", "MemoryCases"]

BUSY = 5.0
"""Seconds that a write waits for another process's."""


@dataclass(frozen=True, slots=True)
class Case:
    """One request that a person has to answer. Times are wall-clock seconds.

    Attributes:
        id: such as `case-12`; empty until it is kept.
        key: the idempotency key of the task: one task opens one case, however often it is delivered.
        request: what was asked.
        reason: why nobody else could answer.
        context: the facts that were known.
        draft: what there was of an answer.
    """

    key: str
    request: Any
    reason: str
    opened: float
    task: str = ""
    id: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    draft: Any = None
    answer: str | None = None
    answered: float | None = None
    answered_by: str | None = None


class Cases(Protocol):
    """Where cases are kept."""

    def keep(self, case: Case) -> Case:
        """Returns the case with its id; the one that is kept already if there is one with its key."""

    def find(self, id_: str) -> Case | None:
        """Returns the case of that id, or None."""

    def all(self, *, answered: bool) -> tuple[Case, ...]:
        """Returns the cases that are, or are not, answered, oldest first."""

    def change(self, case: Case) -> None:
        """Replaces the case of that id."""


class MemoryCases:
    """Cases that live as long as this object."""

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self._by_key: dict[str, str] = {}

    def keep(self, case: Case) -> Case:
        """See `Cases`."""
        if case.key not in self._by_key:
            id_ = self._by_key[case.key] = f"case-{len(self._cases) + 1}"
            self._cases[id_] = replace(case, id=id_)
        return self._cases[self._by_key[case.key]]

    def find(self, id_: str) -> Case | None:
        """See `Cases`."""
        return self._cases.get(id_)

    def all(self, *, answered: bool) -> tuple[Case, ...]:
        """See `Cases`."""
        return tuple(case for case in self._cases.values() if (case.answer is not None) is answered)

    def change(self, case: Case) -> None:
        """See `Cases`."""
        self._cases[case.id] = case


_SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    answered INTEGER NOT NULL,
    document TEXT NOT NULL
)
"""


_KEEP = """
INSERT INTO cases (key, answered, document)
SELECT :key, 0, :document WHERE NOT EXISTS (SELECT 1 FROM cases WHERE key = :key)
"""
"""Not `ON CONFLICT`, which would use up a number each time."""


class FileCases:
    """Cases in an SQLite file, made if it is not there. It is open only while something is read or written.

    Raises:
        sqlite3.Error: the file cannot be made, is no database, or cannot be written; from every method.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as database:
            database.execute(_SCHEMA)

    def keep(self, case: Case) -> Case:
        """See `Cases`."""
        with self._transaction() as database:
            values = {"key": case.key, "document": json.dumps(asdict(case))}
            database.execute(_KEEP, values)
            return _one(database.execute("SELECT number, document FROM cases WHERE key = ?", (case.key,)))

    def find(self, id_: str) -> Case | None:
        """See `Cases`."""
        with self._transaction() as database:
            row = database.execute("SELECT number, document FROM cases WHERE number = ?", (_number(id_),)).fetchone()
        return _case(*row) if row else None

    def all(self, *, answered: bool) -> tuple[Case, ...]:
        """See `Cases`."""
        query = "SELECT number, document FROM cases WHERE answered = ? ORDER BY number"
        with self._transaction() as database:
            return tuple(_case(*row) for row in database.execute(query, (answered,)))

    def change(self, case: Case) -> None:
        """See `Cases`."""
        values = (case.answer is not None, json.dumps(asdict(case)), _number(case.id))
        with self._transaction() as database:
            database.execute("UPDATE cases SET answered = ?, document = ? WHERE number = ?", values)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=BUSY)) as database, database:
            yield database


def _one(cursor: sqlite3.Cursor) -> Case:
    return _case(*cursor.fetchone())


def _case(number: int, document: str) -> Case:
    return Case(**{**json.loads(document), "id": f"case-{number}"})


def _number(id_: str) -> int:
    """Returns the number in an id; 0, which nothing has, if it is no id."""
    word, _, digits = id_.rpartition("-")
    return int(digits) if word == "case" and digits.isdecimal() and len(digits) < 19 else 0
