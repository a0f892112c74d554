"""Durations as people write them: `500ms`, `30s`, `2m`, `1h`, or a number of seconds."""

from __future__ import annotations

import math
import re

__all__ = ["seconds"]

_TEXT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h)")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}


def seconds(value: float | str, field: str) -> float:
    """Returns a duration in seconds. Raises `ValueError` for what is none, and for zero."""
    found = _read(value)
    if found is None or not found > 0:
        legal = "a duration such as 500ms, 30s, 2m or 1h, or a number of seconds, above zero"
        raise ValueError(f"{field} is {value!r}: expected {legal}")
    return found


def _read(value: object) -> float | None:
    if isinstance(value, str):
        match = _TEXT.fullmatch(value)
        return float(match[1]) * _MILLISECONDS[match[2]] / 1000 if match else None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]
