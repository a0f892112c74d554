"""The desk: the last address in a tree, where what nobody could answer waits for a person."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic_core import to_jsonable_python

from ..runtime.task import Outcome, Task
from .agent import Agent
from .cases import Case, Cases, FileCases, MemoryCases
from .errors import ToolRefused, UnknownCase, nearest
from .events import CaseAnswered, CaseOpened
from .state import state_path
from .tools import IdempotencyKey, tool

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["DESK", "Desk", "escalation"]

DESK = "desk"
"""The capability that every desk offers."""


def escalation(task: Task, reason: str, draft: Any = None) -> Task:
    """Returns the task for a desk that opens a case about `task`: why, and what there is of an answer."""
    told = {"request": task.input, "reason": reason, "draft": draft}
    return replace(task, kind=DESK, input=told, idempotency_key=f"{task.idempotency_key}/{DESK}")


class Desk(Agent):
    """Keeps cases for people. Its outcome of a task is `needs_human`, with the case's id in the output.

    Args:
        database: an SQLite file, if not absolute then in the state directory; without one, cases are kept in
            memory, and end with the incarnation.

    One task opens one case, however often it is delivered. With `dispatcher: thread`, a slow disk holds up
    nobody else.
    """

    handles: ClassVar[tuple[str, ...]] = (DESK,)

    def __init__(self, database: str | Path | None = None) -> None:
        self._database = database

    @cached_property
    def _cases(self) -> Cases:
        return MemoryCases() if self._database is None else FileCases(state_path(self._database))

    def on_start(self) -> None:
        """Opens the database, so that one that cannot be used fails the start and not the first case."""
        self._cases  # noqa: B018 - made on first use, which is here

    def handle(self, task: Task) -> Outcome:
        """Opens a case about the task."""
        escalated = task.kind == DESK and isinstance(task.input, dict)
        told = to_jsonable_python(task.input if escalated else {"request": task.input}, fallback=str)
        case = self._open(
            Case(
                key=task.idempotency_key,
                request=told.get("request"),
                reason=str(told.get("reason") or "nobody else could answer"),
                opened=self.system.clock.time(),
                task=task.id,
                context=to_jsonable_python(dict(task.context), fallback=str),
                draft=told.get("draft"),
            )
        )
        return Outcome(task.id, "needs_human", {"case": case.id}, error=f"{case.reason} ({case.id})")

    @tool(effect=True)
    def open_case(self, request: str, reason: str, context: dict[str, Any], key: IdempotencyKey) -> Case:
        """Puts a request on the desk, and returns its case."""
        return self._open(Case(key, request, reason, self.system.clock.time(), context=context))

    @tool(name="list")
    def list_cases(self, *, answered: bool = False) -> tuple[Case, ...]:
        """Returns the cases that wait, or those that are answered, oldest first."""
        return self._cases.all(answered=answered)

    @tool
    def show(self, case: str) -> Case:
        """Returns one case by its id."""
        found = self._cases.find(case)
        if found is None:
            raise UnknownCase(case, nearest(case, (one.id for one in self._cases.all(answered=False))))
        return found

    @tool(effect=True)
    def answer(self, case: str, text: str, by: str, key: IdempotencyKey) -> Case:  # noqa: ARG002 - equal answers are one
        """Answers a case; the same answer again changes nothing, another one is refused."""
        found = self.show(case)
        if found.answer is not None:
            if (found.answer, found.answered_by) == (text, by):
                return found
            raise ToolRefused(f"{case} was answered by {found.answered_by} already: open a new case about it")
        now = self.system.clock.time()
        answered = replace(found, answer=text, answered=now, answered_by=by)
        self._cases.change(answered)
        self._tell(CaseAnswered, answered.id, answered.task, by)
        return answered

    def _open(self, case: Case) -> Case:
        kept = self._cases.keep(case)
        self._tell(CaseOpened, kept.id, kept.task, kept.reason)
        return kept
