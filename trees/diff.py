"""What has to be done to turn one tree into another: a pure function from two trees to typed steps.

It says what `Supervisor.reload` does, in the order in which it does it: a supervisor's own options first,
then the children that are gone, newest first, then each child of the new list in its order (start, restart,
or settings taken over while it runs), then places.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from .environment import masked
from .spec import AgentNode, DynamicNode, PoolNode, SupervisorNode
from .values import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .spec import Node, Template, Tree

__all__ = ["Move", "Reconfigure", "Restart", "Start", "Step", "Stop", "diff"]

NEEDS_RESTART = frozenset({"use", "with_", "handles", "reads", "tools", "tool_breaker", "dispatcher"})
"""What an incarnation is made from. All other settings are taken over while it runs."""


@dataclass(frozen=True, slots=True)
class Start:
    """A node that the old tree has not: it is started, in its place, a supervisor before its children."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stop:
    """A node that the new tree has not: it is stopped and forgotten, a supervisor after its children."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Restart:
    """A child whose start has changed: its incarnation ends, and the next one is made from the new spec."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Reconfigure:
    """A node that takes new settings over while its incarnation goes on."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Move:
    """A child that changes its place among its siblings: behind `after`, or to the front if that is None."""

    path: str
    reason: str
    after: str | None


Step: TypeAlias = Start | Stop | Restart | Reconfigure | Move

_Changes: TypeAlias = "dict[str, tuple[Any, Any]]"
"""Fields, each with what it was and what it is."""


def diff(old: Tree, new: Tree) -> tuple[Step, ...]:
    """Returns the steps from `old` to `new`, in the order in which they are carried out."""
    return tuple(_steps(old, new))


def _steps(old: Tree, new: Tree) -> Iterator[Step]:
    if old.tree.id != new.tree.id:
        yield from _stops(old.tree, old.tree.id, "it is not in the new tree")
        yield from _starts(new.tree, new.tree.id, "it is new")
        return
    if old.name != new.name:
        yield Reconfigure(new.tree.id, _reason({"name": (old.name, new.name)}))
    yield from _node(old.tree, new.tree, new.tree.id)
    if old.entry_path != new.entry_path:
        yield Reconfigure(new.tree.id, _reason({"entry": (old.entry_path, new.entry_path)}))


def _node(old: Node, new: Node, path: str) -> Iterator[Step]:
    if old == new:
        return
    match old, new:
        case AgentNode(), AgentNode():
            yield from _agent(_changes(old, new), path)
        case SupervisorNode(), SupervisorNode():
            yield from _reconfigured(_changes(old, new, but="children"), path)
            yield from _children(old, new, path)
        case PoolNode(), PoolNode():
            yield from _reconfigured(_changes(old, new, but="child"), path)
            yield from _members(old, new, path)
        case DynamicNode(), DynamicNode():
            yield from _reconfigured(_changes(old, new), path)
        case _:
            reason = f"it was of kind {old.kind}, and is of kind {new.kind}"
            yield from _stops(old, path, reason)
            yield from _starts(new, path, reason)


def _agent(changes: _Changes, path: str) -> Iterator[Step]:
    if NEEDS_RESTART.isdisjoint(changes):
        yield from _reconfigured(changes, path)
    else:
        yield Restart(path, _reason(changes))


def _reconfigured(changes: _Changes, path: str) -> Iterator[Step]:
    if changes:
        yield Reconfigure(path, _reason(changes))


def _children(old: SupervisorNode, new: SupervisorNode, path: str) -> Iterator[Step]:
    before = {child.id: child for child in old.children}
    after = {child.id: child for child in new.children}
    for child in reversed(old.children):
        if child.id not in after:
            yield from _stops(child, f"{path}/{child.id}", "it is not in the new tree")
    for child in new.children:
        below = f"{path}/{child.id}"
        if child.id in before:
            yield from _node(before[child.id], child, below)
        else:
            yield from _starts(child, below, "it is new")
    yield from _moves([*before], [*after], path)


def _members(old: PoolNode, new: PoolNode, path: str) -> Iterator[Step]:
    size = f"the size was {old.size}, and is {new.size}"
    for number in range(old.size, new.size, -1):
        yield Stop(f"{path}/{number}", size)
    changes = _changes(old.child, new.child)
    for number in range(1, new.size + 1):
        if number > old.size:
            yield Start(f"{path}/{number}", size)
        elif changes:
            yield from _agent(changes, f"{path}/{number}")


def _moves(before: Sequence[str], after: Sequence[str], path: str) -> Iterator[Step]:
    """Yields a move for each child that is not in the longest run of those whose order has stayed."""
    rank = {child: index for index, child in enumerate(before)}
    staying = _longest_rise([rank[child] for child in after if child in rank])
    previous = None
    for child in after:
        if child in rank and rank[child] not in staying:
            yield Move(f"{path}/{child}", f"it comes after {previous}" if previous else "it comes first", previous)
        previous = child


def _longest_rise(numbers: Sequence[int]) -> set[int]:
    """Returns a longest increasing subsequence (patience sorting) of distinct numbers."""
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        pile = bisect_left(ends, number)
        before[number] = ends[pile - 1] if pile else None
        ends[pile : pile + 1] = [number]
    rise, number_or_none = set(), ends[-1] if ends else None
    while number_or_none is not None:
        rise.add(number_or_none)
        number_or_none = before[number_or_none]
    return rise


def _starts(node: Node, path: str, reason: str) -> Iterator[Step]:
    yield Start(path, reason)
    if isinstance(node, SupervisorNode):
        for child in node.children:
            yield from _starts(child, f"{path}/{child.id}", reason)
    elif isinstance(node, PoolNode):
        yield from (Start(f"{path}/{number}", reason) for number in range(1, node.size + 1))


def _stops(node: Node, path: str, reason: str) -> Iterator[Step]:
    if isinstance(node, SupervisorNode):
        for child in reversed(node.children):
            yield from _stops(child, f"{path}/{child.id}", reason)
    elif isinstance(node, PoolNode):
        yield from (Stop(f"{path}/{number}", reason) for number in range(node.size, 0, -1))
    yield Stop(path, reason)


def _changes(old: Node | Template, new: Node | Template, but: str = "") -> _Changes:
    """Returns the fields that differ, each with what it was and what it is."""
    fields = [field for field in type(new).model_fields if field != but]
    pairs = {field: (getattr(old, field), getattr(new, field)) for field in fields}
    return {field: (before, after) for field, (before, after) in pairs.items() if before != after}


def _reason(changes: _Changes) -> str:
    """Returns the changes in words: plain values as they were and are, of all others only which they are."""
    told = [_change(field, *pair) for field, pair in changes.items()]
    others = [field for field, words in zip(changes, told, strict=True) if not words]
    return "; ".join([*filter(None, told), *([f"changed: {', '.join(others)}"] if others else [])])


def _change(field: str, old: Any, new: Any) -> str:
    if isinstance(old, dict) and isinstance(new, dict):
        keys = sorted(key for key in old | new if key not in old or key not in new or old[key] != new[key])
        return f"{field.rstrip('_')}: {', '.join(keys)}"
    if all(value is None or isinstance(value, str | int | float) for value in (old, new)):
        return f"{field}: {_shown(old)} -> {_shown(new)}"
    return ""


def _shown(value: Any) -> str:
    if value is None:
        return "none"
    return str(duration_text(value)) if isinstance(value, float) else str(masked(value))
