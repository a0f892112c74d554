"""The four shapes, and the programs that they stand for."""

import pytest

from treeward.chaos.plans.grammar import InvalidProgram, parse_action
from treeward.chaos.plans.shapes import shape

PROGRAMS = [
    ("single", "1*crash->off"),
    ("single(after=2)", "2*off->1*crash->off"),
    ("persistent", "crash"),
    ("persistent(after=2)", "2*off->crash"),
    ("intermittent", "30%->crash"),
    ("intermittent(20%)", "20%->crash"),
    ("intermittent(100%, after=1)", "1*off->crash"),
    ("burst", "3*crash->off"),
    ("burst(5)", "5*crash->off"),
    ("burst(5, after=10)", "10*off->5*crash->off"),
]


@pytest.mark.parametrize(("text", "program"), PROGRAMS)
def test_a_shape_stands_for_a_program(text, program):
    """Each shape is a program of an action."""
    assert str(shape(text).program(parse_action("crash"))) == program


@pytest.mark.parametrize("text", [text for text, _ in PROGRAMS])
def test_a_shape_is_read_as_it_was_written(text):
    """A shape's text means it."""
    assert str(shape(text)) == text


WRONG = [
    ("brst", 1, "'brst' is no shape"),
    ("single(3)", 8, "single has too many arguments"),
    ("burst(3, 4)", 10, "burst has too many arguments"),
    ("burst(times=3)", 13, "burst has no argument 'times'"),
    ("burst(0)", 7, "the count is 0"),
    ("burst(x)", 7, "the count is x"),
    ("intermittent(5)", 14, "the chance is 5"),
    ("intermittent(0%)", 14, "the chance is 0%"),
    ("single(after=-1)", 14, "after is -1"),
    ("single(after=2s)", 14, "after is 2s"),
    ("3*single", 1, "'3' stands"),
]


@pytest.mark.parametrize(("text", "character", "what"), WRONG)
def test_what_is_no_shape_is_refused(text, character, what):
    """What a shape does not take is refused where it stands."""
    with pytest.raises(InvalidProgram) as caught:
        shape(text)
    assert (caught.value.position + 1, caught.value.what) == (character, what)
    assert caught.value.legal
