"""A wall clock that jumps, or stands still: what it shows in the place of the right time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ...runtime.system import ActorSystem

__all__ = ["Wall"]


class Wall:
    """Puts itself before the wall clock of a system; in a simulation, before the one of the whole simulated process.

    The monotonic time, by which timers and deadlines go, is left alone.
    """

    def __init__(self, system: ActorSystem) -> None:
        self._clock: Any = next((one for one in (system.loop, system.clock) if hasattr(one, "shown")), None)
        self._right = 0.0
        self._ahead = 0.0
        self._stands_at = 0.0
        self._stands_until = float("-inf")

    @property
    def is_there(self) -> bool:
        """Whether the clock can be changed: not one of somebody's own."""
        return self._clock is not None

    def jump(self, seconds: float) -> None:
        """Puts the clock forward, or back."""
        self._look()
        self._ahead += seconds
        self._stands_at += seconds

    def freeze(self, seconds: float) -> None:
        """Lets the clock stand still for so long; then it shows at once what it would show anyway."""
        shown = self._look()
        self._stands_at = shown
        self._stands_until = max(self._stands_until, self._right + seconds)

    def put_right(self) -> None:
        """Has the right time shown again."""
        if self._clock is not None and self._clock.shown == self._show:
            self._clock.shown = None

    def _look(self) -> float:
        """Takes its place before the clock, and returns what that shows; the right time is noted on the way."""
        self._clock.shown = self._show
        read = getattr(self._clock, "wall", None) or self._clock.time
        shown: float = read()
        return shown

    def _show(self, right: float) -> float:
        self._right = right
        return self._stands_at if right < self._stands_until else right + self._ahead
