"""Gives a task to an agent. Every delivery ends with one outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..runtime.errors import AskTimeout
from ..runtime.reply import runs_here
from ..runtime.task import Outcome, Part, Task
from ..supervisors.work.handover import said_in
from .errors import cause_text

if TYPE_CHECKING:
    from ..runtime.ref import Ref

__all__ = ["deliver"]

MARGIN = 0.05
"""Seconds behind its deadline that an outcome may take to come here."""


async def deliver(ref: Ref[Any], task: Task) -> Outcome:
    """Returns what became of the task. Never raises for what the agent did.

    What a supervisor's child cannot do goes up its recovery ladder; an actor without a supervisor has one try.
    Whoever cancels the caller cancels the work too. In the caller's task, on any event loop.
    """
    cell = ref._cell  # noqa: SLF001 - a ref belongs to a system; it does not show it yet
    system = cell.system
    begun = system.clock.monotonic()
    guarded = cell.gate is not None and runs_here(cell.loop)  # then there is an outcome in time
    left = None if guarded else task.seconds_left(begun)
    try:
        answer = await ref.ask(task, timeout=None if left is None else left + MARGIN)
    except Exception as error:  # noqa: BLE001 - whatever an agent answers with, its task gets an outcome
        seconds = system.clock.monotonic() - begun
        late = isinstance(error, AskTimeout)
        text = f"no answer within {seconds:g} s" if late else cause_text(error)
        part = Part(ref.path, "failed", task.attempt, None, seconds, text)
        return Outcome(task.id, "failed", parts=(part,), error=f"{ref.path}: {text}" if late else text, seconds=seconds)
    made = said_in(task.id, answer)
    if made is not None:
        return made
    seconds = system.clock.monotonic() - begun
    return Outcome(task.id, "ok", answer, (Part(ref.path, "ok", task.attempt, answer, seconds),), seconds=seconds)
