"""A tree as YAML: what `load_tree` reads back as an equal tree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from .environment import escape
from .scalars import CORE
from .values import AS_WRITTEN

if TYPE_CHECKING:
    from .spec import Tree

__all__ = ["to_yaml", "yaml_of"]


def _dumper() -> Any:
    """Returns a writer that puts in quotes what the reader would not take for a text."""
    base: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    resolvers: dict[str | None, list[tuple[str, Any]]] = {"": [(f"tag:yaml.org,2002:{CORE[0][0]}", CORE[0][1])]}
    for tag, pattern, first in CORE:
        for character in first:
            resolvers.setdefault(character, []).append((f"tag:yaml.org,2002:{tag}", pattern))
    return type("_Dumper", (base,), {"yaml_implicit_resolvers": resolvers, "ignore_aliases": lambda *_: True})


_DUMPER = _dumper()


def to_yaml(tree: Tree) -> str:
    """Returns the tree as a YAML document.

    What has its default is left out, durations are written with their unit, and what came from the
    environment is written as the reference that it was: no secret gets into the file.
    """
    return yaml_of({"treeward": tree.treeward, **tree.model_dump(exclude_defaults=True, context=AS_WRITTEN)})


def yaml_of(data: Any) -> str:
    """Returns plain data as a YAML document that the reader of trees takes back as it is."""
    written = yaml.dump(_written(data), Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=110)
    return str(written)


def _written(value: Any) -> Any:
    """Returns data as it is to be written."""
    if isinstance(value, dict):
        return {key: _written(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_written(item) for item in value]
    return escape(value) if isinstance(value, str) else value
