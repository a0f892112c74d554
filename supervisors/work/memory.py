"""What one child's tries at one task have shown: the same failure twice is enough. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...runtime.copies import changed
from ..failures.failure import REACTIONS, Failure

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

__all__ = ["Memory"]

BLAMED = 3
"""Incarnations that may end over a task for reasons that nobody knows: after the last one the task is the reason."""


class Memory:
    """What failed so far, over which input, and who has been asked.

    Attributes:
        failure: the last one, as it was weighed.
        same_twice: whether the same failure has come twice over the same input.
        poison: whether the task is to blame for crashes: the same failure came twice over the same input, and ended an
            incarnation each time; or three incarnations ended over it, and nobody knows why.
        heard: what was said to be wrong with outputs, oldest first.
        asked: the fallbacks that have had the task.
        gone: whether the child has had its last try.
    """

    __slots__ = (
        "_blamed",
        "_input",
        "_last",
        "_seen",
        "asked",
        "failure",
        "gone",
        "heard",
        "poison",
        "same_twice",
    )

    def __init__(self, feedback: Iterable[str] = ()) -> None:
        """Begins with the feedback that the task has come with."""
        self._input: Hashable = None
        self._seen: dict[Hashable, bool] = {}  # failures with their inputs: has an incarnation ended over it?
        self._blamed = 0
        self._last: Failure | None = None
        self.failure: Failure | None = None
        self.same_twice = False
        self.poison = False
        self.heard = tuple(dict.fromkeys(feedback))
        self.asked: set[str] = set()
        self.gone = False

    def weigh(self, failure: Failure) -> Failure:
        """Returns a failure as it counts: as `deterministic` if it is the same again, over the same input.

        Once the child has had its last try, nothing is counted: that is the failure of others, or one that has been
        weighed.
        """
        if self.gone:
            weighed = self.failure if failure is self._last and self.failure is not None else failure
        else:
            weighed = changed(failure, kind="deterministic") if self._count(failure) else failure
        self._last, self.failure = failure, weighed
        return weighed

    def revised(self, feedback: Iterable[str], changes: str) -> None:
        """Notes that the next input is another one, unless just that was tried before."""
        new = tuple(dict.fromkeys(feedback))
        self.heard = (*(text for text in self.heard if text not in new), *new)
        self._input = (changes, frozenset(self.heard))

    def _count(self, failure: Failure) -> bool:
        """Counts a failure of the child; tells whether it is the same again."""
        if REACTIONS[failure.kind].passes:
            return False
        same = (self._input, failure.signature, failure.feedback)
        again, lethal = same in self._seen, self._seen.get(same, False)
        self._seen[same] = lethal or failure.crashed
        self._blamed += failure.crashed
        self.same_twice = self.same_twice or again
        self.poison = self.poison or (lethal and failure.crashed) or self._blamed >= BLAMED
        return again
