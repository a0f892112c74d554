"""What a judge is: a hook of the supervisor that looks at an output before anybody gets it."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, TypeAlias, runtime_checkable

from ...runtime.copies import changed, quick
from ...runtime.evidence import Verdict
from ..breakers.breaker import BreakerSpec
from ..checks import check, is_name, is_seconds, one_of
from ..work_errors import CannotSay
from .plain import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...runtime.system import ActorSystem
    from ...runtime.task import Task

__all__ = [
    "Judge",
    "JudgeSpec",
    "OnError",
    "Submission",
    "check_judge",
    "read_answer",
    "verdict_of_score",
    "verdict_on",
]

OnError: TypeAlias = Literal["accept", "reject", "escalate"]
"""What becomes of the output if the judge fails: it passes, it is rejected, or the task escalates at once."""

MOST_FAULTS = 10
"""Faults that one verdict lists."""


@quick
@dataclass(frozen=True, slots=True)
class Submission:
    """What is judged: the task as the agent got it, its output, and its path."""

    task: Task
    output: Any
    agent: str


@runtime_checkable
class Judge(Protocol):
    """Says whether an output may pass. It holds no state: what it needs at run time comes as arguments."""

    @property
    def name(self) -> str:
        """Who says it, in verdicts and events; not empty."""

    @property
    def cost(self) -> float:
        """Cheap ones are asked first: 0 a schema, 1 rules and confidence, 2 a function, 10 an agent."""

    @property
    def timeout(self) -> float:
        """Seconds that it may take."""

    @property
    def on_judge_error(self) -> OnError:
        """What becomes of the output if it fails."""

    @property
    def breaker(self) -> BreakerSpec | None:
        """When it is not asked any more, since it fails too often; None: it is always asked."""

    async def judge(self, submission: Submission, system: ActorSystem) -> Verdict:
        """Returns the verdict. On the runtime's loop, in a task of its own, which is cancelled at the timeout.

        A judge that says `at_once` gets that task only once it waits for something.

        It raises `ModelRetry` to reject, and anything else where it cannot say.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgeSpec:
    """How a judge is asked: what all judges of this package have in common.

    Attributes:
        name: in verdicts and events; a panel makes names unique.
        cost: cheap ones are asked first; 0 or more.
        timeout: seconds that it may take.
        on_judge_error: what becomes of the output if it fails: `accept`, `reject` or `escalate`.
        breaker: when it is not asked any more, since it fails too often; None: it is always asked.

    Raises:
        InvalidSpec: a value is not legal.
    """

    name: str
    cost: float = 0.0
    timeout: float = 10.0
    on_judge_error: OnError = "reject"
    breaker: BreakerSpec | None = None

    at_once: ClassVar[bool] = False
    """Whether it may begin in the task of whoever asks: it wants none of its own before it waits for anything."""


def check_judge(judge: JudgeSpec) -> None:
    """Raises `InvalidSpec` if one of the common values is not legal."""
    check("judge name", judge.name, is_name(judge.name), "a text that is not empty")
    what = f"of the judge {judge.name!r}"
    check(f"cost {what}", judge.cost, is_seconds(judge.cost, zero=True), "a number, 0 or more")
    check(f"timeout {what}", judge.timeout, is_seconds(judge.timeout), "seconds, more than 0")
    one_of(f"on_judge_error {what}", judge.on_judge_error, OnError)
    breaks = judge.breaker is None or isinstance(judge.breaker, BreakerSpec)
    check(f"breaker {what}", judge.breaker, breaks, "a BreakerSpec, or None")


def verdict_on(judge: str, faults: Sequence[str], score: float | None = None) -> Verdict:
    """Returns the verdict of a judge that has looked for faults: it accepts if there are none."""
    if not faults:
        return _acceptance(judge) if score is None else Verdict(judge, accepted=True, score=score)
    told, more = faults[:MOST_FAULTS], len(faults) - MOST_FAULTS
    if more > 0:
        told = [*told, f"and {more} more"]
    feedback = "\n".join(f"- {fault}" for fault in told)
    return Verdict(judge, accepted=False, score=score, reason="; ".join(told), feedback=feedback)


@functools.lru_cache(maxsize=512)
def _acceptance(judge: str) -> Verdict:
    """Returns the verdict that a judge gives most of the time."""
    return Verdict(judge, accepted=True)


def read_answer(judge: str, answer: Any, accept_at: float) -> Verdict:
    """Returns the verdict that an answer is: one itself, yes or no, or a score from 0.0 to 1.0.

    Raises:
        CannotSay: it is something else.
    """
    if isinstance(answer, Verdict):
        return changed(answer, judge=judge)
    if isinstance(answer, bool):
        return Verdict(judge, accepted=answer, reason="" if answer else f"{judge} said no")
    if isinstance(answer, int | float) and math.isfinite(answer) and 0 <= answer <= 1:
        return verdict_of_score(judge, float(answer), accept_at)
    raise CannotSay(f"{judge} said {shown(answer)}: expected yes or no, a score from 0 to 1, or a Verdict")


def verdict_of_score(judge: str, score: float, accept_at: float) -> Verdict:
    """Returns the verdict that a score is."""
    low = score < accept_at
    return Verdict(judge, not low, score, f"the score is {score:g}: expected at least {accept_at:g}" if low else "")
