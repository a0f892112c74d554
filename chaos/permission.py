"""Who may let faults loose on a tree that runs, and how far: the tree says so, or whoever starts it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..runtime.errors import TreewardError
from ..trees.problems import quoted
from .plans.globs import Paths
from .plans.points import CLOCK, LOOP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..trees.spec import Tree
    from .plans.plan import Fault, Plan

__all__ = ["PRODUCTION", "VARIABLE", "ChaosRefused", "Radius", "check_allowed"]

VARIABLE = "TREEWARD_ENV"
"""The environment variable that says where a process runs."""

PRODUCTION = ("prod", "production")
"""What it says where nobody wants to be surprised; capitals or not."""


class ChaosRefused(TreewardError):
    """Faults may not be let loose here; `mend` is what would have to be said for that."""

    def __init__(self, why: str, mend: str) -> None:
        super().__init__(f"chaos is refused: {why}; {mend}")
        self.why = why
        self.mend = mend


def check_allowed(tree: Tree, environ: Mapping[str, str], *, permitted: bool) -> None:
    """Raises `ChaosRefused` unless the tree allows chaos, or whoever starts it does (`permitted`).

    In production only the tree itself can, and it has to name it.
    """
    place = environ.get(VARIABLE, "")
    if place.lower() in PRODUCTION and not (tree.chaos.allow and tree.chaos.production):
        why = f"{VARIABLE} is {quoted(place)}"
        raise ChaosRefused(why, "there it takes `chaos: {allow: true, production: true}` in the tree")
    if not (tree.chaos.allow or permitted):
        why = f"the tree {quoted(tree.name)} does not allow it"
        raise ChaosRefused(why, "say `chaos: {allow: true}` in the tree, or start it with --allow-chaos")


class Radius:
    """How far faults reach: the only actors of a tree that may be hit.

    Raises:
        ChaosRefused: the plan has a fault that hits all there is, and the tree says whom alone one may hit.
    """

    def __init__(self, tree: Tree, plan: Plan) -> None:
        patterns = tree.chaos.where
        everywhere = next((id_ for id_, fault in plan.rules.items() if _is_for_all(fault)), None)
        if patterns and everywhere is not None:
            why = f"{everywhere} hits the whole process, and the tree {quoted(tree.name)} says whom alone one may hit"
            raise ChaosRefused(why, "leave such faults out of the plan, or `where` out of the tree's chaos")
        self._paths = Paths(patterns)

    def has(self, path: str) -> bool:
        """Tells whether the actor at a path may be hit."""
        return self._paths.match(path)


def _is_for_all(fault: Fault) -> bool:
    """Tells whether a fault hits everybody who shares the process: its clock, or its event loop."""
    return fault.at in (CLOCK, LOOP) or any(term.action.name == "block" for term in fault.program.terms)
