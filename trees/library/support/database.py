"""One connection to an SQLite file: opening, making, transactions, and rows as records."""

from __future__ import annotations

import dataclasses
import sqlite3
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from .errors import StoreUnusable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["Database"]

R = TypeVar("R")

_APPLICATION: Final = 0x54575355
_VERSION: Final = 1
_LOCK_WAIT: Final = 10.0
"""Seconds to wait for another process's write. Ours take milliseconds."""
_DAYS: Final = {"since", "anchor", "period_start", "period_end", "ends_on", "effective_on"}


class Database:
    """A connection. Use it in the thread that made it, and close it there.

    Every write happens inside `with database.transaction()`, which takes the write lock at its beginning:
    what a transaction reads stays true until it has written. With WAL and `synchronous=FULL`, what was
    committed survives a power cut.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        try:
            self._connection = sqlite3.connect(path, timeout=_LOCK_WAIT, isolation_level=None)
        except sqlite3.OperationalError as error:
            raise StoreUnusable(path, f"cannot be opened ({error})") from error
        try:
            self._configure()
        except sqlite3.DatabaseError as error:
            self._connection.close()
            raise StoreUnusable(path, f"cannot be read as a database ({error})") from error

    def _configure(self) -> None:
        self._connection.row_factory = sqlite3.Row
        for setting in ("synchronous = FULL", "foreign_keys = ON"):
            self._connection.execute(f"PRAGMA {setting}")

    def close(self) -> None:
        """Closes the connection. Doing it twice is harmless."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Does all of the block or nothing of it, alone among all connections to the file."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def create(self, fill: Callable[[], None]) -> bool:
        """Makes the tables and calls `fill()`, if nobody has; tells whether it did.

        All in one transaction: of two processes that begin at once, one fills and the other waits for it, and
        a crash halfway leaves an empty file. Raises `StoreUnusable` for a file that holds something else.
        """
        made = not self._is_ours() and self._make(fill)
        # The switch to WAL needs the file alone, and does not wait for it: whoever is there with us does the
        # same.
        with suppress(sqlite3.OperationalError):
            self._connection.execute("PRAGMA journal_mode = WAL")
        return made

    def _make(self, fill: Callable[[], None]) -> bool:
        with self.transaction():
            if self._is_ours():
                return False
            for statement in _statements(resources.files(__package__).joinpath("schema.sql").read_text("utf-8")):
                self._connection.execute(statement)
            fill()
            self._connection.execute(f"PRAGMA application_id = {_APPLICATION}")
            self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        return True

    def _is_ours(self) -> bool:
        application, version = self._number("PRAGMA application_id"), self._number("PRAGMA user_version")
        if application == _APPLICATION and version != _VERSION:
            raise StoreUnusable(self.path, f"is of version {version}, and this program knows version {_VERSION}")
        if application != _APPLICATION and self._number("SELECT count(*) FROM sqlite_schema"):
            raise StoreUnusable(self.path, "is a database of something else")
        return application == _APPLICATION

    def _number(self, sql: str) -> int:
        (number,) = self._connection.execute(sql).fetchone()
        return int(number)

    def _rows(self, sql: str, values: Mapping[str, object]) -> list[sqlite3.Row]:
        return self._connection.execute(sql, {name: _plain(value) for name, value in values.items()}).fetchall()

    def _all(self, kind: type[R], source: str, *values: Any) -> tuple[R, ...]:
        """Returns the rows of `source`, which is what follows `FROM`, as records."""
        columns = _columns(cast("Any", kind))  # mypy takes no generic type for hashable
        rows = self._connection.execute(f"SELECT {columns} FROM {source}", values)  # noqa: S608 - by the store
        return tuple([_record(kind, row) for row in rows])

    def _one(self, kind: type[R], source: str, *values: Any) -> R | None:
        found = self._all(kind, source, *values)
        return found[0] if found else None

    def _the(self, kind: type[R], source: str, *values: Any) -> R:
        """Returns the one row that must be there, because it was written just now."""
        (found,) = self._all(kind, source, *values)
        return found

    def _insert(self, table: str, row: Mapping[str, object]) -> int:
        names, marks = ", ".join(row), ", ".join(f":{name}" for name in row)
        sql = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608 - names of our own columns
        return self._connection.execute(sql, {name: _plain(value) for name, value in row.items()}).lastrowid or 0


@cache
def _columns(kind: Any) -> str:
    """Returns the columns of a record, in the order of its fields."""
    return ", ".join(field.name for field in dataclasses.fields(kind))


@cache
def _rich(kind: Any) -> tuple[tuple[int, Callable[[Any], Any]], ...]:
    """Returns which fields of a record SQLite has no type for, by place, and how each is read."""
    readers: dict[str, Callable[[Any], Any]] = {"immediate": bool, **dict.fromkeys(_DAYS, date.fromisoformat)}
    names = [field.name for field in dataclasses.fields(kind)]
    return tuple((place, readers[name]) for place, name in enumerate(names) if name in readers)


def _record(kind: Callable[..., R], row: sqlite3.Row) -> R:
    values = list(row)
    for place, read in _rich(kind):
        if values[place] is not None:
            values[place] = read(values[place])
    return kind(*values)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _statements(script: str) -> Iterator[str]:
    """Splits a script, because `executescript` would commit the transaction that it runs in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
