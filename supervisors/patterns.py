"""Regular expressions that cannot hang: what one may cost is counted before it is used.

Python's engine tries alternatives one after the other, and cannot be interrupted. How many there can be
follows from the pattern: a repeat has a choice where what it repeats and what comes after it can begin with
the same character; choices that follow each other multiply, and a choice within an unbounded repeat has no
bound at all. See Davis et al., "The Impact of Regular Expression Denial of Service (ReDoS) in Practice"
(ESEC/FSE 2018). What it costs also grows with the text, so a long text is searched in pieces.
"""

from __future__ import annotations

import importlib
import math
import re
import sys
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["LONGEST_INPUT", "LONGEST_PATTERN", "compiled", "normal", "pieces", "search_piece"]

LONGEST_INPUT = 2000
"""Characters of a text that patterns are matched against, at a time."""
STEP = LONGEST_INPUT // 2
"""Characters from the beginning of one piece of a longer text to that of the next."""
LONGEST_PATTERN = 500
"""Characters of a pattern."""
MOST_CHOICES = 2 * LONGEST_INPUT
"""Ways to try that a pattern may have from one place of the text: about one `.*`."""

_PARSER: Any = importlib.import_module("re._parser")  # the engine's own reading of a pattern; it has no public name

_SAMPLE = frozenset(map(chr, range(128))) | frozenset("éßЖ中٣€\u3000")
_CATEGORIES = {
    f"CATEGORY_{word}": sign
    for word, sign in zip(
        ("DIGIT", "SPACE", "WORD", "NOT_DIGIT", "NOT_SPACE", "NOT_WORD"),
        (r"\d", r"\s", r"\w", r"\D", r"\S", r"\W"),
        strict=True,
    )
}


def normal(text: str) -> str:
    """Returns a text as patterns see it: each run of white space as one space, none at the ends."""
    return " ".join(text.split())


def pieces(text: str) -> range:
    """Returns where the pieces of a text begin, for `search_piece`: one at 0, if it is not longer than one."""
    return range(0, max(1, len(text) - STEP), STEP)


def search_piece(pattern: re.Pattern[str], text: str, begin: int) -> re.Match[str] | None:
    """Returns the first match in one piece of a text.

    All pieces together have every match of the text that is up to 1,000 characters long, together with what it
    looks at around it. Of a longer one, what the first of its pieces has of it is a match if that alone is one.
    """
    end = min(len(text), begin + LONGEST_INPUT)
    found = pattern.search(text, begin, end)
    if found is not None and found.end() == end < len(text) and found.start() >= begin + STEP:
        return None  # it may match only because the piece ends here; the next piece has all of it
    return found


@lru_cache(maxsize=512)
def compiled(pattern: str, *, ignore_case: bool = True) -> re.Pattern[str]:
    """Returns a pattern; those that are in use are kept. Raises `ValueError` if it is none, or could take too long."""
    flags = re.IGNORECASE if ignore_case else 0
    if len(pattern) > LONGEST_PATTERN:
        raise ValueError(f"the pattern has {len(pattern)} characters: expected at most {LONGEST_PATTERN}")
    try:
        with warnings.catch_warnings(action="error", category=FutureWarning):
            tree = _PARSER.parse(pattern, flags)
            made = re.compile(pattern, flags)
    except (re.error, OverflowError, RecursionError, FutureWarning) as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    if _Counter(tree).choices > MOST_CHOICES:
        mend = "bound a repeat, as in .{0,40}, or take one out"
        raise ValueError(f"{pattern!r} could take too long, since its repeats overlap: {mend}")
    return made


@dataclass(frozen=True, slots=True)
class _Rest:
    """What a part of a pattern and all that follows it amounts to.

    `first` are the characters of the sample that it can begin with, `empty` says whether it can match
    nothing, `choices` in how many ways the part can be tried.
    """

    first: frozenset[str]
    empty: bool
    choices: float = 1.0


_END = _Rest(frozenset(), empty=True)


class _Counter:
    """Counts the choices of one pattern, with a sample of characters that tells its classes apart."""

    __slots__ = ("_flags", "_sample", "choices")

    def __init__(self, tree: Any) -> None:
        self._flags: int = tree.state.flags
        self._sample = _SAMPLE | _both_cases(chr(code) for code in _numbers(tree) if 0 <= code <= sys.maxunicode)
        self.choices = self._walk(tree, _END).choices

    def _walk(self, items: Any, follow: _Rest) -> _Rest:
        """Goes through a sequence from its end, multiplying choices."""
        rest = _Rest(follow.first, follow.empty)
        for operation, argument in reversed(list(items)):
            here = self._item(str(operation), argument, rest)
            rest = _Rest(here.first, here.empty, rest.choices * here.choices)
        return rest

    def _item(self, operation: str, argument: Any, follow: _Rest) -> _Rest:
        match operation:
            case "LITERAL" | "NOT_LITERAL" | "ANY" | "IN":
                return _Rest(self._characters(operation, argument), empty=False)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                return self._repeat(argument, follow)
            case "SUBPATTERN" | "ATOMIC_GROUP":
                return self._group(argument if operation == "SUBPATTERN" else (None, 0, 0, argument), follow)
            case "BRANCH":
                return _branch([self._walk(branch, follow) for branch in argument[1]])
            case "ASSERT" | "ASSERT_NOT":
                return _Rest(self._sample, empty=False, choices=self._walk(argument[1], _END).choices)
        # Anchors take nothing; back references and conditions could stand for anything.
        return _Rest((operation == "AT" and follow.first) or self._sample, empty=False)

    def _group(self, argument: tuple[Any, int, int, Any], follow: _Rest) -> _Rest:
        """Goes through a group, which may have flags of its own."""
        _, added, removed, body = argument
        outside, self._flags = self._flags, (self._flags | added) & ~removed
        inside = self._walk(body, follow)
        self._flags = outside
        return inside

    def _repeat(self, argument: tuple[int, int, Any], follow: _Rest) -> _Rest:
        least, most, body = argument
        bound = min(most, LONGEST_INPUT)
        once = self._walk(body, follow)
        within = self._walk(body, _Rest(once.first | follow.first, follow.empty)) if bound > 1 else once
        choices = _power(within.choices, bound)
        if least < most and once.first & follow.first:
            choices *= bound - min(least, bound) + 1
        first = once.first | (follow.first if least == 0 else frozenset())
        return _Rest(first, follow.empty if least == 0 else once.empty, choices)

    def _characters(self, operation: str, argument: Any) -> frozenset[str]:
        match operation:
            case "ANY":
                return self._sample
            case "LITERAL":
                return self._meant([chr(argument)])
            case "NOT_LITERAL":
                return self._sample - self._meant([chr(argument)])
        found: frozenset[str] = frozenset().union(*(self._member(str(kind), value) for kind, value in argument))
        return self._sample - found if str(argument[0][0]) == "NEGATE" else found

    def _member(self, kind: str, value: Any) -> frozenset[str]:
        """Returns the characters of one member of a class; none for the sign that negates it."""
        match kind:
            case "LITERAL":
                return self._meant([chr(value)])
            case "RANGE":
                return self._meant(c for c in self._sample if value[0] <= ord(c[0]) <= value[1])
            case "CATEGORY":
                return frozenset(c for c in self._sample if re.fullmatch(_CATEGORIES[str(value)], c))
        return frozenset()

    def _meant(self, characters: Iterable[str]) -> frozenset[str]:
        return _both_cases(characters) if self._flags & re.IGNORECASE else frozenset(characters)


def _branch(branches: list[_Rest]) -> _Rest:
    """Alternatives that begin differently are no choice: at most one of them goes on."""
    first: frozenset[str] = frozenset().union(*(branch.first for branch in branches))
    overlap = sum(len(branch.first) for branch in branches) > len(first)
    counts = [branch.choices for branch in branches]
    return _Rest(first, any(branch.empty for branch in branches), sum(counts) if overlap else max(counts))


def _power(choices: float, times: int) -> float:
    if choices <= 1.0:
        return choices
    return math.inf if times * math.log(choices) > 100 else choices**times


def _both_cases(characters: Iterable[str]) -> frozenset[str]:
    return frozenset(c for given in characters for c in (given, given.lower(), given.upper()))


def _numbers(tree: Any) -> Iterator[int]:
    """Returns every number in a pattern's tree: the characters that it names are among them."""
    if isinstance(tree, int):
        yield tree
    elif isinstance(tree, _PARSER.SubPattern | list | tuple):
        for part in tree:
            yield from _numbers(part)
