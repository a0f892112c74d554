"""One seed: a tree at work in virtual time, faults, healing, verdicts."""

from __future__ import annotations

import asyncio
import gc
import inspect
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter  # noqa: TID251 - how fast it really is
from typing import TYPE_CHECKING, Any, cast

from ..runtime.faults import arm
from ..trees.runtime import Runtime
from .coverage import Coverage, Visits
from .ends import FunctionFailed, unhandled, violation_of
from .faults.injector import Injector
from .invariants.assertions import Claims, claims
from .invariants.invariant import Violation
from .invariants.log import SETTLED, Log
from .invariants.parity import differences
from .invariants.watch import Watch
from .phases import Phases
from .plans.knobs import swarmed
from .simulation.simulate import collector_off, simulate
from .state import state_directory
from .world import Request, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..runtime.task import Outcome
    from ..runtime.telemetry import Event
    from .faults.fired import Fired, Occurrence
    from .simulation.loop import SimLoop
    from .simulation.schedule import Policy
    from .simulation.simulate import Simulated
    from .subject import Subject

__all__ = ["Keeping", "Trial", "run_trial"]

MOST_CLEAN = 8
A_WHILE = 2.0
"""Virtual seconds after the close: longer than the kill grace, after which timers look at what was killed."""
COLLECTED = 25
"""Each so many seeds it is looked at what a run has left in memory: to collect the garbage takes its time."""


@dataclass(frozen=True)
class Keeping:
    """Where a run has its state, and what is kept of it.

    Attributes:
        place: a directory in which the run's state lies for its time; None means a passing one.
        state: where a copy of the run's state is left; None means that nothing is.
        trace: whether all lines of the trace are kept, or the last ones alone.
    """

    place: Path | None = None
    state: Path | None = None
    trace: bool = False


@dataclass(frozen=True)
class Trial:
    """What one seed has come to.

    Attributes:
        seed, policy: which run it was.
        knobs: what was drawn for the tree's fields.
        violations: what did not hold, in the order in which it was seen; empty for a run that is fine.
        answers: the outcome of each request, by its name; None for one that was not accepted, or has none.
        facts: what the plan's own function says, for parity.
        fired: the faults that happened, in their order.
        counts: how often each kind of fault happened.
        coverage: how often what was reached.
        log: all that was seen.
        trace: a digest of every step; the same seed gives the same one.
        steps: of the loop.
        seconds: virtual ones.
        wall: seconds that it took.
        tail: the last lines of the trace; all of them, if they were kept.
    """

    seed: int
    policy: Policy
    knobs: Mapping[str, Any]
    violations: tuple[Violation, ...]
    answers: Mapping[str, Outcome | None]
    facts: Any
    fired: tuple[Fired, ...]
    counts: Counter[str]
    coverage: Coverage
    log: Log
    trace: str
    steps: int
    seconds: float
    wall: float
    tail: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether something did not hold."""
        return bool(self.violations)


def run_trial(
    subject: Subject,
    seed: int,
    *,
    policy: Policy = "random",
    only: frozenset[Occurrence] | None = None,
    faults: bool = True,
    keeping: Keeping = Keeping(),
) -> Trial:
    """Runs a tree under a plan from one seed, in virtual time.

    Args:
        subject: what is tried.
        seed: of every draw.
        policy: in which order ready tasks run.
        only: the only faults that may happen; None means all that the plan draws.
        faults: whether any happen: without, it is the clean run that parity compares with.
        keeping: where its state lies, and what is kept.

    Whatever the tree does becomes a violation of the run.

    Raises:
        FileExistsError: the state is to be left where something is already.
        KeyboardInterrupt: from the terminal.
        TreeError: the plan names something that it may not, or that is not there.
    """
    clean = _clean(subject, seed, policy, keeping.place) if faults else None
    with collector_off():  # what a run has left is garbage when nobody holds the run any more, and not before
        trial, watch = _tried(_Run(subject, seed, faults=faults, only=only), policy, clean, keeping)
    return trial if seed % COLLECTED or watch is None else _when_gone(trial, watch)


def _tried(run: _Run, policy: Policy, clean: Trial | None, keeping: Keeping) -> tuple[Trial, Watch | None]:
    """Returns the verdict on a run; and whoever looks once more when it has gone, if it has come to its own end."""
    began = perf_counter()
    with state_directory(keeping.place, keeping.state) as run.state:
        simulated = simulate(run.main, seed=run.seed, policy=policy, keep_trace=keeping.trace)
    return run.trial(simulated, clean, began), run.watch if simulated.error is None else None


def _when_gone(trial: Trial, watch: Watch) -> Trial:
    """Returns the verdict with what is seen when nobody holds the run any more, and garbage has been collected."""
    gc.collect()
    watch.gone()
    left = [violation for violation in watch.violations if violation not in trial.violations]
    return replace(trial, violations=(*trial.violations, *left))


def _clean(subject: Subject, seed: int, policy: Policy, place: Path | None) -> Trial | None:
    """Returns the run without faults that one with faults is compared with; the last few are kept, for shrinking."""
    parity = subject.plan.parity
    if parity is None:
        return None
    key = seed if parity.seed is None else parity.seed, policy
    if key not in subject.clean:
        while len(subject.clean) >= MOST_CLEAN:
            del subject.clean[next(iter(subject.clean))]
        subject.clean[key] = run_trial(subject, key[0], policy=policy, faults=False, keeping=Keeping(place))
    clean: Trial = subject.clean[key]
    return clean


class _Run:
    """One run, from the state directory to what is left of it. `main` is the simulation's coroutine function."""

    def __init__(self, subject: Subject, seed: int, *, faults: bool, only: frozenset[Occurrence] | None) -> None:
        self.seed = seed
        self.state = Path()
        self._subject = subject
        self._faults = faults
        self._only = only
        self._visits = Visits()
        self._fired: list[Fired] = []
        self._claims = Claims(self._now)
        self._log = Log(self._now)
        self.watch = Watch((), self._log)
        self._violations: list[Violation] = []
        self._names: frozenset[str] = frozenset()
        self._facts: Any = None
        self._loop: SimLoop | None = None
        self._requests: dict[str, Request] = {}
        self._knobs: dict[str, Any] = {}

    def _now(self) -> float:
        return 0.0 if self._loop is None else self._loop.time()

    async def main(self) -> None:
        """Sets up, runs the phases, closes, and has everything looked at."""
        self._loop = cast("SimLoop", asyncio.get_running_loop())
        self.watch = Watch(self._subject.new_invariants(), self._log)
        with claims(self._claims):
            world = self._new_world(self._loop)
            self._requests = world.requests
            await self._called(self._subject.setup, "setup", world)
            async with world.runtime:
                self._arm(world)
                phases = Phases(world, self.watch)
                self._violations, self._names = phases.violations, phases.names
                await phases.run()
                self._log.note(SETTLED)
                self.watch.settled()
                self._facts = await self._called(self._subject.facts, "the facts of parity", world)
                self._disarm(world)
            await _settle()
            self.watch.closed()

    def _new_world(self, loop: SimLoop) -> World:
        subject, seed = self._subject, self.seed
        drawn = self._knobs = subject.knobs.draw(seed)
        runtime = Runtime(subject.knobs.tree(drawn), allow=subject.allow, seed=seed, blocked_after=None)
        return World(seed, swarmed(subject.plan, seed), runtime, loop, self._log, self.state, knobs=drawn)

    async def _called(self, function: Callable[[World], Any] | None, what: str, world: World) -> Any:
        """Returns what a function that the plan names returns, awaited if need be; None if it names none."""
        if function is None:
            return None
        try:
            made = function(world)
            return await made if inspect.isawaitable(made) else made
        except Exception as error:  # whatever the user's function raises ends the run, in words
            raise FunctionFailed(what, f"{function.__module__}:{function.__name__}", error) from error

    def _arm(self, world: World) -> None:
        arm(world.system, self._visits)
        if self._faults:
            world.injector = Injector(
                world.plan,
                world.system,
                seed=self.seed,
                told=self._happened,
                only=self._only,
                allow=self._subject.allow,
            )
        world.system.observe(self._note)

    def _disarm(self, world: World) -> None:
        if world.injector is not None:
            world.injector.stop()

    def _happened(self, fired: Fired) -> None:
        self._fired.append(fired)
        self.watch.fired(fired)
        self._noted(f"fault {fired.rule} {fired.number} {fired.action} {fired.path}")

    def _note(self, event: Event) -> None:
        self._noted(f"{event.name} {event.path} {event.incarnation}")

    def _noted(self, what: str) -> None:
        assert self._loop is not None  # noqa: S101 - `main` set it
        self._loop.note(what)

    def trial(self, simulated: Simulated[None], clean: Trial | None, began: float) -> Trial:
        """Returns what it has come to, after the end of the simulation; a clean run is what it is compared with."""
        if self._loop is not None:  # or what it has seen would keep the actor system in memory
            self._loop.unhandled.clear()
            self._loop = None
        answers = {one.name: one.outcome for one in self._requests.values()}
        ended = [] if simulated.error is None else [violation_of(simulated.error, simulated.seconds)]
        ended += [unhandled(context, simulated.seconds) for context in simulated.unhandled]
        found = [*self.watch.violations, *self._violations, *self._claims.violations, *ended]
        if clean is not None and simulated.error is None:
            found += self._disparities(clean, answers, simulated.seconds)
        return Trial(
            seed=self.seed,
            policy=simulated.policy,
            knobs=self._knobs,
            violations=tuple(sorted(found, key=lambda violation: violation.at)),
            answers=answers,
            facts=self._facts,
            fired=tuple(self._fired),
            counts=Counter(fired.kind for fired in self._fired),
            coverage=Coverage.of(self._visits, self._fired, self._claims),
            log=self._log,
            trace=simulated.trace,
            steps=simulated.steps,
            seconds=simulated.seconds,
            wall=perf_counter() - began,
            tail=simulated.lines or simulated.tail,
        )

    def _disparities(self, clean: Trial, answers: Mapping[str, Outcome | None], at: float) -> Iterator[Violation]:
        """Yields what is not as without faults; where the clean run has failed itself, that alone."""
        parity = self._subject.plan.parity
        if parity is None:
            return
        texts = [f"without faults, {violation}" for violation in clean.violations]
        compared = (parity, clean.answers, answers, clean.facts, self._facts, self._names)
        texts = texts or [*differences(*compared)]
        yield from (Violation("parity", at, text) for text in texts)


async def _settle() -> None:
    """Lets what has been cancelled come to its end, and timers that wait for that run out."""
    await asyncio.sleep(A_WHILE)
