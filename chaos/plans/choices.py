"""What a knob may be turned to: some values, or a range."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from ...trees.values import illegal, json_data
from .amounts import Span, amount, number_text

if TYPE_CHECKING:
    import random

__all__ = ["RANGE_PATTERN", "Choices", "KnobValues", "Range"]

RANGE_PATTERN = r"^[+-]?[0-9.]+(ms|s|m|h)?(\.\.|±)[+-]?[0-9.]+(ms|s|m|h)?$"

_LEGAL = "a list of values, or a range such as 10s..300s, 1..5 or 0.1..0.9"


@dataclass(frozen=True)
class Choices:
    """Some values, each as likely as the others."""

    values: tuple[Any, ...]

    def draw(self, source: random.Random) -> Any:
        """Returns one of them."""
        return self.values[source.randrange(len(self.values))]

    def written(self) -> Any:
        """Returns it as a plan has it."""
        return list(self.values)


@dataclass(frozen=True)
class Range:
    """All numbers from `low` to `high`, each as likely as the others: whole ones if both bounds are.

    `is_time` says whether they are seconds, and so written with their unit.
    """

    low: int | float
    high: int | float
    is_time: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        """The two ends: where both are legal, so is what is between."""
        return self.low, self.high

    def draw(self, source: random.Random) -> int | float:
        """Returns a number out of it, to the thousandth."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return source.randint(self.low, self.high)
        return min(self.high, max(self.low, round(source.uniform(self.low, self.high), 3)))

    def written(self) -> str:
        """Returns it as a plan has it."""
        if self.is_time:
            return f"{Span(self.low, self.low)}..{Span(self.high, self.high)}"
        return f"{number_text(self.low)}..{number_text(self.high)}"


def _read(value: Any) -> Choices | Range:
    if isinstance(value, Choices | Range):
        return value
    if isinstance(value, list | tuple) and value:
        return Choices(tuple(json_data(item, 1) for item in value))
    found = _range(value) if isinstance(value, str) else None
    if found is None:
        raise illegal(_LEGAL)
    return found


def _range(text: str) -> Range | None:
    found = amount(str(text))
    if isinstance(found, Span):
        return None if found.is_fixed else Range(found.low, found.high, is_time=True)
    low, _, high = map(amount, text.partition(".."))
    if not isinstance(low, int | float) or not isinstance(high, int | float) or low > high:
        return None
    return Range(low, high)


def _written(value: Choices | Range) -> Any:
    return value.written()


_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "array", "minItems": 1, "items": {}},
        {"type": "string", "pattern": RANGE_PATTERN},
    ],
    "examples": [[8, 100, 1000], "10s..300s", "1..5"],
}

KnobValues: TypeAlias = Annotated[
    Choices | Range, PlainValidator(_read), PlainSerializer(_written), WithJsonSchema(_SCHEMA)
]
