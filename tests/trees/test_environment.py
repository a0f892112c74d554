"""References to the environment, and texts that keep a secret."""

# ruff: noqa: E501 - a row of a table is one line

import copy
import pickle

import pytest

from treeward.trees.environment import FromEnvironment, escape, expand, masked

ENVIRON = {"KEY": "hunter2", "EMPTY": "", "A_1": "one"}


def expanded(text):
    complaints = []
    return expand(text, ENVIRON, lambda *words: complaints.append(words)), complaints


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${KEY}", "hunter2"),
        ("a ${KEY} b ${A_1}", "a hunter2 b one"),
        ("${NONE:-default}", "default"),
        ("${NONE:-}", ""),
        ("${EMPTY:-default}", "default"),
        ("${EMPTY}", ""),
        ("${KEY:-default}", "hunter2"),
        ("${NONE:-http://x:1/y?z}", "http://x:1/y?z"),
        ("$${KEY}", "${KEY}"),
        ("$${KEY} ${KEY}", "${KEY} hunter2"),
        ("$KEY $ {KEY} $$", "$KEY $ {KEY} $$"),
    ],
)
def test_references_are_replaced(text, value):
    """`${NAME}`, `${NAME:-default}` and `$${` mean what the reference says."""
    assert expanded(text) == (value, [])


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("${NONE}", ("the environment variable NONE is not set", "", "did you mean 'NONE_'?")),
        ("${ZZZ}", ("the environment variable ZZZ is not set", "", "set it, or give a default: ${ZZZ:-default}")),
        ("${", ("the reference '${' is not well formed", "${NAME} or ${NAME:-default}", "write $${ for the characters themselves")),
        ("${1}", ("the reference '${1}' is not well formed", "${NAME} or ${NAME:-default}", "write $${ for the characters themselves")),
        ("${A-B}", ("the reference '${A-B}' is not well formed", "${NAME} or ${NAME:-default}", "write $${ for the characters themselves")),
    ],
)  # fmt: skip
def test_references_that_lead_nowhere(text, complaint):
    """An unset variable without a default and a malformed reference are told, and the text stays as it is."""
    complaints = []
    value = expand(text, {"NONE_": "x"}, lambda *words: complaints.append(words))
    assert complaints == [complaint]
    assert value == text


def test_all_unset_variables_are_told():
    """One text may have several faults."""
    assert [what for what, _, _ in expanded("${X}${Y}")[1]] == [
        "the environment variable X is not set",
        "the environment variable Y is not set",
    ]


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda text: pickle.loads(pickle.dumps(text))])
def test_a_secret_shows_as_its_reference(again):
    """The text is the value, and its repr is the reference, also in a copy and within containers."""
    value = again(expanded("Bearer ${KEY}")[0])
    assert value == "Bearer hunter2"
    assert repr([value]) == "['Bearer ${KEY}']"
    assert masked({"a": [value, 1]}) == {"a": ["Bearer ${KEY}", 1]}


@pytest.mark.parametrize("text", ["plain", "${KEY}", "$${KEY}", "a ${ b", "${KEY} $${"])
def test_escape_is_the_way_back(text):
    """What is written for a text is read as that text."""
    value, _ = expanded(text) if "a $" not in text else (text, [])
    assert expanded(escape(value))[0] == value


def test_an_escaped_text_is_no_secret():
    """A text without a reference is an ordinary one."""
    assert not isinstance(expanded("$${KEY}")[0], FromEnvironment)
