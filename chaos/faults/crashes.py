"""Crashes on purpose: which exception, and when: before a call, in the middle of it, or after it has done all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeAlias

from ...agents.errors import InjectedCrash
from ...runtime.dispatch import COROUTINES
from ...runtime.faults import after, around

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

__all__ = ["Make", "crash_after", "crash_before", "crash_during", "exception_made"]

PREFIX = "injected: "
"""What the text of an exception that is not of Treeward's own begins with."""

Make: TypeAlias = "Callable[[], BaseException | None]"
"""Makes the exception anew: one that is raised twice would carry two tracebacks. None: it is not raised after all."""


def exception_made(cls: type[BaseException] | None, message: str, place: str) -> BaseException:
    """Returns an exception that says that it was injected, and where; None as the class means `InjectedCrash`."""
    if cls is None:
        return InjectedCrash(f"{place}: {message}" if message else place)
    return cls(f"{PREFIX}{message or f'a crash at {place}'}")


def crash_before(func: Callable[..., Any], make: Make) -> Callable[..., Any]:
    """Returns what raises in the place of a function."""

    def call(*args: Any) -> Any:
        _raise(make)
        return func(*args)

    return call


def crash_after(func: Callable[..., Any], make: Make) -> Callable[..., Any]:
    """Returns a function that raises once `func` has done all."""

    def die(value: Any) -> Any:
        _raise(make)
        return value

    return after(func, die)


def crash_during(
    func: Callable[..., Any], make: Make, waits: int | None = None, seconds: float | None = None
) -> Callable[..., Any]:
    """Returns a function that is interrupted: where it waits for the n-th time, or else after so many seconds.

    A call that does not wait, or not so often, or not so long, crashes when it has done all.
    """

    def call(*args: Any) -> Any:
        value = func(*args)
        if type(value) not in COROUTINES:
            _raise(make)
            return value
        return around(_interrupted(_Interrupt(value, make, waits, seconds)), value)

    return call


async def _interrupted(interrupt: _Interrupt) -> Any:
    value = await interrupt
    if not interrupt.has_come:
        _raise(interrupt.make)
    return value


def _raise(make: Make) -> None:
    error = make()
    if error is not None:
        raise error


class _Interrupt:
    """Drives a coroutine as `await` does, and throws an exception into it, once.

    Where it waits for the n-th time, it is thrown into at once, without the loop's turn: what it waits for may never
    come. At a time, it is woken as by a cancellation, which becomes the exception; a true one that comes with it goes
    before. A coroutine that lives through it goes on undisturbed.
    """

    def __init__(self, coroutine: Any, make: Make, waits: int | None, seconds: float | None) -> None:
        self.make = make
        self.has_come = False
        self._coroutine = coroutine
        self._waits = waits
        self._seconds = seconds
        self._task: asyncio.Task[Any] | None = None
        self._error: BaseException | None = None
        """What the cancellation stands for with which it was woken."""

    def __await__(self) -> Generator[Any, Any, Any]:
        """Yields what the coroutine yields, and gives it what comes back. In its task."""
        timer = None
        if self._seconds is not None:
            self._task = asyncio.current_task()
            timer = asyncio.get_running_loop().call_later(self._seconds, self._wake)
        try:
            return (yield from self._drive())
        finally:
            if timer is not None:
                timer.cancel()
            self._coroutine.close()

    def _drive(self) -> Generator[Any, Any, Any]:
        step, given = self._coroutine.send, None
        while True:
            try:
                waited_for = step(given)
            except StopIteration as end:
                return end.value
            error = self._made() if self._is_the_wait() else None
            if error is None:
                step, given = yield from self._wait(waited_for)
            else:
                step, given = self._coroutine.throw, error

    def _wait(self, waited_for: Any) -> Generator[Any, Any, tuple[Any, Any]]:
        try:
            return self._coroutine.send, (yield waited_for)
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever comes is the coroutine's
            return self._coroutine.throw, self._meant(error)

    def _is_the_wait(self) -> bool:
        if self._waits is None:
            return False
        self._waits -= 1
        return self._waits == 0

    def _made(self) -> BaseException | None:
        self.has_come = True
        return self.make()

    def _wake(self) -> None:
        self._error = self._made()
        if self._error is not None and self._task is not None:
            self._task.cancel()

    def _meant(self, error: BaseException) -> BaseException:
        """Returns what a cancellation stands for, if it is the one with which the coroutine was woken."""
        if self._error is None or self._task is None or not isinstance(error, asyncio.CancelledError):
            return error
        meant, self._error = self._error, None
        return error if self._task.uncancel() else meant
