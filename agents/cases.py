"""Where cases are kept: in memory, or in an SQLite file that several processes may share."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Protocol

from .case import Case, State, case_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from .case import Said

__all__ = ["Cases", "FileCases", "MemoryCases"]

BUSY = 5.0
"""Seconds that a write waits for another process's."""


class Cases(Protocol):
    """Where cases are kept. Each change of any case has a number, its version: they only grow."""

    shared: bool
    """Whether others may change the cases."""

    def keep(self, case: Case) -> Case:
        """Returns the case with its id; the one that is kept already if there is one with its key."""

    def find(self, id_: str) -> Case | None:
        """Returns the case of that id, or None."""

    def all(self, state: State | None = None) -> tuple[Case, ...]:
        """Returns the cases in that state, or all, oldest first."""

    def change(self, case: Case) -> Case | None:
        """Replaces the case of that id and version, and returns it; None if it was changed meanwhile."""

    def since(self, version: int) -> tuple[Case, ...]:
        """Returns the cases that were changed after that version, in the order of their last changes."""

    def last_version(self) -> int:
        """Returns the version of the last change."""


class MemoryCases:
    """Cases that live as long as this object."""

    shared = False

    def __init__(self) -> None:
        self._cases: dict[str, Case] = {}
        self._by_key: dict[str, str] = {}
        self._version = 0

    def keep(self, case: Case) -> Case:
        """See `Cases`."""
        if case.key not in self._by_key:
            id_ = self._by_key[case.key] = f"case-{len(self._cases) + 1}"
            self._put(replace(case, id=id_))
        return self._cases[self._by_key[case.key]]

    def find(self, id_: str) -> Case | None:
        """See `Cases`."""
        return self._cases.get(id_)

    def all(self, state: State | None = None) -> tuple[Case, ...]:
        """See `Cases`."""
        return tuple(case for case in self._cases.values() if state in (None, case.state))

    def change(self, case: Case) -> Case | None:
        """See `Cases`."""
        return self._put(case) if self._cases[case.id].version == case.version else None

    def since(self, version: int) -> tuple[Case, ...]:
        """See `Cases`."""
        changed = (case for case in self._cases.values() if case.version > version)
        return tuple(sorted(changed, key=lambda case: case.version))

    def last_version(self) -> int:
        """See `Cases`."""
        return self._version

    def _put(self, case: Case) -> Case:
        self._version += 1
        kept = self._cases[case.id] = replace(case, version=self._version)
        return kept


_SCHEMA = (
    """
    CREATE TABLE IF NOT EXISTS cases (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        key TEXT NOT NULL UNIQUE,
        state TEXT NOT NULL,
        version INTEGER NOT NULL,
        document TEXT NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS cases_by_state ON cases (state)",
    "CREATE INDEX IF NOT EXISTS cases_by_version ON cases (version)",
)

_FROM_BEFORE_STATES = (
    "ALTER TABLE cases RENAME TO cases_before",
    *_SCHEMA,
    """
    INSERT INTO cases (number, key, state, version, document)
    SELECT number, key, CASE answered WHEN 0 THEN 'open' ELSE 'answered' END, number, document FROM cases_before
    """,
    "DROP TABLE cases_before",
)
"""For a file whose cases only were answered or not."""

_BY_KEY = "SELECT number, version, document FROM cases WHERE key = ?"
_BY_NUMBER = "SELECT number, version, document FROM cases WHERE number = ?"
_OF_STATE = "SELECT number, version, document FROM cases WHERE state = :state OR :state IS NULL ORDER BY number"
_SINCE = "SELECT number, version, document FROM cases WHERE version > ? ORDER BY version"

_KEEP = """
INSERT INTO cases (key, state, version, document)
SELECT :key, :state, (SELECT coalesce(max(version), 0) + 1 FROM cases), :document
WHERE NOT EXISTS (SELECT 1 FROM cases WHERE key = :key)
"""
"""Not `ON CONFLICT`, which would use up a number each time."""

_CHANGE = """
UPDATE cases SET state = :state, document = :document, version = (SELECT max(version) + 1 FROM cases)
WHERE number = :number AND version = :version
"""


class FileCases:
    """Cases in an SQLite file, made if it is not there. It is open only while something is read or written.

    Raises:
        sqlite3.Error: the file cannot be made, is no database, or cannot be written; from every method.
    """

    shared = True

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._transaction() as database:
            database.execute("BEGIN IMMEDIATE")
            columns = {row[1] for row in database.execute("PRAGMA table_info(cases)")}
            for statement in _FROM_BEFORE_STATES if "answered" in columns else _SCHEMA:
                database.execute(statement)

    def keep(self, case: Case) -> Case:
        """See `Cases`."""
        with self._transaction() as database:
            database.execute(_KEEP, {"key": case.key, "state": case.state, "document": _document(case)})
            return _case(database.execute(_BY_KEY, (case.key,)).fetchone())

    def find(self, id_: str) -> Case | None:
        """See `Cases`."""
        with self._transaction() as database:
            row = database.execute(_BY_NUMBER, (_number(id_),)).fetchone()
        return _case(row) if row else None

    def all(self, state: State | None = None) -> tuple[Case, ...]:
        """See `Cases`."""
        with self._transaction() as database:
            return tuple(_case(row) for row in database.execute(_OF_STATE, {"state": state}))

    def change(self, case: Case) -> Case | None:
        """See `Cases`."""
        number = _number(case.id)
        values = {"state": case.state, "document": _document(case), "number": number, "version": case.version}
        with self._transaction() as database:
            if database.execute(_CHANGE, values).rowcount == 0:
                return None
            return _case(database.execute(_BY_NUMBER, (number,)).fetchone())

    def since(self, version: int) -> tuple[Case, ...]:
        """See `Cases`."""
        with self._transaction() as database:
            return tuple(_case(row) for row in database.execute(_SINCE, (version,)))

    def last_version(self) -> int:
        """See `Cases`."""
        with self._transaction() as database:
            (version,) = database.execute("SELECT coalesce(max(version), 0) FROM cases").fetchone()
        return int(version)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=BUSY)) as database, database:
            yield database


def _document(case: Case) -> str:
    return json.dumps(case, default=_fields)


def _fields(value: Case | Said) -> dict[str, Any]:
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _case(row: tuple[int, int, str]) -> Case:
    number, version, document = row
    return case_of(json.loads(document), id=f"case-{number}", version=version)


def _number(id_: str) -> int:
    """Returns the number in an id; 0, which nothing has, if it is no id."""
    word, _, digits = id_.rpartition("-")
    return int(digits) if word == "case" and digits.isdecimal() and len(digits) < 19 else 0
