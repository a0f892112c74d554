"""I2, of replies: one run of a handler answers its sender once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...runtime.faults import HANDLE, REPLY
from .invariant import Invariant

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.faults import Visit

__all__ = ["OneReply"]


class _Owed:
    """What is owed to one sender: how often its message was given to a handler, and which answers have gone out."""

    __slots__ = ("answers", "handled", "reply")

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.handled = 0
        self.answers: list[Visit] = []


class OneReply(Invariant):
    """A reply is settled once: a handler that has run once sends one answer.

    A message that a fault has doubled may be handled twice, and answered twice, if it came to a handler again before
    its first answer arrived; an answer that a fault has doubled is still the same one.

    Source: RELIABILITY, promise 2; `Reply`: it can be settled once.
    """

    name = "I2"
    what = "a reply is settled once"
    points = (HANDLE, REPLY)

    def __init__(self) -> None:
        super().__init__()
        self._owed: dict[int, _Owed] = {}

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Counts the handling of a message."""
        if visit.reply is not None and visit.point is HANDLE:
            self._of(visit.reply).handled += 1
        return func

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:
        """Counts an answer."""
        owed = self._of(visit.reply)
        if not any(visit is earlier for earlier in owed.answers):
            owed.answers.append(visit)
            if len(owed.answers) > max(1, owed.handled):
                what = f"{type(visit.message).__name__} {getattr(visit.message, 'id', '')}".strip()
                times = f"{len(owed.answers)} answers, and was handled {owed.handled} time{'s' * (owed.handled != 1)}"
                self.violated(f"{visit.path}: {what} has had {times}")
        send(value)

    def _of(self, reply: Any) -> _Owed:
        owed = self._owed.get(id(reply))
        if owed is None:
            owed = self._owed[id(reply)] = _Owed(reply)
        return owed

    def closed(self, _: object) -> None:
        """Ends."""
        self._owed.clear()
