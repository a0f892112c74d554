"""A tree of a test: armed before it starts, watched while it runs, looked at when it has ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ...runtime.errors import TreewardError
from ...runtime.faults import Chain
from ...runtime.telemetry import ActorStarted
from ...trees.runtime import Runtime
from ..faults.fired import Fired
from ..invariants.watch import Watch
from ..plans.plan import Plan
from ..world import Request, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ...runtime.system import ActorSystem
    from ...runtime.task import Outcome, Task
    from ...runtime.telemetry import Event
    from ...supervisors.spec import ChildSpec
    from ...trees.handle import TaskHandle
    from ..invariants.invariant import Invariant, Violation
    from ..invariants.log import Log
    from ..plans.matching import Sieve
    from ..simulation.loop import SimLoop

__all__ = ["Watched", "WatchedRuntime"]

FIRST_LOOK = 0.01
SELDOM = 1.0
"""Virtual seconds between two looks at a tree that is to become ready: few at first, then more."""


class WatchedRuntime(Runtime):
    """A runtime that says when it can be armed, and notes what it is asked.

    Args:
        tree: as `Runtime`'s.
        root: what is started where there is no tree: children that are made in Python.
        entry: the path of the agent that gets requests without a `to`, where there is no tree.
        opened: called when the actor system is there, and nothing runs in it.
        options: those of `Runtime`.
    """

    def __init__(
        self,
        tree: Any,
        *,
        root: ChildSpec | None = None,
        entry: str | None = None,
        opened: Callable[[], object],
        **options: Any,
    ) -> None:
        super().__init__(tree, **options)
        self.requests: dict[str, Request] = {}
        """What it was asked, in its order, as `World.requests`."""
        self.root = ""
        """The path of the root supervisor."""
        self._given_root = root
        self._given_entry = entry
        self._opened = opened

    def _root_spec(self) -> ChildSpec | None:
        spec = self._given_root or super()._root_spec()
        self.root = "" if spec is None else spec.id
        self._opened()
        return spec

    def _entry(self) -> str:
        return self._given_entry if self._given_entry is not None else super()._entry()

    def _begin(self, make: Callable[[], Task], to: str | None) -> TaskHandle:
        clock = self.system.clock
        name = f"request {len(self.requests) + 1}"
        request = self.requests[name] = Request(name, None, to, given_at=clock.monotonic())

        def made() -> Task:
            task = make()
            request.input, request.key, request.deadline = task.input, task.idempotency_key, task.deadline
            request.context = task.context
            return task

        try:
            handle = super()._begin(made, to)
        except TreewardError as error:
            request.refusal = str(error)
            raise
        request.task, request.accepted_at = handle.id, clock.monotonic()

        def ended(outcome: Outcome) -> None:
            request.outcome, request.ended_at = outcome, clock.monotonic()

        handle.add_done_callback(ended)
        return handle


class Watched:
    """A tree and all that looks at it.

    Args:
        loop, log, state: of the test's run.
        invariants: made for this tree.
        runtime: of the tree. One of ours has not been entered, and is left with the test; any other one runs, and is
            left to whoever has entered it.
    """

    def __init__(self, loop: SimLoop, log: Log, state: Path, invariants: Iterable[Invariant], runtime: Runtime) -> None:
        self.runtime = runtime
        self.watch = Watch(invariants, log)
        self._ours = runtime if isinstance(runtime, WatchedRuntime) else None
        requests = {} if self._ours is None else self._ours.requests
        self.world = World(loop.seed, Plan(name="test"), runtime, loop, log, state, requests=requests)
        self._forget: Callable[[], None] = lambda: None
        self._waiting: list[Callable[[], object]] = []
        self._watching = False

    @property
    def system(self) -> ActorSystem:
        """Its actor system."""
        return self.runtime.system

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What did not hold so far."""
        return self.watch.violations

    def opened(self) -> None:
        """Looks on while the tree starts: the invariants begin with its last step, before anything else happens."""
        self._forget = self.system.observe(self._see_it_start)

    def _see_it_start(self, event: Event) -> None:
        self.world.log.event(event)
        if type(event) is ActorStarted and self._ours is not None and event.path == self._ours.root:
            self._forget()
            self.begin()

    def begin(self) -> None:
        """Begins to watch a tree that runs."""
        self._watching = True
        self.watch.start(self.world)
        for call in self._waiting:
            call()

    def now(self, call: Callable[[], object]) -> None:
        """Calls something that arms a fault; the watch stays behind all faults, to see what really happens."""
        call()
        armed = self.system.faults
        if isinstance(armed, Chain) and self.watch in armed.links:
            self.system.faults = Chain((*(link for link in armed.links if link is not self.watch), self.watch))

    def when_it_runs(self, call: Callable[[], object]) -> None:
        """Calls it as soon as the tree runs, which may be now."""
        if self._watching:
            self.now(call)
        else:
            self._waiting.append(lambda: self.now(call))

    def kill(self, meant: Sieve) -> int:
        """Ends the incarnations that are meant, without asking; returns how many."""
        found = [cell for cell in self.system.cells.values() if cell.alive and meant.has_actor(cell)]
        for cell in sorted(found, key=lambda cell: cell.path):
            now = self.world.now
            self.watch.fired(Fired("the test", 1, "kill", "kill", "actor", cell.path, cell.incarnation, now))
            cell.kill()
        return len(found)

    def healed(self) -> None:
        """Tells the invariants that the faults are over."""
        if self._watching and not self.world.healed:
            self.world.healed, self.world.healed_at = True, self.world.now
            self.watch.healed()

    async def settle(self, within: float) -> str:
        """Waits until the tree is ready and nothing is in hand; returns what is missing after that time, or nothing."""
        until, wait = self.world.now + within, FIRST_LOOK
        while (missing := self._missing()) and self.world.now < until:
            await asyncio.sleep(wait)
            wait = min(2 * wait, SELDOM, max(FIRST_LOOK, until - self.world.now))
        return missing

    def _missing(self) -> str:
        """Returns what a tree lacks to be settled; nothing, if it has ended for good."""
        self.world.gave_up = self.world.gave_up or self._end()
        return "" if self.world.gave_up else "; ".join([*self._unready(), *self._in_hand()])

    def _end(self) -> str:
        """Returns why the root has ended, by itself or because the test has closed it; nothing if it lives."""
        root = self.runtime.snapshot()
        return "" if root is None or root.state != "stopped" else root.last_end or "it has ended"

    def _unready(self) -> Iterator[str]:
        health = self.runtime.health()
        if not health.ready:
            yield "not ready: " + ", ".join(f"{who}: {why}" for who, why in health.why.items())
        elif self.world.healed_at is not None and self.world.ready_after is None:
            self.world.ready_after = self.world.now - self.world.healed_at

    def _in_hand(self) -> Iterator[str]:
        left = [request for request in self.world.accepted if request.ended_at is None]
        for request in left:
            yield f"in hand: {request.name} ({request.input!r})"
        if not left and self.world.healed_at is not None and self.world.drained_after is None:
            self.world.drained_after = self.world.now - self.world.healed_at

    async def recover(self, within: float) -> None:
        """Gives the tree its time to recover, and shows it to the invariants."""
        if self._watching:
            await self.settle(within)
            self.watch.settled()

    async def close(self) -> None:
        """Closes the tree, if it is ours."""
        if self._watching and self._ours is not None:
            await self._ours.__aexit__(None, None, None)

    def closed(self) -> None:
        """Shows what is left of a closed tree to the invariants."""
        if self._watching and not self.system.cells:
            self.watch.closed()
