"""Whether a plan fits a tree: whom its patterns mean, whom it asks, what its knobs turn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ...trees.messages import bad_value
from ...trees.nodes import Violation
from ...trees.problems import Problem, did_you_mean, quoted
from ...trees.spec import AgentNode, DynamicNode, PoolNode
from .globs import ANY, could_match
from .knobs import Knobs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ...trees.spec import Node, Tree
    from .plan import Fault, Plan

__all__ = ["check_against", "misfits"]


def check_against(plan: Plan, tree: Tree) -> tuple[Problem, ...]:
    """Returns what does not fit when a plan meets a tree; nothing if all does. No problem has a position.

    A pattern that matches nobody, a request for nobody, a knob that turns nothing, and values that a knob cannot have
    are such problems: with them, the plan would test less than it says.
    """
    return tuple(Problem("", 0, 0, f"{_said(one.location)}: {one.what}", *one[2:4]) for one in misfits(plan, tree))


def misfits(plan: Plan, tree: Tree) -> Iterator[Violation]:
    """Yields what `check_against` returns, with the keys that lead to it in the plan."""
    actors = _Actors(tree)
    for index, fault in enumerate(plan.faults):
        yield from _patterns(index, fault, actors)
    yield from _work(plan, tree, actors)
    yield from _knobs(plan, Knobs(plan.knobs, tree))


def _said(location: Iterable[str | int]) -> str:
    return ".".join(map(str, location))


class _Actors:
    """The paths that the actors of a tree have, or may have; those of children that are started later end in `ANY`."""

    def __init__(self, tree: Tree) -> None:
        self.paths: dict[str, list[tuple[str, ...]]] = {"agent": [], "supervisor": []}
        self.tasked: set[str] = set()
        for path, node in tree.walk():
            self._add(path, node)

    def _add(self, path: str, node: Node) -> None:
        ids = tuple(path.split("/"))
        self.paths["agent" if isinstance(node, AgentNode) else "supervisor"].append(ids)
        if isinstance(node, AgentNode | PoolNode):
            self.tasked.add(path)
        if isinstance(node, PoolNode | DynamicNode):
            self.paths["agent"].append((*ids, ANY))
        if isinstance(node, DynamicNode) and node.child is None:
            self.paths["supervisor"].append((*ids, ANY))

    def of(self, role: str) -> list[tuple[str, ...]]:
        """Returns the paths of those who have a role."""
        return self.paths.get(role) or [*self.paths["agent"], *self.paths["supervisor"]]

    def names(self, role: str) -> list[str]:
        """Returns their paths and ids, as far as they are known."""
        known = [ids for ids in self.of(role) if ANY not in ids]
        return [*("/".join(ids) for ids in known), *dict.fromkeys(ids[-1] for ids in known)]


def _patterns(index: int, fault: Fault, actors: _Actors) -> Iterator[Violation]:
    role = fault.where.role
    for number, pattern in enumerate(fault.where.path):
        if any(could_match(pattern, ids) for ids in actors.of(role)):
            continue
        noun = "actor" if role == "any" else role
        hint = _other_role(pattern, role, actors) or did_you_mean(pattern, actors.names(role))
        legal = f"a pattern that matches {'an' if noun[0] == 'a' else 'a'} {noun} of the tree"
        what = f"the tree has no {noun} like {quoted(pattern)}"
        yield Violation(("faults", index, "where", "path", number), what, legal, hint)


def _other_role(pattern: str, role: str, actors: _Actors) -> str:
    other = {"agent": "supervisor", "supervisor": "agent"}.get(role, "")
    matches = other and any(could_match(pattern, ids) for ids in actors.paths[other])
    return f"it has such {other}s: say role: {other}" if matches else ""


def _work(plan: Plan, tree: Tree, actors: _Actors) -> Iterator[Violation]:
    for index, work in enumerate(plan.work):
        if work.to is None and tree.entry_path is None:
            yield Violation(("work", index), "the tree declares no entry", "to: and the path of an agent")
        elif work.to is not None and work.to not in actors.tasked and not _is_later(work.to, actors):
            hint = did_you_mean(work.to, sorted(actors.tasked))
            what = f"the tree has no agent {quoted(work.to)}"
            yield Violation(("work", index, "to"), what, "the path of an agent or a pool", hint)


def _is_later(path: str, actors: _Actors) -> bool:
    """Tells whether a child that is started later may have that path."""
    return any(ANY in ids and could_match(path, ids) for ids in actors.paths["agent"] if "/" in path)


def _knobs(plan: Plan, knobs: Knobs) -> Iterator[Violation]:
    for name, values in plan.knobs.items():
        fields = knobs.fields(name)
        if not fields:
            hint = did_you_mean(name.rpartition(":")[2], sorted(knobs.ways()))
            what = f"the knob {quoted(name)} turns nothing: no node of the tree has that"
            yield Violation(("knobs", name), what, "the way to a field, such as mailbox.capacity", hint, at_key=True)
            continue
        yield from _values(name, values.values, knobs)


def _values(name: str, values: Sequence[Any], knobs: Knobs) -> Iterator[Violation]:
    for value in values:
        try:
            knobs.tree({name: value})
        except ValidationError as error:
            what, legal, hint = bad_value(error.errors()[0], name)
            yield Violation(("knobs", name), what, legal, hint)
