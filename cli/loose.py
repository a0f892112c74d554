"""`--faults PLAN`: what is let loose on a tree that runs, and what is said of it in the end."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..chaos.live import LiveChaos
from ..chaos.permission import ChaosRefused, Radius, check_allowed
from ..chaos.plans.plan_file import load_plan
from .failures import Code, Failure
from .plans import plan_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..chaos.plans.plan import Plan
    from ..trees.runtime import Runtime
    from ..trees.spec import Tree

__all__ = ["Faults", "faults_of"]


@dataclass(frozen=True, slots=True)
class Faults:
    """A plan that may be carried out against the tree."""

    plan: Plan
    permitted: bool
    seed: int | None
    allow: tuple[str, ...]

    @contextmanager
    def loose(self, runtime: Runtime) -> Iterator[LiveChaos]:
        """Carries it out for the length of the block; then says on stderr what has happened."""
        chaos = LiveChaos(runtime, self.plan, seed=self.seed, allow=self.allow, permitted=self.permitted)
        try:
            with chaos:
                yield chaos
        finally:
            print(chaos.summary(), file=sys.stderr, flush=True)


def faults_of(plan: str, tree: Tree, allow: Sequence[str], seed: int | None, *, permitted: bool) -> Faults:
    """Reads and checks PLAN, whether it fits the tree, and whether it may be carried out.

    Raises:
        TreeError: it is not valid, or not there, or does not fit.
        Failure: it may not be carried out.
    """
    read = load_plan(plan_of(plan), allow=allow, tree=tree)
    try:
        check_allowed(tree, os.environ, permitted=permitted)
        Radius(tree, read)
    except ChaosRefused as refused:
        raise Failure(Code.USAGE, f"--faults: {refused}") from None
    return Faults(read, permitted, seed, tuple(allow))
