"""I4: an address has one live incarnation, which alone handles its messages, and whoever lives has a supervisor."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ...runtime.cell import Phase
from ...runtime.faults import HANDLE
from ...runtime.telemetry import ActorAbandoned, ActorEnded, ActorStarted
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...runtime.cell import Cell
    from ...runtime.faults import Visit
    from ...runtime.system import ActorSystem
    from ...runtime.telemetry import Event
    from ..world import World

__all__ = ["NoOrphans", "OneLife"]


class _Lives(Invariant):
    """Knows who lives, from what the runtime tells: by path, in which incarnation.

    An incarnation that was abandoned runs on, and counts as gone: it is cut off from its address. Its real end, if
    there is one, is told later, when another one may live there.
    """

    events = (ActorStarted, ActorEnded, ActorAbandoned)

    def __init__(self) -> None:
        super().__init__()
        self._cells: Mapping[str, Cell] = {}
        self._alive: dict[str, int] = {}
        self._abandoned: set[tuple[str, int]] = set()

    def started(self, world: World) -> None:
        """Takes note of who lives."""
        self._cells = world.system.cells
        running = (cell for cell in self._cells.values() if cell.phase is Phase.RUNNING)
        self._alive = {cell.path: cell.incarnation for cell in running}

    def event(self, event: Event) -> None:
        """Follows the lives."""
        path, number = event.path, event.incarnation
        if type(event) is ActorStarted:
            self._began(path, number)
            self._alive[path] = number
            return
        if type(event) is ActorAbandoned:
            self._abandoned.add((path, number))
        elif self._is_late(path, number):
            self._abandoned.discard((path, number))
            return
        if self._alive.get(path) == number:
            del self._alive[path]
        if type(event) is ActorEnded:
            self._ended(path, number)

    def _is_late(self, path: str, number: int) -> bool:
        """Tells whether an end is that of an abandoned incarnation: whoever has its number now lives on."""
        cell = self._cells.get(path)
        return (path, number) in self._abandoned and (cell is None or cell.incarnation != number or cell.alive)

    def _began(self, path: str, number: int) -> None:
        """Sees that an incarnation begins; `_alive` is as it was before."""

    def _ended(self, path: str, number: int) -> None:
        """Sees that an incarnation has ended."""


class OneLife(_Lives):
    """An incarnation begins only after the one before it has ended, and only the one that lives handles messages.

    When one has ended, nothing of it runs on; unless it was abandoned, and is counted as such.

    Source: SUPERVISION, sections 1 and 5: one life of a child after the other behind the same ref; an abandoned
    incarnation is disconnected from it, and is never called dead while it is alive.
    """

    name = "I4"
    what = "an address has one live incarnation, which alone handles its messages"
    points = (HANDLE,)

    def __init__(self) -> None:
        super().__init__()
        self._system: ActorSystem | None = None

    def started(self, world: World) -> None:
        """Takes note of who lives."""
        super().started(world)
        self._system = world.system

    def _ended(self, path: str, number: int) -> None:
        system = self._system
        if system is None:
            return
        running = [task for task in asyncio.all_tasks(system.loop) if task.get_name() == path]
        left = set(running) - set(system.abandoned.values())
        if left:
            self.violated(f"{path}: incarnation {number} is said to have ended, and its handler runs on")

    def closed(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Ends."""
        self._system = None

    def _began(self, path: str, number: int) -> None:
        lives = self._alive.get(path)
        if lives is not None:
            self.violated(f"{path}: incarnation {number} began while incarnation {lives} was alive")

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Looks who handles a message."""
        if self._alive.get(visit.path) != visit.incarnation:
            lives = self._alive.get(visit.path)
            now = "none lives" if lives is None else f"incarnation {lives} lives"
            self.violated(f"{visit.path}: incarnation {visit.incarnation} was given a message to handle, but {now}")
        return func


class NoOrphans(_Lives):
    """Whoever has a supervisor does not outlive it: when one ends, all below it have ended.

    Source: SUPERVISION, section 5: stay linked until the end is seen, so that nothing is orphaned if the supervisor
    itself is killed meanwhile.
    """

    name = "I4"
    what = "whoever lives has a living supervisor, also after that was killed while it shut down"

    def _ended(self, path: str, number: int) -> None:
        below = f"{path}/"
        for child in [one for one in self._alive if one.startswith(below) and self._has_supervisor(one)]:
            self.violated(
                f"{child}: incarnation {self._alive[child]} lives, though {path} #{number} above it has ended"
            )

    def _has_supervisor(self, path: str) -> bool:
        cell = self._cells.get(path)
        return cell is None or cell.parent is not None

    def settled(self, world: World) -> None:
        """Looks at all who live."""
        for cell in world.system.cells.values():
            if cell.alive and cell.parent is not None and not cell.parent.alive:
                self.violated(f"{cell.path}: incarnation {cell.incarnation} lives, and {cell.parent.path} does not")

    def closed(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Looks for whoever lives on."""
        for path, number in self._alive.items():
            self.violated(f"{path}: incarnation {number} lives, though the runtime was closed")
