"""An output as judges see it: plain data, as JSON has it, with its fields and its texts. Pure.

An agent may return anything: objects, a list within itself, a number that is none, a million values. What
cannot be read as data within these limits is a fault of the output, and no judge fails over it.
"""

from __future__ import annotations

import contextlib
import math
import numbers
import reprlib
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Final

from pydantic import BaseModel, RootModel
from pydantic_core import to_jsonable_python

__all__ = ["LARGE", "MISSING", "NotPlain", "field_of", "is_path", "measured", "plain", "shown", "texts_in"]

DEEPEST = 50
"""Levels of lists and mappings, one in the other."""
MOST_VALUES = 100_000
"""Values that an output has in it, the lists and mappings included."""
MOST_TEXT = 1_000_000
"""Characters in all of its texts."""
LONGEST_KEY = 2000
"""Characters of a key."""
LARGEST_BITS = 4096
"""Of a whole number."""

LARGE = 5000
"""The size from which on it takes a thread to hold a JSON Schema against an output: less is done in 0.05 s."""

LONGEST_SHOWN = 200

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60
_SHORT.maxlevel = 2


class _Missing:
    """The type of `MISSING`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "nothing"


MISSING: Final = _Missing()
"""What there is where there is no field."""


class NotPlain(ValueError):
    """An output, or a part of it, is no plain data; the text says which and why."""

    def __init__(self, what: str, *, whole: bool = False) -> None:
        super().__init__(what)
        self._what = what
        self._path: list[str] = []
        self._whole = whole

    def within(self, key: object) -> NotPlain:
        """Notes where it was found, from the inside out."""
        if not self._whole:
            self._path.append(str(key))
        return self

    def __str__(self) -> str:
        return f"{'.'.join(reversed(self._path)) or 'the output'} {self._what}"


def plain(output: Any) -> Any:
    """Returns a copy of an output as None, booleans, numbers, texts, lists and mappings with texts as keys.

    Models of pydantic and dataclasses become mappings of their fields, tuples and sets lists, members of
    enumerations their values; a `Decimal` stays one, dates and the like become texts.

    Raises:
        NotPlain: it is something else (a generator, bytes, an object, NaN), or passes a limit.
    """
    return _Copier().copy(output, 0)


def measured(output: Any) -> tuple[Any, int]:
    """Returns an output as `plain` does, and its size: each value, list and mapping is one, and so are four characters.

    What is plain already, and not `LARGE`, is returned as it is: for who looks at it at once, and changes nothing.
    """
    size = _size(output)
    if size is not None:
        return output, size
    copier = _Copier()
    data = copier.copy(output, 0)
    return data, MOST_VALUES - copier.values + (MOST_TEXT - copier.characters) // 4


def _size(output: Any) -> int | None:
    """Returns the size of plain data; None if that is large, or has something in it that has to be looked at."""
    values, keys, texts, level = 0, [], [], [output]
    for _ in range(DEEPEST + 1):
        values += len(level)
        below: list[Any] = []
        for value in level:
            kind = type(value)
            if kind is dict:
                keys += value
                below += value.values()
            elif kind is list:
                below += value
            elif kind is str:
                texts.append(value)
            elif kind not in _SIMPLE or not _SIMPLE[kind](value):
                return None
        if not below or values > LARGE:
            break
        level = below
    else:
        return None
    return _size_with(values, keys, texts)


def _size_with(values: int, keys: list[Any], texts: list[str]) -> int | None:
    if any(type(key) is not str or len(key) > LONGEST_KEY for key in keys):
        return None
    text = "".join(keys + texts)
    size = values + len(text) // 4
    return size if size <= LARGE and _is_sound(text) else None


def _is_sound(text: str) -> bool:
    """Tells whether a text has no half character in it (a lone surrogate)."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return False
    return True


_SIMPLE: Mapping[type, Callable[[Any], bool]] = {
    bool: lambda _: True,
    type(None): lambda _: True,
    int: lambda value: value.bit_length() <= LARGEST_BITS,
    float: math.isfinite,
}
"""The types of single values that are plain as they are, and what has to be so."""


class _Copier:
    """Copies one output, and counts what it has in it."""

    __slots__ = ("characters", "values")

    def __init__(self) -> None:
        self.values = MOST_VALUES
        self.characters = MOST_TEXT

    def copy(self, value: Any, depth: int) -> Any:
        self.values -= 1
        if self.values < 0:
            raise NotPlain(f"has more than {MOST_VALUES:,} values in it", whole=True)
        if depth > DEEPEST:
            raise NotPlain(f"is nested deeper than {DEEPEST} levels, or within itself", whole=True)
        if type(value) is str:  # most values are texts, and the rest takes long to tell apart
            return self._text(value)
        return self._other(value, depth)

    def _other(self, value: Any, depth: int) -> Any:
        if value is None or type(value) is bool or (type(value) is int and value.bit_length() <= LARGEST_BITS):
            return value
        if isinstance(value, Enum):
            return self.copy(value.value, depth + 1)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, numbers.Number):
            return _number(value)
        return self._branch(value, depth + 1)

    def _branch(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(value.items(), depth)
        if isinstance(value, RootModel):
            return self.copy(value.root, depth)
        if isinstance(value, BaseModel):
            return self._mapping(iter(value), depth)
        if is_dataclass(value) and not isinstance(value, type):
            return self._mapping(((one.name, getattr(value, one.name)) for one in fields(value)), depth)
        if isinstance(value, list | tuple | AbstractSet):
            return [self._item(index, item, depth) for index, item in enumerate(value)]
        return self._text(_written(value))

    def _mapping(self, items: Any, depth: int) -> dict[str, Any]:
        return {self._key(key): self._item(key, item, depth) for key, item in items}

    def _item(self, key: Any, value: Any, depth: int) -> Any:
        try:
            return self.copy(value, depth)
        except NotPlain as error:
            raise error.within(key) from None

    def _key(self, key: Any) -> str:
        if type(key) is str and len(key) <= LONGEST_KEY:
            return self._text(key)
        if isinstance(key, Enum):
            key = key.value
        if isinstance(key, int) and not isinstance(key, bool):
            key = str(_number(key))
        if not isinstance(key, str):
            raise NotPlain(f"has the key {shown(key)}: expected texts as keys")
        if len(key) > LONGEST_KEY:
            raise NotPlain(f"has a key of {len(key):,} characters: expected at most {LONGEST_KEY:,}")
        return self._text(key)

    def _text(self, text: str) -> str:
        self.characters -= len(text)
        if self.characters < 0:
            raise NotPlain(f"has more than {MOST_TEXT:,} characters in it", whole=True)
        if not _is_sound(text):
            raise NotPlain("has half a character in it (a lone surrogate)")
        return text


def _number(value: Any) -> int | float | Decimal:
    """Returns a number as one that JSON has too; those of numpy are among what comes."""
    if isinstance(value, numbers.Integral):
        whole = int(value)
        if whole.bit_length() > LARGEST_BITS:
            raise NotPlain(f"is a number of {whole.bit_length():,} bits: expected at most {LARGEST_BITS:,}")
        return whole
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, numbers.Real):
        with contextlib.suppress(OverflowError):
            number = float(value)
            if math.isfinite(number):
                return number
    raise NotPlain(f"is {shown(value)}, which is no number of JSON")


def _written(value: Any) -> str:
    """Returns as text what is usually written so: dates, times, paths, ids, addresses."""
    if not hasattr(value, "__iter__"):  # a generator could go on for ever, and is empty once it was read
        try:
            written = to_jsonable_python(value)
        except ValueError:
            written = None
        if isinstance(written, str):
            return written
    raise NotPlain(f"is of the type {type(value).__name__}: expected data as JSON has it")


def is_path(value: object) -> bool:
    """Tells whether this can be the path of a field: names or numbers with dots between them."""
    return isinstance(value, str) and all(value.split("."))


def field_of(data: Any, path: str) -> Any:
    """Returns the field of plain data at a path, `MISSING` if there is none; `items.0` is the first of a list."""
    if isinstance(data, Mapping) and path in data:
        return data[path]
    found = data
    for name in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(name, MISSING)
        elif isinstance(found, list | tuple) and name.isdecimal() and len(name) < 10:
            found = found[int(name)] if int(name) < len(found) else MISSING
        else:
            return MISSING
    return found


def texts_in(data: Any) -> Iterator[tuple[str, str]]:
    """Yields what can be read in plain data: its texts, its numbers, its keys, each with where it stands."""
    left: list[tuple[str, Any]] = [("", data)]
    while left:
        where, value = left.pop()
        if isinstance(value, Mapping):
            yield from ((_below(where, "(keys)"), key) for key in value)
            left.extend((_below(where, key), item) for key, item in reversed([*value.items()]))
        elif isinstance(value, list):
            left.extend((_below(where, str(index)), value[index]) for index in reversed(range(len(value))))
        elif value is not None and not isinstance(value, bool):
            yield where, str(value)


def _below(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def shown(value: Any) -> str:
    """Returns a value as one short line, for people."""
    try:
        text = " ".join(_SHORT.repr(value).split())
    except Exception:  # noqa: BLE001 - a `__repr__` of the user's that raises changes no verdict
        text = f"<{type(value).__name__}>"
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 3]}..."
