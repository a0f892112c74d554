"""Who goes down and who comes up when one child has died: a pure function from children to a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from .spec import Strategy

__all__ = ["Plan", "plan"]


class Plan(NamedTuple):
    """The ids to terminate, newest first, and then the ids to start, in list order."""

    terminate: tuple[str, ...]
    start: tuple[str, ...]


def plan(strategy: Strategy, ids: Collection[str], failed: str) -> Plan:
    """Returns the plan for the death of `failed`, one of `ids` (in start order), which is down already.

    one_for_one: that child alone. rest_for_one: it and those after it. one_for_all: all.
    """
    if strategy == "one_for_one":
        return Plan((), (failed,))
    group = tuple(ids)
    if strategy == "rest_for_one":
        group = group[group.index(failed) :]
    return Plan(tuple(child for child in reversed(group) if child != failed), group)
