"""What a desk is told of a task that nobody could do, and what comes back. Plain messages."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from ..runtime.evidence import Evidence
    from ..runtime.task import Outcome, Task

__all__ = ["DESK", "AwaitAnswer", "HumanAnswer", "TriedAgain", "escalated"]

DESK = "desk"
"""The capability that every desk offers, and the kind of the tasks that it gets."""


def escalated(task: Task, reason: str, agent: str = "", draft: Any = None, evidence: Evidence | None = None) -> Task:
    """Returns the task for a desk that opens a case about `task`.

    Its input is a mapping with `request`, `reason`, `agent` (the path of who had it), `kind`, `draft` and `evidence`.
    One task opens one case, however often it is escalated: the key says so.
    """
    told = {
        "request": task.input,
        "reason": reason,
        "agent": agent,
        "kind": task.kind,
        "draft": draft,
        "evidence": evidence,
    }
    return replace(task, kind=DESK, input=told, idempotency_key=f"{task.idempotency_key}/{DESK}")


@dataclass(frozen=True, slots=True)
class AwaitAnswer:
    """The message to a desk: reply with the `HumanAnswer` of that case, as soon as there is one."""

    case: str


@dataclass(frozen=True, slots=True)
class HumanAnswer:
    """What a person made of a case.

    Attributes:
        action: `answered` (the text is the answer), `returned` (the task is to be tried again, with the text as
            feedback), `dropped` (nothing more is done; the text says why).
        text: the person's words.
        by: who it was.
    """

    case: str
    action: Literal["answered", "returned", "dropped"]
    text: str
    by: str


@dataclass(frozen=True, slots=True)
class TriedAgain:
    """The message to a desk: what came of a returned case, for which somebody had waited."""

    case: str
    outcome: Outcome
