"""Erlang/OTP, where it is installed: whose supervisors Treeward's are modelled on. See erlang_otp.erl."""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from ..measure import Measured

if TYPE_CHECKING:
    from ..measure import Program

SOURCE = Path(__file__).with_suffix(".erl")
CASES = (
    "spawn",
    "spawn_supervised",
    "children",
    "memory",
    "memory_supervised",
    "memory_used",
    "tell",
    "ask",
    "ask_timeout",
    "ask_many",
    "fan",
    "crash",
    "wait",
    "storm",
    "storm_tree",
    "group_all",
    "group_rest",
    "life",
    "dynamic",
    "dynamic_few",
)
SCHEDULERS = os.environ.get("BENCHMARK_SCHEDULERS", "")
"""How many schedulers `erl` may use; its default is one a core."""


def installed() -> bool:
    """Tells whether Erlang and its compiler are here."""
    return shutil.which("erl") is not None and shutil.which("erlc") is not None


def release() -> str:
    """Returns the release, such as `Erlang/OTP 25`."""
    program = 'io:format("~s", [erlang:system_info(otp_release)]), halt().'
    return f"Erlang/OTP {_run('erl', '-noshell', '-eval', program)}"


def measure(case: str, n: int) -> Measured:
    """Runs one case in a new Erlang."""
    options = ["+P", "1000000", *(["+S", SCHEDULERS] if SCHEDULERS else []), "-noshell"]
    with tempfile.TemporaryDirectory() as folder:
        _run("erlc", "-o", folder, str(SOURCE))
        out = _run("erl", *options, "-pa", folder, "-run", SOURCE.stem, "main", case, str(n))
    return Measured(**json.loads(out))


def _run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr or done.stdout}")
    return done.stdout


VERSION = release() if installed() else "not installed"
PROGRAMS: dict[str, Program] = {case: functools.partial(measure, case) for case in CASES}
