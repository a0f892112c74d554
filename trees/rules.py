"""What holds between the fields of a tree: pure checks over nodes, as read from a file or as models.

A fault in one field never hides a fault between two others, so these checks look at nodes that may be faulty
in themselves, and pass over what they cannot make sense of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .environment import FromEnvironment
from .fitting import unfitting
from .mentions import mentions
from .nodes import TASKED, Violation, children_of, get, id_of, kind_of, nodes, policy_slots, slots
from .problems import did_you_mean, quoted
from .values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .located import Location
    from .nodes import Placed, Seen

__all__ = ["MAX_NESTING", "violations"]

MAX_NESTING = 50
"""Supervisors within supervisors, over all files of a tree."""


def violations(tree: Any, *, complete: bool = True) -> Iterator[Violation]:
    """Yields each rule that does not hold in a tree (a mapping or a Tree).

    `complete` says whether no node is missing: else what a name leads to is not asked.
    """
    places: list[Placed] = []
    seen: Seen = set()
    yield from _root(get(tree, "tree"))
    for place in nodes(tree):
        places.append(place)
        yield from _node(place, seen)
        if len(place.location) > 2 * MAX_NESTING:
            what = "the supervisors are nested too deep"
            yield Violation(place.location, what, f"at most {MAX_NESTING} levels")
            return
    yield from _policies(get(tree, "policies"), seen)
    yield from mentions(places, complete=complete)
    if complete:
        yield from _entry(get(tree, "entry"), places)


def _root(root: Any) -> Iterator[Violation]:
    if get(root, "significant") is True:
        what = "significant is true, but the root has no supervisor that could look at it"
        yield Violation(("tree", "significant"), what, "false")


def _node(place: Placed, seen: Seen) -> Iterator[Violation]:
    location, path, node = place
    kind = kind_of(node)
    if kind == "supervisor":
        yield from _siblings(location, path, node)
    for slot in slots(node, location, seen):
        yield from unfitting(slot)
    yield from _times(location, node)
    if kind in ("pool", "dynamic"):
        yield from _times((*location, "child"), get(node, "child"))
    if kind == "pool" and get(get(node, "child"), "restart") == "temporary":
        what = "restart is temporary, but a pool keeps its size"
        yield Violation((*location, "child", "restart"), what, "permanent or transient")
    if isinstance(get(node, kind or ""), FromEnvironment):
        yield Violation((*location, kind or ""), "an id cannot come from the environment", "the id itself")


def _siblings(location: Location, path: str, node: Any) -> Iterator[Violation]:
    seen: set[str] = set()
    watched = get(node, "auto_shutdown", "never") != "never"
    for index, child in enumerate(children_of(node)):
        below: Location = (*location, "children", index)
        child_id = id_of(child)
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


def _times(location: Location, node: Any) -> Iterator[Violation]:
    whole = seconds(get(node, "timeout"))
    for name in ("attempt_timeout", "idle_timeout"):
        part = seconds(get(node, name))
        if whole and part and part > whole:
            what = f"{name} ({part:g} s) is longer than timeout ({whole:g} s)"
            yield Violation((*location, name), what, "no more than timeout, which is for all tries")


def _policies(policies: Any, seen: Seen) -> Iterator[Violation]:
    for slot in policy_slots(policies, seen):
        yield from unfitting(slot)
    backoffs = get(policies, "backoff")
    if isinstance(backoffs, dict) and "none" in backoffs:
        what = "no backoff can be named none: that word means to restart at once"
        yield Violation(("policies", "backoff", "none"), what, "another name", at_key=True)


def _entry(entry: Any, places: Sequence[Placed]) -> Iterator[Violation]:
    if not isinstance(entry, str):
        return
    found: list[str] = []
    others: list[str] = []
    for _, path, node in places:
        named = entry in (path, id_of(node))
        (found if kind_of(node) in TASKED else others).extend([path] if named else [])
    if len(found) == 1:
        return
    if found:
        paths = " and ".join(found[:3])
        yield Violation(("entry",), f"the entry {quoted(entry)} names {len(found)} agents", f"a path: {paths}")
    elif others:
        what = f"the entry {quoted(entry)} is a supervisor, which handles no tasks"
        yield Violation(("entry",), what, "the id or the path of an agent or a pool")
    else:
        known = [id_of(node) or "" for _, _, node in places if kind_of(node) in TASKED]
        what = f"the entry {quoted(entry)} is not in the tree"
        legal = "the id or the path of an agent or a pool"
        yield Violation(("entry",), what, legal, did_you_mean(entry, known))
