"""One run's facts, for whoever checks them: the tree that runs, what it was asked, what has been seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from ..runtime.system import ActorSystem
    from ..runtime.task import Outcome
    from ..trees.runtime import Runtime
    from .faults.injector import Injector
    from .invariants.log import Log
    from .plans.plan import Plan
    from .simulation.loop import SimLoop

__all__ = ["Request", "World"]


@dataclass(slots=True)
class Request:
    """One request that a run has given to its tree.

    Attributes:
        name: unique in the run, and the same in every run of the plan: `request 1`, or what the plan calls it.
        input: what was asked.
        to: the agent's path; None means the tree's entry.
        context: the facts that were given with it.
        key: the idempotency key; empty means the task's own id.
        task: the task's id; empty if it was not accepted.
        given_at: the time at which it was offered.
        accepted_at: the time at which it was accepted; None if it was not.
        deadline: the time after which the answer is worth nothing; None means no end.
        outcome: what became of it; None as long as nothing has.
        ended_at: when that was known.
        refusal: why it was not accepted; empty if it was.
    """

    name: str
    input: Any
    to: str | None = None
    context: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    task: str = ""
    given_at: float = 0.0
    accepted_at: float | None = None
    deadline: float | None = None
    outcome: Outcome | None = None
    ended_at: float | None = None
    refusal: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the tree has taken it on."""
        return self.accepted_at is not None


@dataclass(slots=True)
class World:
    """What is known of one run while it runs; all times are those of the simulated loop.

    Attributes:
        seed: of the run.
        plan: what is to go wrong.
        knobs: what this seed has drawn for the tree's fields, by path.
        runtime: of the tree under test.
        loop: the simulation.
        log: what has been seen so far.
        injector: what lets faults happen; None in a run without faults.
        state: the run's own state directory.
        requests: what the tree was asked, by name.
        given_up: why the plan was given up before its time (`abort_if`); empty if it was not.
        healed: whether the faults are over.
        healed_at: since when.
        ready_after: how many seconds after that the tree was ready again; None if it has not been.
        drained_after: how many seconds after that every accepted request had its outcome; None as `ready_after`.
        gave_up: why the root supervisor has ended by itself; empty as long as it has not.
        kept: what the plan's own functions keep for each other, by any name.
    """

    seed: int
    plan: Plan
    runtime: Runtime
    loop: SimLoop
    log: Log
    state: Path
    injector: Injector | None = None
    knobs: Mapping[str, Any] = field(default_factory=dict)
    requests: dict[str, Request] = field(default_factory=dict)
    given_up: str = ""
    healed: bool = False
    healed_at: float | None = None
    ready_after: float | None = None
    drained_after: float | None = None
    gave_up: str = ""
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def system(self) -> ActorSystem:
        """The actor system of the tree."""
        return self.runtime.system

    @property
    def now(self) -> float:
        """The time of the simulation, in seconds since its beginning."""
        return self.loop.time()

    @property
    def accepted(self) -> tuple[Request, ...]:
        """The requests that the tree has taken on, in their order."""
        return tuple(request for request in self.requests.values() if request.accepted)
