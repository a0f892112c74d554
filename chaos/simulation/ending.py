"""The end of a run: what is left of it is ended, in an order that is the same in every run."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .loop import SimLoop

__all__ = ["end_generators", "end_tasks"]

END_WITHIN = 60.0
"""Virtual seconds that the tasks have to take their cancellation."""


def end_tasks(loop: SimLoop) -> None:
    """Cancels the tasks that are left, oldest first, and waits for them; those that do not end are cut off."""
    left = [task for task in sorted(asyncio.all_tasks(loop), key=_age) if not task.done()]
    for task in left:
        task.cancel()
    _wait(loop, left)
    for task in left:
        if not task.done():
            _cut_off(task)
        elif not task.cancelled() and (error := task.exception()) is not None:
            message = f"unhandled exception in the task {task.get_name()}, which was cancelled at the end"
            loop.call_exception_handler({"message": message, "exception": error, "task": task})


def _age(task: asyncio.Task[Any]) -> tuple[int, str]:
    return getattr(task, "number", 0), task.get_name()


def _wait(loop: SimLoop, tasks: list[asyncio.Task[Any]]) -> None:
    left: set[asyncio.Task[Any] | None] = set(tasks)
    over: asyncio.Future[None] = loop.create_future()

    def end(task: asyncio.Task[Any] | None = None) -> None:
        left.discard(task)
        if not over.done() and (task is None or not left):
            over.set_result(None)

    timer = loop.call_later(END_WITHIN, end)
    for task in tasks:
        task.add_done_callback(end)
    if tasks:
        _run_until(loop, over, len(tasks))
    timer.cancel()


def _run_until(loop: SimLoop, over: asyncio.Future[None], stops: int) -> None:
    """Runs the loop until that is done; it may be stopped meanwhile so often, by an escape or by an exit."""
    for _ in range(stops + 2):  # once more for the end itself, and once for a stop that was under way before
        with contextlib.suppress(Exception, SystemExit):  # the run is over; what has ended it is known
            loop.run_until_complete(over)
        if over.done() or loop.livelocked:
            return


def _cut_off(task: asyncio.Task[Any]) -> None:
    """Closes what a task runs: whatever that does, nothing of it goes on."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # noqa: SLF001 - nobody has to hear of it
    coroutine: Any = task.get_coro()
    with contextlib.suppress(Exception, SystemExit, asyncio.CancelledError):
        coroutine.close()


def end_generators(loop: SimLoop) -> None:
    """Closes the async generators that have begun and not ended, in the order in which they began."""
    if not loop.generators:
        return
    closing = loop.create_task(loop.shutdown_asyncgens(), name="the end of async generators")
    _run_until(loop, closing, len(loop.generators))
    if not closing.done():
        _cut_off(closing)
