"""The event loop of a thread, as `asyncio.run` makes one there: a part of the simulation as well."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from .loop import SimLoop

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from .threads import SimThread

__all__ = ["ThreadLoop"]


class ThreadLoop(SimLoop):
    """Has its own queue; time, trace and all that is drawn are the simulation's. Where it is idle, its thread is."""

    def __init__(self, thread: SimThread) -> None:
        self._outer = outer = thread.loop
        super().__init__(outer.seed, policy=outer.policy, epoch=outer.epoch, livelock_after=outer.livelock_after)
        self._thread = thread
        self._idles = False
        outer.others.append(self.waiting)

    def _begin(self, *, keep_trace: bool) -> None:  # noqa: ARG002 - the simulation's own loop has seen to it
        outer = self._outer
        self.schedule_rng, self.world, self.entropy = outer.schedule_rng, outer.world, outer.entropy
        self.trace, self.unhandled, self.numbers = outer.trace, outer.unhandled, outer.numbers

    @property
    def _now(self) -> float:
        return self._outer.time()

    @_now.setter
    def _now(self, when: float) -> None:
        self._outer.move_to(when)

    def _idle(self) -> None:
        self._idles = True
        try:
            self._thread.park_until(self.next_timer())
        finally:
            self._idles = False
        self._new_moment()

    def _write_to_self(self) -> None:
        """Wakes the thread, if it waits for work."""
        if self._idles:
            self._thread.wake()

    def close(self) -> None:
        """Closes the loop."""
        if self.waiting in self._outer.others:
            self._outer.others.remove(self.waiting)
        super().close()

    # What is the simulation's.

    def wall(self) -> float:
        """Returns the wall clock's time."""
        return self._outer.wall()

    def move_to(self, when: float) -> None:
        """Moves the simulation's time on."""
        self._outer.move_to(when)

    def held(self, seconds: float, frame: FrameType | None) -> None:
        """Tells those who watch over the simulation's loop."""
        self._outer.held(seconds, frame)

    def watch(self, limit: float, held: Callable[[float, FrameType | None], object]) -> Callable[[], None]:
        """Watches over the simulation's loop."""
        return self._outer.watch(limit, held)

    def fail(self, error: Exception) -> NoReturn:
        """Ends the whole run."""
        self._outer.fail(error)
