"""A JSON Schema as one function, which tells fast whether plain data is valid, and never why it is not. Pure.

It knows the keywords that schemas of outputs are made of. Where a schema has another one, there is no such function.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from decimal import Decimal
from typing import Any, TypeAlias

from ..patterns import pieces, search_piece

__all__ = ["quick_check"]

Check: TypeAlias = Callable[[Any], bool]

REMARKS = frozenset(
    {"$comment", "$defs", "$schema", "title", "description", "format", "default", "examples", "deprecated"}
    | {"readOnly", "writeOnly"}
)
"""Keywords that no data can break."""

NUMBERS = (int, float, Decimal)


class _Unknown(Exception):
    """The schema has something that is not known here."""


def quick_check(schema: Any) -> Check | None:
    """Returns a function that tells whether plain data fits a schema, which has been checked; None if there is none.

    It says the same as the library does: of numbers (1.0 is an integer), of booleans (which are none), of what a
    keyword for another type says (nothing).
    """
    try:
        return _Compiler(schema).compiled(schema)
    except (_Unknown, RecursionError):
        return None


class _Compiler:
    """Makes the checks of one schema; what a `$ref` leads to is made once, when it is first met."""

    def __init__(self, root: Any) -> None:
        self._root = root
        self._named: dict[str, list[Check]] = {}

    def compiled(self, schema: Any) -> Check:
        """Returns the check of a schema, or of a part of it."""
        if isinstance(schema, bool):
            return lambda _: schema
        checks = [self._check(word, schema) for word in schema if word not in REMARKS]
        return checks[0] if len(checks) == 1 else _every(checks)

    def _check(self, word: str, schema: Mapping[str, Any]) -> Check:
        told = schema[word]
        if word in _PARTS:
            return _PARTS[word](self, told, schema)
        if word in _OF_VALUES:
            return _OF_VALUES[word](told)
        raise _Unknown(word)

    def _properties(self, told: Any, _: Mapping[str, Any]) -> Check:
        parts = [(name, self.compiled(part)) for name, part in told.items()]

        def check(value: Any) -> bool:
            if type(value) is not dict:
                return True
            for name, fits in parts:  # noqa: SIM110 - written out: it is most of what a check does
                if name in value and not fits(value[name]):
                    return False
            return True

        return check

    def _additional(self, told: Any, schema: Mapping[str, Any]) -> Check:
        if "patternProperties" in schema:
            raise _Unknown("patternProperties")
        known, fits = frozenset(schema.get("properties", ())), self.compiled(told)
        if told is False:
            return lambda value: type(value) is not dict or value.keys() <= known
        return lambda value: type(value) is not dict or all(fits(value[name]) for name in value.keys() - known)

    def _items(self, told: Any, schema: Mapping[str, Any]) -> Check:
        if "prefixItems" in schema:
            raise _Unknown("prefixItems")
        fits = self.compiled(told)
        return lambda value: type(value) is not list or all(map(fits, value))

    def _any_of(self, told: Any, _: Mapping[str, Any]) -> Check:
        parts = list(map(self.compiled, told))
        return lambda value: any(fits(value) for fits in parts)

    def _all_of(self, told: Any, _: Mapping[str, Any]) -> Check:
        return _every(list(map(self.compiled, told)))

    def _one_of(self, told: Any, _: Mapping[str, Any]) -> Check:
        parts = list(map(self.compiled, told))
        return lambda value: sum(fits(value) for fits in parts) == 1

    def _not(self, told: Any, _: Mapping[str, Any]) -> Check:
        fits = self.compiled(told)
        return lambda value: not fits(value)

    def _ref(self, told: str, _schema: Mapping[str, Any]) -> Check:
        head, _, name = told.rpartition("/")
        defined = self._root.get("$defs", {}) if isinstance(self._root, Mapping) else {}
        if head != "#/$defs" or "~" in name or "%" in name or name not in defined:
            raise _Unknown(told)
        made = self._named.get(name)
        if made is None:
            made = self._named[name] = []  # it may lead to itself
            made.append(self.compiled(defined[name]))
        return lambda value: made[0](value)  # noqa: PLW0108 - it may not be there yet


def _every(checks: list[Check]) -> Check:
    def check(value: Any) -> bool:
        for fits in checks:  # noqa: SIM110 - as above
            if not fits(value):
                return False
        return True

    return check


def _type(told: Any) -> Check:
    if isinstance(told, list):
        checks = list(map(_type, told))
        return lambda value: any(fits(value) for fits in checks)
    return _TYPES[told]


def _enum(told: list[Any]) -> Check:
    if not all(one is None or type(one) is str for one in told):
        raise _Unknown("enum")
    known = frozenset(told)
    return lambda value: (value is None or type(value) is str) and value in known


def _required(told: list[str]) -> Check:
    names = frozenset(told)
    return lambda value: type(value) is not dict or names <= value.keys()


def _pattern(told: str) -> Check:
    made = re.compile(told)

    def check(value: Any) -> bool:
        return type(value) is not str or any(search_piece(made, value, begin) for begin in pieces(value))

    return check


def _of_numbers(test: Callable[[Any, Any], bool]) -> Callable[[Any], Check]:
    """Returns what makes a check of numbers alone."""
    return lambda told: lambda value: type(value) not in NUMBERS or test(value, told)


def _of_sizes(kind: type[Sized], test: Callable[[int, Any], bool]) -> Callable[[Any], Check]:
    """Returns what makes a check of how long a text is, or how many items or fields there are."""
    return lambda told: lambda value: not isinstance(value, kind) or test(len(value), told)


_TYPES: Mapping[str, Check] = {
    "object": lambda value: type(value) is dict,
    "array": lambda value: type(value) is list,
    "string": lambda value: type(value) is str,
    "boolean": lambda value: type(value) is bool,
    "null": lambda value: value is None,
    "number": lambda value: type(value) in NUMBERS,
    "integer": lambda value: type(value) is int or (type(value) is float and value.is_integer()),
}

_OF_VALUES: Mapping[str, Callable[[Any], Check]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda told: _enum([told]),
    "required": _required,
    "pattern": _pattern,
    "minimum": _of_numbers(lambda value, least: value >= least),
    "maximum": _of_numbers(lambda value, most: value <= most),
    "exclusiveMinimum": _of_numbers(lambda value, least: value > least),
    "exclusiveMaximum": _of_numbers(lambda value, most: value < most),
    "minLength": _of_sizes(str, lambda size, least: size >= least),
    "maxLength": _of_sizes(str, lambda size, most: size <= most),
    "minItems": _of_sizes(list, lambda size, least: size >= least),
    "maxItems": _of_sizes(list, lambda size, most: size <= most),
    "minProperties": _of_sizes(dict, lambda size, least: size >= least),
    "maxProperties": _of_sizes(dict, lambda size, most: size <= most),
}

_PARTS: Mapping[str, Callable[[_Compiler, Any, Mapping[str, Any]], Check]] = {
    "properties": _Compiler._properties,  # noqa: SLF001 - one table of all keywords
    "additionalProperties": _Compiler._additional,  # noqa: SLF001
    "items": _Compiler._items,  # noqa: SLF001
    "anyOf": _Compiler._any_of,  # noqa: SLF001
    "allOf": _Compiler._all_of,  # noqa: SLF001
    "oneOf": _Compiler._one_of,  # noqa: SLF001
    "not": _Compiler._not,  # noqa: SLF001
    "$ref": _Compiler._ref,  # noqa: SLF001
}
