"""Subtasks and the order between them. Pure: no agents, no clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..runtime.copies import changed
from .errors import PlanError, did_you_mean, nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

__all__ = ["Plan", "Subtask", "order"]


NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subtask:
    """One part of a task.

    Attributes:
        kind: what sort of work it is: whoever handles that kind can have it.
        input: what is asked; None means what the whole task asks.
        id: unique in the plan, and the same in every attempt; by default the kind, with a number if needed.
        needs: ids or kinds of subtasks whose results it must have; each is a fact in its context, under
            its id. If one of them fails, this one is skipped.
        after: ids or kinds of subtasks that come first, if there are any, whatever becomes of them.
        priority: of subtasks that could begin together the higher goes first.
        required: whether the answer is only partial without it.
        facts: what it knows beside the task's context.
    """

    kind: str
    input: Any = None
    id: str = ""
    needs: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    priority: int = 0
    required: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


class Plan:
    """Subtasks with their ids and their order settled. Iterates over them in that order.

    Raises:
        PlanError: an id is given twice, a need is for something that is not in the plan, or there is a cycle.
    """

    __slots__ = ("_before", "_needs", "waves")

    def __init__(self, subtasks: Iterable[Subtask]) -> None:
        named = _named(tuple(subtasks))
        self._needs = {one.id: _found(one, one.needs, named, must=True) for one in named}
        self._before = {one.id: self._needs[one.id] | _found(one, one.after, named, must=False) for one in named}
        self.waves = _waves(named, self._before)
        """The subtasks in groups: each depends on earlier groups only."""

    def __iter__(self) -> Iterator[Subtask]:
        return (subtask for wave in self.waves for subtask in wave)

    def __len__(self) -> int:
        return sum(map(len, self.waves))

    def needs(self, subtask: Subtask) -> frozenset[str]:
        """Returns the ids of those whose results a subtask must have."""
        return self._needs[subtask.id]

    def ready(self, begun: Collection[str], settled: Mapping[str, bool]) -> tuple[Subtask, ...]:
        """Returns those not `begun` that may begin: all before them is `settled`, usably where needed."""
        return tuple(
            one
            for one in self
            if one.id not in begun and self._before[one.id] <= settled.keys() and not self.lacking(one, settled)
        )

    def skipped(self, settled: Mapping[str, bool]) -> tuple[Subtask, ...]:
        """Returns those that cannot begin any more: something that they need is settled without a result."""
        return tuple(one for one in self if one.id not in settled and self.lacking(one, settled))

    def lacking(self, subtask: Subtask, settled: Mapping[str, bool]) -> tuple[str, ...]:
        """Returns the ids of what a subtask needs and will not get."""
        return tuple(sorted(id_ for id_ in self._needs[subtask.id] if settled.get(id_) is False))


def order(subtasks: Iterable[Subtask]) -> tuple[tuple[Subtask, ...], ...]:
    """Returns the waves of a plan; raises `PlanError` as `Plan` does."""
    return Plan(subtasks).waves


def _named(subtasks: tuple[Subtask, ...]) -> tuple[Subtask, ...]:
    """Gives every subtask an id: its own, or its kind and, from the second of that kind on, a number."""
    given = Counter(one.id for one in subtasks if one.id)
    twice = tuple(sorted(id_ for id_, count in given.items() if count > 1))
    if twice:
        raise PlanError(f"several subtasks have the id {', '.join(twice)}: give each its own", twice)
    taken, named = set(given), []
    for one in subtasks:
        new = one if one.id else changed(one, id=_free(one.kind, taken))
        taken.add(new.id)
        named.append(new)
    return tuple(named)


def _free(kind: str, taken: set[str]) -> str:
    number, word = 1, kind
    while word in taken:
        number += 1
        word = f"{kind}-{number}"
    return word


def _found(one: Subtask, words: Sequence[str], named: Sequence[Subtask], *, must: bool) -> frozenset[str]:
    """Returns the ids that words stand for; `must` makes it an error if one stands for nothing."""
    if not words:
        return NOBODY
    found = {word: _meant(one, word, named) for word in words}
    for word, ids in found.items():
        if must and not ids:
            known = {known for other in named if other is not one for known in (other.id, other.kind)}
            mend = did_you_mean(nearest(word, known), "name an id or a kind that is in the plan, or use `after`")
            raise PlanError(f"{one.id} needs {word!r}, which is not in the plan: {mend}", (one.id,))
    return frozenset().union(*found.values())


def _meant(one: Subtask, word: str, named: Sequence[Subtask]) -> frozenset[str]:
    """Returns the subtask that was given that id, or else all of that kind but `one` itself."""
    by_id = frozenset(other.id for other in named if other.id == word != other.kind)
    return by_id or frozenset(other.id for other in named if other.kind == word and other is not one)


def _waves(named: Sequence[Subtask], before: Mapping[str, frozenset[str]]) -> tuple[tuple[Subtask, ...], ...]:
    waves, done, left = [], set[str](), list(named)
    while left:
        wave = sorted((one for one in left if before[one.id] <= done), key=lambda one: -one.priority)
        if not wave:
            cycle = _cycle([one.id for one in left], before)
            raise PlanError(f"the subtasks wait for each other: {' -> '.join(cycle)}: take one of them out", cycle)
        waves.append(tuple(wave))
        done |= {one.id for one in wave}
        left = [one for one in left if one.id not in done]
    return tuple(waves)


def _cycle(stuck: Sequence[str], before: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Returns one cycle, from a subtask to itself: whoever is stuck waits for somebody who is."""
    path = [stuck[0]]
    while path[-1] not in path[:-1]:
        path.append(min(before[path[-1]] & set(stuck)))
    return tuple(path[path.index(path[-1]) :])
