"""Memory that faults let incarnations keep, as if they leaked: a restart frees it, and so does healing."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...runtime.system import ActorSystem

__all__ = ["Leaks"]

FILLING = b"\xa5"
"""A page of zeros that was never written takes no memory."""


class Leaks:
    """What was leaked, by those who hold it. On the runtime's loop."""

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._held: dict[_Ballast, None] = {}

    @property
    def bytes(self) -> int:
        """How much is held at present."""
        return sum(len(ballast.memory) for ballast in self._held)

    def keep(self, path: str, incarnation: int, size: int) -> None:
        """Lets an incarnation hold so many bytes more, for as long as it lives; nothing if it does not any more."""
        cell = self._system.cells.get(path)
        if cell is None or not cell.alive or incarnation not in (0, cell.incarnation):
            return
        ballast = _Ballast(self, FILLING * size)
        self._held[ballast] = None
        cell.own(ballast)

    def free(self) -> None:
        """Frees all."""
        for ballast in list(self._held):
            ballast.cancel()

    def forget(self, ballast: _Ballast) -> None:
        """Forgets memory that nobody holds any more."""
        self._held.pop(ballast, None)


class _Ballast:
    """What a cell owns until its incarnation ends, as it does a timer."""

    __slots__ = ("_leaks", "memory")

    def __init__(self, leaks: Leaks, memory: bytes) -> None:
        self._leaks = leaks
        self.memory = memory

    def cancel(self) -> None:
        """Frees the memory."""
        self.memory = b""
        self._leaks.forget(self)
