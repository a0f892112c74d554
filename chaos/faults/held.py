"""What faults hold back on its way: each value goes on when its time is over, or when all is let go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ...runtime.clock import TimerHandle
    from ...runtime.system import ActorSystem

__all__ = ["Held"]

Send: TypeAlias = "Callable[[Any], object]"


class _Value(NamedTuple):
    send: Send
    value: Any
    timer: TimerHandle
    key: Hashable


class Held:
    """Values that are held back, in the order in which they came. On the runtime's loop."""

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._numbers = 0
        self._waiting: dict[int, _Value] = {}
        self._aside: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """How many are held back at present."""
        return len(self._waiting)

    def hold(self, send: Send, value: Any, seconds: float, key: Hashable = None) -> None:
        """Sends a value after so many seconds; before that, if it has a key, once another one has gone past it."""
        self._numbers += 1
        timer = self._system.clock.call_later(seconds, self._go_on, self._numbers)
        self._waiting[self._numbers] = _Value(send, value, timer, key)
        if key is not None:
            self._aside[key] = self._numbers

    def is_aside(self, key: Hashable) -> bool:
        """Tells whether a value of that key waits until another one has gone past it."""
        return key in self._aside

    def gone_past(self, key: Hashable) -> None:
        """Sends the value of that key, if there is one."""
        if key in self._aside:
            self._go_on(self._aside[key])

    def let_go(self) -> None:
        """Sends all that is held back, in the order in which it came."""
        for number in list(self._waiting):
            self._go_on(number)

    def _go_on(self, number: int) -> None:
        found = self._waiting.pop(number, None)
        if found is None:  # what was sent meanwhile has let it go
            return
        if self._aside.get(found.key) == number:
            del self._aside[found.key]
        found.timer.cancel()
        found.send(found.value)
