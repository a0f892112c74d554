"""What is tried: a tree under a plan, with all that the plan names looked up once for all seeds."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ..trees.names import Names
from ..trees.problems import Problem, TreeError, did_you_mean, quoted
from .invariants.checked import checked
from .invariants.standard import STANDARD, standard
from .plans.imports import invariant_or_check
from .plans.knobs import Knobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..trees.spec import Tree
    from .invariants.invariant import Invariant
    from .plans.plan import Plan

__all__ = ["Subject"]


@dataclass(frozen=True)
class Subject:
    """A tree under a plan. Made once for all seeds; what is looked up raises `TreeError` when it is first asked for.

    Attributes:
        tree: the tree under test.
        plan: what is to go wrong, and what is asked of the tree meanwhile.
        allow: modules whose classes the tree, and whose functions and classes the plan, may name.
        invariants: further kinds of invariant, one of each is made for a run; beside the plan's own and the usual ones.
    """

    tree: Tree
    plan: Plan
    allow: tuple[str, ...] = ()
    invariants: tuple[type[Invariant], ...] = ()

    @cached_property
    def _names(self) -> Names:
        return Names(self.allow)

    @cached_property
    def knobs(self) -> Knobs:
        """The plan's knobs at the tree, and the trees that they make of it."""
        return Knobs(self.plan.knobs, self.tree)

    @cached_property
    def setup(self) -> Callable[[Any], Any] | None:
        """The plan's function that is called before the tree starts, with the run's `World`."""
        return None if self.plan.setup is None else self._names.function(self.plan.setup)

    @cached_property
    def facts(self) -> Callable[[Any], Any] | None:
        """The plan's function whose facts are compared by parity, called with the run's `World`."""
        parity = self.plan.parity
        return None if parity is None or parity.facts is None else self._names.function(parity.facts)

    @cached_property
    def clean(self) -> dict[Any, Any]:
        """What runs without faults have come to, by seed and policy: a few of them, for parity."""
        return {}

    @cached_property
    def own_invariants(self) -> tuple[type[Invariant], ...]:
        """The kinds that are neither of the usual ones: the plan's own, and those given."""
        found = (invariant_or_check(name, self._names) for name in self.plan.invariants)
        return (*(one if isinstance(one, type) else checked(one) for one in found), *self.invariants)

    def check(self) -> None:
        """Looks up all that the plan names.

        Raises:
            TreeError: there is no such thing, or it may not be used; or the hypothesis names no invariant of a run.
        """
        _ = self.setup, self.facts
        names = sorted({kind.name for kind in (*STANDARD, *self.own_invariants)})
        for expected in self.plan.hypothesis:
            if expected.invariant is not None and expected.invariant not in names:
                what = f"hypothesis: there is no invariant {quoted(expected.invariant)}"
                hint = did_you_mean(expected.invariant, names)
                raise TreeError([Problem("", 0, 0, what, f"one of {', '.join(names)}", hint)])

    def new_invariants(self) -> list[Invariant]:
        """Returns one of each kind, for one run."""
        return [*standard(), *(kind() for kind in self.own_invariants)]
