"""The course of a program over the visits of its point: which of its terms has its turn.

The rules are those of fail-rs (https://docs.rs/fail, `fail::cfg`): at a visit, a chain's terms are asked from left to
right; one that is used up is passed over, and so is one whose draw fails; the first that is left happens, and its count
goes down by one. `off` is such a term: the visit is used up, and nothing happens.

Alternatives are ours: they are asked in their order, each as if it were alone, until one has something other than
`off`. Those after it are not asked at that visit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from .grammar import Chain, Program, Term

__all__ = ["OFF", "Course"]

OFF = "off"
"""The action that does nothing."""


class Course:
    """Where one program stands, in one run.

    Args:
        program: what happens.
        on: the only visits at which it is asked, from 1; None means all.

    It has no other state than the number of visits, and how often each of the terms has happened.
    """

    __slots__ = ("_chains", "_on", "visits")

    def __init__(self, program: Program, on: frozenset[int] | None = None) -> None:
        self._chains = [_Turns(chain) for chain in program.chains]
        self._on = on
        self.visits = 0
        """How many there were."""

    def step(self, draw: Callable[[], float]) -> Term | None:
        """Goes on by one visit, and returns the term that happens, None if nothing does.

        `draw` gives a number from 0 up to, but not including, 1. It is asked once for each term that has a chance below
        100% and gets its turn.
        """
        self.visits += 1
        if self._on is not None and self.visits not in self._on:
            return None
        for chain in self._chains:
            term = chain.step(draw)
            if term is not None and term.action.name != OFF:
                return term
        return None

    @property
    def is_over(self) -> bool:
        """Whether nothing can happen any more."""
        if self._on is not None and self.visits >= max(self._on, default=0):
            return True
        return all(chain.is_over for chain in self._chains)


class _Turns:
    """One chain, with how often each of its terms may still happen."""

    __slots__ = ("_chain", "_left")

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._left = [term.times for term in chain]

    def step(self, draw: Callable[[], float]) -> Term | None:
        for index, term in enumerate(self._chain):
            left = self._left[index]
            if left == 0 or (term.chance < 1 and draw() >= term.chance):
                continue
            if left is not None:
                self._left[index] = left - 1
            return term
        return None

    @property
    def is_over(self) -> bool:
        for term, left in zip(self._chain, self._left, strict=True):
            if left == 0:
                continue
            if term.action.name != OFF:
                return False
            if left is None and term.chance == 1:
                return True  # it uses up every visit before those behind it
        return True
