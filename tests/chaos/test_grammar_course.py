"""The course of a program over its visits: the rules of fail-rs, and those of alternatives."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.chaos.plans.course import Course
from treeward.chaos.plans.grammar import parse


def course_of(text, visits=8, draws=(), on=None):
    """Returns what happens at each visit, by the actions' first letters, `.` for nothing; draws are those given."""
    left = list(draws)
    course = Course(parse(text), on)
    steps = [course.step(lambda: left.pop(0)) for _ in range(visits)]
    assert left == []
    return "".join("." if term is None else term.action.name[0] for term in steps)


COUNTS = [
    ("crash", "cccccccc"),
    ("off", "........"),
    ("1*crash", "c......."),
    ("3*crash", "ccc....."),
    ("1*off->crash", ".ccccccc"),
    ("1*off->3*hang->off", ".hhh...."),
    ("2*crash->1*hang->slow", "cchsssss"),
    ("crash->hang", "cccccccc"),
    ("off->crash", "........"),
    ("2*crash->2*off->crash", "cc..cccc"),
    ("1*crash->1*crash", "cc......"),
]


@pytest.mark.parametrize(("text", "happens"), COUNTS)
def test_counts_are_used_up_from_left_to_right(text, happens):
    """At a visit the first term that is not used up has its turn; `off` uses a visit up."""
    assert course_of(text) == happens


CHANCES = [
    ("50%->crash", [0.0, 0.49, 0.5, 0.99], "cc.."),
    ("50%->crash->hang", [0.0, 0.49, 0.5, 0.99], "cchh"),
    ("50%1*->crash", [0.7, 0.2], ".c.."),
    ("50%1*->crash->hang", [0.7, 0.2], "hchh"),
    ("50%1*->crash->50%->hang", [0.7, 0.7, 0.2, 0.7, 0.1], ".c.h"),
    ("50%->off->crash", [0.1, 0.9, 0.1, 0.9], ".c.c"),
    ("100%->crash", [], "cccc"),
]


@pytest.mark.parametrize(("text", "draws", "happens"), CHANCES)
def test_a_term_whose_draw_fails_is_passed_over(text, draws, happens):
    """A chance is drawn only when the term has its turn; a count goes down only when it has happened."""
    assert course_of(text, len(happens), draws) == happens


ALTERNATIVES = [
    ("1*crash | hang", [], "chhh"),
    ("1*off->1*crash | 3*hang", [], "hchh"),
    ("50%->crash | 50%->hang", [0.1, 0.9, 0.1, 0.9, 0.9, 0.2], "ch.c"),
    ("off | crash", [], "cccc"),
    ("2*crash | 2*hang | 2*slow", [], "cchhss"),
]


@pytest.mark.parametrize(("text", "draws", "happens"), ALTERNATIVES)
def test_alternatives_are_asked_until_one_has_something(text, draws, happens):
    """Each alternative has a course of its own; those behind the one that happens are not asked at that visit."""
    assert course_of(text, len(happens), draws) == happens


def test_only_some_visits_may_be_asked():
    """With `on`, the other visits go by as if they had not been, for counts too."""
    assert course_of("crash", on=frozenset({2, 5})) == ".c..c..."
    assert course_of("1*off->crash", on=frozenset({2, 5, 6})) == "....cc.."
    assert course_of("50%->crash", 4, [0.1], on=frozenset({3})) == "..c."


@pytest.mark.parametrize(
    ("text", "visits", "over"),
    [
        ("crash", 9, False),
        ("2*crash", 1, False),
        ("2*crash", 2, True),
        ("1*crash->off", 1, True),
        ("off", 0, True),
        ("off->crash", 0, True),
        ("50%->off->crash", 0, False),
        ("1*crash | hang", 5, False),
        ("1*off->1*crash", 1, False),
    ],
)
def test_a_course_says_when_it_is_over(text, visits, over):
    """Nothing more can happen once all is used up, or `off` has every visit."""
    course = Course(parse(text))
    for _ in range(visits):
        course.step(lambda: 0.99)
    assert course.is_over is over


def test_a_course_is_over_after_the_last_of_its_visits():
    """With `on`, nothing happens behind the last of the numbers."""
    course = Course(parse("crash"), frozenset({2}))
    assert [course.is_over, course.step(random.random), course.is_over] == [False, None, False]
    assert course.step(random.random).action.name == "crash"
    assert course.is_over


def as_fail_rs(terms, draw):
    """The rules of fail-rs, written from its documentation: `eval` over (chance, count, name)."""
    for term in terms:
        if term["count"] == 0:
            continue
        if term["chance"] < 1 and draw() >= term["chance"]:
            continue
        if term["count"] is not None:
            term["count"] -= 1
        return None if term["name"] == "off" else term["name"]
    return None


chains = st.lists(
    st.fixed_dictionaries(
        {
            "chance": st.sampled_from([0.1, 0.5, 1]),
            "count": st.one_of(st.none(), st.integers(1, 3)),
            "name": st.sampled_from(["off", "crash", "hang"]),
        }
    ),
    min_size=1,
    max_size=4,
)


@given(chains, st.integers(0, 1000))
def test_a_chain_goes_as_in_fail_rs(chain, seed):
    """One chain does at each visit what fail-rs does, draw for draw."""
    text = "->".join(
        f"{term['chance'] * 100:g}%{'' if term['count'] is None else term['count']}*{term['name']}" for term in chain
    )
    course, mine, theirs = Course(parse(text)), random.Random(seed), random.Random(seed)
    for _ in range(20):
        term = course.step(mine.random)
        assert (term and term.action.name) == as_fail_rs(chain, theirs.random)
    assert mine.getstate() == theirs.getstate()
