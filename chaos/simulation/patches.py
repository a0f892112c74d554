"""All that is replaced in the process while a simulation runs; one runs at a time."""

from __future__ import annotations

import _thread
import asyncio.events
import concurrent.futures
import contextlib
import itertools
import queue
import threading
from typing import TYPE_CHECKING, Any

from .clocks import patch_clocks, virtual_datetime
from .entropy import patch_entropy, seeded_random
from .escapes import patch_escapes
from .locks import new_lock, new_rlock
from .patching import Patches
from .place import PLACES, here
from .thread_loop import ThreadLoop
from .threads import LoopPlace, Threads, join_thread, start_thread

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .loop import SimLoop

__all__ = ["simulated"]

_ONE_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def simulated(loop: SimLoop) -> Iterator[Threads]:
    """Makes the calling thread that of a simulation, for the block: clocks, randomness, threads, and what is refused.

    Yields the threads that code in it starts; they are ended with the block, and one that does not end is an escape.
    Whatever is replaced acts as ever in all other threads of the process, and is given back as it was.

    Raises:
        RuntimeError: a simulation runs in this process; what it replaces is there only once.
    """
    if not _ONE_AT_A_TIME.acquire(blocking=False):
        raise RuntimeError("a simulation runs already in this process: end it first, or await its coroutine in there")
    try:
        with _replaced(), seeded_random(loop), virtual_datetime(), _entered(loop) as threads:
            yield threads
    finally:
        _ONE_AT_A_TIME.release()


@contextlib.contextmanager
def _entered(loop: SimLoop) -> Iterator[Threads]:
    threads = Threads(loop, ThreadLoop)
    ident = _thread.get_ident()
    PLACES[ident] = LoopPlace(loop, threads)
    try:
        yield threads
    finally:
        threads.end()
        del PLACES[ident]


@contextlib.contextmanager
def _replaced() -> Iterator[None]:
    patches = Patches()
    patch_clocks(patches)
    patch_entropy(patches)
    patch_escapes(patches)
    _patch_threads(patches)
    try:
        patches.apply()
        yield
    finally:
        patches.undo()


def _patch_threads(patches: Patches) -> None:
    simple_queue: Any = queue.SimpleQueue  # C code, which blocks where nobody sees it
    new_event_loop = asyncio.events.new_event_loop
    patches.everywhere(_thread.allocate_lock, new_lock)
    patches.everywhere(threading.Lock, new_lock)
    patches.everywhere(threading.RLock, new_rlock)
    patches.set(threading, "_counter", itertools.count(1).__next__)  # for names that are the same in every run
    patches.set(concurrent.futures.ThreadPoolExecutor, "_counter", itertools.count().__next__)
    patches.set(threading.Thread, "start", start_thread)
    patches.set(threading.Thread, "join", join_thread)
    in_python: Any = queue._PySimpleQueue  # type: ignore[attr-defined]  # noqa: SLF001 - where there is no C
    patches.everywhere(simple_queue, lambda: simple_queue() if here() is None else in_python())
    patches.everywhere(new_event_loop, lambda: _new_loop() or new_event_loop())


def _new_loop() -> Any:
    place = here()
    return None if place is None else place.new_loop()
