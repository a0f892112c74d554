"""What is measured: one entry a case, with its size, the figure that counts, and Treeward's goal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

__all__ = ["CASES", "Case", "Goal"]

Figure: TypeAlias = Literal["rate", "p50_us", "bytes", "seconds"]


@dataclass(frozen=True)
class Goal:
    """How Treeward wants to stand to another peer in one session: at most, or at least, `times` its figure.

    `case` is the other peer's case, where it is another one. Without a peer, `times` is the figure itself. With `ahead`
    the figure has to be better than that of every framework, too.
    """

    times: float
    peer: str | None = None
    case: str | None = None
    ahead: bool = False


@dataclass(frozen=True)
class Case:
    """One thing to measure. `n` is how often, or how many; `figure` is the one that the table of its group shows."""

    name: str
    caption: str
    n: int
    figure: Figure
    goal: Goal | None = None
    group: Literal["actors", "further", "orchestration"] = "actors"

    @property
    def more_is_better(self) -> bool:
        """Whether a higher figure is the better one."""
        return self.figure == "rate"


_ALL = (
    Case("spawn", "start bare actors", 100_000, "rate", Goal(1.0, "erlang", "spawn_supervised")),
    Case("spawn_supervised", "start children, one call each", 100_000, "rate", Goal(0.5, "erlang")),
    Case("children", "start all children of one supervisor", 100_000, "seconds"),
    Case("tree", "load, check and start a tree in YAML", 10_000, "seconds", Goal(3.0)),
    Case("tree_load", "of that, load and check", 10_000, "seconds"),
    Case("memory", "memory per bare idle actor", 100_000, "bytes"),
    Case("memory_supervised", "memory per supervised idle actor", 100_000, "bytes", Goal(2048)),
    Case("memory_used", "the same, after one message each", 100_000, "bytes"),
    Case("tell", "tell", 200_000, "rate", Goal(0.6, "floor")),
    Case("ask", "ask a `def` handler", 20_000, "p50_us", Goal(1.5, "floor")),
    Case("ask_async", "ask an `async def` handler", 20_000, "p50_us", Goal(3.0, "floor", "ask")),
    Case("ask_timeout", "ask with a timeout", 20_000, "p50_us"),
    Case("ask_many", "asks at once, of 100 actors", 1_000, "rate", Goal(0.6, "floor")),
    Case("fan", "ask each of many actors, gather", 1_000, "p50_us", Goal(1.5, "floor")),
    Case("crash", "crash, until the fresh incarnation answers", 1_000, "p50_us", Goal(1.0, "erlang")),
    Case("wait", "actors that await 10 ms each", 1_000, "p50_us", Goal(1.1, "asyncio")),
    Case("points", "pass a fault point, with nothing armed", 1_000_000, "p50_us", Goal(0.1)),
    Case("storm", "children of one supervisor that crash at once", 10_000, "seconds", group="further"),
    Case("storm_tree", "children that crash at once, in a tree of depth 4", 10_000, "seconds", group="further"),
    Case("group_all", "one_for_all: a crash restarts all", 1_000, "p50_us", group="further"),
    Case("group_rest", "rest_for_one: a crash restarts the later half", 1_000, "p50_us", group="further"),
    Case("life", "children start, answer, and stop in reverse order", 100_000, "seconds", group="further"),
    Case("dynamic", "dynamic children, started and stopped", 100_000, "rate", group="further"),
    Case("dynamic_few", "the same, a hundredth as many", 1_000, "rate", group="further"),
    Case("bus", "publish, until all subscribers have it", 1_000, "p50_us", group="further"),
    Case("pool_turn", "ask a pool of so many: in turn", 10, "p50_us", group="further"),
    Case("pool_least", "ask a pool of so many: who has least to do", 10, "p50_us", group="further"),
    Case("pool_hash", "ask a pool of so many: by a key", 10, "p50_us", group="further"),
    Case("pool_all", "ask a pool of so many: all of them", 10, "p50_us", group="further"),
    Case("ask_outside", "ask from another thread", 5_000, "p50_us", group="further"),
    Case("ask_thread", "ask an actor that has a thread", 5_000, "p50_us", group="further"),
    Case("spawn_thread", "start actors with a thread each", 1_000, "rate", group="further"),
    Case("task", "a task with deadline, breaker and schema judge", 2_000, "p50_us", group="further"),
    Case("memory_waiting", "memory per task that waits", 20_000, "bytes", group="further"),
    Case("memory_finished", "memory that is left per finished task", 20_000, "bytes", group="further"),
    Case("orchestrator", "a task to 5 workers, joined", 1_000, "p50_us", Goal(150.0, ahead=True), "orchestration"),
    Case("pipeline", "a task through 4 stages", 1_000, "p50_us", Goal(120.0, ahead=True), "orchestration"),
    Case("kept", "memory that a finished pipeline keeps", 2_000, "bytes", group="orchestration"),
)

CASES = {case.name: case for case in _ALL}
