"""How a command ends when it does not succeed: the exit codes, and every error as lines for people.

| code | means |
|---|---|
| 0 | done |
| 1 | the work failed: the outcome is neither `ok` nor `fallback`, or what came out could not be written |
| 1 | of chaos: something did not hold |
| 2 | the command was not used as it should be |
| 65 | TREE is no valid tree, PLAN no valid plan, or they do not fit |
| 70 | the root supervisor gave up or did not start, or Treeward itself failed |
| 130 | interrupted |
"""

from __future__ import annotations

import asyncio
import enum
from typing import TYPE_CHECKING

from ..agents.errors import UnknownAgent
from ..runtime.errors import StartFailed, describe
from ..supervisors.errors import FailedToStart, why_not_started
from ..trees.problems import TreeError

if TYPE_CHECKING:
    from ..trees.problems import Problem

__all__ = ["Code", "Failure", "explained"]


class Code(enum.IntEnum):
    """The exit codes."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INVALID_TREE = 65
    GAVE_UP = 70
    INTERRUPTED = 130


class Failure(Exception):
    """Ends the command with this code; `lines` go to stderr, each with the program's name before it."""

    def __init__(self, code: Code, *lines: str) -> None:
        super().__init__(code, *lines)
        self.code = code
        self.lines = tuple(f"treeward: {line}" for line in lines)


def explained(error: BaseException) -> Failure:
    """Returns any error as what to do about it: which code, and which lines."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, TreeError):
        return _invalid_tree(error)
    return Failure(*_code_and_lines(error))


def _code_and_lines(error: BaseException) -> tuple[Code, *tuple[str, ...]]:
    match error:
        case StartFailed() | FailedToStart():
            return Code.GAVE_UP, why_not_started(error)
        case UnknownAgent():
            return Code.USAGE, str(error)
        case KeyboardInterrupt() | asyncio.CancelledError():
            return Code.INTERRUPTED, "interrupted"
        case BrokenPipeError():
            return (Code.FAILED,)  # whoever read has gone, and wants to hear no more
        case OSError():
            return Code.FAILED, _about_file(error)
        case _:
            return Code.GAVE_UP, f"internal error: {describe(error)} (--debug shows where)"


def _invalid_tree(error: TreeError) -> Failure:
    """Returns the failure whose lines begin with the places in the file, as editors and people expect them."""
    failure = Failure(Code.INVALID_TREE)
    failure.lines = tuple(map(_line, error.problems))
    return failure


def _line(problem: Problem) -> str:
    return str(problem) if problem.line else f"treeward: {problem}"


def _about_file(error: OSError) -> str:
    reason = error.strerror or describe(error)
    return f"{error.filename}: {reason}" if error.filename else reason
