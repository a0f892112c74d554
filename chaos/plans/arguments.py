"""What an action may be given: one argument, and the readers of its values."""

from __future__ import annotations

import asyncio
import builtins
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from ...trees.values import is_long_name
from .amounts import SPAN_WORDS, Rate, Size, Span, span

if TYPE_CHECKING:
    from collections.abc import Callable

    from .grammar import Value

__all__ = [
    "EXCEPTIONS",
    "INJECTED",
    "MISSING",
    "NOT_ON_PURPOSE",
    "Argument",
    "Unfit",
    "choice",
    "duration",
    "duration_either_way",
    "exception",
    "is_exception_name",
    "rate",
    "size",
    "suspensions_or_time",
    "text",
    "whole",
]

MISSING: Any = object()
"""The default of an argument that has to be given."""

_MOST_LEAKED = 10**9
_FASTEST = 100_000


class Unfit(ValueError):
    """A value that an argument does not take: its text says what is legal, `words` which words are."""

    def __init__(self, legal: str, words: tuple[str, ...] = ()) -> None:
        super().__init__(legal)
        self.words = words


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of an action: `read` makes of a written value what is meant, or raises `Unfit`."""

    name: str
    read: Callable[[Value], Any]
    default: Any
    what: str

    @property
    def is_required(self) -> bool:
        """Whether it cannot be left out."""
        return self.default is MISSING


def duration(value: Value) -> Span:
    """Reads a time above zero, or a range of such."""
    found = span(value)
    if found is None or found.low < 0 or found.high == 0:
        raise Unfit(f"{SPAN_WORDS}, above zero")
    return found


def duration_either_way(value: Value) -> Span:
    """Reads a time before or behind zero, or a range of such."""
    found = span(value)
    if found is None or (found.low == found.high == 0):
        raise Unfit("a duration such as 1h or -30s, or a range of them such as -1h..1h or ±1h")
    return found


def suspensions_or_time(value: Value) -> int | Span:
    """Reads how far something gets: over so many waits, or so long."""
    if isinstance(value, int):
        if value < 1:
            raise Unfit("a number of waits, 1 or more, or a duration such as 2s")
        return value
    return duration(value)


def whole(least: int, most: int) -> Callable[[Value], int]:
    """Returns the reader of whole numbers between two bounds."""

    def read(value: Value) -> int:
        if not isinstance(value, int) or not least <= value <= most:
            raise Unfit(f"a whole number from {least} to {most}")
        return value

    return read


def choice(*words: str) -> Callable[[Value], str]:
    """Returns the reader of one of some words."""

    def read(value: Value) -> str:
        if value not in words:
            raise Unfit(f"one of {', '.join(words)}" if len(words) > 1 else f"{words[0]}, or nothing", words)
        return str(value)

    return read


def rate(value: Value) -> Rate:
    """Reads how often something comes."""
    if not isinstance(value, Rate) or not 0 < value.per_second <= _FASTEST:
        raise Unfit(f"a rate such as 100/s or 30/m, at most {_FASTEST:,}/s")
    return value


def size(value: Value) -> int:
    """Reads a number of bytes."""
    found = value.bytes if isinstance(value, Size) else value
    if not isinstance(found, int) or not 0 < found <= _MOST_LEAKED:
        raise Unfit(f"a size such as 64kB or 1MB, at most {_MOST_LEAKED // 10**9}GB")
    return found


def text(value: Value) -> str:
    """Reads a text."""
    if not isinstance(value, str):
        raise Unfit('a text in quotes, such as "no database"')
    return value


NOT_ON_PURPOSE = (KeyboardInterrupt, GeneratorExit, StopIteration, StopAsyncIteration)
"""They are Python's own signs: raised in a task, they mean something else than that it has failed."""


def _exceptions() -> dict[str, type[BaseException]]:
    """Returns the exceptions that have a short name, as far as they can be made with one text."""
    found: dict[str, type[BaseException]] = {"CancelledError": asyncio.CancelledError}
    for name, value in vars(builtins).items():
        if isinstance(value, type) and issubclass(value, BaseException) and not issubclass(value, NOT_ON_PURPOSE):
            try:
                value("a text")
            except TypeError:
                continue
            found[name] = value
    return found


EXCEPTIONS = _exceptions()
"""The exceptions of Python itself that may be raised, by name."""
INJECTED = "InjectedCrash"


def is_exception_name(value: object) -> TypeGuard[str]:
    """Tells whether this has the form of an exception's name: a short one, or `module:Class`."""
    return value == INJECTED or (isinstance(value, str) and (value in EXCEPTIONS or is_long_name(value)))


def exception(value: Value) -> str:
    """Reads the name of an exception. What `module:Class` leads to is not looked at here."""
    if is_exception_name(value):
        return value
    raise Unfit("a built-in exception other than KeyboardInterrupt, CancelledError, or module:Class", (*EXCEPTIONS,))
