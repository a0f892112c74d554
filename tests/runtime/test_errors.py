"""The errors: their data, their words, and their place in pykka's tree."""

from __future__ import annotations

import inspect

import pykka
import pytest

from treeward.runtime import errors
from treeward.runtime.exits import Exit

MADE = [
    (errors.ActorCrashed("a/b", 2, ValueError("bad")), "a/b (incarnation 2) crashed: ValueError: bad"),
    (errors.ActorCrashed("a/b", 1, Exit.KILLED), "a/b (incarnation 1) crashed: killed"),
    (errors.ActorStopped("a/b"), "a/b is stopped: it takes no messages"),
    (errors.ActorStopped("a/b", Exit.NORMAL), "a/b is stopped (normal): it takes no messages"),
    (errors.ActorStopped("a/b", ValueError("x")), "a/b is stopped (ValueError: x): it takes no messages"),
    (errors.AskTimeout("a/b", 1.5), "a/b did not reply within 1.5 s"),
    (errors.StartFailed("a/b", KeyError("k")), "a/b did not start: KeyError: 'k'"),
]


@pytest.mark.parametrize(("error", "words"), MADE, ids=[words for _, words in MADE])
def test_words(error, words):
    """Each error says in one line whom it is about and what happened."""
    assert str(error) == words
    assert error.path == "a/b"


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (errors.MailboxFull("a", 3), "send less, or declare another policy"),
        (errors.NameTaken("a", "desk", "b"), "choose another, or stop it first"),
        (errors.WouldBlock("ask()"), "`await` it, or use a thread"),
        (errors.SystemClosed("main"), "use it inside its `with` block"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_words_say_how_to_mend_it(error, mend):
    """An error that the caller can mend says how."""
    assert str(error).endswith(mend)


def test_errors_carry_their_data():
    """What a program wants to know is an attribute."""
    cause = ValueError("bad")
    crashed, full = errors.ActorCrashed("a", 2, cause), errors.MailboxFull("a", 3)
    taken, stopped = errors.NameTaken("a", "desk", "b"), errors.ActorStopped("a", Exit.KILLED)
    assert (crashed.incarnation, crashed.cause) == (2, cause)
    assert (full.capacity, taken.name, taken.owner) == (3, "desk", "b")
    assert stopped.reason is Exit.KILLED
    assert errors.AskTimeout("a", 2.0).seconds == 2.0
    assert errors.StartFailed("a", cause).cause is cause


@pytest.mark.parametrize(
    ("error", "kinds"),
    [
        (errors.ActorStopped("a"), (pykka.ActorDeadError,)),
        (errors.AskTimeout("a", 1), (pykka.Timeout, TimeoutError)),
    ],
    ids=["ActorStopped", "AskTimeout"],
)
def test_code_that_catches_pykkas_errors_goes_on_working(error, kinds):
    """An error is also pykka's, and Python's, where they have one."""
    assert all(isinstance(error, kind) for kind in kinds)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes():
    """Every error class is drawn in the module's docstring."""
    classes = [cls for _, cls in inspect.getmembers(errors, inspect.isclass) if cls.__module__ == errors.__name__]
    assert [cls.__name__ for cls in classes if cls.__name__ not in errors.__doc__] == []
    assert all(issubclass(cls, errors.TreewardError) for cls in classes)
