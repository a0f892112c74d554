"""What the tests of chaos share: a small tree with a bank, its clerks, and a run of it under faults."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.agents.profile import Profile
from treeward.agents.tools import tool
from treeward.chaos.faults.injector import Injector
from treeward.chaos.plans.plan import Fault, Plan
from treeward.chaos.simulation.simulate import simulate
from treeward.runtime.actor import Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.requests import WhichChildren
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor
from treeward.supervisors.work.policy import NOTHING

DEADLINE = 30.0
PATIENT = Intensity(1000, 1.0)


class Bank(Agent):
    """Serves one tool."""

    @tool
    def find(self, payment: int) -> int:
        """Finds a payment."""
        return payment


class Clerk(Agent):
    """Finds a payment, thinks, and says what it was asked."""

    profile = Profile(tools=("bank.*",))
    thinking = 1.0

    async def handle(self, task):
        found = await self.call("bank.find", payment=7)
        await asyncio.sleep(self.thinking)
        return {"said": task.input, "found": found}


class Parrot(Agent):
    """Says what it is told, at once."""

    def handle(self, task):
        return task.input


TREE = {"bank": Bank, "clerk": Clerk, "parrot": Parrot}


@dataclass
class Run:
    """What has come of a tree under faults."""

    fired: list = field(default_factory=list)
    events: list = field(default_factory=list)
    outcomes: list = field(default_factory=list)
    answered: list = field(default_factory=list)
    letters: tuple = ()
    visits: Any = None
    counts: Any = None
    seconds: float = 0.0
    trace: str = ""

    @property
    def statuses(self):
        return [outcome.status for outcome in self.outcomes]

    @property
    def outputs(self):
        return [outcome.output for outcome in self.outcomes]

    @property
    def kinds(self):
        return Counter(fired.kind for fired in self.fired)

    def told(self, name, path=None):
        return [event for event in self.events if event.name == name and path in (None, event.path)]


async def grow(system, tree, dispatcher="loop", **changes):
    """Starts a supervisor `top` with a child for each class, and waits until they run."""
    options = {"intensity": PATIENT, "backoff": None} | changes.pop("options", {})
    specs = [
        ChildSpec(id=name, start=Factory(cls), dispatcher=dispatcher, **{"work": NOTHING, **changes})
        for name, cls in tree.items()
    ]
    system.launch(Factory(Supervisor, (SupervisorSpec(children=specs, **options),)), path="top")
    await system.ref("top").ask(WhichChildren())


async def under(run, faults, *, tree=TREE, to="clerk", inputs=("a", "b", "c", "d"), at_once=False, **options):
    """Asks an agent of a tree while faults happen, heals it, and closes it."""
    arm = {name: options.pop(name) for name in ("seed", "only", "allow") if name in options}
    meanwhile, apart = options.pop("meanwhile", None), options.pop("apart", 0.0)
    async with ActorSystem(seed=1, blocked_after=options.pop("blocked_after", None)) as system:
        system.observe(run.events.append)
        await grow(system, tree, **options)
        plan = Plan(name="a plan", faults=[Fault(**fault) for fault in faults])
        injector = Injector(plan, system, told=run.fired.append, **arm)
        injector.start()

        async def ask(number, words):
            deadline = system.clock.monotonic() + DEADLINE
            outcome = await deliver(system.ref(f"top/{to}"), Task(f"t{number}", words, deadline=deadline))
            run.answered.append(round(system.clock.monotonic(), 6))
            return outcome

        asked = [ask(number, words) for number, words in enumerate(inputs, 1)]
        if at_once:
            run.outcomes += await asyncio.gather(*asked)
        else:
            for one in asked:
                run.outcomes.append(await one)
                await asyncio.sleep(apart)
        if meanwhile is not None:
            await meanwhile(system, injector)
        run.visits, run.counts = injector.visits, injector.fired
        injector.stop()
        run.letters = tuple(system.dead_letters.list())
    return run


@pytest.fixture(scope="session")
def faulty():
    """`faulty([{"at": "actor.handle", "do": "crash"}], to="clerk", ...)` runs the tree in a simulation."""

    def run_it(faults, *, policy="random", schedule=0, **options):
        run = Run()
        simulated = simulate(lambda: under(run, faults, **options), seed=schedule, policy=policy)
        simulated.result()
        assert not simulated.unhandled, simulated.unhandled
        run.seconds, run.trace = simulated.seconds, simulated.trace
        return run

    return run_it


@pytest.fixture(scope="session")
def really_faulty():
    """`await really_faulty(...)`: as `faulty`, on the test's own loop."""

    async def run_it(faults, *, fired=None, thinking=1.0, **options):
        clerk = type("Clerk", (Clerk,), {"thinking": thinking})
        return await under(Run(fired=[] if fired is None else fired), faults, tree=TREE | {"clerk": clerk}, **options)

    return run_it
