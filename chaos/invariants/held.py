"""For how long nothing could run: a loop that was held, a process that was suspended."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..world import World

__all__ = ["A_BIT", "Held"]

A_BIT = 1e-6
"""Seconds by which sums of times may differ."""


class Held:
    """The seconds for which a run's loop was held since `begin`: what was due then is late, and nobody is to blame."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.end: Callable[[], None] = lambda: None
        """Ends the counting."""

    def begin(self, world: World) -> None:
        """Begins to count."""
        self.end = world.loop.watch(0.0, self._add)

    def _add(self, seconds: float, _: object) -> None:
        self.seconds += seconds
