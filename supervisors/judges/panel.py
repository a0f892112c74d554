"""Several judges before one child: asked in the order of their cost, and what follows from what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from ...runtime.evidence import Verdict
from ...runtime.usage import NO_USAGE, Usage
from ..checks import check, one_of
from .judge import Judge
from .seat import ask_all, seats_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...runtime.system import ActorSystem
    from ..breakers.breaker import Breaker
    from .judge import Submission
    from .seat import BreakerTold, Heard, Seat

__all__ = ["Judging", "Panel", "Ruling"]

Judging: TypeAlias = Literal["first", "all"]
"""`first`: one after the other, up to the first rejection. `all`: all of them, at the same time."""


class Ruling(NamedTuple):
    """What follows from the verdicts.

    Attributes:
        accepted: whether the output may pass: no verdict rejects it.
        escalate: whether the task goes up at once, since a judge failed that has it so; then it is not accepted.
        verdicts: in the order of the judges' cost.
        feedback: what would mend the output, one text for each rejection that has one; none of them empty.
        usage: what the judging has cost, without that of agents who were asked: theirs is their own.
    """

    accepted: bool
    escalate: bool = False
    verdicts: tuple[Verdict, ...] = ()
    feedback: tuple[str, ...] = ()
    usage: Usage = NO_USAGE


class Panel:
    """The judges of one child, with their breakers: it survives incarnations. On the runtime's loop.

    Args:
        judges: in any order; equally dear ones are asked in this one.
        mode: how they are asked.
        told: called with the name of a judge, its breaker's state before, the state now, and why, after each
            change of the breaker.
    """

    __slots__ = ("_seats", "_told", "mode")

    def __init__(
        self,
        judges: Iterable[Judge] = (),
        mode: Judging = "first",
        told: BreakerTold | None = None,
    ) -> None:
        self._told = told
        self._seats: tuple[Seat, ...] = ()
        self.adopt(judges, mode)

    def adopt(self, judges: Iterable[Judge], mode: Judging) -> None:
        """Takes other judges; the breaker of one stays as it is if its name and its spec are the same.

        What is being heard goes on as it began.

        Raises:
            InvalidSpec: one of them is no judge, or the mode is none.
        """
        given = tuple(judges)
        for judge in given:
            check("judge", judge, isinstance(judge, Judge), "what has the attributes and the method of a Judge")
        one_of("judging", mode, Judging)
        seats = seats_for(given, self.breakers, self._told)
        self._seats = tuple(sorted(seats, key=lambda seat: seat.judge.cost))
        self.mode: Judging = mode

    def __bool__(self) -> bool:
        """Whether anybody sits there."""
        return bool(self._seats)

    @property
    def judges(self) -> tuple[Judge, ...]:
        """In the order of their cost."""
        return tuple(seat.judge for seat in self._seats)

    @property
    def breakers(self) -> dict[str, Breaker]:
        """By the unique names of their judges; a quorum's members are `quorum/member`."""
        seats = (one for seat in self._seats for one in seat.walk())
        return {seat.name: seat.breaker for seat in seats if seat.breaker is not None}

    @property
    def abandoned(self) -> int:
        """How many judges, of those that sit here now, were ended and go on all the same."""
        return sum(seat.abandoned for seat in self._seats)

    async def hear(self, submission: Submission, system: ActorSystem) -> Ruling:
        """Asks the judges, each within its own timeout, and returns what follows. Raises nothing of theirs.

        If this is cancelled, so are the judges that are being asked; they are not waited for.
        """
        if self.mode == "all":
            return _ruling(await ask_all(self._seats, submission, system))
        heard: list[Heard] = []
        for seat in self._seats:
            heard.append(await seat.hear(submission, system))
            if not _passes(heard[-1]):
                break
        return _ruling(heard)


def _passes(heard: Heard) -> bool:
    return _verdict(heard).accepted


def _verdict(heard: Heard) -> Verdict:
    """Returns what was said, or what was agreed for the case that nothing is."""
    if heard.verdict is not None:
        return heard.verdict
    accepted = heard.judge.on_judge_error == "accept"
    return Verdict(heard.name, accepted, error=heard.cause, usage=heard.usage)


def _ruling(heard: list[Heard]) -> Ruling:
    verdicts = tuple(map(_verdict, heard))
    usage = sum((one.usage for one in verdicts), NO_USAGE)
    rejecting = [one for one in verdicts if not one.accepted]
    if not rejecting:
        return Ruling(accepted=True, verdicts=verdicts, usage=usage)
    return Ruling(
        accepted=False,
        escalate=any(one.verdict is None and one.judge.on_judge_error == "escalate" for one in heard),
        verdicts=verdicts,
        feedback=tuple(text for one in rejecting if (text := one.feedback or one.reason)),
        usage=usage,
    )
