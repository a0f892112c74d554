"""Durations and ids: what is read, what is written, what is refused."""

# ruff: noqa: E501 - a row of a table is one line

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from treeward.trees.environment import FromEnvironment
from treeward.trees.values import (
    Count,
    Data,
    Flag,
    Id,
    Jitter,
    Number,
    PositiveDuration,
    Shutdown,
    StartTimeout,
    Text,
    duration_text,
    seconds,
)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("500ms", 0.5), ("30s", 30.0), ("2m", 120.0), ("1h", 3600.0), ("1.5h", 5400.0), ("0.1s", 0.1), ("1.1ms", 0.0011),
        ("0s", 0.0), (0, 0.0), (7, 7.0), (0.25, 0.25), (FromEnvironment("2m", "${T}"), 120.0), (FromEnvironment("7", "${T}"), 7.0),
        ("", None), ("s", None), ("1", None), ("1 s", None), ("1S", None), ("-1s", None), ("1d", None), ("1h30m", None), (".5s", None),
        ("1e3s", None), ("\u0661s", None), ("1s\n", None), ("9" * 31 + "s", None),
        (-1, None), (math.inf, None), (math.nan, None), (1e15, None), (True, None), (None, None), ([], None), ("infinity", None),
    ],
)  # fmt: skip
def test_durations(written, read):
    """`500ms`, `30s`, `2m`, `1h` or a number of seconds; nothing else."""
    assert seconds(written) == read


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3600.0, "1h"), (7200.0, "2h"), (120.0, "2m"), (90.0, "90s"), (0.5, "500ms"), (0.2, "200ms"), (0.0, "0s"), (0.0005, 0.0005),
        (1e-9, 1e-9), (86400.0, "24h"), (5400.0, "90m"), (1.25, "1250ms"), (1e14, "100000000000000s"),
    ],
)  # fmt: skip
def test_durations_as_text(value, text):
    """A duration is written in the largest unit that makes it a whole number."""
    assert duration_text(value) == text


@given(st.floats(min_value=0, max_value=1e14, allow_nan=False))
def test_a_duration_that_is_written_is_read_again(value):
    """Whatever the number, writing and reading give it back exactly."""
    assert seconds(duration_text(value)) == value


@pytest.mark.parametrize("legal", ["a", "a1", "front-desk", "a_b", "a--", "z9-_"])
def test_ids(legal):
    """A lower-case letter, then lower-case letters, digits, dashes and underscores."""
    assert TypeAdapter(Id).validate_python(legal) == legal


@pytest.mark.parametrize("illegal", ["", "A", "1a", "-a", "_a", "a/b", "a b", "a.b", "é", "a\n", "aé"])
def test_no_ids(illegal):
    """Anything else is refused: ids stand in paths."""
    with pytest.raises(ValidationError):
        TypeAdapter(Id).validate_python(illegal)


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (PositiveDuration, "1ms", 0.001),
        (Shutdown, "brutal_kill", "brutal_kill"),
        (Shutdown, "infinity", "infinity"),
        (Shutdown, 0, 0.0),
        (StartTimeout, "infinity", "infinity"),
        (StartTimeout, "1s", 1.0),
        (Jitter, "full", "full"),
        (Jitter, "none", "none"),
        (Jitter, "1s", 1.0),
        (Shutdown, FromEnvironment("infinity", "${S}"), "infinity"),
        (Count, FromEnvironment("12", "${N}"), 12),
        (Number, FromEnvironment("1.5", "${N}"), 1.5),
        (Flag, FromEnvironment("true", "${B}"), True),
    ],
)
def test_values_that_are_read(kind, value, read):
    """Words, durations, and texts from the environment where something else is wanted."""
    assert TypeAdapter(kind).validate_python(value) == read


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (PositiveDuration, 0),
        (PositiveDuration, "0s"),
        (Shutdown, "kill"),
        (Shutdown, None),
        (StartTimeout, 0),
        (StartTimeout, "brutal_kill"),
        (Jitter, "half"),
        (Count, FromEnvironment("many", "${N}")),
        (Count, FromEnvironment("", "${N}")),
        (Number, math.inf),
        (Flag, FromEnvironment("yes", "${B}")),
    ],
)
def test_values_that_are_refused(kind, value):
    """What is not among the legal words or no duration is refused."""
    with pytest.raises(ValidationError):
        TypeAdapter(kind, config={"strict": True}).validate_python(value)


def test_a_text_keeps_its_secret():
    """A text from the environment still is one after validation."""
    value = TypeAdapter(Text).validate_python(FromEnvironment("hunter2", "${KEY}"))
    assert (value, repr(value)) == ("hunter2", "'${KEY}'")


def test_data_is_copied_plain():
    """Arguments are dicts, lists and scalars, whatever they were; later changes outside do not reach them."""
    given = {"a": (1, [2.5, None]), "b": {"c": True}}
    read = TypeAdapter(Data).validate_python(given)
    given["b"]["c"] = False
    assert read == {"a": [1, [2.5, None]], "b": {"c": True}}


@pytest.mark.parametrize(
    "value",
    [{"a": math.inf}, {"a": math.nan}, {"a": object()}, {1: 2}, {"a": {1: 2}}, {"a": {1, 2}}, [1], None],
)
def test_data_is_what_json_holds(value):
    """Arguments are data: what JSON cannot hold is refused."""
    with pytest.raises(ValidationError):
        TypeAdapter(Data).validate_python(value)


def test_data_is_not_endless():
    """Data that holds itself is refused, and exhausts nothing."""
    endless = {}
    endless["a"] = endless
    with pytest.raises(ValidationError):
        TypeAdapter(Data).validate_python(endless)
