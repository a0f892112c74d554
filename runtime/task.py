"""One unit of work for an agent, and what became of it. They cross refs, so they are plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .copies import changed, quick
from .evidence import Evidence, Verdict
from .usage import NO_USAGE, Limits, Usage

__all__ = ["MAX_ATTEMPTS", "MAX_HOPS", "Outcome", "Part", "Status", "Task", "TaskState", "Usage"]

TaskState: TypeAlias = Literal["submitted", "working", "input-required", "completed", "failed", "canceled", "rejected"]
"""Where a task is in its life, in the words of A2A."""

Status: TypeAlias = Literal["ok", "partial", "fallback", "needs_human", "failed", "canceled", "dead_letter"]
"""How an outcome was reached."""

_LAST: Mapping[str, TaskState] = {
    "ok": "completed",
    "partial": "completed",
    "fallback": "completed",
    "needs_human": "input-required",
    "canceled": "canceled",
}

MAX_ATTEMPTS = 8
"""How often one step of a request is tried, over all agents, rungs and layers."""

MAX_HOPS = 16
"""How many agents may pass a task on, one to the next."""


@quick
@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done, and all that travels with it over agents, attempts and incarnations.

    Attributes:
        id: unique; the same in every attempt.
        input: the request: text, or JSON-like data.
        kind: what sort of work it is, in the words of the agents' capabilities; None if nobody has said yet.
        context: named facts. An agent sees those that its tree lets it read.
        deadline: the runtime's monotonic time at which the answer is worth nothing any more; None: no end.
        attempt: 1 for the first try; `max_attempts` bounds them, over all who try. A step that comes again
            because what it is a part of comes again goes on counting.
        idempotency_key: stable over attempts; side effects are recorded under it, so that none is done twice.
        parent: the id of the task that this one is a part of.
        hops: how many agents have passed it on; at most `max_hops`.
        trace: the id that all tasks of one request share.
        lineage: the ids of the tasks that this one is a part of, the outermost first.
        visited: the paths of the agents that had it, or what it is a part of, in their order.
        budget: what the whole request may cost; None means that nothing is said.
        feedback: what was wrong with the last output, for an attempt that is to mend it.
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
    max_hops: int = MAX_HOPS
    lineage: tuple[str, ...] = ()
    visited: tuple[str, ...] = ()
    budget: Limits | None = None
    feedback: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.idempotency_key:
            object.__setattr__(self, "idempotency_key", self.id)
        if not self.trace:
            object.__setattr__(self, "trace", self.id)

    def again(self) -> Task:
        """Returns the task for its next attempt."""
        return changed(self, attempt=self.attempt + 1)

    def part(self, id: str, step: str, input: Any, **changes: Any) -> Task:  # noqa: A002 - the fields' names
        """Returns a subtask: a new id, a first attempt, everything else inherited.

        `step` names the part within its parent, the same in every attempt of the parent: it makes the
        idempotency key.
        """
        return changed(
            self,
            id=id,
            input=input,
            attempt=1,
            idempotency_key=f"{self.idempotency_key}/{step}",
            parent=self.id,
            hops=self.hops + 1,
            lineage=(*self.lineage, self.id),
            feedback=(),
            **changes,
        )

    def seconds_left(self, now: float) -> float | None:
        """Returns the time until the deadline, never below 0; None if there is none."""
        return None if self.deadline is None else max(0.0, self.deadline - now)


@quick
@dataclass(frozen=True, slots=True)
class Part:
    """What one agent contributed to an outcome.

    Attributes:
        agent: its path.
        status: how it went.
        attempts: in how many tries.
        output: what it said, where that is not the outcome's own.
        seconds: how long it took, all tries and waits included.
        error: what is missing, and why.
        usage: what its own work cost, all tries included, without that of others whom it asked.
    """

    agent: str
    status: Status
    attempts: int
    output: Any = None
    seconds: float = 0.0
    error: str | None = None
    usage: Usage = NO_USAGE


@quick
@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task.

    Attributes:
        task_id: of the task.
        status: how it was reached.
        output: what exists, also if it is not `ok`.
        parts: one for each agent that worked on it. Those whom nobody has told of, such as judges, and the workers of
            a try that crashed, are among them if they have spent something.
        usage: what all of it cost.
        error: what is missing, and why.
        seconds: from its acceptance to here.
        rung: what answered: `first` (the agent itself, at once), `retry`, `revise`, `restart`, `fallback`,
            `cheaper`, `escalate`, `skip`.
        failure: how it failed, in the words of the classification; None if it did not.
        verdicts: what judges said of the output.
        evidence: what is known of how it went wrong; None where nothing did.
    """

    task_id: str
    status: Status
    output: Any = None
    parts: tuple[Part, ...] = ()
    usage: Usage = NO_USAGE
    error: str | None = None
    seconds: float = 0.0
    rung: str = "first"
    failure: str | None = None
    verdicts: tuple[Verdict, ...] = ()
    evidence: Evidence | None = None

    @property
    def state(self) -> TaskState:
        """The last state of the task; `rejected` if it has failed before anybody tried."""
        if self.status == "failed" and self.parts and not any(part.attempts for part in self.parts):
            return "rejected"
        return _LAST.get(self.status, "failed")

    @property
    def ok(self) -> bool:
        """Whether the task was done as asked."""
        return self.status == "ok"
