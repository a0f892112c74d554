"""Claims that code makes about itself, for runs in which things go wrong on purpose. The words are Antithesis's.

    always("balance is never negative", balance >= 0, balance=balance)
    sometimes("the fallback answered", rung == "fallback")
    reachable("a refund was asked twice")
    unreachable("a refund was made twice")

Any code that runs in a simulation may use them; elsewhere they do nothing, and cost one look at a variable.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .invariant import Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Claim", "Claims", "always", "claims", "reachable", "sometimes", "unreachable"]

Kind: TypeAlias = Literal["always", "sometimes", "reachable", "unreachable"]


@dataclass(slots=True)
class Claim:
    """What one claim has come to in one run: how often its place was reached, and how often it held there."""

    kind: Kind
    reached: int = 0
    held: int = 0


class Claims:
    """All claims of one run. On any thread of the run's.

    Attributes:
        seen: what each came to, by its name.
        violations: the first failure of each `always`, and the first reaching of each `unreachable`.
    """

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self.seen: dict[str, Claim] = {}
        self.violations: list[Violation] = []

    def claim(self, kind: Kind, name: str, condition: Any, facts: dict[str, Any]) -> None:
        """Takes one claim."""
        found = self.seen.get(name)
        if found is None:
            found = self.seen[name] = Claim(kind)
        if found.kind != kind:
            self._taken(kind, name, found)
            return
        found.reached += 1
        holds = bool(condition)
        found.held += holds
        failed = found.reached - found.held
        if not holds and failed == 1 and kind in ("always", "unreachable"):
            told = ", ".join(f"{key}={value!r}" for key, value in facts.items())
            self.violations.append(Violation(f"{kind}: {name}", self._now(), told or "it did not hold"))

    def _taken(self, kind: Kind, name: str, found: Claim) -> None:
        told = Violation(f"{kind}: {name}", self._now(), f"the name is that of another claim, {found.kind}: choose one")
        if all(told.invariant != earlier.invariant for earlier in self.violations):
            self.violations.append(told)


_CLAIMS: ContextVar[Claims | None] = ContextVar("treeward_claims", default=None)


@contextmanager
def claims(kept: Claims) -> Iterator[Claims]:
    """Lets the claims of all that begins inside of the block go to `kept`: actor systems that are made there, too."""
    token = _CLAIMS.set(kept)
    try:
        yield kept
    finally:
        _CLAIMS.reset(token)


def always(name: str, condition: Any, **facts: Any) -> None:
    """Claims that the condition holds whenever this place is reached; the first time that it does not is a violation.

    Args:
        name: unique over the program, and the same in each run.
        condition: what has to be true.
        facts: what helps to see why it was not.
    """
    kept = _CLAIMS.get()
    if kept is not None:
        kept.claim("always", name, condition, facts)


def sometimes(name: str, condition: Any = True) -> None:
    """Claims that the condition holds here at least once in all runs together; a campaign says where it never does."""
    kept = _CLAIMS.get()
    if kept is not None:
        kept.claim("sometimes", name, condition, {})


def reachable(name: str) -> None:
    """Claims that this place is reached at least once in all runs together; a campaign says where it never is."""
    kept = _CLAIMS.get()
    if kept is not None:
        kept.claim("reachable", name, True, {})


def unreachable(name: str, **facts: Any) -> None:
    """Claims that this place is never reached; the first time that it is, is a violation."""
    kept = _CLAIMS.get()
    if kept is not None:
        kept.claim("unreachable", name, False, facts)
