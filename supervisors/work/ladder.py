"""The recovery ladder: its rungs, and which is next. Pure; the randomness of a wait is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..backoff import delay
from ..checks import check, is_name, is_seconds, is_whole
from ..failures.failure import AWAY, OWN, REACTIONS, Kind, RungName
from ..failures.refusal import LONGEST_WAIT
from .memory import Memory

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    from ..failures.failure import Failure

__all__ = [
    "DEFAULT",
    "Climb",
    "Escalate",
    "Fallback",
    "Ladder",
    "Restart",
    "Retry",
    "Revise",
    "Rung",
    "Skip",
    "Step",
    "check_ladder",
    "describe",
]


# --- the rungs --------------------------------------------------------------------------------------


def _is_mapping_of_names(value: object) -> bool:
    return isinstance(value, Mapping) and all(map(is_name, value))


def _is_tuple_of_names(value: object) -> bool:
    return isinstance(value, tuple) and all(map(is_name, value))


def _check_times(rung: str, times: object) -> None:
    check(f"{rung} times", times, is_whole(times, 1), "a whole number, 1 or more")


@dataclass(frozen=True, slots=True)
class Retry:
    """The same again, after a wait: `times` more tries, `initial * factor ** n` seconds apart, at most `max`.

    `jitter` adds up to so many seconds, or `full` draws between 0 and the wait, or `none`; `max` holds for the sum,
    as in tenacity. A `Retry-After` goes before the arithmetic.
    """

    times: int = 3
    initial: float = 1.0
    factor: float = 2.0
    max: float = 4.0
    jitter: float | Literal["full", "none"] = 1.0

    def __post_init__(self) -> None:
        _check_times("retry", self.times)
        check("retry initial", self.initial, is_seconds(self.initial), "seconds, more than 0")
        check("retry factor", self.factor, is_seconds(self.factor) and self.factor >= 1, "a number, 1 or more")
        reaches = is_seconds(self.max) and self.max >= self.initial
        check("retry max", self.max, reaches, f"seconds, not less than initial, which is {self.initial:g}")
        spreads = self.jitter in ("full", "none") or is_seconds(self.jitter, zero=True)
        check("retry jitter", self.jitter, spreads, "full, none, or seconds")


@dataclass(frozen=True, slots=True)
class Revise:
    """Again with what was wrong (`feedback` characters of it at most), and with `changes` to the context."""

    times: int = 2
    feedback: int = 2000
    changes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_times("revise", self.times)
        check("revise feedback", self.feedback, is_whole(self.feedback, 0), "characters: a whole number, 0 or more")
        named = _is_mapping_of_names(self.changes)
        check("revise changes", self.changes, named, "a mapping from names of facts to values")


@dataclass(frozen=True, slots=True)
class Restart:
    """A fresh incarnation gets the same task: after a crash the supervisor's next, else one that is asked for."""

    times: int = 2

    def __post_init__(self) -> None:
        _check_times("restart", self.times)


@dataclass(frozen=True, slots=True)
class Fallback:
    """Another child gets the task, or the first of several that does it. Ids, or paths."""

    to: tuple[str, ...]

    def __post_init__(self) -> None:
        listed = _is_tuple_of_names(self.to) and bool(self.to)
        check("fallback to", self.to, listed, "a tuple of ids or paths, at least one")
        check("fallback to", self.to, len(set(self.to)) == len(self.to), "each of them once")


@dataclass(frozen=True, slots=True)
class Escalate:
    """The task goes up with its evidence: to the next ladder above, and from the last one to the desk.

    Attributes:
        to: the id of a desk, which is asked at once; None: the ladder of the supervisor above is next.
        wait: seconds that the task waits for a person's answer (`input-required` meanwhile); None: it ends as
            `needs_human` at once, and the answer arrives later.
    """

    to: str | None = None
    wait: float | None = None

    def __post_init__(self) -> None:
        check("escalate to", self.to, self.to is None or is_name(self.to), "the id of a desk, or None")
        check("escalate wait", self.wait, self.wait is None or is_seconds(self.wait), "seconds, more than 0, or None")


@dataclass(frozen=True, slots=True)
class Skip:
    """The task ends without an answer: `partial`, with what there is, or with `output`."""

    output: Any = None


Rung: TypeAlias = Retry | Revise | Restart | Fallback | Escalate | Skip
Ladder: TypeAlias = tuple[Rung, ...]

DEFAULT: Ladder = (Restart(),)
"""Where nobody says anything: a crash does not lose the task in hand."""

NAMES: Mapping[type, RungName] = {
    Retry: "retry",
    Revise: "revise",
    Restart: "restart",
    Fallback: "fallback",
    Escalate: "escalate",
    Skip: "skip",
}

LAST = 2
"""The place of the rungs that end a ladder, behind those of the child and those of others."""


def check_ladder(what: str, ladder: object) -> None:
    """Raises `InvalidSpec` for what is no ladder, or has a rung that nothing would ever reach.

    Whoever hands a task over does not get it back: `retry`, `revise` and `restart` come before `fallback`. And
    `escalate` and `skip` end a ladder.
    """
    listed = isinstance(ladder, tuple) and all(type(rung) in NAMES for rung in ladder)
    check(what, ladder, listed, f"a tuple of rungs: {', '.join(kind.__name__ for kind in NAMES)}")
    assert isinstance(ladder, tuple)  # noqa: S101 - `check` has seen to it
    places = [_place(rung) for rung in ladder]
    in_order = places == sorted(places) and places.count(LAST) <= 1
    check(what, ladder, in_order, "retry, revise and restart before fallback, and one escalate or skip at the end")


def _place(rung: Rung) -> int:
    """Returns where in a ladder a rung belongs."""
    name = NAMES[type(rung)]
    return 0 if name in OWN else 1 if name == "fallback" else LAST


def describe(ladder: Ladder) -> str:
    """Returns a ladder as one line, such as `retry 3 > fallback billing-rules > desk`."""
    return " > ".join(map(_described, ladder)) or "none"


def _described(rung: Rung) -> str:
    name = NAMES[type(rung)]
    match rung:
        case Fallback():
            return f"{name} {', '.join(rung.to)}"
        case Escalate():
            return rung.to or name
        case Skip():
            return name
    return f"{name} {rung.times}"


# --- the climb --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Step:
    """What is done next about a failure.

    Attributes:
        index: of the rung, in its ladder.
        rung: what it says.
        name: what it is.
        to: who gets the task, of a `fallback`, or the desk of an `escalate` that names one; else empty.
        tries: how often this rung has been used, this time included.
    """

    index: int
    rung: Rung
    name: RungName
    to: str = ""
    tries: int = 1


class Climb:
    """One task on its way up one ladder. Tell it each failure; it says what is next.

    Attributes:
        memory: what the tries so far have shown, those on the ladders below too.
    """

    __slots__ = ("_ladder", "_used", "memory")

    def __init__(self, ladder: Ladder, memory: Memory | None = None) -> None:
        check_ladder("recovery", ladder)
        self._ladder = ladder
        self._used = [0] * len(ladder)
        self.memory = Memory() if memory is None else memory

    def next(self, failure: Failure) -> Step | None:
        """Returns the first rung that answers the failure and has tries left; None if there is none.

        `memory.failure` is the failure as it was weighed. Once the task has gone to somebody else, the child does not
        get it back.
        """
        weighed = self.memory.weigh(failure)
        steps = (self._step(*each) for each in enumerate(self._ladder) if self._answers(each[1], weighed.kind))
        step = next((step for step in steps if step is not None), None)
        if step is not None:
            self._take(step, weighed)
        return step

    def up(self, ladder: Ladder) -> Climb:
        """Returns the climb on a ladder above, which follows on an `escalate`: tell it the same failure.

        Tries do not multiply over layers: only `fallback`, `escalate` and `skip` are left there, and who has been
        asked is not asked again.
        """
        return Climb(ladder, self.memory)

    @property
    def escalation(self) -> Escalate | None:
        """The rung that escalates; None if there is none, or the task has gone that way."""
        last = self._ladder[-1] if self._ladder else None
        return last if isinstance(last, Escalate) and not self._used[-1] else None

    @property
    def escalates(self) -> bool:
        """Whether a rung that escalates is left."""
        return self.escalation is not None

    def feedback(self, step: Step, failure: Failure) -> tuple[str, ...]:
        """Returns what the attempt after a `revise` is told was wrong: all so far, as much as the rung allows.

        The newest is kept where there is too much; what is cut ends with an ellipsis.
        """
        assert isinstance(step.rung, Revise)  # noqa: S101 - no other rung has anything to tell
        old = [text for text in self.memory.heard if text not in failure.feedback]
        return bounded(old, dict.fromkeys(failure.feedback), step.rung.feedback)

    @staticmethod
    def wait(step: Step, failure: Failure, rng: random.Random) -> float:
        """Returns the seconds before a step: what the failure asks for, at most an hour, or else a retry's own.

        Other steps of the child's wait only if they are asked to; somebody else is asked at once.
        """
        if step.name in AWAY:
            return 0.0
        if failure.retry_after is not None:
            return min(LONGEST_WAIT, max(0.0, failure.retry_after))
        return delay(step.rung, step.tries - 1, rng) if isinstance(step.rung, Retry) else 0.0

    def _answers(self, rung: Rung, kind: Kind) -> bool:
        name, reaction = NAMES[type(rung)], REACTIONS[kind]
        if self.memory.gone and name in OWN:
            return False
        if name in reaction.rungs:
            return True
        better = {NAMES[type(one)] for one in self._ladder}.intersection(OWN, reaction.rungs)
        return name in reaction.instead and not better

    def _step(self, index: int, rung: Rung) -> Step | None:
        """Returns what the rung would do now; None if it is used up."""
        tries, name = self._used[index] + 1, NAMES[type(rung)]
        match rung:
            case Fallback():
                to = next((each for each in rung.to if each not in self.memory.asked), None)
                return None if to is None else Step(index, rung, name, to, tries)
            case Escalate():
                return Step(index, rung, name, rung.to or "", tries) if tries == 1 else None
            case Skip():
                return Step(index, rung, name, tries=tries) if tries == 1 else None
        return Step(index, rung, name, tries=tries) if tries <= rung.times else None

    def _take(self, step: Step, failure: Failure) -> None:
        self._used[step.index] += 1
        self.memory.gone = self.memory.gone or step.name in AWAY
        match step.rung:
            case Fallback():
                self.memory.asked.add(step.to)
            case Revise(changes=changes):
                self.memory.revised(failure.feedback, repr(sorted(changes.items())))


def bounded(old: Iterable[str], new: Iterable[str], limit: int) -> tuple[str, ...]:
    """Returns the old texts and the new ones behind them, `limit` characters in all: the oldest go first."""
    kept = _fitting(new, limit)
    left = limit - sum(map(len, kept))
    return (*reversed(_fitting(reversed(tuple(old)), left)), *kept)


def _fitting(texts: Iterable[str], room: int) -> list[str]:
    """Returns the first texts that there is room for; the one that does not fit is cut."""
    kept: list[str] = []
    for text in texts:
        if len(text) > room:
            if room > 1:
                kept.append(f"{text[: room - 1]}…")
            break
        kept.append(text)
        room -= len(text)
    return kept
