"""A JSON Schema, compiled: draft 2020-12, self-contained, and unable to hang. Pure.

`format` is an annotation, as the specification has it, and is not checked. No address is ever asked for a
schema: a `$ref` leads to a place within.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from ..checks import check
from ..errors import InvalidSpec
from ..patterns import compiled, pieces, search_piece
from .plain import NotPlain, plain, shown
from .quick import quick_check

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator

    from referencing import Resource

__all__ = ["JsonSchema", "compiled_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_FAULTS = 20
"""Faults that are looked for: one more changes nothing, and there may be a hundred thousand."""
LONGEST_FAULT = 300


def compiled_schema(schema: Mapping[str, Any]) -> JsonSchema:
    """Returns a JSON Schema compiled, once for all that are written alike: a tree that starts again has the same.

    Raises as `JsonSchema` does.
    """
    try:
        return _compiled(json.dumps(schema))
    except (TypeError, ValueError, RecursionError):  # it is not made of what JSON has; or it is no schema
        return JsonSchema(schema)


class JsonSchema:
    """See the module.

    Raises:
        InvalidSpec: it is no schema, or refers to something outside, or has a pattern that could take too long.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        try:
            own = plain(schema)
            dialect = own.get("$schema", DIALECT)
            check("$schema", dialect, str(dialect).rstrip("#") == DIALECT, f"{DIALECT}, or nothing")
            Draft202012Validator.check_schema(own)
            root = DRAFT202012.create_resource(own)
            _check_parts(root, Registry().resolver_with_root(root), set())
        except (NotPlain, RecursionError) as error:
            raise InvalidSpec(f"the JSON Schema cannot be read: {error}") from None
        except SchemaError as error:
            raise InvalidSpec(f"{error.json_path} of the JSON Schema is wrong: {_clipped(error.message)}") from None
        self._validator = _Bounded(own, registry=Registry())
        self._fits = quick_check(own)

    def faults(self, data: Any) -> list[str]:
        """Returns what is wrong with plain data, a line each, the field's path first; none if it is valid."""
        try:
            if self._fits is not None and self._fits(data):  # else the library says what is wrong
                return []
            found = list(itertools.islice(self._validator.iter_errors(data), MOST_FAULTS))
        except RecursionError:
            return ["the output is nested too deep for its schema"]
        return [_line(error) for error in found]


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> JsonSchema:
    return JsonSchema(json.loads(text))


def _line(error: ValidationError) -> str:
    """Returns one fault; of alternatives that all fail, the one that comes nearest."""
    told = best_match([error]) or error
    where = ".".join(str(step) for step in told.absolute_path) or "the output"
    return f"{_clipped(where)}: {_clipped(told.message)}"


def _clipped(message: str) -> str:
    """Keeps both ends: a message often begins with the whole value, and ends with what was expected."""
    half = LONGEST_FAULT // 2
    return message if len(message) <= LONGEST_FAULT else f"{message[:half]} ... {message[-half:]}"


def _check_parts(part: Resource[Any], resolver: Any, seen: set[int]) -> None:
    """Goes through a schema, and all that it refers to, and checks what the schema of schemas does not."""
    contents = part.contents
    if not isinstance(contents, Mapping) or id(contents) in seen:
        return
    seen.add(id(contents))
    patterns = [contents[keyword] for keyword in ("pattern",) if keyword in contents]
    for pattern in (*patterns, *contents.get("patternProperties", ())):
        try:
            compiled(pattern, ignore_case=False)
        except ValueError as error:
            raise InvalidSpec(f"the JSON Schema has a pattern that cannot be used: {error}") from None
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in contents:
            target = _target(contents[keyword], resolver)
            _check_parts(DRAFT202012.create_resource(target.contents), target.resolver, seen)
    for below in part.subresources():
        _check_parts(below, resolver.in_subresource(below), seen)


def _target(reference: str, resolver: Any) -> Any:
    try:
        return resolver.lookup(reference)
    except Unresolvable:
        raise InvalidSpec(
            f"$ref is {reference!r}: expected a place within the JSON Schema, as '#/$defs/name'"
        ) from None


# What the library does in a way that an output could make very slow.


def _pattern(_validator: Any, pattern: str, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if not isinstance(instance, str):
        return
    made = re.compile(pattern)  # the module keeps those that are in use
    if not any(search_piece(made, instance, begin) for begin in pieces(instance)):
        yield ValidationError(f"{shown(instance)} does not match {pattern!r}")


def _unique_items(_validator: Any, wanted: bool, instance: Any, _schema: Any) -> Iterator[ValidationError]:
    if wanted and isinstance(instance, list) and len({_key(item) for item in instance}) < len(instance):
        yield ValidationError("the items are not unique")


def _key(value: Any) -> Hashable:
    """Returns what is equal for what JSON Schema holds for equal: 1 and 1.0 are, 1 and true are not."""
    if isinstance(value, Mapping):
        return ("object", frozenset((name, _key(item)) for name, item in value.items()))
    if isinstance(value, list):
        return ("array", tuple(_key(item) for item in value))
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return (type(value), value)
    return ("number", value)


_extend: Any = validators.extend
_Bounded = _extend(Draft202012Validator, {"pattern": _pattern, "uniqueItems": _unique_items})
