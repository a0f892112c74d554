"""Where somebody is in his code: tasks that wait, and the line from which something was tried."""

from __future__ import annotations

import asyncio
import linecache
import sysconfig
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import TYPE_CHECKING, Any

from ...runtime.dispatch import Begun

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["place_of", "stack_place", "task_line"]

_STEP = asyncio.Handle._run.__code__  # noqa: SLF001 - the frame around everything that a loop runs

_HERE = str(Path(__file__).parent)
_LIBRARY = sysconfig.get_path("stdlib")
_PACKAGES = sysconfig.get_path("purelib")


def task_line(task: asyncio.Task[Any]) -> str:
    """Returns the task's name, what it awaits, outermost first, and the line where it does."""
    links = list(_chain(task.get_coro()))
    names = " > ".join(_name(link) for link in links) or repr(task.get_coro())
    frames = [frame for frame in map(_frame, links) if frame is not None]
    place = place_of(reversed(frames))
    return f"{task.get_name()}: {names}{place and f' at {place}'}"


def _chain(awaited: Any) -> Iterator[Any]:
    """Yields a coroutine, what that awaits, and so on: all that Python lets see."""
    while isinstance(awaited, CoroutineType | GeneratorType | AsyncGeneratorType | Begun):
        if isinstance(awaited, Begun):
            awaited = awaited.rest
            continue
        yield awaited
        if isinstance(awaited, CoroutineType):
            awaited = awaited.cr_await
        elif isinstance(awaited, GeneratorType):
            awaited = awaited.gi_yieldfrom
        else:
            awaited = awaited.ag_await


def _name(link: Any) -> str:
    return str(getattr(link, "__qualname__", type(link).__name__))


def _frame(link: Any) -> FrameType | None:
    for attribute in ("cr_frame", "gi_frame", "ag_frame"):
        if hasattr(link, attribute):
            frame: FrameType | None = getattr(link, attribute)
            return frame
    return None


def stack_place(frame: FrameType | None) -> str:
    """Returns the line of somebody's own code at which a stack stands; `frame` is its innermost one.

    What is below the loop's step is left out: whoever runs the simulation has not tried anything.
    """
    frames = []
    while frame is not None and frame.f_code is not _STEP:
        frames.append(frame)
        frame = frame.f_back
    return place_of(frames)


def place_of(frames: Iterable[FrameType]) -> str:
    """Returns the first line of somebody's own code, innermost first; of a package, where there is none; or of Python.

    Such as `app.py:12 in ask: await self.box.get()`.
    """
    known = [frame for frame in frames if not frame.f_code.co_filename.startswith((_HERE, "<frozen"))]
    own = [frame for frame in known if not _is_library(frame)]
    first = next((frame for frame in own if not _is_installed(frame)), None)
    chosen = first or next(iter(own), None) or next(iter(known), None)
    return "" if chosen is None else _line(chosen)


def _is_library(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_LIBRARY) and not _is_installed(frame)


def _is_installed(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_PACKAGES)


def _line(frame: FrameType) -> str:
    code = frame.f_code
    text = linecache.getline(code.co_filename, frame.f_lineno).strip()
    return f"{code.co_filename}:{frame.f_lineno} in {code.co_name}{text and f': {text}'}"
