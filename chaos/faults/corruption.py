"""Changes a value as something that goes wrong would change it. Pure: what comes out is drawn from the source alone.

A value is text, a number, None, a list, a mapping, a dataclass or a pydantic model. What carries something for others
is changed in that, so that it still arrives: the output of an `Outcome`, the input of a `Task`, the arguments of a
`ToolCall`, what was published.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from ...agents.calls import ToolCall
from ...runtime.bus import Published
from ...runtime.evidence import Verdict
from ...runtime.task import Outcome, Task
from ..plans.actions import CORRUPTIONS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["Corrupted", "corrupt", "lie", "payload", "snapshot"]

RANDOM = "random"
INJECTED = "injected"
"""What stands where something is put that does not belong there."""

_CARRIERS: Mapping[type, str] = {Outcome: "output", Task: "input", ToolCall: "arguments", Published: "payload"}

Corrupted = tuple[Any, str]
"""The changed value, and the kind of change that was made: another one than was wanted where that is not possible."""


def corrupt(
    value: Any,
    kind: str,
    source: random.Random,
    *,
    stale: Sequence[Any] = (),
    foreign: Sequence[Any] = (),
) -> Corrupted:
    """Changes a value; what comes out differs from it.

    Args:
        value: what is right.
        kind: one of `actions.CORRUPTIONS`.
        source: of what is drawn: which kind if it is `random`, which field, where the end is cut off.
        stale: what was right before, at the same place.
        foreign: what belongs to others.

    Where a kind is not possible, such as an empty text that is to be truncated, or a stale value where there was none
    before, it is `wrong_type`, which always is.
    """
    inner = payload(value)
    earlier = {"stale": _others(stale, inner), "foreign": _others(foreign, inner)}
    wanted = source.choice(_kinds(earlier)) if kind == RANDOM else kind
    if wanted in earlier:
        found = earlier[wanted]
        changed = snapshot(source.choice(found)) if found else inner
    else:
        changed = _CHANGES[wanted](inner, source)
    if not _differs(changed, inner):
        wanted, changed = "wrong_type", _wrong_type(inner, source)
    return _put_back(value, changed), wanted


def lie(verdict: Any) -> Any:
    """Returns the verdict turned round; whatever is no verdict as it is."""
    if not isinstance(verdict, Verdict):
        return verdict
    accepted = not verdict.accepted
    why = "" if accepted else f"{INJECTED}: the judge lies"
    score = None if verdict.score is None else 1.0 - verdict.score
    return replace(verdict, accepted=accepted, score=score, reason=why, feedback=why)


def payload(value: Any) -> Any:
    """Returns what a value carries, or itself."""
    name = _CARRIERS.get(type(value))
    return value if name is None else getattr(value, name)


def snapshot(value: Any) -> Any:
    """Returns a value as it is at present: containers are copied, all else is the same."""
    if type(value) is dict:
        return {key: snapshot(item) for key, item in value.items()}
    return [snapshot(item) for item in value] if type(value) is list else value


def _put_back(value: Any, changed: Any) -> Any:
    name = _CARRIERS.get(type(value))
    if name is None:
        return changed
    if isinstance(value, ToolCall) and not isinstance(changed, Mapping):
        changed = {INJECTED: changed}  # whatever they are, arguments have names
    return replace(value, **{name: changed})


def _kinds(earlier: Mapping[str, Sequence[Any]]) -> list[str]:
    return [kind for kind in CORRUPTIONS if kind != RANDOM and earlier.get(kind, True)]


def _others(values: Sequence[Any], inner: Any) -> list[Any]:
    return [other for other in map(payload, values) if _differs(other, inner)]


def _differs(one: Any, other: Any) -> bool:
    """Tells whether two values are not the same: 1 and True are not, nor are those that cannot be compared."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        one, other = dict(one), dict(other)
    try:
        return type(one) is not type(other) or bool(one != other)
    except Exception:  # noqa: BLE001 - of the user's own type
        return one is not other


# --- the kinds --------------------------------------------------------------------------------------


def _wrong_type(value: Any, source: random.Random) -> Any:
    """Returns something of another type, or, as often where there are parts, the value with one of them so."""
    if _parts(value) and (_is_object(value) or source.random() < 0.5):
        return _with_one_part(value, source, lambda part: _wrong_type(part, source))
    if isinstance(value, str):
        return source.choice([[value], {"value": value}, len(value), None])
    if value is None:
        return source.choice(["", 0, {}, []])
    if isinstance(value, bool | int | float):
        return source.choice([str(value), [value], None])
    return source.choice([str(value), None, 0])


def _missing(value: Any, source: random.Random) -> Any:
    """Returns the value without one of its parts; of an object, with None in its place. What has none is missing."""
    keys = _parts(value)
    if not keys:
        return None
    if _is_object(value):
        return _with_one_part(value, source, lambda _: None)
    gone = source.choice(keys)
    return _made_of(value, {key: _part(value, key) for key in keys if key != gone})


def _extra(value: Any, source: random.Random) -> Any:
    """Returns the value with something behind it, or in it, that does not belong there."""
    if isinstance(value, str):
        return f"{value} {INJECTED}"
    if isinstance(value, Mapping):
        return {**value, _unused(value): source.choice([INJECTED, 0, None])}
    if isinstance(value, list | tuple):
        added = source.choice([INJECTED, *value])
        return type(value)([*value, added]) if type(value) in (list, tuple) else [*value, added]
    if isinstance(value, bool) or value is None:
        return [value, INJECTED]
    if isinstance(value, int | float):
        return value * 10 + 1
    return _with_one_part(value, source, lambda part: _extra(part, source))


def _empty(value: Any, source: random.Random) -> Any:
    """Returns what is empty of the same type: of an object, with one part so."""
    if isinstance(value, str | bool | int | float):
        return type(value)()
    if isinstance(value, Mapping):
        return {}
    if isinstance(value, list | tuple):
        return type(value)() if type(value) in (list, tuple) else []
    return _with_one_part(value, source, lambda part: _empty(part, source))


def _truncated(value: Any, source: random.Random) -> Any:
    """Returns the beginning of the value, as if what brought it had ended too early."""
    if isinstance(value, str | list | tuple):
        return value[: source.randrange(len(value))] if value else value
    if isinstance(value, Mapping):
        keep = source.randrange(len(value)) if value else 0
        return {key: value[key] for key in list(value)[:keep]}
    if isinstance(value, int | float) and not isinstance(value, bool):
        return int(value / 10) if abs(value) < 1e300 else 0
    return _with_one_part(value, source, lambda part: _truncated(part, source))


_CHANGES: Mapping[str, Callable[[Any, random.Random], Any]] = MappingProxyType(
    {"wrong_type": _wrong_type, "missing": _missing, "extra": _extra, "empty": _empty, "truncated": _truncated}
)


# --- parts ------------------------------------------------------------------------------------------


def _is_object(value: Any) -> bool:
    return isinstance(value, BaseModel) or (is_dataclass(value) and not isinstance(value, type))


def _parts(value: Any) -> list[Any]:
    """Returns the keys of what a value is made of; none of what is whole."""
    if isinstance(value, BaseModel):
        return list(type(value).model_fields)
    if is_dataclass(value) and not isinstance(value, type):
        return [field.name for field in fields(value) if field.init]
    if isinstance(value, Mapping):
        return list(value)
    return list(range(len(value))) if isinstance(value, list | tuple) else []


def _part(value: Any, key: Any) -> Any:
    return getattr(value, key) if _is_object(value) else value[key]


def _with_one_part(value: Any, source: random.Random, change: Callable[[Any], Any]) -> Any:
    """Returns the value with one of its parts changed: the first that can be, from a random one on."""
    keys = _parts(value)
    first = source.randrange(len(keys)) if keys else 0
    for key in (*keys[first:], *keys[:first]):
        changed = change(_part(value, key))
        if _differs(changed, _part(value, key)):
            return _with_part(value, key, changed)
    return value


def _with_part(value: Any, key: Any, changed: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_copy(update={key: changed})
    if _is_object(value):
        copied = copy.copy(value)
        object.__setattr__(copied, key, changed)  # no constructor: it may refuse what is wrong
        return copied
    parts = {each: _part(value, each) for each in _parts(value)}
    return _made_of(value, {**parts, key: changed})


def _made_of(value: Any, parts: dict[Any, Any]) -> Any:
    """Returns parts as a container of the value's own kind; a named tuple becomes a plain one."""
    if isinstance(value, Mapping):
        return parts
    return tuple(parts.values()) if isinstance(value, tuple) else list(parts.values())


def _unused(value: Mapping[Any, Any]) -> str:
    name = INJECTED
    while name in value:
        name = f"{name}_"
    return name
