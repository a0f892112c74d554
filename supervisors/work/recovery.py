"""A task's way up the recovery ladder: a try, what follows if it fails, and what comes of it in the end."""

from __future__ import annotations

import asyncio
import contextlib
import math
from typing import TYPE_CHECKING, Any, cast

from ...runtime.cell import Phase
from ...runtime.copies import changed
from ...runtime.errors import ActorError
from ...runtime.task import Outcome
from ..escalation import DESK, TriedAgain
from ..events import BudgetDemoted, TaskRecovering
from ..failures.classify import classify, classify_outcome
from ..failures.failure import Failure
from ..judges.panel import Ruling
from ..places import upwards
from ..work_errors import LoopDetected, Quarantined, Unhealthy
from .attempt import NotNow
from .handover import answer_of, desk_near, give, outcome_of, put_on_desk
from .history import History
from .ladder import DEFAULT, Climb, Escalate, Fallback, Restart, Retry, Revise, Skip
from .memory import Memory
from .policy import loop_limits, rules_of
from .trial import NO_RULING, Demoted, Rejected, Trial, hear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...runtime.evidence import Evidence
    from ...runtime.reply import Reply
    from ...runtime.task import Status, Task, TaskState
    from .accounts import Account
    from .guard import Guard
    from .ladder import Ladder, Step

__all__ = ["Recovery"]

LAST_LOOK = 0.02
"""Seconds that whoever else has the task has to say what there is when the time is up; and then the judges."""


class Recovery:
    """One task at one child, from its first try to its outcome. In the delivery.

    Attributes:
        trial: the child's present or last try; None while another one has the task.
        asked: the reply of another one who has the task now.
        rung: what led to where the task is now.
    """

    def __init__(self, guard: Guard, task: Task, account: Account, enter: Callable[[TaskState], None]) -> None:
        self._guard = guard
        self._cell = guard.cell
        self._system = guard.cell.system
        self._given = task
        self._task = changed(task, visited=(*task.visited, self._cell.path))
        self._account = account
        self._enter = enter
        self._history = History(task.id, self._cell.path)
        self._ladders: Iterator[Ladder] = iter(())
        self._climbing: Climb | None = None
        self._begun = self._system.clock.monotonic()
        self._on_desk: Outcome | None = None
        """What is known while a person is waited for."""
        self.trial: Trial | None = None
        self.asked: Reply | None = None
        self.rung = "first"

    async def run(self, in_hand: Any) -> Outcome:
        """Returns the outcome; `in_hand` is what the child has in hand as the task comes, if somebody waits for it."""
        result = self._refused(in_hand) or await self._try("first")
        while isinstance(result, Failure):
            result = await self._recovered(result)
        return result

    async def late(self, seconds: float) -> Outcome:
        """Returns the outcome of a task whose time, so many seconds, was up before its end."""
        known = self._on_desk or await self._last_words()
        if known is not None:
            return self._of_others(known)
        error = f"{self._cell.path}: no answer within {seconds:g} s"
        self._history.failure = Failure("transient", error)
        partial = await self._passable(LAST_LOOK)
        return self.ended("failed" if partial is None else "partial", error, partial)

    async def canceled(self, why: str) -> Outcome:
        """Returns the outcome of a task that somebody has ended."""
        return self.ended("canceled", why, await self._passable(LAST_LOOK))

    def ended(self, status: Status, error: str, output: Any = None) -> Outcome:
        """Returns the outcome of a task that nobody did, with all that is known of it."""
        ended = self._history.ended(status, error, self._seconds(), output)
        return changed(ended, evidence=self._evidence(), rung=self.rung)

    def _refused(self, in_hand: Any) -> Failure | None:
        """Returns why the task is not even tried."""
        try:
            limits = loop_limits(self._cell)
            if self._given.kind != DESK:  # which passes nothing on
                self._account.trail.enter(self._given, self._cell.path, limits, getattr(in_hand, "id", None))
            if self._guard.quarantined(self._given):
                raise Quarantined(self._cell.path, self._given.id)
        except (LoopDetected, Quarantined) as error:
            return classify(error)
        return None

    @property
    def _climb(self) -> Climb:
        """Where on its ladder the task is: at the foot of the one that applies when it is first asked for."""
        if self._climbing is None:
            self._ladders = self._find_ladders()
            self._climbing = Climb(next(self._ladders), Memory(self._given.feedback))
        return self._climbing

    # A try, and what follows if it fails.

    async def _try(self, rung: str) -> Outcome | Failure:
        """Gives the task to the child once; returns what came of it, judged."""
        self.rung = rung
        result = await self._tried(rung)
        match result:
            case Outcome(status="needs_human") if self._climb.escalates and result.rung != "escalate":
                self._history.partial = result.output
                return await self._straight_up(Failure("unknown", result.error or "a person has to decide"))
            case Outcome():
                return self._done(result)
            case Demoted(to, why):
                self._emit(BudgetDemoted, self._given.id, why, to)
                return await self._hand_over(to, "cheaper")
            case Rejected(failure, True):
                return await self._straight_up(failure)
            case Rejected(failure, _):
                return failure
        return result

    def _done(self, result: Outcome) -> Outcome:
        """Returns the outcome of a try that may pass."""
        judged = () if self.trial is None else self.trial.verdicts
        return self._history.outcome(
            result,
            self._seconds(),
            rung="escalate" if result.rung == "escalate" else self.rung,  # it has been on a desk already
            verdicts=(*result.verdicts, *judged),
            evidence=None if self._history.failure is None else self._evidence(),
        )

    async def _tried(self, rung: str) -> Outcome | Failure | Rejected | Demoted:
        """Waits for its turn, and for room once more if others have taken that meanwhile."""
        while True:
            self.trial = Trial(self._guard, self._task, rung, self._account, self._history, self._earlier_end())
            self._enter("working")
            result = await self.trial.run()
            if not isinstance(result, NotNow):
                return result
            if not await self._guard.room(self._until()):
                return changed(cast("Failure", self._history.failure), kind="unavailable")

    async def _recovered(self, failure: Failure) -> Outcome | Failure:
        """Takes the next step of the ladder; returns what came of it."""
        self._history.failure = failure
        if failure.kind == "cancelled":
            return self.ended("canceled", failure.error, await self._passable(None))
        step = self._climb.next(self._limited(failure))
        if self._climb.memory.failure is not None and self._climb.memory.failure.kind == "deterministic":
            self._history.failure = self._climb.memory.failure
        if self._climb.memory.poison and not self._guard.quarantined(self._given):
            self._guard.quarantine(self._given, failure.error)
        if step is None:
            return await self._lost(failure)
        pause = self._climb.wait(step, failure, self._system.entropy.stream("retry"))
        tries, told = self._account.tries(self._task) + 1, (failure.kind, failure.error, step.name, pause)
        self._emit(TaskRecovering, self._given.id, self._given.trace, tries, *told, step.to)
        return await self._take(step, failure, pause)

    def _limited(self, failure: Failure) -> Failure:
        """Returns the failure as the ladder shall see it: the child itself has no more tries once its time is up."""
        until = self._own_until()
        if until is not None and self._now() >= until:
            return changed(failure, kind="unavailable")
        return failure

    def _own_until(self) -> float | None:
        """Returns the monotonic time until which the child itself may try."""
        timeout = self._guard.rules.timeout
        return None if timeout is None else self._begun + timeout

    def _earlier_end(self) -> float | None:
        """Returns the time until which the child may try, unless the task's own is up before."""
        until, deadline = self._own_until(), self._task.deadline
        return None if until is None or (deadline is not None and deadline <= until) else until

    async def _take(self, step: Step, failure: Failure, pause: float) -> Outcome | Failure:
        match step.rung:
            case Retry() | Restart() | Revise():
                return await self._again(step, failure, pause)
            case Fallback():
                return await self._hand_over(step.to, "fallback")
            case Escalate() as rung:
                return await self._escalate(rung, failure)
            case Skip(output):
                told = output if output is not None else await self._passable(None)
                return changed(self.ended("partial", failure.error, told), rung="skip")

    async def _again(self, step: Step, failure: Failure, pause: float) -> Outcome | Failure:
        """Tries the child once more, as the rung says."""
        if isinstance(step.rung, Revise):
            context = {**self._task.context, **step.rung.changes}
            self._task = changed(self._task, context=context, feedback=self._climb.feedback(step, failure))
        if self._now() + pause >= self._until():  # to wait for the end would help nobody
            return changed(failure, kind="unavailable")
        if pause > 0:
            await self._system.clock.sleep(pause)
        deadly = self._history.crashes > 0 or isinstance(step.rung, Restart)
        if deadly and not await self._guard.room(self._until()):
            return changed(failure, kind="unavailable")
        if isinstance(step.rung, Restart):
            self._refresh(failure)
        return await self._try(step.name)

    def _refresh(self, failure: Failure) -> None:
        """Asks for a fresh incarnation, unless the one that has failed is gone by now."""
        attempt = None if self.trial is None else self.trial.attempt
        its_own = attempt is None or attempt.incarnation in (None, self._cell.incarnation)
        if self._cell.phase is Phase.RUNNING and its_own:
            self._cell.stop_next(Unhealthy(f"a task needs a fresh incarnation: {failure.error}"))
            self._cell.when_ended(self._guard.dare())

    def _until(self) -> float:
        """Returns the monotonic time until which a try would help anybody."""
        return min((at for at in (self._task.deadline, self._own_until()) if at is not None), default=math.inf)

    async def _hand_over(self, to: str, rung: str) -> Outcome | Failure:
        """Gives the task to another child, for good or until that one fails too."""
        self.rung, self.trial = rung, None
        handed = changed(self._given, visited=self._task.visited)
        asked = give(self._system, self._cell.path, to, handed)
        if isinstance(asked, Failure):
            return asked
        self.asked = asked
        result = self._heard(await outcome_of(asked, handed))
        return result if isinstance(result, Failure) else self._of_others(result)

    def _heard(self, outcome: Outcome | Failure) -> Outcome | Failure:
        """Notes what another one made of the task; returns it as an outcome of this one."""
        self.asked = None
        if isinstance(outcome, Failure):
            return outcome
        self._history.handed_over(outcome)
        failure = classify_outcome(outcome)
        if failure is not None:
            return failure
        status: Status = "fallback" if outcome.status == "ok" else outcome.status
        answered = "escalate" if outcome.rung == "escalate" else self.rung
        return changed(outcome, status=status, rung=answered)

    async def _last_words(self) -> Outcome | None:
        """Returns the outcome of whoever else has the task, and whose time is up too; None if that is none."""
        if self.asked is None:
            return None
        await asyncio.wait([self.asked], timeout=LAST_LOOK)
        if not self.asked.done():
            return None
        result = self._heard(await outcome_of(self.asked, self._given))
        return None if isinstance(result, Failure) else result

    # Up.

    def _find_ladders(self) -> Iterator[Ladder]:
        """Yields the ladders that apply, the nearest first; the default where nobody says anything."""
        if self._given.kind == DESK:  # what is there to do instead of asking a person?
            yield DEFAULT
            return
        declared = (rules_of(cell).recovery for cell in upwards(self._cell))
        ladders = [ladder for ladder in declared if ladder is not None]
        yield from ladders or [DEFAULT]

    async def _escalate(self, rung: Escalate, failure: Failure) -> Outcome | Failure:
        """Goes on with the ladder of the next supervisor above that has one, or else to the desk."""
        above = next(self._ladders, None) if rung.to is None else None
        if above is None:
            return await self._to_desk(rung, failure)
        self._climbing = self._climb.up(above)
        return failure

    async def _straight_up(self, failure: Failure) -> Outcome | Failure:
        """Passes the rest of the ladder over: a person has to say."""
        self._history.failure = failure
        return await self._to_desk(self._climb.escalation or Escalate(), failure)

    async def _to_desk(self, rung: Escalate, failure: Failure) -> Outcome | Failure:
        self.rung, self.trial = "escalate", None
        draft = await self._passable(None)
        desk = desk_near(self._system, self._cell.path, rung.to)
        if desk is None or self._given.kind == DESK:
            missing = "there is no desk here" if rung.to is None else f"there is no desk {rung.to!r}"
            return changed(self.ended("needs_human", f"{failure.error}; {missing}", draft), rung="escalate")
        evidence = self._evidence()
        outcome = await put_on_desk(desk, self._task, failure.error, self._cell.path, draft, evidence)
        self._history.handed_over(outcome)
        if rung.wait is not None and outcome.status == "needs_human":
            return await self._answered(desk, outcome, rung.wait)
        return self._of_others(changed(outcome, rung="escalate"))

    async def _answered(self, desk: Any, outcome: Outcome, wait: float) -> Outcome | Failure:
        """Waits for a person."""
        self._enter("input-required")
        self._on_desk = changed(outcome, rung="escalate")
        answer = await answer_of(desk, outcome, wait)
        if answer is None:
            return self._of_others(self._on_desk)
        self._on_desk = None
        if answer.action == "answered":
            done = changed(outcome, status="fallback", output=answer.text, error=None, rung="escalate")
            return self._of_others(done)
        if answer.action == "dropped":
            return self.ended("failed", f"dropped by {answer.by}: {answer.text}")
        self._task = changed(self._task, feedback=(answer.text,))
        result = await self._try("revise")
        told = Outcome(self._given.id, "failed", error=result.error) if isinstance(result, Failure) else result
        with contextlib.suppress(ActorError):  # what the desk does not hear of, it shows as it was
            desk.ref.tell(TriedAgain(answer.case, told))
        return result

    # Ends.

    async def _lost(self, failure: Failure) -> Outcome:
        """Returns the outcome of a task that nobody could do."""
        partial = await self._passable(None)
        if self._climb.memory.poison:
            return self.ended("dead_letter", failure.error)
        if self._history.said is not None:
            done = self._history.failed(self._history.said, partial, self._seconds())
            weighed = self._history.failure or failure
            return changed(done, failure=weighed.kind, evidence=self._evidence())
        return self.ended("failed" if partial is None else "partial", failure.error, partial)

    async def _passable(self, seconds: float | None) -> Any:
        """Returns what there is of an output, if the judges let it pass in that time; else None."""
        ruling = NO_RULING
        if self._history.partial is not None and self._guard.panel:
            ruling = await self._heard_on(self._history.partial, seconds)
        self._account.spent += ruling.usage
        self._history.worked(self._account.take(self._given).values())
        self._history.judged(ruling.usage, accepted=ruling.accepted)
        return self._history.passed

    async def _heard_on(self, partial: Any, seconds: float | None) -> Ruling:
        """Returns what the judges say in that time."""
        if seconds is None:
            return await hear(self._guard, self._task, partial)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                return await hear(self._guard, self._task, partial)
        return Ruling(accepted=False)

    def _of_others(self, outcome: Outcome) -> Outcome:
        return changed(self._history.others(outcome, self._seconds()), evidence=self._evidence())

    def _evidence(self) -> Evidence:
        now = self._now()
        guards = [cell.guard for cell in upwards(self._cell) if cell.guard is not None]
        breakers = {one.cell.path: one.breaker.view(now).state for one in guards if one.breaker is not None}
        return self._history.evidence(breakers)

    def _emit(self, kind: Any, *details: Any) -> None:
        self._system.telemetry.emit(kind, self._cell.path, self._cell.incarnation, *details)

    def _seconds(self) -> float:
        return self._now() - self._begun

    def _now(self) -> float:
        return self._system.clock.monotonic()
