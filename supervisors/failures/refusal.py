"""What somebody else's server said when it said no: a status, codes, when to come back.

Read off whatever exception a client library makes of it, by the names of attributes that they have in common, so that
none of them is needed here. Pure: of a response's body only what has been read already is looked at.
"""

from __future__ import annotations

import email.utils
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

__all__ = ["LONGEST_WAIT", "Refusal", "refusal_of", "retry_after"]

LONGEST_WAIT = 3600.0
"""Seconds. Who asks for more gets no more."""

LARGEST_BODY = 65536
DEEPEST = 3

SECONDS = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
STATUS_NAMES = ("status_code", "status", "http_status", "code", "HTTPStatusCode")
WORD_NAMES = ("code", "type", "error_code", "status", "error", "Code")
WITHIN = ("response", "body", "details", "error", "Error", "ResponseMetadata")
HEADERS = ("headers", "HTTPHeaders")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What was said.

    Attributes:
        status: of HTTP, if there was one.
        words: the codes and types of the error, in small letters and digits only.
        text: what it says of itself beside the exception's own text.
        retry_after: seconds, at most `LONGEST_WAIT`.
    """

    status: int | None = None
    words: frozenset[str] = frozenset()
    text: str = ""
    retry_after: float | None = None


def refusal_of(error: BaseException, now: float | None = None) -> Refusal:
    """Returns what the error carries of a server's answer; `now` is as `retry_after` has it."""
    places = [error, *_within(error)]
    status = next((code for place in places for code in _statuses(place)), None)
    said = [look(place, name) for place in places for name in WORD_NAMES]
    words = frozenset(
        re.sub(r"[^a-z0-9]", "", word.lower()) for word in said if isinstance(word, str) and len(word) < 100
    )
    texts = [look(place, "message") for place in places]
    text = " ".join(text[:4000] for text in texts if isinstance(text, str))
    return Refusal(status, words - {""}, text, _wait(places, now))


def retry_after(headers: object, now: float | None = None) -> float | None:
    """Returns the seconds that a response's headers ask to wait, from 0 to `LONGEST_WAIT`; None if they say nothing.

    `retry-after-ms` goes before `Retry-After`, which is a number of seconds or a date; a date counts from the
    response's own `Date`, or else from `now` (the wall clock's seconds), and says nothing without either.
    """
    milliseconds = _number(_header(headers, "retry-after-ms"))
    if milliseconds is not None:
        return min(LONGEST_WAIT, milliseconds / 1000)
    said = _header(headers, "retry-after")
    seconds = _number(said)
    if seconds is None:
        until, date = _date(said), _date(_header(headers, "date"))
        since = now if date is None else date.timestamp()
        if until is None or since is None:
            return None
        seconds = max(0.0, until.timestamp() - since)
    return min(LONGEST_WAIT, seconds)


def look(thing: object, name: str) -> Any:
    """Returns an item of a mapping, or an attribute; None if there is none, or it cannot be had."""
    try:
        return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
    except Exception:  # noqa: BLE001 - a property of somebody else's exception may raise whatever it likes
        return None


# --- where it stands --------------------------------------------------------------------------------


def _within(thing: object, depth: int = 0) -> Iterator[object]:
    """Yields what stands in an exception or in a body, down to the details of the details."""
    if depth == DEEPEST:
        return
    for name in WITHIN:
        found = look(thing, name)
        if isinstance(found, Mapping) or (name == "response" and found is not None):
            yield found
            yield from _within(found, depth + 1)
    body = _body(thing)
    if body is not None:
        yield body
        yield from _within(body, depth + 1)


def _body(response: object) -> Mapping[str, Any] | None:
    """Returns the JSON object of a body that has been read: httpx and requests both keep it there.

    Their public properties would read the rest from the network.
    """
    kept = look(response, "_content")
    if not isinstance(kept, bytes) or len(kept) > LARGEST_BODY:
        return None
    try:
        body = json.loads(kept)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, Mapping) else None


def _statuses(place: object) -> Iterator[int]:
    for name in STATUS_NAMES:
        found = look(place, name)
        if isinstance(found, int) and 100 <= found <= 599:
            yield int(found)


def _wait(places: list[object], now: float | None) -> float | None:
    for place in places:
        own = _number(look(place, "retry_after"))
        if own is not None:
            return min(LONGEST_WAIT, own)
        for name in HEADERS:
            found = retry_after(look(place, name), now)
            if found is not None:
                return found
    return None


# --- what it says -----------------------------------------------------------------------------------


def _header(headers: object, name: str) -> Any:
    """Returns a header's value, whatever the case of its name and whatever class the headers are."""
    if headers is None:
        return None
    found = look(headers, name)
    if found is None and isinstance(headers, Mapping):
        found = next((headers[key] for key in headers if isinstance(key, str) and key.lower() == name), None)
    if found is None and not isinstance(headers, Mapping):
        found = _got(headers, name)
    return found


def _got(headers: object, name: str) -> Any:
    """Returns what `get` gives: the headers of `http.client` and of httpx are no plain mappings."""
    get = look(headers, "get")
    try:
        return get(name) if callable(get) else None
    except Exception:  # noqa: BLE001 - somebody else's headers may be anything
        return None


def _number(value: object) -> float | None:
    """Returns a number that is 0 or more, from a number or from its text."""
    if isinstance(value, str):
        return float(value) if SECONDS.fullmatch(value.strip()) else None
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    return None


def _date(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=UTC)
