"""The phases of one run: the tree is well, it works while things go wrong, all is healed, all is well again."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from ..runtime.errors import SystemClosed, describe
from ..supervisors.errors import NotFound
from .invariants.invariant import Violation
from .invariants.log import GIVEN
from .invariants.recovery import unready
from .metrics import Metrics
from .plans.amounts import Span
from .plans.work import Work, asked
from .world import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..runtime.task import Outcome
    from .invariants.watch import Watch
    from .plans.work import Asked
    from .world import World

__all__ = ["ANYTHING", "Phases"]

ANYTHING = Work(input="request {n}", times=5, every=Span(1.0, 10.0))
"""What a tree with an entry is asked by a plan that says nothing about work."""

FIRST_LOOK, LONGEST_LOOK = 0.01, 1.0
"""Seconds between two looks at whether all is well: the first ones, and the longest."""

REST = 10.0
"""Seconds that a tree has at the end, when all seems well, for whatever is still on its way: restarts, kills, ends."""


class Phases:
    """Leads one run through its phases, on the simulated loop.

    Args:
        world: the run; its runtime has been entered.
        watch: what has to hold.
    """

    def __init__(self, world: World, watch: Watch) -> None:
        self.world = world
        self.violations: list[Violation] = []
        """What did not hold of the phases themselves."""
        self._watch = watch
        self._plan = world.plan
        self._requests = self._all_requests()
        self._given_at = 0.0

    def _all_requests(self) -> list[Asked]:
        works = self._plan.work
        if not works and self.world.runtime.tree is not None and self.world.runtime.tree.entry_path is not None:
            works = (ANYTHING,)
        source = random.Random(f"work/{self.world.seed}")  # noqa: S311 - seeded, not secret
        return asked(works, source, every=self.world.injector is None)

    @property
    def names(self) -> frozenset[str]:
        """The names of the requests that this run gives."""
        return frozenset(one.name for one in self._requests)

    async def run(self) -> None:
        """Runs all of them, to the end, or until the root supervisor has ended by itself."""
        loop = self.world.loop
        root = loop.create_task(self._root_ends(), name="chaos: the root's end")
        life = loop.create_task(self._life(), name="chaos: phases")
        done, _ = await asyncio.wait({root, life}, return_when=asyncio.FIRST_COMPLETED)
        for task in (life, root):
            task.cancel()
        await asyncio.gather(life, root, return_exceptions=True)
        for task in done:
            task.result()

    async def _root_ends(self) -> None:
        reason = await self.world.runtime.wait()
        self.world.gave_up = describe(reason) if isinstance(reason, BaseException) else str(reason)
        self._violated("root", f"the root supervisor has ended by itself: {self.world.gave_up}")

    async def _life(self) -> None:
        await self._be_ready_at_first()
        self._begin_faults()
        giving = self.world.loop.create_task(self._give(), name="chaos: requests")
        try:
            await self._let_it_go_wrong()
            self._heal()
            await self._be_well_again(giving)
        finally:
            giving.cancel()
            await asyncio.gather(giving, return_exceptions=True)

    # Well at first. -----------------------------------------------------------------------------------

    async def _be_ready_at_first(self) -> None:
        for limit in (expected.ready_within for expected in self._plan.hypothesis):
            if limit is None or await self._until(lambda: not unready(self.world), limit):
                continue
            why = "; ".join(f"{path}: {reason}" for path, reason in unready(self.world).items())
            self._violated("hypothesis", f"the tree was not ready {limit:g} s after its start: {why}")

    # Work and faults. ---------------------------------------------------------------------------------

    def _begin_faults(self) -> None:
        """Arms the faults, and behind them the watch; what does not hold by now, no fault has broken."""
        if self.world.injector is not None:
            self.world.injector.start()
        self._watch.start(self.world)
        named = {expected.invariant for expected in self._plan.hypothesis}
        for broken in self._watch.violations:
            if broken.invariant in named:
                self._violated(
                    "hypothesis", f"{broken.invariant} did not hold before anything went wrong: {broken.text}"
                )

    async def _let_it_go_wrong(self) -> None:
        """Waits until all is to be healed, or until the plan is given up."""
        until = self.world.now + self._plan.heal.at
        if not self._plan.abort_if:
            await asyncio.sleep(self._plan.heal.at)
            return
        metrics = Metrics(self.world.runtime)
        while not self.world.given_up and (left := until - self.world.now) > 0:
            await asyncio.sleep(min(LONGEST_LOOK, left))
            metrics.look()
            self.world.given_up = next(filter(None, map(metrics.passed, self._plan.abort_if)), "")
        metrics.close()
        if self.world.given_up:
            self.world.log.note("plan.given_up", why=self.world.given_up)

    async def _give(self) -> None:
        began = self.world.now
        for request in self._requests:
            wait = began + request.at - self.world.now
            if wait > 0:
                await asyncio.sleep(wait)
            self._submit(request)
        self._given_at = self.world.now

    def _submit(self, asked: Asked) -> None:
        now = self.world.now
        given = Request(asked.name, asked.input, asked.to, asked.context, asked.key, given_at=now)
        self.world.requests[asked.name] = given
        try:
            handle = self.world.runtime.submit(
                asked.input, to=asked.to, context=asked.context, deadline=asked.deadline, key=asked.key
            )
        except (NotFound, SystemClosed) as error:
            given.refusal = describe(error)
            self._note("request.refused", asked.to, request=asked.name, why=given.refusal)
            return
        given.task = handle.id
        given.accepted_at = now
        given.deadline = None if asked.deadline is None else now + asked.deadline
        self._note(GIVEN, asked.to, request=asked.name, task=handle.id)
        handle.add_done_callback(lambda outcome: self._answered(given, outcome))

    def _answered(self, given: Request, outcome: Outcome) -> None:
        given.outcome = outcome
        given.ended_at = self.world.now
        self._note("request.ended", given.to, request=given.name, status=outcome.status)

    def _note(self, what: str, to: str | None, **facts: Any) -> None:
        tree = self.world.runtime.tree
        self.world.log.note(what, to or (tree.entry_path if tree is not None else None) or "", **facts)

    # Healing. -----------------------------------------------------------------------------------------

    def _heal(self) -> None:
        if self.world.injector is not None:
            self.world.injector.heal()
        self.world.healed = True
        self.world.healed_at = self.world.now
        self.world.log.note("healed")
        self._watch.healed()

    async def _be_well_again(self, giving: asyncio.Task[None]) -> None:
        """Gives the tree its time; whether it is well then is what the invariants look at."""
        begun, heal = self.world.now, self._plan.heal
        if await self._until(lambda: not unready(self.world), heal.ready_within):
            self.world.ready_after = self.world.now - begun
        await asyncio.wait([giving])
        giving.result()
        left = max(begun, self._given_at) + heal.drain_within - self.world.now
        if await self._until(self._is_drained, left):
            self.world.drained_after = self.world.now - begun
        await asyncio.sleep(REST)

    def _is_drained(self) -> bool:
        return all(one.outcome is not None for one in self.world.accepted)

    async def _until(self, fact: Callable[[], bool], limit: float) -> bool:
        """Waits for a fact, and tells whether it has come within the limit; it is looked at ever less often."""
        until, pause = self.world.now + limit, FIRST_LOOK
        while not fact():
            left = until - self.world.now
            if left <= 0:
                return False
            await asyncio.sleep(min(pause, left))
            pause = min(2 * pause, LONGEST_LOOK)
        return True

    def _violated(self, name: str, text: str) -> None:
        self.violations.append(Violation(name, self.world.now, text))
