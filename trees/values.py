"""The small values of a tree: durations, numbers, switches, texts, ids; how each is read and what is legal.

A value that comes from the environment is always text; where a number or a switch is wanted it is read as
one.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import (
    AllowInfNan,
    BeforeValidator,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from .environment import FromEnvironment
from .scalars import resolve

__all__ = [
    "DURATION",
    "ID",
    "ID_WORDS",
    "Count",
    "Data",
    "Flag",
    "Id",
    "Jitter",
    "Number",
    "PositiveDuration",
    "Shutdown",
    "StartTimeout",
    "Text",
    "duration_text",
    "illegal",
    "seconds",
]

ID = r"^[a-z][a-z0-9_-]*$"
ID_WORDS = "a lower-case letter, then lower-case letters, digits, '-' or '_'"
DURATION = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$"
DURATION_WORDS = "a duration such as 500ms, 30s, 2m or 1h, or a number of seconds"

_DURATION = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)(ms|s|m|h)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}


def illegal(legal: str, words: tuple[str, ...] = ()) -> PydanticCustomError:
    """Returns the error of a value that is not legal; the nearest of `words` will be suggested."""
    return PydanticCustomError("illegal", "expected {legal}", {"legal": legal, "words": words})


def seconds(value: Any) -> float | None:
    """Returns a duration in seconds (from `500ms`, `30s`, `2m`, `1h`, a number >= 0), None if it is none."""
    if isinstance(value, FromEnvironment):
        value = resolve(str(value))
    if isinstance(value, str):
        match = _DURATION.fullmatch(value)
        return float(Decimal(match[1]) * _SECONDS[match[2]]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and 0 <= value < 1e15 else None


def duration_text(value: float) -> str | float:
    """Returns seconds in the largest unit that makes them a whole number, or as they are if none does."""
    for unit in ("h", "m", "s", "ms"):
        count, rest = divmod(Decimal(repr(value)), _SECONDS[unit])
        if rest == 0 and (count or unit == "s"):
            return f"{count:f}{unit}"
    return value


def _positive_duration(value: Any) -> float:
    read = seconds(value)
    if not read:
        raise illegal(f"{DURATION_WORDS}, above zero")
    return read


def _or_words(*words: str, zero: bool = True) -> PlainValidator:
    """Returns the reader of a value that is one of some words or a duration."""

    def read(value: Any) -> float | str:
        if isinstance(value, str) and value in words:
            return str(value)
        duration = seconds(value)
        if duration is None or not (duration or zero):
            raise illegal(f"{', '.join(words)}, or {DURATION_WORDS}{'' if zero else ', above zero'}", words)
        return duration

    return PlainValidator(read)


def _resolved(value: Any) -> Any:
    return resolve(str(value)) if isinstance(value, FromEnvironment) else value


def _text(value: Any, check: Any) -> str:
    checked: str = check(value)
    return value if isinstance(value, FromEnvironment) else checked


def _data(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise illegal("a mapping of arguments")
    return {_key(key): _plain(item, 1) for key, item in value.items()}


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    raise illegal("keys that are text")


_SCALARS = frozenset({str, int, bool, type(None), FromEnvironment})


def _plain(value: Any, depth: int) -> Any:
    """Copies data as plain dicts and lists: what JSON can hold, and nothing else."""
    kind = type(value)
    if kind in _SCALARS or (kind is float and math.isfinite(value)):
        return value
    if depth > _DEEPEST:
        raise illegal(f"data of at most {_DEEPEST} levels")
    if isinstance(value, dict):
        return {_key(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    raise illegal("data as JSON has it: texts, finite numbers, true, false, null, lists and mappings")


_DEEPEST = 50

_NUMBER_SCHEMA: dict[str, Any] = {"type": "number", "minimum": 0}
_DURATION_SCHEMA: dict[str, Any] = {
    "anyOf": [{"type": "string", "pattern": DURATION}, _NUMBER_SCHEMA],
    "examples": ["500ms", "30s", "2m", "1h", 30],
}

_POSITIVE_SCHEMA: dict[str, Any] = {
    "anyOf": [_DURATION_SCHEMA["anyOf"][0], {"type": "number", "exclusiveMinimum": 0}],
    "examples": _DURATION_SCHEMA["examples"],
}


def _with_words(*words: str) -> dict[str, Any]:
    choices = [{"enum": list(words)}, *_DURATION_SCHEMA["anyOf"]]
    return {"anyOf": choices, "examples": [*words, *_DURATION_SCHEMA["examples"][:2]]}


Id: TypeAlias = Annotated[str, StringConstraints(pattern=ID)]
Text: TypeAlias = Annotated[str, StringConstraints(min_length=1), WrapValidator(_text)]
"""A text that may come from the environment, and then remembers that it did."""

Count: TypeAlias = Annotated[int, BeforeValidator(_resolved)]
Number: TypeAlias = Annotated[float, BeforeValidator(_resolved), AllowInfNan(False)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(_resolved)]

PositiveDuration: TypeAlias = Annotated[float, PlainValidator(_positive_duration), WithJsonSchema(_POSITIVE_SCHEMA)]
Shutdown: TypeAlias = Annotated[
    float | Literal["brutal_kill", "infinity"],
    _or_words("brutal_kill", "infinity"),
    WithJsonSchema(_with_words("brutal_kill", "infinity")),
]
StartTimeout: TypeAlias = Annotated[
    float | Literal["infinity"],
    _or_words("infinity", zero=False),
    WithJsonSchema(_with_words("infinity")),
]
Jitter: TypeAlias = Annotated[
    float | Literal["full", "none"],
    _or_words("full", "none"),
    WithJsonSchema(_with_words("full", "none")),
]
Data: TypeAlias = Annotated[
    dict[str, Any],
    PlainValidator(_data),
    WithJsonSchema({"type": "object"}),
]
"""Arguments: anything that JSON can hold."""
