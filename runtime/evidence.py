"""What is known of work that went wrong: verdicts, attempts, and all of it together. Plain data."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - pydantic reads the fields at run time
from dataclasses import dataclass, field
from typing import Any

from .copies import quick
from .usage import NO_USAGE, Usage

__all__ = ["AttemptRecord", "Evidence", "Verdict"]


@quick
@dataclass(frozen=True, slots=True)
class Verdict:
    """What a judge says of an output.

    Attributes:
        judge: who says it.
        accepted: whether the output may pass.
        score: from 0.0 to 1.0, or None where the judge gives none.
        reason: why, for people.
        feedback: what would mend it, for whoever made the output; the reason if it is empty.
        error: why the judge could not say, where `accepted` is only what was agreed for that case.
        usage: what it cost to say so, without that of agents who were asked: theirs is their own.
    """

    judge: str
    accepted: bool
    score: float | None = None
    reason: str = ""
    feedback: str = ""
    error: str | None = None
    usage: Usage = NO_USAGE


@quick
@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """One try of one agent at a task.

    Attributes:
        agent: its path.
        attempt: the task's attempt, counted over all who have tried.
        rung: what led to it: `first`, `retry`, `revise`, `restart`, `fallback`, `cheaper`, `escalate`.
        failure: how it failed, in the words of the classification; None if it did not.
        error: of what.
        crashed: whether the incarnation that had it in hand ended over it.
        seconds: how long it took, waiting included.
        usage: what it cost.
        verdicts: what judges said of its output.
    """

    agent: str
    attempt: int
    rung: str
    failure: str | None = None
    error: str | None = None
    crashed: bool = False
    seconds: float = 0.0
    usage: Usage = NO_USAGE
    verdicts: tuple[Verdict, ...] = ()


@quick
@dataclass(frozen=True, slots=True)
class Evidence:
    """What a person, or the next in line, needs to know of a task that was not done.

    Attributes:
        attempts: all tries, oldest first.
        spent: what they cost together.
        partial: what there was of an output, or None.
        breakers: the states of the breakers on the way, by path.
        reason: the last failure's class.
    """

    attempts: tuple[AttemptRecord, ...] = ()
    spent: Usage = NO_USAGE
    partial: Any = None
    breakers: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""
