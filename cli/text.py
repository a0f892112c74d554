"""What may be shown on a terminal: texts of customers, models and trees without the characters that give it orders."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["clean", "json_text", "one_line"]

_ORDERS = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor, screen
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC, DCS and their like, with what they carry
    r"|\x1b[ -/]*[0-~]"  # all other escape sequences
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"  # control characters, but for tab and line break
    r"|[\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"  # changes of direction, which show another text than there is
    r"|[\ud800-\udfff]"  # halves of characters, which no terminal takes
)


def clean(text: str) -> str:
    """Returns a text without escape sequences, control characters and changes of direction; lines and tabs stay."""
    return _ORDERS.sub("", text)


def one_line(text: str) -> str:
    """Returns a text, cleaned, on one line."""
    return " ".join(clean(text).split())


def json_text(data: Any, *, indent: int | None = None) -> str:
    """Returns data as JSON in ASCII, which every terminal and every encoding takes as it is."""
    return json.dumps(data, indent=indent, allow_nan=False)
