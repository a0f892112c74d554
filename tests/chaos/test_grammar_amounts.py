"""Amounts: spans of time, shares, rates and sizes, as texts and as values."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.chaos.plans.amounts import Rate, Share, Size, Span, amount, number_text, span

READ = [
    ("7", 7),
    ("-7", -7),
    ("0.5", 0.5),
    ("2s", Span(2.0, 2.0)),
    ("500ms", Span(0.5, 0.5)),
    ("+1h", Span(3600.0, 3600.0)),
    ("-30s", Span(-30.0, -30.0)),
    ("1s..5s", Span(1.0, 5.0)),
    ("500ms..2m", Span(0.5, 120.0)),
    ("-1h..+1h", Span(-3600.0, 3600.0)),
    ("±1h", Span(-3600.0, 3600.0)),
    ("20s±10s", Span(10.0, 30.0)),
    ("30%", Share(0.3)),
    ("0.5%", Share(0.005)),
    ("100/s", Rate(100.0)),
    ("30/m", Rate(0.5)),
    ("1MB", Size(1_000_000)),
    ("1.5kB", Size(1500)),
]


@pytest.mark.parametrize(("text", "value"), READ)
def test_a_text_is_read(text, value):
    """Each form of an amount is read as what it means."""
    assert amount(text) == value


@pytest.mark.parametrize(
    "text", ["", "s", "2", "5q", "5s..1s", "1..5", "2s..", "1.5B", "s2", "2 s", "1e3", "\u0661s", "9" * 40]
)
def test_what_is_no_span_is_refused(text):
    """A text that is no duration, and no range of durations, is no span; nor is one that ends before it begins."""
    assert span(text) is None


def test_a_number_of_seconds_is_a_span():
    """Where a duration is wanted, a number is one of seconds, if it is not below zero, and finite."""
    assert span(2) == Span(2.0, 2.0)
    assert [span(value) for value in (-1, float("nan"), float("inf"), True, None, [])] == [None] * 6


milliseconds = st.integers(-(10**9), 10**9).map(lambda number: number / 1000)
lengths = st.one_of(milliseconds, st.floats(-1e9, 1e9).filter(lambda x: x == 0 or abs(x) > 1e-9))


@given(lengths, lengths)
def test_a_span_is_read_as_it_was_written(first, second):
    """Whatever a span is, its text means it, to the last bit."""
    wanted = Span(min(first, second), max(first, second))
    assert amount(str(wanted)) == wanted


@given(st.floats(0, 1).filter(lambda x: x == 0 or x > 1e-9), st.integers(0, 10**14), st.floats(1e-6, 1e9))
def test_shares_sizes_and_rates_are_read_as_they_were_written(share, size, rate):
    """Whatever they are, their texts mean them."""
    for wanted in (Share(share), Size(size), Rate(rate)):
        assert amount(str(wanted)) == wanted


@given(st.one_of(st.integers(-(10**14), 10**14), st.floats(-1e14, 1e14).filter(lambda x: x == 0 or abs(x) > 1e-12)))
def test_numbers_are_read_as_they_were_written(number):
    """Numbers need no exponent."""
    assert amount(number_text(number)) == number


def test_a_span_gives_durations_out_of_it():
    """A range gives any duration between its ends; one that is fixed draws nothing."""
    source = random.Random(7)
    drawn = [Span(1.0, 5.0).draw(source) for _ in range(200)]
    assert 1.0 <= min(drawn) < 1.2
    assert 4.8 < max(drawn) <= 5.0
    assert all(round(length, 3) == length for length in drawn)
    assert 0 < Span(0.0, 0.001).draw(source) < 0.001
    before = source.getstate()
    assert Span(2.0, 2.0).draw(source) == 2.0
    assert source.getstate() == before
