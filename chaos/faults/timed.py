"""Faults that nobody comes by: kills, stops, floods, clocks, a blocked loop. They come at their times."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...runtime.errors import ActorStopped, MailboxFull
from ...runtime.exits import Exit
from ...runtime.signals import Stop
from ..plans.matching import sieve_of
from ..plans.points import ACTOR, CLOCK, LOOP, MAILBOX
from .turn import Hit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ...runtime.cell import Cell
    from ...runtime.clock import TimerHandle
    from ...runtime.system import ActorSystem
    from .armed import Armed
    from .turn import Turn
    from .wall import Wall

__all__ = ["Noise", "Timed"]

BATCH = 0.01
"""Seconds between two looks of a flood: what is due by then comes together."""


@dataclass(frozen=True, slots=True)
class Noise:
    """A message of a flood, which means nothing to anybody; `number` counts them from 1."""

    number: int


class Timed:
    """The timed faults of one plan. On the runtime's loop.

    Args:
        system: in which they happen.
        rules: those of the plan that are timed.
        wall: the clock that jumps.
        block: holds the event loop for so many seconds.
        spares: tells by its path whether an actor is left alone, whatever the rules say.
    """

    def __init__(
        self,
        system: ActorSystem,
        rules: Iterable[Armed],
        wall: Wall,
        block: Callable[[float], object],
        spares: Callable[[str], bool],
    ) -> None:
        self._system = system
        self._rules = {rule: sieve_of(rule.fault.where) for rule in rules}
        self._wall = wall
        self._block = block
        self._spares = spares
        self._begun = 0.0
        self._timers: dict[object, TimerHandle] = {}
        self._places: Mapping[str, Callable[[Armed, Turn], None]] = MappingProxyType(
            {ACTOR: self._hit, CLOCK: self._turn_clock, LOOP: self._hold_loop, MAILBOX: self._hit}
        )

    def start(self, begun: float) -> None:
        """Sets the timers; `begun` is the monotonic time at which the plan has begun."""
        self._begun = begun
        for rule in self._rules:
            self._later(rule, rule.fault.from_, self._come, rule)

    def stop(self) -> None:
        """Takes all timers back, and puts the clock right."""
        timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()
        self._wall.put_right()

    def _later(self, key: object, seconds: float, func: Callable[..., object], *args: object) -> None:
        self._timers[key] = self._system.clock.call_later(seconds, func, *args)

    def _come(self, rule: Armed) -> None:
        del self._timers[rule]
        if rule.fault.every is not None:
            self._later(rule, rule.fault.every.draw(rule.pace), self._come, rule)
        turn = rule.turn(self._system.clock.monotonic() - self._begun)
        if turn is not None:
            self._places[rule.fault.at](rule, turn)

    # Actors, and their mailboxes.

    def _hit(self, rule: Armed, turn: Turn) -> None:
        for cell in self._picked(rule, turn):
            if _is_there(rule, cell) and turn.hits(Hit(rule.fault.at, cell.path, cell.incarnation)):
                self._do(turn, cell)

    def _picked(self, rule: Armed, turn: Turn) -> list[Cell]:
        """Returns whom it hits: of those that live, whatever they are at, one or all, in the order of their paths."""
        found = sorted(self._meant(rule), key=lambda cell: cell.path)
        return [turn.source.choice(found)] if found and rule.fault.pick == "one" else found

    def _meant(self, rule: Armed) -> Iterator[Cell]:
        sieve = self._rules[rule]
        for cell in self._system.cells.values():
            if _is_there(rule, cell) and sieve.has_actor(cell) and not (rule.spares(cell) or self._spares(cell.path)):
                yield cell

    def _do(self, turn: Turn, cell: Cell) -> None:
        if turn.action.name == "kill":
            cell.kill()
        elif turn.action.name == "stop":
            cell.signal(Stop(Exit.SHUTDOWN))
        else:
            rate, lasts = turn.arguments["rate"].per_second, turn.arguments["lasts"].low
            _Flood(self._system, cell.path, rate, lasts, self._timers).go_on()

    # What is everybody's.

    def _turn_clock(self, rule: Armed, turn: Turn) -> None:
        if not turn.hits(Hit(rule.fault.at)):
            return
        if turn.action.name == "jump":
            self._wall.jump(turn.arguments["by"].low)
        elif turn.action.name == "freeze":
            self._wall.freeze(turn.arguments["time"].low)
        else:
            self._block(turn.arguments["time"].low)

    def _hold_loop(self, rule: Armed, turn: Turn) -> None:
        if turn.hits(Hit(rule.fault.at)):
            self._block(turn.arguments["time"].low)


def _is_there(rule: Armed, cell: Cell) -> bool:
    """Tells whether an actor can be hit: for that an incarnation has to live, but a mailbox is there between two."""
    return cell.open if rule.fault.at == MAILBOX else cell.alive


class _Flood:
    """One stream of messages to one address, whichever incarnation lives there."""

    def __init__(
        self, system: ActorSystem, path: str, rate: float, lasts: float, timers: dict[object, TimerHandle]
    ) -> None:
        self._system = system
        self._path = path
        self._rate = rate
        self._begun = system.clock.monotonic()
        self._lasts = lasts
        self._sent = 0
        self._timers = timers

    def go_on(self) -> None:
        """Sends what is due, and sees to the rest later."""
        self._timers.pop(self, None)
        passed = min(self._lasts, self._system.clock.monotonic() - self._begun)
        while self._sent <= passed * self._rate and self._sent < self._lasts * self._rate:
            self._sent += 1
            self._send(Noise(self._sent))
        if passed < self._lasts:
            self._timers[self] = self._system.clock.call_later(max(BATCH, 1 / self._rate), self.go_on)

    def _send(self, noise: Noise) -> None:
        """Sends one; there may be nobody there at present, or no room: then it is as if it had not been sent."""
        cell = self._system.cells.get(self._path)
        with contextlib.suppress(ActorStopped, MailboxFull):
            if cell is not None:
                cell.ref.tell(noise)
