"""What makes an object an incarnation: the tie to its cell, for our own actor class and for pykka's."""

from __future__ import annotations

import contextvars
import functools
import inspect
from inspect import Parameter
from typing import TYPE_CHECKING, Any, Self, TypeVar

import pykka

from .errors import ActorStopped, SystemClosed
from .exits import Exit, ExitReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cell import Cell
    from .ref import Ref

__all__ = ["BIRTH", "Hosted", "adopted"]

T = TypeVar("T")

BIRTH: contextvars.ContextVar[Cell | None] = contextvars.ContextVar("treeward_birth", default=None)
"""The cell for which an actor object is being made."""


class Hosted:
    """Ties an actor object to its cell. It comes before pykka's class, whose inbox and ref it replaces."""

    _cell: Cell
    _incarnation: int

    def __new__(cls, *_args: Any, **_kwargs: Any) -> Self:
        """Makes the object for the cell whose turn it is; only the runtime can."""
        cell = BIRTH.get()
        if cell is None:
            raise SystemClosed(f"(none: {cls.__name__} was called as a class)")
        self = super().__new__(cls)
        self._cell = cell
        self._incarnation = cell.incarnation
        if cell.actor is None:
            cell.actor = self  # its constructor may want a proxy of itself
        if cell.factory.attributes:
            vars(self).update(cell.factory.attributes)
        return self

    @property
    def _actor_ref(self) -> Ref[Any]:
        return self._cell.ref

    @_actor_ref.setter
    def _actor_ref(self, ref: object) -> None:
        """Ignores the ref that pykka's constructor makes: it would die with this incarnation."""

    @property
    def actor_urn(self) -> str:
        """The ref's, which is the path's."""
        return self._cell.ref.actor_urn

    @actor_urn.setter
    def actor_urn(self, urn: object) -> None:
        """Ignores the one that pykka's constructor draws."""

    @property
    def actor_stopped(self) -> Any:
        """The ref's."""
        return self._cell.stopped_flag

    @actor_stopped.setter
    def actor_stopped(self, event: object) -> None:
        """Ignores the one that pykka's constructor makes."""

    def stop(self, reason: ExitReason = Exit.NORMAL) -> None:
        """Ends this incarnation after the message in hand, with that exit reason."""
        self._in_life(self._cell.stop_next, reason)

    def run_on_stop(self, reason: ExitReason) -> Any:
        """Runs `on_stop`, which wants the reason, or, as pykka's own, does not."""
        hook: Callable[..., Any] = self.on_stop  # type: ignore[attr-defined]  # pykka's class has it
        return hook(reason) if _wants_reason(type(self).on_stop) else hook()  # type: ignore[attr-defined]

    def _stop(self) -> None:
        """Ends this incarnation for pykka's own stop message, which pykka's `stop` sends."""
        Hosted.stop(self)

    def _in_life(self, func: Callable[..., T], *args: Any) -> T:
        """Calls `func(*args)` on the loop for this incarnation; its own thread waits for the result.

        Raises:
            ActorStopped: this incarnation has ended: what still runs of it speaks for nobody.
        """
        result: T = self._cell.system.result_of(self._call_in_life, func, args)
        return result

    def _call_in_life(self, func: Callable[..., T], args: tuple[Any, ...]) -> T:
        cell = self._cell
        if not cell.alive or cell.incarnation != self._incarnation:
            raise ActorStopped(cell.path, f"incarnation {self._incarnation} has ended")
        return func(*args)


@functools.cache
def _wants_reason(hook: Callable[..., Any]) -> bool:
    """Tells whether a class's `on_stop` takes the exit reason."""
    parameters = list(inspect.signature(hook).parameters.values())[1:]
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD, Parameter.VAR_POSITIONAL)
    return any(parameter.kind in positional for parameter in parameters)


@functools.cache
def adopted(cls: Any) -> Any:
    """Returns pykka's class as one that a cell can host: its hooks and methods, the runtime's thread."""
    if not issubclass(cls, pykka.Actor):
        raise TypeError(f"{cls.__qualname__} is no actor class: expected treeward.Actor or pykka.Actor")
    body = {"__module__": cls.__module__, "__qualname__": cls.__qualname__, "__doc__": cls.__doc__}
    if cls.stop is not pykka.Actor.stop:
        body["stop"] = cls.stop  # it calls pykka's in the end, whose message `_handle_receive` takes
    return type(cls.__name__, (Hosted, cls), body)
