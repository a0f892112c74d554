"""The small values of a tree: durations, numbers, switches, texts, ids, names; how each is read and what is legal.

A value that comes from the environment is always text; where a number or a switch is wanted it is read as
one.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any, Literal, TypeAlias, TypeGuard

from pydantic import (
    AfterValidator,
    AllowInfNan,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    StringConstraints,
    WithJsonSchema,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from ..supervisors.patterns import compiled
from .environment import FromEnvironment
from .scalars import resolve

__all__ = [
    "AS_WRITTEN",
    "DURATION",
    "ID",
    "ID_WORDS",
    "LONG_NAME",
    "Anything",
    "Count",
    "Data",
    "Duration",
    "Facts",
    "FieldPath",
    "Flag",
    "FreeText",
    "FunctionName",
    "Id",
    "Jitter",
    "Number",
    "PathPatterns",
    "Pattern",
    "PositiveDuration",
    "Shutdown",
    "StartTimeout",
    "Targets",
    "Text",
    "duration_text",
    "illegal",
    "is_long_name",
    "json_data",
    "long_name",
    "resolved",
    "seconds",
    "unfit",
]

ID = r"^[a-z][a-z0-9_-]*$"
ID_WORDS = "a lower-case letter, then lower-case letters, digits, '-' or '_'"
DURATION = r"^[0-9]+(\.[0-9]+)?(ms|s|m|h)$"
DURATION_WORDS = "a duration such as 500ms, 30s, 2m or 1h, or a number of seconds"
LONG_NAME = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"
"""What is named by its import path: `module:Class`, `module:function`."""
AS_WRITTEN: dict[str, Any] = {"as written": True}
"""The context of a dump in which durations have their unit."""

_ID_PATTERN = re.compile(r"[^\s/:]+")
_LONG_NAME = re.compile(LONG_NAME.replace("$", r"\Z"))
_DURATION = re.compile(r"([0-9]{1,30}(?:\.[0-9]{1,30})?)(ms|s|m|h)")
_SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}


def illegal(legal: str, words: tuple[str, ...] = (), at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Returns the error of a value that is not legal; the nearest of `words` will be suggested.

    `at` leads on from the value that was validated to the one within it that is not legal.
    """
    return PydanticCustomError("illegal", "expected {legal}", {"legal": legal, "words": words, "at": at})


def unfit(why: str, at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """Returns the error of a value that is not legal, where `why` says all of it; `at` as in `illegal`."""
    return PydanticCustomError("unfit", "{why}", {"why": why, "legal": "", "at": at})


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


def _duration(value: Any) -> float:
    read = seconds(value)
    if read is None:
        raise illegal(DURATION_WORDS)
    return read


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


def _as_written(value: Any, info: SerializationInfo) -> Any:
    return duration_text(value) if info.context is AS_WRITTEN and isinstance(value, float) else value


def resolved(value: Any) -> Any:
    """Returns what a text from the environment means as a plain word: a number, a switch, or that text."""
    return resolve(str(value)) if isinstance(value, FromEnvironment) else value


def _text(value: Any, check: Any) -> str:
    checked: str = check(value)
    return value if isinstance(value, FromEnvironment) else checked


def _mapping_of(what: str) -> PlainValidator:
    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise illegal(f"a mapping of {what}")
        return {_key(key): json_data(item, 1) for key, item in value.items()}

    return PlainValidator(read)


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    raise illegal("keys that are text")


_SCALARS = frozenset({str, int, bool, type(None), FromEnvironment})


def json_data(value: Any, depth: int = 0) -> Any:
    """Copies data as plain dicts and lists: what JSON can hold, and nothing else."""
    kind = type(value)
    if kind in _SCALARS or (kind is float and math.isfinite(value)):
        return value
    if depth > _DEEPEST:
        raise illegal(f"data of at most {_DEEPEST} levels")
    if isinstance(value, dict):
        return {_key(key): json_data(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_data(item, depth + 1) for item in value]
    raise illegal("data as JSON has it: texts, finite numbers, true, false, null, lists and mappings")


_DEEPEST = 50


def long_name(value: Any, kind: str) -> Any:
    """Returns the name of a class or function of Python in the place of itself; anything else as it is."""
    if not (isinstance(value, type) or inspect.isfunction(value)):
        return value
    if "." in value.__qualname__:
        raise illegal(f"a {kind} at the top of its module, which a tree can name as module:{kind}")
    return f"{value.__module__}:{value.__qualname__}"


def is_long_name(value: Any) -> TypeGuard[str]:
    """Tells whether this is the name of something in a module: `module:name`."""
    return isinstance(value, str) and _LONG_NAME.match(value) is not None


def _function_name(value: Any) -> Any:
    value = long_name(value, "function")
    if not is_long_name(value):
        raise illegal("module:function")
    return value


def _usable(pattern: str) -> str:
    try:
        compiled(pattern, ignore_case=False)
    except ValueError as error:
        raise unfit(str(error)) from None
    return pattern


def _field_path(value: str) -> str:
    if not all(value.split(".")):
        raise illegal("the path of a field, such as amount or customer.id")
    return value


def _path_pattern(value: str) -> str:
    if not all(_ID_PATTERN.fullmatch(part) and ("**" not in part or part == "**") for part in value.split("/")):
        raise illegal("a path such as team/writer, with * for any characters of an id and ** for any number of ids")
    return value


def _one_or_several(value: Any) -> Any:
    """Returns one text as a list of it."""
    return [value] if isinstance(value, str) else value


def _several(value: Any) -> Any:
    """Returns one name as a list of it."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list | tuple) or not value:
        raise illegal("an id or a path, or a list of them")
    return value


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

Count: TypeAlias = Annotated[int, BeforeValidator(resolved)]
Number: TypeAlias = Annotated[float, BeforeValidator(resolved), AllowInfNan(False)]
Flag: TypeAlias = Annotated[bool, BeforeValidator(resolved)]

_WithUnit = PlainSerializer(_as_written)

Duration: TypeAlias = Annotated[float, PlainValidator(_duration), _WithUnit, WithJsonSchema(_DURATION_SCHEMA)]
PositiveDuration: TypeAlias = Annotated[
    float, PlainValidator(_positive_duration), _WithUnit, WithJsonSchema(_POSITIVE_SCHEMA)
]
Shutdown: TypeAlias = Annotated[
    float | Literal["brutal_kill", "infinity"],
    _or_words("brutal_kill", "infinity"),
    _WithUnit,
    WithJsonSchema(_with_words("brutal_kill", "infinity")),
]
StartTimeout: TypeAlias = Annotated[
    float | Literal["infinity"],
    _or_words("infinity", zero=False),
    _WithUnit,
    WithJsonSchema(_with_words("infinity")),
]
Jitter: TypeAlias = Annotated[
    float | Literal["full", "none"],
    _or_words("full", "none"),
    _WithUnit,
    WithJsonSchema(_with_words("full", "none")),
]
Data: TypeAlias = Annotated[
    dict[str, Any],
    _mapping_of("arguments"),
    WithJsonSchema({"type": "object"}),
]
"""Arguments: anything that JSON can hold."""

Facts: TypeAlias = Annotated[
    dict[str, Any],
    _mapping_of("facts"),
    WithJsonSchema({"type": "object"}),
]
"""Facts of a task's context: anything that JSON can hold."""

Anything: TypeAlias = Annotated[Any, PlainValidator(json_data), WithJsonSchema({})]
"""Whatever JSON can hold."""

FreeText: TypeAlias = Annotated[str, WrapValidator(_text)]
"""A text, or none at all."""

FieldPath: TypeAlias = Annotated[Text, AfterValidator(_field_path)]
"""The way to a field of an output, or of a context."""

Pattern: TypeAlias = Annotated[Text, AfterValidator(_usable)]
"""A regular expression."""

PathPatterns: TypeAlias = Annotated[
    tuple[Annotated[Text, AfterValidator(_path_pattern)], ...], Field(strict=False), BeforeValidator(_one_or_several)
]
"""Patterns of paths, one or a list: `*` stands for any characters of an id, `**` for any number of ids."""

Targets: TypeAlias = Annotated[tuple[Text, ...], Field(strict=False), BeforeValidator(_several)]
"""The ids or paths of others in the tree: one, or a list."""

FunctionName: TypeAlias = Annotated[
    str,
    PlainValidator(_function_name),
    WithJsonSchema({"type": "string", "pattern": LONG_NAME}),
]
"""A function by its import path."""
