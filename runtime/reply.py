"""The reply to an `ask`: a `pykka.Future` to threads, an `asyncio.Future` to event loops."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
from asyncio import get_running_loop
from asyncio.events import _get_running_loop as running_loop
from threading import get_ident
from typing import TYPE_CHECKING, Any, TypeAlias

import pykka

from .errors import WouldBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import TracebackType

    from .clock import Clock

__all__ = ["Reply", "running_loop", "runs_here"]

ExceptionInfo: TypeAlias = "tuple[type[BaseException] | None, BaseException | None, TracebackType | None]"

_WATCHING = threading.Lock()
"""Held for a moment where a thread begins to wait, and where a reply with such threads is settled."""


def runs_here(loop: Any) -> bool:
    """Tells whether the calling code runs on `loop`, by its thread: asyncio's own loops know theirs while they run.

    `running_loop` asks the operating system for the process each time (up to Python 3.11), which takes as long as
    all else that becomes of a message. It is asked about loops that are not asyncio's own.
    """
    try:
        return loop._thread_id == get_ident()  # type: ignore[no-any-return]  # noqa: SLF001 - see above
    except AttributeError:
        return running_loop() is loop


_await = asyncio.Future.__await__  # `super()` would look for it each time


class Reply(asyncio.Future, pykka.Future):  # type: ignore[type-arg]
    """The value that an actor will return for one message, or the error instead.

    It lives on the loop of the runtime that the actor belongs to. `await` it on any event loop, or call
    `get(timeout=...)` in any plain thread. It can be settled once; what comes later is dropped. An error
    that nobody asks for is not reported: the crash behind it has been, by the runtime.
    """

    _limit: tuple[Clock, float, BaseException] | None = None
    inside: Any = None
    """Whose gate the message has passed that this is the reply to."""
    _watchers: list[Callable[[], object]] | None = None

    def __await__(self) -> Generator[Any, None, Any]:
        """Waits on any event loop; raises the error, if that is what came."""
        if runs_here(self._loop):
            return _await(self)
        return self._on_this_loop().__await__()

    __iter__ = __await__

    def get(self, *, timeout: float | None = None) -> Any:
        """Waits in a plain thread for at most `timeout` seconds; without end if None.

        Raises:
            pykka.Timeout: nothing came in time. The message stays with the actor.
            WouldBlock: called on the event loop that has to produce the value.
        """
        if self._get_hook is not None:
            return super(asyncio.Future, self).get(timeout=timeout)
        if not self.done():
            if runs_here(self._loop):
                raise WouldBlock("Reply.get()")
            self._wait_in_thread(timeout)
        return self.result()

    def resolve(self, value: Any) -> None:
        """Settles with a value, unless it is settled. On the runtime's loop."""
        if not self.done():
            self.set_result(value)
            if self._watchers is not None:
                self._wake_watchers()

    def fail(self, error: BaseException) -> None:
        """Settles with an error, unless it is settled. On the runtime's loop."""
        if self.done():
            return
        if isinstance(error, StopIteration):  # which no future takes: it would end the generator that waits
            error = RuntimeError(f"the actor raised {error!r}")
        asyncio.Future.set_exception(self, error)
        self._log_traceback = False
        if self._watchers is not None:
            self._wake_watchers()

    def cancel(self, msg: Any | None = None) -> bool:
        """Says that nobody waits any more: a handler that has not begun is skipped. On the runtime's loop."""
        cancelled = super().cancel(msg)
        if cancelled and self._watchers is not None:
            self._wake_watchers()
        return cancelled

    def settle(self, other: Reply) -> None:
        """Settles another reply as this one is settled, as soon as it is. On the runtime's loop."""
        self.add_done_callback(lambda reply: _copy(reply, other))

    # Deadlines.

    def limit(self, clock: Clock, seconds: float, error: BaseException) -> None:
        """Sets after how long nobody waits any more, and the error that the reply is then; from any thread.

        Whoever waits off the runtime's loop keeps to it alone; `arm` makes it hold on the loop as well.
        """
        self._limit = (clock, clock.monotonic() + seconds, error)

    def arm(self) -> None:
        """Fails at the limit, if nothing has come by then. On the runtime's loop."""
        if self._limit is not None and not self.done():
            clock, deadline, error = self._limit
            timer = clock.call_later(max(0.0, deadline - clock.monotonic()), self.fail, error)
            self.add_done_callback(lambda _: timer.cancel())

    @property
    def deadline(self) -> float | None:
        """The clock's time after which nobody waits any more, or None."""
        return None if self._limit is None else self._limit[1]

    @property
    def unwanted(self) -> bool:
        """Whether nobody waits for the value any more: a handler that has not begun is skipped."""
        return self.done() or (self._limit is not None and self._limit[0].monotonic() > self._limit[1])

    # What the cell tells whoever waits. A subclass may want to know.

    def begin(self) -> bool:
        """Tells whether the handler shall run: not if nobody waits any more. Called just before it would."""
        return not self.done() if self._limit is None else not self.unwanted

    def beat(self, partial: Any) -> None:
        """Takes a sign of life of whoever works on the answer, and what there is of one so far. On the loop."""

    # pykka's setters, for code that answers through `reply_to` by hand. They may come from any thread.

    def set(self, value: Any = None) -> None:
        """Settles with a value, from any thread."""
        self._call(self.resolve, value)

    def set_exception(  # type: ignore[override]
        self, exc_info: BaseException | ExceptionInfo | None = None
    ) -> None:
        """Settles with an error, from any thread: an exception, an `exc_info` triple, or the one in hand."""
        error = exc_info if isinstance(exc_info, BaseException) else (exc_info or sys.exc_info())[1]
        if error is None:
            raise TypeError("set_exception() wants an exception: none was given, and none is being handled")
        self._call(self.fail, error)

    def set_get_hook(self, func: Callable[[float | None], Any]) -> None:
        """Has `get` call `func(timeout)` for the value, once; as pykka's."""
        pykka.Future.__init__(self)  # asyncio's constructor is C code that does not call on
        super().set_get_hook(func)

    # pykka's combinators. Here they make replies that can be awaited too.

    def map(self, func: Callable[[Any], Any]) -> Reply:
        """Returns a reply whose value is `func` of this one's."""
        return self._then(func)

    def filter(self, func: Callable[[Any], bool]) -> Reply:
        """Returns a reply with those items of this one's value for which `func` is true."""
        return self._then(lambda items: [item for item in items if func(item)])

    def reduce(self, func: Callable[[Any, Any], Any], *initial: Any) -> Reply:
        """Returns a reply with the items of this one's value folded by `func`."""
        return self._then(lambda items: functools.reduce(func, items, *initial))

    def join(self, *others: Any) -> Reply:
        """Returns a reply with the list of this value and the others'; it fails as soon as one does."""
        replies = [self, *others]
        if strangers := [type(other).__name__ for other in others if not isinstance(other, Reply)]:
            raise TypeError(f"join() got {', '.join(strangers)}: expected replies of this runtime's actors")
        joined = Reply(loop=self._loop)
        for reply in replies:
            reply._when_done(lambda: self._call(_gather, replies, joined))  # noqa: SLF001 - of the same class
        return joined

    def _then(self, func: Callable[[Any], Any]) -> Reply:
        mapped = Reply(loop=self._loop)
        self._when_done(lambda: _copy(self, mapped, func))
        return mapped

    # Threads and other loops.

    def _call(self, func: Callable[..., object], *args: Any) -> None:
        if not runs_here(self._loop):
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(func, *args)
                return
        func(*args)  # also where the loop is closed: nobody is left there whom it could disturb

    def _when_done(self, callback: Callable[[], object]) -> None:
        """Calls back once it is settled: on the runtime's loop, or here and now if it is. From any thread."""
        if runs_here(self._loop):
            self.add_done_callback(lambda _: callback())
        else:
            self._watch(callback)

    def _watch(self, callback: Callable[[], object]) -> None:
        with _WATCHING:
            self._watchers = [*(self._watchers or ()), callback]
        if self.done():  # looked at after the entry: whoever settles it meanwhile has seen one or the other
            self._wake_watchers()

    def _wake_watchers(self) -> None:
        with _WATCHING:
            watchers, self._watchers = self._watchers, None
        for callback in watchers or ():
            callback()

    def _seconds_left(self, timeout: float | None) -> float | None:
        if self._limit is None:
            return timeout
        clock, deadline, _ = self._limit
        left = max(0.0, deadline - clock.monotonic())
        return left if timeout is None else min(timeout, left)

    def _late(self, timeout: float | None) -> BaseException:
        """Returns what to raise when the time was up: the limit's own error, if it was the limit."""
        if self._limit is not None and (timeout is None or self._limit[0].monotonic() >= self._limit[1]):
            return self._limit[2]
        return pykka.Timeout(f"{timeout} seconds")

    def _wait_in_thread(self, timeout: float | None) -> None:
        settled = threading.Event()
        self._watch(settled.set)
        if not settled.wait(self._seconds_left(timeout)) and not self.done():
            raise self._late(timeout)

    async def _on_this_loop(self) -> Any:
        if not self.done():
            loop = get_running_loop()
            settled = loop.create_future()
            self._watch(functools.partial(_wake, loop, settled))
            try:
                async with asyncio.timeout(self._seconds_left(None)):
                    await settled
            except asyncio.CancelledError:
                self._call(self.cancel)
                raise
            except TimeoutError:
                if not self.done():
                    raise self._late(None) from None
        return self.result()


Reply._get_hook = None  # type: ignore[misc]  # noqa: SLF001 - asyncio's constructor does not call pykka's


def _wake(loop: asyncio.AbstractEventLoop, waiter: asyncio.Future[None]) -> None:
    """Wakes who waits on another loop, if that loop still runs."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(lambda: None if waiter.done() else waiter.set_result(None))


def _gather(replies: list[Any], joined: Reply) -> None:
    failed = next((r for r in replies if r.done() and (r.cancelled() or r.exception())), None)
    if failed is not None:
        _copy(failed, joined)
    elif all(reply.done() for reply in replies):
        joined.resolve([reply.result() for reply in replies])


def _copy(source: Any, target: Reply, func: Callable[[Any], Any] | None = None) -> None:
    """Settles `target` as `source` is settled; an error of `func` becomes the target's."""
    if source.cancelled():
        target.cancel()
    elif source.exception() is not None:
        target.fail(source.exception())
    elif func is None:
        target.resolve(source.result())
    else:
        try:
            value = func(source.result())
        except Exception as error:  # noqa: BLE001 - of the caller's own function: for who reads the value
            target.fail(error)
        else:
            target.resolve(value)
