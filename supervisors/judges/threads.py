"""A call in a thread of its own, for what may block: it cannot be ended, but it can be left alone."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["in_thread"]


async def in_thread(name: str, function: Callable[..., Any], *args: Any) -> Any:
    """Returns what `function(*args)` returns, or raises what it raises, from a new daemon thread of that name.

    What is awaitable in the end is awaited there, on an event loop of the thread's own. If this is cancelled,
    the thread runs on, what comes of it is dropped, and it does not keep the process alive.
    """
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Any] = loop.create_future()
    context = contextvars.copy_context()

    def run() -> None:
        value, error = context.run(_settled, function, args)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left who waits
            loop.call_soon_threadsafe(_settle, result, value, error)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await result


def _settled(function: Callable[..., Any], args: tuple[Any, ...]) -> tuple[Any, BaseException | None]:
    try:
        value = function(*args)
        return (asyncio.run(_awaited(value)) if inspect.isawaitable(value) else value), None
    except BaseException as error:  # noqa: BLE001 - it is raised where the result is awaited
        return None, error


async def _awaited(value: Any) -> Any:
    return await value


def _settle(result: asyncio.Future[Any], value: Any, error: BaseException | None) -> None:
    if result.done():
        return
    if error is None:
        result.set_result(value)
    elif isinstance(error, StopIteration | KeyboardInterrupt):  # the one no future takes, the other ends the loop
        result.set_exception(RuntimeError(f"the function raised {error!r}"))
    else:
        result.set_exception(error)
