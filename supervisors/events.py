"""What the guards of tasks tell: typed events, beside those of the runtime."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..runtime.telemetry import Event

if TYPE_CHECKING:
    from ..runtime.task import Status, TaskState

__all__ = [
    "BreakerChanged",
    "BudgetDemoted",
    "BudgetSpent",
    "JudgeFailed",
    "OutputJudged",
    "TaskAccepted",
    "TaskQuarantined",
    "TaskRecovering",
    "TaskSettled",
    "TaskStateChanged",
]


@dataclass(frozen=True, slots=True)
class TaskAccepted(Event):
    """A child has taken a task on: it answers for it until it is settled. `deadline` is monotonic, or None."""

    name: ClassVar[str] = "task.accepted"
    level: ClassVar[int] = logging.DEBUG

    task: str
    trace: str
    parent: str | None
    hops: int
    deadline: float | None


@dataclass(frozen=True, slots=True)
class TaskSettled(Event):
    """A child has answered for a task that it had taken on: how, what answered (`rung`), and if there is an output."""

    name: ClassVar[str] = "task.settled"
    level: ClassVar[int] = logging.DEBUG

    task: str
    trace: str
    status: Status
    rung: str
    output: bool


@dataclass(frozen=True, slots=True)
class TaskStateChanged(Event):
    """A task entered another state at a child."""

    name: ClassVar[str] = "task.state"
    level: ClassVar[int] = logging.DEBUG

    task: str
    trace: str
    state: TaskState


@dataclass(frozen=True, slots=True)
class TaskRecovering(Event):
    """An attempt failed, and the ladder goes on: `rung` is next, after `wait` seconds, as this `attempt`."""

    name: ClassVar[str] = "task.recovering"
    level: ClassVar[int] = logging.WARNING

    task: str
    trace: str
    attempt: int
    failure: str
    cause: str
    rung: str
    wait: float
    to: str


@dataclass(frozen=True, slots=True)
class TaskQuarantined(Event):
    """A task killed incarnations, and is not given to this child again."""

    name: ClassVar[str] = "task.quarantined"
    level: ClassVar[int] = logging.ERROR

    task: str
    trace: str
    cause: str


@dataclass(frozen=True, slots=True)
class OutputJudged(Event):
    """Judges have looked at an output."""

    name: ClassVar[str] = "output.judged"

    task: str
    trace: str
    accepted: bool
    reason: str


@dataclass(frozen=True, slots=True)
class JudgeFailed(Event):
    """A judge could not say: its own error, timeout or open breaker."""

    name: ClassVar[str] = "judge.failed"
    level: ClassVar[int] = logging.WARNING

    judge: str
    task: str
    cause: str


@dataclass(frozen=True, slots=True)
class BreakerChanged(Event):
    """A circuit breaker changed its state; `breaker` is whose it is."""

    name: ClassVar[str] = "breaker.changed"
    level: ClassVar[int] = logging.WARNING

    breaker: str
    before: str
    now: str
    why: str


@dataclass(frozen=True, slots=True)
class BudgetDemoted(Event):
    """A budget is used up so far that the cheaper variant gets the work."""

    name: ClassVar[str] = "budget.demoted"
    level: ClassVar[int] = logging.WARNING

    task: str
    what: str
    to: str


@dataclass(frozen=True, slots=True)
class BudgetSpent(Event):
    """A budget is spent: a task was stopped by it."""

    name: ClassVar[str] = "budget.spent"
    level: ClassVar[int] = logging.WARNING

    task: str
    what: str
