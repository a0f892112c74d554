"""Arguments and options that several verbs have."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, TypeAlias

import typer

__all__ = ["DEBUG", "Allow", "Debug", "TreeName"]

DEBUG: ContextVar[bool] = ContextVar("treeward_debug", default=False)
"""Whether an error is shown with its traceback."""


def _set_debug(value: bool) -> bool:
    if value:
        DEBUG.set(True)
    return value


TreeName: TypeAlias = Annotated[
    str,
    typer.Argument(
        metavar="TREE", help="A YAML file, or the name of a tree that comes with Treeward.", show_default=False
    ),
]
Allow: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        "--allow",
        metavar="MODULE",
        help="Let the tree use classes of this module or package; may be repeated. It may lie beside the tree's file.",
    ),
]
Debug: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--debug", help="Show errors with their traceback.", is_eager=True, callback=_set_debug, show_default=False
    ),
]
