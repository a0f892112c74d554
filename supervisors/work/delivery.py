"""A task in hand: from its coming to its outcome, which comes in time, whatever happens.

On the runtime's loop, beside the supervisor and the child: neither waits for it. While the child has the task, it waits
by a callback; where it has to wait for anything else, it does so in an asyncio task of its own.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from ...runtime.copies import changed
from ...runtime.dispatch import Begun
from ..events import TaskAccepted, TaskSettled, TaskStateChanged
from ..failures.classify import classify
from .attempt import Attempt
from .recovery import Recovery

if TYPE_CHECKING:
    from ...runtime.reply import Reply
    from ...runtime.task import Outcome, Task, TaskState
    from ...runtime.telemetry import Event
    from .guard import Guard

__all__ = ["Delivery", "TaskView"]

DEADLINE = "its time is up"
CLOSED = "the runtime was closed before the task was done"


@dataclass(frozen=True, slots=True)
class TaskView:
    """A task in hand: `seconds` since it came, `silent` seconds since its handler's last sign of life."""

    id: str
    trace: str
    state: TaskState
    attempt: int
    rung: str
    seconds: float
    silent: float | None


class Delivery:
    """One task at one child. Whoever waits gets its outcome, whatever happens, and by its deadline."""

    def __init__(self, guard: Guard, task: Task, reply: Reply | None) -> None:
        self._guard = guard
        self._cell = guard.cell
        self._system = guard.cell.system
        self._task = task
        self._reply = reply
        self._account = guard.accounts.enter(task)
        self._begun = self._system.clock.monotonic()
        self._recovery = Recovery(guard, task, self._account, self._enter)
        self._state: TaskState = "submitted"
        self._cut: str | None = None
        """Why it was ended before its end."""
        self._steps = self._run()
        self._awaited: Attempt | None = None
        """The try that it waits for by a callback."""
        self._errand: asyncio.Task[None] | None = None
        """What it waits in, once it has had to wait for anything else."""

    def start(self) -> None:
        """Begins at once; what comes of it goes to the reply."""
        self._guard.deliveries[self] = None
        self._guard.accounts.in_hand(self._system, self)
        self._account.first = self._account.first or self
        task = self._task
        self._tell(TaskAccepted, task.parent, task.hops, task.deadline)
        self._begin_or_go_on()
        if self._reply is not None and self in self._guard.deliveries:
            self._reply.add_done_callback(self._unwanted)

    def _begin_or_go_on(self) -> None:
        self._system.context.copy().run(self._go_on)

    def _go_on(self) -> None:
        """Does what there is to do up to where it has to wait."""
        if self._errand is not None:
            return
        try:
            waits_for = self._steps.send(None)
        except StopIteration:
            return
        if self._cut is not None:  # it was cancelled by what it has done
            return
        if isinstance(waits_for, Attempt):
            waits_for._asyncio_future_blocking = False  # noqa: SLF001 - as a task does that takes a future over
            waits_for.then(self._begin_or_go_on)
            self._awaited = waits_for
        else:
            self._wait_in_a_task(waits_for)

    def _wait_in_a_task(self, waits_for: Any) -> asyncio.Task[None]:
        self._errand = self._system.errand(Begun(self._steps, waits_for), f"{self._cell.path} {self._task.id}")
        self._errand.add_done_callback(self._see_to_the_end)
        return self._errand

    def _unwanted(self, _: object) -> None:
        self.cancel("nobody waits for it any more")

    def cancel(self, why: str) -> None:
        """Ends it, with what there is of an output: the outcome is `canceled`, and says why."""
        if self not in self._guard.deliveries or self._cut is not None:
            return
        self._cut = why
        errand, attempt = self._errand or self._wait_in_a_task(self._awaited), self._attempt()
        if self._recovery.trial is not None:
            self._recovery.trial.late = why == DEADLINE
        errand.cancel()
        if attempt is not None:
            attempt.cancel()  # at once: the handler must not begin before the errand has its turn

    def close(self) -> asyncio.Task[None]:
        """Ends it since the runtime ends; returns the task in which it does so."""
        self.cancel(CLOSED)
        return cast("asyncio.Task[None]", self._errand)

    # What others look at.

    @property
    def undared(self) -> bool:
        """Whether the child owes an answer to a try that was not dared: its death would be a surprise."""
        trial = self._recovery.trial
        return trial is not None and not trial.deadly and self._attempt() is not None

    def waited(self, now: float) -> float | None:
        """Returns the seconds that a try has waited in the mailbox; None if none does."""
        attempt = self._attempt()
        return None if attempt is None or attempt.begun is not None else now - attempt.posted

    def silent(self, now: float) -> float | None:
        """Returns the seconds since the last sign of life of the handler that has it; None if none has."""
        attempt = self._attempt()
        return None if attempt is None or attempt.heard is None else now - attempt.heard

    def view(self, now: float) -> TaskView:
        """Returns what it is at, as frozen data."""
        tries, rung = self._account.tries(self._task), self._recovery.rung
        seconds = now - self._begun
        return TaskView(self._task.id, self._task.trace, self._state, tries, rung, seconds, self.silent(now))

    def _attempt(self) -> Attempt | None:
        """Returns the try that the child owes an answer to."""
        trial = self._recovery.trial
        attempt = None if trial is None else trial.attempt
        return None if attempt is None or attempt.done() else attempt

    # From the begin to the end.

    async def _run(self) -> None:
        left = self._task.seconds_left(self._begun)
        timer = None if left is None else self._system.clock.call_later(left, self.cancel, DEADLINE)
        in_hand = None if self._reply is None or self._cell.current is None else self._cell.current[0]
        try:
            outcome = await (self._recovery.late(0.0) if left == 0 else self._recovery.run(in_hand))
        except asyncio.CancelledError:
            cast("asyncio.Task[None]", self._errand).uncancel()
            outcome = await self._cut_off(left or 0.0)
        except Exception as error:  # noqa: BLE001 - whatever is wrong in here, whoever waits gets an outcome
            outcome = self._recovery.ended("failed", classify(error).error)
        finally:
            if timer is not None:
                timer.cancel()
        self._end(outcome)

    async def _cut_off(self, seconds: float) -> Outcome:
        if self._cut == DEADLINE:
            return await self._recovery.late(seconds)
        return await self._recovery.canceled(self._cut or CLOSED)

    def _see_to_the_end(self, _: object) -> None:
        """Ends what was cut off before it began, or once more while it ended: there is no time for anything."""
        if self in self._guard.deliveries:
            self._end(self._recovery.ended("canceled", self._cut or CLOSED))

    def _end(self, outcome: Outcome) -> None:
        """Hands the outcome over: to whoever waits, and to the dead letters where it is none."""
        del self._guard.deliveries[self]
        self._guard.accounts.done(self)
        if self._recovery.asked is not None:
            self._recovery.asked.cancel()
        spent = self._account.spent
        if outcome.usage is not spent and self._account.is_all_for(self._task):  # also of those who have not ended yet
            outcome = changed(outcome, usage=spent)
        self._guard.accounts.leave(self._task, outcome.parts)
        self._enter(outcome.state)
        self._tell(TaskSettled, outcome.status, outcome.rung, outcome.output is not None)
        if outcome.status == "dead_letter":
            self._dead_letter("poison", outcome)
        elif self._reply is None and _is_lost(outcome):
            self._dead_letter(outcome.status, outcome)
        if self._reply is not None:
            self._reply.remove_done_callback(self._unwanted)
            self._reply.resolve(outcome)

    def _dead_letter(self, reason: str, outcome: Outcome) -> None:
        self._system.dead_letters.add(self._task, self._cell.path, reason, outcome.evidence, outcome.error or "")

    def _enter(self, state: TaskState) -> None:
        if state != self._state:
            self._state = state
            self._tell(TaskStateChanged, state)

    def _tell(self, kind: type[Event], *details: Any) -> None:
        if self._system.telemetry.heard:
            task, cell = self._task, self._cell
            self._system.telemetry.emit(kind, cell.path, cell.incarnation, task.id, task.trace, *details)


def _is_lost(outcome: Outcome) -> bool:
    """Tells whether nobody would ever hear of an outcome for which nobody waits."""
    on_desk = isinstance(outcome.output, dict) and "case" in outcome.output
    return outcome.status in ("failed", "canceled") or (outcome.status == "needs_human" and not on_desk)
