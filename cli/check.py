"""`treeward check`: is this a valid tree?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..trees.spec import AgentNode, PoolNode
from .shared import Allow, Debug, TreeName
from .text import one_line
from .tree import loaded

if TYPE_CHECKING:
    from ..trees.spec import Tree

__all__ = ["check"]


def check(tree: TreeName, *, allow: Allow = None, debug: Debug = False) -> None:  # noqa: ARG001 - its callback has done it
    """Check a tree, and print every fault as FILE:LINE:COLUMN: what is wrong; what is legal.

    It imports the classes that the tree names, and starts nothing. Exit codes: 0 the tree is valid, 65 it is not.
    """
    print(_summary(loaded(tree, allow or ())))


def _summary(tree: Tree) -> str:
    """Returns what is declared, in numbers: a pool counts as a supervisor with so many agents."""
    nodes = [node for _, node in tree.walk()]
    supervisors = sum(not isinstance(node, AgentNode) for node in nodes)
    agents = sum(node.size if isinstance(node, PoolNode) else isinstance(node, AgentNode) for node in nodes)
    counts = f"{_counted(agents, 'agent')}, {_counted(supervisors, 'supervisor')}"
    return f"{one_line(tree.name)}: valid, {counts}, fingerprint {tree.fingerprint}"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
