"""What faults do with a call: each action of the table at a `call` point. In the actor's own task or thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from ...runtime.dispatch import COROUTINES
from ...runtime.faults import after
from ...runtime.reply import running_loop
from ...runtime.signals import Signal
from ...runtime.task import Task
from .corruption import corrupt, lie
from .crashes import crash_after, crash_before, crash_during, exception_made

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ...runtime.faults import Visit
    from ...runtime.system import ActorSystem
    from ..plans.amounts import Span
    from .ballast import Leaks
    from .crashes import Make
    from .delegation import Delegation
    from .memory import Memory
    from .poison import Poison
    from .turn import Turn
    from .waits import Waits

__all__ = ["CallFaults", "Means"]

Func: TypeAlias = "Callable[..., Any]"


@dataclass(frozen=True, slots=True)
class Means:
    """What the faults of one plan work with.

    Attributes:
        system: in which they happen.
        errors: the classes that `crash` and `poison` may raise, by the names that a program has for them.
        waits: all that hangs.
        memory: values that were right.
        leaks: memory that is kept.
        poison: messages that kill.
        delegation: tasks that are passed on.
        block: holds the event loop for so many seconds.
    """

    system: ActorSystem
    errors: Mapping[str, type[BaseException] | None]
    waits: Waits
    memory: Memory
    leaks: Leaks
    poison: Poison
    delegation: Delegation
    block: Callable[[float], object]


class CallFaults:
    """Puts something else in the place of a call, as a rule's action says."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._ways: Mapping[str, Callable[[Turn, Visit, Func], Func]] = MappingProxyType(
            {
                "block": self._block,
                "corrupt": self._corrupt,
                "crash": self._crash,
                "delegate": self._delegate,
                "hang": self._hang,
                "leak": self._leak,
                "lie": self._lie,
                "poison": self._poison,
                "slow": self._slow,
            }
        )

    def put(self, turn: Turn, visit: Visit, func: Func) -> Func:
        """Returns what is called in the place of `func`; itself where the action has nothing to do with this visit."""
        return self._ways[turn.action.name](turn, visit, func)

    # It does not come, or comes to nothing.

    def _crash(self, turn: Turn, visit: Visit, func: Func) -> Func:
        make, said = self._maker(turn, visit), turn.arguments
        if said["when"] == "before":
            return crash_before(func, make)
        if said["when"] == "after":
            return crash_after(func, make)
        waits: int | Span = said["after"] or 1
        return crash_during(func, make, waits) if isinstance(waits, int) else crash_during(func, make, None, waits.low)

    def _maker(self, turn: Turn, visit: Visit) -> Make:
        cls, message = self._means.errors[turn.arguments["error"]], turn.arguments.get("message", "")
        place = f"{visit.point.name} of {visit.name}" if visit.name else visit.point.name

        def make() -> BaseException | None:
            return exception_made(cls, message, place) if turn.happens(visit) else None

        return make

    def _poison(self, turn: Turn, visit: Visit, func: Func) -> Func:
        if isinstance(visit.message, Signal):
            return func
        self._means.poison.add(visit, partial(self._maker, turn))
        return self._means.poison.at(visit, func) or func

    def _delegate(self, turn: Turn, visit: Visit, func: Func) -> Func:
        if not isinstance(visit.message, Task):
            return func
        passed_on = self._means.delegation.handler(visit, func)
        return passed_on if passed_on is not func and turn.happens(visit) else func

    # It comes late.

    def _hang(self, turn: Turn, visit: Visit, func: Func) -> Func:
        return self._held_up(turn, visit, func, None, deaf=turn.arguments["how"] == "deaf")

    def _slow(self, turn: Turn, visit: Visit, func: Func) -> Func:
        return self._held_up(turn, visit, func, turn.arguments["time"].low)

    def _held_up(self, turn: Turn, visit: Visit, func: Func, seconds: float | None, *, deaf: bool = False) -> Func:
        async def call(*args: Any) -> Any:
            if turn.happens(visit):
                await self._means.waits.wait(seconds, deaf=deaf)
            value = func(*args)
            return await value if type(value) in COROUTINES else value

        return call

    def _block(self, turn: Turn, visit: Visit, func: Func) -> Func:
        """Holds whatever runs the call: the loop, or the thread that the actor has to itself."""

        def call(*args: Any) -> Any:
            if turn.happens(visit):
                here = running_loop() is self._means.system.loop
                hold = self._means.block if here else self._means.waits.block
                hold(turn.arguments["time"].low)
            return func(*args)

        return call

    # It comes with something wrong.

    def _corrupt(self, turn: Turn, visit: Visit, func: Func) -> Func:
        memory = self._means.memory
        if isinstance(visit.message, Signal):
            return func

        def change(value: Any) -> Any:
            stale, foreign = memory.stale(visit, value), memory.foreign(visit, value)
            changed, kind = corrupt(value, turn.arguments["kind"], turn.source, stale=stale, foreign=foreign)
            return changed if turn.happens(visit, kind=kind) else value

        return after(func, change)

    def _lie(self, turn: Turn, visit: Visit, func: Func) -> Func:
        def change(verdict: Any) -> Any:
            return lie(verdict) if turn.happens(visit) else verdict

        return after(func, change)

    def _leak(self, turn: Turn, visit: Visit, func: Func) -> Func:
        def call(*args: Any) -> Any:
            means, size = self._means, turn.arguments["size"]
            if turn.happens(visit):
                means.system.call(means.leaks.keep, visit.path, visit.incarnation, size)
            return func(*args)

        return call
