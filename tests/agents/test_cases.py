"""Where cases are kept: in memory and in a file alike, and by several processes in one file."""

from __future__ import annotations

import json
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from treeward.agents.case import Case, Said, acted
from treeward.agents.cases import FileCases, MemoryCases


def new(key="k", **changes):
    return replace(Case(key, {"a": [1]}, "why", 1.5, context={"b": None}), **changes)


@pytest.fixture(params=["memory", "file"])
def cases(request, tmp_path):
    return MemoryCases() if request.param == "memory" else FileCases(tmp_path / "deep" / "cases.db")


def test_a_case_is_kept_once_for_its_key(cases):
    """The first case with a key is kept, and returned to whoever comes with the same key."""
    first = cases.keep(new())
    assert first == new(id="case-1", version=1)
    assert cases.keep(new(reason="other")) == first
    assert cases.keep(new("l")).id == "case-2"


def test_a_case_is_found_by_its_id(cases):
    """An id that nothing has finds nothing."""
    first = cases.keep(new())
    assert cases.find("case-1") == first
    assert [cases.find(id_) for id_ in ("case-2", "", "case-", "1", "' OR 1=1 --")] == [None] * 5


def test_cases_are_listed_by_their_state(cases):
    """Those of one state, or all, the oldest first."""
    for key in "abcd":
        cases.keep(new(key))
    for id_, state in (("case-1", "answered"), ("case-2", "returned"), ("case-3", "dropped")):
        cases.change(replace(cases.find(id_), state=state))
    listed = {state: [case.id for case in cases.all(state)] for state in ("open", "answered", "returned", "dropped")}
    assert listed == {"open": ["case-4"], "answered": ["case-1"], "returned": ["case-2"], "dropped": ["case-3"]}
    assert [case.id for case in cases.all()] == ["case-1", "case-2", "case-3", "case-4"]


def test_a_change_is_kept_whole(cases):
    """What was done with a case is there afterwards, with a new version."""
    done = acted(cases.keep(new()), Said("answered", "yes", "Ann", 2.0, "call"))
    kept = cases.change(done)
    assert kept == replace(done, version=2) == cases.find("case-1")


def test_a_change_of_what_has_changed_is_refused(cases):
    """Of two who change the same case at the same time one is the first; the other is told."""
    seen = cases.keep(new())
    assert cases.change(replace(seen, reason="first")) is not None
    assert cases.change(replace(seen, reason="second")) is None
    assert cases.find("case-1").reason == "first"


def test_changes_are_in_order(cases):
    """`since` gives what has changed after a version, the last change last, each case once."""
    cases.keep(new("a"))
    cases.keep(new("b"))
    assert (cases.last_version(), cases.since(2)) == (2, ())
    cases.change(replace(cases.find("case-2"), reason="x"))
    cases.change(replace(cases.find("case-1"), reason="x"))
    cases.change(replace(cases.find("case-2"), reason="y"))
    assert [(case.id, case.version) for case in cases.since(1)] == [("case-1", 4), ("case-2", 5)]
    assert [case.id for case in cases.since(4)] == ["case-2"]
    assert cases.last_version() == 5


def test_nothing_is_the_version_of_nothing(cases):
    """Where there is no case yet, the last version is 0."""
    assert cases.last_version() == 0


def test_only_a_file_is_shared(tmp_path):
    """Cases in memory are nobody else's."""
    assert (MemoryCases().shared, FileCases(tmp_path / "cases.db").shared) == (False, True)


def test_a_file_is_there_for_several(tmp_path):
    """What one has written the other finds, changes and cannot lose."""
    one, other = FileCases(tmp_path / "cases.db"), FileCases(tmp_path / "cases.db")
    kept = one.keep(new())
    assert other.keep(new()) == kept
    assert other.change(replace(kept, reason="by the other")) is not None
    assert one.change(replace(kept, reason="too late")) is None
    assert one.find("case-1").reason == "by the other"


def test_many_open_cases_at_once(tmp_path):
    """Writers that come at the same time wait for each other: every case is kept once, with its own number."""

    def write():
        cases = FileCases(tmp_path / "cases.db")
        for number in range(10):
            cases.keep(new(f"k{number}"))

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = FileCases(tmp_path / "cases.db").all()
    assert sorted(case.key for case in found) == sorted(f"k{number}" for number in range(10))
    assert [case.id for case in found] == [f"case-{number}" for number in range(1, 11)]


# --- the two are alike -------------------------------------------------------------------------------

IDS = st.sampled_from(["case-1", "case-2", "case-3", "case-9", "x"])
STATES = st.sampled_from(["open", "answered", "returned", "dropped"])
STEPS = st.one_of(
    st.tuples(st.just("keep"), st.sampled_from("abc")),
    st.tuples(st.just("change"), IDS, STATES, st.booleans()),
    st.tuples(st.just("all"), st.none() | STATES),
    st.tuples(st.just("since"), st.integers(0, 9)),
)


def step(cases, verb, *words):
    """Does one thing with cases, and returns what came of it and the last version."""
    match verb, *words:
        case "keep", key:
            result = cases.keep(new(key))
        case "change", id_, state, stale:
            found = cases.find(id_)
            result = found and cases.change(replace(found, state=state, version=found.version - stale))
        case _:
            result = getattr(cases, verb)(*words)
    return result, cases.last_version()


@settings(max_examples=40)
@given(steps=st.lists(STEPS, max_size=12))
def test_memory_and_file_are_alike(steps):
    """Whatever is done with cases in memory and with those in a file, in the same order, comes to the same."""
    with TemporaryDirectory() as directory:
        memory, file = MemoryCases(), FileCases(Path(directory) / "cases.db")
        for one in steps:
            assert step(memory, *one) == step(file, *one)


# --- files from before there were states ------------------------------------------------------------

OLD_SCHEMA = """
CREATE TABLE IF NOT EXISTS cases (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    answered INTEGER NOT NULL,
    document TEXT NOT NULL
)
"""


def old_document(key, **changes):
    fields = {"key": key, "request": "x", "reason": "why", "opened": 1.0, "task": "t", "id": "", "context": {"a": 1}}
    answer = {"draft": None, "answer": None, "answered": None, "answered_by": None}
    return json.dumps({**fields, **answer, **changes})


@pytest.fixture
def old_file(tmp_path):
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(OLD_SCHEMA)
        rows = [
            ("a/desk", 0, old_document("a/desk")),
            ("b/desk", 1, old_document("b/desk", answer="done", answered=4.0, answered_by="Ann")),
        ]
        database.executemany("INSERT INTO cases (key, answered, document) VALUES (?, ?, ?)", rows)
    return path


def test_an_old_file_is_taken_over(old_file):
    """Its cases keep their numbers and keys, and have the state that their answers say."""
    for _ in range(2):  # the second time, there is nothing to take over any more
        cases = FileCases(old_file)
        assert [(case.id, case.key, case.state) for case in cases.all()] == [
            ("case-1", "a/desk", "open"),
            ("case-2", "b/desk", "answered"),
        ]
    assert cases.all("answered")[0].said == (Said("answered", "done", "Ann", 4.0),)


def test_an_old_file_goes_on(old_file):
    """New cases get the next numbers, old ones can be changed, and a key that is known opens no second case."""
    cases = FileCases(old_file)
    assert cases.keep(new("a/desk")).id == "case-1"
    assert cases.keep(new("c")).id == "case-3"
    assert cases.change(acted(cases.find("case-1"), Said("dropped", "spam", "Bob", 9.0))).state == "dropped"
    assert [case.id for case in cases.since(3)] == ["case-1"]


def test_two_take_an_old_file_over_at_once(old_file):
    """Whoever comes second finds it taken over."""
    threads = [threading.Thread(target=FileCases, args=(old_file,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(FileCases(old_file).all()) == 2
