"""A case: a request that waits for a person, and what may be done with it. Pure; time is an argument.

| state | answer | return | drop | the task escalates again |
|---|---|---|---|---|
| `open` | `answered` | `returned` | `dropped` | `open`, with what is known now |
| `returned` | `answered` | `returned` | `dropped` | `open` again |
| `answered` | the same answer only | refused | refused | gets the answer |
| `dropped` | refused | refused | for the same reason only | has failed |
"""

from __future__ import annotations

import json
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the fields of a case at run time
from dataclasses import dataclass, field, replace
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from ..runtime.task import Task
from ..supervisors.escalation import DESK, HumanAnswer
from ..supervisors.judges.plain import shown
from .errors import ToolRefused

if TYPE_CHECKING:
    from ..runtime.task import Outcome

__all__ = ["Case", "Said", "State", "acted", "answer_of", "as_data", "case_of", "refreshed", "task_of", "tried_again"]

State: TypeAlias = Literal["open", "answered", "returned", "dropped"]
"""Where a case is: `open` waits for a person; `returned` was given to the agents again."""


@dataclass(frozen=True, slots=True)
class Said:
    """What was done with a case, in which words, by whom, and when (wall-clock seconds).

    `reopened` says why it came back after it was returned. `key` is the idempotency key of the call.
    """

    action: Literal["answered", "returned", "dropped", "reopened"]
    text: str
    by: str
    at: float
    key: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One request that a person has to decide. Plain data; times are wall-clock seconds.

    Attributes:
        key: the idempotency key under which the desk got it: one task opens one case, however often it comes.
        request: what was asked.
        reason: why nobody else could answer.
        task: the id of the task.
        id: such as `case-12`; empty until it is kept.
        context: the facts that were known.
        draft: what there was of an answer.
        agent: the path of who had it; empty if nobody had.
        kind: what sort of work it is; None if nobody has said.
        trace: the id that all tasks of the request share.
        evidence: what is known of how it went wrong, as JSON has `Evidence`.
        answer: what a person, or in the end an agent, has answered.
        said: all that was done with it, oldest first.
        taken: of a returned case, whether somebody tries it again by now.
        version: the number of its last change, among all changes of all cases.
    """

    key: str
    request: Any
    reason: str
    opened: float
    task: str = ""
    id: str = ""
    context: Mapping[str, Any] = field(default_factory=dict)
    draft: Any = None
    agent: str = ""
    kind: str | None = None
    trace: str = ""
    evidence: Any = None
    state: State = "open"
    answer: Any = None
    said: tuple[Said, ...] = ()
    taken: bool = False
    version: int = 0


@cache
def _adapter() -> TypeAdapter[Case]:
    return TypeAdapter(Case)


def as_data(value: Any) -> Any:
    """Returns a value as JSON has it; objects within it, and a value that cannot be read at all, as they print."""
    try:
        data = to_jsonable_python(value, fallback=str)
        json.dumps(data)
    except (ValueError, RecursionError):
        return shown(value)
    return data


def case_of(document: Mapping[str, Any], **changes: Any) -> Case:
    """Returns the case that a document of JSON is; one from before there were states, too."""
    fields = {**document, **changes}
    at, by = fields.pop("answered", None), fields.pop("answered_by", None)
    if "state" not in fields and fields.get("answer") is not None:
        said = Said("answered", fields["answer"], by or "", at or fields["opened"])
        fields |= {"state": "answered", "said": (said,)}
    return _adapter().validate_python(fields)


def acted(case: Case, said: Said) -> Case:
    """Returns the case after what a person has done with it; the same one if that was done before.

    Raises:
        ToolRefused: it was answered or dropped already, in other words.
    """
    if said.key and any(one.key == said.key for one in case.said):
        return case
    if case.state in ("answered", "dropped"):
        last = case.said[-1]
        if (last.action, last.text, last.by) == (said.action, said.text, said.by):
            return case
        raise ToolRefused(f"{case.id} was {case.state} by {last.by} already: open a new case about it")
    return _settled(case, said, said.text)


def _settled(case: Case, said: Said, answer: Any) -> Case:
    """Returns the case in the state that an action leads to."""
    state: State = "open" if said.action == "reopened" else said.action
    kept = answer if state == "answered" else case.answer
    return replace(case, state=state, answer=kept, said=(*case.said, said), taken=False)


def refreshed(case: Case, told: Case, at: float) -> Case:
    """Returns the case after its task has escalated again, as `told`: with what is known of it now."""
    if case.state in ("answered", "dropped"):
        return case
    newer = replace(
        case,
        reason=told.reason,
        agent=told.agent or case.agent,
        draft=case.draft if told.draft is None else told.draft,
        evidence=case.evidence if told.evidence is None else told.evidence,
    )
    return newer if case.state == "open" else _settled(newer, Said("reopened", told.reason, told.agent, at), None)


def tried_again(case: Case, outcome: Outcome, at: float) -> Case:
    """Returns a returned case after its agent has tried again: answered by the agent, or open once more."""
    output = as_data(outcome.output)
    if outcome.status in ("ok", "fallback"):
        return _settled(case, Said("answered", _text(output), case.agent, at), output)
    reason = outcome.error or f"it was tried again, and is {outcome.status}"
    kept = replace(case, reason=reason, draft=case.draft if output is None else output)
    return _settled(kept, Said("reopened", reason, case.agent, at), None)


def _text(output: Any) -> str:
    return output if isinstance(output, str) else json.dumps(output)


def answer_of(case: Case) -> HumanAnswer | None:
    """Returns what whoever waits for a case is told; None as long as there is nothing to tell."""
    if case.state == "open":
        return None
    last = case.said[-1]
    return HumanAnswer(case.id, case.state, last.text, last.by)


def task_of(case: Case) -> Task:
    """Returns the task of a returned case as its agent gets it again: with the person's note as feedback.

    It has its own key, so that no effect is done twice, and no deadline.
    """
    return Task(
        id=case.task,
        input=case.request,
        kind=case.kind,
        context=case.context,
        idempotency_key=case.key.removesuffix(f"/{DESK}"),
        trace=case.trace,
        feedback=(case.said[-1].text,),
    )
