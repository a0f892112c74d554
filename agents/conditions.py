"""Conditions on single values, as rules write them: `{empty: true}`, `{above: 100}`, `{in: [pro, team]}`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ..supervisors.patterns import LONGEST_INPUT, compiled, normal

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

__all__ = ["Condition", "Part", "search"]


class Part(BaseModel):
    """The base of everything that rules are written with: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Condition(Part):
    """A condition on one value. All that is said must hold.

    `exists`: whether there is one. `empty`: whether it is nothing, or a text or a list without anything in
    it. `is`, `in`, `above`, `below` compare, and never hold for a value that is not there or of another
    type; texts are the same in any case. `matches`: a pattern that the text must have in it.
    """

    exists: bool | None = None
    empty: bool | None = None
    is_: Any = Field(None, alias="is")
    in_: list[Any] | None = Field(None, alias="in")
    above: float | None = None
    below: float | None = None
    matches: str | None = None

    @field_validator("matches")
    @classmethod
    def _readable(cls, pattern: str | None) -> str | None:
        if pattern is not None:
            compiled(pattern)
        return pattern

    def holds(self, value: Any) -> bool:
        """Tells whether the condition is met."""
        return all(self._verdicts(value))

    def _verdicts(self, value: Any) -> Iterator[bool]:
        if self.exists is not None:
            yield (value is not None) is self.exists
        if self.empty is not None:
            yield (value is None or value in ("", [], {})) is self.empty
        if self.is_ is not None:
            yield _same(value, self.is_)
        if self.in_ is not None:
            yield any(_same(value, other) for other in self.in_)
        if self.above is not None:
            yield _is_number(value) and value > self.above
        if self.below is not None:
            yield _is_number(value) and value < self.below
        if self.matches is not None:
            yield isinstance(value, str) and search(compiled(self.matches), value) is not None


def search(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    """Returns the first place of a text that the pattern matches, or None."""
    return pattern.search(normal(text)[:LONGEST_INPUT])


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, str) and isinstance(other, str):
        return value.casefold() == other.casefold()
    alike = type(value) is type(other) or (_is_number(value) and _is_number(other))
    return alike and bool(value == other)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
