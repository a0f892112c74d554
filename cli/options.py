"""What the words behind an option mean: facts for the context, durations, requests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ..trees.problems import quoted
from ..trees.values import seconds
from .failures import Code, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["CUSTOMER", "context_of", "duration_of", "request_of"]

CUSTOMER = "customer_id"
"""The fact that `--customer` sets: the one by which the support tree knows who asks."""


def context_of(facts: Iterable[str], customer: str | None) -> dict[str, Any]:
    """Returns `KEY=VALUE` words as facts. Raises `Failure`, also for a key that comes twice with different values."""
    words = [("--context", fact) for fact in facts]
    if customer == "":
        raise _usage("--customer is empty: expected an id")
    if customer is not None:
        words.append(("--customer", f"{CUSTOMER}={customer}"))
    context: dict[str, Any] = {}
    for option, word in words:
        key, equals, written = word.partition("=")
        if not (key and equals):
            raise _usage(f"{option} is {quoted(word)}: expected KEY=VALUE, such as plan=team")
        value = _value(_utf8(option, written))
        if context.setdefault(_utf8(option, key), value) != value:
            raise _usage(f"{option} sets {quoted(key)} a second time, to another value: name it once")
    return context


def _value(written: str) -> Any:
    """Returns what is written as JSON, such as `7`, `true` or `"7"`; as it is, if it is none."""
    try:
        return json.loads(written, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return written


def _no_constant(name: str) -> None:
    raise ValueError(name)


def duration_of(option: str, written: str) -> float:
    """Returns a duration in seconds; a plain number means seconds. Raises `Failure` for what is none, and for zero."""
    try:
        duration = seconds(float(written)) if written.replace(".", "", 1).isdecimal() else seconds(written)
    except ValueError:
        duration = None
    if not duration:
        raise _usage(f"{option} is {quoted(written)}: expected a duration above zero, such as 500ms, 30s, 2m or 1h")
    return duration


def request_of(option: str, text: str) -> str:
    """Returns a request. Raises `Failure` for an empty one."""
    if not text.strip():
        raise _usage(f"{option} is empty: expected a request")
    return _utf8(option, text)


def _utf8(option: str, text: str) -> str:
    """Returns a word of the command line; what was no UTF-8 is in it as halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise _usage(f"{option} is {quoted(text)}: expected UTF-8") from None
    return text


def _usage(line: str) -> Failure:
    return Failure(Code.USAGE, line)
