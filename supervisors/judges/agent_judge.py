"""A judge: another agent of the tree, with a rubric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, ValidationError

from ...runtime.evidence import Verdict
from ...runtime.task import Outcome
from ...runtime.usage import NO_USAGE
from ..checks import check, is_name, is_share
from ..places import find
from ..work_errors import CannotSay
from .judge import JudgeSpec, check_judge, read_answer, verdict_of_score, verdict_on
from .plain import NotPlain, plain, shown

if TYPE_CHECKING:
    from ...runtime.cell import Cell
    from ...runtime.system import ActorSystem
    from ...runtime.task import Task
    from .judge import Submission

__all__ = ["JUDGE", "AgentJudge"]

JUDGE = "judge"
"""The kind of the tasks that a judging agent gets."""


class Answer(BaseModel):
    """What the agent says, as a mapping: `accepted`, or a score, or both; what else is in it is not read."""

    accepted: bool | None = None
    score: float | None = Field(None, ge=0, le=1, allow_inf_nan=False)
    reason: str = ""
    feedback: str = ""


@dataclass(frozen=True, slots=True)
class AgentJudge(JudgeSpec):
    """Asks an agent, which gets a task of the kind `judge`: an ordinary one, with a deadline, below the judged one.

    Its input is a mapping: the `rubric`; the `request` that the judged agent had; its `output`. The facts are
    the task's context, of which the agent sees what its tree lets it read. What is judged is data under a key of
    its own and no part of the rubric, so that nothing in it reads like one.

    The agent answers with a mapping of `accepted`, `score`, `reason`, `feedback`; or with yes or no, a score
    from 0.0 to 1.0, or a `Verdict`. Any other answer, and any other outcome than `ok` or `fallback`, is no
    verdict.

    Attributes:
        agent: an id, of which the nearest to the judged agent is meant, or a path.
        rubric: what makes an output good, in words for that agent.
        accept_at: the score that is enough, from 0.0 to 1.0. Where both are said, that and `accepted` are needed.
        name: the agent's id, if nothing is said.

    Raises:
        InvalidSpec: a value is not legal.
    """

    agent: str
    rubric: str = ""
    _: KW_ONLY
    accept_at: float = 0.7
    name: str = ""
    cost: float = 10.0

    def __post_init__(self) -> None:
        check("agent of a judge", self.agent, is_name(self.agent), "the id or the path of an agent")
        if self.name == "":
            object.__setattr__(self, "name", self.agent.rpartition("/")[2])
        check_judge(self)
        what = f"of the judge {self.name!r}"
        check(f"rubric {what}", self.rubric, isinstance(self.rubric, str), "a text")
        check(f"accept_at {what}", self.accept_at, is_share(self.accept_at, zero=True), "a number from 0 to 1")

    async def judge(self, submission: Submission, system: ActorSystem) -> Verdict:
        """Returns the agent's verdict.

        What it cost is the verdict's only where nobody supervises the agent: else its own budgets, and the
        request's, have it already.
        """
        cell = self._find(submission, system)
        try:
            task = self._task(submission, plain(submission.output), system)
        except NotPlain as error:
            return verdict_on(self.name, [str(error)])
        outcome = await cell.ref.ask(task, block=False)
        if not isinstance(outcome, Outcome):
            raise CannotSay(f"{cell.path} answered {shown(outcome)}: expected an Outcome, as an agent does")
        usage = outcome.usage if cell.gate is None else NO_USAGE
        if outcome.status not in ("ok", "fallback"):
            raise CannotSay(f"{cell.path} could not say: {outcome.error or outcome.status}", usage)
        try:
            return replace(self._read(outcome.output), usage=usage)
        except CannotSay as error:
            raise CannotSay(str(error), usage) from None

    def _find(self, submission: Submission, system: ActorSystem) -> Cell:
        cell = find(system, submission.agent, self.agent)
        if cell is None:
            raise CannotSay(f"there is no {self.agent!r} to ask, seen from {submission.agent}")
        if cell.path == submission.agent:
            raise CannotSay(f"{cell.path} cannot judge itself: its verdict would have to be judged, too")
        return cell

    def _task(self, submission: Submission, output: Any, system: ActorSystem) -> Task:
        judged, new_id = submission.task, system.entropy.new_id()
        told = {"rubric": self.rubric, "request": judged.input, "output": output}
        deadline = system.clock.monotonic() + self.timeout
        if judged.deadline is not None:
            deadline = min(deadline, judged.deadline)
        # Another output under the same key would be another question: what was done for one is no answer to it.
        return judged.part(new_id, f"{JUDGE}/{new_id}", told, kind=JUDGE, deadline=deadline)

    def _read(self, answer: Any) -> Verdict:
        if not isinstance(answer, Mapping):
            return read_answer(self.name, answer, self.accept_at)
        try:
            said = Answer.model_validate(dict(answer))
        except ValidationError as error:
            wrong = ", ".join(str(fault["loc"][0]) for fault in error.errors())
            raise CannotSay(f"{self.name} said {shown(answer)}: {wrong} cannot be read") from None
        return self._verdict(said, answer)

    def _verdict(self, said: Answer, answer: Any) -> Verdict:
        if said.score is None:
            if said.accepted is None:
                raise CannotSay(f"{self.name} said {shown(answer)}: expected accepted, or a score")
            return Verdict(self.name, said.accepted, None, said.reason, said.feedback)
        scored = verdict_of_score(self.name, said.score, self.accept_at)
        accepted = scored.accepted and said.accepted is not False
        return replace(scored, accepted=accepted, reason=said.reason or scored.reason, feedback=said.feedback)
