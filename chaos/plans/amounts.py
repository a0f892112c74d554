"""Amounts, as the grammar of faults and a plan write them: spans of time, shares, rates, sizes.

2s, 500ms, -1h      a duration, before zero or behind it
1s..5s              one that is drawn from there
20s±10s, ±1h        the same: 10s..30s, -1h..1h
30%                 a share
100/s               a rate: so many a second
64kB, 1MB           a size; 1 kB is 1,000 bytes
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from ...trees.values import duration_text, seconds

if TYPE_CHECKING:
    import random

__all__ = ["SPAN_WORDS", "Amount", "Rate", "Share", "Size", "Span", "amount", "number_text", "span"]

SPAN_WORDS = "a duration such as 500ms, 30s, 2m or 1h, or a range of them such as 1s..5s"

_NUMBER = r"[0-9]{1,15}(?:\.[0-9]{1,30})?"
_DURATION = rf"{_NUMBER}(?:ms|s|m|h)"
_RANGE = re.compile(rf"(?P<low>[+-]?{_DURATION})(?:\.\.(?P<high>[+-]?{_DURATION})|±(?P<around>{_DURATION}))?")
_AROUND_ZERO = re.compile(rf"±({_DURATION})")
_SHARE = re.compile(rf"({_NUMBER})%")
_RATE = re.compile(rf"({_NUMBER})/(s|m|h)")
_SIZE = re.compile(rf"({_NUMBER})(B|kB|MB|GB)")
_WHOLE = re.compile(r"[+-]?[0-9]{1,15}")
_DECIMAL = re.compile(rf"[+-]?{_NUMBER}")

_WIDE = 0.01
"""Seconds between the ends of a range, from which on a drawn duration is one of whole milliseconds."""

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_BYTES = {"GB": 10**9, "MB": 10**6, "kB": 10**3, "B": 1}


@dataclass(frozen=True, slots=True)
class Span:
    """A duration in seconds, or all those from `low` to `high`, of which one is drawn. It may be below zero."""

    low: float
    high: float

    @property
    def is_fixed(self) -> bool:
        """Whether there is nothing to draw."""
        return self.low == self.high

    def draw(self, source: random.Random) -> float:
        """Returns a duration out of it, in whole milliseconds where it is wide enough; draws nothing if it is fixed."""
        if self.is_fixed:
            return self.low
        digits = 3 if self.high - self.low >= _WIDE else 9
        return min(self.high, max(self.low, round(source.uniform(self.low, self.high), digits)))

    def __str__(self) -> str:
        low, high = _signed(self.low), _signed(self.high)
        return low if self.is_fixed else f"{low}..{high}"


@dataclass(frozen=True, slots=True)
class Share:
    """A share of all, from 0 to 1."""

    of_one: float

    def __str__(self) -> str:
        return f"{_plain(Decimal(repr(self.of_one)) * 100)}%"


@dataclass(frozen=True, slots=True)
class Rate:
    """So many a second."""

    per_second: float

    def __str__(self) -> str:
        return f"{number_text(self.per_second)}/s"


@dataclass(frozen=True, slots=True)
class Size:
    """So many bytes."""

    bytes: int

    def __str__(self) -> str:
        unit = next(unit for unit, size in _BYTES.items() if self.bytes % size == 0)
        return f"{self.bytes // _BYTES[unit]}{unit if self.bytes else 'B'}"


Amount: TypeAlias = int | float | Span | Share | Rate | Size


def amount(text: str) -> Amount | None:
    """Returns what a text means; None if it is no amount. A range that ends before it begins is none."""
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text):
        return float(text)
    if match := _SHARE.fullmatch(text):
        return Share(float(Decimal(match[1]) / 100))
    if match := _RATE.fullmatch(text):
        return Rate(float(match[1]) / _SECONDS[match[2]])
    if match := _SIZE.fullmatch(text):
        size = Decimal(match[1]) * _BYTES[match[2]]
        return Size(int(size)) if size == int(size) else None
    return _span(text)


def span(value: object) -> Span | None:
    """Returns a span from its text or from a number of seconds; None if it is none."""
    if isinstance(value, Span):
        return value
    if isinstance(value, str):
        found = amount(str(value))
        return found if isinstance(found, Span) else None
    number = seconds(value)
    return None if number is None else Span(number, number)


def number_text(value: float) -> str:
    """Returns a number as its shortest decimal digits, without an exponent."""
    return f"{value}" if isinstance(value, int) else _plain(Decimal(repr(value)))


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _span(text: str) -> Span | None:
    if match := _AROUND_ZERO.fullmatch(text):
        around = _duration(match[1])
        return Span(-around, around)
    match = _RANGE.fullmatch(text)
    if match is None:
        return None
    low = _duration(match["low"])
    if match["around"]:
        return Span(low - _duration(match["around"]), low + _duration(match["around"]))
    high = _duration(match["high"]) if match["high"] else low
    return Span(low, high) if low <= high else None


def _duration(text: str) -> float:
    """Returns a duration with or without a sign; the text is known to be one."""
    length = seconds(text.lstrip("+-")) or 0.0
    return -length if text.startswith("-") else length


def _signed(length: float) -> str:
    text = duration_text(abs(length))
    if not isinstance(text, str):  # it is no whole number of milliseconds
        text = f"{_plain(Decimal(repr(abs(length))) * 1000)}ms"
    return f"-{text}" if length < 0 else text
