"""Carries out a plan: each subtask begins as soon as what comes before it is done, and it ends in time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

from .aggregate import Need, Result, enough

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ..runtime.clock import Clock, TimerHandle
    from .plan import Plan, Subtask

__all__ = ["FanOut", "Work"]

Work: TypeAlias = "Callable[[Subtask, Mapping[str, Result]], Awaitable[Result]]"
"""Does one subtask, given the results of those that it needs by their ids. What it raises ends the whole."""


class FanOut:
    """One carrying out of one plan. In the caller's task, on the runtime's loop.

    It ends when all is settled, when what is needed is there, or at `until` (monotonic seconds; None means
    never). What is under way then is cancelled, and so it is when the caller is.
    """

    __slots__ = ("_clock", "_ended", "_expired", "_need", "_plan", "_results", "_running", "_until", "_waiter", "_work")

    def __init__(self, plan: Plan, work: Work, need: Need, clock: Clock, until: float | None) -> None:
        self._plan = plan
        self._work = work
        self._need = need
        self._clock = clock
        self._until = until
        self._expired = False
        self._results: dict[str, Result] = {}
        self._running: dict[asyncio.Future[Result], Subtask] = {}
        self._ended: list[asyncio.Future[Result]] = []
        self._waiter: asyncio.Future[None] | None = None

    async def run(self) -> tuple[Result, ...]:
        """Returns a result for every subtask, in the plan's order."""
        timer = self._timer()
        try:
            self._begin()
            while self._running and not self._expired and not self._enough():
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
                self._collect()
                self._begin()
        finally:
            if timer is not None:
                timer.cancel()
            await self._cancel()
        return self._all(why="not needed any more" if self._enough() else "no answer in time")

    def _timer(self) -> TimerHandle | None:
        if self._until is None:
            return None
        return self._clock.call_later(max(0.0, self._until - self._clock.monotonic()), self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._wake()

    def _has_ended(self, future: asyncio.Future[Result]) -> None:
        self._ended.append(future)
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _enough(self) -> bool:
        return enough(tuple(self._results.values()), self._need)

    def _begin(self) -> None:
        """Begins what is ready, highest priority first, and settles what can not begin any more."""
        if self._enough() or len(self._results) + len(self._running) == len(self._plan):
            return
        while skipped := self._plan.skipped(self._settled()):
            for one in skipped:
                lacking = self._plan.lacking(one, self._settled())
                self._results[one.id] = Result(one, "canceled", error=f"skipped: no result of {', '.join(lacking)}")
        begun = {*self._results, *(one.id for one in self._running.values())}
        for one in self._plan.ready(begun, self._settled()):
            needed = {id_: self._results[id_] for id_ in self._plan.needs(one)}
            future = asyncio.ensure_future(self._work(one, needed))
            future.add_done_callback(self._has_ended)
            self._running[future] = one

    def _settled(self) -> dict[str, bool]:
        return {id_: result.usable for id_, result in self._results.items()}

    def _collect(self) -> None:
        ended, self._ended = self._ended, []
        for future in ended:
            subtask = self._running.pop(future)
            self._results[subtask.id] = future.result()

    async def _cancel(self) -> None:
        if not self._running:
            return
        for future in self._running:
            future.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def _all(self, why: str) -> tuple[Result, ...]:
        return tuple(self._results.get(one.id) or Result(one, "canceled", error=why) for one in self._plan)
