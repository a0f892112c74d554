"""The front desk: understands a request, has each part of it done, and gives one answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import to_jsonable_python

from ....agents.errors import ToolError
from ....agents.orchestrator import Orchestrator
from ....agents.plan import Subtask
from ....supervisors.escalation import DESK
from ..support import answers
from .intents import RULES, Intent, Kind
from .language import understand
from .people import DEFAULT_CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....agents.aggregate import Result
    from ....runtime.ref import Ref
    from ....runtime.task import Outcome, Task

__all__ = ["Triage"]

PATIENCE: Final = 0.2
"""Seconds that the desk has to open a case for what came to no end, just before the answer is due."""
LOST: Final = "nobody could say in time what has become of it"
UNTOLD: Final = "nobody was told of it"
UNREADABLE: Final = "what came of it is no answer"


class Triage(Orchestrator):
    """Takes a customer's message, as text; who it is from is the fact `customer_id`.

    Args:
        customer: who asks where the request does not say.
    """

    def __init__(self, customer: int = DEFAULT_CUSTOMER) -> None:
        super().__init__()
        self._customer = customer

    async def handle(self, task: Task) -> Outcome:
        """Answers a message. Where nothing could be done of it, a person has to see to it, and may not know yet."""
        outcome = await super().handle(task)
        if outcome.status != "failed":
            return outcome
        error = f"{outcome.error}; {UNTOLD}" if answers.NOT_PASSED_ON in outcome.output else outcome.error
        return replace(outcome, status="needs_human", rung="escalate", error=error)

    def classify(self, task: Task) -> tuple[Intent, ...]:
        """Returns what the message asks for; nothing if it is no text."""
        return understand(task.input) if isinstance(task.input, str) else ()

    def decompose(self, task: Task, labels: Sequence[Intent]) -> list[Subtask]:
        """Returns a subtask for each intent; what was not understood is for the desk."""
        known = {"message": task.input, "customer_id": self._customer}
        facts = {name: fact for name, fact in known.items() if name not in task.context}
        return [_subtask(intent, number, facts) for number, intent in enumerate(labels, 1)]

    def route(self, subtask: Subtask, found: Sequence[Ref[Any]]) -> Any:
        """Routes a part as every orchestrator does, and gives a sign of life: there is more to come."""
        self.progress()
        return super().route(subtask, found)

    def read(self, result: Result) -> Result:
        """Takes for failed what nobody could be told of."""
        by_a_person = result.status == "fallback" and isinstance(result.output, str)
        told = by_a_person or (isinstance(result.output, dict) and "answer" in result.output)
        return result if told or not result.usable else replace(result, status="failed", error=UNREADABLE)

    async def aggregate(self, task: Task, results: Sequence[Result]) -> str:
        """Returns the answer: a sentence for each part."""
        return answers.combined([await self._sentence(result, task) for result in results])

    async def _sentence(self, result: Result, task: Task) -> str:
        output = result.output if isinstance(result.output, dict) else {}
        text = _text(result.subtask.input, task.input)
        match result.status, result.output:
            case "needs_human", _:
                return answers.combined([_draft(result), answers.left_to_a_person(text, output.get("case"))])
            case "ok" | "partial" | "fallback", {"answer": answer}:
                return str(answer)
            case "fallback", str(words):
                return answers.from_a_person(words)
            case "failed", {"case": _}:
                return answers.closed_by_a_person(text)
        case = await self._case_for(result, text, task)
        return answers.left_to_a_person(text, case) if result.subtask.kind == DESK else answers.unknown(text, case)

    async def _case_for(self, result: Result, text: str, task: Task) -> str | None:
        """Leaves to a person what came to no end; returns the case, None if that does not work either."""
        told = {"request": text, "reason": LOST, "context": {**task.context, **result.subtask.facts}}
        left = task.seconds_left(self.system.clock.monotonic())
        try:
            async with asyncio.timeout(PATIENCE if left is None else min(PATIENCE, left / 2)):
                case = await self.call("desk.open_case", result.subtask.id, **told)
        except (ToolError, TimeoutError):
            return None
        return str(case["id"])


def _subtask(intent: Intent, number: int, facts: dict[str, Any]) -> Subtask:
    if intent.kind is Kind.UNKNOWN:
        return Subtask(DESK, intent.text, f"unclear-{number}", facts=facts)
    rule = RULES[intent.kind]
    return Subtask(
        kind=rule.capability,
        input=to_jsonable_python(intent),
        id=intent.kind.value,
        after=tuple(sorted(kind.value for kind in rule.after)),
        priority=rule.priority,
        facts=facts,
    )


def _draft(result: Result) -> str:
    """Returns what there is of an answer to what a person has to finish."""
    drafts = [part.output for part in result.parts]
    drafts += [result.output.get("draft")] if isinstance(result.output, dict) else []
    return answers.combined(str(draft["answer"]) for draft in drafts if isinstance(draft, dict) and "answer" in draft)


def _text(asked: Any, message: Any) -> str:
    """Returns the customer's words for a part: of the whole message, if it was not taken apart."""
    if asked is None:
        return str(message)
    return str(asked["text"] if isinstance(asked, dict) else asked)
