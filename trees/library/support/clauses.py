"""Taking a message apart: sentences, and the parts of a sentence between its conjunctions and commas."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .words import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Clause", "clauses"]

_SENTENCE: Final = re.compile(r"(?:[.!?;]+(?=\s|$)|\n+|$)")
_CONJUNCTION: Final = re.compile(
    r"""(?:
        (?:,(?!\d)|[:;](?=\s)|&|[\u2013\u2014]|\s-+\s|\b\d\))\s*
        | \b(?:and|adn|but|then|also|plus|as\ well\ as|because|cause|since|so|afterwards|additionally
                 |besides|however|after\ that)\b\s*
    )+""",
    re.VERBOSE | re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Clause:
    """A part of a message that says one thing, or little more than one."""

    start: int
    end: int
    """Where it is in the message."""
    words: str
    """In canonical words."""
    joined_by: str
    """What stands between it and the clause before, in lower case; empty at the beginning of a sentence."""
    sentence: int


def clauses(message: str) -> Iterator[Clause]:
    """Yields the clauses of a message in order, without those that have no words."""
    start = 0
    for number, found in enumerate(_SENTENCE.finditer(message)):
        yield from _clauses_between(message, start, found.start(), number)
        start = found.end()


def _clauses_between(message: str, start: int, end: int, sentence: int) -> Iterator[Clause]:
    joined_by = ""
    for stop, after, conjunction in [*_conjunctions(message, start, end), (end, end, "")]:
        words = canonical(message[start:stop])
        if words:
            lead = len(message[start:stop]) - len(message[start:stop].lstrip())
            yield Clause(start + lead, start + len(message[start:stop].rstrip()), words, joined_by, sentence)
            joined_by = ""
        joined_by = f"{joined_by} {conjunction}".strip()
        start = after


def _conjunctions(message: str, start: int, end: int) -> Iterator[tuple[int, int, str]]:
    for found in _CONJUNCTION.finditer(message, start, end):
        yield found.start(), found.end(), " ".join(found[0].lower().split())
