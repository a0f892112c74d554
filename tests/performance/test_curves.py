"""How costs grow: the curves, where they bend and why they end, and their plots."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def curves(*options):
    command = [sys.executable, "-m", "benchmarks.curves", *map(str, options)]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)


@pytest.fixture
def curve(module):
    """Makes a curve of costs given by n."""
    growth = module("growth")
    return lambda costs: growth.Curve("ask", tuple(growth.Point(n, cost, cost, 1) for n, cost in costs.items()))


@pytest.mark.realtime
def test_each_size_has_its_point(tmp_path):
    """Each case is run for each number of items, and the figures can be read again."""
    files = tmp_path / "curves.json", tmp_path / "curves.md"
    measured = curves("--cases", "ask", "storm", "--most", 100, "--window", 0, "--json", files[0])
    assert measured.returncode == 0, measured.stderr
    found = json.loads(files[0].read_text())["curves"]
    assert [(one["case"], [point["n"] for point in one["points"]]) for one in found] == [
        ("ask", [10, 100]),
        ("storm", [10, 100]),
    ]
    assert all(point["cost"] > 0 for one in found for point in one["points"])
    again = curves("--read", files[0], "--markdown", files[1])
    assert again.stdout == measured.stdout
    assert files[1].read_text().strip() == measured.stdout.strip()


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("option", "why"),
    [
        (("--limit", "0.0001"), "100 would take more than 0.0001 s"),
        (("--memory", "0.001"), "100 could take more than 0.001 GB"),
    ],
)
def test_a_curve_ends_at_its_limit(option, why):
    """What would take too long, or too much memory, is not run, and the table says so."""
    done = curves("--cases", "storm", "--window", 0, *option)
    assert done.returncode == 0, done.stderr
    assert "| failures | 10 | bends at |" in done.stdout
    assert f"- storm ends early: {why}" in done.stdout


@pytest.mark.parametrize(
    ("costs", "bend"),
    [
        ({10: 1.0, 100: 1.0, 1000: 1.5}, None),
        ({10: 1.0, 100: 1.0, 1000: 1.6}, (1000, 10)),
        ({10: 4.0, 100: 2.0, 1000: 3.1, 10_000: 9.0}, (1000, 100)),
        ({10: 3.0, 100: 2.0, 1000: 1.0}, None),
        ({1000: 0.0, 10_000: 5.0}, None),
        ({}, None),
    ],
)
def test_a_curve_bends_at_half_as_much_again(curve, costs, bend):
    """It bends where an item first costs more than 1.5 times what it costs at the cheapest smaller number."""
    found = curve(costs).bend
    assert (found and tuple(point.n for point in found)) == bend


def test_every_curve_is_of_a_case_and_in_one_plot(module):
    """All families together name no case twice, and none that there is not."""
    cases = [case for family in module("growth").FAMILIES.values() for case in family]
    assert len(cases) == len(set(cases))
    assert set(cases) <= set(module("cases").CASES)


@pytest.mark.realtime
@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="matplotlib is in the extra `benchmarks`")
def test_plots_are_the_same_for_the_same_curves(module, curve, tmp_path):
    """Each family that has a curve gets a file, in which each case is named; drawn again, nothing in it changes."""
    machine = module("machine").Machine("2026-01-01", "a processor", 2, "Linux", "CPython", "abc", {})
    session = module("curves").Session(machine, (0.5, 0.6), (curve({10: 1.0, 100: 1.0, 1000: 9.0}),))
    file = tmp_path / "curves.json"
    file.write_text(json.dumps(session.as_dict()))
    for name in ("once", "again"):
        done = curves("--read", file, "--svg", tmp_path / name)
        assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "once").iterdir()] == ["messages.svg"]
    plots = [(tmp_path / name / "messages.svg").read_text() for name in ("once", "again")]
    assert plots[0] == plots[1]
    assert ">ask<" in plots[0]
