"""How the cost of one item grows with their number: which cases are looked at, how far, and where a curve bends."""

from __future__ import annotations

import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .process import ProgramFailed, answer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .entrants import Entrant

__all__ = ["BEND", "FAMILIES", "SIZES", "Bounds", "Curve", "Point", "grow"]

SIZES = (10, 100, 1_000, 10_000, 100_000, 1_000_000)
STEP = 10
BEND = 1.5
"""A curve bends where an item costs so many times what it costs at the cheapest smaller number."""
PATIENCE = 30.0
"""Seconds for a process to begin and to end."""

FAMILIES = {
    "starting": ("spawn", "spawn_supervised", "children", "life", "dynamic", "spawn_thread"),
    "messages": ("tell", "ask", "ask_async", "ask_timeout", "ask_many", "fan", "wait", "bus"),
    "failures": ("crash", "storm", "storm_tree", "group_all", "group_rest"),
    "trees": ("tree_load", "tree"),
    "pools": ("pool_turn", "pool_least", "pool_hash", "pool_all"),
    "threads": ("ask_outside", "ask_thread"),
    "tasks": ("task", "orchestrator", "pipeline"),
    "memory": ("memory", "memory_supervised", "memory_used", "memory_waiting", "memory_finished", "kept"),
}
"""The cases of each plot."""

LEAST = dict.fromkeys(FAMILIES["memory"], 1_000)
"""A process grows by whole pages: fewer items would measure those."""
MOST = dict.fromkeys(FAMILIES["pools"], 10_000) | {"spawn_thread": 1_000}
"""Nobody has more of these."""


@dataclass(frozen=True)
class Bounds:
    """How far to go: up to n of `most`, runs of at most `seconds`, processes of at most `memory` bytes.

    `window` is for how many seconds small runs are repeated; memory is measured once.
    """

    most: int = SIZES[-1]
    seconds: float = 120.0
    memory: float = 8e9
    window: float = 1.0


@dataclass(frozen=True)
class Point:
    """What one of n items costs: microseconds of processor time, or bytes.

    `cost` is that of the cheapest of so many runs, since whatever else the machine does only adds to it.
    """

    n: int
    cost: float
    median: float
    runs: int


@dataclass(frozen=True)
class Curve:
    """A case over n; `stopped` says why it ends where it does, if it could go on."""

    case: str
    points: tuple[Point, ...]
    stopped: str = ""

    @property
    def bend(self) -> tuple[Point, Point] | None:
        """The first point at which an item costs `BEND` times that of the cheapest before, and that one; or None."""
        for place, point in enumerate(self.points[1:], 1):
            cheapest = min(self.points[:place], key=lambda one: one.cost)
            if point.cost > BEND * cheapest.cost > 0:
                return point, cheapest
        return None


def grow(case: str, entrant: Entrant, bounds: Bounds) -> Curve:
    """Measures a case for one n after the other, until the next would go beyond the bounds."""
    points: list[Point] = []
    stopped = ""
    for n in _sizes(case, bounds):
        if stopped:
            break
        try:
            said = _said(case, n, entrant, bounds)
        except ProgramFailed as error:
            stopped = f"{n:,}: {error}"
            break
        points.append(_point(n, said["runs"]))
        stopped = _too_much(n * STEP, said, bounds)
    else:
        stopped = ""
    return Curve(case, tuple(points), stopped)


def _sizes(case: str, bounds: Bounds) -> Iterator[int]:
    most = min(bounds.most, MOST.get(case, bounds.most))
    yield from (n for n in SIZES if LEAST.get(case, 0) <= n <= most)


def _said(case: str, n: int, entrant: Entrant, bounds: Bounds) -> dict[str, Any]:
    window = 0 if case in FAMILIES["memory"] else bounds.window
    words = ("repeat", entrant.modules[case], case, str(n), str(window))
    environment = {**entrant.environment, "BENCHMARK_CLOCK": "process"}
    said: dict[str, Any] = answer(entrant.python, words, environment, bounds.seconds * 2 + window + PATIENCE)
    return said


def _point(n: int, runs: list[dict[str, Any]]) -> Point:
    costs = [run["bytes"] if run["bytes"] is not None else 1e6 / run["rate"] for run in runs]
    return Point(n, min(costs), statistics.median(costs), len(costs))


def _too_much(n: int, said: dict[str, Any], bounds: Bounds) -> str:
    """Says why n items are too many, as far as a tenth of them tells; nothing if they are not."""
    if said["took"] * STEP > bounds.seconds:
        return f"{n:,} would take more than {bounds.seconds:g} s"
    if said["peak"] * STEP > bounds.memory:
        return f"{n:,} could take more than {bounds.memory / 1e9:g} GB"
    return ""
