"""Whose turn it is: the actors that have something to do, run one after the other in few callbacks of the loop."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import contextvars

    from .cell import Cell
    from .system import ActorSystem

__all__ = ["Turns"]

RUNS = 64
"""Cells that run before the loop's other work gets its turn."""


class Turns:
    """The cells of one system that want to run, the oldest first. On the loop.

    A loop that puts all that is ready into an order of its own, as a simulated one does, has an attribute `turns_apart`
    that is true: each turn is then a callback by itself, `Cell.take_turn`.
    """

    __slots__ = ("_apart", "_context", "_scheduled", "_system", "_waiting")

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._apart: bool = getattr(system.loop, "turns_apart", False)
        self._waiting: deque[Cell] = deque()
        self._scheduled = False
        self._context: contextvars.Context | None = None

    def add(self, cell: Cell) -> None:
        """Lets a cell run when its turn comes."""
        if self._apart:
            self._system.loop.call_soon(cell.take_turn, context=self._system.context.copy())
            return
        self._waiting.append(cell)
        if not self._scheduled:
            self._scheduled = True
            self._schedule()

    def _schedule(self) -> None:
        if self._context is None:
            self._context = self._system.context.copy()  # one for all runs: each handler gets a copy of its own
        self._system.loop.call_soon(self._run, context=self._context)

    def _run(self) -> None:
        """Runs the cells that wait, and those that they wake, until the loop's other work wants its turn."""
        system, waiting, left = self._system, self._waiting, RUNS
        try:
            while waiting and left:
                left -= 1
                cell = system.running = waiting.popleft()
                if cell.run():
                    break
        finally:
            system.running = None
            if waiting:
                self._schedule()
            else:
                self._scheduled = False
