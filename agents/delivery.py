"""Gives a task to an agent, and again if the agent crashes over it. Every delivery ends with one outcome."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..runtime.errors import ActorCrashed, ActorStopped, AskTimeout
from ..runtime.task import Outcome, Part, Task
from .directory import directory_of
from .errors import cause_text
from .events import TaskRedelivered

if TYPE_CHECKING:
    from ..runtime.ref import Ref
    from ..runtime.system import ActorSystem

__all__ = ["deliver"]


async def deliver(ref: Ref[Any], task: Task) -> Outcome:
    """Returns what became of the task.

    An incarnation that crashes over it is followed by the next one, which gets the same task with the next
    attempt's number: at most `max_attempts` in all, and none after the deadline, which is the task's or
    comes from the agent's own timeout. No reply by then, an agent that is gone or takes no more, and one
    that has answered with an error: the outcome is `failed`, and says why. Never raises for what the agent
    did; whoever cancels the caller cancels the work too.

    Runs in the caller's task, on any event loop.
    """
    delivery = Delivery(ref, task)
    return await delivery.run()


class Delivery:
    """One task on its way to one agent."""

    __slots__ = ("_begun", "_ref", "_system", "_task")

    def __init__(self, ref: Ref[Any], task: Task) -> None:
        self._ref = ref
        self._system: ActorSystem = ref._cell.system  # noqa: SLF001 - a ref belongs to a system; it does not show it yet
        self._begun = self._system.clock.monotonic()
        self._task = bounded(task, self._begun, directory_of(self._system).profile(ref).timeout)

    async def run(self) -> Outcome:
        """Attempts until there is an outcome."""
        while True:
            try:
                answer = await self._ref.ask(self._task, timeout=self._task.seconds_left(self._now()))
            except ActorCrashed as crash:
                if not self._may_try_again():
                    return self._failed(crash)
                self._again(crash)
            except Exception as error:  # noqa: BLE001 - whatever an agent answers with, its task gets an outcome
                return self._failed(error)
            else:
                return self._outcome(answer)

    def _may_try_again(self) -> bool:
        left = self._task.seconds_left(self._now())
        return self._task.attempt < self._task.max_attempts and (left is None or left > 0)

    def _again(self, crash: ActorCrashed) -> None:
        task = self._task = self._task.again()
        said = (task.id, task.trace, task.attempt, str(crash))
        self._system.call(self._system.telemetry.emit, TaskRedelivered, self._ref.path, crash.incarnation, *said)

    def _outcome(self, answer: Any) -> Outcome:
        """Makes the outcome count all attempts; the reply of an actor that is no agent is an output."""
        seconds = self._now() - self._begun
        if not isinstance(answer, Outcome):
            part = Part(self._ref.path, "ok", self._task.attempt, answer, seconds)
            return Outcome(self._task.id, "ok", answer, (part,), seconds=seconds)
        parts = tuple(
            replace(part, attempts=self._task.attempt, seconds=seconds) if part.agent == self._ref.path else part
            for part in answer.parts
        )
        return replace(answer, parts=parts, seconds=seconds)

    def _failed(self, error: Exception) -> Outcome:
        seconds = self._now() - self._begun
        text = f"no answer within {seconds:g} s" if isinstance(error, AskTimeout) else cause_text(error)
        begun = self._task.attempt - (self._task.attempt > 1 and isinstance(error, ActorStopped))
        part = Part(self._ref.path, "failed", begun, None, seconds, text)
        error_text = f"{self._ref.path}: {text}" if isinstance(error, AskTimeout) else text
        return Outcome(self._task.id, "failed", parts=(part,), error=error_text, seconds=seconds)

    def _now(self) -> float:
        return self._system.clock.monotonic()


def bounded(task: Task, now: float, seconds: float | None) -> Task:
    """Returns the task with a deadline at most `seconds` from now; the same one if that changes nothing."""
    if seconds is None or (task.deadline is not None and task.deadline <= now + seconds):
        return task
    return replace(task, deadline=now + seconds)
