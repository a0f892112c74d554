"""One unit of work for an agent, and what became of it. They cross refs, so they are plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

__all__ = ["Outcome", "Part", "Status", "Task", "Usage"]

Status: TypeAlias = Literal["ok", "partial", "fallback", "needs_human", "failed", "canceled", "dead_letter"]
"""How an outcome was reached."""

MAX_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, and all that travels with it over agents, attempts and incarnations.

    Attributes:
        id: unique; the same in every attempt.
        input: the request: text, or JSON-like data.
        kind: what sort of work it is, in the words of the agents' capabilities; None if nobody has said yet.
        context: named facts. An agent sees those that its tree lets it read.
        deadline: the runtime's monotonic time at which the answer is worth nothing any more; None: no end.
        attempt: 1 for the first try; `max_attempts` bounds them. A part of the task gets what the task has left.
        idempotency_key: stable over attempts; side effects are recorded under it, so that none is done twice.
        parent: the id of the task that this one is a part of.
        hops: how many agents have passed it on.
        trace: the id that all tasks of one request share.
    """

    id: str
    input: Any
    kind: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    deadline: float | None = None
    attempt: int = 1
    max_attempts: int = MAX_ATTEMPTS
    idempotency_key: str = ""
    parent: str | None = None
    hops: int = 0
    trace: str = ""

    def __post_init__(self) -> None:
        if not self.idempotency_key:
            object.__setattr__(self, "idempotency_key", self.id)
        if not self.trace:
            object.__setattr__(self, "trace", self.id)

    def again(self) -> Task:
        """Returns the task for its next attempt."""
        return replace(self, attempt=self.attempt + 1)

    def part(self, id: str, step: str, input: Any, **changes: Any) -> Task:  # noqa: A002 - the fields' names
        """Returns a subtask: a new id, a first attempt, everything else inherited.

        `step` names the part within its parent, the same in every attempt of the parent: it makes the
        idempotency key.
        """
        return replace(
            self,
            id=id,
            input=input,
            attempt=1,
            idempotency_key=f"{self.idempotency_key}/{step}",
            parent=self.id,
            hops=self.hops + 1,
            **changes,
        )

    def seconds_left(self, now: float) -> float | None:
        """Returns the time until the deadline, never below 0; None if there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - now)


@dataclass(frozen=True, slots=True)
class Usage:
    """What work has cost: model calls, tokens, tool calls, and money in US dollars."""

    model_calls: int = 0
    tool_calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.model_calls + other.model_calls,
            self.tool_calls + other.tool_calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cost + other.cost,
        )


@dataclass(frozen=True, slots=True)
class Part:
    """What one agent contributed to an outcome: its path, how it went, in how many attempts and seconds."""

    agent: str
    status: Status
    attempts: int
    output: Any = None
    seconds: float = 0.0
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task. `output` is what exists, also if it is not `ok`; `error` says what is missing."""

    task_id: str
    status: Status
    output: Any = None
    parts: tuple[Part, ...] = ()
    usage: Usage = field(default_factory=Usage)
    error: str | None = None
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the task was done as asked."""
        return self.status == "ok"
