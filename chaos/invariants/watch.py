"""All invariants of one run together: one observer of its events, and one link behind its faults."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ...runtime.errors import describe
from ...runtime.faults import arm
from .invariant import Invariant, Violation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ...runtime.faults import Point, Visit
    from ...runtime.telemetry import Event
    from ..faults.fired import Fired
    from ..world import World
    from .log import Log

__all__ = ["Watch"]

Hook: TypeAlias = Literal["event", "fired", "call", "send", "gone"]


class Watch:
    """Shows one run to its invariants, and to its log. Armed behind the faults, it sees what really happens.

        watch = Watch(standard(), log)
        watch.start(world)      # behind the injector, once the tree runs
        ...
        watch.healed(), watch.settled()
        ...                     # the runtime is closed
        watch.closed()
        watch.violations

    Args:
        invariants: made for this run; those that override no hook for events or visits cost nothing there.
        log: gets every event and every fault.
    """

    def __init__(self, invariants: Iterable[Invariant], log: Log) -> None:
        self.invariants = tuple(invariants)
        self.log = log
        self._found = [one.violations for one in self.invariants]
        self._world: World | None = None
        self._by_event: dict[type[Event], tuple[Invariant, ...]] = {}
        self._by_call: dict[Point, tuple[Invariant, ...]] = {}
        self._by_send: dict[Point, tuple[Invariant, ...]] = {}
        self._failed: list[Violation] = []
        self._by_fault = tuple(one for one in self.invariants if _overrides(one, "fired"))
        self._ends: tuple[Callable[[], None], ...] = ()

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What did not hold, in the order in which it was seen."""
        own = [violation for found in self._found for violation in found]
        return tuple(sorted((*own, *self._failed), key=lambda violation: violation.at))

    # The run, in its order.

    def start(self, world: World) -> None:
        """Begins to watch a run whose tree runs, and whose faults are armed."""
        self._world = world
        for one in self.invariants:
            one.now = world.system.clock.monotonic
        self._each(lambda one: one.started(world))
        self._ends = (world.system.observe(self.event), arm(world.system, self))

    def healed(self) -> None:
        """Says that the faults are over."""
        world = self._running
        self._each(lambda one: one.healed(world))

    def settled(self) -> None:
        """Has the invariants look at the tree before it is closed."""
        world = self._running
        self._each(lambda one: one.settled(world))

    def closed(self) -> None:
        """Has the invariants look at what is left of the closed tree, and lets go of the run.

        Also of those that do not look once more: what they remember may hold much of the run in memory.
        """
        world = self._running
        self._each(lambda one: one.closed(world))
        for end in self._ends:
            end()
        self._stop_time()
        self.invariants = tuple(one for one in self.invariants if _overrides(one, "gone"))
        for wanting in (self._by_event, self._by_call, self._by_send):
            wanting.clear()
        self._ends, self._world, self._by_fault = (), None, ()

    def _stop_time(self) -> None:
        """Holds the time at the end: whoever asks for it later holds nothing of the run in memory."""
        end = self._running.system.clock.monotonic()
        for one in self.invariants:
            one.now = lambda: end
        self.log.end()

    def gone(self) -> None:
        """Has the invariants look once more, when nobody holds the run any more and garbage has been collected."""
        self._each(lambda one: one.gone())

    @property
    def _running(self) -> World:
        if self._world is None:
            raise RuntimeError("this watch has no run: start(world) comes first, and closed() is the end")
        return self._world

    # What is seen. ------------------------------------------------------------------------------------

    def event(self, event: Event) -> None:
        """Shows an event to the log, and to those who want its kind."""
        self.log.event(event)
        kind = type(event)
        wanting = self._by_event.get(kind)
        if wanting is None:
            wanting = self._by_event[kind] = self._wanting_event(kind)
        for one in wanting:
            try:
                one.event(event)
            except Exception as error:  # noqa: BLE001 - a check that fails is told of, and disturbs nobody
                self._fail(one, error)

    def fired(self, fired: Fired) -> None:
        """Shows a fault to the log, and to all who want to hear of faults."""
        self.log.fired(fired)
        for one in self._by_fault:
            try:
                one.fired(fired)
            except Exception as error:  # noqa: BLE001 - see above
                self._fail(one, error)

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Shows a call, as `Faults.call`."""
        wanting = self._by_call.get(visit.point)
        if wanting is None:
            wanting = self._by_call[visit.point] = self._wanting("call", visit.point)
        for one in wanting:
            try:
                func = one.call(visit, func)
            except Exception as error:  # noqa: BLE001 - see above
                self._fail(one, error)
        return func

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:
        """Shows what is sent, as `Faults.send`."""
        wanting = self._by_send.get(visit.point)
        if wanting is None:
            wanting = self._by_send[visit.point] = self._wanting("send", visit.point)
        for one in wanting:
            send = partial(one.send, visit, send)
        send(value)

    # Who wants what. ----------------------------------------------------------------------------------

    def _wanting_event(self, kind: type[Event]) -> tuple[Invariant, ...]:
        wants = (one for one in self.invariants if one.events is None or issubclass(kind, one.events))
        return tuple(one for one in wants if _overrides(one, "event"))

    def _wanting(self, hook: Hook, point: Point) -> tuple[Invariant, ...]:
        wants = (one for one in self.invariants if one.points is None or point in one.points)
        return tuple(one for one in wants if _overrides(one, hook))

    def _each(self, hook: Callable[[Invariant], object]) -> None:
        for one in self.invariants:
            try:
                hook(one)
            except Exception as error:  # noqa: BLE001 - see above
                self._fail(one, error)

    def _fail(self, one: Invariant, error: Exception) -> None:
        at = 0.0 if self._world is None else self._world.system.clock.monotonic()
        self._failed.append(Violation(one.name, at, f"the check itself failed: {describe(error)}"))


def _overrides(one: Invariant, hook: Hook) -> bool:
    return getattr(type(one), hook) is not getattr(Invariant, hook)
