"""SIGINT and SIGTERM for work that goes on in steps: the first one ends it behind its step, the second one within."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import Any, Self

__all__ = ["Halt"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Halt:
    """Takes the two signals for the length of the block, in the main thread; from the second on, they interrupt.

    Calling it tells whether the first has come. On a terminal, that one says on stderr what a further one would do.
    """

    def __init__(self) -> None:
        self._came = 0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._take) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def __call__(self) -> bool:
        """Tells whether the work is to end."""
        return self._came > 0

    def _take(self, _number: int, _frame: object) -> None:
        self._came += 1
        if self._came > 1:
            raise KeyboardInterrupt
        if sys.stderr.isatty():
            _say(b"\ntreeward: stopping behind this seed; another signal stops within it\n")


def _say(line: bytes) -> None:
    """Writes to stderr past Python's own buffers and locks, which the interrupted code may hold."""
    with contextlib.suppress(OSError):
        os.write(2, line)
