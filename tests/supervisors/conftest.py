"""A supervisor to experiment with: children that do as they are told, and a trace of starts and ends."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.signals import Down
from treeward.runtime.steps import Declined
from treeward.runtime.system import ActorSystem
from treeward.runtime.telemetry import ActorEnded, ActorStarted
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

ROUNDS = 25  # of the loop without anything new, after which nothing more will happen at this time
MANY = Intensity(10**6, 5.0)


class Boom(Exception):
    """What children crash with."""


class Scripted(Actor):
    """Does what its messages say, and what the lab has planned for its starts and its ends."""

    expected = (LookupError,)

    def __init__(self, lab, name):
        self.lab = lab
        self.name = name

    def on_restart(self, message, reason):
        self.lab.restarts.append((self.name, self.incarnation, message, reason))

    def on_start(self):
        plan = self.lab.starts[self.name].popleft() if self.lab.starts[self.name] else None
        if isinstance(plan, BaseException):
            raise plan
        return plan if plan is None else self._wait(plan)

    def on_stop(self, reason):
        plan = self.lab.ends.get(self.name)
        return plan if plan is None else self._wait(plan)

    def on_receive(self, message):
        match message:
            case BaseException():
                raise message
            case ("stop", reason):
                return self.stop(reason)
            case ("wait", seconds):
                return self._wait(seconds)
            case ("stubborn", until):
                return self._ignore_cancellation(until)
            case _:
                self.lab.got.append((self.name, self.incarnation, message))
                return (self.name, self.incarnation, message)

    async def _wait(self, plan):
        await (plan.wait() if hasattr(plan, "wait") else asyncio.sleep(plan))

    async def _ignore_cancellation(self, until):
        while not until.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await until.wait()


class Held:
    """A start that waits until it is let go, and then fails, if it has an error to fail with."""

    def __init__(self, error=None):
        self.error = error
        self._free = asyncio.Event()

    def let_go(self):
        self._free.set()

    async def wait(self):
        await self._free.wait()
        if self.error is not None:
            raise self.error


class Watcher(Actor):
    """Monitors the refs that it is sent, and keeps what it hears of them."""

    def __init__(self, seen):
        self.seen = seen

    def on_receive(self, message):
        if isinstance(message, Down):
            self.seen.append(message)
        else:
            self.monitor(message)


async def _value(reply):
    return await reply


class Rig(SupervisorHandle):
    """A running supervisor, with what a test wants to know of it."""

    def __init__(self, lab, system, ref):
        super().__init__(ref)
        self.lab = lab
        self.system = system

    @property
    def actor(self):
        return self.ref._cell.actor

    def child(self, child_id):
        """Returns the ref of a child, or of one further down by its path."""
        return self.system.ref(f"{self.ref.path}/{child_id}")

    def handle(self, child_id):
        """Returns the handle of a supervisor below this one."""
        return SupervisorHandle(self.child(child_id))

    async def states(self):
        """Returns the children's states by id, oldest first."""
        return {info.id: info.state for info in reversed(await self.which_children())}

    async def send(self, child_id, message):
        """Sends a message, and waits until all that comes of it has happened."""
        self.child(child_id).tell(message)
        await self.lab.quiet()

    async def crash(self, child_id, error=None):
        """Crashes a child, and waits until all that comes of it has happened."""
        await self.send(child_id, error or Boom(child_id))

    async def end(self, child_id, reason):
        """Lets a child end itself with a reason, and waits until all that comes of it has happened."""
        await self.send(child_id, ("stop", reason))

    async def kill(self, child_id):
        """Kills a child from outside, and waits until all that comes of it has happened."""
        self.child(child_id)._cell.kill()
        await self.lab.quiet()

    async def queue(self, *calls):
        """Puts calls into the mailbox of the supervisor, which is busy; returns what to await for them."""
        waiting = [asyncio.ensure_future(_value(call)) for call in calls]
        await self.lab.quiet()
        assert not any(future.done() for future in waiting)
        return waiting

    async def watch(self, ref):
        """Returns the list to which the `Down`s of the ref's present incarnation will be added."""
        seen = []
        self.system.spawn(Watcher, seen).tell(ref)
        await self.lab.quiet()
        return seen


class Lab:
    """What a test says and sees.

    `starts` and `ends`: by child's name, what its next starts, and its ends, do: an exception is raised, a
    number of seconds, or what has a `wait()`, is waited for. `trace`: `+a2` when the second incarnation of
    `a` has started, `-a2` when it has ended; `times` has the same with their times, `reasons` why each ended.
    """

    Boom = Boom
    MANY = MANY

    def __init__(self):
        self.starts = defaultdict(deque)
        self.ends = {}
        self.trace = []
        self.times = []
        self.reasons = {}
        self.events = []
        self.got = []
        self.restarts = []

    # What it is about.

    def spec(self, child_id, **options):
        """Returns the spec of a child that does as it is told."""
        return ChildSpec(id=child_id, start=Factory(Scripted, (self, child_id)), **options)

    def specs(self, ids, **options):
        """Returns such specs for several ids, separated by blanks."""
        return [self.spec(child_id, **options) for child_id in ids.split()]

    def nested(self, child_id, *children, kind=Supervisor, spec=None, options=None, **inner):
        """Returns the spec of a child that is a supervisor; `options` are those of the child."""
        told = spec if spec is not None else SupervisorSpec(children=children, **inner)
        return ChildSpec(id=child_id, start=Factory(kind, (told,)), type="supervisor", **(options or {}))

    def fail(self, child_id, times=1):
        """Lets the next starts of a child fail."""
        self.starts[child_id].extend(Boom(f"start of {child_id}") for _ in range(times))

    def decline(self, child_id):
        """Lets the next start of a child decline."""
        self.starts[child_id].append(Declined())

    def hold(self, child_id, error=None):
        """Lets the next start of a child wait until `let_go()`, and fail if there is an error."""
        held = Held(error)
        self.starts[child_id].append(held)
        return held

    # Running it.

    @contextlib.asynccontextmanager
    async def system(self, **options):
        """Runs an actor system whose starts and ends are traced."""
        async with ActorSystem(**{"seed": 1, "blocked_after": None, **options}) as system:
            system.observe(self.note)
            yield system

    @contextlib.asynccontextmanager
    async def run(self, *children, kind=Supervisor, spec=None, **options):
        """Runs a supervisor at the path `top`, and forgets the trace of its start."""
        told = spec if spec is not None else SupervisorSpec(children=children, **options)
        async with self.system() as system:
            rig = Rig(self, system, system.launch(Factory(kind, (told,)), path="top"))
            await self.quiet()
            self.forget()
            yield rig

    def rig(self, system, spec, kind=Supervisor, path="top"):
        """Launches a supervisor, and does not wait for its start."""
        return Rig(self, system, system.launch(Factory(kind, (spec,)), path=path))

    def note(self, event):
        self.events.append(event)
        name = f"{event.path.rpartition('/')[2]}{event.incarnation}"
        if isinstance(event, ActorStarted):
            self._trace(event, f"+{name}")
        elif isinstance(event, ActorEnded):
            self.reasons[name] = event.reason
            self._trace(event, f"-{name}")

    def _trace(self, event, entry):
        self.trace.append(entry)
        self.times.append((event.at, entry))

    def forget(self):
        """Begins a new trace."""
        for seen in (self.trace, self.times, self.events, self.got, self.restarts):
            seen.clear()

    def seen(self, kind):
        """Returns the events of a kind, in their order."""
        return [event for event in self.events if isinstance(event, kind)]

    # Time.

    @staticmethod
    def now():
        return asyncio.get_running_loop().time()

    async def at(self, when):
        """Waits until a time, in seconds since the test began."""
        await asyncio.sleep(when - self.now())

    async def quiet(self):
        """Waits until nothing more happens at this time."""
        before = None
        while before != (before := (len(self.events), len(self.got))):
            for _ in range(ROUNDS):
                await asyncio.sleep(0)


@pytest.fixture
def lab():
    """A fresh lab."""
    return Lab()


@pytest.fixture(scope="session")
def new_lab():
    """The class of labs, for tests that run many examples."""
    return Lab
