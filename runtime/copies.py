"""Frozen dataclasses on the hot path: how they are made, and copied with some other values, at half the price.

A frozen class sets each of its fields through a function; a class with the same slots that is not frozen, its twin,
does so at a fraction of that. So an object is filled as one of the twin's, and is the frozen class's from then on.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import MISSING, Field, fields, make_dataclass, replace
from typing import Any, TypeAlias, TypeVar, cast

__all__ = ["changed", "quick"]

T = TypeVar("T")

_Way: TypeAlias = tuple[type, Callable[[Any, Any], None]]


def changed(value: T, **changes: Any) -> T:
    """Returns a copy of a frozen dataclass, but for the fields that are given. In an eighth of `replace`'s time.

    What has been made once is not checked, or filled in, again: `__post_init__` does not run. That is so for classes
    with slots and no base; of others, such as a user's own below ours, the copy is `replace`'s. Raises AttributeError
    or TypeError for a field that there is not.
    """
    cls: Any = type(value)
    way = _way(cls)
    if way is None:
        return replace(cast("Any", value), **changes)  # type: ignore[no-any-return]
    twin, fill = way
    copy: Any = object.__new__(twin)
    fill(copy, value)
    for name, new in changes.items():
        setattr(copy, name, new)
    copy.__class__ = cls
    return cast("T", copy)


def quick(cls: type[T]) -> type[T]:
    """Decorates a frozen dataclass with slots and no base: its objects are made in a third of the time."""
    known: Any = cls
    own: Any = known.__init__
    names: dict[str, Any] = {"cls": cls, "own": own, "twin": _twin(known), "set_": object.__setattr__}
    parts, defaults = fields(known), inspect.signature(own).parameters
    names |= {f"_{part.name}": defaults[part.name].default for part in parts}
    names |= {f"make_{part.name}": part.default_factory for part in parts}
    given = ", ".join(part.name for part in parts)
    body = [
        f"def __init__(self, {', '.join(map(_parameter, parts))}):",
        f"    if self.__class__ is not cls: return own(self, {given})",  # one of a class below
        "    set_(self, '__class__', twin)",
        *(f"    self.{part.name} = {_value(part)}" for part in parts),
        "    self.__class__ = cls",
    ]
    if hasattr(cls, "__post_init__"):
        body.append("    self.__post_init__()")
    known.__init__ = functools.wraps(own)(_made("__init__", body, names))
    return cls


def _parameter(part: Field[Any]) -> str:
    needed = part.default is MISSING and part.default_factory is MISSING
    return part.name if needed else f"{part.name}=_{part.name}"


def _value(part: Field[Any]) -> str:
    name = part.name
    return name if part.default_factory is MISSING else f"make_{name}() if {name} is _{name} else {name}"


@functools.cache
def _way(cls: Any) -> _Way | None:
    """Returns the class with the same slots, and how to fill its objects with all fields of another one."""
    names = [field.name for field in fields(cls)]
    if len(names) < 2 or cls.__bases__ != (object,) or cls.__dictoffset__:
        return None
    body = ["def fill(copy, value):", *(f"    copy.{name} = value.{name}" for name in names)]
    return _twin(cls), _made("fill", body, {})


@functools.cache
def _twin(cls: Any) -> type:
    return make_dataclass(cls.__name__, [field.name for field in fields(cls)], slots=True)


def _made(name: str, body: list[str], names: dict[str, Any]) -> Callable[..., Any]:
    """Returns a function that is written out, as those of a dataclass are."""
    exec("\n".join(body), names)  # noqa: S102 - it is made of the names of fields alone
    made: Callable[..., Any] = names[name]
    return made
