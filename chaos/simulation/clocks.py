"""The clocks of the process: within a simulation they all show its time.

`datetime.now()` and its kin are C code that asks the system. They are virtual where the package `time-machine` is
installed (`pip install treeward[chaos]`); `DATETIME` says whether it is.
"""

from __future__ import annotations

import contextlib
import functools
import time  # noqa: TID251 - these are the clocks that it replaces
from typing import TYPE_CHECKING, Any

from .place import here

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .loop import SimLoop
    from .patching import Patches

try:
    import time_machine
except ImportError:
    time_machine = None  # type: ignore[assignment]

__all__ = ["DATETIME", "patch_clocks", "virtual_datetime"]

DATETIME = hasattr(time_machine, "Traveller")  # from version 3 on: the older ones move other threads' clocks as well
"""Whether `datetime.now()` shows the simulation's time."""

NANOSECONDS = 1_000_000_000

_ELAPSED = ("monotonic", "perf_counter", "process_time", "thread_time")
_REALTIME: Any = getattr(time, "CLOCK_REALTIME", None)


def _elapsed(loop: SimLoop) -> float:
    return loop.time()


def _wall(loop: SimLoop) -> float:
    return loop.wall()


def patch_clocks(patches: Patches) -> None:
    """Replaces what `time` has."""
    for name, read in {"time": _wall, **dict.fromkeys(_ELAPSED, _elapsed)}.items():
        _replace(patches, name, functools.partial(_seconds, read))
        _replace(patches, f"{name}_ns", functools.partial(_nanoseconds, read))
    for name in ("localtime", "gmtime", "ctime"):
        _replace(patches, name, _of_now)
    _replace(patches, "strftime", _strftime)
    _replace(patches, "clock_gettime", _clock)
    _replace(patches, "clock_gettime_ns", _clock_ns)
    _replace(patches, "sleep", _sleep)


def _replace(patches: Patches, name: str, make: Callable[[Any], Any]) -> None:
    original = getattr(time, name, None)
    if original is not None:  # not every system has every clock
        patches.everywhere(original, make(original))


def _seconds(read: Callable[[SimLoop], float], original: Callable[[], float]) -> Callable[[], float]:
    def seconds() -> float:
        place = here()
        return original() if place is None else read(place.loop)

    return seconds


def _nanoseconds(read: Callable[[SimLoop], float], original: Callable[[], int]) -> Callable[[], int]:
    def nanoseconds() -> int:
        place = here()
        return original() if place is None else round(read(place.loop) * NANOSECONDS)

    return nanoseconds


def _of_now(original: Callable[..., Any]) -> Callable[..., Any]:
    def of_now(seconds: float | None = None, /) -> Any:
        place = here()
        return original(place.loop.wall() if seconds is None and place is not None else seconds)

    return of_now


def _strftime(original: Callable[..., str]) -> Callable[..., str]:
    def strftime(text: str, *when: Any) -> str:
        return original(text, *(when or (time.localtime(),)))

    return strftime


def _clock(original: Callable[[int], float]) -> Callable[[int], float]:
    def clock(which: int, /) -> float:
        place = here()
        return original(which) if place is None else _shown(place.loop, which)

    return clock


def _clock_ns(original: Callable[[int], int]) -> Callable[[int], int]:
    def clock_ns(which: int, /) -> int:
        place = here()
        return original(which) if place is None else round(_shown(place.loop, which) * NANOSECONDS)

    return clock_ns


def _shown(loop: SimLoop, which: int) -> float:
    return loop.wall() if which == _REALTIME else loop.time()


def _sleep(original: Callable[[float], None]) -> Callable[[float], None]:
    def sleep(seconds: float, /) -> None:
        place = here()
        if place is None:
            original(seconds)
        elif seconds < 0:
            raise ValueError("sleep length must be non-negative")
        else:
            place.sleep(seconds)

    return sleep


@contextlib.contextmanager
def virtual_datetime() -> Iterator[None]:
    """Lets `datetime.now()` show the simulation's time, to threads that are in one; as far as `DATETIME`."""
    if not DATETIME:
        yield
        return
    journey = time_machine.travel(0.0, tick=False)
    traveller: Any = journey.start()
    traveller.time_ns = _wall_ns  # it is asked each time that somebody wants to know
    try:
        yield
    finally:
        journey.stop()


def _wall_ns() -> int:
    place = here()
    if place is None:
        return time_machine.escape_hatch.time.time_ns()
    return round(place.loop.wall() * NANOSECONDS)
