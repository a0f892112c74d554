"""The time of a test: it passes, it jumps, it stands still."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ..faults.fired import Fired
from ..faults.wall import Wall
from ..plans.amounts import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..simulation.loop import SimLoop

__all__ = ["SimClock"]


class SimClock:
    """Two clocks: the one that timers and deadlines go by (monotonic), and the one on the wall.

    What is done to them happens at once, whether or not a tree runs by now.
    """

    def __init__(self, loop: SimLoop, told: Callable[[Fired], object]) -> None:
        system: Any = SimpleNamespace(loop=loop, clock=None)
        self._loop = loop
        self._told = told
        self._wall = Wall(system)

    @property
    def now(self) -> float:
        """Seconds since the test began."""
        return self._loop.time()

    @property
    def wall(self) -> float:
        """What the clock on the wall shows, in seconds since 1970."""
        return self._loop.wall()

    async def advance(self, seconds: float) -> None:
        """Lets time pass, with all that happens in it."""
        await asyncio.sleep(seconds)

    def suspend(self, seconds: float) -> None:
        """Lets time pass while nothing runs, as in a laptop that is closed: all that was due is late."""
        self._tell("suspended process", "suspend", seconds)
        self._loop.leap(seconds)

    def jump(self, seconds: float) -> None:
        """Puts the wall clock forward, or back; timers and deadlines do not look at it."""
        self._tell("clock jump", "jump", seconds)
        self._wall.jump(seconds)

    def freeze(self, seconds: float) -> None:
        """Lets the wall clock stand still for a time."""
        self._tell("clock freeze", "freeze", seconds)
        self._wall.freeze(seconds)

    def put_right(self) -> None:
        """Lets the wall clock show the right time again."""
        self._wall.put_right()

    def _tell(self, kind: str, action: str, seconds: float) -> None:
        self._told(Fired("the test", 1, kind, f"{action}({Span(seconds, seconds)})", "clock", "", 0, self.now))
