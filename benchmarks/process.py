"""Runs one program in a process of its own, in the environment of its peer, and ends whatever that has started."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["CHECKOUT", "ProgramFailed", "answer"]

CHECKOUT = Path(__file__).resolve().parent.parent
ONE = Path(__file__).with_name("one.py")


class ProgramFailed(ValueError):
    """A program has not answered; one line says why."""


def answer(python: Path, words: tuple[str, ...], environment: Mapping[str, str | None], timeout: float) -> Any:
    """Returns what `one.py` says to these words, in `environment` (None takes a variable out), within `timeout` s.

    It has a folder of its own for temporary files, which is gone afterwards.

    Raises:
        ProgramFailed: it failed, or was not done in time.
    """
    with tempfile.TemporaryDirectory(prefix="benchmark-", ignore_cleanup_errors=True) as folder:
        changed = {**os.environ, **environment, "TMPDIR": folder}
        process = subprocess.Popen(
            [python, "-P", ONE, *words],  # -P: a package of a peer's must not be taken for a room of the checkout
            cwd=CHECKOUT,
            env={name: value for name, value in changed.items() if value is not None},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return _said(process, timeout)


def _said(process: subprocess.Popen[str], timeout: float) -> Any:
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        raise ProgramFailed(f"no end after {timeout:g} s") from None
    finally:
        _end(process)
    if process.returncode:
        raise ProgramFailed((err.strip().splitlines() or [f"exit code {process.returncode}"])[-1])
    return json.loads(out.splitlines()[-1])


def _end(process: subprocess.Popen[str]) -> None:
    """Ends a run that is not over, and whatever it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
