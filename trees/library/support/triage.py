"""The front desk: understands a request, has each part of it done, and gives one answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from ....agents.desk import DESK
from ....agents.orchestrator import Orchestrator
from ....agents.plan import Subtask
from . import answers
from .intents import RULES, Intent, Kind
from .language import understand
from .people import DEFAULT_CUSTOMER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ....agents.aggregate import Result
    from ....runtime.task import Task

__all__ = ["Triage"]


class Triage(Orchestrator):
    """Takes a customer's message, as text; who it is from is the fact `customer_id`.

    Args:
        customer: who asks where the request does not say.
    """

    def __init__(self, customer: int = DEFAULT_CUSTOMER) -> None:
        super().__init__()
        self._customer = customer

    def classify(self, task: Task) -> tuple[Intent, ...]:
        """Returns what the message asks for; nothing if it is no text."""
        return understand(task.input) if isinstance(task.input, str) else ()

    def decompose(self, task: Task, labels: Sequence[Intent]) -> list[Subtask]:
        """Returns a subtask for each intent; what was not understood is for the desk."""
        known = {"message": task.input, "customer_id": self._customer}
        facts = {name: fact for name, fact in known.items() if name not in task.context}
        return [_subtask(intent, number, facts) for number, intent in enumerate(labels, 1)]

    def aggregate(self, task: Task, results: Sequence[Result]) -> str:
        """Returns the answer: a sentence for each part."""
        return answers.combined(_sentence(result, task.input) for result in results)


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


def _sentence(result: Result, message: Any) -> str:
    output = result.output if isinstance(result.output, dict) else {}
    text = _text(result.subtask.input, message)
    if result.status == "needs_human":
        drafts = [part.output.get("answer", "") for part in result.parts if isinstance(part.output, dict)]
        return answers.combined([*drafts, answers.left_to_a_person(text, output.get("case"))])
    return output.get("answer") or answers.not_done(text)


def _text(asked: Any, message: Any) -> str:
    """Returns the customer's words for a part: of the whole message, if it was not taken apart."""
    if asked is None:
        return str(message)
    return str(asked["text"] if isinstance(asked, dict) else asked)
