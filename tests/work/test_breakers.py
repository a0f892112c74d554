"""Calls through a breaker, and the breakers that a runtime keeps by their names."""

from __future__ import annotations

import asyncio
import gc
import weakref

import pytest

from treeward.runtime.actor import Actor
from treeward.runtime.system import ActorSystem
from treeward.supervisors.breakers.breaker import Breaker, BreakerSpec
from treeward.supervisors.breakers.kept import breaker_of, breakers_of, through
from treeward.supervisors.events import BreakerChanged
from treeward.supervisors.work_errors import BreakerOpen

SPEC = BreakerSpec(failures=2, cooldown=4.0)


class ByHand:
    """A clock that stands still until somebody moves it."""

    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


class Service:
    """Something that is called through a breaker."""

    def __init__(self, spec=SPEC):
        self.breaker, self.clock = Breaker(spec, "service"), ByHand()

    def call(self, error=None, *, takes=0.0, costs=0.0, **how):
        with through(self.breaker, self.clock, **how) as passage:
            self.clock.now += takes
            passage.cost = costs
            if error is not None:
                raise error

    @property
    def view(self):
        return self.breaker.view(self.clock.now)


def system():
    return ActorSystem(seed=1, blocked_after=None)


# --- through ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "call", "failures"),
    [
        ({}, {}, 0),
        ({"slow": 2.0}, {"takes": 2.0}, 0),
        ({"slow": 2.0}, {"takes": 3.0}, 1),
        ({"dear": 1.0}, {"costs": 1.0}, 0),
        ({"dear": 1.0}, {"costs": 2.0}, 1),
    ],
)
def test_a_call_that_goes_through_is_counted(spec, call, failures):
    """A block that ends counts, as a failure only if it took too long by the clock, or cost too much."""
    service = Service(BreakerSpec(**spec))
    service.call(**call)
    assert (service.view.failures, service.view.calls) == (failures, 1)


@pytest.mark.parametrize(
    ("error", "how", "failures", "calls"),
    [
        (OSError(), {}, 1, 1),
        (TimeoutError(), {}, 1, 1),
        (KeyError(), {"is_failure": lambda error: isinstance(error, OSError)}, 0, 1),
        (OSError(), {"is_failure": lambda error: isinstance(error, OSError)}, 1, 1),
        (asyncio.CancelledError(), {}, 0, 0),
        (asyncio.CancelledError(), {"takes": 5.1}, 1, 1),  # it was too slow by then
        (asyncio.CancelledError(), {"takes": 3.0, "deadline": 3.5}, 0, 0),
        (asyncio.CancelledError(), {"takes": 3.0, "deadline": 3.0}, 1, 1),
        (asyncio.CancelledError(), {"takes": 3.0, "deadline": 3.0005}, 1, 1),  # timers are that exact
        (KeyboardInterrupt(), {}, 0, 0),
    ],
)
def test_what_leaves_the_block_is_counted(error, how, failures, calls):
    """An exception is a failure if it is said to be, a cancelled call only at its deadline, or if it was too slow."""
    service = Service(BreakerSpec(slow=5.0))
    with pytest.raises(type(error)):
        service.call(error, **how)
    assert (service.view.failures, service.view.calls) == (failures, calls)


def test_an_open_breaker_keeps_the_block_from_being_entered():
    """While it is open, the block is not entered; after the cooldown one call is."""
    service, entered = Service(), []
    for _ in range(2):
        with pytest.raises(OSError, match="down"):
            service.call(OSError("down"))
    with pytest.raises(BreakerOpen, match="service is open for another 4 s"), through(service.breaker, service.clock):
        entered.append("too early")
    service.clock.now = 4.0
    service.call()
    assert (entered, service.view.state) == ([], "closed")


def test_a_cancelled_probe_makes_room_for_the_next():
    """A probe whose caller was cancelled leaves the breaker half-open, for the next call."""
    service = Service()
    service.breaker.trip(0.0, "a test")
    service.clock.now = 4.0
    with pytest.raises(asyncio.CancelledError):
        service.call(asyncio.CancelledError())
    service.call()
    assert service.view.state == "closed"


async def limit_outside(breaker, clock):
    async with asyncio.timeout(1.0):
        with through(breaker, clock):
            await asyncio.sleep(9)


async def limit_inside(breaker, clock):
    with through(breaker, clock):
        async with asyncio.timeout(1.0):
            await asyncio.sleep(9)


@pytest.mark.parametrize(("call", "failures"), [(limit_inside, 1), (limit_outside, 0)])
async def test_a_time_limit_within_the_block_is_a_failure(call, failures):
    """A call that runs into `asyncio.timeout` inside the block has failed; one outside of it has cancelled the call."""
    async with system() as running:
        breaker = breaker_of(running, "service", SPEC)
        with pytest.raises(TimeoutError):
            await call(breaker, running.clock)
        assert breaker.view(running.clock.monotonic()).failures == failures


# --- by name ----------------------------------------------------------------------------------------


async def test_a_runtime_has_one_breaker_of_each_name():
    """The same name is the same breaker; another name, and another runtime, have another one."""
    async with system() as one, system() as other:
        first = breaker_of(one, "model:a", SPEC)
        assert breaker_of(one, "model:a", SPEC) is first
        assert breaker_of(one, "model:b", SPEC) is not first
        assert breaker_of(other, "model:a", SPEC) is not first
        assert {name: breaker.name for name, breaker in breakers_of(one).items()} == {
            "model:a": "model:a",
            "model:b": "model:b",
        }
        assert set(breakers_of(other)) == {"model:a"}


async def test_a_breaker_takes_the_latest_spec():
    """Whoever asks with another spec changes that of the breaker; what it has counted stays."""
    async with system() as running:
        breaker = breaker_of(running, "model:a", SPEC)
        breaker.record(breaker.permit(0.0), ok=False, now=0.0)
        breaker_of(running, "model:a", BreakerSpec(failures=1))
        assert (breaker.spec.failures, breaker.view(0.0).failures) == (1, 1)


async def test_its_changes_are_events():
    """Each change of a named breaker is a `breaker.changed` event with its name, both states and the reason."""
    async with system() as running:
        events = []
        running.observe(events.append)
        breaker_of(running, "model:a", SPEC).force("open", 0.0)
        (event,) = events
    assert isinstance(event, BreakerChanged)
    assert event.details() == {"breaker": "model:a", "before": "closed", "now": "forced_open", "why": "by hand"}


class Caller(Actor):
    """Calls a service that is down, and crashes over it."""

    async def on_receive(self, message):
        breaker = breaker_of(self.system, "service", SPEC)
        with through(breaker, self.system.clock):
            raise OSError("down")


async def test_a_breaker_survives_who_uses_it():
    """Actors that crash over a service leave its breaker with what it has counted, for whoever comes next."""
    async with system() as running:
        for _ in range(2):
            await asyncio.wait([running.spawn(Caller).ask("go")])
        assert breakers_of(running)["service"].view(running.clock.monotonic()).state == "open"


@pytest.mark.realtime
async def test_a_breaker_may_be_used_in_a_thread():
    """Code in a thread goes through the same breaker, and its changes are events on the runtime's loop."""
    async with system() as running:
        events = []
        running.observe(lambda event: events.append((event.now, asyncio.get_running_loop() is running.loop)))
        breaker = breaker_of(running, "service", BreakerSpec(failures=1))

        def call():
            with pytest.raises(OSError, match="down"), through(breaker, running.clock):
                raise OSError("down")

        await asyncio.to_thread(call)
        await asyncio.sleep(0)
        assert events == [("open", True)]


async def test_a_breaker_does_not_keep_its_runtime():
    """A runtime that nobody holds any more goes, though somebody holds one of its breakers."""
    running = system()
    async with running:
        breaker = breaker_of(running, "service", SPEC)
    gone = weakref.ref(running)
    del running
    gc.collect()
    assert gone() is None
    breaker.trip(0.0, "nobody hears of it")
    assert breaker.view(0.0).state == "open"
