"""Where a name leads that one child's spec says of another."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..runtime.cell import Cell
    from ..runtime.system import ActorSystem

__all__ = ["find", "upwards"]


def find(system: ActorSystem, near: str, name: str) -> Cell | None:
    """Returns who is meant by an id or a path, seen from the actor at `near`; None if nobody lives there.

    A path means itself. An id means a sibling before the siblings of those above, and these before whoever
    else below them has it. On the runtime's loop.
    """
    found = system.cells.get(name)
    if found is not None:
        return found
    above = near
    while "/" in above:
        above = above.rpartition("/")[0]
        found = system.cells.get(f"{above}/{name}") or _below(system, above, name)
        if found is not None:
            return found
    return None


def upwards(cell: Cell | None) -> Iterator[Cell]:
    """Yields a cell and those above it, the nearest first."""
    while cell is not None:
        yield cell
        cell = cell.parent


def _below(system: ActorSystem, above: str, name: str) -> Cell | None:
    root = system.cells.get(above)
    left = [] if root is None else [root]
    for cell in left:  # breadth first: it grows on the way
        for id_, child in (cell.children or {}).items():
            if id_ == name:
                return child
            left.append(child)
    return None
