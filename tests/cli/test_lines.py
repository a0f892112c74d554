"""Requests from standard input, one a line."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest

from treeward.cli.lines import AHEAD, LONGEST, Lines, input_kind


def reader(data, size=None):
    """Returns a `read` that gives the data in pieces of that size."""
    pieces = [data] if size is None else [data[i : i + size] for i in range(0, len(data), size)]
    given = iter([*pieces, b""])
    return lambda _: next(given, b"")


async def said(data, size=None):
    """Returns texts, and of what is none the message in a list."""
    return [line if isinstance(line, str) else [str(line)] async for line in Lines(reader(data, size))]


@pytest.mark.realtime
@pytest.mark.parametrize("size", [None, 1, 2, 7])
@pytest.mark.parametrize(
    ("data", "texts"),
    [
        (b"", []),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\r\n\r\n \t\ntwo\r\n", ["one", "two"]),
        ("ümlaut\n漢字\n".encode(), ["ümlaut", "漢字"]),
        (b"\xef\xbb\xbfmarked\n", ["marked"]),
        (b"one\nb\xffd\ntwo\n", ["one", ["line 2 is not UTF-8: byte 0xff at position 2"], "two"]),
        (b"one\n\xc3", ["one", ["line 2 is not UTF-8: byte 0xc3 at position 1"]]),
    ],
)
async def test_lines_are_requests(data, texts, size):
    """Each line that says something is a request, however the bytes come; one that is no text is answered in words."""
    assert await said(data, size) == texts


@pytest.mark.realtime
async def test_a_line_that_is_too_long_is_refused():
    """A line has an end, or it would fill the memory; those around it are not lost."""
    data = b"before\n" + b"x" * (LONGEST + 1) + b"\n" + b"y" * LONGEST + b"\n" + b"z" * (2 * LONGEST)
    first, second, third, fourth = await said(data, 65_536)
    assert first == "before"
    assert second == [f"line 2 is too long: expected at most {LONGEST:,} bytes"]
    assert len(third) == LONGEST
    assert fourth == [f"line 4 is too long: expected at most {LONGEST:,} bytes"]


@pytest.mark.realtime
async def test_no_more_is_read_than_somebody_wants():
    """The reading waits for the work: a pipe that never ends does not fill the memory."""
    asked = threading.Event()
    count = 0

    def read(_):
        nonlocal count
        count += 1
        if count > AHEAD + 1:
            asked.set()
        return b"request\n" if count < 100 else b""

    lines = Lines(read)
    first = await anext(lines)
    await asyncio.to_thread(asked.wait, 5)
    assert first == "request"
    assert count <= AHEAD + 3
    assert len([line async for line in lines]) == 98


@pytest.mark.realtime
async def test_an_error_of_the_input_is_its_end():
    """Where standard input cannot be read, that is said, and nothing more comes."""

    def read(_):
        raise OSError(5, "Input/output error")

    (line,) = [line async for line in Lines(read)]
    assert str(line) == "standard input cannot be read: Input/output error"


class Stdin:
    """Stands in for `sys.stdin`."""

    def __init__(self, descriptor):
        self._descriptor = descriptor

    def fileno(self):
        if isinstance(self._descriptor, Exception):
            raise self._descriptor
        return self._descriptor


def test_a_closed_stdin_gives_no_requests(monkeypatch):
    """Without standard input, nobody asks."""
    monkeypatch.setattr(sys, "stdin", None)
    assert input_kind() == "none"


def test_dev_null_gives_no_requests(monkeypatch):
    """A device that is no terminal is what a service manager puts there: it is not an input that has ended."""
    with Path(os.devnull).open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert input_kind() == "none"


def test_a_pipe_gives_lines(monkeypatch):
    """A pipe is read to its end."""
    ends = os.pipe()
    try:
        monkeypatch.setattr(sys, "stdin", Stdin(ends[0]))
        assert input_kind() == "lines"
    finally:
        for end in ends:
            os.close(end)


def test_a_file_gives_lines(monkeypatch, tmp_path):
    """A file is read to its end."""
    (tmp_path / "requests").write_text("one\n")
    with (tmp_path / "requests").open() as file:
        monkeypatch.setattr(sys, "stdin", file)
        assert input_kind() == "lines"


def test_a_stdin_without_a_descriptor_gives_lines(monkeypatch):
    """What a host has put in the place of standard input is read, whatever it is."""
    monkeypatch.setattr(sys, "stdin", Stdin(ValueError("no descriptor")))
    assert input_kind() == "lines"


@pytest.fixture
def terminal(monkeypatch):
    """A terminal as standard input."""
    ends = os.openpty()
    monkeypatch.setattr(sys, "stdin", Stdin(ends[1]))
    yield ends[1]
    for end in ends:
        os.close(end)


def test_a_terminal_is_one(terminal):
    """A person types at a terminal; also at one that does not control this process."""
    assert input_kind() == "terminal"


@pytest.mark.parametrize(("group", "kind"), [(os.getpgrp(), "terminal"), (os.getpgrp() + 1, "none")])
def test_a_job_in_the_background_gets_no_requests(terminal, monkeypatch, group, kind):
    """The terminal belongs to the job in the foreground; one in the background would be stopped for reading from it."""
    monkeypatch.setattr(os, "tcgetpgrp", lambda _: group)
    assert input_kind() == kind
