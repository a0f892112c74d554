"""Loop guards: work that goes round in circles is seen, and ended. Pure."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..checks import check, is_whole
from ..work_errors import LoopDetected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ...runtime.task import Task

__all__ = ["LoopLimits", "Trail"]

AGENTS = 256
"""How many agents' calls one request remembers; beyond that, those who have called nobody for longest are forgotten."""

SHOWN = 6
"""How many names a message lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopLimits:
    """What is too much of the same, within one request. None: this is not looked at.

    Attributes:
        visits: how often one agent may be on the way of a task, one inside the other.
        calls: how often one agent may make the same call (same tool, same arguments) among its last `window` calls.
        window: calls that are remembered per agent and request.
        repeats: the same trajectory, a series of two or more calls that are not all the same, so many times one
            after the other, is a loop. It has to fit into the window: the longest has `window // repeats` calls.
    """

    visits: int | None = 3
    calls: int | None = 4
    window: int = 32
    repeats: int | None = 4

    def __post_init__(self) -> None:
        for name, least in (("visits", 1), ("calls", 1), ("repeats", 2)):
            value = getattr(self, name)
            expected = f"a whole number, {least} or more, or None"
            check(f"loops {name}", value, value is None or is_whole(value, least), expected)
        check("loops window", self.window, is_whole(self.window, 1), "a whole number, 1 or more")
        reached = self.calls is None or self.calls < self.window
        check("loops window", self.window, reached, f"more than calls, which is {self.calls}")
        fits = self.repeats is None or self.repeats * 2 <= self.window
        check("loops window", self.window, fits, f"2 * repeats or more; repeats is {self.repeats}")

    @property
    def longest(self) -> int:
        """Calls of the longest trajectory whose repetition is seen; 0 if none is looked for."""
        return 0 if self.repeats is None else self.window // self.repeats


class Trail:
    """Where one request has been, and what its agents have called. On the runtime's loop.

    It remembers `window` calls of each of at most 256 agents, as hashes.
    """

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: dict[str, _Calls] = {}

    def enter(self, task: Task, path: str, limits: LoopLimits, in_hand: str | None = None) -> None:
        """Looks at a task that comes to the agent at `path`, which is not yet in its `visited`.

        `in_hand` is the id of the task that the agent works at, and will until it has its answers: an agent handles
        one task at a time, so what is a part of that would be waited for without end.

        Raises:
            LoopDetected: it has been passed on more often than it may, has been there too often, or waits for itself.
        """
        if task.hops > task.max_hops:
            raise LoopDetected(f"task {task.id} was passed on {task.hops} times: expected {task.max_hops} at most")
        visits = task.visited.count(path) + 1
        if limits.visits is not None and visits > limits.visits:
            raise LoopDetected(
                f"task {task.id} is at {path} {visits} times, one inside the other: "
                f"expected {limits.visits} at most (the way: {_way(task, path)})"
            )
        if in_hand is not None and in_hand in task.lineage:
            way = _way(task, path)
            raise LoopDetected(f"{path} would wait for itself: task {task.id} is a part of what it works at ({way})")

    def call(self, agent: str, tool: str, arguments: Mapping[str, Any], limits: LoopLimits) -> None:
        """Looks at a call that an agent is about to make, and remembers it.

        Takes a time that grows with the window, not with the number of calls.

        Raises:
            LoopDetected: it makes this call, or a series of calls that this one completes, again and again.
        """
        calls = self._calls.pop(agent, None)
        if calls is None or calls.limits != limits:
            calls = _Calls(limits, calls)
            if len(self._calls) >= AGENTS:
                del self._calls[next(iter(self._calls))]
        self._calls[agent] = calls  # behind all others: a dict keeps its order
        calls.add(tool, _digest(tool, arguments))
        calls.check(agent)

    def again(self, agent: str) -> None:
        """Forgets an agent's calls: it is given its task once more, and makes the same calls once more."""
        self._calls.pop(agent, None)


def _way(task: Task, path: str) -> str:
    return " > ".join((*task.visited[-SHOWN:], path))


class _Calls:
    """The last calls of one agent.

    `_runs[n]` counts the calls up to the last one that each equal the one `n` calls before: a series of n calls has
    come r times one after the other as soon as that is (r - 1) * n.
    """

    __slots__ = ("_counts", "_runs", "last", "limits")

    def __init__(self, limits: LoopLimits, before: _Calls | None = None) -> None:
        self.limits = limits
        self.last: deque[tuple[str, bytes]] = deque()
        self._counts: Counter[bytes] = Counter()
        self._runs = [0] * (limits.longest + 1)
        for tool, digest in () if before is None else before.last:
            self.add(tool, digest)

    def add(self, tool: str, digest: bytes) -> None:
        last = self.last
        for distance in range(1, min(self.limits.longest, len(last)) + 1):
            same = last[-distance][1] == digest
            self._runs[distance] = self._runs[distance] + 1 if same else 0
        last.append((tool, digest))
        self._counts[digest] += 1
        if len(last) > self.limits.window:
            _, oldest = last.popleft()
            self._counts[oldest] -= 1
            if not self._counts[oldest]:
                del self._counts[oldest]

    def check(self, agent: str) -> None:
        tool, digest = self.last[-1]
        times, most = self._counts[digest], self.limits.calls
        if most is not None and times > most:
            raise LoopDetected(
                f"{agent} has called {tool} with the same arguments {times} times among its last "
                f"{len(self.last)} calls: expected {most} at most"
            )
        self._check_series(agent)

    def _check_series(self, agent: str) -> None:
        repeats = self.limits.repeats
        if repeats is None:
            return
        for length in range(2, self.limits.longest + 1):
            varied = self._runs[1] < length - 1
            if varied and self._runs[length] >= (repeats - 1) * length:
                names = [tool for tool, _ in self.last][-length:]
                series = " > ".join(names[:SHOWN]) + (" > ..." if length > SHOWN else "")
                raise LoopDetected(
                    f"{agent} has made the same {length} calls ({series}) {repeats} times one after the other"
                )


def _digest(tool: str, arguments: Mapping[str, Any]) -> bytes:
    """Returns a hash of a call; arguments that JSON does not have count as they show themselves."""
    try:
        text = json.dumps(dict(arguments), sort_keys=True, default=repr)
    except (TypeError, ValueError, RecursionError):
        text = repr(arguments)
    return hashlib.blake2b(f"{tool}\0{text}".encode(errors="surrogatepass"), digest_size=16).digest()
