"""What each feature costs: the program measures all of them, and tells noise from cost."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.realtime
def test_every_feature_is_measured(tmp_path):
    """Each feature has its time and its counts, in both forms; none of them does less than the plain task."""
    files = tmp_path / "features.json", tmp_path / "features.md"
    options = ["--rounds", "2", "--tasks", "2", "--json", str(files[0]), "--markdown", str(files[1])]
    command = [sys.executable, "-m", "benchmarks.features", *options]
    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    data = json.loads(files[0].read_text())
    counted = {cost["feature"]: cost["instructions"] for cost in data["costs"]}
    assert {name: count for name, count in counted.items() if count < 0} == {}
    assert {"deadline", "ladder", "breaker", "judge_schema", "budget", "observer", "log"} <= set(counted)
    assert all(cost["plain"] > 0 for cost in data["costs"])
    assert data["points"] >= 1
    assert files[1].read_text().strip() == done.stdout.strip()
    assert all(f"| {name}: " in done.stdout for name in counted)
