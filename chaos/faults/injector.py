"""Lets the faults of a plan happen: armed at the runtime's fault points, and at their times."""

from __future__ import annotations

import contextlib
import threading
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

from ...runtime.errors import SystemClosed
from ...runtime.faults import HANDLE, PUT, after, arm
from ...runtime.signals import Signal
from ...trees.names import Names
from ..plans.actions import arguments_of, kind_of
from ..plans.arguments import EXCEPTIONS, INJECTED
from ..plans.matching import Matcher, is_supervisor
from ..plans.points import TIMED
from .armed import Armed
from .ballast import Leaks
from .calls import CallFaults, Means
from .delegation import Delegation
from .fired import Fired
from .held import Held
from .memory import Memory
from .poison import Poison
from .sends import SendFaults
from .timed import Timed
from .waits import Waits
from .wall import Wall

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ...runtime.faults import Visit
    from ...runtime.system import ActorSystem
    from ..plans.grammar import Action
    from ..plans.matching import Where
    from ..plans.plan import Plan
    from .fired import Occurrence
    from .turn import Hit, Turn

__all__ = ["Injector"]


class Injector:
    """Makes the faults of one plan happen in one actor system: a runtime `Faults`. On the system's loop.

    Args:
        plan: what is to go wrong; all of its faults, whatever `swarm` says.
        system: where; its block has been entered.
        seed: of all draws. Each rule has streams of its own, of (seed, the rule's id): rules do not disturb each other.
        told: hears of each fault just before it happens. On the system's loop.
        only: the only faults that happen, each with what was drawn for it in the run that it is from; None means all.
        allow: modules whose exceptions the plan may name.

    Raises:
        TreeError: the plan names an exception that is not allowed, or is none.
        ValueError: the system cannot do what the plan wants: its loop is not simulated, or its clock is not its own.
    """

    may_block: ClassVar[bool] = False
    """Whether a plan may hold a real event loop, for real. A simulated one it always may."""

    def __init__(
        self,
        plan: Plan,
        system: ActorSystem,
        *,
        seed: int = 0,
        told: Callable[[Fired], object] = lambda _: None,
        only: frozenset[Occurrence] | None = None,
        allow: Iterable[str] = (),
    ) -> None:
        self.plan = plan
        self._system = system
        self._told = told
        self._rules = {id_: Armed(id_, fault, seed, only, self._tell) for id_, fault in plan.rules.items()}
        self._lock = threading.Lock()
        self._over = False
        self._disarm: Callable[[], None] | None = None
        self._begun = 0.0
        self._waits = Waits(system)
        self._held = Held(system)
        self._memory = Memory()
        self._leaks = Leaks(system)
        self._poison = Poison()
        self._delegation = Delegation(system)
        wall = Wall(system)
        block = getattr(system.loop, "leap", None) or self._waits.block
        errors = _errors(plan, Names(allow))
        means = Means(system, errors, self._waits, self._memory, self._leaks, self._poison, self._delegation, block)
        self._calls = CallFaults(means)
        self._sends = SendFaults(system, self._held, self._memory)
        timed = [rule for rule in self._rules.values() if rule.fault.at in TIMED]
        self._timed = Timed(system, timed, wall, block, self.spares)
        self._matcher = Matcher(self._by_point(), self._is_supervisor)
        self._remembered = frozenset(_places_of(plan, "corrupt"))
        self._swapped = frozenset(_places_of(plan, "reorder"))
        _check(plan, wall, can_block=self.may_block or hasattr(system.loop, "leap"))

    @property
    def healed(self) -> bool:
        """Whether all faults are over."""
        return self._over

    @property
    def visits(self) -> Mapping[str, int]:
        """How many visits each rule has counted, by its id."""
        return {id_: rule.visits for id_, rule in self._rules.items()}

    @property
    def fired(self) -> Mapping[str, int]:
        """How often each rule has made something happen, by its id."""
        return {id_: rule.fired for id_, rule in self._rules.items()}

    def spares(self, path: str) -> bool:  # noqa: ARG002 - for those who override it
        """Tells whether the actor at a path is left alone, whatever the plan says: here nobody is."""
        return False

    # From the start to the end.

    def start(self) -> None:
        """Arms it: from now on the plan's times count."""
        self._begun = self._system.clock.monotonic()
        self._disarm = arm(self._system, self)
        self._timed.start(self._begun)

    def heal(self) -> None:
        """Ends all faults: what hangs is let go, what was held back is delivered. The second time, nothing happens."""
        if self._over:
            return
        self._over = True
        if self._disarm is not None:
            self._disarm()
        self._timed.stop()
        self._poison.clear()
        self._delegation.clear()
        self._memory.clear()
        self._leaks.free()
        self._waits.let_go()
        self._held.let_go()

    def stop(self) -> None:
        """Ends it all, as `heal` does: no task and no timer of it is left."""
        self.heal()

    # What the runtime asks.

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Returns what is called in the place of `func`; see `runtime.faults.Faults`."""
        if self._over:
            return func
        if visit.point is HANDLE and (instead := self._goes_on(visit, func)) is not None:
            return instead
        if visit.point.name in self._remembered:
            func = after(func, partial(self._remember, visit))
        for turn in self._turns(visit):
            func = self._calls.put(turn, visit, func)
        return func

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:
        """Sends a value, or does not; see `runtime.faults.Faults`. A system message always goes its way."""
        if self._over or isinstance(visit.message, Signal):
            send(value)
            return
        name = visit.point.name
        if name in self._swapped:
            send = self._sends.past(visit, send)
        for turn in self._turns(visit):
            send = self._sends.put(turn, visit, send)
        send(value)
        if name in self._remembered:
            self._remember(visit, value[0] if visit.point is PUT else value)

    # Within.

    def _goes_on(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any] | None:
        """Returns what an earlier fault has made of the handler of this message, if it has."""
        if self._poison and (deadly := self._poison.at(visit, func)) is not None:
            return deadly
        return self._delegation.handler(visit, func) if self._delegation.concerns(visit) else None

    def _remember(self, visit: Visit, value: Any) -> Any:
        self._memory.add(visit, value)
        return value

    def _turns(self, visit: Visit) -> list[Turn]:
        rules = self._matcher.at(visit)
        if not rules or self.spares(visit.path):
            return []
        now, cell = self._system.clock.monotonic() - self._begun, self._system.cells.get(visit.path)
        if cell is not None and cell.parent is None:  # a root, which rules have to name
            rules = [rule for rule in rules if not rule.spares(cell)]
        with self._lock:  # calls of actors with threads come from there
            return [turn for rule in rules if (turn := rule.turn(now)) is not None]

    def _tell(self, turn: Turn, hit: Hit) -> bool:
        if self._over:
            return False
        rule = self._rules[turn.rule]
        with self._lock:
            rule.fired += 1
        kind = kind_of(turn.action, hit.point, rule.fault.pick)
        at = self._system.clock.monotonic()
        fired = Fired(
            turn.rule, turn.number, kind, str(turn.action), hit.point, hit.path, hit.incarnation, at, hit.subject
        )
        with contextlib.suppress(SystemClosed):  # a thread that was given up may outlive the system
            self._system.call(self._told, fired)
        return True

    def _by_point(self) -> Iterator[tuple[str, Where, Armed]]:
        for rule in self._rules.values():
            if rule.fault.at not in TIMED:
                yield rule.fault.at, rule.fault.where, rule

    def _is_supervisor(self, path: str) -> bool:
        cell = self._system.cells.get(path)
        return cell is not None and is_supervisor(cell)


def _actions(plan: Plan) -> Iterator[tuple[str, Action]]:
    """Yields the places and the actions of a plan."""
    for fault in plan.faults:
        for term in fault.program.terms:
            yield fault.at, term.action


def _places_of(plan: Plan, *names: str) -> Iterator[str]:
    return (place for place, action in _actions(plan) if action.name in names)


def _errors(plan: Plan, names: Names) -> dict[str, type[BaseException] | None]:
    """Returns the classes of all exceptions that a plan names. Raises `TreeError` for one that it may not name."""
    said = {name for _, action in _actions(plan) if (name := _error_of(action)) is not None}
    known: dict[str, type[BaseException] | None] = {INJECTED: None, **EXCEPTIONS}
    return {name: known[name] if name in known else names.exception(name) for name in sorted(said)}


@lru_cache(maxsize=1_000)
def _error_of(action: Action) -> str | None:
    name: str | None = arguments_of(action).get("error")
    return name


def _check(plan: Plan, wall: Wall, *, can_block: bool) -> None:
    """Raises ValueError for what the system cannot do."""
    if not can_block and any(_places_of(plan, "block", "suspend")):
        raise ValueError(
            "block and suspend hold the loop, and this one is real: expected a simulated one, or no such faults"
        )
    if not wall.is_there and any(_places_of(plan, "jump", "freeze")):
        raise ValueError(
            "the system has a clock of its own: one that jumps needs an attribute `shown`, as LoopClock has"
        )
