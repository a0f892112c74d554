"""Texts and data with named fields: `"Payment {payment} of {charges.0.amount} was refunded."`.

A field is a name, and below it keys of mappings and places of lists, joined by dots; never an attribute, so
a template reaches plain data only. `{amount:.2f}` formats as Python does, `{{` is a brace. A text that is
one field alone stands for the value itself, whatever its type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Formatter
from typing import TYPE_CHECKING, Any

from .errors import AgentError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["MissingValue", "Template", "lookup"]

_FIELD = re.compile(r"[A-Za-z_][\w-]*(\.[\w-]+)*")


class MissingValue(AgentError):
    """A field that nothing is known for; `field` is its name."""

    def __init__(self, field: str) -> None:
        super().__init__(f"there is no {field}")
        self.field = field


@dataclass(frozen=True, slots=True)
class _Field:
    path: str
    format: str


class Template:
    """Plain data in which texts may have fields. Raises `ValueError` where a text cannot be read as one."""

    __slots__ = ("_made",)

    def __init__(self, data: Any) -> None:
        self._made = _read(data)

    def fields(self) -> frozenset[str]:
        """Returns the paths of all fields in it."""
        return frozenset(_fields(self._made))

    def fill(self, values: Mapping[str, Any]) -> Any:
        """Returns the data with its fields filled in.

        Raises:
            MissingValue: there is nothing, or None, where a field leads, or it does not fit the format.
        """
        return _fill(self._made, values)


def lookup(path: str, values: Mapping[str, Any]) -> Any:
    """Returns the value at a dotted path; None if there is none."""
    found: Any = values
    for key in path.split("."):
        if isinstance(found, Mapping):
            found = found.get(key)
        elif isinstance(found, Sequence) and not isinstance(found, str) and key.isdecimal():
            found = found[int(key)] if len(key) < 10 and int(key) < len(found) else None
        else:
            return None
    return found


def _read(data: Any) -> Any:
    if isinstance(data, str):
        return _read_text(data)
    if isinstance(data, Mapping):
        return {key: _read(value) for key, value in data.items()}
    return [_read(value) for value in data] if isinstance(data, list | tuple) else data


def _read_text(text: str) -> Any:
    parts: list[str | _Field] = []
    for literal, field, spec, conversion in Formatter().parse(text):
        parts += [literal] if literal else []
        if field is not None:
            parts.append(_read_field(text, field, spec or "", conversion))
    if all(isinstance(part, str) for part in parts):
        return "".join(map(str, parts))
    whole = parts[0] if len(parts) == 1 else None
    return whole if isinstance(whole, _Field) and not whole.format else tuple(parts)


def _read_field(text: str, field: str, spec: str, conversion: str | None) -> _Field:
    if not _FIELD.fullmatch(field) or conversion is not None or "{" in spec:
        raise ValueError(f"{{{field}}} in {text!r} is no field: expected a name, or a path such as {{charge.amount}}")
    return _Field(field, spec)


def _fields(made: Any) -> Iterator[str]:
    if isinstance(made, _Field):
        yield made.path
    elif isinstance(made, dict):
        yield from _fields(list(made.values()))
    elif isinstance(made, list | tuple):
        for part in made:
            yield from _fields(part)


def _fill(made: Any, values: Mapping[str, Any]) -> Any:
    match made:
        case _Field():
            return _value(made, values)
        case tuple():
            return "".join(part if isinstance(part, str) else _text(part, values) for part in made)
        case dict():
            return {key: _fill(value, values) for key, value in made.items()}
        case list():
            return [_fill(value, values) for value in made]
    return made


def _value(field: _Field, values: Mapping[str, Any]) -> Any:
    found = lookup(field.path, values)
    if found is None:
        raise MissingValue(field.path)
    return found


def _text(field: _Field, values: Mapping[str, Any]) -> str:
    found = _value(field, values)
    if isinstance(found, list | tuple):
        found = ", ".join(map(str, found))
    try:
        return format(found, field.format)
    except (TypeError, ValueError):
        raise MissingValue(f"{field.path} that {field.format!r} formats") from None
