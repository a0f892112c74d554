"""How a value of a spec is checked, and the one form of what is said of it."""

from __future__ import annotations

import math
from typing import Any, get_args

from .errors import InvalidSpec

__all__ = ["check", "is_name", "is_seconds", "is_share", "is_whole", "one_of"]


def check(field_name: str, value: object, legal: bool, expected: str) -> None:
    """Raises `InvalidSpec` in the one form that all of them have."""
    if not legal:
        raise InvalidSpec(f"{field_name} is {value!r}: expected {expected}")


def one_of(field_name: str, value: object, alias: Any) -> None:
    """Raises `InvalidSpec` if a value is none of those of a `Literal`."""
    legal = get_args(alias)
    check(field_name, value, value in legal, f"one of {', '.join(legal)}")


def is_seconds(value: object, *, zero: bool = False) -> bool:
    """Tells whether this is a finite number, more than 0, or `zero` where that is legal too."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return False
    return value > 0 or (zero and value == 0)


def is_name(value: object) -> bool:
    """Tells whether this is a text, and not an empty one."""
    return isinstance(value, str) and value != ""


def is_whole(value: object, least: int) -> bool:
    """Tells whether this is a whole number, `least` or more."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def is_share(value: object, *, zero: bool = False) -> bool:
    """Tells whether this is a number more than 0 (or `zero`, where that is legal too), and at most 1."""
    return is_seconds(value, zero=zero) and isinstance(value, int | float) and value <= 1
