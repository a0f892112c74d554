"""What an answer made of several parts needs, and how good it then is. Pure: no agents, no clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..runtime.copies import quick
from ..runtime.usage import NO_USAGE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..runtime.task import Part, Status, Usage
    from .plan import Subtask

__all__ = ["Need", "Result", "enough", "missing", "status_of"]

Count: TypeAlias = int | Literal["all"]

USABLE: frozenset[Status] = frozenset({"ok", "partial", "fallback"})


@dataclass(frozen=True, slots=True)
class Need:
    """How many results are wanted, and how long for.

    Attributes:
        count: so many, whichever they are, or all if there are fewer; or `all` that are required.
        after: seconds after which what is there is taken; None means at the task's deadline.
    """

    count: Count = "all"
    after: float | None = None

    def __post_init__(self) -> None:
        whole = isinstance(self.count, int) and not isinstance(self.count, bool) and self.count >= 1
        if self.count != "all" and not whole:
            raise ValueError(f"need is {self.count!r}: expected a number of results, at least 1, or 'all'")
        if self.after is not None and not self.after > 0:
            raise ValueError(f"after is {self.after!r}: expected seconds, more than 0, or None")


@quick
@dataclass(frozen=True, slots=True)
class Result:
    """What became of one subtask. `agent` is who had it last, or empty; `parts` are of all who had it."""

    subtask: Subtask
    status: Status
    output: Any = None
    error: str | None = None
    agent: str = ""
    parts: tuple[Part, ...] = ()
    usage: Usage = NO_USAGE

    @property
    def usable(self) -> bool:
        """Whether there is something in it for the answer."""
        return self.status in USABLE


def enough(results: Sequence[Result], need: Need) -> bool:
    """Tells whether the number that is wanted is there, so that the rest need not be waited for."""
    return need.count != "all" and sum(result.usable for result in results) >= need.count


def status_of(results: Sequence[Result], need: Need) -> Status:
    """Returns how good an answer made of these is.

    | usable results | status |
    |---|---|
    | none, and a person has one of them | `needs_human` |
    | none | `failed` |
    | fewer than needed, or one that is partial itself | `partial` |
    | what is needed, one by a fallback | `fallback` |
    | what is needed | `ok` |
    """
    usable = [result.status for result in results if result.usable]
    if not usable:
        return "needs_human" if any(result.status == "needs_human" for result in results) else "failed"
    if not _satisfied(results, need) or "partial" in usable:
        return "partial"
    return "fallback" if "fallback" in usable else "ok"


def missing(results: Sequence[Result]) -> str | None:
    """Returns what the answer lacks, and why, as one line; None if it lacks nothing."""
    gaps = [f"{result.subtask.id}: {result.error or result.status}" for result in results if result.status != "ok"]
    return "; ".join(gaps) or None


def _satisfied(results: Sequence[Result], need: Need) -> bool:
    if need.count == "all":
        return all(result.usable for result in results if result.subtask.required)
    return sum(result.usable for result in results) >= min(need.count, len(results))
