"""Messages that kill whoever gets them, from the moment on at which a fault has made them so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...agents.calls import ToolCall
from ...runtime.task import Task
from .crashes import crash_before

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from ...runtime.faults import Visit
    from .crashes import Make

__all__ = ["Poison"]


class Poison:
    """The poisoned messages, by what makes them the same in every attempt: an idempotency key, if they have one."""

    def __init__(self) -> None:
        self._poisoned: dict[Hashable, tuple[Callable[[Visit], Make], Any]] = {}

    def __bool__(self) -> bool:
        return bool(self._poisoned)

    def add(self, visit: Visit, make: Callable[[Visit], Make]) -> None:
        """Poisons the message of a visit; `make` gives what its handlers raise."""
        self._poisoned[_key(visit.message)] = make, visit.message

    def at(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any] | None:
        """Returns what is called in the place of the handler that gets a message; None if that is not poisoned."""
        found = self._poisoned.get(_key(visit.message))
        return None if found is None else crash_before(func, found[0](visit))

    def clear(self) -> None:
        """Takes the poison out of all."""
        self._poisoned.clear()


def _key(message: Any) -> Hashable:
    if isinstance(message, Task):
        return "task", message.idempotency_key
    if isinstance(message, ToolCall):
        return "call", message.key
    return "message", id(message)  # which is kept, so that no other one gets its identity
