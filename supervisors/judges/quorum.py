"""A judge: several others, whose votes have weights."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

from ...runtime.evidence import Verdict
from ...runtime.usage import NO_USAGE
from ..checks import check, is_seconds, is_share
from ..work_errors import CannotSay
from .judge import Judge, JudgeSpec, check_judge
from .seat import ask_all, seats_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...runtime.system import ActorSystem
    from .judge import Submission
    from .seat import Heard

__all__ = ["Quorum"]

MAJORITY = 0.5
UNSAID = float("nan")
"""This very object stands where nothing is said."""
ROUNDING = 1e-9
"""What the sums of weights may be off by."""
PATIENCE = 1.0
"""Seconds that a quorum waits longer than its members: who is late has no vote, and the others have."""


@dataclass(frozen=True, slots=True)
class Quorum(JudgeSpec):
    """Asks several judges at the same time, and accepts if enough of the weight does: a weighted majority.

    A member that fails has no vote, whatever its own `on_judge_error`; if less than half of all weight could
    say anything, the quorum has failed. Of what could say, at least `accept_at` has to accept, and always more
    than half: a tie rejects. The share that accepts is the score; the reason has what each member said.

    Attributes:
        judges: the members; another quorum may be one.
        weights: theirs, in their order, more than 0; None: all have the same.
        accept_at: from 0.5, the majority, to 1.0, all of them.
        cost: the sum of theirs, if nothing is said.
        timeout: a second more than the longest of theirs, if nothing is said.

    Raises:
        InvalidSpec: a value is not legal.
    """

    judges: tuple[Judge, ...]
    weights: tuple[float, ...] | None = None
    _: KW_ONLY
    accept_at: float = MAJORITY
    name: str = "quorum"
    cost: float = UNSAID
    timeout: float = UNSAID

    def __post_init__(self) -> None:
        object.__setattr__(self, "judges", tuple(self.judges))
        what = f"of the judge {self.name!r}"
        legal = self.judges != () and all(isinstance(one, Judge) for one in self.judges)
        check(f"judges {what}", self.judges, legal, "judges, at least one")
        self._fill_in()
        check_judge(self)
        self._check_weights(f"weights {what}")
        share = is_share(self.accept_at) and self.accept_at >= MAJORITY
        check(f"accept_at {what}", self.accept_at, share, "a number from 0.5 to 1")

    def _fill_in(self) -> None:
        if self.cost is UNSAID:
            object.__setattr__(self, "cost", sum(one.cost for one in self.judges))
        if self.timeout is UNSAID:
            object.__setattr__(self, "timeout", max(one.timeout for one in self.judges) + PATIENCE)

    def _check_weights(self, what: str) -> None:
        if self.weights is None:
            return
        check(what, self.weights, isinstance(self.weights, tuple | list), "a tuple of numbers")
        object.__setattr__(self, "weights", tuple(self.weights))
        check(what, self.weights, len(self.weights) == len(self.judges), f"{len(self.judges)} numbers, one for each")
        check(what, self.weights, all(is_seconds(one) for one in self.weights), "numbers, more than 0")

    async def judge(self, submission: Submission, system: ActorSystem) -> Verdict:
        """Asks the members, and weighs what they say. A panel asks them itself, past the breakers that it keeps."""
        return self.weigh(await ask_all(seats_for(self.judges, {}), submission, system))

    def weigh(self, heard: Sequence[Heard]) -> Verdict:
        """Returns what follows from what the members said, in their order. Pure.

        Raises:
            CannotSay: too few could say.
        """
        usage = reduce(add, (one.usage for one in heard), NO_USAGE)
        votes = [*zip(self.weights or (1.0,) * len(heard), heard, strict=True)]
        total = sum(weight for weight, _ in votes)
        spoken = sum(weight for weight, one in votes if one.verdict is not None)
        if spoken < total * MAJORITY - ROUNDING:
            raise CannotSay(f"{self.name}: too few could say: {_told(heard)}", usage)
        share = sum(weight for weight, one in votes if one.verdict is not None and one.verdict.accepted) / spoken
        accepted = share >= self.accept_at - ROUNDING and share > MAJORITY + ROUNDING
        reason = f"{share:.0%} of the votes accept: {_told(heard)}"
        return Verdict(self.name, accepted, min(share, 1.0), reason, "" if accepted else _feedback(heard), usage=usage)


def _told(heard: Sequence[Heard]) -> str:
    return "; ".join(_said(one) for one in heard)


def _said(one: Heard) -> str:
    if one.verdict is None:
        return f"{one.name} could not say ({one.cause})"
    why = f" ({one.verdict.reason})" if one.verdict.reason else ""
    return f"{one.name} {'accepts' if one.verdict.accepted else 'rejects'}{why}"


def _feedback(heard: Sequence[Heard]) -> str:
    rejecting = (one.verdict for one in heard if one.verdict is not None and not one.verdict.accepted)
    return "\n".join(text for verdict in rejecting if (text := verdict.feedback or verdict.reason))
