"""The benchmark program: it runs, it says what failed, and it reports nothing that it has not measured."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

from treeward.runtime.exits import Exit

CHECKOUT = Path(__file__).resolve().parent.parent
TINY = "0.0001"
PYTHON_PEERS = ("floor", "asyncio", "pykka", "treeward")


def benchmark(*options):
    command = [sys.executable, "-m", "benchmarks", "--scale", TINY, "--repeat", "1", *options]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


@pytest.fixture
def module(monkeypatch):
    """Imports a module of benchmarks/, which is not installed."""
    monkeypatch.syspath_prepend(str(CHECKOUT))
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture
def report(module):
    """Makes a report of figures given as {(case, peer): [figure, ...]}."""

    def make(figures):
        runs = [
            module("runs").Run(repeat, case, peer, 10, measured(module, case, figure))
            for (case, peer), each in figures.items()
            for repeat, figure in enumerate(each)
        ]
        machine = module("machine").Machine("2026-01-01", "a processor", 2, "Linux", "CPython", "abc", {})
        return module("report").Report(machine, runs, (0.5, 0.6))

    return make


def measured(module, case, figure):
    name = module("cases").CASES[case].figure
    return module("measure").Measured(10, 1.0, **{name: figure} if name != "seconds" else {})


@pytest.mark.realtime
def test_every_case_of_treeward_runs(module, tmp_path):
    """Each case measures its figure, and both forms of the report are written."""
    files = tmp_path / "figures.json", tmp_path / "figures.md"
    done = benchmark("--peers", "treeward", "--json", str(files[0]), "--markdown", str(files[1]))
    assert done.returncode == 0, done.stderr
    figures = json.loads(files[0].read_text())
    assert set(figures["medians"]) == set(module("cases").CASES)
    assert {case for case, medians in figures["medians"].items() if medians["treeward"] is None} == set()
    assert files[1].read_text().strip() == done.stdout.strip()


@pytest.mark.realtime
def test_the_peers_run_side_by_side():
    """One session measures all peers in Python, and names each with its version."""
    done = benchmark("--peers", *PYTHON_PEERS, "--cases", "ask", "crash")
    assert done.returncode == 0, done.stderr
    assert "| case | floor | asyncio task + queue | pykka | Treeward |" in done.stdout
    assert "CPython" in done.stdout
    assert "pykka 4" in done.stdout
    assert "by hand" in done.stdout, "whoever has no supervisor is not shown as if he had one"


@pytest.mark.realtime
def test_a_run_that_fails_is_reported_as_failed():
    """A run that does not end in time has no figure, a line that says so, and a bad exit code."""
    done = benchmark("--peers", "floor", "--cases", "ask", "--timeout", "0.001")
    assert done.returncode == 1
    assert "ask, floor: FAILED: no end after 0.001 s" in done.stdout
    assert "us" not in next(line for line in done.stdout.splitlines() if line.startswith("| ask:"))


def test_peers_measure_known_cases_only(module):
    """Every program stands for a declared case, and Treeward has all of them."""
    cases = set(module("cases").CASES)
    programs = {peer: set(module(f"peers.{p.module}").PROGRAMS) for peer, p in module("lineup").PEERS.items()}
    assert {peer: has - cases for peer, has in programs.items() if has - cases} == {}
    assert programs["treeward"] == cases


def test_the_median_counts(report):
    """A figure is the median of its runs; a case that was not measured has none."""
    made = report({("ask", "treeward"): [9.0, 3.0, 4.0]})
    assert made.median("ask", "treeward") == 4.0
    assert made.median("ask", "floor") is None


@pytest.mark.parametrize(
    ("case", "figures", "reached"),
    [
        ("ask", {"treeward": 5.9, "floor": 4.0}, True),
        ("ask", {"treeward": 6.1, "floor": 4.0}, False),
        ("tell", {"treeward": 60.0, "floor": 100.0}, True),
        ("tell", {"treeward": 59.0, "floor": 100.0}, False),
        ("memory_supervised", {"treeward": 2000.0}, True),
        ("memory_supervised", {"treeward": 2100.0}, False),
        ("crash", {"treeward": 11.0}, None),
        ("memory", {"treeward": 900.0}, None),
    ],
)
def test_goals_are_judged_within_a_session(module, report, case, figures, reached):
    """A goal is reached or not by the ratio of two medians; without the other peer, nothing is said."""
    made = report({(case, peer): [figure] for peer, figure in figures.items()})
    assert made.reached(module("cases").CASES[case]) is reached


def test_another_case_may_be_the_measure(module, report):
    """An `async def` handler is held against the floor's plain one."""
    made = report({("ask_async", "treeward"): [11.0], ("ask", "floor"): [4.0], ("ask_async", "floor"): [1.0]})
    assert made.reached(module("cases").CASES["ask_async"]) is True


@pytest.mark.parametrize(
    ("case", "figure", "text"),
    [
        ("tell", 1_234_567.0, "1,230,000/s"),
        ("ask", 5.928, "5.93 us"),
        ("fan", 3591.5, "3.59 ms"),
        ("memory", 881.5, "882 B"),
        ("tree", 0.489, "0.489 s"),
        ("tree", None, ""),
    ],
)
def test_figures_are_shown_with_three_digits(module, case, figure, text):
    """No table claims more digits than a run can keep."""
    assert module("report").shown(module("cases").CASES[case], figure) == text


@pytest.mark.realtime
def test_many_actors_start_answer_and_stop_in_order():
    """Numbered actors below supervisors start in order, answer with their number, and stop in reverse order."""
    command = [sys.executable, "-m", "benchmarks.million", "--actors", "2000"]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *stages, verdict = done.stdout.splitlines()
    assert [stage.split()[0] for stage in stages] == ["declare", "start", "ask", "stop"]
    assert verdict == "2,000 actors have started in order, answered, and stopped in reverse order"


def test_what_is_out_of_order_is_noted(module):
    """A start, an answer or a stop that is not the next one is wrong, and so is a stop that nobody asked for."""
    roll = module("million").Roll()
    for number in (0, 2, 2):
        roll.started(number)
    roll.answered(0, 0)
    roll.answered(1, 7)
    roll.stopped(1, Exit.SHUTDOWN)
    roll.stopped(1, Exit.SHUTDOWN)
    roll.stopped(0, Exit.KILLED)
    assert [line.split()[0] for line in roll.wrong] == ["2", "1", "1", "0"]


@pytest.mark.realtime
@pytest.mark.parametrize("what", ["answer", "start"])
def test_a_run_that_is_wrong_fails(what, module, monkeypatch, capsys):
    """The verdict says what was wrong, and the exit code is 1."""
    million = module("million")
    if what == "answer":
        monkeypatch.setattr(million.Numbered, "on_receive", lambda self, _: self.number // 2)
    else:
        monkeypatch.setattr(million, "groups", lambda actors: [(0, range(actors - 1, -1, -1))])
    monkeypatch.setattr(sys, "argv", ["million", "--actors", "10"])
    with pytest.raises(SystemExit) as failed:
        million.main()
    assert "things were wrong" in failed.value.code
    assert "in reverse order" not in capsys.readouterr().out
