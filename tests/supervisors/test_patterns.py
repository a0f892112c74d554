"""Patterns that cannot hang."""

from __future__ import annotations

import contextlib
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.supervisors.patterns import LONGEST_INPUT, LONGEST_PATTERN, STEP, compiled, normal, pieces, search_piece

HARMLESS = [
    r"charged\s+twice",
    r"(?P<payment>\d+)",
    r"(?P<euros>\d+)[.,](?P<cents>\d\d)",
    r"charged.*again",
    r"(?:\w+ ){0,3}twice",
    r"\b(?:refund|return)\b",
    r"[a-z0-9.]+@[a-z0-9]+\.com",
    r"^(\w+) to (\w+)$",
    r"\d{1,3}(?:,\d{3})*(?:\.\d{2})?",
    r"(?:foo|bar)+",
    r"(?<=payment )\d+",
    r"(?i:refund) (?P<again>\w+) (?P=again)",
    r"(?>ab+)c",
    r"(a)?(?(1)b|c)",
]
HANGING = [
    r"(a+)+$",
    r"(a|a)*$",
    r"(a|b|ab)*c",
    r"(\w+\s?)*$",
    r"(x+x+)+y",
    r"(?:a*)*b",
    r"(a?){30}a{30}",
    r".*a.*b.*c",
    r"[^a]*[^b]*[^c]*x",
    r"[\u0430-\u044f]+[\u0431-\u044e]+[\u0432-\u044d]+x",
]
NASTY = [
    "a" * 2000,
    "ab" * 1000,
    "1" * 2000,
    "a " * 1000,
    "x" * 2000,
    "payment 1 " * 200,
    "1,234" * 400,
    "в" * 2000,
]


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_harmless_pattern_is_taken(pattern):
    """What cannot take long is compiled, and ignores case."""
    assert compiled(pattern).pattern == pattern


@pytest.mark.parametrize("pattern", HANGING)
def test_a_pattern_that_could_hang_is_refused(pattern):
    """Choices that multiply without a bound are refused, with a way to mend it."""
    with pytest.raises(ValueError, match="could take too long, since its repeats overlap: bound a repeat"):
        compiled(pattern)


@pytest.mark.realtime
@pytest.mark.parametrize("pattern", HARMLESS)
def test_what_is_taken_does_not_hang(pattern):
    """On texts made to hurt, a pattern that was taken is done within a second."""
    made = compiled(pattern)
    for text in NASTY:
        begun = time.perf_counter()
        made.search(f"{text}!"[:LONGEST_INPUT])
        assert time.perf_counter() - begun < 1.0


@pytest.mark.parametrize("pattern", ["[", "[[", "(?P<x>a", "a{2,1}", "*", r"(?P=none)"])
def test_what_is_no_pattern_is_an_error(pattern):
    """What is no regular expression is an error that quotes it and says where it goes wrong."""
    with pytest.raises(ValueError, match="is no regular expression"):
        compiled(pattern)


def test_a_long_pattern_is_refused():
    """A pattern has a greatest length."""
    with pytest.raises(ValueError, match=f"has {LONGEST_PATTERN + 1} characters: expected at most {LONGEST_PATTERN}"):
        compiled("a" * (LONGEST_PATTERN + 1))


@given(st.text(alphabet=r"ab.*+?()[]|^$\dw{1,9}<=!:P", max_size=30))
def test_any_text_is_a_pattern_or_an_error(text):
    """Whatever is given, the answer is a pattern or a ValueError."""
    with contextlib.suppress(ValueError):
        assert compiled(text).pattern == text


@given(st.text())
def test_white_space_is_one_space(text):
    """Patterns see single spaces, and none at the ends."""
    assert normal(text).split(" ") == (text.split() or [""])


# --- case -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ignore_case", "matches"), [(True, True), (False, False)])
def test_case_is_minded_where_it_is_asked_for(ignore_case, matches):
    """Patterns ignore case, unless they are to mind it."""
    assert bool(compiled("^[A-Z]+$", ignore_case=ignore_case).search("eur")) is matches
    assert compiled("(?i)^[A-Z]+$", ignore_case=ignore_case).search("eur")


@pytest.mark.parametrize(
    ("pattern", "ignore_case", "hangs"),
    [
        ("[a-w]+[A-W]+[a-w]+x", True, True),
        ("[a-w]+[A-W]+[a-w]+x", False, False),
        ("(?i)[a-w]+[A-W]+[a-w]+x", False, True),
        ("(?i:[a-w]+[A-W]+[a-w]+)x", False, True),
        ("(?-i:[a-w]+[A-W]+[a-w]+)x", True, False),
        ("[^a]*A[^a]*A[^a]*A", False, True),
        ("[^a]*A[^a]*A[^a]*A", True, False),
        ("(?-i:[^a]*A[^a]*A[^a]*A)", True, True),
    ],
)
def test_what_may_hang_depends_on_case(pattern, ignore_case, hangs):
    """Characters overlap as the flags have it: those of the pattern, and those of a group in it."""
    with pytest.raises(ValueError, match="could take too long") if hangs else contextlib.nullcontext():
        compiled(pattern, ignore_case=ignore_case)


# --- long texts -------------------------------------------------------------------------------------


def found_in_pieces(pattern, text):
    return any(search_piece(pattern, text, begin) for begin in pieces(text))


@pytest.mark.parametrize(("length", "begins"), [(0, [0]), (2000, [0]), (2001, [0, 1000]), (3001, [0, 1000, 2000])])
def test_pieces_overlap_by_half(length, begins):
    """A text that is no longer than one piece is one; of a longer one, each place is in two but for the ends."""
    assert list(pieces("x" * length)) == begins
    assert LONGEST_INPUT == 2 * STEP


@given(
    st.sampled_from([r"\bab\b", "ab$", "^ab", r"(?<!x)ab", "ab(?!x)", "a.{0,5}b", r"b\Z", "ab?", r"\sab\s"]),
    st.lists(st.tuples(st.sampled_from("abx. \n"), st.integers(1, 1100)), max_size=6),
    st.lists(st.tuples(st.integers(0, 7000), st.sampled_from(["ab", " ab ", "abx", "xab", "a"])), max_size=3),
)
def test_pieces_find_what_the_whole_has(pattern, runs, put):
    """A short match is found in the pieces of a text if and only if it is in the text."""
    text = "".join(letter * times for letter, times in runs)
    for place, word in put:
        text = text[:place] + word + text[place:]
    assert found_in_pieces(compiled(pattern), text) is bool(re.search(pattern, text))
