"""An output as plain data: what can be read, what cannot, and where its fields and texts are."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import fractions
import itertools
import pathlib
from decimal import Decimal
from types import MappingProxyType

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, RootModel

from treeward.supervisors.judges.plain import MISSING, NotPlain, field_of, is_path, measured, plain, shown, texts_in

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int
    y: object


class Money(BaseModel):
    amount: Decimal
    at: dt.date


class Names(RootModel[list[str]]):
    pass


def nested(depth, inner=None):
    for _ in range(depth):
        inner = [inner]
    return inner


def within_itself():
    loop = {"a": 1}
    loop["self"] = loop
    return loop


def doubled(times):
    value = "x"
    for _ in range(times):
        value = [value, value]
    return value


@given(JSON)
def test_json_is_plain(value):
    """What JSON has is read as it is."""
    assert plain(value) == value


@pytest.mark.parametrize(
    ("given_", "read"),
    [
        pytest.param((1, 2), [1, 2], id="tuple"),
        pytest.param({3}, [3], id="set"),
        pytest.param(MappingProxyType({"a": 1}), {"a": 1}, id="mapping"),
        pytest.param({1: "a"}, {"1": "a"}, id="number_as_key"),
        pytest.param({Colour.RED: Colour.RED}, {"red": "red"}, id="enum"),
        pytest.param(Point(1, (2,)), {"x": 1, "y": [2]}, id="dataclass"),
        pytest.param(
            Money(amount="1.10", at="2026-01-02"), {"amount": Decimal("1.10"), "at": "2026-01-02"}, id="model"
        ),
        pytest.param(Names(["a"]), ["a"], id="root_model"),
        pytest.param(fractions.Fraction(1, 2), 0.5, id="fraction"),
        pytest.param(dt.datetime(2026, 1, 2, 3, tzinfo=dt.UTC), "2026-01-02T03:00:00Z", id="datetime"),
        pytest.param(pathlib.Path("/a/b"), "/a/b", id="path"),
    ],
)
def test_what_is_like_json_becomes_json(given_, read):
    """Tuples, sets, enumerations, dataclasses, models, dates and paths are read as what they stand for."""
    assert plain(given_) == read
    assert plain({"in": [given_]}) == {"in": [read]}


@pytest.mark.parametrize(
    ("output", "said"),
    [
        pytest.param(float("nan"), "the output is nan, which is no number of JSON", id="nan"),
        pytest.param({"a": [1, float("inf")]}, "a.1 is inf, which is no number of JSON", id="infinity_within"),
        pytest.param(Decimal("NaN"), "the output is Decimal('NaN'), which is no number of JSON", id="decimal_nan"),
        pytest.param(1j, "the output is 1j, which is no number of JSON", id="complex"),
        pytest.param(fractions.Fraction(10**400), "which is no number of JSON", id="fraction_too_large"),
        pytest.param({"n": 10**5000}, "n is a number of 16,610 bits: expected at most 4,096", id="huge_number"),
        pytest.param({"x": object()}, "x is of the type object: expected data as JSON has it", id="object"),
        pytest.param(b"bytes", "the output is of the type bytes", id="bytes"),
        pytest.param(Money, "the output is of the type ModelMetaclass", id="class"),
        pytest.param(itertools.count(), "the output is of the type count", id="endless"),
        pytest.param((n for n in [1]), "the output is of the type generator", id="generator"),
        pytest.param({(1, 2): 3}, "the output has the key (1, 2): expected texts as keys", id="key"),
        pytest.param({True: 3}, "the output has the key True", id="boolean_as_key"),
        pytest.param({"k" * 2001: 3}, "the output has a key of 2,001 characters", id="long_key"),
        pytest.param(["\ud800"], "0 has half a character in it", id="surrogate"),
        pytest.param(within_itself(), "the output is nested deeper than 50 levels, or within itself", id="recursive"),
        pytest.param(nested(10**5), "the output is nested deeper than 50 levels", id="deep"),
        pytest.param([0] * 100_000, "the output has more than 100,000 values in it", id="many"),
        pytest.param(doubled(40), "the output has more than 100,000 values in it", id="doubled"),
        pytest.param(["x" * 600_000] * 2, "the output has more than 1,000,000 characters in it", id="long"),
    ],
)
def test_what_is_no_data_is_a_fault(output, said):
    """What cannot be data, or passes a limit, is refused at once, and the message says what and where."""
    with pytest.raises(NotPlain) as caught:
        plain(output)
    assert said in str(caught.value)


def test_a_generator_is_left_alone():
    """A judge that looked into a generator would have emptied it."""
    output = (n for n in [1, 2])
    with pytest.raises(NotPlain):
        plain({"x": output})
    assert list(output) == [1, 2]


def test_what_is_read_is_a_copy():
    """What a judge is shown is not what the caller gets."""
    output = {"a": [1]}
    plain(output)["a"].append(2)
    assert output == {"a": [1]}


def test_what_there_is_to_look_at_is_counted():
    """Lists and mappings count as values, too; texts count by their length, keys among them."""
    assert measured({"a": [1, 2], "b": None})[1] == 5
    assert measured({"abcd": "x" * 396})[1] == 102


# --- fields and texts -------------------------------------------------------------------------------

DATA = {"a": 1, "b": {"c": [10, {"d": None}]}, "x.y": "dotted", "": 0}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", 1),
        ("b.c.0", 10),
        ("b.c.1.d", None),
        ("x.y", "dotted"),
        ("nope", MISSING),
        ("a.b", MISSING),
        ("b.c.2", MISSING),
        ("b.c.-1", MISSING),
        ("b.c.d", MISSING),
        ("b.c." + "9" * 6000, MISSING),
    ],
)
def test_a_field_is_found_by_its_path(path, value):
    """Names lead into mappings, numbers into lists; what is not there is `MISSING`, and no error."""
    assert field_of(DATA, path) == value


@pytest.mark.parametrize("output", [None, "text", 7, [1]])
def test_what_has_no_fields_misses_them(output):
    """A text or a number has no field."""
    assert field_of(output, "a") is MISSING


@pytest.mark.parametrize(("path", "legal"), [("a", True), ("a.0.b", True), ("", False), ("a..b", False), (3, False)])
def test_paths(path, legal):
    """A path is names with dots between them, none of them empty."""
    assert is_path(path) is legal


def test_all_that_can_be_read_is_text():
    """Texts, numbers and keys are what a forbidden pattern is looked for in; each says where it stands."""
    found = list(texts_in({"a": "one", "b": [2, None, True, {"c": 0.5}]}))
    assert found == [
        ("(keys)", "a"),
        ("(keys)", "b"),
        ("a", "one"),
        ("b.0", "2"),
        ("b.3.(keys)", "c"),
        ("b.3.c", "0.5"),
    ]


class Rude:
    def __repr__(self):
        raise RuntimeError("no")


@pytest.mark.parametrize("value", ["x" * 10**6, [["y" * 100] * 100] * 100, {"k": 10**5000}, Rude(), "a\nb"])
def test_whatever_is_shown_is_one_short_line(value):
    """Messages stay short, whatever the output is, and whatever its `__repr__` does."""
    text = shown(value)
    assert len(text) <= 200
    assert "\n" not in text
