"""I8: what a run has begun ends with it: tasks, timers, threads, open files, memory."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..world import World

__all__ = ["NothingLeft"]

OPEN_FILES = Path("/proc/self/fd")


class NothingLeft(Invariant):
    """While the tree runs, no handler goes on for an actor that is not busy; after the close, nothing is left.

    It is made before the runtime is: what runs on the loop by then is not the runtime's. It is told of the close when
    all that was cancelled has had the time to end. What an abandoned incarnation still runs is counted by the runtime,
    and not held against it. Open files and memory are looked at by `gone` alone: what an error has held fast, the
    garbage collector has to find first.

    Source: RELIABILITY, I8; docs/embedding.md: nothing of a runtime lasts beyond its block.
    """

    name = "I8"
    what = "tasks, timers, threads, open files and memory return to what they were"

    def __init__(self) -> None:
        super().__init__()
        self._threads = frozenset(threading.enumerate())
        self._files = _open_files()
        self._others = weakref.WeakSet(_running_tasks())
        """Tasks of others, which were there before: they may live on, with timers of their own."""
        self._system: weakref.ref[Any] | None = None

    def settled(self, world: World) -> None:
        """Looks for handlers that nobody knows of."""
        cells, excused = world.system.cells, set(world.system.abandoned.values())
        for task in asyncio.all_tasks(world.loop):
            cell = cells.get(task.get_name())
            if cell is not None and not cell.busy and task not in excused:
                self.violated(f"a handler of {cell.path} still runs, though the actor is not busy")

    def closed(self, world: World) -> None:
        """Looks for tasks, timers, threads and actors."""
        self._system = weakref.ref(world.system)
        for what in self._left(world):
            self.violated(f"{what} is left after the close")

    def _left(self, world: World) -> Iterator[str]:
        here = asyncio.current_task(world.loop)
        excused = {here, *self._others, *world.system.abandoned.values()}
        tasks = sorted(task.get_name() for task in asyncio.all_tasks(world.loop) - excused)
        yield from (f"the task {name}" for name in tasks)
        if all(task is here or task.done() for task in self._others):
            yield from (f"the timer {timer}" for timer in world.loop.timers())
        yield from (f"the actor {cell.path}" for cell in world.system.cells.values())
        if not world.system.abandoned:
            left = [thread.name for thread in threading.enumerate() if thread not in self._threads]
            yield from (f"the thread {name}" for name in sorted(left))

    def gone(self) -> None:
        """Looks for open files, and whether the actor system has gone."""
        if self._system is not None and self._system() is not None:
            self.violated("the actor system is still in memory, though nobody holds it: something keeps it")
        left = [target for number, target in _open_files().items() if number not in self._files]
        if left:
            self.violated(f"{len(left)} open files are left: {', '.join(sorted(set(left)))}")


def _running_tasks() -> set[asyncio.Task[Any]]:
    """Returns the tasks of the loop that runs here, if one does."""
    try:
        return asyncio.all_tasks()
    except RuntimeError:
        return set()


def _open_files() -> dict[int, str]:
    """Returns the descriptors that are open and what each is, where the operating system can say so."""
    found: dict[int, str] = {}
    for entry in OPEN_FILES.iterdir() if OPEN_FILES.is_dir() else ():
        with contextlib.suppress(FileNotFoundError):  # the listing's own is gone by now
            found[int(entry.name)] = _kind(entry.readlink().name)
    return found


def _kind(target: str) -> str:
    """Returns what a descriptor is, without what is another one in each run: of `socket:[4711]` the first word."""
    return target.partition(":[")[0]
