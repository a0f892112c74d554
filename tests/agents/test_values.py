"""The small values: durations, profiles, contexts, and where state lives."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.agents.context import Context
from treeward.agents.durations import seconds
from treeward.agents.errors import ContextConflict
from treeward.agents.profile import Profile
from treeward.agents.state import state_dir, state_path


@pytest.mark.parametrize(
    ("written", "read"),
    [("500ms", 0.5), ("30s", 30.0), ("2m", 120.0), ("1h", 3600.0), ("1.5s", 1.5), (30, 30.0), (0.25, 0.25)],
)
def test_durations_are_read(written, read):
    """A duration is a number with ms, s, m or h, or a number of seconds."""
    assert seconds(written, "after") == read


@pytest.mark.parametrize(
    "written", ["", "30", "5 s", "-1s", "1d", "0s", 0, -1, True, None, [], float("nan"), "9" * 99 + "s"]
)
def test_what_is_no_duration_is_named(written):
    """What is no duration is an error that says for what field, what was given and what is legal."""
    with pytest.raises(ValueError, match=r"^after is .*: expected a duration such as 500ms"):
        seconds(written, "after")


@pytest.mark.parametrize(
    ("patterns", "tool", "allowed"),
    [
        (("payments.*",), "payments.refund", True),
        (("payments.*",), "payment.refund", False),
        (("payments.refund",), "payments.refunds", False),
        (("*.list",), "desk.list", True),
        (("a.?",), "a.b", True),
        (("Payments.*",), "payments.refund", False),
        ((), "payments.refund", False),
    ],
)
def test_tools_are_allowed_by_patterns(patterns, tool, allowed):
    """A profile allows the tools that one of its patterns covers, and no others."""
    assert Profile(tools=patterns).allows(tool) is allowed


@pytest.mark.parametrize("field", ["handles", "reads", "tools"])
def test_one_word_is_not_several(field):
    """A single text where several words belong is refused, rather than read letter by letter."""
    with pytest.raises(TypeError, match="expected several words"):
        Profile(**{field: "billing"})


FACTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 3))


@given(FACTS, st.none() | st.sets(st.sampled_from("abcdef")))
def test_a_view_shows_what_is_read(facts, reads):
    """A view has the facts that are read, as far as there are any; all of them if nothing is said."""
    expected = facts if reads is None else {name: value for name, value in facts.items() if name in reads}
    assert dict(Context(facts).view(reads)) == expected


@given(FACTS, FACTS)
def test_a_merge_has_both_or_a_conflict(first, second):
    """A merge has the facts of both sides, unless they say different things about one."""
    strife = {name for name in first.keys() & second.keys() if first[name] != second[name]}
    if strife:
        with pytest.raises(ContextConflict) as caught:
            Context(first, "one").merge(second, "two")
        assert caught.value.fact in strife
    else:
        merged = Context(first, "one").merge(second, "two")
        assert dict(merged) == {**first, **second}
        assert all(merged.said_by(name) == ("one" if name in first else "two") for name in merged)


def test_a_conflict_says_who_said_what():
    """The error names the fact, both values and both sources."""
    known = Context({"plan": "pro"}, "the request")
    with pytest.raises(ContextConflict, match="'pro' according to the request, and 'team' according to me"):
        known.merge({"plan": "team"}, "me")
    assert dict(known) == {"plan": "pro"}


def test_a_context_is_not_changed_by_its_source():
    """Facts are copied: what happens to the mapping afterwards does not reach the context."""
    facts = {"plan": "pro"}
    context = Context(facts)
    facts["plan"] = "team"
    assert context["plan"] == "pro"
    assert len(context) == 1


def test_state_lives_where_the_environment_says(monkeypatch, tmp_path):
    """TREEWARD_STATE_DIR is the state directory; a relative path lies in it, an absolute one stays."""
    monkeypatch.setenv("TREEWARD_STATE_DIR", str(tmp_path))
    assert state_dir() == tmp_path
    assert state_path("desk.db") == tmp_path / "desk.db"
    assert state_path("/var/desk.db") == Path("/var/desk.db")


def test_without_a_word_state_lives_in_the_platforms_directory(monkeypatch):
    """Without the variable, the platform's own place for state is taken."""
    monkeypatch.delenv("TREEWARD_STATE_DIR")
    assert state_dir().is_absolute()
    assert state_dir().name == "treeward"
