"""I1 and I2, of tasks: each ends once and in time, with no more time and no more attempts than it was given."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ...agents.delivery import MARGIN
from ...agents.events import CaseAnswered
from ...runtime.dead_letters import MessageRedriven
from ...runtime.faults import HANDLE
from ...supervisors.events import TaskAccepted, TaskSettled
from ...supervisors.work.attempt import Attempt
from ...supervisors.work.recovery import LAST_LOOK
from .held import A_BIT, Held
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.faults import Visit
    from ...runtime.telemetry import Event
    from ..world import World

__all__ = ["LATE", "DeadlineInherited", "NoMoreAttempts", "OneEnd", "RequestsEnd", "TasksEnd"]

LATE = 2 * LAST_LOOK
"""Seconds behind its deadline by which a task has ended: a last look at whoever else has it, and one at the judges."""


@dataclass(slots=True)
class _Open:
    """A task that a child has taken on."""

    path: str
    task: str
    at: float
    deadline: float | None
    held: float
    """For how long the loop had been held, or the process suspended, by then."""

    def late(self, at: float, held: float) -> float:
        """Returns how many seconds later than it may an end at that time is; 0.0 or less if it is in time."""
        if self.deadline is None:
            return 0.0
        return at - (max(self.deadline, self.at) + LATE + A_BIT + held - self.held)


class TasksEnd(Invariant):
    """A task that a child has taken on is settled: by its deadline and the last look at what there is, or by the close.

    Time for which a fault held the loop, or suspended the process, does not count: nobody could do anything.

    Source: RELIABILITY, promise 1; docs/recovery.md: whoever waits gets an outcome, whatever happens, and in time.
    """

    name = "I1"
    what = "an accepted task ends, in time, and never in nothing"
    events = (TaskAccepted, TaskSettled)

    def __init__(self) -> None:
        super().__init__()
        self._open: dict[tuple[str, str], list[_Open]] = {}
        self._held = Held()

    def started(self, world: World) -> None:
        """Begins to count the time in which nothing could run."""
        self._held.begin(world)

    def event(self, event: Event) -> None:
        """Takes note of a task that is taken on, and looks when one ends."""
        if isinstance(event, TaskAccepted):
            one = _Open(event.path, event.task, event.at, event.deadline, self._held.seconds)
            self._open.setdefault((event.path, event.task), []).append(one)
        elif isinstance(event, TaskSettled):
            self._settled(event)

    def _settled(self, event: TaskSettled) -> None:
        found = self._open.get((event.path, event.task))
        if not found:  # it was taken on before the watch began; or see OneEnd
            return
        one = found.pop(0)
        if not found:
            del self._open[event.path, event.task]
        late = one.late(event.at, self._held.seconds)
        if late > 0:
            self.violated(f"{one.path}: task {one.task} ended {late:.6f} s later than it may, as {event.status}")

    def settled(self, world: World) -> None:
        """Looks for tasks whose time is up."""
        for one in (one for found in self._open.values() for one in found):
            if one.late(world.now, self._held.seconds) > 0:
                self.violated(f"{one.path}: task {one.task} has not ended, and its deadline was {one.deadline:.6f} s")

    def closed(self, world: World) -> None:  # noqa: ARG002 - a hook
        """Looks for tasks that never ended."""
        for one in (one for found in self._open.values() for one in found):
            self.violated(f"{one.path}: task {one.task}, taken on at {one.at:.6f} s, never ended: it ends in nothing")
        self._held.end()


class RequestsEnd(Invariant):
    """A request that the tree has accepted has an outcome, and in time, as whoever gave it sees it.

    Source: RELIABILITY, promise 1.
    """

    name = "I1"
    what = "an accepted request has an outcome, by its deadline"

    def __init__(self) -> None:
        super().__init__()
        self._held = Held()

    def started(self, world: World) -> None:
        """Begins to count the time in which nothing could run."""
        self._held.begin(world)

    def closed(self, world: World) -> None:
        """Looks at all requests."""
        held = self._held.seconds
        self._held.end()
        for one in world.accepted:
            if one.outcome is None:
                self.violated(f"{one.name} (task {one.task}) was accepted, and has no outcome")
            elif one.deadline is not None and one.ended_at is not None:
                late = one.ended_at - (max(one.deadline, one.accepted_at or 0.0) + MARGIN + A_BIT + held)
                if late > 0:
                    self.violated(f"{one.name} (task {one.task}) had its outcome {late:.6f} s later than it may")


class OneEnd(Invariant):
    """A task that a child has taken on is settled once.

    Source: RELIABILITY, promise 2: a result is recorded at most once.
    """

    name = "I2"
    what = "a task reaches exactly one final state at a child"
    events = (TaskAccepted, TaskSettled)

    def __init__(self) -> None:
        super().__init__()
        self._open: Counter[tuple[str, str]] = Counter()
        self._early: Counter[tuple[str, str]] = Counter()

    def started(self, world: World) -> None:
        """Takes note of what is in hand already."""
        guards = [cell.guard for cell in world.system.cells.values() if cell.guard is not None]
        for guard in guards:
            self._early.update((guard.cell.path, task.id) for task in guard.view(self.now()).tasks)

    def event(self, event: Event) -> None:
        """Counts."""
        if isinstance(event, TaskAccepted):
            self._open[event.path, event.task] += 1
        elif isinstance(event, TaskSettled):
            one = event.path, event.task
            kept = self._open if self._open[one] > 0 else self._early
            kept[one] -= 1
            if kept[one] < 0:
                self.violated(f"{event.path}: task {event.task} was settled once more, as {event.status}")


@dataclass(slots=True)
class _Trace:
    """What is known of one request while any of its tasks is in hand."""

    open: int = 0
    deadlines: dict[str, float | None] = field(default_factory=dict)
    tries: dict[str, set[int]] = field(default_factory=dict)
    replies: list[Any] = field(default_factory=list)
    """The replies whose identities are in `tries`: as long as they are here, nothing else has these."""


class _OfRequests(Invariant):
    """Knows the requests that run; what a person gives again begins anew."""

    events = (TaskAccepted, TaskSettled, MessageRedriven, CaseAnswered)

    def __init__(self) -> None:
        super().__init__()
        self._traces: dict[str, _Trace] = {}

    def event(self, event: Event) -> None:
        if isinstance(event, TaskAccepted):
            trace = self._traces.setdefault(event.trace, _Trace())
            trace.open += 1
            self._accepted(trace, event)
        elif isinstance(event, TaskSettled):
            found = self._traces.get(event.trace)
            if found is not None:
                found.open -= 1
                if found.open <= 0:
                    del self._traces[event.trace]
        else:  # a letter or a case: its task has all its attempts and no deadline
            for trace in self._traces.values():
                trace.deadlines.clear()
                trace.tries.clear()

    def _accepted(self, trace: _Trace, event: TaskAccepted) -> None:
        """Sees that a task of a request is taken on."""


class DeadlineInherited(_OfRequests):
    """Whoever gets a task, or a part of it, has no more time for it than whoever gave it.

    Source: docs/recovery.md: a fallback inherits what is left; docs/agents.md: a part inherits everything else.
    """

    name = "I2"
    what = "the deadline of a task never grows on its way: a fallback inherits it"

    def _accepted(self, trace: _Trace, event: TaskAccepted) -> None:
        known = trace.deadlines
        given = event.task if event.task in known else event.parent
        before = known.get(given) if given is not None else None
        if before is not None and (event.deadline is None or event.deadline > before + A_BIT):
            now = "none" if event.deadline is None else f"{event.deadline:.6f} s"
            self.violated(f"{event.path}: task {event.task} has the deadline {now}: it was given with {before:.6f} s")
        known.setdefault(event.task, event.deadline)


class NoMoreAttempts(_OfRequests):
    """A step is tried `max_attempts` times at most, whoever tries it, on whatever rung and layer.

    Counted are handlers that have begun. Source: docs/recovery.md: attempts are bounded over all who try.
    """

    name = "I2"
    what = "the attempts at a step stay within max_attempts"
    points = (HANDLE,)

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Counts a handler that begins."""
        reply = visit.reply
        if type(reply) is Attempt:
            task = reply.task
            trace = self._traces.get(task.trace)
            if trace is not None:
                self._begun(trace, reply)
        return func

    def _begun(self, trace: _Trace, attempt: Attempt) -> None:
        task = attempt.task
        tries = trace.tries.setdefault(task.idempotency_key, set())
        if id(attempt) in tries:  # a duplicate of the same message
            return
        tries.add(id(attempt))
        trace.replies.append(attempt)
        if len(tries) > task.max_attempts or task.attempt > task.max_attempts:
            number = max(len(tries), task.attempt)
            self.violated(f"task {task.id} is tried {number} times: expected {task.max_attempts} at most")
