"""A tool call on its way to the tool's owner, and the key under which its effect is done once."""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
from collections.abc import Mapping  # noqa: TC003 - pydantic reads the message's fields at run time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..runtime.errors import ActorCrashed, ActorStopped, AskTimeout, MailboxFull, SystemClosed
from ..runtime.faults import point
from ..runtime.usage import NO_USAGE
from ..supervisors.breakers.kept import through
from ..supervisors.work.guard import guard_of
from ..supervisors.work_errors import BreakerOpen, TaskHung, WorkError
from .errors import ToolError, ToolUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..runtime.cell import Cell
    from ..runtime.clock import Clock
    from ..runtime.ref import Ref
    from ..runtime.reply import Reply
    from ..runtime.task import Task, Usage
    from ..supervisors.breakers.breaker import Breaker
    from ..supervisors.work.attempt import Attempt

__all__ = ["TOOL_CALL", "TOOL_SERVE", "Hand", "ToolCall", "ask_owner", "guarded", "step_key"]

TOOL_CALL = point("tool.call", "call", "an agent that calls a tool, from the call to its result", "tool")
TOOL_SERVE = point("tool.serve", "call", "a tool's owner that does what an agent has called for", "tool")


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The message to a tool's owner. Plain data; the reply is the result, or a `ToolError`.

    Attributes:
        tool: the full name, such as `payments.refund`.
        arguments: as JSON has them.
        key: the idempotency key of this step.
        task, trace: the ids of the task that it is for.
        deadline: monotonic time of the runtime after which nobody waits for the result.
    """

    tool: str
    arguments: Mapping[str, Any]
    key: str
    task: str = ""
    trace: str = ""
    deadline: float | None = None


@dataclass(slots=True)
class Hand:
    """What an agent has in hand: a task, or a call of one of its tools; and what that has cost so far."""

    task: str
    trace: str
    key: str
    deadline: float | None = None
    tries: int = 1
    usage: Usage = NO_USAGE
    attempt: Attempt | None = None
    """The reply that it owes, where a supervisor guards the task."""
    begun: float = 0.0
    """Monotonic time at which the agent got it."""

    @classmethod
    def of(cls, message: Task | ToolCall) -> Hand:
        """Returns the hand with that message. Calls are tried as often as the task may still be attempted."""
        if isinstance(message, ToolCall):
            return cls(message.task, message.trace, message.key, message.deadline)
        tries = max(1, message.max_attempts - message.attempt + 1)
        return cls(message.id, message.trace, message.idempotency_key, message.deadline, tries)


def step_key(base: str, tool: str, step: str | None, arguments: Mapping[str, Any]) -> str:
    """Returns the idempotency key of a step: of its name if it has one, else of what it does.

    So the same call in another attempt of the same task has the same key, and another call has another one.
    Two equal calls in one task are one step, if they are not named.
    """
    if step is not None:
        return f"{base}/{tool}/{step}"
    text = json.dumps(dict(arguments), sort_keys=True)
    return f"{base}/{tool}:{hashlib.sha256(text.encode()).hexdigest()[:16]}"


async def ask_owner(owner: Ref[Any], call: ToolCall, tries: int, clock: Clock, breaker: Breaker | None = None) -> Any:
    """Returns a call's result; if the owner crashes over it, its next incarnation gets it, with the same key.

    Each try is asked of the tool's breaker, and counts for it. An owner that is still at a call after nobody waits
    for it any more has the system's kill grace to end; then its incarnation is killed. A call that has ended one is
    made again as soon as the owner's supervisor can bear one more death.

    Raises:
        ToolError: the owner's answer; `ToolUnavailable` if there is none after `tries`, or by the deadline, or
            the breaker lets nothing through.
    """
    deadly = False
    while True:
        tries -= 1
        left = None if call.deadline is None else max(0.0, call.deadline - clock.monotonic())
        try:
            with guarded(call, owner.path, clock, breaker):
                return await _asked(owner, call, left, deadly=deadly)
        except ActorCrashed as crash:
            deadly = True
            if tries < 1 or not await _room(owner, call):
                raise ToolUnavailable(call.tool, owner.path, crash) from crash
        except (ActorStopped, AskTimeout, MailboxFull) as error:
            raise ToolUnavailable(call.tool, owner.path, error) from error


async def _room(owner: Ref[Any], call: ToolCall) -> bool:
    """Waits until the owner may die once more; tells whether that is before the deadline. On any loop."""
    cell = owner._cell  # noqa: SLF001 - a ref belongs to a system; it does not show it yet
    room = guard_of(cell).room(math.inf if call.deadline is None else call.deadline)
    if asyncio.get_running_loop() is cell.loop:
        return await room
    return await asyncio.wrap_future(cell.system.submit(room))


async def _asked(owner: Ref[Any], call: ToolCall, seconds: float | None, *, deadly: bool) -> Any:
    cell = owner._cell  # noqa: SLF001 - as above
    reply = owner.ask(call, timeout=seconds, block=False)
    if deadly:
        cell.system.call(_dare, cell, reply)
    try:
        return await reply
    except (asyncio.CancelledError, AskTimeout):
        with suppress(SystemClosed):  # whoever asked was given up, and has outlived the system
            cell.system.call(cell.system.clock.call_later, cell.system.kill_grace, _end_unwanted, cell, reply)
        raise


def _dare(cell: Cell, reply: Reply) -> None:
    """Counts a call that has ended an incarnation as a death to come, until it is answered."""
    dared = guard_of(cell).dare()
    reply.add_done_callback(lambda _: dared())


def _end_unwanted(cell: Cell, reply: Reply) -> None:
    """Kills an incarnation that still has the call in hand: else whoever comes next would wait for it, too."""
    if cell.current is not None and cell.current[1] is reply:
        cell.kill(TaskHung(f"{cell.path}: no end of a call that nobody waits for", cell.system.kill_grace))


@contextmanager
def guarded(call: ToolCall, owner: str, clock: Clock, breaker: Breaker | None) -> Iterator[None]:
    """Takes a call through its breaker, if it has one. Raises `ToolUnavailable` if that lets nothing through."""
    if breaker is None:
        yield
        return
    try:
        with through(breaker, clock, is_failure=_is_failure, deadline=call.deadline):
            yield
    except BreakerOpen as error:
        raise ToolUnavailable(call.tool, owner, error) from error


def _is_failure(error: Exception) -> bool:
    """Tells a tool that does not work from one that says no."""
    return isinstance(error, ToolUnavailable) or not isinstance(error, ToolError | WorkError)
