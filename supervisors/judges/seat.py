"""One judge in its place: asked in a task of its own, in time, past its breaker. It remembers the breaker."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ...runtime.copies import changed
from ...runtime.dispatch import Begun, begun, guarded
from ...runtime.errors import describe
from ...runtime.evidence import Verdict
from ...runtime.faults import Visit, point
from ...runtime.usage import NO_USAGE, Usage
from ..breakers.breaker import Breaker
from ..breakers.kept import Passage, through
from ..events import JudgeFailed
from ..work_errors import CannotSay, ModelRetry, WorkError
from .plain import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ...runtime.system import ActorSystem
    from .judge import Judge, Submission

__all__ = ["BreakerTold", "Heard", "Seat", "ask_all", "seats_for"]

JUDGE = point("judge", "call", "a judge that is asked for its verdict on an output", "judge")
NO_BREAKER = contextlib.nullcontext()
LONGEST_TEXT = 4000
"""Characters of a verdict's reason, of its feedback, and of why there is none."""

BreakerTold: TypeAlias = "Callable[[str, str, str, str], object]"
"""Hears of a judge's breaker: its name, the state before, the state now, and why."""


class Heard(NamedTuple):
    """What came of asking a judge: its verdict; or none, and why. Its name here is unique."""

    judge: Judge
    name: str
    verdict: Verdict | None = None
    cause: str = ""
    usage: Usage = NO_USAGE


class Seat:
    """See the module. A judge made of several has seats for each of them below it."""

    __slots__ = ("_at_once", "_judge", "_stubborn", "breaker", "judge", "members", "name")

    def __init__(self, judge: Judge, name: str, breaker: Breaker | None, members: tuple[Seat, ...] = ()) -> None:
        self.judge = judge
        self.name = name
        self.breaker = breaker
        self.members = members
        self._judge: Callable[..., Any] = judge.judge
        self._at_once = not members and getattr(judge, "at_once", False)
        self._stubborn: set[asyncio.Task[Any]] = set()

    @property
    def abandoned(self) -> int:
        """How many askings were ended, and go on all the same."""
        return len(self._stubborn) + sum(one.abandoned for one in self.members)

    def walk(self) -> Iterator[Seat]:
        """Yields itself and all below it."""
        yield self
        for one in self.members:
            yield from one.walk()

    async def hear(self, submission: Submission, system: ActorSystem) -> Heard:
        """Asks the judge, and returns what came of it. If this is cancelled, so is the judge, who is not waited for."""
        try:
            with self._through(system) as passage:
                verdict = await self._verdict(submission, system)
                if passage is not None:
                    passage.cost = verdict.usage.cost
        except ModelRetry as retry:
            said = _clipped(str(retry) or f"{self.name} wants another try")
            return Heard(self.judge, self.name, Verdict(self.name, accepted=False, reason=said, feedback=said))
        except Exception as error:  # noqa: BLE001 - whatever a judge fails with, it is no verdict, and is told of
            return self._failed(error, submission, system)
        return Heard(self.judge, self.name, verdict, usage=verdict.usage)

    def _through(self, system: ActorSystem) -> contextlib.AbstractContextManager[Passage | None]:
        if self.breaker is None:
            return NO_BREAKER
        return through(self.breaker, system.clock, is_failure=lambda error: not isinstance(error, ModelRetry))

    def _failed(self, error: Exception, submission: Submission, system: ActorSystem) -> Heard:
        cause = _clipped(str(error) if isinstance(error, WorkError) else describe(error))
        system.telemetry.emit(JudgeFailed, submission.agent, 0, self.name, submission.task.id, cause)
        usage = error.usage if isinstance(error, CannotSay) else NO_USAGE
        return Heard(self.judge, self.name, cause=cause, usage=usage)

    async def _verdict(self, submission: Submission, system: ActorSystem) -> Verdict:
        """Returns the verdict, as its judge said it. Raises what stands in its place."""
        if self.members:
            return self._sound(await self._in_time(self._weighed(submission, system), system))
        judge, faults = self._judge, system.faults
        if faults is not None:
            judge = faults.call(Visit(JUDGE, submission.agent, 0, submission, name=self.name), judge)
        asking: Any = _asked(judge, submission, system)
        if self._at_once and judge is self._judge:
            asking = self._begun(asking)
            if not isinstance(asking, Begun):
                return self._sound(asking)
        return self._sound(await self._in_time(asking, system))

    async def _weighed(self, submission: Submission, system: ActorSystem) -> Any:
        several: Any = self.judge
        return several.weigh(await ask_all(self.members, submission, system))

    def _begun(self, asking: Any) -> Any:
        """Begins to ask; returns the verdict, or the rest of the asking."""
        try:
            return begun(asking)
        except (Exception, KeyboardInterrupt):
            raise
        except BaseException as error:  # noqa: BLE001 - such as sys.exit() in a judge of the user's
            raise CannotSay(describe(error)) from None

    async def _in_time(self, asking: Any, system: ActorSystem) -> Any:
        """Waits for what a judge says, no longer than it may take."""
        asked = system.loop.create_task(guarded(asking), name=f"judge {self.name}")
        try:
            await asyncio.wait({asked}, timeout=self.judge.timeout)
        finally:
            if not asked.done():
                self._abandon(asked, asking)
        if not asked.done():
            raise CannotSay(f"{self.name} had no verdict within {self.judge.timeout:g} s")
        value, error = asked.result()
        if isinstance(error, Exception):
            raise error
        if error is not None:  # such as sys.exit() in a judge of the user's
            raise CannotSay(describe(error))
        return value

    def _abandon(self, asked: asyncio.Task[Any], asking: Any) -> None:
        """Cancels it, and does not wait: a judge that ignores that holds nobody up."""

        def gone(asked: asyncio.Task[Any]) -> None:
            self._stubborn.discard(asked)
            asking.close()  # it may have been cancelled before its first step

        asked.cancel()
        self._stubborn.add(asked)
        asked.add_done_callback(gone)

    def _sound(self, verdict: Any) -> Verdict:
        """Returns a verdict in the form that all have. Raises `CannotSay` if it is none."""
        if not isinstance(verdict, Verdict) or not isinstance(verdict.accepted, bool):
            raise CannotSay(f"{self.name} returned {shown(verdict)}: expected a Verdict")
        if not _is_sound(verdict.usage):  # it would be added up with everybody's
            what = shown(verdict.usage)
            raise CannotSay(f"{self.name} gave the usage {what}: expected a Usage of numbers, 0 or more")
        if verdict.error is not None:
            raise CannotSay(str(verdict.error), verdict.usage)
        if verdict.score is not None and not 0 <= verdict.score <= 1:
            raise CannotSay(f"{self.name} gave the score {shown(verdict.score)}: expected 0 to 1", verdict.usage)
        reason, feedback = _clipped(verdict.reason), _clipped(verdict.feedback)
        if not verdict.accepted and not reason and not feedback:
            reason = f"{self.name} rejected it, and gave no reason"
        if (verdict.judge, verdict.reason, verdict.feedback) == (self.name, reason, feedback):
            return verdict
        return changed(verdict, judge=self.name, reason=reason, feedback=feedback)


async def _asked(judge: Callable[..., Any], submission: Submission, system: ActorSystem) -> Any:
    return await judge(submission, system)


async def ask_all(seats: Iterable[Seat], submission: Submission, system: ActorSystem) -> list[Heard]:
    """Asks several judges at the same time; returns what came of each, in their order."""
    return await asyncio.gather(*(seat.hear(submission, system) for seat in seats))


def seats_for(
    judges: Iterable[Judge], kept: Mapping[str, Breaker], told: BreakerTold | None = None, within: str = ""
) -> tuple[Seat, ...]:
    """Returns seats for judges, in their order, with unique names.

    Args:
        judges: one that has `judges` itself gets seats for those below it, named behind its own and a `/`.
        kept: breakers by name; one whose spec is the judge's is used, else there is a new one.
        told: a `BreakerTold`, or None.
        within: what the names begin with.
    """
    seats: list[Seat] = []
    for judge in judges:
        name = _unused(f"{within}{judge.name}", {seat.name for seat in seats})
        members = seats_for(getattr(judge, "judges", ()), kept, told, f"{name}/")
        seats.append(Seat(judge, name, _breaker_for(judge, name, kept, told), members))
    return tuple(seats)


def _unused(name: str, taken: set[str]) -> str:
    unique, number = name, 1
    while unique in taken:
        number += 1
        unique = f"{name}-{number}"
    return unique


def _breaker_for(judge: Judge, name: str, kept: Mapping[str, Breaker], told: BreakerTold | None) -> Breaker | None:
    if judge.breaker is None:
        return None
    old = kept.get(name)
    if old is not None and old.spec == judge.breaker:
        return old
    return Breaker(judge.breaker, f"judge {name}", None if told is None else lambda *change: told(name, *change))


def _is_sound(usage: Any) -> bool:
    """Tells whether this is what somebody can have spent."""
    if usage is NO_USAGE:
        return True
    if not isinstance(usage, Usage):
        return False
    spent = (getattr(usage, field.name) for field in fields(usage))
    return all(type(value) in (int, float) and 0 <= value < float("inf") for value in spent)


def _clipped(text: Any) -> str:
    if not text:
        return ""
    text = str(text)
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT - 3]}..."
