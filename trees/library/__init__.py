"""The trees that come with Treeward, by name: each is a package here, with its `tree.yaml`."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

__all__ = ["TREE", "find", "names"]

TREE = "tree.yaml"
"""The file in a tree's package that declares it."""


def names() -> list[str]:
    """Returns the names of the trees, sorted."""
    here = files(__name__)
    return sorted(entry.name for entry in here.iterdir() if entry.is_dir() and entry.joinpath(TREE).is_file())


def find(name: str) -> Path | None:
    """Returns the file of the tree of that name, or None if there is none."""
    return Path(str(files(__name__).joinpath(name, TREE))) if name in names() else None
