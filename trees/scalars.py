"""Plain words of YAML and what they mean: the core schema of YAML 1.2, section 10.3.

PyYAML resolves by YAML 1.1, where `on` is true, `12:30` is 750 and `010` is 8. Here they are what they look
like.
"""

from __future__ import annotations

import math
import re
from typing import Any

__all__ = ["CORE", "LONGEST_NUMBER", "resolve", "tag_of"]

LONGEST_NUMBER = 100
"""Characters. Python refuses integers of over 4,300 digits with an error of its own."""

_NULL = ("", "~", "null", "Null", "NULL")
_TRUE = ("true", "True", "TRUE")
_FALSE = ("false", "False", "FALSE")
_INFINITIES = {sign + word: float(f"{sign}inf") for sign in ("", "+", "-") for word in (".inf", ".Inf", ".INF")}
_NAN = (".nan", ".NaN", ".NAN")

_WORDS: dict[str, Any] = (
    dict.fromkeys(_NULL)
    | dict.fromkeys(_TRUE, True)
    | dict.fromkeys(_FALSE, False)
    | _INFINITIES
    | dict.fromkeys(_NAN, math.nan)
)
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_FIRST_OF_NUMBERS = frozenset("+-.0123456789")

CORE: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("null", re.compile(r"(~|null|Null|NULL|)$"), "~nN"),
    ("bool", re.compile(r"(true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("int", re.compile(rf"({_INTEGER.pattern}|{_BASED.pattern})$"), "-+0123456789"),
    ("float", re.compile(rf"({_FLOAT.pattern}|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$"), "-+.0123456789"),
)
"""Tag, pattern and first characters of what is not a text: what a writer must put in quotes."""

_TAGS = {type(None): "null", bool: "bool", int: "int", float: "float", str: "str"}


def tag_of(value: Any) -> str:
    """Returns the core schema's tag for a resolved word."""
    return _TAGS[type(value)]


def resolve(word: str) -> Any:
    """Returns what an unquoted word means: None, a bool, an int, a float, or the text itself."""
    if word in _WORDS:
        return _WORDS[word]
    if word[0] in _FIRST_OF_NUMBERS and len(word) <= LONGEST_NUMBER:
        return _number(word)
    return word


def _number(word: str) -> int | float | str:
    if _INTEGER.fullmatch(word):
        return int(word)
    if _BASED.fullmatch(word):
        return int(word, 0)
    return float(word) if _FLOAT.fullmatch(word) else word
