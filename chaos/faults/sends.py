"""What faults do with a value on its way: each action of the table at a `send` point. On the runtime's loop."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from ...runtime.faults import PUT, TIMER
from .corruption import corrupt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...runtime.faults import Visit
    from ...runtime.system import ActorSystem
    from .held import Held
    from .memory import Memory
    from .turn import Turn

__all__ = ["SendFaults"]

Send: TypeAlias = "Callable[[Any], object]"


class SendFaults:
    """Puts something else in the place of a sending, as a rule's action says."""

    def __init__(self, system: ActorSystem, held: Held, memory: Memory) -> None:
        self._system = system
        self._held = held
        self._memory = memory
        self._ways: Mapping[str, Callable[[Turn, Visit, Send], Send]] = MappingProxyType(
            {
                "corrupt": self._corrupt,
                "delay": self._delay,
                "drop": self._drop,
                "duplicate": self._duplicate,
                "reorder": self._reorder,
            }
        )

    def put(self, turn: Turn, visit: Visit, send: Send) -> Send:
        """Returns what is called with the value in the place of `send`."""
        return self._ways[turn.action.name](turn, visit, send)

    def _drop(self, turn: Turn, visit: Visit, _: Send) -> Send:
        return lambda _: turn.happens(visit)  # whoever is asked sends at once: it cannot have been healed by now

    def _duplicate(self, turn: Turn, visit: Visit, send: Send) -> Send:
        def several(value: Any) -> None:
            turn.happens(visit)
            send(value)
            for _ in range(turn.arguments["times"] - 1):
                send(_copy(visit, value))

        return several

    def _delay(self, turn: Turn, visit: Visit, send: Send) -> Send:
        def later(value: Any) -> None:
            turn.happens(visit)
            self._held.hold(self._if_it_lives(visit, send), value, turn.arguments["time"].low)

        return later

    def _reorder(self, turn: Turn, visit: Visit, send: Send) -> Send:
        """Puts the value aside; one that comes while another is aside goes past that, which is what it waits for."""
        key = _key(visit)

        def aside(value: Any) -> None:
            if self._held.is_aside(key):
                send(value)
            else:
                turn.happens(visit)
                self._held.hold(self._if_it_lives(visit, send), value, turn.arguments["within"].low, key)

        return aside

    def _corrupt(self, turn: Turn, visit: Visit, send: Send) -> Send:
        def changed(value: Any) -> None:
            send(self._corrupted(turn, visit, value))

        return changed

    def _corrupted(self, turn: Turn, visit: Visit, value: Any) -> Any:
        """Returns a value with something wrong in it. What goes into a mailbox has its reply beside it, which stays."""
        if visit.point is PUT:
            message, reply = value
            return self._corrupted_message(turn, visit, message), reply
        return self._corrupted_message(turn, visit, value)

    def _corrupted_message(self, turn: Turn, visit: Visit, message: Any) -> Any:
        stale, foreign = self._memory.stale(visit, message), self._memory.foreign(visit, message)
        changed, kind = corrupt(message, turn.arguments["kind"], turn.source, stale=stale, foreign=foreign)
        turn.happens(visit, kind=kind)
        return changed

    def _if_it_lives(self, visit: Visit, send: Send) -> Send:
        """Returns a sending through which no timer's message goes once its incarnation has ended."""
        return partial(self._to_the_living, visit, send) if visit.point is TIMER else send

    def past(self, visit: Visit, send: Send) -> Send:
        """Returns a sending that what was put aside for it follows."""

        def send_past(value: Any) -> None:
            send(value)
            self._held.gone_past(_key(visit))

        return send_past

    def _to_the_living(self, visit: Visit, send: Send, value: Any) -> None:
        cell = self._system.cells.get(visit.path)
        if cell is not None and cell.alive and cell.incarnation == visit.incarnation:
            send(value)


def _key(visit: Visit) -> tuple[str, str]:
    return visit.point.name, visit.path


def _copy(visit: Visit, value: Any) -> Any:
    """Returns a value as it comes once more: nobody waits for the answer to a message's copy."""
    return (value[0], None) if visit.point is PUT else value
