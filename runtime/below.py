"""The cells below another one: all of them, and their end with it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .cell import Cell

__all__ = ["below", "kill_below"]


def below(cell: Cell) -> Iterator[Cell]:
    """Yields the cells below one, each before those below it. A tree may be higher than Python's stack is deep."""
    left = list((cell.children or {}).values())
    while left:
        cell = left.pop()
        yield cell
        left += (cell.children or {}).values()


def kill_below(cell: Cell, then: Callable[[], None]) -> bool:
    """Kills every cell below that still lives; tells whether children take their time: `then` is called after the last.

    On the runtime's loop; `then` in a callback of its own.
    """
    for one in reversed(list(below(cell))):  # the deepest first: none has to kill others in its turn
        one.kill()
    waiting = {child for child in (cell.children or {}).values() if child.alive}

    def one_less(child: Cell) -> None:
        waiting.discard(child)
        if not waiting:
            cell.loop.call_soon(then)  # not within: a tree may be higher than Python's stack is deep

    for child in list(waiting):
        child.when_ended(functools.partial(one_less, child))
    return bool(waiting)
