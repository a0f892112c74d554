"""The YAML reader: what it takes, where things stand, and what it refuses."""

# ruff: noqa: E501 - a row of a table is one line

import math

import pytest
import yaml

from treeward.trees import source
from treeward.trees.located import locate
from treeward.trees.problems import TreeError
from treeward.trees.scalars import resolve
from treeward.trees.source import decode, read_source

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def loader(request, monkeypatch):
    monkeypatch.setattr(source, "_LOADER", request.param)


def read(text, environ=()):
    return read_source(text, "f.yaml", dict(environ))


def lines_of(text):
    try:
        return [str(problem) for problem in read(text)[1]]
    except TreeError as error:
        return str(error).split("\n")


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("", None), ("~", None), ("null", None), ("Null", None), ("nUll", "nUll"),
        ("true", True), ("TRUE", True), ("false", False), ("tRue", "tRue"),
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"),
        ("1", 1), ("-1", -1), ("+1", 1), ("010", 10), ("0o10", 8), ("0x1F", 31), ("0b1", "0b1"),
        ("1_000", "1_000"), ("12:30", "12:30"), ("1:2:3", "1:2:3"), ("2024-01-01", "2024-01-01"),
        ("1.5", 1.5), (".5", 0.5), ("1.", 1.0), ("1e3", 1000.0), ("-1E-3", -0.001), (".", "."), ("e3", "e3"),
        (".inf", math.inf), ("-.inf", -math.inf), ("inf", "inf"), ("+", "+"), ("-", "-"), ("1s", "1s"),
        ("=", "="), ("<<x", "<<x"), ("9" * 101, "9" * 101),
    ],
)  # fmt: skip
def test_plain_words_have_the_core_schema(word, value):
    """Words mean what YAML 1.2's core schema says, and none of YAML 1.1's surprises."""
    assert resolve(word) == value
    assert type(resolve(word)) is type(value)


def test_not_a_number_is_one():
    """`.nan` is the float of that name."""
    assert math.isnan(resolve(".nan"))


def test_keys_are_words_too(loader):
    """`on:` is the key `on`."""
    assert read("on: 1\nno: 'true'\n") == ({"on": 1, "no": "true"}, [])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: '12'", "12"),
        ('a: "12"', "12"),
        ("a: !!str 12", "12"),
        ("a: ! 12", "12"),
        ("a: !!int 12", 12),
        ("a: !!seq [1]", [1]),
        ("a: !!map {b: 1}", {"b": 1}),
        ("a: |\n  x\n  y\n", "x\ny\n"),
        ("a: >-\n  x\n  y\n", "x y"),
        ("x: &n [1]\na: *n", [1]),
        ("x: &n 7\na: *n", 7),
        ("%YAML 1.2\n---\na: 1\n...\n", 1),
        ("\ufeffa: 1", 1),
    ],
)
def test_what_yaml_can_do(loader, text, value):
    """Quotes, block texts, standard tags and aliases work."""
    top, problems = read(decode(text.encode(), "f.yaml"))
    assert (top["a"], problems) == (value, [])


REFUSED = {
    "nothing": ("", ["f.yaml:1:1: the file is empty; expected a mapping with the keys treeward, name and tree"]),
    "a comment only": ("# x\n", ["f.yaml:1:1: the file is empty; expected a mapping with the keys treeward, name and tree"]),
    "null": ("~", ["f.yaml:1:1: the file is empty; expected a mapping with the keys treeward, name and tree"]),
    "a list": ("\n- 1\n", ["f.yaml:2:1: the file holds a list; expected a mapping with the keys treeward, name and tree"]),
    "a word": ("word", ["f.yaml:1:1: the file holds a single value; expected a mapping with the keys treeward, name and tree"]),
    "two documents": ("a: 1\n---\nb: 1\n", ["f.yaml:2:1: a second document begins here; expected one document in a file"]),
    "a key twice": ("a: 1\nb: 2\na: 3\n", ["f.yaml:3:1: the key 'a' is given twice; expected it once, as in line 1"]),
    "a custom tag": ("a: !x 1", ["f.yaml:1:4: the tag '!x' is not allowed here; expected plain YAML; leave the tag out"]),
    "a tag of Python": (
        "a: !!python/object/apply:os.system [id]",
        ["f.yaml:1:4: the tag 'tag:yaml.org,2002:python/object/apply:os.system' is not allowed here; expected plain YAML; leave the tag out"],
    ),
    "a tag that lies": ("a: !!int x", ["f.yaml:1:4: the tag 'tag:yaml.org,2002:int' is not allowed here; expected plain YAML; leave the tag out"]),
    "a merge key": ("a: {<<: {b: 1}}", ["f.yaml:1:5: merge keys (<<) are not supported; name what is shared under policies"]),
    "a number as key": ("404: x", ["f.yaml:1:1: this key is not a text; expected a word; put it in quotes"]),
    "a list as key": ("? [1]\n: x", ["f.yaml:1:3: this key is not a text; expected a word; put it in quotes"]),
    "an unknown alias": ("a: *x", ["f.yaml:1:4: the alias *x has no anchor before it"]),
    "an alias of itself": ("a: &x [*x]", ["f.yaml:1:8: the alias *x stands within what it stands for"]),
    "too many aliases": (
        "a: &x 1\nb: [" + "*x," * 101 + "]",
        ["f.yaml:2:305: the aliases of this file are too many, or stand for too much; expected at most 100 aliases, for at most 10,000 values"],
    ),
    "billion laughs": (
        "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 9)),
        ["f.yaml:4:38: the aliases of this file are too many, or stand for too much; expected at most 100 aliases, for at most 10,000 values"],
    ),
    "deep lists": ("[" * 5000, ["f.yaml:1:51: the nesting is too deep; expected at most 50 levels"]),
    "deep mappings": ("{a: " * 5000, ["f.yaml:1:201: the nesting is too deep; expected at most 50 levels"]),
    "deep by an alias": (
        "a: &a " + "[" * 30 + "]" * 30 + "\nb: " + "[" * 30 + "*a" + "]" * 30,
        ["f.yaml:2:34: the nesting is too deep; expected at most 50 levels"],
    ),
    "a control character": ("a: 1\nb: \x00", ["f.yaml:2:4: the file holds the control character '\\x00'; expected text"]),
    "half a character": ("a: \ud800", ["f.yaml:1:4: the file holds the control character '\\ud800'; expected text"]),
    "a large text": ("a: " + "x" * 1_000_000, ["f.yaml: the file is too large; expected at most 1,000,000 bytes"]),
    "two faults": (
        "a: !x 1\na: 2",
        [
            "f.yaml:1:4: the tag '!x' is not allowed here; expected plain YAML; leave the tag out",
            "f.yaml:2:1: the key 'a' is given twice; expected it once, as in line 1",
        ],
    ),
    "faults before the end": (
        "a: 1\na: 2\n---\n",
        [
            "f.yaml:2:1: the key 'a' is given twice; expected it once, as in line 1",
            "f.yaml:3:1: a second document begins here; expected one document in a file",
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_how(loader, text, lines):
    """Each thing that a tree may not hold is refused in words, at its place."""
    assert lines_of(text) == lines


@pytest.mark.parametrize(
    ("text", "begins"),
    [
        ("a: [1", "f.yaml:1:6: this is not YAML: while parsing a flow sequence, "),
        ("a: 'x", "f.yaml:1:6: this is not YAML: while scanning a quoted scalar, "),
        ("a: 1\n b: 2\n", "f.yaml:2:3: this is not YAML: mapping values are not allowed"),
        ("\ta: 1", "f.yaml:1:1: this is not YAML: while scanning for the next token, "),
        ("%FOO x\n", "f.yaml:"),
    ],
)
def test_what_is_not_yaml(loader, text, begins):
    """A fault of the grammar is one line with its place."""
    (line,) = lines_of(text)
    assert line.startswith(begins)


def test_a_brace_that_the_reference_brought(loader):
    """The commonest trap, a reference in braces without quotes, has a hint of its own."""
    (line,) = lines_of("a: {b: ${KEY}}\n")
    assert line.endswith("; within { } and [ ], put ${...} in quotes")


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a: \xff\n", "f.yaml:1:4: the file is not UTF-8: byte 0xff; expected text in UTF-8"),
        (b"a: 1\nb: \xc3\xa9\xe9\n", "f.yaml:2:5: the file is not UTF-8: byte 0xe9; expected text in UTF-8"),
        ("a: 1".encode("utf-16"), "f.yaml:1:1: the file is not UTF-8: byte 0xff; expected text in UTF-8"),
        (b"x" * 1_000_001, "f.yaml: the file is too large; expected at most 1,000,000 bytes"),
    ],
)
def test_bytes_that_are_no_text(data, line):
    """Bytes have to be UTF-8, and not too many."""
    with pytest.raises(TreeError) as caught:
        decode(data, "f.yaml")
    assert str(caught.value) == line


def test_the_largest_file_is_taken():
    """The limit is inclusive."""
    text = "a: " + "x" * (source.MAX_BYTES - 3)
    assert len(read(decode(text.encode(), "f.yaml"))[0]["a"]) == source.MAX_BYTES - 3


def test_the_deepest_nesting_is_taken(loader):
    """The limit is inclusive."""
    assert read("a: " + "[" * 49 + "]" * 49)[1] == []


def test_a_hundred_aliases_are_taken(loader):
    """The limit is inclusive."""
    assert len(read("a: &x 1\nb: [" + "*x," * 100 + "]")[0]["b"]) == 100


def test_every_value_has_its_place(loader):
    """Keys and values are found again, in flow and in block style; what is missing is found at its parent."""
    top, _ = read("a:\n  - b: 1\n    cd: {e: [x, y]}\n")
    assert locate(top, ()) == ("f.yaml", 1, 1)
    assert locate(top, ("a",)) == ("f.yaml", 2, 3)
    assert locate(top, ("a", 0, "cd", "e", 1)) == ("f.yaml", 3, 17)
    assert locate(top, ("a", 0, "cd", "e"), key=True) == ("f.yaml", 3, 10)
    assert locate(top, ("a", 0, "zz")) == ("f.yaml", 2, 5)


def test_only_values_are_expanded(loader):
    """References in keys stay; in values of any style they are replaced, also where they are anchored."""
    top, problems = read("${K}: '${K}'\nb: &x ${K}\nc: *x\nd: |-\n  ${K}\n", {"K": "v"}.items())
    assert (top, problems) == ({"${K}": "v", "b": "v", "c": "v", "d": "v"}, [])


def test_values_from_the_environment_are_texts(loader):
    """A variable never turns into a number, a null, or more YAML."""
    top, _ = read("a: ${K}\nb: ${L}\nc: ${M}\n", {"K": "12", "L": "", "M": "{x: !y *z"}.items())
    assert top == {"a": "12", "b": "", "c": "{x: !y *z"}
