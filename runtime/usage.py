"""What work costs, and how much of it there may be."""

from __future__ import annotations

from dataclasses import dataclass, fields

from .copies import quick

__all__ = ["NO_USAGE", "Limits", "Usage"]


@quick
@dataclass(frozen=True, slots=True)
class Usage:
    """What work has cost: model calls, tokens, tool calls, and money in US dollars."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        if other is NO_USAGE:
            return self
        if self is NO_USAGE:
            return other
        return Usage(
            self.model_calls + other.model_calls,
            self.tool_calls + other.tool_calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )

    def less(self, other: Usage) -> Usage:
        """Returns what is left of this without `other`, nothing of it below zero."""
        if self is NO_USAGE:
            return self
        return Usage(
            max(0, self.model_calls - other.model_calls),
            max(0, self.tool_calls - other.tool_calls),
            max(0, self.input_tokens - other.input_tokens),
            max(0, self.output_tokens - other.output_tokens),
            max(0.0, self.cost - other.cost),
        )

    @property
    def calls(self) -> int:
        """Model calls and tool calls."""
        return self.model_calls + self.tool_calls

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens


NO_USAGE = Usage()
"""What most work has cost so far. One object for all: to add it costs nothing either."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be spent; None means that this is not limited.

    Attributes:
        cost: US dollars.
        tokens: in and out.
        calls: model calls and tool calls.
        seconds: wall time of the work.
        restarts: incarnations that may be lost over it.
    """

    cost: float | None = None
    tokens: int | None = None
    calls: int | None = None
    seconds: float | None = None
    restarts: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
                raise ValueError(f"{field.name} is {value!r}: expected a number, 0 or more, or None")

    def __bool__(self) -> bool:
        """Whether anything is limited."""
        return any(getattr(self, field.name) is not None for field in fields(self))
