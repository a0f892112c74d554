"""Nodes as they come, read from a file or as models: what kind they are, where they stand, what can be named there.

Nothing here takes for granted that a node is right: what makes no sense is passed over.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .located import Location

__all__ = [
    "KINDS",
    "NAMED",
    "TASKED",
    "Placed",
    "Seen",
    "Slot",
    "Violation",
    "children_of",
    "get",
    "id_of",
    "items_of",
    "judges_in",
    "kind_of",
    "nodes",
    "policy_slots",
    "slots",
]

KINDS = ("supervisor", "dynamic", "pool", "agent", "include")
_KINDS = frozenset(KINDS)
TASKED = ("agent", "pool")
"""The kinds that handle tasks."""

NAMED: Mapping[str, str] = {
    "intensity": "intensity",
    "backoff": "backoff",
    "mailbox": "mailbox",
    "recovery": "recovery",
    "judges": "judges",
    "breaker": "breaker",
    "tool_breaker": "breaker",
    "budget": "budget",
    "health": "health",
    "loops": "loops",
}
"""The keys of a node at which a policy may stand, or be named, and where the named ones are under `policies`."""


Seen: TypeAlias = "set[tuple[str, int]]"
"""What was looked at, by its kind and its identity: many nodes may name one policy."""


class Placed(NamedTuple):
    """A node, the keys that lead to it, and the ids that lead to it."""

    location: Location
    path: str
    node: Any


class Violation(NamedTuple):
    """A rule that does not hold: where, and in which words."""

    location: Location
    what: str
    legal: str = ""
    hint: str = ""
    at_key: bool = False


class Slot(NamedTuple):
    """A place at which a policy stands, or is named: `holder[key]`."""

    shelf: str
    location: Location
    holder: Any
    key: str | int

    @property
    def value(self) -> Any:
        """What stands there now."""
        return self.holder[self.key] if isinstance(self.key, int) else get(self.holder, self.key)


def get(node: Any, field: str, default: Any = None) -> Any:
    """Returns a node's field, whether the node is a mapping or a model."""
    return node.get(field, default) if isinstance(node, dict) else getattr(node, field, default)


def items_of(value: Any) -> Sequence[Any]:
    """Returns the items of a list; none if it is no list."""
    return value if isinstance(value, list | tuple) else ()


def kind_of(node: Any) -> str | None:
    """Returns which kind of node this is: the first of its keys that names one."""
    if isinstance(node, dict):
        for key in node:
            if key in _KINDS:
                return str(key)
        return None
    kind: str | None = getattr(node, "kind", None)
    return kind


def id_of(node: Any) -> str | None:
    """Returns a node's id, as far as it has one."""
    kind = kind_of(node)
    found = get(node, kind) if kind else None
    return found if isinstance(found, str) else None


def nodes(tree: Any) -> Iterator[Placed]:
    """Yields the nodes of a tree (a mapping or a Tree), parents first, children in their order."""
    root = get(tree, "tree")
    waiting = [Placed(("tree",), id_of(root) or "?", root)]
    while waiting:
        place = waiting.pop()
        yield place
        below = (*place.location, "children")
        waiting.extend(
            Placed((*below, index), f"{place.path}/{id_of(child) or '?'}", child)
            for index, child in reversed(list(enumerate(children_of(place.node))))
        )


def children_of(node: Any) -> Sequence[Any]:
    """Returns a supervisor's children, as far as they are a list."""
    return items_of(get(node, "children")) if kind_of(node) == "supervisor" else ()


def slots(node: Any, location: Location, seen: Seen) -> Iterator[Slot]:
    """Yields the places of policies in a node, in its `child`, and in what they hold.

    What stands in a place is looked at only after the place was yielded: whoever asked may have put what is
    meant in the place of a name. What has been `seen`, and is now seen again in another place, is passed over.
    """
    for key in node if isinstance(node, dict) else NAMED:
        if key in NAMED:
            yield from _slot(Slot(NAMED[key], (*location, key), node, key), seen)
    if get(node, "child") is not None:
        yield from slots(get(node, "child"), (*location, "child"), seen)


def policy_slots(policies: Any, seen: Seen) -> Iterator[Slot]:
    """Yields the places of the named policies under `policies`, and those in what they hold; as `slots`."""
    for shelf in dict.fromkeys((*NAMED.values(), "retry")):
        named = get(policies, shelf)
        for name in named if isinstance(named, dict) else ():
            yield from _slot(Slot(shelf, ("policies", shelf, name), named, name), seen)


def judges_in(judges: Any, location: Location) -> Iterator[tuple[Location, Any]]:
    """Yields the judges of a list, and those within them, each with the keys that lead to it."""
    for index, judge in enumerate(items_of(judges)):
        yield (*location, index), judge
        yield from judges_in(get(judge, "quorum"), (*location, index, "quorum"))


def _slot(slot: Slot, seen: Seen) -> Iterator[Slot]:
    if (slot.shelf, id(slot.value)) in seen:
        return
    yield slot
    now = (slot.shelf, id(slot.value))
    if now not in seen:
        seen.add(now)
        yield from _within(slot)


def _within(slot: Slot) -> Iterator[Slot]:
    value, location = slot.value, slot.location
    if slot.shelf == "recovery":
        rungs = enumerate(items_of(value))
        yield from (Slot("retry", (*location, index, "retry"), rung, "retry") for index, rung in rungs)
    elif slot.shelf == "judges":
        judges = judges_in(value, location)
        yield from (Slot("breaker", (*place, "breaker"), judge, "breaker") for place, judge in judges)
    elif slot.shelf == "budget":
        budgets = items_of(value)
        yield from (Slot("budget", (*location, index), budgets, index) for index in range(len(budgets)))
