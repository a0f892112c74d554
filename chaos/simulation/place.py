"""Which of the process's threads are in a simulation: what is patched acts as it always does in all others."""

from __future__ import annotations

import contextlib
from _thread import get_ident
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .loop import SimLoop
    from .threads import Threads

__all__ = ["PLACES", "Place", "here", "outside"]


class Place(ABC):
    """A thread that is in a simulation: that of the loop, or one that code there has started."""

    loop: SimLoop
    """The loop of the simulation."""

    threads: Threads
    """All threads of the simulation, but the loop's."""

    @abstractmethod
    def wait(self, ready: Callable[[], bool], waiters: list[Any], seconds: float | None) -> bool:
        """Waits until `ready()`, asked each time that somebody has called `wake` on those in `waiters`.

        Returns False if virtual `seconds` have gone by before.
        """

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Is `time.sleep`."""

    @abstractmethod
    def wake(self) -> None:
        """Has `wait` look again."""

    @abstractmethod
    def new_loop(self) -> Any:
        """Returns an event loop for this thread; None if an ordinary one will do."""

    @abstractmethod
    def who(self) -> str:
        """Says who it is that runs here at present."""


PLACES: dict[int, Place] = {}
"""By the thread's ident."""


def here() -> Place | None:
    """Returns what the calling thread is in a simulation; None if it is in none."""
    return PLACES.get(get_ident())


@contextlib.contextmanager
def outside() -> Iterator[None]:
    """Takes the calling thread out of its simulation within the block, so that nothing is simulated for it."""
    ident = get_ident()
    place = PLACES.pop(ident, None)
    try:
        yield
    finally:
        if place is not None:
            PLACES[ident] = place
