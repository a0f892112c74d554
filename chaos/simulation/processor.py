"""One processor for all threads of a run: of several that take turns, no two would ever run at the same time.

To hand over to a thread that sleeps on another processor takes many times as long as to one on the same.
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["one_processor"]

_STAT = Path("/proc/thread-self/stat")
_PROCESSOR = 36
"""The place of the processor's number behind the name, see proc_pid_stat(5)."""


@contextlib.contextmanager
def one_processor() -> Iterator[None]:
    """Keeps the calling thread, and those that it starts, on the processor that it is on, for the length of the block.

    Where the system has no such thing, nothing changes.
    """
    allowed = os.sched_getaffinity(0) if sys.platform == "linux" else set()
    here = _processor()
    if here not in allowed:
        yield
        return
    os.sched_setaffinity(0, {here})
    try:
        yield
    finally:
        os.sched_setaffinity(0, allowed)


def _processor() -> int:
    """Returns the number of the processor that runs the calling thread; -1 if nobody says so."""
    try:
        return int(_STAT.read_text("ascii", "replace").rpartition(")")[2].split()[_PROCESSOR])
    except (OSError, ValueError, IndexError):
        return -1
