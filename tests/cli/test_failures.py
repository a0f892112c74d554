"""Every error as lines and an exit code."""

from __future__ import annotations

import asyncio

import pytest

from treeward.agents.errors import UnknownAgent
from treeward.cli.failures import Code, Failure, explained
from treeward.runtime.errors import StartFailed
from treeward.supervisors.errors import FailedToStart
from treeward.trees.problems import Problem, TreeError

DEEP = StartFailed("office", FailedToStart("archive", FailedToStart("sleeper", ValueError("no\nbed"))))
LATE = FailedToStart("archive", FailedToStart("sleeper", StartFailed("office/archive/sleeper", "on_start took long")))

ERRORS = [
    (KeyboardInterrupt(), Code.INTERRUPTED, ["treeward: interrupted"]),
    (asyncio.CancelledError(), Code.INTERRUPTED, ["treeward: interrupted"]),
    (BrokenPipeError(32, "Broken pipe"), Code.FAILED, []),
    (PermissionError(13, "Permission denied", "made.yaml"), Code.FAILED, ["treeward: made.yaml: Permission denied"]),
    (OSError(28, "No space left on device"), Code.FAILED, ["treeward: No space left on device"]),
    (UnknownAgent("bilin", ("billing",)), Code.USAGE, ["treeward: there is no agent 'bilin': did you mean billing?"]),
    (DEEP, Code.GAVE_UP, ["treeward: office/archive/sleeper did not start: ValueError: no bed"]),
    (LATE, Code.GAVE_UP, ["treeward: office/archive/sleeper did not start: on_start took long"]),
    (TypeError("odd"), Code.GAVE_UP, ["treeward: internal error: TypeError: odd (--debug shows where)"]),
    (Failure(Code.USAGE, "wrong", "twice"), Code.USAGE, ["treeward: wrong", "treeward: twice"]),
]


@pytest.mark.parametrize(("error", "code", "lines"), ERRORS, ids=lambda value: type(value).__name__)
def test_an_error_has_a_code_and_lines(error, code, lines):
    """Each kind of error ends the command with its own code, and says in one line what it is about."""
    failure = explained(error)
    assert (failure.code, list(failure.lines)) == (code, lines)


def test_the_faults_of_a_tree_begin_with_their_places():
    """A fault that has a place begins with it, as editors expect; one that has none begins with the program's name."""
    faults = [Problem("a.yaml", 3, 7, "it is wrong", "right"), Problem("b.yaml", 0, 0, "it cannot be read")]
    failure = explained(TreeError(faults))
    assert failure.code == Code.INVALID_TREE
    assert failure.lines == ("a.yaml:3:7: it is wrong; expected right", "treeward: b.yaml: it cannot be read")
