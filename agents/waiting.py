"""Who waits at a desk for a person: replies that are still to come, and whoever wants to hear of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ..runtime.errors import ActorCrashed, ActorStopped
from ..runtime.exits import is_orderly
from ..runtime.reply import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..runtime.cell import Cell
    from ..runtime.system import ActorSystem
    from ..supervisors.escalation import HumanAnswer
    from .case import Case

__all__ = ["Audience", "WaitingRoom", "audience_of"]


class WaitingRoom:
    """The callers of one incarnation who wait for a person's answer, by case. On the runtime's loop.

    Who does not wait any more is forgotten. When the incarnation ends, all that are left hear of it:
    `ActorCrashed`, or `ActorStopped` after an orderly end.
    """

    __slots__ = ("_cell", "_waiting")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._waiting: dict[str, list[Reply]] = {}
        cell.own(self)

    def enter(self, case: str) -> None:
        """Has the sender of the message in hand wait for the answer to a case."""
        envelope = self._cell.current
        caller = envelope[1] if envelope is not None else None
        if caller is None:
            return
        promised = Reply(loop=self._cell.loop)
        self._cell.reply_from(promised)
        self._waiting.setdefault(case, []).append(promised)
        caller.add_done_callback(lambda _: self._forget(case, promised))

    def _forget(self, case: str, promised: Reply) -> None:
        waiting = self._waiting.get(case, [])
        if promised in waiting:
            waiting.remove(promised)
        if not waiting:
            self._waiting.pop(case, None)

    def count(self, case: str | None = None) -> int:
        """Returns how many wait, for one case or for any."""
        cases = self._waiting if case is None else (case,)
        return sum(len(self._waiting.get(one, ())) for one in cases)

    def tell(self, answer: HumanAnswer) -> int:
        """Gives those who wait for a case its answer, and returns how many they were."""
        waiting = self._waiting.pop(answer.case, [])
        for promised in waiting:
            promised.resolve(answer)
        return len(waiting)

    def cancel(self) -> None:
        """Lets those go who still wait, since the incarnation has ended."""
        waiting, self._waiting = self._waiting, {}
        for promised in (promised for several in waiting.values() for promised in several):
            promised.fail(self._end())

    def _end(self) -> ActorCrashed | ActorStopped:
        cell = self._cell
        if cell.end is None or is_orderly(cell.end):
            return ActorStopped(cell.path, cell.end)
        return ActorCrashed(cell.path, cell.incarnation, cell.end)


class Audience:
    """Who hears of answers at one desk, over its incarnations; and up to where it has looked for those of others.

    Attributes:
        seen: the version of the last change that was looked at; None while nobody looks.
        told: how much of what was said of a case has been told, by the case's id.
    """

    __slots__ = ("_listeners", "seen", "told")

    def __init__(self) -> None:
        self._listeners: list[Callable[[Case], Any]] = []
        self.seen: int | None = None
        self.told: dict[str, int] = {}

    @property
    def listens(self) -> bool:
        """Whether there is anybody."""
        return bool(self._listeners)

    def add(self, listener: Callable[[Case], Any]) -> None:
        """Has `listener` called with each case that is decided from now on."""
        self._listeners.append(listener)

    def remove(self, listener: Callable[[Case], Any]) -> None:
        """Ends what `add` began."""
        self._listeners.remove(listener)

    def hear(self, case: Case, failed: Callable[[Exception], object]) -> None:
        """Tells everybody of a case; `failed` gets what a listener raises. On the runtime's loop."""
        for listener in tuple(self._listeners):
            try:
                listener(case)
            except Exception as error:  # noqa: BLE001 - of the host's own function: it must not take the desk down
                failed(error)


_AUDIENCES: WeakKeyDictionary[ActorSystem, dict[str, Audience]] = WeakKeyDictionary()


def audience_of(system: ActorSystem, path: str) -> Audience:
    """Returns the audience of the desk at a path; it lives and goes with the actor system."""
    return _AUDIENCES.setdefault(system, {}).setdefault(path, Audience())
