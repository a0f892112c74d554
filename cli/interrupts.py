"""SIGINT and SIGTERM: the first one asks, the second one ends the process at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from typing import TYPE_CHECKING, Any, Self

from .failures import Code

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

__all__ = ["Interrupts"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
    """Takes the two signals for the length of the block, in the main thread.

    The first one calls what `then` was given, on the event loop. The second one restores the terminal (`restore`), and
    leaves without further ado: whatever hangs by then, be it a handler that holds the loop, cannot keep it.
    """

    def __init__(self) -> None:
        self._received: list[signal.Signals] = []
        self.restore: Callable[[], object] = lambda: None
        self.hint = sys.stderr.isatty()
        """Whether the first one says on stderr that a second one would do more."""
        self._then: tuple[asyncio.AbstractEventLoop, Callable[[], object]] | None = None
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._take) for number in _SIGNALS}
        return self

    @property
    def received(self) -> signal.Signals | None:
        """The first signal that came."""
        return self._received[0] if self._received else None

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def then(self, loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
        """Sets what the first signal calls from now on; calls it at once if that signal has come already."""
        self._then = (loop, call)
        if self.received is not None:
            loop.call_soon_threadsafe(call)

    def forget(self) -> None:
        """Takes `then` back: the loop is about to end."""
        self._then = None

    def _take(self, number: int, _frame: object) -> None:
        self._received.append(signal.Signals(number))
        if len(self._received) > 1:  # asked behind the append: a second signal may come within this very function
            self._leave()
        if self.hint:
            _say(b"treeward: stopping; another signal stops it at once\n")
        if self._then is None:
            raise KeyboardInterrupt
        loop, call = self._then
        loop.call_soon_threadsafe(call)

    def _leave(self) -> None:
        self.restore()
        _say(b"treeward: interrupted again, stopped at once\n")
        os._exit(Code.INTERRUPTED)


def _say(line: bytes) -> None:
    """Writes to stderr past Python's own buffers and locks, which the interrupted code may hold."""
    with contextlib.suppress(OSError):
        os.write(2, line)
