"""Whether `with` fits a class."""

# ruff: noqa: E501 - a row of a table is one line

import pytest

from treeward.trees.arguments import parameters_of
from treeward.trees.environment import FromEnvironment
from treeward.trees.names import Names
from treeward.trees.problems import TreeError


def parameters(name):
    return parameters_of(Names(["zoo"]).find(f"zoo.actors:{name}"))


FITS = [
    ("Plain", {}, {}),
    ("Old", {"size": 3}, {"size": 3}),
    ("Old", {"size": FromEnvironment("3", "${N}")}, {"size": 3}),
    ("Desk", {"database": "x"}, {"database": "x"}),
    ("Desk", {"database": "x", "limit": 2, "mode": "slow", "tags": ["a"]}, {"database": "x", "limit": 2.0, "mode": "slow", "tags": ["a"]}),
    ("Open", {"first": 1, "anything": [1]}, {"first": 1, "anything": [1]}),
    ("Odd", {"known": 1, "unknown": "what", "untyped": {"a": 1}}, {"known": 1, "unknown": "what", "untyped": {"a": 1}}),
    ("Strange", {"late": ["x"], "amount": "2"}, {"late": ["x"], "amount": 2}),
    ("Strict", {"model": "m"}, {"model": "m", "retries": 3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "given", "converted"), FITS)
def test_arguments_that_fit(actors, name, given, converted):
    """Arguments are checked by their annotation, and converted to it; what has none is passed as it is."""
    assert parameters(name).misfits(given) == []
    assert parameters(name).convert(given) == converted


def test_models_as_arguments(actors):
    """An argument that is a pydantic model arrives as one."""
    (line,) = parameters("Nested").convert({"lines": [{"amount": 3}]})["lines"]
    assert (type(line).__name__, line.amount) == ("Line", 3)


def test_settings_arrive_whole(actors):
    """A class whose constructor takes `settings` gets its Settings model."""
    assert parameters("Configured").convert({"model": "m"})["settings"].retries == 3


MISFITS = {
    "nothing to take": ("Plain", {"a": 1}, [(("a",), "Plain has no argument 'a'", "no arguments", "", True)]),
    "an unknown one": (
        "Desk",
        {"database": "x", "limt": 2},
        [(("limt",), "Desk has no argument 'limt'", "one of database, limit, mode, tags", "did you mean 'limit'?", True)],
    ),
    "a missing one": ("Desk", {}, [((), "Desk needs the argument 'database'", "", "", False)]),
    "a wrong type": ("Desk", {"database": 7}, [(("database",), "the argument database of Desk is 7", "text", "", False)]),
    "a wrong word": (
        "Desk",
        {"database": "x", "mode": "fst"},
        [(("mode",), "the argument mode of Desk is 'fst'", "fast or slow", "did you mean 'fast'?", False)],
    ),
    "a wrong item": (
        "Desk",
        {"database": "x", "tags": ["a", 2]},
        [(("tags", 1), "the argument tags.1 of Desk is 2", "text", "", False)],
    ),
    "all at once": (
        "Old",
        {"sze": 1},
        [
            (("sze",), "Old has no argument 'sze'", "one of size", "did you mean 'size'?", True),
            ((), "Old needs the argument 'size'", "", "", False),
        ],
    ),
    "a secret": (
        "Old",
        {"size": FromEnvironment("hunter2", "${KEY}")},
        [(("size",), "the argument size of Old is '${KEY}', from the environment", "a valid integer, unable to parse string as an integer", "", False)],
    ),
    "no function": ("Parts", {"frist": 1}, [(("frist",), "Parts has no argument 'frist'", "one of first", "did you mean 'first'?", True)]),
    "in a model": (
        "Nested",
        {"lines": [{"amout": 1}]},
        [(("lines", 0), "Nested needs the argument 'amount'", "", "", False)],
    ),
    "a validator that crashes": (
        "Strange",
        {"line": {"text": "x"}, "actor": "a", "amount": 0},
        [
            (("line",), "the argument line of Strange is a mapping: KeyError: 'x'", "", "", False),
            (("actor",), "the argument actor of Strange is 'a'", "an instance of NoActor", "", False),
            (("amount",), "the argument amount of Strange is 0", "1 or more", "", False),
        ],
    ),
    "settings that crash": ("Checked", {"text": "x"}, [((), "Checked refuses its arguments: KeyError: 'x'", "", "", False)]),
    "in settings": (
        "Configured",
        {"model": "m", "retrys": 1},
        [(("retrys",), "Configured has no argument 'retrys'", "one of model, retries", "did you mean 'retries'?", True)],
    ),
    "missing in settings": ("Configured", {}, [((), "Configured needs the argument 'model'", "", "", False)]),
    "in strict settings": (
        "Strict",
        {"model": "m", "retrys": 1},
        [(("retrys",), "Strict has no argument 'retrys'", "one of model, retries", "did you mean 'retries'?", True)],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("name", "given", "misfits"), MISFITS.values(), ids=MISFITS)
def test_arguments_that_do_not_fit(actors, name, given, misfits):
    """Each argument that does not fit is told, all at once, with what is legal and the nearest word."""
    assert parameters(name).misfits(given) == misfits


def test_arguments_that_do_not_fit_are_not_converted(actors):
    """The conversion refuses them with the same words."""
    with pytest.raises(TreeError, match=r"^Desk has no argument 'x'; expected one of database, limit, mode, tags\n"):
        parameters("Desk").convert({"x": 1})
