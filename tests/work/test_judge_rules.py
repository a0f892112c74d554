"""Rules as judge: required fields, ranges, patterns, forbidden content, contradiction with the facts."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from treeward.runtime.task import Task
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.judges.judge import Submission
from treeward.supervisors.judges.rules import Range, RulesJudge
from treeward.supervisors.work_errors import CannotSay


async def verdict_of(judge, output, **facts):
    return await judge.judge(Submission(Task("t", "refund me", context=facts), output, "top/billing"), None)


async def reason(rules, output, **facts):
    """Returns why rules reject an output; None if they accept it."""
    verdict = await verdict_of(RulesJudge(**rules), output, **facts)
    assert verdict.accepted is (verdict.reason == "")
    return verdict.reason or None


# --- required ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"a": {"b": 0}}, None),
        ({"a": {"b": False}}, None),
        ({"a": {"b": " x "}}, None),
        ({"a": {"b": ""}}, "a.b is empty"),
        ({"a": {"b": " \n"}}, "a.b is empty"),
        ({"a": {"b": []}}, "a.b is empty"),
        ({"a": {"b": {}}}, "a.b is empty"),
        ({"a": {"b": None}}, "a.b is missing"),
        ({"a": {}}, "a.b is missing"),
        ({"a": 1}, "a.b is missing"),
        ({}, "a.b is missing"),
        (None, "a.b is missing"),
        ("text", "a.b is missing"),
        ([], "a.b is missing"),
    ],
)
async def test_required(output, said):
    """A required field is there, and is neither null nor empty; 0 and false are values."""
    assert await reason({"required": ("a.b",)}, output) == said


# --- ranges -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "legal"),
    [
        (0, True),
        (500, True),
        (0.1, True),
        (Decimal("499.99"), True),
        (-0.01, False),
        (500.0000001, False),
        (10**400, False),
        ("20", False),
        (True, False),
        ([], False),
        (None, True),
    ],
)
async def test_ranges(value, legal):
    """A value in a range is a number between its bounds, which belong to it; a text is no number."""
    said = await reason({"ranges": {"amount": Range(0, 500)}}, {"amount": value})
    assert (said is None) is legal
    assert said is None or said.endswith("expected a number from 0 to 500")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
async def test_what_is_no_number_is_in_no_range(value):
    """NaN compares with nothing, and so would pass any bound that is not looked at twice."""
    assert "which is no number of JSON" in await reason({"ranges": {"amount": Range(0)}}, {"amount": value})


@pytest.mark.parametrize(
    ("bounds", "value", "said"),
    [
        (Range(min=1), 0, "a is 0: expected a number, at least 1"),
        (Range(max=1), 2, "a is 2: expected a number, at most 1"),
        (Range(0.5, 1e6), 0, "a is 0: expected a number from 0.5 to 1000000"),
        (Range(0.0, 500.0), 900, "a is 900: expected a number from 0 to 500"),
        (Range(min=0.1), 0.1, None),
        (Range(max=0.3), Decimal("0.3"), None),
        (Range(2, 2), 2.0, None),
    ],
)
async def test_open_ranges_and_exact_bounds(bounds, value, said):
    """A range may be open on one side; numbers are compared as they are written."""
    assert await reason({"ranges": {"a": bounds}}, {"a": value}) == said


@pytest.mark.parametrize("bounds", [(), (2, 1), ("a",), (float("nan"),), (True,), (None, float("inf"))])
def test_a_range_with_nothing_in_it_is_refused(bounds):
    """A range has a bound, and its bounds are numbers in their order."""
    with pytest.raises(InvalidSpec, match="range"):
        Range(*bounds)


# --- patterns ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "value", "legal"),
    [
        ("^[A-Z]{3}$", "EUR", True),
        ("^[A-Z]{3}$", "eur", False),
        ("(?i)^[A-Z]{3}$", "eur", True),
        ("EUR", "in EUR, please", True),
        (r"^\d{4}$", 1234, True),
        (r"^\d+\.\d\d$", Decimal("1.10"), True),
        ("", "", True),
        (".", True, False),
        (".", ["x"], False),
        (".", {"x": 1}, False),
        (".", None, True),
    ],
)
async def test_match(pattern, value, legal):
    """A pattern is found in a text, or in a number as it is written; nothing else has it."""
    assert (await reason({"match": {"a": pattern}}, {"a": value}) is None) is legal


@pytest.mark.parametrize("before", [0, 999, 1000, 1997, 1999, 2001, 12_345])
async def test_match_and_forbid_see_all_of_a_long_text(before):
    """A text is searched to its end, also across the borders of the pieces in which it is searched."""
    text = "x" * before + " secret!"
    assert await reason({"match": {"a": r"\bsecret\b"}}, {"a": text}) is None
    assert "'secret'" in await reason({"forbid": (r"\bsecret\b",)}, {"a": text})


@pytest.mark.parametrize("before", range(1980, 2003))
async def test_a_piece_has_no_ends_of_its_own(before):
    """A word that goes on behind the end of a piece does not end there."""
    assert await reason({"forbid": (r"\bsecret\b", "secret$")}, "." * before + "secretary" + "." * 3000) is None


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ({"text": "As an AI I cannot"}, "text has 'As an AI' in it"),
        ({"list": [{"deep": "as an ai"}]}, "list.0.deep has 'as an ai' in it"),
        ({"as an ai": 1}, "(keys) has 'as an ai' in it"),
        ("as an ai", "the output has 'as an ai' in it"),
        ({"card": 4111111111111111}, "card has '4111111111111111' in it"),
        ({"text": "as a human"}, None),
        ({"n": 411111111111111}, None),
        (None, None),
    ],
)
async def test_forbid(output, said):
    """Nothing in the output may match: no text, no number, no key, however deep."""
    found = await reason({"forbid": ("(?i)as an ai", r"\b\d{16}\b")}, output)
    assert found == said or found.startswith(said)


@pytest.mark.parametrize("name", ["match", "forbid"])
@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(a+)+$", "could take too long"), ("[", "is no regular expression"), (3, "expected a regular expression")],
)
def test_patterns_that_cannot_be_used_are_refused_at_once(name, pattern, said):
    """A pattern that could hang never gets to see an output."""
    with pytest.raises(InvalidSpec, match=said):
        RulesJudge(**{name: {"a": pattern} if name == "match" else (pattern,)})


async def test_a_search_lets_others_have_their_turn():
    """The loop goes on while a very long text is searched, and the judge can be cancelled."""
    judge = RulesJudge(forbid=("needle",) * 20)
    turns = 0
    judging = asyncio.ensure_future(verdict_of(judge, "x" * 100_000))
    while not judging.done() and turns < 50:
        turns += 1
        await asyncio.sleep(0)
    assert turns == 50
    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging


# --- the facts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "fact", "agrees"),
    [
        ("C1", "c1", True),
        ("  Ann  Lee", "ann lee", True),
        ("c2", "c1", False),
        (20, 20.0, True),
        (0.1, Decimal("0.1"), True),
        ("20.00", 20, True),
        (20, " 20 ", True),
        (20.01, 20, False),
        ("twenty", 20, False),
        ("007", "7", False),
        (True, True, True),
        (True, 1, False),
        ("true", True, False),
        ("p1", ["p1", "p2"], True),
        ("p3", ["p1", "p2"], False),
        (["P1"], ["p1"], True),
        (["p1", "p2"], ["p2", "p1"], False),
        (["p1"], ["p1", "p2"], False),
        ({"a": "X"}, {"a": "x"}, True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ({"a": None}, {"a": None}, True),
        ("c1", None, True),
        (None, "c1", True),
        ("nan", float(3), False),
    ],
)
async def test_agrees(said, fact, agrees):
    """What is said agrees with the fact: numbers as numbers, texts in any case and spacing, one of several."""
    found = await reason({"agrees": {"who": "customer"}}, {"who": said}, customer=fact)
    assert (found is None) is agrees
    assert found is None or "but customer is known to be" in found


@pytest.mark.parametrize(("output", "facts"), [({"who": "c1"}, {}), ({}, {"customer": {"id": "c2"}})])
async def test_what_nobody_says_contradicts_nothing(output, facts):
    """An absent fact is no contradiction, nor is an absent field."""
    assert await reason({"agrees": {"who": "customer.id"}}, output, **facts) is None


async def test_facts_have_paths_too():
    """A fact may be within another one."""
    judge = {"agrees": {"who.id": "customer.id"}}
    output = {"who": {"id": "c2"}}
    assert await reason(judge, output, customer={"id": "c1"}) == "who.id is 'c2', but customer.id is known to be 'c1'"


async def test_a_fact_that_is_no_data_fails_the_judge():
    """The output is not to blame for it: there is no verdict."""
    with pytest.raises(CannotSay, match="the fact customer cannot be compared: the output is of the type object"):
        await reason({"agrees": {"who": "customer"}}, {"who": 1}, customer=object())


# --- all together -----------------------------------------------------------------------------------

ALL = RulesJudge(
    required=("amount", "customer.id"),
    ranges={"amount": Range(0, 500)},
    match={"currency": "^[A-Z]{3}$"},
    forbid=("(?i)as an ai",),
    agrees={"customer.id": "customer_id"},
)


async def test_every_broken_rule_is_listed():
    """Feedback has a line for each, and the reason has them all."""
    output = {"amount": 900, "currency": "euro", "customer": {"id": "c2"}, "text": "As an AI"}
    verdict = await verdict_of(ALL, output, customer_id="c1")
    assert verdict.feedback.splitlines() == [
        "- amount is 900: expected a number from 0 to 500",
        "- customer.id is 'c2', but customer_id is known to be 'c1'",
        "- currency is 'euro': expected what matches '^[A-Z]{3}$'",
        "- text has 'As an AI' in it, which matches '(?i)as an ai'",
    ]
    assert verdict.reason == "; ".join(line[2:] for line in verdict.feedback.splitlines())


async def test_a_model_is_judged_by_its_fields():
    """An agent may return an object of its own."""

    class Answer(BaseModel):
        amount: int

    verdict = await verdict_of(ALL, Answer(amount=900))
    assert verdict.reason == "customer.id is missing; amount is 900: expected a number from 0 to 500"


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ({}, "expected at least one rule"),
        ({"required": "amount"}, "expected a tuple of texts"),
        ({"required": ("a..b",)}, "expected a path"),
        ({"required": (3,)}, "expected a path"),
        ({"ranges": {"a": (0, 1)}}, r"expected a Range\(min, max\)"),
        ({"ranges": [("a", Range(1))]}, "expected a mapping"),
        ({"match": "a"}, "expected a mapping"),
        ({"agrees": {"a": ""}}, "expected a path"),
        ({"forbid": "(?i)as an ai"}, "expected a tuple of texts"),
    ],
)
def test_rules_are_checked(rules, said):
    """What is not legal is refused when the judge is made."""
    with pytest.raises(InvalidSpec, match=said):
        RulesJudge(**rules)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary() | st.just(object()),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers() | st.none(), inner) | st.tuples(inner),
    max_leaves=10,
)


@given(ANYTHING, ANYTHING)
async def test_whatever_comes_there_is_a_verdict(output, amount):
    """No output makes the rules fail: each is accepted or rejected, with a reason."""
    for one in (output, {"amount": amount, "currency": output, "customer": {"id": amount}}):
        verdict = await verdict_of(ALL, one, customer_id="c1")
        assert verdict.accepted is (verdict.feedback == "")


def test_defaults():
    """Rules cost 1."""
    assert (ALL.name, ALL.cost, ALL.timeout, ALL.on_judge_error) == ("rules", 1, 10, "reject")
