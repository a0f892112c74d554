"""I2, of circuit breakers: nothing runs through an open one, and a half-open one lets one probe through at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...runtime.faults import HANDLE
from ...supervisors.escalation import DESK
from ...supervisors.events import BreakerChanged, TaskSettled
from ...supervisors.work.attempt import Attempt
from ...supervisors.work.policy import rules_of
from .held import A_BIT, Held
from .invariant import Invariant
from .tasks import LATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...runtime.cell import Cell
    from ...runtime.faults import Visit
    from ...runtime.telemetry import Event
    from ..world import World

__all__ = ["BreakersHold"]

OPEN = ("open", "forced_open")


@dataclass(slots=True)
class _Probe:
    """A call that a half-open breaker has let through, as far as one can see from outside."""

    attempt: Attempt
    at: float
    rivals: int = 0
    """How many others began while it was under way..."""
    since: float = 0.0
    """...the first of them when..."""
    held: float = 0.0
    """...and for how long the loop had been held by then."""

    @property
    def task(self) -> str:
        return self.attempt.task.id


class BreakersHold(Invariant):
    """The breaker in front of a child: while it is open, no handler begins; while it is half-open, one at a time.

    A probe is under way until the breaker changes its state, nobody waits for it any more, its task is settled, or the
    cooldown is over (it counts as lost then). Whether a second handler that begins meanwhile was one too many is said
    when the first one's task is settled: a task that is cut off in the middle of its judgement gives its place back a
    moment before its end is told. Breakers in front of tools and judges are not looked at here.

    Source: docs/breakers.md; resilience4j's half-open state, with one permitted call.
    """

    name = "I2"
    what = "nothing runs through an open breaker, and a half-open one lets only its probe through"
    events = (BreakerChanged, TaskSettled)
    points = (HANDLE,)

    def __init__(self) -> None:
        super().__init__()
        self._cells: Mapping[str, Cell] = {}
        self._states: dict[str, str] = {}
        self._probes: dict[str, _Probe] = {}
        self._suspects: list[tuple[str, _Probe]] = []
        self._held = Held()

    def started(self, world: World) -> None:
        """Takes note of how the breakers stand."""
        self._held.begin(world)
        self._cells = world.system.cells
        for path, cell in self._cells.items():
            if cell.guard is not None and cell.guard.breaker is not None:
                self._states[path] = cell.guard.breaker.view(self.now()).state

    def event(self, event: Event) -> None:
        """Follows the breakers, and sees tasks end."""
        if isinstance(event, BreakerChanged):
            if event.breaker == event.path:  # a child's own
                self._states[event.path] = event.now
                self._over(event.path)
        elif isinstance(event, TaskSettled):
            probe = self._probes.get(event.path)
            if probe is not None and probe.task == event.task:
                self._over(event.path)
            for suspect in [one for one in self._suspects if (one[0], one[1].task) == (event.path, event.task)]:
                self._suspects.remove(suspect)
                self._judge(event, suspect[1])

    def closed(self, _: object) -> None:
        """Ends."""
        self._held.end()

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Sees a handler begin."""
        state = self._states.get(visit.path, "closed")
        if state != "closed" and type(visit.reply) is Attempt and self._is_guarded(visit.path, visit.reply):
            if state in OPEN:
                self.violated(f"{visit.path}: task {visit.reply.task.id} began, though the breaker is {state}")
            elif state == "half_open":
                self._probed(visit.path, visit.reply)
        return func

    def _is_guarded(self, path: str, attempt: Attempt) -> bool:
        cell = self._cells.get(path)
        return attempt.task.kind != DESK and cell is not None and rules_of(cell).breaker is not None

    def _probed(self, path: str, attempt: Attempt) -> None:
        """Notes a handler that begins behind a half-open breaker."""
        probe, now = self._probes.get(path), self.now()
        if probe is None or probe.attempt.cancelled() or now >= probe.at + self._cooldown(path):
            self._probes[path] = _Probe(attempt, now)
        elif probe.attempt is not attempt:
            if not probe.rivals:
                probe.since, probe.held = now, self._held.seconds
            probe.rivals += 1

    def _cooldown(self, path: str) -> float:
        """Returns the shortest cooldown that there is: after several failed probes it is longer."""
        breaker = rules_of(self._cells[path]).breaker
        return 0.0 if breaker is None else breaker.cooldown

    def _over(self, path: str) -> None:
        probe = self._probes.pop(path, None)
        if probe is not None and probe.rivals:
            self._suspects.append((path, probe))

    def _judge(self, event: TaskSettled, probe: _Probe) -> None:
        """Says whether others that began beside a probe, whose task has now ended, were too many."""
        deadline = probe.attempt.task.deadline
        ended = event.status == "canceled" or (deadline is not None and event.at >= deadline)
        if ended and event.at - probe.since <= LATE + A_BIT + self._held.seconds - probe.held:
            return  # it was cut off, and had given its place back
        others = "another one" if probe.rivals == 1 else f"{probe.rivals} others"
        self.violated(
            f"{event.path}: {others} began while the half-open breaker's probe, task {probe.task}, was under way"
        )
