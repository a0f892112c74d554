"""What the tests of the runtime share: a parent that restarts its child, and ways to wait for facts."""

from __future__ import annotations

import asyncio
import threading

import pytest

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.cell import Cell
from treeward.runtime.mailbox import UNBOUNDED
from treeward.runtime.signals import Down
from treeward.runtime.system import ActorSystem


class Nurse(Actor):
    """The least that can be a parent: it starts its child again whenever it ends, and keeps the reasons."""

    def __init__(self, factory, dispatcher, mailbox):
        cell = Cell(
            self.system, f"{self.path}/child", factory, parent=self._cell, dispatcher=dispatcher, mailbox=mailbox
        )
        self._cell.children = {"child": cell}
        self.system.adopt(cell)
        self.child = cell
        self.downs = []
        self.failures = []
        self.restarts = True

    def on_start(self):
        self.child.start(self.note_start)

    def note_start(self, error):
        if error is not None:
            self.failures.append(error)

    def on_receive(self, message):
        if isinstance(message, Down) and message.ref == self.child.ref:
            self.downs.append(message)
            if self.restarts:
                self.child.start(self.note_start)

    async def on_stop(self, reason):
        self.restarts = False
        await self.system.end(self.child, 5.0)


class Nursed:
    """A child under a nurse, as a test sees it."""

    def __init__(self, nurse):
        self.nurse = nurse._cell.actor
        self.cell = self.nurse.child
        self.ref = self.cell.ref

    @property
    def reasons(self):
        """Why each incarnation that is gone ended."""
        return [down.reason for down in self.nurse.downs]

    @property
    def actor(self):
        """The present incarnation's object."""
        return self.cell.actor


@pytest.fixture
def nursed():
    """A function that puts an actor under a nurse."""

    def start(system, cls, *args, dispatcher="loop", mailbox=UNBOUNDED, **kwargs):
        return Nursed(system.spawn(Nurse, Factory(cls, args, kwargs), dispatcher, mailbox))

    return start


@pytest.fixture
def settle():
    """A function that lets everything happen that happens without the passing of time."""

    async def rounds(count=50):
        for _ in range(count):
            await asyncio.sleep(0)

    return rounds


@pytest.fixture
def until():
    """A function that waits, in real time, until a condition holds."""

    async def wait(condition):
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - what it waits for happens in another thread
                await asyncio.sleep(0.001)

    return wait


@pytest.fixture
def elsewhere():
    """A function that runs a coroutine function on an event loop of its own, in a thread of its own."""

    async def run(function, *args):
        return await asyncio.to_thread(lambda: asyncio.run(function(*args)))

    return run


class Aside:
    """An actor system that runs on a loop in a thread of its own, as a plain-threaded host has it."""

    def __init__(self, **options):
        self.system = ActorSystem(blocked_after=None, **options)
        self._opened = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="aside")

    def __enter__(self):
        self._thread.start()
        assert self._opened.wait(5)
        return self.system

    def __exit__(self, *_):
        self.system.loop.call_soon_threadsafe(self._closing.set)
        self._thread.join(10)

    async def _live(self):
        self._closing = asyncio.Event()
        async with self.system:
            self._opened.set()
            await self._closing.wait()


@pytest.fixture
def aside():
    """The class of actor systems that run aside, for tests in a plain thread."""
    return Aside
