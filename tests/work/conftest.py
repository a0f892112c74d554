"""What the tests of guarded tasks share: a supervisor `top/team` with guarded children, and what it tells."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from treeward.runtime.actor import Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.budgets.bank import bank_of
from treeward.supervisors.budgets.budget import Spending
from treeward.supervisors.requests import WhichChildren
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor
from treeward.supervisors.work.accounts import KEEPER, accounts_of
from treeward.supervisors.work.policy import Work

PATIENT = Intensity(1000, 1.0)


class Planted:
    """A running tree: `top` above `team` above the children."""

    def __init__(self, system):
        self.system = system
        self.events = []
        system.observe(self.events.append)

    def ref(self, name):
        return self.system.ref(f"top/team/{name}")

    def cell(self, name):
        return self.system.cells[f"top/team/{name}"]

    def guard(self, name):
        return self.cell(name).guard

    def told(self, kind):
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def now(self):
        return self.system.clock.monotonic()

    async def run(self, name, asked, *, deadline=None, task="t", **fields):
        """Gives a child one task and returns the outcome."""
        until = None if deadline is None else self.now + deadline
        return await self.ref(name).ask(Task(task, asked, deadline=until, **fields), block=False)


@pytest.fixture(scope="session")
def plant():
    """`async with plant({"writer": (Writer, Work(...))}, team=Work(...), top=Work(...)) as tree`."""
    return planted


@pytest.fixture(scope="session")
def nothing_is_left():
    """A function that fails if anything of a system's tasks is still there, once they all have ended."""
    return nothing_of_tasks


def timers(loop):
    """The timers that are set, on a simulated loop or on an ordinary one."""
    if hasattr(loop, "timers"):
        return loop.timers()
    return tuple(timer for timer in loop._scheduled if not timer.cancelled())


def nothing_of_tasks(system):
    """Says what is still there: in guards, breakers, ledgers, accounts, the bank, and on the loop."""
    now = system.clock.monotonic()
    for guard in (cell.guard for cell in system.cells.values() if cell.guard is not None):
        view = guard.view(now)
        assert (view.tasks, guard.daring) == ((), 0)
        assert guard.breaker is None or guard.breaker._probe is None
        for ledger in view.budgets:
            assert (ledger.calls, ledger.requests, ledger.reserved) == (0, 0, Spending()), ledger
    assert accounts_of(system)._open == {}
    bank = bank_of(system)
    assert (bank._held, bank._wanting, bank._below, bank._turns, bank._requests) == ({}, {}, {}, {}, {})
    assert accounts_of(system)._deliveries == {}
    assert {errand.get_name() for errand in system._errands} <= {KEEPER}
    assert timers(system.loop) == ()
    assert {task for task in asyncio.all_tasks() if task.get_name() != KEEPER} == {asyncio.current_task()}


@asynccontextmanager
async def planted(children, *, team=None, top=None, intensity=PATIENT, backoff=None, seed=1, **changes):
    async with ActorSystem(seed=seed, blocked_after=None) as system:
        tree = Planted(system)
        specs = [_child(name, *parts, **changes) for name, parts in children.items()]
        spec = SupervisorSpec(children=specs, intensity=intensity, backoff=backoff)
        below = ChildSpec(id="team", start=Factory(Supervisor, (spec,)), type="supervisor", work=team or Work())
        system.launch(Factory(Supervisor, (SupervisorSpec(children=[below], intensity=PATIENT),)), path="top")
        system.cells["top"].policy = top or Work()
        await system.ref("top").ask(WhichChildren())
        yield tree


def _child(name, cls, work=None, arguments=None, **changes):
    return ChildSpec(id=name, start=Factory(cls, (), arguments or {}), work=work or Work(), **changes)
