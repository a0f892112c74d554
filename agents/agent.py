"""An agent: an actor that handles tasks, offers tools, and uses those of others."""

from __future__ import annotations

import inspect
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Self

from structlog.contextvars import bind_contextvars

from ..runtime.actor import Actor
from ..runtime.copies import changed
from ..runtime.errors import SystemClosed, describe
from ..runtime.faults import Visit
from ..runtime.task import Outcome, Part, Task, Usage
from ..runtime.usage import NO_USAGE
from ..supervisors.work.accounts import accounts_of
from ..supervisors.work.attempt import Attempt
from ..supervisors.work.policy import loop_limits
from ..supervisors.work_errors import BreakerOpen, LoopDetected, WorkError
from .breakers import tool_breaker
from .calls import TOOL_CALL, TOOL_SERVE, Hand, ToolCall, ask_owner, guarded, step_key
from .context import visible
from .directory import TOOL, directory_of
from .errors import ToolError, ToolNotAllowed, ToolUnavailable, UnknownTool, nearest
from .events import TaskBegun, TaskEnded, ToolCalled
from .limit import Limit
from .profile import Profile
from .routing import candidates, load
from .tools import FUNCTIONS, ToolSpec, plain_arguments, tool_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ..runtime.faults import Point
    from ..runtime.ref import Ref
    from ..runtime.reply import Reply
    from ..runtime.telemetry import Event
    from ..supervisors.failures.failure import Kind

__all__ = ["Agent", "NeedsHuman"]

ONE_CALL = Usage(tool_calls=1)


def kind_of(error: ToolError) -> Kind:
    """Returns what kind of failure a tool's is: one that could not be reached is no answer, a refusal is one."""
    return "unavailable" if isinstance(error, ToolUnavailable) else "deterministic"


def _failed(task: Task, error: ToolError) -> Outcome:
    return Outcome(task.id, "failed", error=str(error), failure=kind_of(error))


def _has_in_hand(ref: Ref[Any], task: str) -> bool:
    """Tells whether an agent is at work on just that task: it would wait for itself."""
    current = ref._cell.current  # noqa: SLF001 - a ref is a cell's own handle
    return current is not None and isinstance(current[0], Task) and current[0].id == task


@dataclass(frozen=True, slots=True)
class NeedsHuman:
    """What `handle` returns where a person has to decide: why, and what there is so far."""

    reason: str
    output: Any = None


class _Holding:
    """Binds the ids of what an agent has in hand to log lines, and keeps its deadline and key for tool calls.

    Each message is handled in a context of its own: nothing has to be unbound.
    """

    __slots__ = ("_agent", "_hand")

    def __init__(self, agent: Agent, hand: Hand) -> None:
        self._agent = agent
        self._hand = hand

    def __enter__(self) -> None:
        self._agent._hand = self._hand  # noqa: SLF001 - a part of the agent's own
        bind_contextvars(task=self._hand.task, trace=self._hand.trace)

    def __exit__(self, *_: object) -> None:
        self._agent._hand = None  # noqa: SLF001


class Agent(Actor):
    """An actor for tasks. A subclass overrides `handle`, and marks methods that others may call as tools.

        class Billing(Agent):
            async def handle(self, task: Task) -> str:
                charges = await self.call("payments.charges", customer=task.context["customer_id"])
                ...

    What it declares (its profile's `handles`, and its tools) can be found before its first message, and for
    as long as its ref takes messages: also while it is being restarted.
    """

    expected: ClassVar[tuple[type[Exception], ...]] = (ToolError, WorkError)
    """As every actor's; `ToolError` and `WorkError`, such as `ModelRetry`, are always among them."""

    profile: Profile = Profile()
    """What the tree says of it; a class may set its own default."""

    handles: ClassVar[tuple[str, ...]] = ()
    """The kinds of task that every agent of this class can do, beside those of its profile."""

    _tools: ClassVar[Mapping[str, ToolSpec]] = {}
    """The tools that its methods are, by their names within its namespace."""

    _hand: Hand | None = None

    _is_async: ClassVar[bool] = False
    """Whether `handle` is `async def`."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        own = (tool_of(member) for member in vars(cls).values())
        cls._tools = {**cls._tools, **{spec.name: spec for spec in own if spec is not None}}
        cls.expected = tuple(dict.fromkeys((*cls.expected, ToolError, WorkError)))
        cls._is_async = inspect.iscoroutinefunction(cls.handle)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Makes the object and what it offers known; here, so that a subclass's hooks need not."""
        self = super().__new__(cls, *args, **kwargs)
        for spec in cls._tools.values():
            spec.check()
        self.system.call(self._make_known)
        return self

    def _make_known(self) -> None:
        tools = {f"{TOOL}{name}": spec for name, spec in self._own_tools.items()}
        kinds = (*self.handles, *self.profile.handles)
        words = {f"agent:{self.namespace}": None, **dict.fromkeys(kinds), **tools}
        directory_of(self.system).enter(self.actor_ref, self.profile, words)
        for word in words:
            self.offer(word)

    @property
    def namespace(self) -> str:
        """The first half of its tools' names: its profile's, or its id."""
        return self.profile.namespace or self.path.rpartition("/")[2]

    @cached_property
    def _own_tools(self) -> dict[str, ToolSpec]:
        return {f"{self.namespace}.{name}": spec for name, spec in self._tools.items()}

    # The way of a task.

    def handle(self, task: Task) -> Any:
        """Does a task, and returns the output; `def` or `async def`.

        It may also return `NeedsHuman`, or a whole `Outcome` where there is more to say; of that, id,
        seconds and its own part are filled in. A `ToolError` that it lets out makes the outcome `failed`, and
        `ModelRetry` says that the output is not good enough; anything else that it raises is a crash. An
        `async def` handler is cancelled once the task's deadline is past or nobody waits for it any more.
        """
        return Outcome(task.id, "failed", error=f"{self.path} handles no tasks: override handle()")

    def on_receive(self, message: Any) -> Any:
        """Handles `Task` (the reply is an `Outcome`) and `ToolCall` (the reply is the result).

        Override it for messages of your own, and pass the others on with `return
        super().on_receive(message)`.
        """
        if isinstance(message, Task):
            return self._work(message)
        if isinstance(message, ToolCall):
            return self._serve(message)
        return super().on_receive(message)

    def _work(self, task: Task) -> Any:
        """Returns the outcome of a task; or what comes to it, if `handle` has to be awaited."""
        reply = None if self._cell.current is None else self._cell.current[1]
        hand = Hand.of(task)
        hand.begun = self.system.clock.monotonic()
        hand.attempt = reply if isinstance(reply, Attempt) else None
        self._tell(TaskBegun, task.id, task.trace, task.kind, task.attempt)
        if self._is_async:
            return self._awaited(task, hand, reply)
        with _Holding(self, hand):
            try:
                answer = self.handle(self._seen(task))
            except ToolError as error:
                answer = _failed(task, error)
        if inspect.isawaitable(answer):
            return self._awaited(task, hand, reply, answer)
        return self._ended(task, answer, hand)

    async def _awaited(
        self, task: Task, hand: Hand, reply: Reply | None, answer: Awaitable[Any] | None = None
    ) -> Outcome:
        """Awaits `handle`, or its answer if it has begun; not beyond the deadline, nor when nobody waits."""
        with _Holding(self, hand):
            try:
                with Limit(self.system, task, reply):
                    said = await (self.handle(self._seen(task)) if answer is None else answer)
                    return self._ended(task, said, hand)
            except ToolError as error:
                return self._ended(task, _failed(task, error), hand)
            return self._ended(task, self._cut_off(task), hand)

    def _seen(self, task: Task) -> Task:
        """Returns a task as the agent gets it: with the facts that it may read."""
        return changed(task, context=visible(task.context, self.profile.reads))

    def _cut_off(self, task: Task) -> Outcome:
        if task.seconds_left(self.system.clock.monotonic()) == 0:
            return Outcome(task.id, "failed", error="the deadline came before the end")
        return Outcome(task.id, "canceled", error="nobody waits for it any more")

    def _ended(self, task: Task, answer: Any, hand: Hand) -> Outcome:
        """Makes the outcome, and tells of it."""
        seconds = self.system.clock.monotonic() - hand.begun
        outcome = self._outcome(task, answer, hand, seconds)
        self._tell(TaskEnded, task.id, task.trace, task.attempt, outcome.status, seconds, outcome.error)
        return outcome

    def _outcome(self, task: Task, answer: Any, hand: Hand, seconds: float) -> Outcome:
        """Makes the outcome: of whatever `handle` returned, with this agent's own part as the last."""
        if isinstance(answer, NeedsHuman):
            answer = Outcome(task.id, "needs_human", answer.output, error=answer.reason)
        if not isinstance(answer, Outcome):
            part = Part(self.path, "ok", task.attempt, answer, seconds, None, hand.usage)
            return Outcome(task.id, "ok", answer, (part,), hand.usage, None, seconds)
        output = None if answer.parts else answer.output
        own = answer.usage.less(sum((part.usage for part in answer.parts), NO_USAGE)) + hand.usage
        part = Part(self.path, answer.status, task.attempt, output, seconds, answer.error, own)
        parts, usage = (*answer.parts, part), answer.usage + hand.usage
        return changed(answer, task_id=task.id, parts=parts, usage=usage, seconds=seconds)

    def charge(self, usage: Usage) -> None:
        """Says what the work on the task in hand has cost, as soon as that is known; from `handle`.

        It counts even if the incarnation crashes later, and the outcome has it.

        Raises:
            BudgetExceeded: a budget is passed. Let it out: the task ends, with what `progress` was told of.
        """
        if self._hand is None:
            return
        self._hand.usage += usage
        if self._hand.attempt is not None:  # its own one, also if it was given up and another one is in hand by now
            self.system.result_of(self._hand.attempt.charge, usage)

    # Tools of its own, and of others.

    async def _serve(self, call: ToolCall) -> Any:
        spec = self._own_tools.get(call.tool)
        if spec is None:
            raise UnknownTool(call.tool, nearest(call.tool, self._own_tools))
        with _Holding(self, Hand.of(call)):
            return await self._at(TOOL_SERVE, call, spec, self._run)(spec, call)

    async def _run(self, spec: ToolSpec, call: ToolCall) -> Any:
        """Runs a tool here: one of its own, or a function."""
        bound = spec.bind(call.arguments, call.tool, call.key)
        function = spec.function if spec.attribute is None else getattr(self, spec.attribute)
        try:
            result = function(**bound)
            if inspect.isawaitable(result):
                result = await result
        except ToolError as error:
            error.tool = error.tool or call.tool
            raise
        except BreakerOpen as error:  # one that the tool itself has asked: an answer, no crash
            raise ToolUnavailable(call.tool, self.path, error) from error
        return spec.plain(result)

    async def call(self, tool: str, step: str | None = None, /, **arguments: Any) -> Any:
        """Calls a tool, and returns its result as plain data.

        Args:
            tool: its full name, such as `payments.refund`. The profile's `tools` must cover it, if it is not
                the agent's own.
            step: what the call is named within the task, where it might be made twice with equal arguments
                and is meant twice.
            arguments: the tool's own.

        It takes as long as the task in hand may. An owner that crashes over the call gets it again in its
        next incarnation, with the same idempotency key, as often as the task may still be attempted.

        Raises:
            ToolError: `UnknownTool`, `ToolNotAllowed`, `InvalidArguments`, `ToolUnavailable`, or the tool's
                own refusal.
            LoopDetected: the same call, or the same series of calls, was made too often.
            BudgetExceeded: no more calls may be made.
        """
        hand = self._hand or Hand("", "", self.path)
        plain = plain_arguments(tool, arguments)
        key = step_key(hand.key, tool, step, plain)
        call = ToolCall(tool, plain, key, hand.task, hand.trace, hand.deadline)
        account = accounts_of(self.system).find(hand.trace)
        if account is not None:
            account.trail.call(self.path, tool, plain, loop_limits(self._cell))
        self.charge(ONE_CALL)
        begun, owner, problem = self.system.clock.monotonic(), "", None
        try:
            spec, ref = self._find(tool)
            owner = self.path if ref is None else ref.path
            if ref is not None and _has_in_hand(ref, hand.task):
                raise LoopDetected(f"{tool} belongs to {owner}, which waits for {self.path} over the same task")
            ask = self._at(TOOL_CALL, call, spec, self._result)
            result = await ask(spec, ref, call, hand.tries)
        except BaseException as error:
            problem = describe(error)
            raise
        finally:
            seconds = self.system.clock.monotonic() - begun
            self._tell(ToolCalled, hand.task, hand.trace, tool, owner, seconds, problem)
        return result

    async def _result(self, spec: ToolSpec, ref: Ref[Any] | None, call: ToolCall, tries: int) -> Any:
        """Returns what a tool makes of a call, here or at its owner, behind the tool's breaker."""
        clock = self.system.clock
        owner = self.actor_ref if ref is None and spec.attribute is not None else ref
        breaker = tool_breaker(self.system, call.tool, spec, owner)
        if ref is not None:
            return await ask_owner(ref, call, tries, clock, breaker)
        with guarded(call, self.path, clock, breaker):
            return await self._run(spec, call)

    def _find(self, tool: str) -> tuple[ToolSpec, Ref[Any] | None]:
        """Returns a tool's specification and its owner; None if it is to be run here."""
        own = self._own_tools.get(tool)
        if own is not None:
            return own, None
        owners = directory_of(self.system).owners(tool)
        if (owners or tool in FUNCTIONS) and not self.may_call(tool):
            raise ToolNotAllowed(tool, self.path, self.profile.tools)
        if owners:
            running = [ref for ref in candidates(self.system, f"{TOOL}{tool}") if ref in owners] or list(owners)
            owner = min(running, key=lambda ref: load(self.system, ref))
            return owners[owner], owner
        if tool in FUNCTIONS:
            return FUNCTIONS[tool], None
        raise UnknownTool(tool, nearest(tool, self.known_tools()))

    def may_call(self, tool: str) -> bool:
        """Tells whether the tree lets the agent call a tool; its own it always may."""
        return self.profile.allows(tool) or tool in self._own_tools

    def known_tools(self) -> dict[str, ToolSpec]:
        """Returns the tools that this agent may call, by their full names: functions, others', its own."""
        others = FUNCTIONS | directory_of(self.system).tools()
        return {name: spec for name, spec in others.items() if self.profile.allows(name)} | self._own_tools

    def _at(self, point: Point, call: ToolCall, spec: ToolSpec, func: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what is called in the place of `func`: something else only where a fault says so."""
        faults = self.system.faults
        if faults is None:
            return func
        return faults.call(Visit(point, self.path, self.incarnation, call, None, call.tool, spec.effect), func)

    def _tell(self, kind: type[Event], *details: Any) -> None:
        system = self.system
        if system.telemetry.heard:
            with suppress(SystemClosed):  # one that was given up may outlive the system: then there is nobody to tell
                system.call(system.telemetry.emit, kind, self.path, self.incarnation, *details)
