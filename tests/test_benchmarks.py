"""The benchmark program: it runs, it says what failed, and it reports nothing that it has not measured."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import importlib
import importlib.util
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from treeward.runtime.exits import Exit

CHECKOUT = Path(__file__).resolve().parent.parent
TINY = "0.0001"
PARTS = 4  # of the cases: each takes a process
PYTHON_PEERS = ("floor", "asyncio", "pykka", "treeward")
FLOWS = ("orchestrator", "pipeline", "kept")


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
@pytest.mark.parametrize("part", range(PARTS))
def test_every_case_of_treeward_runs(module, tmp_path, part):
    """Each case measures its figure, and both forms of the report are written."""
    files = tmp_path / "figures.json", tmp_path / "figures.md"
    cases = list(module("cases").CASES)[part::PARTS]
    done = benchmark("--peers", "treeward", "--cases", *cases, "--json", str(files[0]), "--markdown", str(files[1]))
    assert done.returncode == 0, done.stderr
    figures = json.loads(files[0].read_text())
    assert set(figures["medians"]) == set(cases)
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
def test_the_flows_of_plain_actors_run(tmp_path):
    """The orchestration cases are a table of their own, where those stand who have them."""
    file = tmp_path / "figures.json"
    done = benchmark("--peers", "floor", "asyncio", "pykka", "--cases", "ask", *FLOWS, "--json", str(file))
    assert done.returncode == 0, done.stderr
    heads = [line for line in done.stdout.splitlines() if line.startswith("| case |")]
    assert heads == ["| case | floor | asyncio task + queue | pykka |", "| case | floor | asyncio task + queue |"]
    medians = json.loads(file.read_text())["medians"]
    assert all(medians[case][peer] is not None for case in FLOWS for peer in ("floor", "asyncio"))


@pytest.mark.realtime
def test_a_flow_that_leaves_out_work_has_no_figure(module):
    """The model counts what it is asked: an answer that is right without having asked it does not count."""
    orchestration = module("orchestration")

    @contextlib.asynccontextmanager
    async def opened():
        async def idle(task):
            return "ok"

        yield orchestration.Flows(idle, idle)

    with pytest.raises(AssertionError, match="was asked 0 times, not 8"):
        asyncio.run(orchestration.programs(opened)["pipeline"](2))
    with pytest.raises(AssertionError, match=r"the answer is 'ok', not 'ok\+ok\+ok\+ok\+ok'"):
        asyncio.run(orchestration.programs(opened)["orchestrator"](2))


@pytest.mark.realtime
def test_a_run_that_fails_is_reported_as_failed():
    """A run that does not end in time has no figure, a line that says so, and a bad exit code."""
    done = benchmark("--peers", "floor", "--cases", "ask", "--timeout", "0.001")
    assert done.returncode == 1
    assert "ask, floor: FAILED: no end after 0.001 s" in done.stdout
    assert "us" not in next(line for line in done.stdout.splitlines() if line.startswith("| ask:"))


@pytest.mark.realtime
@pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
def test_another_event_loop_is_reported_as_such():
    """With --loop, the peers run on that library's event loop, and the head says so."""
    done = benchmark("--peers", "floor", "treeward", "--cases", "ask", "--loop", "uvloop")
    assert done.returncode == 0, done.stderr
    assert "on the event loop of uvloop 0." in done.stdout


@pytest.mark.realtime
def test_a_group_is_measured_alone():
    """With --groups, the cases of the others are left out."""
    done = benchmark("--peers", "floor", "--groups", "orchestration", "--cases", "ask", "pipeline")
    assert done.returncode == 0, done.stderr
    assert "| pipeline: " in done.stdout
    assert "| ask: " not in done.stdout


def test_peers_measure_known_cases_only(module):
    """Every program stands for a declared case, and Treeward has all of them."""
    cases = set(module("cases").CASES)
    here = {name: peer for name, peer in module("lineup").PEERS.items() if peer.venv is None}
    programs = {name: set(module("one").describe(peer.modules)["modules"]) for name, peer in here.items()}
    assert {name: has - cases for name, has in programs.items() if has - cases} == {}
    assert programs["treeward"] == cases


def test_peers_elsewhere_measure_known_cases_only(module):
    """So does every program of a peer with an environment of its own, as far as its source says."""
    cases = set(module("cases").CASES)
    elsewhere = {name for peer in module("lineup").PEERS.values() if peer.venv for name in peer.modules}
    assert {name: programs_of(name) - cases for name in elsewhere if programs_of(name) - cases} == {}
    assert {name for name in elsewhere if not programs_of(name)} == set()


def programs_of(name):
    """Returns what a peer's file says that its programs are: a table, or those of all flows."""
    tree = ast.parse((CHECKOUT / "benchmarks" / "peers" / f"{name}.py").read_text())
    assigned = [node for node in tree.body if isinstance(node, ast.AnnAssign) and node.target.id == "PROGRAMS"]
    (value,) = (node.value for node in assigned)
    return set(FLOWS) if isinstance(value, ast.Call) else {key.value for key in value.keys}


# --- environments -----------------------------------------------------------------------------------


def pinned(folder, name, module):
    """Makes what looks like a complete environment, and returns where its Python has to be."""
    python = module("environments").interpreter(name, folder)
    python.parent.mkdir(parents=True)
    pins = module("environments").PINNED[name]
    (folder / name / "pinned.txt").write_text("\n".join(pins))
    return python


def left_out(folder, *options):
    done = benchmark("--environments", str(folder), "--cases", "pipeline", "--peers", "floor", "langgraph", *options)
    assert done.returncode == 0, done.stderr
    assert "| case | floor |" in done.stdout
    (line,) = (line for line in done.stderr.splitlines() if line.startswith("LangGraph"))
    return line.removeprefix("LangGraph is left out: ")


def test_every_environment_is_somebody_s(module):
    """Each environment belongs to a peer, and pins what it installs."""
    environments = module("environments").PINNED
    assert {peer.venv for peer in module("lineup").PEERS.values() if peer.venv} == set(environments)
    assert [pin for pins in environments.values() for pin in pins if "==" not in pin] == []


@pytest.mark.realtime
def test_a_peer_without_an_environment_is_left_out(tmp_path):
    """The others run; one line says why it does not, and how to mend it."""
    assert left_out(tmp_path) == (
        f"it has no environment in {tmp_path}: "
        f"make it with `python -m benchmarks.environments langgraph --into {tmp_path}`"
    )


@pytest.mark.realtime
def test_a_peer_with_other_versions_is_left_out(tmp_path, module):
    """Figures are of the versions that are pinned, so an environment of others does not count."""
    pinned(tmp_path, "langgraph", module)
    (tmp_path / "langgraph" / "pinned.txt").write_text("langgraph==0.0.1")
    assert left_out(tmp_path).startswith(f"its environment in {tmp_path} is not of the pinned versions: make it")


@pytest.mark.realtime
def test_a_peer_with_a_broken_environment_is_left_out(tmp_path, module):
    """One whose packages cannot be imported, or whose Python is gone, costs a line and no more."""
    python = pinned(tmp_path, "langgraph", module)
    assert left_out(tmp_path).startswith("it does not work: [Errno 2] No such file or directory")
    python.write_text(f"#!/bin/sh\nexec {sys.executable} -c 'import a_module_that_is_not_there'\n")
    python.chmod(0o755)
    assert left_out(tmp_path) == ("it does not work: ModuleNotFoundError: No module named 'a_module_that_is_not_there'")


@pytest.mark.realtime
@pytest.mark.timeout(180)  # pip takes its time
def test_an_environment_is_made_once(tmp_path, module, monkeypatch, capsys):
    """It is made of its pins and then left as it is; one that cannot be made is not taken for one."""
    environments = module("environments")
    wheel = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("tiny.py", "")
        file.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        file.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        file.writestr("tiny-1.0.dist-info/RECORD", "")
    monkeypatch.setattr(environments, "PINNED", {"gone": (f"{tmp_path}/gone.whl",), "tiny": (str(wheel),)})
    for names, failed in (("gone", "tiny"), True), (("tiny",), False):
        monkeypatch.setattr(sys, "argv", ["environments", *names, "--into", str(tmp_path)])
        with pytest.raises(SystemExit, match=str(failed)):
            environments.main()
    said = capsys.readouterr()
    assert said.out.splitlines() == [f"tiny: made, with {wheel}", "tiny: is there"]
    assert said.err.startswith("gone: FAILED: ")
    assert environments.lacking("tiny", tmp_path) is None
    assert "it has no environment" in environments.lacking("gone", tmp_path)
    python = environments.interpreter("tiny", tmp_path)
    assert subprocess.run([python, "-c", "import tiny"], check=False).returncode == 0


def test_unknown_environments_are_refused(module, monkeypatch, capsys):
    """A name that nobody has is an error that lists the others."""
    monkeypatch.setattr(sys, "argv", ["environments", "langraph"])
    with pytest.raises(SystemExit, match="2"):
        module("environments").main()
    assert "langraph has no environment of its own: expected of autogen-core, " in capsys.readouterr().err


# --- the report -------------------------------------------------------------------------------------


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
        ("pipeline", {"treeward": 119.0, "floor": 20.0}, True),
        ("pipeline", {"treeward": 119.0, "langgraph": 120.0}, True),
        ("pipeline", {"treeward": 119.0, "langgraph": 118.0}, False),
        ("pipeline", {"treeward": 121.0, "langgraph": 900.0}, False),
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
        ("kept", -3.5, "-3.5 B"),
    ],
)
def test_figures_are_shown_with_three_digits(module, case, figure, text):
    """No table claims more digits than a run can keep."""
    assert module("report").shown(module("cases").CASES[case], figure) == text


def test_nothing_kept_has_no_ratio(report):
    """Memory may stay the same, or shrink: then there is nothing to divide by."""
    made = report({("kept", "treeward"): [0.0, -4.1, 4.1], ("kept", "floor"): [0.0, 0.0]})
    assert "| kept (less is better) |  |  |  |" in made.as_markdown()


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
