"""A plan against a tree that runs: only where that is allowed, within bounds, and healed by itself.

with LiveChaos(runtime, load_plan("chaos.yaml", tree=runtime.tree)) as chaos:
    ...
print(chaos.summary())
"""

from __future__ import annotations

import logging
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from ..runtime.errors import SystemClosed
from ..runtime.telemetry import Event, HookFailed
from .faults.injector import Injector
from .metrics import Metrics
from .permission import Radius, check_allowed
from .plans.knobs import swarmed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ..runtime.clock import TimerHandle
    from ..runtime.system import ActorSystem
    from ..trees.runtime import Runtime
    from .faults.fired import Fired
    from .plans.plan import Plan

__all__ = ["ChaosAborted", "ChaosFault", "ChaosHealed", "ChaosStarted", "LiveChaos"]

EVERY = 1.0
"""Seconds between two looks at whether the plan has to be given up."""


@dataclass(frozen=True, slots=True)
class ChaosStarted(Event):
    """Faults are let loose on the tree, for `limit` seconds at most."""

    name: ClassVar[str] = "chaos.started"
    level: ClassVar[int] = logging.WARNING

    plan: str
    seed: int
    limit: float


@dataclass(frozen=True, slots=True)
class ChaosFault(Event):
    """A fault of the plan happens: see `chaos.faults.fired.Fired`."""

    name: ClassVar[str] = "chaos.fault"
    level: ClassVar[int] = logging.WARNING

    rule: str
    number: int
    fault: str
    action: str
    point: str
    subject: str


@dataclass(frozen=True, slots=True)
class ChaosAborted(Event):
    """The plan is given up: what it said of `abort_if` has come true, or it could not be watched any more."""

    name: ClassVar[str] = "chaos.aborted"
    level: ClassVar[int] = logging.ERROR

    plan: str
    why: str


@dataclass(frozen=True, slots=True)
class ChaosHealed(Event):
    """All faults of the plan have ended: why, after how many of them, in how many seconds."""

    name: ClassVar[str] = "chaos.healed"
    level: ClassVar[int] = logging.WARNING

    plan: str
    why: str
    faults: int
    seconds: float


class LiveChaos:
    """Carries the faults of a plan out against a runtime, from any thread.

        with LiveChaos(runtime, load_plan("chaos.yaml", tree=runtime.tree)) as chaos:
            ...
        print(chaos.summary())

    They go on for as long as the plan's `heal.at` says, and the tree allows, at most; and all is healed, as if nobody
    had armed anything, when that time is over, when a condition of `abort_if` has come true, when the root supervisor
    has ended, and when the block is left. What a plan says of work, knobs, expectations and parity is for simulations,
    and is passed over.

    Args:
        runtime: its block has been entered.
        plan: what is to go wrong.
        seed: of what the plan leaves to chance; None means that the runtime's own seed gives one.
        allow: modules whose exceptions the plan may name.
        permitted: whether whoever starts it allows chaos, where the tree does not.
        environ: where `TREEWARD_ENV` is looked up; None means the process's environment.

    Raises (from the constructor):
        ChaosRefused: it is not allowed here, or not so far.
        TreeError: the plan names an exception that is not allowed.
        SystemClosed: the runtime has no tree that runs.
    """

    def __init__(
        self,
        runtime: Runtime,
        plan: Plan,
        *,
        seed: int | None = None,
        allow: Iterable[str] = (),
        permitted: bool = False,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        if runtime.tree is None:
            raise SystemClosed(runtime.system.name)
        tree = runtime.tree
        check_allowed(tree, os.environ if environ is None else environ, permitted=permitted)
        self.seed = runtime.system.entropy.stream("chaos").getrandbits(32) if seed is None else seed
        self.plan = swarmed(plan, self.seed)
        self.limit = min(plan.heal.at, tree.chaos.limit)
        self.counts: Counter[str] = Counter()
        """How often each kind of fault has happened."""
        self.ended = ""
        """Why it is over; empty as long as it is not."""
        self.aborted = False
        """Whether the plan was given up."""
        self._runtime = runtime
        self._system = runtime.system
        self._root = tree.tree.id
        self._radius = Radius(tree, self.plan)
        self._begun = self._took = 0.0
        self._timers: list[TimerHandle] = []
        self._metrics: Metrics | None = None
        self._injector = runtime.system.result_of(self._make_injector, tuple(allow))

    def __enter__(self) -> Self:
        self._system.result_of(self._start)
        return self

    def __exit__(self, *_: object) -> None:
        self.heal("the block was left")

    def heal(self, why: str = "somebody has said so") -> None:
        """Ends all faults; the second time, nothing happens. From any thread."""
        try:
            self._system.result_of(self._heal, why)
        except SystemClosed:  # with it everything has ended that could be healed
            self.ended = self.ended or why

    def summary(self) -> str:
        """Returns in one line what has happened."""
        total = self.counts.total()
        kinds = ", ".join(f"{count} {kind}" for kind, count in self.counts.most_common())
        faults = f"{total} fault{'' if total == 1 else 's'}{f' ({kinds})' if kinds else ''}"
        end = f"healed: {self.ended}" if self.ended else "not healed yet"
        return f"chaos: the plan {self.plan.name!r} with seed {self.seed}: {faults} in {self._took:.1f} s; {end}"

    # On the runtime's loop.

    def _make_injector(self, allow: tuple[str, ...]) -> Injector:
        return _Injector(self.plan, self._system, self._radius, seed=self.seed, told=self._tell, allow=allow)

    def _start(self) -> None:
        clock = self._system.clock
        self._begun = clock.monotonic()
        self._metrics = Metrics(self._runtime)
        self._emit(ChaosStarted, self.plan.name, self.seed, self.limit)
        self._timers = [
            clock.call_later(self.limit, self._heal, f"its {self.limit:g} s are over"),
            clock.call_later(EVERY, self._look),
        ]
        self._injector.start()

    def _look(self) -> None:
        """Gives the plan up where it has to be; whatever goes wrong with looking, it is given up as well."""
        try:
            why = self._why_not()
        except Exception as error:  # noqa: BLE001 - faults that nobody watches over have to end
            self._emit(HookFailed, "abort_if", error)
            why = "it could not be watched any more"
        if why is None:
            self._timers[1] = self._system.clock.call_later(EVERY, self._look)
            return
        self.aborted = True
        self._emit(ChaosAborted, self.plan.name, why)
        self._heal(why)

    def _why_not(self) -> str | None:
        """Returns why the plan has to be given up; None if it has not."""
        assert self._metrics is not None  # noqa: S101 - it was made at the start
        if not self._runtime.health().live:
            return "the root supervisor does not run"
        self._metrics.look()
        passed = map(self._metrics.passed, self.plan.abort_if)
        return next((why for why in passed if why is not None), None)

    def _heal(self, why: str) -> None:
        if self.ended:
            return
        self.ended = why
        self._took = self._system.clock.monotonic() - self._begun
        for timer in self._timers:
            timer.cancel()
        if self._metrics is not None:
            self._metrics.close()
        self._injector.stop()
        self._emit(ChaosHealed, self.plan.name, why, self.counts.total(), self._took)

    def _tell(self, fired: Fired) -> None:
        self.counts[fired.kind] += 1
        about = (fired.rule, fired.number, fired.kind, fired.action, fired.point, fired.subject)
        self._system.telemetry.emit(ChaosFault, fired.path or self._root, fired.incarnation, *about)

    def _emit(self, kind: type[Event], *details: object) -> None:
        self._system.telemetry.emit(kind, self._root, 0, *details)


class _Injector(Injector):
    """One that may hold the loop for real, and leaves all alone who are out of its reach."""

    may_block = True

    def __init__(self, plan: Plan, system: ActorSystem, radius: Radius, **options: Any) -> None:
        super().__init__(plan, system, **options)
        self._radius = radius

    def spares(self, path: str) -> bool:
        """Tells whether an actor is out of reach."""
        return not self._radius.has(path)
