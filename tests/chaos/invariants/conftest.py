"""What the tests of invariants share: a stage on which an invariant is shown real actors, and a story about them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.exits import Exit
from treeward.runtime.faults import HANDLE, Visit
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import ActorAbandoned, ActorEnded, ActorStarted
from treeward.supervisors.requests import ChildRestarting, ChildRetried, GaveUp, RestartChild, WhichChildren
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor


class Idle(Actor):
    """Does nothing."""


class Stage:
    """An actor system with a supervisor `top`, and a run as an invariant sees it. What is told is the test's."""

    def __init__(self, system, invariant):
        self.system = system
        self.invariant = invariant
        self.now = 0.0
        self.leaps = []
        self.requests = {}
        self.accepted = ()
        self.healed, self.healed_at, self.gave_up = False, None, ""
        self.runtime = None
        self.loop = SimpleNamespace(watch=self._watch, timers=tuple)
        invariant.now = lambda: self.now

    def _watch(self, limit, held):
        self.leaps.append(held)
        return lambda: self.leaps.remove(held)

    def begin(self):
        self.invariant.started(self)
        return self

    def leap(self, seconds):
        self.now += seconds
        for held in self.leaps:
            held(seconds, None)

    @property
    def told(self):
        return [violation.text for violation in self.invariant.violations]

    def cell(self, name):
        return self.system.cells[f"top/{name}" if name else "top"]

    # What happens, as it is told.

    def tell(self, *events):
        for event in events:
            self.invariant.event(event)

    def started(self, name, number):
        self.tell(ActorStarted(self._path(name), number, self.now))

    def ended(self, name, number, reason=Exit.KILLED):
        self.tell(ActorEnded(self._path(name), number, self.now, reason))
        return reason

    def abandoned(self, name, number):
        self.tell(ActorAbandoned(self._path(name), number, self.now, ""))

    def restarting(self, name, number, reason=Exit.KILLED):
        self.tell(ChildRestarting(self._path(name), number, self.now, reason, 0.0, (name,)))

    def died(self, name, number, reason=Exit.KILLED):
        """A death that is answered with a restart."""
        self.ended(name, number, reason)
        self.restarting(name, number, reason)

    def retried(self, name, number):
        self.tell(ChildRetried(self._path(name), number, self.now))

    def gave_up_over(self, name, reason=Exit.KILLED, restarts=3, within=5.0):
        self.tell(GaveUp("top", 1, self.now, name, reason, restarts, within))

    def asked(self, request=None):
        """Somebody asks the supervisor for something."""
        message = RestartChild("a") if request is None else request
        self.invariant.call(Visit(HANDLE, "top", 1, message), print)

    def _path(self, name):
        return f"top/{name}" if name else "top"


@pytest.fixture(scope="session")
def stage():
    """`async with stage(Invariant(), "a", b="temporary", strategy="one_for_all") as on`: shown what the test tells."""
    return staged


@asynccontextmanager
async def staged(invariant, *names, strategy="one_for_one", intensity=None, child=None, **restarts):
    kinds = dict.fromkeys(names, "permanent") | restarts
    child = {"start": Idle} | (child or {})
    children = [ChildSpec(id=name, restart=kind, **child) for name, kind in kinds.items()]
    spec = SupervisorSpec(children=children, strategy=strategy, intensity=intensity or Intensity())
    async with ActorSystem(seed=1, blocked_after=None) as system:
        system.launch(Factory(Supervisor, (spec,)), path="top")
        await system.ref("top").ask(WhichChildren())
        yield Stage(system, invariant).begin()
