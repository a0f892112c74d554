"""What agents tell about their work: typed events, beside those of the runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..runtime.telemetry import Event

if TYPE_CHECKING:
    from ..runtime.task import Status

__all__ = ["CaseAnswered", "CaseOpened", "TaskBegun", "TaskEnded", "ToolCalled"]


@dataclass(frozen=True, slots=True)
class TaskBegun(Event):
    """An incarnation has taken a task in hand."""

    name: ClassVar[str] = "task.begun"

    task: str
    trace: str
    kind: str | None
    attempt: int


@dataclass(frozen=True, slots=True)
class TaskEnded(Event):
    """An incarnation has made an outcome of a task. One that crashes over it tells only of its own end."""

    name: ClassVar[str] = "task.ended"

    task: str
    trace: str
    attempt: int
    status: Status
    seconds: float
    error: str | None


@dataclass(frozen=True, slots=True)
class ToolCalled(Event):
    """An agent's tool call has ended. `owner` is who did it, or empty; `error` is why there is no result."""

    name: ClassVar[str] = "tool.called"

    task: str
    trace: str
    tool: str
    owner: str
    seconds: float
    error: str | None


@dataclass(frozen=True, slots=True)
class CaseOpened(Event):
    """Something waits for a person at this desk; told again if the same task comes again."""

    name: ClassVar[str] = "case.opened"

    case: str
    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class CaseAnswered(Event):
    """A case was decided: `answered`, `returned` or `dropped`, by a person or, after a return, by its agent."""

    name: ClassVar[str] = "case.answered"

    case: str
    task: str
    by: str
    action: str
