"""Requests from standard input, one a line."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator

__all__ = ["LONGEST", "Input", "Lines", "input_kind"]

LONGEST = 1_000_000
"""Bytes of a request; a longer line is refused."""

AHEAD = 16
"""Lines that are read before somebody wants them."""

_CHUNK = 65_536

Input: TypeAlias = Literal["terminal", "lines", "none"]


def input_kind() -> Input:
    """Tells where requests come from: a `terminal`, the `lines` of a pipe, a socket or a file, or `none`.

    There are none where stdin is closed or is a device such as /dev/null, as a service manager has it, and where it is
    the terminal of a job that runs in the background, which must not read from it.
    """
    if sys.stdin is None:
        return "none"
    try:
        descriptor = sys.stdin.fileno()
        if os.isatty(descriptor):
            return "none" if _in_background(descriptor) else "terminal"
        return "none" if stat.S_ISCHR(os.fstat(descriptor).st_mode) else "lines"
    except (OSError, ValueError):  # no descriptor behind it: a host that has put its own object there
        return "lines"


def _in_background(terminal: int) -> bool:
    try:
        return os.tcgetpgrp(terminal) != os.getpgrp()
    except OSError:  # not the terminal that controls this process: nobody stops it for reading
        return False


class Lines:
    """Reads lines in a thread of its own, and gives them on the event loop: `async for text in Lines()`.

    Each is its text without the end of the line, or a `ValueError` that says why it is none: not UTF-8, or too long.
    Empty lines are passed over. The thread is a daemon that reads from the descriptor itself: it holds no lock that the
    end of the process would wait for. It reads `AHEAD` lines before it waits for somebody to take them.
    """

    def __init__(self, read: Callable[[int], bytes] | None = None) -> None:
        self._read = read or _reader()
        self._loop = asyncio.get_running_loop()
        self._queue: asyncio.Queue[str | ValueError | None] = asyncio.Queue()
        self._room = threading.Semaphore(AHEAD)
        threading.Thread(target=self._run, name="treeward-stdin", daemon=True).start()

    def __aiter__(self) -> Lines:
        return self

    async def __anext__(self) -> str | ValueError:
        line = await self._queue.get()
        self._room.release()
        if line is None:
            raise StopAsyncIteration
        return line

    def _run(self) -> None:
        try:
            for line in _split(self._read):
                self._put(line)
        except OSError as error:
            self._put(ValueError(f"standard input cannot be read: {error.strerror}"))
        self._put(None)

    def _put(self, line: str | ValueError | None) -> None:
        self._room.acquire()
        try:
            self._loop.call_soon_threadsafe(self._queue.put_nowait, line)
        except RuntimeError:  # the loop is closed: nobody is there to take it
            return


def _reader() -> Callable[[int], bytes]:
    try:
        descriptor = sys.stdin.fileno()
    except (OSError, ValueError):
        return cast("io.BufferedReader", sys.stdin.buffer).read1
    return lambda size: os.read(descriptor, size)


def _split(read: Callable[[int], bytes]) -> Iterator[str | ValueError]:
    """Yields what the lines say; remembers of a line that is too long only that it is."""
    number, rest, too_long = 0, b"", False
    while chunk := read(_CHUNK):
        *ended, rest = (rest + chunk).split(b"\n")
        for line in ended:
            number += 1
            yield from _said(line, number, too_long=too_long)
            too_long = False
        if len(rest) > LONGEST:
            rest, too_long = b"", True
    if rest or too_long:
        yield from _said(rest, number + 1, too_long=too_long)


def _said(line: bytes, number: int, *, too_long: bool) -> Iterator[str | ValueError]:
    if too_long or len(line) > LONGEST:
        yield ValueError(f"line {number} is too long: expected at most {LONGEST:,} bytes")
        return
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8").strip()
    except UnicodeDecodeError as error:
        yield ValueError(f"line {number} is not UTF-8: byte 0x{line[error.start]:02x} at position {error.start + 1}")
        return
    if text:
        yield text
