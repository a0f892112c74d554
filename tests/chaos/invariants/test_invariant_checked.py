"""Functions of the run as invariants."""

from types import SimpleNamespace

import pytest

from treeward.chaos.invariants.checked import checked


def nothing_is_lost(run):
    """What came in goes out.

    More is said here.
    """
    for thing in run.lost:
        yield f"{thing} is lost"


def says_nothing(run):
    run.asked.append(run)


def fails(run):
    raise LookupError("no such file")


def test_it_is_named_after_its_function():
    """The function's name is the invariant's, and the first line of its docstring what has to hold."""
    kind = checked(nothing_is_lost)
    assert (kind.name, kind.what) == ("nothing_is_lost", "What came in goes out.")
    assert (checked(says_nothing).name, checked(says_nothing).what) == ("says_nothing", "")


def test_it_is_asked_when_the_tree_is_closed():
    """Not before; each text is a violation, and each run has an object of its own."""
    one, other = (checked(nothing_is_lost)() for _ in range(2))
    run = SimpleNamespace(lost=["a", "b"])
    one.started(run)
    one.healed(run)
    one.settled(run)
    assert one.violations == []
    one.closed(run)
    assert [str(violation) for violation in one.violations] == [
        "nothing_is_lost at 0.000000 s: a is lost",
        "nothing_is_lost at 0.000000 s: b is lost",
    ]
    assert other.violations == []


def test_a_function_may_return_nothing():
    """One that found nothing, and returns None, holds."""
    run = SimpleNamespace(asked=[])
    one = checked(says_nothing)()
    one.closed(run)
    assert (run.asked, one.violations) == ([run], [])


def test_what_it_raises_comes_out():
    """Whoever shows the run to the invariants takes it for a violation of its own."""
    with pytest.raises(LookupError, match="no such file"):
        checked(fails)().closed(SimpleNamespace())
