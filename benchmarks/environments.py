"""Makes the environments of the peers that have their own: `python -m benchmarks.environments [PEER ...]`.

Each is a virtual environment with the versions of `PINNED`, so that no peer's needs meet another's, or Treeward's.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PINNED", "interpreter", "lacking", "place"]

PINNED: Mapping[str, tuple[str, ...]] = {
    "autogen-core": ("autogen-core==0.7.5",),
    "crewai": ("crewai==1.15.30",),
    "dbos": ("dbos==3.4.0",),
    "google-adk": ("google-adk==2.13.0",),
    "langgraph": ("langgraph==1.2.22",),
    "openai-agents": ("openai-agents==0.24.0",),
    "pydantic-ai": ("pydantic-ai-slim==2.68.0",),
    "ray": ("ray==2.60.0", "psutil==7.2.2"),
    "xoscar": ("xoscar==0.12.2",),
}
"""What is installed in each environment; what that needs comes with it, in its newest version."""

MARK = "pinned.txt"
"""The file that says that an environment is complete, and what it was made of."""


def place() -> Path:
    """Returns where the environments are, if nobody says otherwise: in the user's folder for caches."""
    return user_cache_path("treeward") / "benchmarks"


def interpreter(name: str, into: Path) -> Path:
    """Returns the Python of an environment."""
    return into / name / "bin" / "python"


def lacking(name: str, into: Path) -> str | None:
    """Returns in one line what an environment lacks, and how to mend it; None if it can be used."""
    elsewhere = "" if into == place() else f" --into {into}"
    mend = f"make it with `python -m benchmarks.environments {name}{elsewhere}`"
    mark = into / name / MARK
    if not mark.exists():
        return f"it has no environment in {into}: {mend}"
    if mark.read_text(encoding="utf-8").splitlines() != list(PINNED[name]):
        return f"its environment in {into} is not of the pinned versions: {mend}"
    return None


def make(name: str, into: Path) -> None:
    """Makes an environment anew.

    Raises:
        RuntimeError: pip could not; the environment is then not complete, and nobody uses it.
    """
    folder = into / name
    shutil.rmtree(folder, ignore_errors=True)
    venv.create(folder, with_pip=True)
    command = [str(interpreter(name, into)), "-m", "pip", "install", "--quiet", *PINNED[name]]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    (folder / MARK).write_text("\n".join(PINNED[name]) + "\n", encoding="utf-8")


def main() -> None:
    """Makes what is asked for and not there yet; tells of each, and goes on behind one that fails."""
    parser = _parser()
    asked, failed = parser.parse_args(), False
    unknown = set(asked.peers) - set(PINNED)
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))} has no environment of its own: expected of {', '.join(PINNED)}")
    for name in asked.peers or PINNED:
        try:
            print(f"{name}: {_made(name, asked.into, again=asked.again)}", flush=True)
        except RuntimeError as error:
            failed = True
            print(f"{name}: FAILED: {error}", file=sys.stderr, flush=True)
    sys.exit(failed)


def _made(name: str, into: Path, *, again: bool) -> str:
    if not again and lacking(name, into) is None:
        return "is there"
    make(name, into)
    return f"made, with {', '.join(PINNED[name])}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.environments", description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=f"of {', '.join(PINNED)}; the default is all of them")
    parser.add_argument("--into", type=Path, default=place(), metavar="DIR", help="where (default: %(default)s)")
    parser.add_argument("--again", action="store_true", help="make also what is there already")
    return parser


if __name__ == "__main__":
    main()
