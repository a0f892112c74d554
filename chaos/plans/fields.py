"""The values of a plan that have a text of their own, and how each is read, written and described in a schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from ...trees.problems import alternatives, quoted
from ...trees.values import LONG_NAME, illegal, is_long_name, long_name
from .amounts import SPAN_WORDS, Span, span
from .grammar import InvalidProgram, Program, parse
from .points import PLACES
from .shapes import SHAPES, Shape, shape

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["At", "Do", "ImportName", "Moment", "PositiveSpan", "SHAPE_PATTERN", "SPAN_PATTERN", "ShapeText", "words_of"]

V = TypeVar("V")

SHAPE_PATTERN = rf"^\s*({'|'.join(SHAPES)})\s*(\(.*\))?\s*$"
SPAN_PATTERN = r"^[0-9.]+(ms|s|m|h)((\.\.|±)[0-9.]+(ms|s|m|h))?$"


def words_of(error: InvalidProgram) -> tuple[str, str, str]:
    """Returns what is wrong with a text, with the place in it; what is legal; how to mend it."""
    return f"{error.what}, {error.place}", error.legal, error.hint


def _refusal(error: InvalidProgram) -> PydanticCustomError:
    """Returns the error of a value that is such a text."""
    what, legal, hint = words_of(error)
    return PydanticCustomError("unfit", "{said}", {"said": str(error), "why": what, "legal": legal, "hint": hint})


def _text_of(cls: type[V], parsed: Callable[[str], V], example: str) -> PlainValidator:
    """Returns the reader of a text that means a value."""

    def read(value: Any) -> V:
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise illegal(f"a text such as {example}")
        try:
            return parsed(str(value))
        except InvalidProgram as error:
            raise _refusal(error) from None

    return PlainValidator(read)


def _place(value: Any) -> str:
    if not isinstance(value, str) or value not in PLACES:
        raise illegal(f"a fault point: {alternatives(PLACES)}", tuple(PLACES))
    return str(value)


def _positive_span(value: Any) -> Span:
    found = span(value)
    if found is None or found.low < 0 or found.high == 0:
        raise illegal(f"{SPAN_WORDS}, above zero")
    return found


def _moment(value: Any) -> Span:
    found = span(value)
    if found is None or found.low < 0:
        raise illegal(SPAN_WORDS)
    return found


def _import_name(value: Any) -> str:
    value = long_name(value, "name")
    if not is_long_name(value):
        raise illegal("module:name")
    return value


_AsText = PlainSerializer(str)

At: TypeAlias = Annotated[str, PlainValidator(_place), WithJsonSchema({"enum": list(PLACES)})]
"""The name of a fault point, or of what is timed."""

Do: TypeAlias = Annotated[
    Program,
    _text_of(Program, parse, quoted("30%->crash(ValueError)")),
    _AsText,
    WithJsonSchema({"type": "string", "minLength": 1}),
]
"""A program."""

ShapeText: TypeAlias = Annotated[
    Shape,
    _text_of(Shape, shape, "burst(5)"),
    _AsText,
    WithJsonSchema({"type": "string", "pattern": SHAPE_PATTERN}),
]
"""A shape."""

PositiveSpan: TypeAlias = Annotated[
    Span,
    PlainValidator(_positive_span),
    _AsText,
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SPAN_PATTERN}, {"type": "number", "exclusiveMinimum": 0}]}),
]
"""A time above zero, or a range of such."""

Moment: TypeAlias = Annotated[
    Span,
    PlainValidator(_moment),
    _AsText,
    WithJsonSchema({"anyOf": [{"type": "string", "pattern": SPAN_PATTERN}, {"type": "number", "minimum": 0}]}),
]
"""A time since something, or a range of such."""

ImportName: TypeAlias = Annotated[
    str, PlainValidator(_import_name), WithJsonSchema({"type": "string", "pattern": LONG_NAME})
]
"""A class or a function by its import path."""
