"""How good an answer is that several results were made into."""

from __future__ import annotations

import pytest

from treeward.agents.aggregate import Need, Result, enough, missing, status_of
from treeward.agents.plan import Subtask


def results(words):
    """`ok?` is the result of a subtask that is not required."""
    return tuple(
        Result(Subtask("k", id=f"{word.rstrip('?')}-{number}", required=not word.endswith("?")), word.rstrip("?"))
        for number, word in enumerate(words.split())
    )


@pytest.mark.parametrize(
    ("words", "count", "status"),
    [
        ("ok ok", "all", "ok"),
        ("ok fallback", "all", "fallback"),
        ("ok partial", "all", "partial"),
        ("partial fallback", "all", "partial"),
        ("ok failed", "all", "partial"),
        ("ok canceled", "all", "partial"),
        ("ok needs_human", "all", "partial"),
        ("ok failed?", "all", "ok"),
        ("ok needs_human?", "all", "ok"),
        ("failed ok?", "all", "partial"),
        ("needs_human", "all", "needs_human"),
        ("needs_human failed", "all", "needs_human"),
        ("failed canceled", "all", "failed"),
        ("dead_letter", "all", "failed"),
        ("", "all", "failed"),
        ("ok ok failed", 2, "ok"),
        ("ok failed failed", 2, "partial"),
        ("ok fallback failed", 2, "fallback"),
        ("failed failed failed", 2, "failed"),
        ("ok ok? failed", 2, "ok"),
        ("ok", 3, "ok"),
    ],
)
def test_the_status_of_an_answer(words, count, status):
    """Enough usable results are `ok`, some are `partial`, none `needs_human` or `failed`."""
    assert status_of(results(words), Need(count)) == status


@pytest.mark.parametrize(
    ("words", "count", "verdict"),
    [
        ("ok ok", "all", False),
        ("ok ok", 2, True),
        ("ok failed", 2, False),
        ("partial fallback", 2, True),
        ("", 1, False),
    ],
)
def test_when_the_rest_need_not_be_waited_for(words, count, verdict):
    """A number of usable results is enough as soon as it is there; `all` waits for the optional ones too."""
    assert enough(results(words), Need(count)) is verdict


def test_what_is_missing_is_said():
    """The error of an answer names each subtask without an `ok`, and why."""
    found = (
        Result(Subtask("a", id="a"), "ok"),
        Result(Subtask("b", id="b"), "failed", error="gone"),
        Result(Subtask("c", id="c"), "fallback"),
    )
    assert missing(found) == "b: gone; c: fallback"
    assert missing(found[:1]) is None


@pytest.mark.parametrize("count", [0, -1, 1.5, True, "some", None])
def test_a_need_is_a_number_or_all(count):
    """A need that no answer could meet, or that says nothing, is refused in words."""
    with pytest.raises(ValueError, match="expected a number of results, at least 1, or 'all'"):
        Need(count)


@pytest.mark.parametrize("after", [0, -1])
def test_the_wait_for_results_is_above_zero(after):
    """Results that are taken after no time at all are refused in words."""
    with pytest.raises(ValueError, match="expected seconds, more than 0"):
        Need("all", after)
