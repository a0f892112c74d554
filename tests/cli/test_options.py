"""What the words behind an option mean."""

from __future__ import annotations

import pytest

from treeward.cli.failures import Code, Failure
from treeward.cli.options import context_of, duration_of, request_of


@pytest.mark.parametrize(
    ("word", "facts"),
    [
        ("plan=team", {"plan": "team"}),
        ("seats=7", {"seats": 7}),
        ("id=007", {"id": "007"}),
        ('id="7"', {"id": "7"}),
        ("trial=true", {"trial": True}),
        ("tags=[1, 2]", {"tags": [1, 2]}),
        ("rate=NaN", {"rate": "NaN"}),
        ("note=a = b", {"note": "a = b"}),
        ("note=", {"note": ""}),
        ("deep=" + "[" * 100_000, {"deep": "[" * 100_000}),
    ],
)
def test_a_fact_is_json_where_it_can_be(word, facts):
    """What reads as JSON is that value, everything else is the text as it stands."""
    assert context_of([word], None) == facts


def test_customer_is_the_fact_by_which_the_support_tree_knows_who_asks():
    """`--customer ID` is `--context customer_id=ID`."""
    assert context_of(["plan=team"], "1002") == {"plan": "team", "customer_id": 1002}


def test_a_fact_may_be_said_twice_alike():
    """The same fact with the same value is no contradiction."""
    assert context_of(["customer_id=7"], "7") == {"customer_id": 7}


@pytest.mark.parametrize(
    ("facts", "customer", "message"),
    [
        (["plan"], None, "--context is 'plan': expected KEY=VALUE, such as plan=team"),
        (["=team"], None, "--context is '=team': expected KEY=VALUE, such as plan=team"),
        ([], "", "--customer is empty: expected an id"),
        (["a=1", "a=2"], None, "--context sets 'a' a second time, to another value: name it once"),
        (["customer_id=1"], "2", "--customer sets 'customer_id' a second time, to another value: name it once"),
        (["name=\udcff"], None, "--context is '\\udcff': expected UTF-8"),
    ],
)
def test_facts_that_cannot_be(facts, customer, message):
    """A word that is no fact, and a fact with two values, are refused with what is expected."""
    with pytest.raises(Failure) as refused:
        context_of(facts, customer)
    assert refused.value.code == Code.USAGE
    assert refused.value.lines == (f"treeward: {message}",)


@pytest.mark.parametrize(
    ("word", "seconds"), [("500ms", 0.5), ("30s", 30), ("2m", 120), ("1h", 3600), ("7", 7), ("0.5", 0.5), (".5", 0.5)]
)
def test_durations(word, seconds):
    """A duration has a unit; a plain number means seconds."""
    assert duration_of("--deadline", word) == seconds


@pytest.mark.parametrize("word", ["", "0", "0s", "-1s", "soon", "1 s", "1d", "inf", "nan", "1e9999", "²", "."])
def test_durations_that_are_none(word):
    """Anything else is refused, and so is no time at all."""
    with pytest.raises(Failure, match="expected a duration above zero"):
        duration_of("--deadline", word)


@pytest.mark.parametrize(("text", "said"), [("", "empty"), (" \n", "empty"), ("\udcff", "expected UTF-8")])
def test_requests_that_are_none(text, said):
    """An empty request, and one that is no text, are refused."""
    with pytest.raises(Failure, match=said):
        request_of("--ask", text)
