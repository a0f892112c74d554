"""What a run has done, step by step: a hash of all of it, and its last lines."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Trace"]

BATCH = 512
DIGEST_SIZE = 16


class Trace:
    """Takes a run's entries: a moment's time, once it has come, and what happens in it.

    `pending` is where the loop puts them, as text; a moment begins with `@`. They go into the hash by the batch.
    """

    __slots__ = ("_before", "_hash", "_kept", "_moment", "pending")

    def __init__(self, *, keep: bool = False) -> None:
        self.pending: list[str] = ["@0.0"]
        self._before: list[str] = []
        self._moment = "@0.0"
        self._hash = hashlib.blake2b(digest_size=DIGEST_SIZE)
        self._kept: list[str] | None = [] if keep else None

    def flush(self) -> None:
        """Puts what is pending into the hash, if it is a batch."""
        if len(self.pending) >= BATCH:
            self._take_in()

    def _take_in(self) -> None:
        taken = self.pending[:]
        self._hash.update("\n".join([*taken, ""]).encode())
        if self._kept is not None:
            self._kept += taken
        self._before = [_moment(taken[:-BATCH], self._moment), *taken[-BATCH:]]
        self._moment = _moment(taken, self._moment)
        self.pending.clear()

    def digest(self) -> str:
        """Returns the hash of everything so far, in hexadecimal."""
        hashed = self._hash.copy()
        hashed.update("\n".join([*self.pending, ""]).encode())
        return hashed.hexdigest()

    def tail(self, lines: int) -> tuple[str, ...]:
        """Returns the last lines, each with its time; at least as many as a batch has can be had."""
        entries = [*self._before, *self.pending]
        steps = [place for place, entry in enumerate(entries) if not entry.startswith("@")]
        if lines < len(steps):
            first = steps[-lines] if lines else len(entries)
            entries = [_moment(entries[:first], self._moment), *entries[first:]]
        return tuple(_timed(entries))

    def kept(self) -> tuple[str, ...] | None:
        """Returns all lines, if they were to be kept."""
        return None if self._kept is None else tuple(_timed([*self._kept, *self.pending]))


def _moment(entries: list[str], before: str) -> str:
    """Returns the last moment among entries; that before them, if they have none."""
    return next((entry for entry in reversed(entries) if entry.startswith("@")), before)


def _timed(entries: Iterable[str]) -> Iterator[str]:
    """Yields each entry with its moment before it."""
    moment = "0.0"
    for entry in entries:
        if entry.startswith("@"):
            moment = entry[1:]
        else:
            yield f"{moment} {entry}"
