"""What runs on the loop of a simulation, under names and in an order that are the same in every run."""

from __future__ import annotations

import asyncio
import weakref
from typing import Any

from ...runtime.cell import Cell

__all__ = ["Generators", "SimFuture", "SimTask", "label_of", "who_runs"]

_TURN = Cell.take_turn  # an actor's turn, which is to the runtime what a step is to asyncio


class SimTask(asyncio.Task):  # type: ignore[type-arg]  # it is generic for type checkers only
    """A task whose hash is its number: asyncio keeps tasks in sets, whose order would else be that of addresses."""

    __slots__ = ("label", "number")

    def __init__(self, coro: Any, *, number: int, **options: Any) -> None:
        self.number = number  # before asyncio puts it into a set
        self.label = ""
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.number

    def labelled(self) -> str:
        """Returns what the task is in the trace; its name may come after it is made, so not before its first step."""
        name, own = self.get_name(), f"task-{self.number}"
        self.label = own if name == own else f"task {name} #{self.number}"
        return self.label


class SimFuture(asyncio.Future):  # type: ignore[type-arg]  # as above
    """A future whose hash is its number."""

    __slots__ = ("number",)
    number: int

    def __hash__(self) -> int:
        return self.number


class Generators(weakref.WeakKeyDictionary[Any, None]):
    """The async generators that have begun, in the order in which they did; asyncio's set would have none."""

    def add(self, generator: Any) -> None:
        """Notes one."""
        self[generator] = None

    def discard(self, generator: Any) -> None:
        """Forgets one."""
        self.pop(generator, None)


def who_runs(callback: Any) -> str | None:
    """Returns whose step or turn a callback is, by name; None for any other callback."""
    owner: Any = getattr(callback, "__self__", None)
    kind = owner.__class__
    if kind is Cell:
        path: str = owner.path
        return path if callback.__func__ is _TURN else None
    return owner.get_name() if kind is SimTask or isinstance(owner, asyncio.Task) else None


def label_of(callback: Any) -> str:
    """Returns what a callback is in the trace."""
    owner: Any = getattr(callback, "__self__", None)
    kind = owner.__class__
    if kind is SimTask:
        label: str = owner.label or owner.labelled()
        return label
    if kind is Cell and callback.__func__ is _TURN:
        return f"turn {owner.path}"
    callback = getattr(callback, "func", callback)  # of a partial
    return f"call {getattr(callback, '__qualname__', type(callback).__name__)}"
