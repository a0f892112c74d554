"""What is wrong with a tree: where it is, what was given, what is legal, and how to mend it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..runtime.errors import TreewardError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Problem", "TreeError", "alternatives", "did_you_mean", "quoted"]

LONGEST_QUOTE = 60


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault of a tree.

    `line` and `column` count from 1; both are 0 for a fault that has no position, such as a file that is
    missing or a tree that was built in Python. `legal` says what would have been right, `hint` how to mend
    it; both may be empty.
    """

    file: str
    line: int
    column: int
    what: str
    legal: str = ""
    hint: str = ""

    def __str__(self) -> str:
        expected = f"expected {self.legal}" if self.legal else ""
        return self._place() + "; ".join(part for part in (self.what, expected, self.hint) if part)

    def _place(self) -> str:
        if not self.file:
            return ""
        file = self.file if self.file.isprintable() else repr(self.file)
        return f"{file}:{self.line}:{self.column}: " if self.line else f"{file}: "


class TreeError(TreewardError):
    """A tree that cannot be used. `problems` has every fault; the message has one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        return "\n".join(map(str, self.problems))


def quoted(text: str) -> str:
    """Returns a text as a message shows it: in quotes, on one line, without control characters, shortened."""
    shown = repr(text)
    return shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]}...{shown[-1]}"


def alternatives(words: Iterable[str]) -> str:
    """Returns words as a list to choose from: `a, b or c`."""
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else last


def did_you_mean(word: Any, words: Iterable[str]) -> str:
    """Returns the question for the nearest legal word, or nothing where no word is near."""
    if not isinstance(word, str):
        return ""
    near = difflib.get_close_matches(word[:LONGEST_QUOTE], list(words), n=1)
    return f"did you mean {near[0]!r}?" if near and near[0] != word else ""
