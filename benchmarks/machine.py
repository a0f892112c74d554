"""Where it was measured, and with what: a figure without that says nothing."""

from __future__ import annotations

import datetime as dt
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .entrants import Entrant

__all__ = ["Machine", "describe_machine", "load"]


@dataclass(frozen=True)
class Machine:
    """The machine, the interpreter, the commit, and each peer's version by its name."""

    date: str
    processor: str
    cores: int
    system: str
    python: str
    commit: str
    versions: dict[str, str]


def describe_machine(entrants: Iterable[Entrant]) -> Machine:
    """Returns the description of this machine, as of now."""
    return Machine(
        date=dt.datetime.now(tz=dt.UTC).date().isoformat(),
        processor=_processor(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        system=f"{platform.system()} {platform.release()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        commit=_commit(),
        versions={entrant.name: entrant.version for entrant in entrants},
    )


def load() -> float:
    """Returns how many processes wanted to run, on average over the last minute."""
    return os.getloadavg()[0]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _commit() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return done.stdout.strip() or "unknown"
