"""Where one node names another, for its fallback, its judge, its desk: whether that one is there, and no circle.

A name leads where `supervisors.work.places` says that it leads: an id means a sibling before the siblings of
those above, and these before whoever else below them has it; a path means itself.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from .nodes import TASKED, Violation, get, id_of, items_of, judges_in, kind_of
from .problems import did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .located import Location
    from .nodes import Placed

__all__ = ["mentions"]

MOST = 50
"""Names that are not there and get a question for the nearest one that is, and circles: each takes a look at all."""

LONGEST = 10
"""Steps of a circle that are shown."""

EXPECTED = "the id or the path of an agent or a pool"
CIRCLES = {"fallback": "fallbacks", "judge": "judges", "cheaper variant": "cheaper variants"}


class Mention(NamedTuple):
    """One node's word about another: what that one is to it, and where the word stands."""

    role: str
    location: Location
    name: str


def mentions(places: Iterable[Placed], *, complete: bool = True) -> Iterator[Violation]:
    """Yields what is wrong with the names in these nodes, which are all of a tree, parents first.

    `complete` says whether none of them is missing: else a name that leads nowhere is passed over.
    """
    everyone = _Everyone(places)
    ways: dict[str, dict[str, list[_Way]]] = {role: {} for role in CIRCLES}
    for place in everyone.places:
        for mention in _mentions_of(place):
            found = everyone.find(mention.name, place)
            fault = everyone.fault(mention, place, found)
            if fault is None and found is not None and mention.role in ways:
                ways[mention.role].setdefault(place.path, []).append(_Way(found, mention.location))
            elif fault is not None and (complete or found is not None):
                yield fault
    for role, graph in ways.items():
        yield from islice(_circles(role, graph), MOST)


def _mentions_of(place: Placed) -> Iterator[Mention]:
    """Yields the names in a node, and in its template, in their order."""
    yield from _in_part(place.location, place.node)
    if kind_of(place.node) in ("pool", "dynamic"):
        yield from _in_part((*place.location, "child"), get(place.node, "child"))


def _in_part(location: Location, part: Any) -> Iterator[Mention]:
    for index, rung in enumerate(items_of(get(part, "recovery"))):
        yield from _in_rung((*location, "recovery", index), rung)
    for at, judge in judges_in(get(part, "judges"), (*location, "judges")):
        yield from _mention("judge", (*at, "agent"), get(judge, "agent"))
    budgets = get(part, "budget")
    for index, budget in enumerate(items_of(budgets) or [budgets]):
        yield from _mention("cheaper variant", (*location, "budget", index, "cheaper"), get(budget, "cheaper"))


def _in_rung(location: Location, rung: Any) -> Iterator[Mention]:
    names = get(rung, "fallback")
    for index, name in enumerate(items_of(names) or [names]):
        yield from _mention("fallback", (*location, "fallback", index), name)
    up = get(rung, "escalate")
    yield from _mention("desk", (*location, "escalate", "to"), up if isinstance(up, str) else get(up, "to"))


def _mention(role: str, location: Location, name: Any) -> Iterator[Mention]:
    if isinstance(name, str) and name:
        yield Mention(role, location, name)


class _Way(NamedTuple):
    """That one node passes tasks on to another, and where it says so."""

    to: str
    location: Location


class _Everyone:
    """All nodes of a tree, to be found as those who run are found."""

    def __init__(self, places: Iterable[Placed]) -> None:
        self.places = list(places)
        self._by_path = {place.path: place for place in self.places}
        self._by_id: dict[str, list[str]] = {}
        for place in sorted(self.places, key=lambda place: place.path.count("/")):
            self._by_id.setdefault(place.path.rpartition("/")[2], []).append(place.path)
        self._hints = 0

    def find(self, name: str, by: Placed) -> str | None:
        """Returns the path that a name in a node leads to, or None."""
        if name in self._by_path:
            return name
        inside = kind_of(by.node) != "agent"  # what a supervisor says holds for those below it: they look around
        above = f"{by.path}/" if inside else by.path
        while "/" in above:
            above = above.rpartition("/")[0]
            sibling = f"{above}/{name}"
            if sibling in self._by_path:
                return sibling
            below = (path for path in self._by_id.get(name, ()) if path.startswith(f"{above}/"))
            if found := next(below, None):
                return found
        return None

    def fault(self, mention: Mention, by: Placed, found: str | None) -> Violation | None:
        """Returns what is wrong with a name in a node that leads there."""
        what = f"the {mention.role} {quoted(mention.name)} of {by.path}"
        if found is None:
            missing = f"{what} is not in the tree"
            if self._may_come(mention.name, by):
                return None
            return Violation(mention.location, missing, EXPECTED, self._near(mention.name))
        if found == by.path:
            return Violation(mention.location, f"{what} is itself", "somebody else")
        kind = kind_of(self._by_path[found].node)
        if kind in TASKED:
            return None
        noun = "a dynamic supervisor" if kind == "dynamic" else "a supervisor"
        return Violation(mention.location, f"{what} is {noun}, which handles no tasks", EXPECTED)

    def _may_come(self, name: str, by: Placed) -> bool:
        """Tells whether it is the path of somebody whom a dynamic supervisor may start."""
        above = self.find(name.rpartition("/")[0], by)
        return above is not None and kind_of(self._by_path[above].node) == "dynamic"

    def _near(self, name: str) -> str:
        self._hints += 1
        if self._hints > MOST:
            return ""
        return did_you_mean(name, (id_of(place.node) or "" for place in self.places if kind_of(place.node) in TASKED))


def _circles(role: str, graph: dict[str, list[_Way]]) -> Iterator[Violation]:
    """Yields each circle in who passes tasks on to whom: a depth-first search, each path once."""
    done: set[str] = set()
    for start, first in graph.items():
        trail: dict[str, Iterator[_Way]] = {} if start in done else {start: iter(first)}
        while trail:
            path, ways = next(reversed(trail.items()))
            way = next(ways, None)
            if way is None:
                del trail[path]
                done.add(path)
            elif way.to in trail:
                steps = [*trail]
                circle = [*steps[steps.index(way.to) :], way.to]
                yield Violation(way.location, f"the {CIRCLES[role]} go in a circle: {_shown(circle)}", "an end to it")
            elif way.to not in done:
                trail[way.to] = iter(graph.get(way.to, ()))


def _shown(circle: list[str]) -> str:
    steps = circle if len(circle) <= LONGEST else [*circle[: LONGEST - 1], "...", circle[-1]]
    return " -> ".join(steps)
