"""pykka's own programs: ThreadingActor classes as they are, proxies, futures, `start` and `stop`."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref

import pykka
import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.errors import ActorCrashed, ActorStopped, SystemClosed
from treeward.runtime.system import ActorSystem


def runtime():
    return ActorSystem(blocked_after=None)


class Engine:
    """Something within an actor that a proxy may look into."""

    pykka_traversable = True

    def __init__(self):
        self.speed = 0

    def start(self):
        return "started"


class Body:
    """What a music player of pykka's own kind looks like, for both actor classes."""

    engine = Engine()
    colour = "red"

    def __init__(self, owner="nobody", trace=None):
        super().__init__()
        self.trace = [] if trace is None else trace
        self.owner = owner
        self.thread = threading.current_thread().name
        self.me = str(self.actor_ref)
        self._in_future = self.actor_ref.proxy()
        self._urn = self.actor_urn

    def on_start(self):
        self.trace.append("start")

    def on_stop(self):
        self.trace.append("stop")

    def on_failure(self, exception_type, exception_value, traceback):
        self.trace.append((exception_type, str(exception_value), traceback is not None))

    def on_receive(self, message):
        if message == "crash":
            raise ValueError("crash")
        return ("received", message)

    def add(self, one, other=0):
        return one + other

    def fail(self):
        raise KeyError("method")

    def add_later(self, number):
        return self._in_future.add(number, other=1)

    def handled_in(self):
        return threading.current_thread().name

    def quit(self):
        self.stop()
        return "going"


class Ours(Body, Actor):
    """Based on the project's actor."""

    async def wait(self):
        await asyncio.sleep(0)
        return "waited"


class Theirs(Body, pykka.ThreadingActor):
    """As pykka's users wrote it."""


either = pytest.mark.parametrize("cls", [Ours, Theirs], ids=["Actor", "ThreadingActor"])


# --- in plain threads, as pykka's programs are ------------------------------------------------------


@either
def test_messages(cls, aside):
    """`tell` and `ask` as in pykka: with and without blocking, with a timeout."""
    with aside() as system:
        ref = system.spawn(cls)
        ref.tell("x")
        assert ref.ask("y") == ("received", "y")
        assert ref.ask("z", block=False).get(timeout=5) == ("received", "z")
        assert ref.ask("z", timeout=5) == ("received", "z")
        assert isinstance(ref, pykka.ActorRef)


@either
def test_a_proxy(cls, aside):
    """Methods, attributes and their setting, traversable attributes, `defer`, from a plain thread."""
    with aside() as system:
        proxy = system.spawn(cls, "me").proxy()
        assert isinstance(proxy, pykka.ActorProxy)
        assert proxy.add(1, other=2).get() == 3
        assert (proxy.owner.get(), proxy.colour.get()) == ("me", "red")
        proxy.owner = "you"
        assert proxy.owner.get() == "you"
        assert proxy.engine.start().get() == "started"
        proxy.engine.speed = 7
        assert proxy.engine.speed.get() == 7
        assert proxy.add.defer(1) is None
        assert proxy.me.get() == str(proxy.actor_ref)
        assert "add" in dir(proxy)
        with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
            proxy.nothing  # noqa: B018 - the look is the test


@either
def test_futures_of_a_proxy_combine(cls, aside):
    """map, filter, join and reduce of pykka's futures."""
    with aside() as system:
        proxy = system.spawn(cls).proxy()
        one, two = proxy.add(1), proxy.add(2)
        assert one.map(lambda x: x + 10).get() == 11
        assert one.join(two).get() == [1, 2]
        assert one.join(two).filter(lambda x: x > 1).get() == [2]
        assert one.join(two).reduce(lambda a, b: a + b, 100).get() == 103
        assert pykka.get_all([one, two]) == [1, 2]


@either
def test_a_proxy_to_oneself(cls, aside):
    """An actor may make a proxy of itself in its constructor, and give itself work."""
    with aside() as system:
        proxy = system.spawn(cls).proxy()
        assert proxy.add_later(1).get().get() == 2


@either
def test_stopping(cls, aside):
    """`stop` ends the actor and runs on_stop; afterwards it is dead, as pykka says it."""
    trace = []
    with aside() as system:
        ref = system.spawn(cls, "me", trace)
        proxy = ref.proxy()
        assert ref.stop() is True
        assert trace == ["start", "stop"]
        assert not ref.is_alive()
        for use in (lambda: ref.tell("x"), lambda: ref.ask("x"), ref.proxy, lambda: proxy.add(1).get()):
            with pytest.raises(pykka.ActorDeadError):
                use()


@either
def test_an_actor_stops_itself(cls, aside):
    """`self.stop()` ends the actor after the message in hand."""
    trace = []
    with aside() as system:
        ref = system.spawn(cls, "me", trace)
        assert ref.proxy().quit().get() == "going"
        ref.stop()
        assert trace == ["start", "stop"]


@either
def test_a_failure(cls, aside):
    """on_failure gets the triple; the caller gets `ActorCrashed` with the cause; what waited gets `ActorDeadError`."""
    trace = []
    with aside() as system:
        ref = system.spawn(cls, "me", trace)
        with pytest.raises(ActorCrashed, match="ValueError: crash"):
            ref.ask("crash")
        with pytest.raises(pykka.ActorDeadError):
            ref.ask("after the crash")
        assert trace == ["start", (ValueError, "crash", True)]


@either
def test_a_method_that_raises_is_a_crash(cls, aside):
    """Unlike in pykka, whoever calls by proxy gets the crash, and the incarnation ends: its supervisor acts."""
    with aside() as system, pytest.raises(ActorCrashed, match="KeyError: 'method'"):
        system.spawn(cls).proxy().fail().get()


@either
def test_a_deferred_method_that_raises_is_a_crash(cls, aside):
    """Nobody waits for it: on_failure runs."""
    trace = []
    with aside() as system:
        ref = system.spawn(cls, "me", trace)
        ref.proxy().fail.defer()
        with pytest.raises(ActorStopped):
            ref.ask("after the crash")
        assert trace == ["start", (KeyError, "'method'", True)]


def test_a_threading_actor_runs_in_a_thread_of_its_own(aside):
    """Constructor, hooks and methods of pykka's class run in one thread, which is not the loop's."""
    with aside() as system:
        ref = system.spawn(Theirs)
        proxy = ref.proxy()
        assert proxy.thread.get() == proxy.handled_in().get() == f"treeward-{ref.path}"


def test_our_actor_runs_on_the_loop(aside):
    """An actor of the project's own runs on the runtime's loop, unless it is told otherwise."""
    with aside() as system:
        assert system.spawn(Ours).proxy().handled_in().get() == "aside"


def test_an_async_method_by_proxy(aside):
    """An `async def` method's value comes as any other's."""
    with aside() as system:
        assert system.spawn(Ours).proxy().wait().get() == "waited"


class Overriding(pykka.ThreadingActor):
    """Has its own ideas about stopping, and says so first."""

    def __init__(self, trace):
        super().__init__()
        self.trace = trace

    def stop(self):
        self.trace.append("asked to stop")
        super().stop()

    def on_stop(self):
        self.trace.append("stop")


def test_an_override_of_stop_is_kept(aside):
    """A class's own `stop` runs, and the one of pykka that it calls ends the actor."""
    trace = []
    with aside() as system:
        ref = system.spawn(Overriding, trace)
        ref.proxy().stop().get()
        with pytest.raises(pykka.ActorDeadError):
            [ref.ask("after the stop") for _ in range(1000)]
        assert trace == ["asked to stop", "stop"]


def test_a_proxy_comes_when_the_actor_has_started(aside):
    """In a plain thread, `proxy` right after the start waits for the constructor, also for attributes that it sets."""

    class Slow(pykka.ThreadingActor):
        def __init__(self):
            super().__init__()
            self.made = True

        def on_start(self):
            self.started = True

    with aside() as system:
        for _ in range(20):
            proxy = system.spawn(Slow).proxy()
            assert proxy.made.get() is True
            assert proxy.started.get() is True


def test_a_proxy_of_an_actor_that_does_not_start(aside):
    """It is dead before it lived: `ActorDeadError`."""

    class Stillborn(pykka.ThreadingActor):
        def on_start(self):
            raise ValueError

    with aside() as system, pytest.raises(pykka.ActorDeadError):
        system.spawn(Stillborn).proxy()


def test_pykkas_registry_is_left_alone(aside):
    """Hosted actors are the runtime's: pykka's global registry neither knows them nor can stop them."""
    with aside() as system:
        ref = system.spawn(Theirs)
        ref.ask("x")
        assert pykka.ActorRegistry.get_all() == []
        pykka.ActorRegistry.stop_all()
        assert ref.ask("x") == ("received", "x")


# --- on the event loop ------------------------------------------------------------------------------


@either
@pytest.mark.realtime
async def test_a_proxy_on_the_loop(cls):
    """On the loop everything of a proxy is awaited, also right after the start."""
    async with runtime() as system:
        proxy = system.spawn(cls, "me").proxy()
        assert await proxy.add(1, other=2) == 3
        assert await proxy.colour == "red"
        assert await proxy.owner == "me"
        proxy.owner = "you"
        assert await proxy.owner == "you"
        assert await proxy.engine.start() == "started"
        assert await proxy.add(1).map(str) == "1"


async def test_a_proxy_is_good_over_restarts(nursed):
    """The same proxy works on the next incarnation, and keeps nothing of the last one."""
    async with runtime() as system:
        child = nursed(system, Ours)
        proxy = child.ref.proxy()
        proxy.owner = "changed"
        assert await proxy.owner == "changed"
        first = weakref.ref(child.actor)
        await child.ref.stop()
        assert await proxy.owner == "nobody"
        gc.collect()
        assert first() is None


async def test_proxies_are_values():
    """Proxies of one actor's same attribute are equal, others are not."""
    async with runtime() as system:
        ref, other = system.spawn(Ours), system.spawn(Ours)
        assert ref.proxy() == ref.proxy()
        assert hash(ref.proxy()) == hash(ref.proxy())
        assert ref.proxy() != other.proxy()
        assert ref.proxy() != "proxy"


async def test_an_actor_under_a_parent_starts_again(nursed):
    """pykka's class can be restarted; each incarnation has a thread of its own."""
    trace = []
    async with runtime() as system:
        child = nursed(system, Theirs, "me", trace)
        with pytest.raises(ActorCrashed):
            await child.ref.ask("crash")
        assert await child.ref.ask("x") == ("received", "x")
        assert child.ref.incarnation == 2
    assert trace == ["start", (ValueError, "crash", True), "start", "stop"]


test_an_actor_under_a_parent_starts_again = pytest.mark.realtime(test_an_actor_under_a_parent_starts_again)


# --- start ------------------------------------------------------------------------------------------


async def test_start_inside_a_system():
    """`Actor.start()` starts an unsupervised actor in the runtime whose block the caller is in."""
    async with runtime() as outer:
        assert await Ours.start("me").ask("x") == ("received", "x")
        async with runtime() as inner:
            assert Ours.start()._cell.system is inner
        assert Ours.start()._cell.system is outer


class Starter(Actor):
    def on_receive(self, message):
        return Ours.start()

    async def start_later(self):
        await asyncio.sleep(0)
        return Ours.start()


@pytest.mark.parametrize("how", ["def", "async def"])
async def test_start_inside_a_handler(how):
    """An actor's own code is in its runtime."""
    async with runtime() as system, runtime():
        starter = system.spawn(Starter)
        ref = await (starter.ask("x") if how == "def" else starter.proxy().start_later())
        assert ref._cell.system is system


def test_start_inside_a_thread_actor(aside):
    """So is one in a thread of its own."""

    class ThreadStarter(pykka.ThreadingActor):
        def on_receive(self, message):
            return Ours.start()

    with aside() as system:
        assert system.spawn(ThreadStarter).ask("x")._cell.system is system


async def test_start_outside_a_system():
    """Without a runtime there is nothing to start it in."""
    with pytest.raises(SystemClosed):
        Ours.start()


async def test_a_ref_of_a_factory_function():
    """What a function makes has a ref too; its proxy waits for the object, since a function shows no attributes."""
    async with runtime() as system:
        ref = system.spawn(lambda: Ours("made"))
        assert await ref.proxy().owner == "made"
        await ref.stop()
        with pytest.raises(ActorStopped):
            ref.proxy()
