"""The claims that a program makes, found in its source: also those that no run has come to."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from .assertions import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["declared"]

KINDS: tuple[str, ...] = get_args(Kind)
OURS = "treeward"


def declared(modules: Iterable[str]) -> dict[str, Kind]:
    """Returns the claims that modules make, by their names; of a package, those of all modules in it.

    Found are calls of `always`, `sometimes`, `reachable` and `unreachable` as they are imported from here, if the name
    is a literal text. Nothing is imported but the packages that modules are in. A module that is not there, or has no
    source, has none.
    """
    found: dict[str, Kind] = {}
    for module in modules:
        for file in _sources(module):
            with contextlib.suppress(OSError, SyntaxError):  # it has gone since it was imported, or is a template
                found.update(_claims(ast.parse(file.read_bytes(), str(file))))
    return found


def _sources(module: str) -> Iterator[Path]:
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return
    if spec is None:
        return
    if spec.submodule_search_locations is not None:
        for place in spec.submodule_search_locations:
            yield from sorted(Path(place).rglob("*.py"))
    elif spec.origin is not None and spec.origin.endswith(".py"):
        yield Path(spec.origin)


def _claims(tree: ast.Module) -> Iterator[tuple[str, Kind]]:
    functions, modules = _imported(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        kind, name = _kind(node.func, functions, modules), _name(node)
        if kind in KINDS and name is not None:
            yield name, cast("Kind", kind)


def _imported(tree: ast.Module) -> tuple[dict[str, str], set[str]]:
    """Returns what a module calls our functions, and which of its names are modules of ours."""
    functions: dict[str, str] = {}
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").partition(".")[0] == OURS):
            functions |= {each.asname or each.name: each.name for each in node.names if each.name in KINDS}
            modules |= {each.asname or each.name for each in node.names}
        elif isinstance(node, ast.Import):
            ours = (each for each in node.names if each.name.partition(".")[0] == OURS)
            modules |= {each.asname or OURS for each in ours}
    return functions, modules


def _kind(function: ast.expr, functions: dict[str, str], modules: set[str]) -> str | None:
    if isinstance(function, ast.Name):
        return functions.get(function.id)
    if not isinstance(function, ast.Attribute):
        return None
    owner: ast.expr = function.value
    while isinstance(owner, ast.Attribute):
        owner = owner.value
    return function.attr if isinstance(owner, ast.Name) and owner.id in modules else None


def _name(call: ast.Call) -> str | None:
    given = [*call.args[:1], *(each.value for each in call.keywords if each.arg == "name")]
    first = given[0] if given else None
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
