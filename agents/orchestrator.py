"""An orchestrator: makes several agents' answers into one. It routes work; it starts and restarts nobody."""

from __future__ import annotations

import inspect
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..runtime.copies import changed
from ..runtime.task import Outcome, Part, Task
from ..runtime.usage import NO_USAGE
from ..supervisors.escalation import DESK, escalated
from .agent import Agent
from .aggregate import Count, Need, Result, missing, status_of
from .context import Context
from .delivery import deliver
from .durations import seconds
from .errors import ContextConflict
from .fanout import FanOut
from .plan import Plan, Subtask
from .routing import Router, candidates

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ..runtime.ref import Ref

__all__ = ["PARTS", "Orchestrator"]

PARTS = ("classify", "decompose", "route", "aggregate")
"""The four parts of an orchestrator, by the names of their methods and arguments."""

NOT_UNDERSTOOD = "the request was not understood"

RESERVE = 0.1
"""The share of the time left that is kept for making the answer..."""
LONGEST_RESERVE = 1.0
"""...and its longest, in seconds."""


class Orchestrator(Agent):
    """Classifies a request, decomposes it into subtasks, routes each to an agent, and aggregates the answers.

    Each part is a method to override, or a function given as an argument of that name, with the same
    parameters but for `self`; both may be `def` or `async def`.

    Args:
        need: how many results make an answer: a number, or `all`, the default; see `Need`.
        after: when the answer is made of what is there: a duration such as `30s`, or seconds.
        desk: the id of the agent that takes what nobody else can answer; the default is whoever is a `Desk`.
        parts: `classify`, `decompose`, `route`, `aggregate`.

    A class may set its own defaults, as `need` and `desk`.

    Workers run in parallel, as the dependencies between the subtasks allow. A worker that fails leaves a
    partial answer. What is not understood, what nobody handles, and what a worker says a person has to
    decide goes to the desk, never to a guess. An orchestrator that is cancelled cancels what it waits for.
    """

    imports: ClassVar[tuple[str, ...]] = PARTS
    """The arguments that may be written as import paths in a tree; whoever builds the tree resolves them."""

    need: Need = Need()
    desk: str | None = None
    _given: Mapping[str, Callable[..., Any]] = {}

    def __init__(
        self,
        *,
        need: Count | None = None,
        after: float | str | None = None,
        desk: str | None = None,
        **parts: Callable[..., Any],
    ) -> None:
        for name, part in parts.items():
            if name not in PARTS:
                raise TypeError(f"{name!r} is no part of an orchestrator: expected one of {', '.join(PARTS)}")
            if not callable(part):
                raise TypeError(f"{name} is {part!r}: expected a function")
        self.need = Need(
            self.need.count if need is None else need,
            self.need.after if after is None else seconds(after, "after"),
        )
        self.desk = self.desk if desk is None else desk
        self._given = parts

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Makes the object, on the runtime's loop only."""
        self = super().__new__(cls, *args, **kwargs)
        if self._cell.dispatcher != "loop":
            raise ValueError(
                f"dispatcher of {self.path} is 'thread': an orchestrator waits for many at once, on the loop"
            )
        return self

    # The four parts.

    def classify(self, task: Task) -> Any:
        """Returns what the request is about, for `decompose`: here the task's kind, or nothing."""
        return () if task.kind is None else (task.kind,)

    def decompose(self, task: Task, labels: Any) -> Any:  # noqa: ARG002 - for those who override it
        """Returns the `Subtask`s: here one of each kind that `classify` returned.

        None at all means that the request was not understood; one of the kind `desk`, that a part of it was
        not.
        """
        return [Subtask(kind) for kind in labels or ()]

    def route(self, subtask: Subtask, found: Sequence[Ref[Any]]) -> Any:
        """Returns which of those `found`, who all handle the subtask's kind, gets it: here the least busy.

        None means that nobody can have it.
        """
        return self.router.choose(subtask.kind, found)

    def aggregate(self, task: Task, results: Sequence[Result]) -> Any:  # noqa: ARG002 - for those who override it
        """Returns the output: here the only result's, or those of all that have one, by the subtasks' ids."""
        if len(results) == 1:
            return results[0].output
        return {result.subtask.id: result.output for result in results if result.output is not None}

    def read(self, result: Result) -> Result:
        """Returns a result as it counts, for the answer and for how good that is: here as it came."""
        return result

    # The way of a request.

    async def handle(self, task: Task) -> Outcome:
        """Does the four steps."""
        labels = await self.do("classify", task)
        subtasks = tuple(await self.do("decompose", task, labels) or ())
        results = await self._carry_out(task, subtasks)
        output = await self.do("aggregate", task, results)
        status = status_of(results, self.need)
        return Outcome(
            task.id,
            status,
            output,
            tuple(part for result in results for part in result.parts),
            sum((result.usage for result in results), NO_USAGE),
            None if status == "ok" else missing(results),
            rung="escalate" if status == "needs_human" else "first",  # whatever needs a person is on a desk by now
        )

    async def do(self, part: str, *args: Any) -> Any:
        """Does one of the four parts, with the function that was given for it or the method of its name."""
        value = (self._given.get(part) or getattr(self, part))(*args)
        return await value if inspect.isawaitable(value) else value

    async def _carry_out(self, task: Task, subtasks: tuple[Subtask, ...]) -> tuple[Result, ...]:
        """Has every subtask done, and ends in time to answer: before the deadline, or after `after`."""
        now = self.system.clock.monotonic()
        left = task.seconds_left(now)
        reserve = 0.0 if left is None else min(LONGEST_RESERVE, left * RESERVE)
        errand = Errand(self, task if left is None else changed(task, deadline=now + left - reserve))
        if not subtasks:
            return (await errand.not_understood(),)
        limits = [] if left is None else [now + left - reserve / 2]
        limits += [] if self.need.after is None else [now + self.need.after]
        until = min(limits, default=None)
        results = await FanOut(Plan(subtasks), errand.work, self.need, self.system.clock, until).run()
        return tuple(self.read(errand.with_agent(result)) for result in results)

    def others(self, word: str) -> tuple[Ref[Any], ...]:
        """Returns who offers a word, but this agent itself."""
        me = self.actor_ref
        return tuple(ref for ref in candidates(self.system, word) if ref is not me)

    @cached_property
    def router(self) -> Router:
        """Chooses among those who offer the same."""
        return Router(self.system)


class Errand:
    """The subtasks of one task, on their way to agents and back."""

    __slots__ = ("_asked", "_context", "_escalated", "_me", "_task")

    def __init__(self, orchestrator: Orchestrator, task: Task) -> None:
        self._me = orchestrator
        self._task = task
        self._context = Context(task.context)
        self._asked: dict[str, str] = {}
        self._escalated: set[str] = set()

    async def work(self, subtask: Subtask, needed: Mapping[str, Result]) -> Result:
        """Has a subtask done: by the agent that it is routed to, or else by a person."""
        try:
            part = self._part(subtask, needed)
        except ContextConflict as conflict:
            return Result(subtask, "failed", error=str(conflict))
        if subtask.kind == DESK:
            return await self._to_desk(subtask, escalated(part, NOT_UNDERSTOOD))
        ref = await self._me.do("route", subtask, self._me.others(subtask.kind))
        if ref is None:
            return await self._to_desk(subtask, escalated(part, f"nobody here handles {subtask.kind!r}"))
        result = await self._deliver(subtask, ref, part)
        if result.status != "needs_human" or subtask.id in self._escalated:
            return result
        reason = result.error or "a person has to decide"
        case = await self._to_desk(subtask, escalated(part, reason, ref.path, result.output))
        return changed(case, parts=(*result.parts, *case.parts), usage=result.usage + case.usage)

    async def not_understood(self) -> Result:
        """Puts the whole task on the desk, under its own key: a person may return it to the orchestrator."""
        subtask = Subtask(DESK, id="request")
        part = self._part(subtask, {})
        whole = changed(part, kind=self._task.kind, idempotency_key=self._task.idempotency_key)
        return await self._to_desk(subtask, escalated(whole, NOT_UNDERSTOOD, self._me.path))

    def with_agent(self, result: Result) -> Result:
        """Returns a result with the agent that had the subtask, also where that was given up."""
        agent = self._asked.get(result.subtask.id)
        if result.agent or agent is None:
            return result
        return changed(result, agent=agent, parts=(Part(agent, result.status, 1, error=result.error),))

    def _part(self, subtask: Subtask, needed: Mapping[str, Result]) -> Task:
        """Returns the task for a subtask: with its facts, and the outputs of what it needs, in its context.

        Raises:
            ContextConflict: one of them is known already, with another value.
        """
        context = self._context.merge(subtask.facts, f"the plan for {subtask.id}")
        for id_, result in needed.items():
            context = context.merge({id_: result.output}, result.agent or id_)
        asked = self._task.input if subtask.input is None else subtask.input
        new_id = self._me.system.entropy.new_id()
        return self._task.part(new_id, subtask.id, asked, kind=subtask.kind, context=context.plain())

    async def _to_desk(self, subtask: Subtask, part: Task) -> Result:
        """Puts what is escalated on the desk; without a desk, a person is needed all the same."""
        word = DESK if self._me.desk is None else f"agent:{self._me.desk}"
        desk = self._me.router.choose(word, self._me.others(word))
        if desk is None:
            return Result(subtask, "needs_human", part.input["draft"], part.input["reason"])
        return await self._deliver(subtask, desk, part)

    async def _deliver(self, subtask: Subtask, ref: Ref[Any], part: Task) -> Result:
        self._asked[subtask.id] = ref.path
        outcome = await deliver(ref, part)
        if outcome.rung == "escalate":
            self._escalated.add(subtask.id)
        return Result(subtask, outcome.status, outcome.output, outcome.error, ref.path, outcome.parts, outcome.usage)
