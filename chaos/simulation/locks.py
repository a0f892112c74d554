"""Locks on which the threads of a simulation wait in virtual time.

All else that blocks in `threading`, `queue` and `concurrent.futures` is made of locks: conditions, events,
semaphores, queues, futures. Below each lock is a real one, so that it goes on being a lock after the run, and for
threads that are in none.
"""

from __future__ import annotations

import _thread
from typing import TYPE_CHECKING, Any

from .place import here

if TYPE_CHECKING:
    from .place import Place

__all__ = ["SimLock", "SimRLock", "new_lock", "new_rlock"]

_REAL_LOCK = _thread.allocate_lock
_REAL_RLOCK = _thread.RLock


class SimLock:
    """As `threading.Lock`. Those who wait look again when it is released; who comes first is drawn."""

    __slots__ = ("__weakref__", "_real", "_waiters")

    _make: Any = staticmethod(_REAL_LOCK)

    def __init__(self) -> None:
        self._real = self._make()
        self._waiters: list[Place] = []

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Takes the lock; as `threading.Lock.acquire`."""
        place = here() if blocking else None
        taken: bool = self._real.acquire(False) if place is not None else self._real.acquire(blocking, timeout)
        if taken or place is None:
            return taken
        return place.wait(self._try, self._waiters, None if timeout < 0 else timeout)

    def _try(self) -> bool:
        taken: bool = self._real.acquire(False)
        return taken

    def release(self) -> None:
        """Gives it back; as `threading.Lock.release`."""
        self._real.release()
        for waiter in self._waiters:
            waiter.wake()

    def locked(self) -> bool:
        """Tells whether somebody has it."""
        taken: bool = self._real.locked()
        return taken

    def __enter__(self) -> bool:
        return self._real.acquire(False) or self.acquire()

    def __exit__(self, *_: object) -> None:
        self._real.release()
        for waiter in self._waiters:
            waiter.wake()

    def _at_fork_reinit(self) -> None:
        self._real._at_fork_reinit()  # noqa: SLF001 - what `threading` does after a fork


class SimRLock(SimLock):
    """As `threading.RLock`."""

    __slots__ = ()

    _make = staticmethod(_REAL_RLOCK)

    # What a condition asks of its lock.

    def _is_owned(self) -> bool:
        owned: bool = self._real._is_owned()  # noqa: SLF001 - as a condition does
        return owned

    def _release_save(self) -> Any:
        state = self._real._release_save()  # noqa: SLF001 - as a condition does
        for waiter in self._waiters:
            waiter.wake()
        return state

    def _acquire_restore(self, state: Any) -> None:
        self.acquire()
        self._real._release_save()  # noqa: SLF001 - nobody else runs meanwhile
        self._real._acquire_restore(state)  # noqa: SLF001 - as a condition does


def new_lock() -> Any:
    """Is `threading.Lock`, during a run."""
    return _REAL_LOCK() if here() is None else SimLock()


def new_rlock() -> Any:
    """Is `threading.RLock`, during a run."""
    return _REAL_RLOCK() if here() is None else SimRLock()
