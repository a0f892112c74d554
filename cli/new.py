"""`treeward new`: a project to begin with."""

from __future__ import annotations

import re
import shlex
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from .failures import Code, Failure
from .shared import Debug

__all__ = ["new"]

SUFFIX = ".template"
NAME = "{{name}}"
"""What stands in the templates for the tree's name."""


def new(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="A directory that is empty, or not there yet.", show_default=False)
    ],
    *,
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Begin a project: a tree, an agent, and a test in which the agent crashes and comes back."""
    _check_empty(directory)
    name = tree_name(directory.resolve().name)
    directory.mkdir(parents=True, exist_ok=True)
    for file, text in _templates():
        with (directory / file).open("x", encoding="utf-8") as made:
            made.write(text.replace(NAME, name))
        print(directory / file)
    print(f"\nNext:  cd {shlex.quote(str(directory))} && treeward run tree.yaml --allow greeter --ask Ada")


def _check_empty(directory: Path) -> None:
    if directory.is_dir():
        if any(directory.iterdir()):
            raise Failure(Code.USAGE, f"{directory} is not empty: expected a directory that is empty, or not there yet")
    elif directory.exists() or directory.is_symlink():
        raise Failure(Code.USAGE, f"{directory} is no directory: expected one that is empty, or not there yet")


def tree_name(word: str) -> str:
    """Returns a word as a tree and its root can be called: a lower-case letter, then letters, digits, `-` and `_`."""
    name = re.sub(r"[^a-z0-9_]+", "-", word.lower()).strip("-_")
    return name if name[:1].isalpha() else f"tree-{name}".rstrip("-")


def _templates() -> list[tuple[str, str]]:
    """Returns the files of a new project with their texts, sorted by name."""
    found = [entry for entry in files(__package__).joinpath("templates").iterdir() if entry.name.endswith(SUFFIX)]
    return sorted((entry.name.removesuffix(SUFFIX), entry.read_text(encoding="utf-8")) for entry in found)
