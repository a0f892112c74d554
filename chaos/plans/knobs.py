"""Knobs: fields of a tree that each seed draws, so that not every run has the same limits and waits.

A knob is named by the way to its field, such as `mailbox.capacity`, and turns that of every node that has it; with a
pattern of paths in front, `support/**:mailbox.capacity`, of those nodes alone. Of a pool and a dynamic supervisor it
is the field of their `child`, if they have none of that name themselves. A step that leads to a list goes on in each of
its items: `recovery.retry.times` is for every rung that is a `retry`. What a node does not have is not made for it: one
without a mailbox has no `mailbox.capacity`, but `mailbox` itself may be a knob.

What is drawn in a seed depends on the seed and the plan alone.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, NamedTuple

from ...runtime.entropy import Entropy
from ...trees.nodes import children_of, id_of
from ...trees.spec import Tree
from .globs import Paths, is_path_glob

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from .choices import Choices, Range
    from .plan import Plan

__all__ = ["Field", "Knob", "Knobs", "knob", "swarmed"]

_STEPS = re.compile(r"[a-z_]\w*(\.[A-Za-z_]\w*)*\Z")
_MOST_KEPT = 200
"""Trees that are kept: a knob that is drawn from a range seldom comes twice."""


class Knob(NamedTuple):
    """The name of a knob, taken apart: the pattern of its nodes' paths, empty for all, and the way to its field."""

    paths: str
    steps: tuple[str, ...]


class Field(NamedTuple):
    """A place in a tree that a knob turns: the path of the node, and where the value stands."""

    path: str
    holder: dict[str, Any]
    key: str


def knob(name: str) -> Knob | None:
    """Returns a knob from its name; None if it is none."""
    paths, _, steps = name.rpartition(":")
    if (":" in name and not is_path_glob(paths)) or not _STEPS.match(steps):
        return None
    return Knob(paths, tuple(steps.split(".")))


def swarmed(plan: Plan, seed: int) -> Plan:
    """Returns the plan with the faults that a seed draws: each with an even chance, one at least. Else as it is.

    See Groce et al., "Swarm Testing" (ISSTA 2012): runs that leave some kinds of fault out find what runs with all of
    them hide.
    """
    if not plan.swarm or not plan.faults:
        return plan
    source = Entropy(seed).stream("chaos/swarm")
    ids = list(plan.rules)
    drawn = {name for name in ids if source.random() < 0.5}
    return plan.only(drawn or {ids[source.randrange(len(ids))]})


class Knobs:
    """The knobs of one plan at one tree. Made once for all seeds."""

    def __init__(self, knobs: Mapping[str, Choices | Range], tree: Tree) -> None:
        self._knobs = knobs
        self._tree = tree
        self._turned: OrderedDict[str, Tree] = OrderedDict()

    def draw(self, seed: int) -> dict[str, Any]:
        """Returns what a seed turns each knob to, by its name."""
        source = Entropy(seed).stream("chaos/knobs")
        return {name: values.draw(source) for name, values in self._knobs.items()}

    def tree(self, drawn: Mapping[str, Any]) -> Tree:
        """Returns the tree with its knobs turned to what was drawn; the tree itself where there is none.

        Raises `pydantic.ValidationError` if that is not legal.
        """
        if not drawn:
            return self._tree
        key = json.dumps(drawn)
        if key not in self._turned:
            if len(self._turned) >= _MOST_KEPT:
                self._turned.popitem(last=False)
            self._turned[key] = self._made(drawn)
        return self._turned[key]

    def fields(self, name: str) -> list[Field]:
        """Returns the places that a knob turns, in a copy of the tree's data."""
        return list(_fields(self._data(), name))

    def ways(self) -> set[str]:
        """Returns the ways to all fields of all nodes, for whoever has mistaken one."""
        return {way for _, node in _nodes(self._data()) for way in _ways(node)}

    def _data(self) -> dict[str, Any]:
        """Returns the tree with its nodes as data; the rest, which no knob turns, as it is."""
        whole = {name: getattr(self._tree, name) for name in Tree.model_fields}
        return {**whole, "tree": self._tree.tree.model_dump()}

    def _made(self, drawn: Mapping[str, Any]) -> Tree:
        data = self._data()
        for name, value in drawn.items():
            for field in _fields(data, name):
                field.holder[field.key] = value
        return Tree.model_validate(data)


def _fields(data: dict[str, Any], name: str) -> Iterator[Field]:
    found = knob(name)
    if found is None:
        return
    paths = Paths((found.paths,) if found.paths else ())
    for path, node in _nodes(data):
        if paths.match(path):
            holders = [holder for holder in _holders(node, found.steps) if found.steps[-1] in holder]
            yield from (Field(path, holder, found.steps[-1]) for holder in holders)


def _nodes(data: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    waiting: list[tuple[str, dict[str, Any]]] = [(str(id_of(data["tree"])), data["tree"])]
    while waiting:
        path, node = waiting.pop()
        yield path, node
        waiting.extend((f"{path}/{id_of(child)}", child) for child in reversed(children_of(node)))


def _holders(node: dict[str, Any], steps: tuple[str, ...]) -> list[dict[str, Any]]:
    """Returns the mappings within a node to which all steps but the last lead."""
    child = node.get("child")
    here = [child] if isinstance(child, dict) and steps[0] not in node else [node]
    for step in steps[:-1]:
        here = [item for holder in here for item in _items(holder.get(step))]
    return here


def _items(value: Any) -> list[dict[str, Any]]:
    several = value if isinstance(value, list | tuple) else [value]
    return [item for item in several if isinstance(item, dict)]


def _ways(node: dict[str, Any], before: str = "") -> Iterator[str]:
    for key, value in node.items():
        if key in ("children", "with", "context"):
            continue
        way = "" if key == "child" else f"{before}{key}"
        if way:
            yield way
        for item in _items(value):
            yield from _ways(item, f"{way}." if way else before)
