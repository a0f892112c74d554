"""Patterns of paths and of names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.chaos.plans.globs import ANY, Names, Paths, could_match, is_path_glob

PATHS = [
    ("writer", "writer a/writer a/b/writer", "writers a/writer/b"),
    ("wri*", "wri writer a/writer", "a/wri/b ewriter"),
    ("*", "a a/b", ""),
    ("**", "a a/b a/b/c", ""),
    ("a/b", "a/b", "a b x/a/b a/b/c"),
    ("a/*", "a/b a/bc", "a a/b/c"),
    ("a/*-x", "a/b-x a/-x", "a/b a/b-xy"),
    ("a/**", "a a/b a/b/c", "b/a ab"),
    ("**/c", "c a/c a/b/c", "ac a/c/d"),
    ("a/**/z", "a/z a/b/z a/b/c/z", "z a z/a"),
    ("a/**/b/*", "a/b/c a/x/b/c", "a/b a/x/b/c/d"),
    ("**/b/**", "b a/b b/c a/b/c", "a ab/c"),
    ("a.b", "a.b x/a.b", "axb"),
]


@pytest.mark.parametrize(("pattern", "matched", "others"), PATHS)
def test_a_pattern_of_paths(pattern, matched, others):
    """One star stays within an id, two go over any number of ids; without a slash it is the id."""
    paths = Paths([pattern])
    assert [path for path in f"{matched} {others}".split() if paths.match(path)] == matched.split()


@pytest.mark.parametrize(
    ("pattern", "legal"),
    [("a/b", True), ("**", True), ("a/**/b*", True), ("", False), ("a//b", False), ("/a", False), ("a/", False),
     ("a**", False), ("a/b**", False), ("a b", False), ("a:b", False), ("x" * 501, False)],
)  # fmt: skip
def test_what_is_a_pattern_of_paths(pattern, legal):
    """Ids between slashes, two stars alone in their place."""
    assert is_path_glob(pattern) is legal


def test_several_patterns_are_one():
    """One of several has to match; with none everything does."""
    assert [Paths(["a", "b/*"]).match(path) for path in ("a", "b/x", "b", "c/a")] == [True, True, False, True]
    assert Paths([]).match("anything/at/all")


@pytest.mark.parametrize(
    ("pattern", "matched", "others"),
    [("payments.*", "payments.find payments.", "payment payments"), ("Task", "Task", "Tasks aTask"),
     ("*", "a a.b", ""), ("a*c", "ac abc a.c", "ab"), ("a.c", "a.c", "abc")],
)  # fmt: skip
def test_a_pattern_of_names(pattern, matched, others):
    """A star stands for any characters, dots included."""
    names = Names([pattern])
    assert [name for name in f"{matched} {others}".split() if names.match(name)] == matched.split()


def test_verdicts_are_not_kept_without_end():
    """Actors that come under ever new names do not fill the memory."""
    paths = Paths(["a*"])
    assert all(paths.match(f"a{number}") for number in range(25_000))
    assert len(paths._known) <= 10_000


ids = st.sampled_from(["a", "b", "ab", "abc"])
parts = st.sampled_from(["a", "b", "a*", "*", "*b", "**"])


@given(st.lists(parts, min_size=1, max_size=4), st.lists(ids, min_size=1, max_size=5))
def test_a_known_path_could_match_if_it_does(pattern, path):
    """Both ways to ask give the same answer where all ids are known."""
    joined = "/".join(pattern)
    assert could_match(joined, path) is Paths([joined]).match("/".join(path))


def test_an_unknown_id_may_be_any():
    """A child that is started later may have the id that a pattern names."""
    assert could_match("team/pool/late", ("team", "pool", ANY))
    assert could_match("late", ("team", "pool", ANY))
    assert not could_match("team/other/late", ("team", "pool", ANY))
