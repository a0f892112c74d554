"""A task given to another: to a fallback, to the cheaper variant, to the desk."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ...runtime.copies import changed
from ...runtime.errors import ActorError, TreewardError, describe
from ...runtime.task import Outcome
from ...runtime.usage import NO_USAGE
from ..escalation import DESK, AwaitAnswer, HumanAnswer, escalated
from ..failures.failure import Failure
from ..places import find

if TYPE_CHECKING:
    from ...runtime.cell import Cell
    from ...runtime.evidence import Evidence
    from ...runtime.reply import Reply
    from ...runtime.system import ActorSystem
    from ...runtime.task import Task

__all__ = ["answer_of", "desk_near", "give", "outcome_of", "put_on_desk", "said_in"]

A_MOMENT = 0.1
"""Seconds before a desk that has just gone away is asked again; twice as long each time."""


def give(system: ActorSystem, near: str, name: str, task: Task) -> Reply | Failure:
    """Gives the task to whoever is meant by `name`, seen from `near`; a `Failure` if it cannot have it."""
    cell = find(system, near, name)
    if cell is None:
        return Failure("unavailable", f"there is no {name!r} to hand the task over to")
    if cell.path in task.visited:
        return Failure("unavailable", f"{cell.path} has had the task already")
    return cell.ref.ask(changed(task, hops=task.hops + 1, feedback=()), block=False)


async def outcome_of(reply: Reply, task: Task) -> Outcome | Failure:
    """Waits for the outcome of a task that was given. If this is cancelled, the reply is not."""
    await asyncio.wait([reply])
    if reply.cancelled():
        return Failure("unavailable", "whoever had the task has cancelled it")
    error = reply.exception()
    if error is not None:  # nobody guards whoever had it
        return Failure("unavailable", describe(error))
    answer = reply.result()
    return said_in(task.id, answer) or Outcome(task.id, "ok", answer)


def said_in(task_id: str, answer: Any) -> Outcome | None:
    """Returns the outcome that an answer to a task is, or that several are together; None if it is just an output.

    Several come of a pool that asks all its members: `partial` if some of them did not do it.
    """
    if isinstance(answer, Outcome):
        return answer
    if not isinstance(answer, list) or not answer or not all(isinstance(one, Outcome) for one in answer):
        return None
    done = [one.status in ("ok", "fallback") for one in answer]
    some = any(done) or any(one.output is not None for one in answer)
    return Outcome(
        task_id,
        "ok" if all(done) else "partial" if some else "failed",
        [one.output for one in answer] if some else None,
        tuple(part for one in answer for part in one.parts),
        sum((one.usage for one in answer), NO_USAGE),
        "; ".join(one.error for one in answer if one.error is not None) or None,
        max(one.seconds for one in answer),
        failure=None if some else next((one.failure for one in answer if one.failure is not None), None),
    )


def desk_near(system: ActorSystem, near: str, name: str | None) -> Cell | None:
    """Returns the desk of that name, or whoever offers to be one; also one that is just being restarted."""
    if name is not None:
        return find(system, near, name)
    offering = system.registry.capable(DESK)
    if offering:
        return system.cells.get(offering[0].path)
    return next((cell for cell in system.cells.values() if _is_desk(cell)), None)


def _is_desk(cell: Cell) -> bool:
    profile = cell.factory.attributes.get("profile")
    return DESK in (*getattr(cell.factory.cls, "handles", ()), *getattr(profile, "handles", ()))


async def put_on_desk(desk: Cell, task: Task, reason: str, agent: str, draft: Any, evidence: Evidence) -> Outcome:
    """Opens a case about the task, and returns the desk's outcome; `needs_human` without a case if it has failed."""
    try:
        outcome = await desk.ref.ask(escalated(task, reason, agent, draft, evidence), block=False)
    except Exception as error:  # noqa: BLE001 - a desk that nobody guards may answer with anything
        return Outcome(task.id, "needs_human", draft, error=f"{reason}; the desk did not take it: {error}")
    if not isinstance(outcome, Outcome):
        return Outcome(task.id, "needs_human", draft, error=f"{reason}; the desk did not take it: it gave no outcome")
    decided = outcome.rung == "escalate"  # such as: a person has dropped it
    if decided or outcome.status in ("needs_human", "fallback", "ok"):
        kept = draft is not None and outcome.status == "needs_human" and isinstance(outcome.output, dict)
        return changed(outcome, output={**outcome.output, "draft": draft}) if kept else outcome
    why = outcome.error or outcome.status
    return Outcome(task.id, "needs_human", draft, error=f"{reason}; the desk did not take it: {why}")


async def answer_of(desk: Cell, outcome: Outcome, seconds: float) -> HumanAnswer | None:
    """Waits for what a person makes of the case that an outcome names; None if nothing came in that time."""
    case = outcome.output.get("case") if isinstance(outcome.output, dict) else None
    if case is None:
        return None
    clock, pause = desk.system.clock, A_MOMENT
    until = clock.monotonic() + seconds
    while (left := until - clock.monotonic()) > 0:
        try:
            answer = await desk.ref.ask(AwaitAnswer(case), block=False, timeout=left)
        except ActorError:  # the time is up; or the desk has ended, whose next incarnation may know the case too
            await clock.sleep(min(left, pause))
            pause *= 2  # if it is the question that ends it, it is not asked all the time
            if not desk.open:
                return None
            continue
        except TreewardError:  # it does not know the case, or not any more
            return None
        return answer if isinstance(answer, HumanAnswer) else None
    return None
