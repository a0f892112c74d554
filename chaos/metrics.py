"""The numbers that `abort_if` looks at, of a tree that runs under a plan."""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING

from ..supervisors.events import TaskAccepted, TaskSettled
from ..supervisors.requests import ChildRestarting, ChildRetried, GaveUp
from ..supervisors.work.accounts import accounts_of
from .plans.plan import METRICS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..runtime.telemetry import Event
    from ..trees.runtime import Runtime
    from .plans.plan import Abort

__all__ = ["Metrics"]

MINUTE = 60.0
UNANSWERED = ("failed", "canceled", "dead_letter")


class Metrics:
    """Watches one runtime from its making to `close`. On the runtime's loop.

    Args:
        runtime: its block has been entered.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._system = runtime.system
        self._restarts: deque[float] = deque()
        self._gave_up = 0
        self._failed = 0
        self._requests: set[tuple[str, str]] = set()
        """Where each request that is in hand was given, and the id of its task."""
        self._unready_since: float | None = None
        self._abandoned = self._system.abandoned_total
        self._cost = accounts_of(self._system).spent.cost
        self._end = runtime.observe(self._take)
        self._readers: Mapping[str, Callable[[], float]] = MappingProxyType(
            {
                "restarts_per_minute": self._restarts_per_minute,
                "gave_up": lambda: self._gave_up,
                "failed": lambda: self._failed,
                "in_hand": self._in_hand,
                "dead_letters": lambda: len(self._system.dead_letters),
                "abandoned": lambda: self._system.abandoned_total - self._abandoned,
                "cost_usd": lambda: accounts_of(self._system).spent.cost - self._cost,
                "not_ready_for": self._not_ready_for,
            }
        )
        assert self._readers.keys() == METRICS.keys()  # noqa: S101 - the two lists are one

    def close(self) -> None:
        """Watches no longer."""
        self._end()

    def look(self) -> None:
        """Looks at what has no event: whether the tree is ready. To be called again and again."""
        if self._runtime.health().ready:
            self._unready_since = None
        elif self._unready_since is None:
            self._unready_since = self._now()

    def value(self, name: str) -> float:
        """Returns a metric as it is now, by its name in `METRICS`."""
        return self._readers[name]()

    def passed(self, abort: Abort) -> str | None:
        """Returns in words that a metric has passed its level; None if it has not."""
        value = self.value(abort.metric)
        if value <= abort.above:
            return None
        unit = " s" if METRICS[abort.metric].is_time else ""
        return f"{abort.metric} is {value:g}{unit}, above {abort.above:g}{unit}"

    def _take(self, event: Event) -> None:
        match event:
            case ChildRestarting() | ChildRetried():
                self._restarts.append(event.at)
            case GaveUp():
                self._gave_up += 1
            case TaskAccepted() if event.parent is None and event.hops == 0:
                self._requests.add((event.path, event.task))
            case TaskSettled() if (event.path, event.task) in self._requests:
                self._requests.discard((event.path, event.task))
                self._failed += event.status in UNANSWERED

    def _restarts_per_minute(self) -> float:
        while self._restarts and self._restarts[0] <= self._now() - MINUTE:
            self._restarts.popleft()
        return len(self._restarts)

    def _in_hand(self) -> float:
        return sum(len(cell.guard.deliveries) for cell in self._system.cells.values() if cell.guard is not None)

    def _not_ready_for(self) -> float:
        return 0.0 if self._unready_since is None else self._now() - self._unready_since

    def _now(self) -> float:
        return self._system.clock.monotonic()
