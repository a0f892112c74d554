"""A terminal that gives every key at once, and that can be put aside (Ctrl-Z) and taken up again."""

from __future__ import annotations

import asyncio
import codecs
import os
import signal
import sys
import termios
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Terminal"]

_PASTE_ON, _PASTE_OFF, _CURSOR_ON = b"\x1b[?2004h", b"\x1b[?2004l", b"\x1b[?25h"


class Terminal:
    """Reads keys from standard input for the length of the block, on the event loop.

    Args:
        keys: gets what was typed, as text; `""` once when the terminal is gone.
        put_aside, taken_up: called before the process is suspended, and when it goes on.
        resized: called when the window has another size.

    Ctrl-C and Ctrl-Z are signals as ever; Ctrl-S and Ctrl-Q are keys: a stopped terminal must not stop the tree.
    """

    def __init__(
        self,
        keys: Callable[[str], object],
        put_aside: Callable[[], object],
        taken_up: Callable[[], object],
        resized: Callable[[], object],
    ) -> None:
        self._keys = keys
        self._put_aside = put_aside
        self._taken_up = taken_up
        self._resized = resized
        self._in, self._out = sys.stdin.fileno(), sys.stdout.fileno()
        self._before: list[Any] | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._before = termios.tcgetattr(self._in)
        self._take()
        self._loop.add_reader(self._in, self._read)
        self._loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        self._loop.add_signal_handler(signal.SIGWINCH, self._resized)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.remove_reader(self._in)
        self._loop.remove_signal_handler(signal.SIGTSTP)
        self._loop.remove_signal_handler(signal.SIGWINCH)
        self.restore()

    def restore(self, said: bytes = b"") -> None:
        """Gives the terminal back as it was found. From any thread, also in a signal handler; more than once, too."""
        if self._before is not None:
            self._set(self._before, _PASTE_OFF + _CURSOR_ON + said)

    def abandon(self) -> None:
        """As `restore`, for a process that leaves its drawing where it is: what comes next begins on a new line."""
        self.restore(b"\r\n")

    def _take(self) -> None:
        assert self._before is not None  # noqa: S101 - __enter__ read it
        mode: list[Any] = [item[:] if isinstance(item, list) else item for item in self._before]
        mode[0] &= ~termios.IXON
        mode[3] &= ~(termios.ICANON | termios.ECHO)
        mode[6][termios.VMIN], mode[6][termios.VTIME] = 1, 0
        self._set(mode, _PASTE_ON)

    def _set(self, mode: list[Any], said: bytes) -> None:
        try:
            termios.tcsetattr(self._in, termios.TCSADRAIN, mode)
            os.write(self._out, said)
        except (OSError, termios.error):  # the terminal is gone: nothing is left to be set
            return

    def _read(self) -> None:
        try:
            data = os.read(self._in, 4096)
        except BlockingIOError:
            return
        except OSError:  # a terminal that is gone reads as an error
            data = b""
        if not data:
            self._loop.remove_reader(self._in)
        text = self._decoder.decode(data)
        if text or not data:
            self._keys(text)

    def _suspend(self) -> None:
        """Does what Ctrl-Z is for, with the terminal as the shell knows it; goes on here when the shell says so."""
        self._put_aside()
        self.restore()
        self._loop.remove_signal_handler(signal.SIGTSTP)
        os.kill(os.getpid(), signal.SIGTSTP)
        self._loop.add_signal_handler(signal.SIGTSTP, self._suspend)
        self._take()
        self._taken_up()
