"""The grammar of programs: what a text means, and where it goes wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.chaos.plans.amounts import Rate, Share, Size, Span
from treeward.chaos.plans.grammar import LONGEST, Action, InvalidProgram, Program, Term, parse, parse_action

CRASH = Action("crash")
HANG = Action("hang")
OFF = Action("off")

READ = [
    ("crash", [[Term(CRASH)]]),
    ("*crash", [[Term(CRASH)]]),
    ("3*crash", [[Term(CRASH, times=3)]]),
    ("3*->crash", [[Term(CRASH, times=3)]]),
    ("30%crash", [[Term(CRASH, 0.3)]]),
    ("30%->crash", [[Term(CRASH, 0.3)]]),
    ("30%*->crash", [[Term(CRASH, 0.3)]]),
    ("0.5%2*->crash", [[Term(CRASH, 0.005, 2)]]),
    (" 30% 2* -> crash ", [[Term(CRASH, 0.3, 2)]]),
    ("30%->2*->crash", [[Term(CRASH, 0.3, 2)]]),
    ("100%crash", [[Term(CRASH)]]),
    ("1*off->3*hang->off", [[Term(OFF, times=1), Term(HANG, times=3), Term(OFF)]]),
    ("crash->30%->hang", [[Term(CRASH), Term(HANG, 0.3)]]),
    ("1%->crash | 2%->hang", [[Term(CRASH, 0.01)], [Term(HANG, 0.02)]]),
    ("crash()", [[Term(CRASH)]]),
    ("crash(ValueError)", [[Term(Action("crash", ("ValueError",)))]]),
    ("crash(my.mod:Error)", [[Term(Action("crash", ("my.mod:Error",)))]]),
    ("x(a-b, team/writer)", [[Term(Action("x", ("a-b", "team/writer")))]]),
    ("x(\"a text\", 'it\\'s')", [[Term(Action("x", ("a text", "it's")))]]),
    ("x(1, -2, 0.5)", [[Term(Action("x", (1, -2, 0.5)))]]),
    ("x(2s, 1s..5s, ±1h)", [[Term(Action("x", (Span(2, 2), Span(1, 5), Span(-3600, 3600))))]]),
    ("x(-1h..+1h)", [[Term(Action("x", (Span(-3600, 3600),)))]]),
    ("x(5%, 100/s, 1MB)", [[Term(Action("x", (Share(0.05), Rate(100.0), Size(10**6))))]]),
    ("x(1, when=during, after=2s)", [[Term(Action("x", (1,), {"when": "during", "after": Span(2, 2)}))]]),
]


@pytest.mark.parametrize(("text", "chains"), READ)
def test_a_text_is_read(text, chains):
    """Each form of the grammar means what it says."""
    assert parse(text) == Program(tuple(map(tuple, chains)))


WRITTEN = [
    ("30%*->crash(ValueError)", "30%->crash(ValueError)"),
    ("1*off->3*hang->off", "1*off->3*hang->off"),
    ("1%drop|2%delay( 1s..5s )", "1%->drop | 2%->delay(1s..5s)"),
    ("100%7*crash", "7*crash"),
    ('x(\'a b\',y = "\\"")', 'x("a b", y="\\"")'),
]


@pytest.mark.parametrize(("text", "written"), WRITTEN)
def test_a_program_is_written_in_one_form(text, written):
    """A program has one text, however it was written."""
    assert str(parse(text)) == written


words = st.from_regex(r"[A-Za-z_][a-z_0-9]{0,5}(-[a-z]{1,3})?([.:/][a-z]{1,4})?", fullmatch=True)
spans = st.tuples(st.integers(-(10**7), 10**7), st.integers(0, 10**7)).map(
    lambda pair: Span(pair[0] / 1000, (pair[0] + pair[1]) / 1000)
)
values = st.one_of(
    words,
    st.text(max_size=10),
    st.integers(-(10**9), 10**9),
    st.floats(-1e6, 1e6).filter(lambda x: x == 0 or abs(x) > 1e-6),
    spans,
    st.integers(0, 1000).map(lambda per_mille: Share(per_mille / 1000)),
    st.integers(1, 10**6).map(lambda number: Rate(float(number))),
    st.integers(0, 10**12).map(Size),
)
actions = st.builds(
    Action,
    words,
    st.lists(values, max_size=3).map(tuple),
    st.dictionaries(words.filter(str.isidentifier), values, max_size=3),
)
chances = st.one_of(st.just(1.0), st.floats(1e-6, 1.0))
terms = st.builds(Term, actions, chances, st.one_of(st.none(), st.integers(1, 10**6)))
programs = st.builds(
    Program,
    st.lists(st.lists(terms, min_size=1, max_size=3).map(tuple), min_size=1, max_size=3)
    .map(tuple)
    .filter(lambda chains: len(str(Program(chains))) <= LONGEST),
)


@given(programs)
def test_a_program_is_read_as_it_was_written(program):
    """Whatever a program says, its text means it."""
    assert parse(str(program)) == program


WRONG = [
    ("", 1, "the text ends", "the name of an action, such as crash or delay(2s)"),
    ("crash->", 8, "the text ends", "the name of an action, such as crash or delay(2s)"),
    ("crash | ", 8, "the text ends", "the name of an action, such as crash or delay(2s)"),
    ("30%", 4, "the text ends", "the name of an action, such as crash or delay(2s)"),
    ("30%->3*->", 10, "the text ends", "the name of an action, such as crash or delay(2s)"),
    ("30%->->crash", 6, "'->' stands", "the name of an action, such as crash or delay(2s)"),
    ("5crash", 1, "'5crash' stands", "the name of an action, such as crash or delay(2s)"),
    ("crash hang", 7, "'hang' stands", "-> and another term, or | and an alternative"),
    ("crash)", 6, "')' stands", "-> and another term, or | and an alternative"),
    ("0%crash", 1, "the chance is 0%", "more than 0%, up to 100%"),
    ("140%crash", 1, "the chance is 140%", "more than 0%, up to 100%"),
    ("2s%crash", 1, "the chance is 2s%", "more than 0%, up to 100%"),
    ("0*crash", 1, "the count is 0*", "a whole number, 1 or more, or * alone"),
    ("1.5*crash", 1, "the count is 1.5*", "a whole number, 1 or more, or * alone"),
    ("crash->-2*hang", 8, "the count is -2*", "a whole number, 1 or more, or * alone"),
    ("x(", 3, "the text ends", "an argument: a word, a number, or an amount such as 2s, 1s..5s, 100/s or 1MB"),
    ("x(,)", 3, "',' stands", "an argument: a word, a number, or an amount such as 2s, 1s..5s, 100/s or 1MB"),
    ("x(a b)", 5, "'b' stands", ", or )"),
    ("x(a=)", 5, "')' stands", "an argument: a word, a number, or an amount such as 2s, 1s..5s, 100/s or 1MB"),
    ("x(a=1, a=2)", 8, "the argument 'a' is given twice", "it once"),
    ("x(a=1, 2)", 8, "an argument without a name stands behind one with a name", "those without names first"),
    ('x("abc)', 3, "a text begins that does not end", 'a " at its end'),
    ("x(#)", 3, "'#' has no meaning here", "terms such as 30%->crash, 3*hang or delay(1s..5s)"),
    ("é", 1, "'é' has no meaning here", "terms such as 30%->crash, 3*hang or delay(1s..5s)"),
    ("x" * (LONGEST + 1), 1, "the text has 2,001 characters", "at most 2,000"),
]


@pytest.mark.parametrize(("text", "character", "what", "legal"), WRONG)
def test_an_error_points_into_the_text(text, character, what, legal):
    """What is no program is refused with the place, what stands there, and what is legal."""
    with pytest.raises(InvalidProgram) as caught:
        parse(text)
    error = caught.value
    assert (error.position + 1, error.what, error.legal) == (character, what, legal)
    assert f"at character {character} of " in str(error)


def test_what_is_no_amount_is_named():
    """A number with a unit that there is not is refused where it stands."""
    with pytest.raises(
        InvalidProgram, match=r"'5q' is no amount, at character 3 of 'x\(5q\)'; expected a number, a dur"
    ):
        parse("x(5q)")


@given(st.text(alphabet="crash%*->|(),=\"'.:/ 0123456789msh±é", max_size=40))
def test_no_text_breaks_the_parser(text):
    """Any text is a program, or is refused with a place in it."""
    program, position = read(text)
    assert 0 <= position <= len(text)
    assert program is None or parse(str(program)) == program


def read(text):
    try:
        return parse(text), 0
    except InvalidProgram as error:
        return None, error.position


def test_arguments_remember_where_they_stood():
    """An action knows its place in its text, and those of its arguments; equality does not look at them."""
    action = parse("1*off->crash(ValueError, when=during)").terms[1].action
    assert (action.at, dict(action.places)) == (7, {0: 13, "when": 30})
    assert action == Action("crash", ("ValueError",), {"when": "during"})
    assert hash(action) == hash(Action("crash", ("ValueError",), {"when": "during"}))


def test_a_lone_action_has_no_chance_and_no_count():
    """Where an action alone is wanted, a program is refused."""
    assert parse_action("burst(5, after=10)") == Action("burst", (5,), {"after": 10})
    with pytest.raises(InvalidProgram, match="at character 1"):
        parse_action("30%->crash")
    with pytest.raises(InvalidProgram, match=r"'->' stands, at character 6 of 'crash->hang'; expected nothing more"):
        parse_action("crash->hang")
