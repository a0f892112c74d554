"""Texts with named fields."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.agents.templates import MissingValue, Template, lookup

VALUES = {
    "name": "Ann",
    "amount": 12.5,
    "charges": [{"id": 7, "tags": ["a", "b"]}],
    "nothing": None,
    "case-1": 1,
}


@pytest.mark.parametrize(
    ("data", "filled"),
    [
        ("Hello {name}.", "Hello Ann."),
        ("{amount:.2f} EUR", "12.50 EUR"),
        ("{charges.0.id}", 7),
        ("{charges.0.id:03d}", "007"),
        ("number {charges.0.id}", "number 7"),
        ("{charges.0.tags} here", "a, b here"),
        ("{{{name}}}", "{Ann}"),
        ("", ""),
        ("plain", "plain"),
        (12, 12),
        (None, None),
        (
            {"to": "{name}", "ids": ["{charges.0.id}", 3], "deep": {"x": "{amount}"}},
            {"to": "Ann", "ids": [7, 3], "deep": {"x": 12.5}},
        ),
    ],
)
def test_fields_are_filled_in(data, filled):
    """Fields are filled in wherever texts are; a text that is one field alone keeps the value's type."""
    assert Template(data).fill(VALUES) == filled


@pytest.mark.parametrize(
    "text",
    ["{", "}", "{}", "{0}", "{name!r}", "{name.}", "{name[0]}", "{a b}", "{name:{x}}", "{name.__class__()}"],
)
def test_what_is_no_field_is_an_error(text):
    """A brace that belongs to no field, a conversion and an index are errors when the template is read."""
    with pytest.raises(ValueError, match=r"expected|encountered|no field"):
        Template({"deep": [text]})


@pytest.mark.parametrize("text", ["{who}", "{name.first}", "{charges.1.id}", "{charges.x}", "{nothing}", "{name:d}"])
def test_a_missing_value_is_named(text):
    """Where a field leads nowhere, to None, or to what its format does not fit, the error names it."""
    with pytest.raises(MissingValue, match=r"there is no \w+"):
        Template(f"say {text}").fill(VALUES)


def test_a_template_reaches_no_attributes():
    """A field is a key or a place, never an attribute: templates see plain data only."""
    with pytest.raises(MissingValue):
        Template("{name.__class__}").fill(VALUES)


def test_a_template_knows_its_fields():
    """All fields can be listed before anything is filled in."""
    assert Template(["{a} and {b.c}", {"x": "{a}"}]).fields() == {"a", "b.c"}


@given(
    st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.integers() | st.text() | st.booleans(), min_size=1)
)
def test_a_lone_field_is_the_value_itself(values):
    """For every value, a text that is its field alone gives back that value."""
    for name, value in values.items():
        assert Template(f"{{{name}}}").fill(values) is value
        assert lookup(name, values) is value


@given(st.text())
def test_any_text_is_a_template_or_an_error(text):
    """Whatever is given, the answer is a template or a ValueError."""
    with contextlib.suppress(ValueError):
        assert Template(text).fields() is not None
