"""The desk: the last address in a tree, where what nobody could answer waits for a person."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from ..runtime.task import Outcome, Task
from ..runtime.telemetry import HookFailed
from ..supervisors.escalation import DESK, AwaitAnswer, TriedAgain
from .agent import Agent
from .case import Case, Said, acted, answer_of, as_data, refreshed, task_of, tried_again
from .cases import Cases, FileCases, MemoryCases
from .delivery import deliver
from .errors import ToolRefused, UnknownCase, nearest
from .events import CaseAnswered, CaseOpened
from .state import state_path
from .tools import IdempotencyKey, tool
from .waiting import Audience, WaitingRoom, audience_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ..runtime.timers import Timer
    from ..supervisors.escalation import HumanAnswer

__all__ = ["Desk", "Listening", "Shown"]

LOOK = 1.0
"""Seconds between two looks for what others have done with the cases, while somebody waits for that."""
PATIENCE = 2.0
"""Seconds that a returned case is left to whoever waits for it in another process, before its task is tried again."""

Shown: TypeAlias = Literal["open", "answered", "returned", "dropped", "all"]
"""Which cases are listed."""


@dataclass(frozen=True, slots=True)
class Listening:
    """The message to a desk: somebody has begun to listen for answers."""


@dataclass(frozen=True, slots=True)
class _Look:
    """It is time to look for what others have done with the cases."""


@dataclass(frozen=True, slots=True)
class _TryAgain:
    """It is time to try a returned task again, unless somebody does by now."""

    case: str


@dataclass(frozen=True, slots=True)
class _Tried:
    """A returned task has been tried again; of the case as it was then, in that version."""

    case: str
    version: int
    outcome: Outcome


class Desk(Agent):
    """Keeps cases for people. Its outcome of a task is `needs_human`, with the case's id in the output.

    Args:
        database: an SQLite file, if not absolute then in the state directory; without one, cases are kept in
            memory, and end with the incarnation.

    One task opens one case, however often it is delivered. Once the case is answered, the task's outcome is
    `fallback`, with the answer; once it is dropped, `failed`. To `AwaitAnswer` it replies when there is
    something to reply. With `dispatcher: thread`, a slow disk holds up nobody else.
    """

    handles: ClassVar[tuple[str, ...]] = (DESK,)

    _trying: frozenset[str] = frozenset()
    """The cases whose tasks are being tried again."""
    _looking: Timer | None = None

    def __init__(self, database: str | Path | None = None) -> None:
        self._database = database

    @cached_property
    def _cases(self) -> Cases:
        return MemoryCases() if self._database is None else FileCases(state_path(self._database))

    @cached_property
    def _room(self) -> WaitingRoom:
        return self._in_life(WaitingRoom, self._cell)

    @cached_property
    def _audience(self) -> Audience:
        return self._in_life(audience_of, self.system, self.path)

    def on_start(self) -> None:
        """Opens the database, so that one that cannot be used fails the start and not the first case."""
        for case in self._cases.all("returned"):
            if not case.taken:
                self.after(PATIENCE, _TryAgain(case.id))
        if self._audience.listens:
            self._watch()

    def on_receive(self, message: Any) -> Any:  # noqa: PLR0911 - one line for each message
        """Handles `AwaitAnswer`, and what it tells itself, beside what every agent does."""
        match message:
            case AwaitAnswer():
                return self._promise(message.case)
            case Listening():
                return self._watch()
            case _Look():
                return self._look()
            case _TryAgain():
                return self._try_returned(message.case)
            case _Tried():
                return self._note(message)
            case TriedAgain():
                return self._note_waited_for(message)
        return super().on_receive(message)

    # A case is opened.

    def handle(self, task: Task) -> Outcome:
        """Opens a case about the task, or says what has become of the one that there is."""
        told = self._told(task)
        kept, _ = self._change(self._cases.keep(told), partial(refreshed, told=told, at=told.opened))
        if kept.state == "answered":
            return Outcome(task.id, "fallback", kept.answer, rung="escalate")
        named = {"case": kept.id}
        if kept.state == "dropped":
            last = kept.said[-1]
            error = f"{kept.id} was dropped by {last.by}: {last.text}"
            return Outcome(task.id, "failed", named, error=error, rung="escalate")
        self._tell(CaseOpened, kept.id, kept.task, kept.reason)
        return Outcome(task.id, "needs_human", named, error=f"{kept.reason} ({kept.id})", rung="escalate")

    def _told(self, task: Task) -> Case:
        """Returns the case that a task makes: one that was escalated, or any other."""
        escalated = task.kind == DESK and isinstance(task.input, dict) and "request" in task.input
        told = task.input if escalated else {"request": task.input, "kind": task.kind}
        return Case(
            key=task.idempotency_key,
            request=as_data(told["request"]),
            reason=str(told.get("reason") or "nobody else could answer"),
            opened=self.system.clock.time(),
            task=task.id,
            context={str(name): as_data(fact) for name, fact in task.context.items()},
            draft=as_data(told.get("draft")),
            agent=str(told.get("agent") or ""),
            kind=None if told.get("kind") == DESK else told.get("kind"),
            trace=task.trace,
            evidence=as_data(told.get("evidence")),
        )

    @tool(effect=True)
    def open_case(self, request: str, reason: str, context: dict[str, Any], key: IdempotencyKey) -> Case:
        """Puts a request on the desk, and returns its case."""
        kept = self._cases.keep(Case(key, request, reason, self.system.clock.time(), context=context))
        self._tell(CaseOpened, kept.id, kept.task, kept.reason)
        return kept

    # What a person does.

    @tool(name="list")
    def list_cases(self, *, state: Shown = "open") -> tuple[Case, ...]:
        """Returns the cases in that state, oldest first."""
        return self._cases.all(None if state == "all" else state)

    @tool
    def show(self, case: str) -> Case:
        """Returns one case by its id."""
        found = self._cases.find(case)
        if found is None:
            raise UnknownCase(case, nearest(case, (one.id for one in self._cases.all()))[:1])
        return found

    @tool(effect=True)
    def answer(self, case: str, text: str, by: str, key: IdempotencyKey) -> Case:
        """Answers a case; the same answer again changes nothing, another one is refused."""
        return self._act(case, Said("answered", text, by, self.system.clock.time(), key))

    @tool(effect=True)
    def return_case(self, case: str, note: str, by: str, key: IdempotencyKey) -> Case:
        """Gives a case's task to the agents again, with a note of what to mind."""
        return self._act(case, Said("returned", note, by, self.system.clock.time(), key))

    @tool(effect=True)
    def drop(self, case: str, reason: str, by: str, key: IdempotencyKey) -> Case:
        """Closes a case without an answer."""
        return self._act(case, Said("dropped", reason, by, self.system.clock.time(), key))

    def _act(self, id_: str, said: Said) -> Case:
        if not said.text.strip():
            raise ToolRefused(f"{id_} cannot be {said.action} without a word: say something")
        if said.action == "returned":
            self._check_return(self.show(id_))
        kept, changed = self._change(self.show(id_), partial(acted, said=said))
        if not changed:
            return kept
        self._announce(kept)
        if said.action == "returned":
            self.after(PATIENCE if self._cases.shared else 0.0, _TryAgain(id_))
        return self.show(id_)

    def _check_return(self, case: Case) -> None:
        """Raises `ToolRefused` if there is nobody to whom a case could be returned, or somebody has it already."""
        if case.id in self._trying:
            raise ToolRefused(f"{case.id} is being tried again by {case.agent}: wait, or answer it, or drop it")
        if not (case.agent and case.task) and not self._in_life(self._room.count, case.id):
            raise ToolRefused(f"{case.id} came from no agent that could try again: answer it, or drop it")

    def _change(self, found: Case, make: Callable[[Case], Case]) -> tuple[Case, bool]:
        """Changes a case, once more if another process was faster; returns it, and whether anything has changed."""
        while (made := make(found)) != found:
            kept = self._cases.change(made)
            if kept is not None:
                return kept, True
            found = self.show(found.id)
        return found, False

    # Whoever waits for that.

    def _promise(self, id_: str) -> HumanAnswer | None:
        """Returns what was made of a case; if it is open still, the reply comes when something is."""
        self._watch()  # before it looks: what is done elsewhere from now on is seen at the next look
        case = self.show(id_)
        if case.state != "returned" or self._take(case):
            answer = answer_of(case)
            if answer is not None:
                return answer
        self._in_life(self._room.enter, id_)
        return None

    def _announce(self, case: Case) -> None:
        """Tells everybody that a case has been answered, returned or dropped."""
        last = case.said[-1]
        self._audience.told[case.id] = len(case.said)
        self._tell(CaseAnswered, case.id, case.task, last.by, case.state)
        self.system.call(self._audience.hear, case, self._listener_failed)
        if not self._in_life(self._room.count, case.id):
            return
        if case.state != "returned":
            self._in_life(self._room.tell, answer_of(case))
        elif self._take(case) and not self._in_life(self._room.tell, answer_of(case)):  # they have gone meanwhile
            self._begin(case.id)

    def _listener_failed(self, error: Exception) -> None:
        self._tell(HookFailed, "on_answer", error)

    def _take(self, case: Case) -> bool:
        """Tells whether a returned case is ours to try again from now on; nobody else gets it then."""
        return not case.taken and self._cases.change(replace(case, taken=True)) is not None

    # What other processes do with the same cases.

    def _watch(self) -> None:
        """Begins to look now and then, if others share the cases."""
        if not self._cases.shared or self._looking is not None:
            return
        if self._audience.seen is None:
            self._audience.seen = self._cases.last_version()
        self._looking = self.every(LOOK, _Look())

    def _look(self) -> None:
        audience = self._audience
        for case in self._cases.since(audience.seen or 0):
            audience.seen = case.version
            if case.state != "open" and len(case.said) > audience.told.get(case.id, 0):
                self._announce(case)
        if not audience.listens and not self._in_life(self._room.count) and self._looking is not None:
            self._looking.cancel()
            self._looking = audience.seen = None
            audience.told.clear()

    # A returned case that nobody waits for.

    def _try_returned(self, id_: str) -> None:
        case = self._cases.find(id_)
        if case is not None and case.state == "returned" and self._take(case):
            self._begin(id_)

    def _begin(self, id_: str) -> None:
        self._trying |= {id_}
        self.system.call(self._send, self.show(id_))

    def _send(self, case: Case) -> None:
        self.system.errand(self._try(case), f"{self.path} {case.id}")

    async def _try(self, case: Case) -> None:
        """Has the agent try again, and tells the desk, be it in its next incarnation."""
        ref = self.system.ref(case.agent)
        if ref is None:
            gone = f"{case.agent}, which had it, is gone"
            outcome = Outcome(case.task, "failed", error=gone)
        else:
            outcome = await deliver(ref, task_of(case))
        self._cell.post(_Tried(case.id, case.version, outcome))

    def _note_waited_for(self, tried: TriedAgain) -> None:
        """Notes what came of a returned case whose task had waited for it."""
        case = self._cases.find(tried.case)
        if case is not None and case.state == "returned":
            self._note(_Tried(case.id, case.version, tried.outcome))

    def _note(self, tried: _Tried) -> None:
        """Notes what came of a second try: an answer, or a case that is open again."""
        self._trying -= {tried.case}
        case = self._cases.find(tried.case)
        if case is None or case.version != tried.version:  # it has moved on: a person was faster, or it escalated
            return
        kept = self._cases.change(tried_again(case, tried.outcome, self.system.clock.time()))
        if kept is None:
            return
        if kept.state == "open":
            self._tell(CaseOpened, kept.id, kept.task, kept.reason)
        else:
            self._announce(kept)
