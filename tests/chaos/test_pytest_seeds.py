"""Which seeds a test runs with, and the file in which those that failed are kept."""

from __future__ import annotations

import json

import pytest

from treeward.chaos.testing.kept import AT_ONCE, KeptSeeds
from treeward.chaos.testing.seeds import InvalidMarker, Run, Seeds, marked, seeds_of

TEST = "tests/test_writer.py::test_writer_survives"


@pytest.mark.parametrize(
    ("given", "seeds"),
    [
        (1, (0,)),
        (3, (0, 1, 2)),
        ("5", (0, 1, 2, 3, 4)),
        ("7..9", (7, 8, 9)),
        (" 7 .. 7 ", (7,)),
        ([4, 2], (4, 2)),
        (range(2, 4), (2, 3)),
    ],
)
def test_seeds_are_a_number_a_range_or_a_list(given, seeds):
    """A number counts from 0; a range has both its ends; a list keeps its order."""
    assert seeds_of(given) == seeds


@pytest.mark.parametrize(
    "given", [0, -1, True, 1.5, None, "", "a", "0", "9..7", "1..", "..5", "1...3", "-1", [], [1, "2"], [-1], [True]]
)
def test_other_seeds_are_refused_in_words(given):
    """What was given is said, and what is legal."""
    with pytest.raises(InvalidMarker, match=r"a number of them such as 200, a range such as '100\.\.199'") as refused:
        seeds_of(given)
    assert repr(given) in str(refused.value)


@pytest.mark.parametrize(
    ("args", "options", "words"),
    [
        ((200,), {}, r"takes seeds= and policy=, not positional arguments \(200,\)"),
        ((), {"seed": 3}, "takes seeds= and policy=, not seed"),
        ((), {"policy": "lifo"}, "policy is one of fifo, random, pct, not 'lifo'"),
        ((), {"seeds": "many"}, "not 'many'"),
    ],
)
def test_markers_that_say_nothing_are_refused(args, options, words):
    """A marker has two arguments, both by name."""
    with pytest.raises(InvalidMarker, match=words):
        marked(args, options)


def test_a_marker_alone_has_twenty_seeds():
    """Without arguments, a marked test runs 20 times, in a random order of its tasks."""
    assert marked((), {}) == Seeds(tuple(range(20)), "random")


def test_kept_runs_come_first_and_nothing_comes_twice():
    """A seed that failed runs before all others; with another policy it is another run."""
    runs = Seeds((0, 1, 2), "pct").runs([Run(2, "pct"), Run(1, "random")])
    assert runs == (Run(2, "pct"), Run(1, "random"), Run(0, "pct"), Run(1, "pct"))


# --- the file ---------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path):
    return tmp_path / ".treeward" / "chaos-seeds.json"


def test_what_failed_is_there_the_next_time(file):
    """Failed runs are written with seed and policy, one a line, tests and their runs in order."""
    kept = KeptSeeds(file)
    kept.failed("b", Run(9, "random"))
    kept.failed(TEST, Run(317, "pct"))
    kept.failed(TEST, Run(12, "pct"))
    assert kept.save() == 3
    assert KeptSeeds(file).of(TEST) == (Run(12, "pct"), Run(317, "pct"))
    assert file.read_text() == (
        '{\n  "b": [\n    {"seed": 9, "policy": "random"}\n  ],\n'
        f'  "{TEST}": [\n    {{"seed": 12, "policy": "pct"}},\n    {{"seed": 317, "policy": "pct"}}\n  ]\n}}\n'
    )


def test_a_run_is_kept_once(file):
    """What is in the file already, or failed twice, is not written again."""
    for _ in range(2):
        kept = KeptSeeds(file)
        kept.failed(TEST, Run(1))
        kept.failed(TEST, Run(1))
        kept.save()
    assert json.loads(file.read_text()) == {TEST: [{"seed": 1, "policy": "random"}]}


def test_a_session_keeps_a_few_of_a_test(file):
    """Where all seeds fail, the smallest few are kept."""
    kept = KeptSeeds(file)
    for seed in reversed(range(100)):
        kept.failed(TEST, Run(seed))
    assert kept.save() == AT_ONCE
    assert kept.of(TEST) == tuple(Run(seed) for seed in range(AT_ONCE))


def test_nothing_is_written_where_nothing_failed(file):
    """No file comes of a session in which all went well."""
    assert (KeptSeeds(file).save(), file.exists()) == (0, False)


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"a": 1}', '{"a": [1]}', '{"a": [{"seed": 1}]}', '{"a": [{"seed": -1, "policy": "pct"}]}', "{"],
)
def test_a_broken_file_is_refused(file, text):
    """What is no file of seeds is said to be none, with its path."""
    file.parent.mkdir()
    file.write_text(text)
    with pytest.raises(InvalidMarker, match=r"chaos-seeds.json is not a file of kept seeds .*: mend it, or delete it"):
        KeptSeeds(file)
