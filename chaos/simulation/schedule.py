"""Which of the ready steps is next: the policies, as pure pickers.

    fifo      asyncio's own order: first come, first served
    random    any, each as likely as the others
    pct       the one of the highest priority; priorities are random, and drop at a few random moments

`pct` is probabilistic concurrency testing (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): it finds a
bug that needs `d` ordering constraints with a probability of at least 1/(n·k^(d-1)), n being the number of those
that run and k the number of steps. Two things are different here. A run may be longer than anybody knows
beforehand, so the change points are drawn anew for every `WINDOW` steps. And whoever polls without letting time
pass would starve the others, so after `PATIENCE` steps in one moment the choice is uniform until time moves (as in
the fair variant of Coyote).
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

if TYPE_CHECKING:
    import random
    from collections.abc import Hashable

__all__ = ["POLICIES", "Picker", "Policy", "Priorities", "Uniform", "picker"]

Policy = Literal["fifo", "random", "pct"]
POLICIES: tuple[str, ...] = get_args(Policy)

DEPTH = 3
WINDOW = 2_000
PATIENCE = 1_000


class Picker(Protocol):
    """Holds what is ready and says what is next."""

    items: list[Any]
    """What is held, in an order of the picker's own."""

    def add(self, item: Any, who: Hashable) -> None:
        """Takes an item in; `who` it is that would run."""

    def take(self) -> Any:
        """Returns the next item, which is no longer in it. There is at least one."""

    def moved(self) -> None:
        """Hears that time has passed."""


class Uniform:
    """Any item, each as likely as the others."""

    def __init__(self, rng: random.Random) -> None:
        self._random = rng.random
        self.items: list[Any] = []

    def add(self, item: Any, who: Hashable) -> None:  # noqa: ARG002 - a picker's
        """Takes an item in."""
        self.items.append(item)

    def take(self) -> Any:
        """Returns one at random; the last one fills its place."""
        items = self.items
        last = items.pop()
        if not items:
            return last
        at = int(self._random() * (len(items) + 1))
        if at == len(items):
            return last
        found, items[at] = items[at], last
        return found

    def moved(self) -> None:
        """Does nothing."""


class Priorities:
    """PCT: see the module. The priorities belong to whoever runs, for as long as the run lasts."""

    def __init__(self, rng: random.Random, depth: int = DEPTH, window: int = WINDOW, patience: int = PATIENCE) -> None:
        self._rng = rng
        self._depth = depth
        self._window = window
        self._patience = patience
        self._numbers = itertools.count()
        self.items: list[tuple[float, int, Any, Hashable]] = []
        self._priorities: dict[Hashable, float] = {}
        self._steps = 0
        self._here = 0
        self._changes: frozenset[int] = frozenset()

    def add(self, item: Any, who: Hashable) -> None:
        """Takes an item in, with the priority of `who`: that of a newcomer is random."""
        priority = self._priorities.get(who)
        if priority is None:
            priority = self._priorities[who] = self._rng.random()
        heapq.heappush(self.items, (-priority, next(self._numbers), item, who))

    def take(self) -> Any:
        """Returns the item of the highest priority; at a change point, its priority is dropped first."""
        if self._steps % self._window == 0:
            drawn = (self._steps + self._rng.randrange(self._window) for _ in range(self._depth - 1))
            self._changes = frozenset(drawn)
        step = self._steps
        self._steps += 1
        self._here += 1
        if self._here > self._patience:
            return self._take_any()
        if step in self._changes:
            self._drop()
        return heapq.heappop(self.items)[2]

    def _take_any(self) -> Any:
        at = self._rng.randrange(len(self.items))
        self.items[at], self.items[-1] = self.items[-1], self.items[at]
        item = self.items.pop()[2]
        heapq.heapify(self.items)
        return item

    def _drop(self) -> None:
        """Puts whoever would be next below all others."""
        _, _, item, who = heapq.heappop(self.items)
        self._priorities[who] = -1.0 - self._steps
        self.add(item, who)

    def moved(self) -> None:
        """Begins a new moment."""
        self._here = 0


def picker(policy: Policy, rng: random.Random) -> Picker | None:
    """Returns what picks for a policy; None for `fifo`, where there is nothing to pick. Raises ValueError."""
    if policy == "fifo":
        return None
    if policy == "random":
        return Uniform(rng)
    if policy == "pct":
        return Priorities(rng)
    raise ValueError(f"policy is {policy!r}: expected one of {', '.join(POLICIES)}")
