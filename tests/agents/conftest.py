"""What the tests of agents share: a supervised tree in one call, and the events that it tells."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from treeward.runtime.actor import Factory
from treeward.runtime.system import ActorSystem
from treeward.supervisors.requests import WhichChildren
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor
from treeward.supervisors.work.policy import NOTHING

PATIENT = Intensity(1000, 1.0)


class Grown:
    """A running supervisor `top` with agents below it."""

    def __init__(self, system):
        self.system = system
        self.events = []
        system.observe(self.events.append)

    def ref(self, name):
        return self.system.ref(f"top/{name}")

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def now(self):
        return self.system.clock.monotonic()


@pytest.fixture(scope="session")
def grow():
    """`async with grow({"billing": (Billing, Profile(...), {arguments}, Work(...))}) as tree`."""
    return grown


@asynccontextmanager
async def grown(agents, *, backoff=None, intensity=PATIENT, **changes):
    async with ActorSystem(seed=1, blocked_after=None) as system:
        tree = Grown(system)
        specs = [child(name, *parts, **changes) for name, parts in agents.items()]
        spec = SupervisorSpec(children=specs, intensity=intensity, backoff=backoff)
        system.launch(Factory(Supervisor, (spec,)), path="top")
        top = system.ref("top")
        await top.ask(WhichChildren())
        yield tree


def child(name, cls, profile=None, arguments=None, work=NOTHING, **changes):
    attributes = {} if profile is None else {"profile": profile}
    return ChildSpec(id=name, start=Factory(cls, (), arguments or {}, attributes), **{"work": work, **changes})
