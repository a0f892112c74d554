"""Problems: one line each, and never more than one."""

import copy
import pickle

import pytest

from treeward.runtime.errors import TreewardError
from treeward.trees.problems import Problem, TreeError, alternatives, did_you_mean, quoted


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("a.yaml", 3, 7, "x is 1"), "a.yaml:3:7: x is 1"),
        (Problem("a.yaml", 3, 7, "x is 1", "2"), "a.yaml:3:7: x is 1; expected 2"),
        (
            Problem("a.yaml", 3, 7, "x is 1", "2", "did you mean 'y'?"),
            "a.yaml:3:7: x is 1; expected 2; did you mean 'y'?",
        ),
        (Problem("a.yaml", 0, 0, "it is gone"), "a.yaml: it is gone"),
        (Problem("", 0, 0, "it is gone", hint="look"), "it is gone; look"),
        (Problem("a\nb", 1, 1, "odd"), "'a\\nb':1:1: odd"),
    ],
)
def test_a_problem_is_one_line(problem, line):
    """File, line, column, what is wrong, what is legal, the nearest word: what is unknown is left out."""
    assert str(problem) == line


def test_a_tree_error_has_all_problems():
    """The error carries the problems as data, and as one line each."""
    problems = (Problem("a", 1, 1, "one"), Problem("a", 2, 1, "two"))
    error = TreeError(problems)
    assert isinstance(error, TreewardError)
    assert error.problems == problems
    assert str(error) == "a:1:1: one\na:2:1: two"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))])
def test_a_tree_error_can_be_copied(again):
    """It survives a copy, as an error that crosses a process has to."""
    assert again(TreeError([Problem("a", 1, 1, "one")])).problems == (Problem("a", 1, 1, "one"),)


def test_quotes_are_short_and_on_one_line():
    """What somebody else wrote cannot flood or forge the output."""
    assert quoted("a\nb\x1b[0m") == "'a\\nb\\x1b[0m'"
    assert len(quoted("x" * 10_000)) < 70


@pytest.mark.parametrize(("words", "text"), [(["a"], "a"), (["a", "b"], "a or b"), (["a", "b", "c"], "a, b or c")])
def test_alternatives(words, text):
    """A list of legal words reads as a sentence does."""
    assert alternatives(words) == text


@pytest.mark.parametrize(("word", "hint"), [("stratgy", "did you mean 'strategy'?"), ("zzz", ""), (7, ""), (None, "")])
def test_the_nearest_word(word, hint):
    """The nearest legal word is offered only if one is near."""
    assert did_you_mean(word, ["strategy", "intensity"]) == hint
