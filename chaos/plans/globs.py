"""Patterns of paths and of names, compiled once.

In a path's pattern, `*` stands for any characters within one id, and `**`, alone between its slashes, for any number of
ids, none included. A pattern without a slash is about the id alone: `writer` means every actor of that id, wherever it
is. In a name's pattern, `*` stands for any characters.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ANY", "LONGEST", "Names", "Paths", "could_match", "is_path_glob"]

LONGEST = 500
"""Characters of a pattern."""
ANY = "?"
"""An id that is not known yet: that of a child which a dynamic supervisor starts while it runs."""

_MOST_KEPT = 10_000
"""Verdicts that are kept: actors may come and go under ever new names."""

_SEGMENT = re.compile(r"[^\s/:]+\Z")


def is_path_glob(pattern: str) -> bool:
    """Tells whether this is a pattern of paths: ids with slashes between them, `**` alone in its place."""
    parts = pattern.split("/")
    return len(pattern) <= LONGEST and all(
        _SEGMENT.match(part) and ("**" not in part or part == "**") for part in parts
    )


class _Patterns:
    """Several patterns, of which one has to match; none at all match everything. A verdict is worked out once."""

    __slots__ = ("_known", "_search")

    def __init__(self, patterns: Sequence[str]) -> None:
        expression = "|".join(map(self._expression, patterns))
        self._search = re.compile(f"(?:{expression})\\Z").match if patterns else None
        self._known: dict[str, bool] = {}

    def match(self, text: str) -> bool:
        """Tells whether one of the patterns matches."""
        if self._search is None:
            return True
        verdict = self._known.get(text)
        if verdict is None:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            verdict = self._known[text] = self._search(text) is not None
        return verdict

    @staticmethod
    def _expression(pattern: str) -> str:
        raise NotImplementedError


class Paths(_Patterns):
    """Patterns of paths."""

    __slots__ = ()

    @staticmethod
    def _expression(pattern: str) -> str:
        return "".join("(?:[^/]+/)*" if part == "**" else f"{_within(part)}/" for part in _parts(pattern))

    def match(self, text: str) -> bool:
        """Tells whether one of the patterns matches a path."""
        return super().match(f"{text}/")  # so that each id has a slash behind it


class Names(_Patterns):
    """Patterns of names."""

    __slots__ = ()

    @staticmethod
    def _expression(pattern: str) -> str:
        return re.escape(pattern).replace(r"\*", ".*")


def _within(part: str) -> str:
    return re.escape(part).replace(r"\*", "[^/]*")


def could_match(pattern: str, path: Sequence[str]) -> bool:
    """Tells whether a pattern of paths matches a path of ids, of which some may be `ANY`."""
    places = {0}  # where in the path the pattern may stand, after each of its parts
    for part in _parts(pattern):
        if part == "**":
            places = set(range(min(places), len(path) + 1)) if places else places
        else:
            places = {place + 1 for place in places if place < len(path) and _fits(part, path[place])}
    return len(path) in places


def _parts(pattern: str) -> list[str]:
    """Returns the parts of a pattern; one without a slash is about the id, wherever it is."""
    return pattern.split("/") if "/" in pattern or pattern == "**" else ["**", pattern]


def _fits(part: str, name: str) -> bool:
    return name == ANY or _id_pattern(part).match(name) is not None


@lru_cache(maxsize=1000)
def _id_pattern(part: str) -> re.Pattern[str]:
    return re.compile(f"{_within(part)}\\Z")
