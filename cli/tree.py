"""The argument TREE: a file, or the name of a tree that comes with Treeward."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ..trees import library
from ..trees.load import load_tree
from ..trees.problems import Problem, TreeError, did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..trees.spec import Tree

__all__ = ["loaded", "path_of"]


def path_of(name: str) -> Path:
    """Returns the file that TREE means. A file goes before a library tree of the same name, that before a directory.

    Raises:
        TreeError: it means nothing; the problem says which library name is near.
    """
    path = Path(name)
    here = name and os.access(path, os.F_OK)
    if here and not path.is_dir():
        return path
    found = library.find(name)
    if found is not None:
        return found
    raise TreeError([_is_directory(path) if here else _is_missing(name)])


def _is_directory(path: Path) -> Problem:
    inside = path / library.TREE
    hint = f"did you mean {quoted(str(inside))}?" if inside.is_file() else ""
    return Problem("", 0, 0, f"{quoted(str(path))} is a directory", "a YAML file", hint)


def _is_missing(name: str) -> Problem:
    names = library.names()
    legal = f"a YAML file, or one of the library's trees: {', '.join(names)}" if names else "a YAML file"
    return Problem("", 0, 0, f"there is no file {quoted(name)}", legal, did_you_mean(name, names))


def loaded(name: str, allow: Sequence[str] = (), *, classes: bool = True) -> Tree:
    """Reads and checks TREE; without `classes`, nothing that it names is imported.

    Where one of the allowed modules lies beside the file, the file's directory is put at the head of `sys.path`: only
    then.

    Raises:
        TreeError: it is not valid, or not there.
    """
    path = path_of(name)
    if classes:
        _make_importable(path.parent.absolute(), allow)
    return load_tree(path, allow=allow, check_classes=classes)


def _make_importable(directory: Path, allow: Sequence[str]) -> None:
    tops = {module.partition(".")[0] for module in allow}
    beside = any((directory / f"{top}.py").is_file() or (directory / top).is_dir() for top in tops if top)
    if beside and str(directory) not in sys.path:
        sys.path.insert(0, str(directory))
