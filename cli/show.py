"""`treeward show` and `treeward schema`: the declared tree as a drawing, and the form of what declares it."""

from __future__ import annotations

import enum
import json
from typing import Annotated

import typer

from ..trees.render import render
from ..trees.schema import json_schema
from .shared import Debug, TreeName
from .text import clean, json_text
from .tree import loaded

__all__ = ["schema", "show"]


class Drawing(enum.StrEnum):
    """How a tree is drawn."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"


def show(
    tree: TreeName,
    *,
    format: Annotated[Drawing, typer.Option(help="How it is drawn.")] = Drawing.TEXT,  # noqa: A002 - the option's own name
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Draw the declared tree.

    Nothing that the tree names is imported, and what comes from the environment stands as it was written: ${NAME}.
    """
    declared = loaded(tree, classes=False)
    drawn = render(declared, format.value)
    print(json_text(json.loads(drawn), indent=2) if format is Drawing.JSON else clean(drawn))


def schema(
    *,
    plan: Annotated[bool, typer.Option("--plan", help="That of a fault plan's YAML.", show_default=False)] = False,
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Print the JSON Schema of a tree's YAML, for editors; with --plan, that of a fault plan's.

    Put `# yaml-language-server: $schema=FILE` into the first line of a tree to have it used.
    """
    made = json_schema
    if plan:
        from ..chaos.plans.plan_file import plan_schema as made  # noqa: PLC0415 - no other use needs that room
    print(json_text(made(), indent=2))
