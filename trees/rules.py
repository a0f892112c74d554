"""What holds between the fields of a tree: pure checks over nodes, as read from a file or as models.

A fault in one field never hides a fault between two others, so these checks look at nodes that may be faulty
in themselves, and pass over what they cannot make sense of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from .environment import FromEnvironment
from .problems import did_you_mean, quoted
from .values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .located import Location

__all__ = ["KINDS", "MAX_NESTING", "Violation", "get", "kind_of", "nodes", "violations"]

KINDS = ("supervisor", "dynamic", "pool", "agent", "include")
MAX_NESTING = 50
"""Supervisors within supervisors, over all files of a tree."""

_ENTRIES = ("agent", "pool")


class Violation(NamedTuple):
    """A rule that does not hold: where, and in which words."""

    location: Location
    what: str
    legal: str = ""
    hint: str = ""
    at_key: bool = False


class Placed(NamedTuple):
    """A node, the keys that lead to it, and the ids that lead to it."""

    location: Location
    path: str
    node: Any


def get(node: Any, field: str, default: Any = None) -> Any:
    """Returns a node's field, whether the node is a mapping or a model."""
    return node.get(field, default) if isinstance(node, Mapping) else getattr(node, field, default)


def kind_of(node: Any) -> str | None:
    """Returns which kind of node this is: the first of its keys that names one."""
    if isinstance(node, Mapping):
        return next((key for key in node if key in KINDS), None)
    kind: str | None = getattr(node, "kind", None)
    return kind


def children_of(node: Any) -> Sequence[Any]:
    """Returns a supervisor's children, as far as they are a list."""
    children = get(node, "children") if kind_of(node) == "supervisor" else None
    return children if isinstance(children, list | tuple) else ()


def _id_of(node: Any) -> str | None:
    kind = kind_of(node)
    found = get(node, kind) if kind else None
    return found if isinstance(found, str) else None


def nodes(tree: Any) -> Iterator[Placed]:
    """Yields the nodes of a tree (a mapping or a Tree), parents first, children in their order."""
    root = get(tree, "tree")
    waiting = [Placed(("tree",), _id_of(root) or "?", root)]
    while waiting:
        place = waiting.pop()
        yield place
        below = (*place.location, "children")
        waiting.extend(
            Placed((*below, index), f"{place.path}/{_id_of(child) or '?'}", child)
            for index, child in reversed(list(enumerate(children_of(place.node))))
        )


def violations(tree: Any) -> Iterator[Violation]:
    """Yields each rule that does not hold in a tree (a mapping or a Tree)."""
    yield from _root(get(tree, "tree"))
    for location, path, node in nodes(tree):
        kind = kind_of(node)
        if kind == "supervisor":
            yield from _siblings(location, path, node)
        if kind in ("supervisor", "dynamic", "pool"):
            yield from _backoff((*location, "backoff"), get(node, "backoff"))
        if kind == "pool" and get(get(node, "child"), "restart") == "temporary":
            what = "restart is temporary, but a pool keeps its size"
            yield Violation((*location, "child", "restart"), what, "permanent or transient")
        if isinstance(get(node, kind or ""), FromEnvironment):
            yield Violation((*location, kind or ""), "an id cannot come from the environment", "the id itself")
        if len(location) > 2 * MAX_NESTING:
            yield Violation(location, "the supervisors are nested too deep", f"at most {MAX_NESTING} levels")
            return
    yield from _policies(tree)
    yield from _entry(tree)


def _root(root: Any) -> Iterator[Violation]:
    if get(root, "significant") is True:
        what = "significant is true, but the root has no supervisor that could look at it"
        yield Violation(("tree", "significant"), what, "false")


def _siblings(location: Location, path: str, node: Any) -> Iterator[Violation]:
    seen: set[str] = set()
    watched = get(node, "auto_shutdown", "never") != "never"
    for index, child in enumerate(children_of(node)):
        below: Location = (*location, "children", index)
        child_id = _id_of(child)
        if child_id in seen and kind_of(child) != "include":
            what = f"the id {quoted(child_id)} is given to two children of {path}"
            yield Violation(below, what, "an id that no sibling has")
        if child_id is not None:
            seen.add(child_id)
        if get(child, "significant") is True:
            yield from _significant((*below, "significant"), child, watched=watched)


def _significant(location: Location, child: Any, *, watched: bool) -> Iterator[Violation]:
    if get(child, "restart", "permanent") == "permanent":
        what = "significant is true, but the child is permanent and never ends by itself"
        yield Violation(location, what, "false", "or give it restart: transient or temporary")
    elif not watched:
        what = "significant is true, but auto_shutdown of its supervisor is never"
        yield Violation(location, what, "false", "or give the supervisor auto_shutdown: any_significant")


def _backoff(location: Location, backoff: Any) -> Iterator[Violation]:
    longest = seconds(get(backoff, "max", 60.0))
    initial = seconds(get(backoff, "initial", 0.2))
    if longest is not None and initial is not None and longest < initial:
        field = "max" if get(backoff, "max") is not None else "initial"
        what = f"the longest wait ({longest:g} s) is shorter than the first one ({initial:g} s)"
        yield Violation((*location, field), what, "max to be at least initial")


def _policies(tree: Any) -> Iterator[Violation]:
    shelf = get(get(tree, "policies"), "backoff")
    if not isinstance(shelf, Mapping):
        return
    for name, backoff in shelf.items():
        location: Location = ("policies", "backoff", name)
        yield from _backoff(location, backoff)
        if name == "none":
            what = "no backoff can be named none: that word means to restart at once"
            yield Violation(location, what, "another name", at_key=True)


def _entry(tree: Any) -> Iterator[Violation]:
    entry = get(tree, "entry")
    if not isinstance(entry, str):
        return
    found: list[str] = []
    others: list[str] = []
    for _, path, node in nodes(tree):
        named = entry in (path, _id_of(node))
        (found if kind_of(node) in _ENTRIES else others).extend([path] if named else [])
    if len(found) == 1:
        return
    if found:
        paths = " and ".join(found[:3])
        yield Violation(("entry",), f"the entry {quoted(entry)} names {len(found)} agents", f"a path: {paths}")
    elif others:
        what = f"the entry {quoted(entry)} is a supervisor, which handles no tasks"
        yield Violation(("entry",), what, "the id or the path of an agent or a pool")
    else:
        known = [_id_of(node) or "" for _, _, node in nodes(tree) if kind_of(node) in _ENTRIES]
        what = f"the entry {quoted(entry)} is not in the tree"
        legal = "the id or the path of an agent or a pool"
        yield Violation(("entry",), what, legal, did_you_mean(entry, known))
