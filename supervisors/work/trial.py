"""One try of a child: past its breaker and budgets, into its mailbox, before its judges; and what is booked of it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...runtime.copies import changed
from ...runtime.task import Outcome, Task, Usage
from ...runtime.telemetry import HookFailed
from ...runtime.usage import NO_USAGE
from ..budgets.purse import Purse
from ..escalation import DESK
from ..events import BudgetSpent, OutputJudged
from ..failures.classify import classify, classify_outcome
from ..failures.failure import Failure
from ..judges.judge import Submission
from ..judges.panel import Ruling
from ..work_errors import BreakerOpen, BudgetExceeded, OutputRejected
from .attempt import Attempt, NotNow

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.evidence import Verdict
    from ...runtime.task import Part
    from ..breakers.breaker import Permit
    from .accounts import Account
    from .guard import Guard
    from .history import History

__all__ = ["NO_RULING", "Demoted", "Rejected", "Trial", "hear"]

NO_RULING = Ruling(accepted=True)


@dataclass(frozen=True, slots=True)
class Demoted:
    """The try was not made: a budget is used up so far that the cheaper variant gets the task."""

    to: str
    why: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """The judges let nothing pass; `straight_up` if one that could not say wants a person to."""

    failure: Failure
    straight_up: bool


class Trial:
    """One try. In the delivery; if that is cancelled, all that was taken is given back."""

    def __init__(
        self, guard: Guard, task: Task, rung: str, account: Account, history: History, until: float | None
    ) -> None:
        self._guard = guard
        self._until = until
        self._clock = guard.cell.system.clock
        self._task = task
        self._rung = rung
        self._account = account
        self._history = history
        self._purse = Purse(guard.all_ledgers(task), task, guard.cell.path, guard.cell.system, guard.accounts.bank)
        self._breaker = guard.breaker
        self._permit: Permit | None = None
        self._begun = self._clock.monotonic()
        self._settled = False
        self._counted = False
        self.verdicts: tuple[Verdict, ...] = ()
        """What judges have said of an output that may pass."""
        self._failure: Failure | None = None
        """What the child has failed with, as soon as it has."""
        self._dared: Callable[[], None] | None = None
        self._own: Usage | None = None
        """What the child's own work has cost, once it has answered."""
        self.late = False
        """Whether it is cut off because its task's time is up, which is a failure of the child's."""
        self.attempt: Attempt | None = None
        """The reply that the child owes, once it has been asked."""

    @property
    def deadly(self) -> bool:
        """Whether the task has killed before."""
        return self._history.crashes > 0

    async def run(self) -> Outcome | Failure | Rejected | Demoted | NotNow:
        """Returns what came of it: an outcome that may pass, or why there is none."""
        try:
            return await self._pass()
        except BreakerOpen as error:
            return self._classified(error)
        except BudgetExceeded as error:
            self._tell_spent(str(error))
            return self._classified(error)
        finally:
            if not self._settled:
                self._give_back()

    async def _pass(self) -> Outcome | Failure | Rejected | Demoted | NotNow:
        refused: Failure | Demoted | None = self._used_up()
        if refused is None and self._task.kind != DESK:  # nothing stands before a person
            refused = await self._admitted()
        if refused is not None:
            return refused
        attempt = self._begin()
        try:
            answer = await attempt
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            return self._failed(Failure("cancelled", f"{self._guard.cell.path} has cancelled it"), attempt.partial)
        except Exception as error:  # noqa: BLE001 - whatever a child ends with, or answers with, is classified
            if isinstance(error, BreakerOpen | NotNow) and attempt.begun is None:
                self._account.uncount(self._task)
                self.attempt = None
                return error if isinstance(error, NotNow) else self._classified(error)
            return self._failed(self._failure or self._classified(error), attempt.partial)
        return await self._judge(answer if isinstance(answer, Outcome) else Outcome(self._task.id, "ok", answer))

    def _used_up(self) -> Failure | None:
        most, last = self._task.max_attempts, self._history.failure
        if self._account.tries(self._task) < most:
            return None
        used = f"all {most} attempts are used"
        return Failure("exhausted", used if last is None else f"{last.error} ({used})")

    async def _admitted(self) -> Demoted | Failure | None:
        """Takes what the try needs from breaker and budgets. Raises `BreakerOpen` or `BudgetExceeded`."""
        self._breaker = self._guard.breaker
        self._permit = None if self._breaker is None else self._breaker.permit(self._begun)
        if not self._purse:
            return None
        cheaper = await self._purse.reserve(self._until)
        if cheaper is not None:
            return Demoted(cheaper, self._purse.why)
        return self._used_up()  # another one may have been faster

    def _begin(self) -> Attempt:
        """Puts the task into the child's mailbox."""
        rules, cell = self._guard.rules, self._guard.cell
        number = self._account.count(self._task)
        if number != self._task.attempt:
            self._task = changed(self._task, attempt=number)
        seconds, idle = rules.attempt_timeout, rules.idle_timeout
        attempt = self.attempt = Attempt(cell, self._task, self, seconds=seconds, idle=idle, until=self._until)
        seconds_paid = self._purse.seconds_left()
        if seconds_paid is not None:
            attempt.limit_cost(seconds_paid, BudgetExceeded(cell.path, f"{seconds_paid:g} seconds"))
        self._account.trail.again(cell.path)
        self._note_others()
        self._history.said = None
        attempt.post()
        return attempt

    # What the attempt asks.

    def let_begin(self) -> None:
        """Asks once more what may have changed while the task waited in the mailbox: is the breaker still closed?"""
        deadly = self.deadly and self._dared is None
        if deadly and self._guard.room_in(self._clock.monotonic(), beside=True) > 0:
            raise NotNow
        self._ask_breaker()
        if deadly:
            self._dared = self._guard.dare()

    def _ask_breaker(self) -> None:
        permit, self._permit = self._permit, None
        if permit is not None and self._breaker is not None:
            self._permit = self._breaker.renewed(permit, self._clock.monotonic())

    def failed(self, error: BaseException) -> None:
        """Counts a failure of the child at once: whatever it is given next, its breaker knows of it."""
        attempt = self.attempt
        if attempt is None or (attempt.begun is None and isinstance(error, BreakerOpen | NotNow)):
            return
        self._failure = self._classified(error)
        now = self._clock.monotonic()
        self._count(ok=False, seconds=now - self._begun, now=now, cost=attempt.spent.cost)

    def charge(self, usage: Usage) -> None:
        """Takes what the handler has spent, at once."""
        self._account.spent += usage
        self._purse.charge(usage)

    def left(self, *, killed: bool) -> None:
        """Ends what `let_begin` dared; a death to come by a kill is one that is dared."""
        dared, self._dared = self._dared, None
        if killed:
            self._history.crashes += 1
            self._guard.cell.when_ended(dared or self._guard.dare())
        elif dared is not None:
            dared()

    # Its end.

    async def _judge(self, outcome: Outcome) -> Outcome | Failure | Rejected:
        """Returns an outcome as it may go on, or why it may not."""
        own = self._own = self._own_usage(outcome)
        failure = classify_outcome(outcome)
        if failure is not None:
            self._history.said = outcome
            told = self.attempt.partial if self.attempt is not None and outcome.output is None else outcome.output
            return self._failed(failure, told, own, said=True)
        ruling = NO_RULING
        if self._guard.panel and not _is_of_a_person(outcome):
            ruling = await hear(self._guard, self._task, outcome.output)
        usage = own + ruling.usage
        if ruling.accepted:
            self._settle(usage, None, ruling)
            self.verdicts = ruling.verdicts
            return outcome
        rejected = OutputRejected(ruling.verdicts)
        failure = changed(self._classified(rejected), kind="invalid_output", feedback=ruling.feedback)
        self._history.rejected()
        blamed = any(verdict.error is None for verdict in ruling.verdicts if not verdict.accepted)
        self._settle(usage, failure, ruling, excused=not blamed)  # that a judge fails is no failure of the child's
        return Rejected(failure, ruling.escalate)

    def _failed(self, failure: Failure, partial: Any, usage: Usage | None = None, *, said: bool = False) -> Failure:
        """Settles a failure; one that the child `said`, and means, is no sign that it does not work."""
        if partial is not None:
            self._history.partial = partial
        charged = NO_USAGE if self.attempt is None else self.attempt.spent
        self._settle(charged if usage is None else usage, failure, excused=said and failure.kind == "deterministic")
        return failure

    def _settle(
        self, usage: Usage, failure: Failure | None, ruling: Ruling = NO_RULING, *, excused: bool = False
    ) -> None:
        """Enters the end of the try wherever it counts."""
        self._settled = True
        now = self._clock.monotonic()
        seconds, ok = now - self._begun, failure is None or excused
        self._count(ok=ok, seconds=seconds, now=now, cost=usage.cost)
        if failure is not None and failure.kind == "credentials" and self._guard.breaker is not None:
            self._guard.breaker.trip(now, failure.error)
        self._book(usage, seconds, failure, ruling)

    def _count(self, *, ok: bool, seconds: float, now: float, cost: float) -> None:
        """Tells the breaker, and the statistics that health is judged by: those are of the handler's own time."""
        if self._counted:
            return
        self._counted, attempt = True, self.attempt
        if self._permit is not None and self._breaker is not None:
            self._breaker.record(self._permit, ok=ok, now=now, seconds=seconds, cost=cost)
        if attempt is not None and attempt.begun is not None:
            ended = now if attempt.ended is None else attempt.ended
            self._guard.stats.record(ok, ended - attempt.begun, ended)

    def _book(self, usage: Usage, seconds: float, failure: Failure | None, ruling: Ruling = NO_RULING) -> None:
        crashed = failure is not None and failure.crashed
        paid = seconds if self.attempt is None else self._clock.monotonic() - self.attempt.posted  # no wait for room
        self._purse.settle(usage, seconds=paid, restarts=int(crashed))
        self._account.spent += usage.less(NO_USAGE if self.attempt is None else self.attempt.spent)
        self._note_others()
        self._history.tried(self._task.attempt, self._rung, seconds, usage, failure, ruling.verdicts)

    def _give_back(self) -> None:
        """Ends a try that came to no end: it was refused, or cut off. What it has cost stays."""
        now, attempt = self._clock.monotonic(), self.attempt
        answered = attempt is not None and attempt.done() and not attempt.cancelled()
        if self.late and attempt is not None and attempt.begun is not None and not answered:
            self._count(ok=False, seconds=now - self._begun, now=now, cost=attempt.spent.cost)
        elif not self._counted and self._permit is not None and self._breaker is not None:
            self._breaker.release(self._permit, now, now - self._begun)
        if attempt is None:
            self._purse.release()
            return
        attempt.cancel()
        if attempt.partial is not None:
            self._history.partial = attempt.partial
        answer = attempt.result() if answered and attempt.exception() is None else None
        own = self._own_usage(answer) if self._own is None and isinstance(answer, Outcome) else self._own
        self._book(attempt.spent if own is None else own, now - self._begun, Failure("cancelled", "cut off"))

    def _own_usage(self, outcome: Outcome) -> Usage:
        """Returns what the child's own work cost: its part's, or what no other part accounts for."""
        others = self._note_others(outcome.parts)
        charged = NO_USAGE if self.attempt is None else self.attempt.spent
        if outcome.usage is NO_USAGE:
            return charged
        return charged + outcome.usage.less(others).less(charged)

    def _note_others(self, told: tuple[Part, ...] = ()) -> Usage:
        """Notes who has worked for the child, as it has told, or as it has not; returns what they have spent."""
        if not told and not self._account.below:
            return NO_USAGE
        worked = self._account.take(self._task)
        if told and (len(told) > 1 or told[0].agent != self._guard.cell.path):
            worked = {id(part): part for part in told if part.agent != self._guard.cell.path} | worked
        if not worked:
            return NO_USAGE
        self._history.worked(worked.values())
        return sum((part.usage for part in worked.values()), NO_USAGE)

    def _classified(self, error: BaseException) -> Failure:
        failure = classify(error, self._guard.classifiers(), now=self._clock.time(), report=self._passed_over)
        if failure.kind == "exhausted" and self.attempt is not None:
            self._tell_spent(failure.error)
        return failure

    def _passed_over(self, classifier: Any, error: BaseException) -> None:
        cell = self._guard.cell
        cell.system.telemetry.emit(HookFailed, cell.path, cell.incarnation, f"classify {classifier!r}", error)

    def _tell_spent(self, what: str) -> None:
        cell = self._guard.cell
        cell.system.telemetry.emit(BudgetSpent, cell.path, cell.incarnation, self._task.id, what)


def _is_of_a_person(outcome: Outcome) -> bool:
    """Tells whether there is nothing of the child's own to judge: no draft, or a desk's own reply."""
    of_a_desk = isinstance(outcome.output, dict) and "case" in outcome.output and outcome.rung == "escalate"
    return outcome.status == "needs_human" and (outcome.output is None or of_a_desk)


def is_cancelled() -> bool:
    """Tells whether the present asyncio task is cancelled, and not what it waits for. Without a task, it is that."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def hear(guard: Guard, task: Task, output: Any) -> Ruling:
    """Returns what the child's judges say of an output."""
    system, path = guard.cell.system, guard.cell.path
    ruling = await guard.panel.hear(Submission(task, output, path), system)
    if system.telemetry.heard:
        said = "; ".join(one.reason for one in ruling.verdicts if not one.accepted)
        system.telemetry.emit(OutputJudged, path, guard.cell.incarnation, task.id, task.trace, ruling.accepted, said)
    return ruling
