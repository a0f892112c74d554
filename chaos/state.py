"""Where a run's state lies: a directory of its own, in memory where there is such a place, gone afterwards."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..agents.state import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PREFIX", "fast_place", "passing_place", "state_directory"]

PREFIX = "treeward-chaos-"
"""What the names of passing directories begin with."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a private directory is made in it


def fast_place() -> Path:
    """Returns where passing directories are made: in memory where there is a file system there, else as usual."""
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK):
        return MEMORY
    return Path(tempfile.gettempdir())


@contextmanager
def passing_place() -> Iterator[Path]:
    """Makes a private directory for the length of the block; whatever is in it then goes with it."""
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=fast_place()))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextmanager
def state_directory(place: Path | None = None, keep: Path | None = None) -> Iterator[Path]:
    """Makes an empty directory the one for state (`TREEWARD_STATE_DIR`), for the length of the block.

    Its path has the same length in every run, so that a text with the path in it is cut at the same place.

    Args:
        place: the passing place in which it is made; None means one for this block alone.
        keep: where a copy of it is left at the end.

    Raises:
        FileExistsError: `keep` is there already.
    """
    if place is None:
        with passing_place() as own, state_directory(own, keep) as path:
            yield path
        return
    if keep is not None and keep.exists():
        raise FileExistsError(17, "it is there already: name a directory that is not there yet", str(keep))
    path = Path(tempfile.mkdtemp(dir=place))
    before = os.environ.get(VARIABLE)
    os.environ[VARIABLE] = str(path)
    try:
        yield path
    finally:
        _restore(before)
        if keep is not None:
            shutil.copytree(path, keep)
        shutil.rmtree(path, ignore_errors=True)


def _restore(before: str | None) -> None:
    if before is None:
        os.environ.pop(VARIABLE, None)
    else:
        os.environ[VARIABLE] = before
