"""The watch: who sees what, what a check that fails does, and what is let go at the end."""

import gc
import weakref

import pytest

from treeward.chaos.faults.fired import Fired
from treeward.chaos.invariants.invariant import Invariant, Violation
from treeward.chaos.invariants.log import Log
from treeward.chaos.invariants.standard import STANDARD, standard
from treeward.chaos.invariants.watch import Watch
from treeward.runtime.actor import Actor
from treeward.runtime.faults import HANDLE, PUT, Visit
from treeward.runtime.telemetry import ActorEnded, ActorStarted

FIRED = Fired("r", 1, "drop", "drop", "reply", "top/a", 1, 0.0, "t1")


class Nothing(Invariant):
    """Has no hooks."""

    name = "N"
    what = "nothing"


class All(Invariant):
    """Sees everything."""

    name = "A"
    what = "everything"

    def __init__(self):  # it need not call the base's
        self.seen = []

    def started(self, world):
        self.seen.append("started")

    def event(self, event):
        self.seen.append(event.name)

    def fired(self, fired):
        self.seen.append(fired.kind)

    def call(self, visit, func):
        self.seen.append(f"call {visit.point.name}")
        return func

    def send(self, visit, send, value):
        self.seen.append(f"send {visit.point.name}")
        send(value)

    def healed(self, world):
        self.seen.append("healed")

    def settled(self, world):
        self.seen.append("settled")

    def closed(self, world):
        self.seen.append("closed")

    def gone(self):
        self.seen.append("gone")


class Some(All):
    """Sees what it wants to see."""

    events = (ActorEnded,)
    points = (HANDLE,)


class Broken(All):
    """Fails in each hook."""

    name = "B"

    def started(self, world):
        raise ValueError("started")

    event = call = fired = healed = settled = closed = lambda self, *_: 1 / 0


class Echo(Actor):
    def on_receive(self, message):
        return message


def test_order_of_a_run_is_kept():
    """Whoever asks a watch to go on that has not begun is told what comes first."""
    with pytest.raises(RuntimeError, match=r"start\(world\) comes first"):
        Watch((All(),), Log()).healed()


async def watched(stage, *invariants):
    """Leads a run through all its phases, with one message in it; returns the watch."""
    watch = Watch(invariants, Log())
    async with stage(Nothing(), child={"start": Echo}, a="permanent") as on:
        watch.start(on)
        assert await on.system.ref("top/a").ask("hello") == "hello"
        watch.fired(FIRED)
        watch.healed()
        watch.settled()
        watch.event(ActorEnded("top/a", 1, 0.0, ValueError()))
    watch.closed()
    watch.gone()
    return watch


async def test_who_sees_what(stage):
    """An invariant sees the events and points that it names, all if it names none; the log sees every event."""
    everything, some = All(), Some()
    watch = await watched(stage, everything, some, Nothing())
    begin = [
        "started",
        "send mailbox.put",
        "call actor.handle",
        "send reply",
        "drop",
        "healed",
        "settled",
        "actor.ended",
    ]
    assert everything.seen[: len(begin)] == begin
    assert everything.seen[-2:] == ["closed", "gone"]
    wanted = ["started", "call actor.handle", "drop", "healed", "settled", "actor.ended"]
    assert [one for one in some.seen if one != "actor.ended"][:5] == wanted[:5]
    assert "send mailbox.put" not in some.seen
    assert watch.violations == ()
    assert watch.log.count("fault") == 1
    assert watch.log.count("actor.ended") == 3


async def test_checks_that_fail(stage):
    """A hook that raises is a violation of its own invariant, and disturbs neither the run nor the others."""
    everything = All()
    watch = await watched(stage, Broken(), everything)
    assert {violation.invariant for violation in watch.violations} == {"B"}
    texts = [violation.text for violation in watch.violations]
    assert texts[0] == "the check itself failed: ValueError: started"
    assert set(texts[1:]) == {"the check itself failed: ZeroDivisionError: division by zero"}
    assert "closed" in everything.seen


class Last(Nothing):
    """Has something to say in the end."""

    def closed(self, world):
        self.violated("in the end")


async def test_after_the_end(stage):
    """After the close nothing is held of a run but what did not hold, and those who look once more."""
    last, memory = Last(), All()
    watch = await watched(stage, last, memory)
    gone = weakref.ref(last)
    del last
    gc.collect()
    assert gone() is None
    assert watch.invariants == (memory,)
    assert [violation.text for violation in watch.violations] == ["in the end"]


def test_violations_in_order():
    """Violations are sorted by their times, whoever has seen them; one invariant tells of twenty at most."""
    first, second = Nothing(), Nothing()
    watch = Watch((first, second), Log())
    for number in range(30):
        first.now = lambda number=number: 2.0 * number
        first.violated(f"first {number}")
    second.now = lambda: 1.0
    second.violated("second")
    assert [violation.text for violation in watch.violations][:3] == ["first 0", "second", "first 1"]
    assert len(watch.violations) == 21
    assert str(watch.violations[1]) == "N at 1.000000 s: second"


def test_hooks_that_do_nothing():
    """An invariant without hooks lets everything pass."""
    one, sent = Nothing(), []
    for hook in (one.started, one.event, one.fired, one.healed, one.settled, one.closed):
        hook(None)
    one.gone()
    visit = Visit(PUT, "top/a", 1)
    assert one.call(visit, print) is print
    one.send(visit, sent.append, 1)
    assert (sent, one.violations, one.now()) == ([1], [], 0.0)


def test_standard():
    """The usual invariants are one of each kind, made anew each time; each has a name, a sentence, and its source."""
    kinds = [type(one) for one in standard()]
    assert kinds == list(STANDARD)
    assert {kind.name for kind in kinds} == {"I1", "I2", "I4", "I5", "I6", "I7", "I8", "I9"}
    for kind in kinds:
        assert kind.what
        assert "Source: " in kind.__doc__
    assert all(one is not other for one, other in zip(standard(), standard(), strict=True))


def test_violation_is_a_value():
    """Two violations that say the same are equal."""
    assert Violation("I1", 0.0, "text") == Violation("I1", 0.0, "text")
    assert ActorStarted("top/a", 1, 0.0) == ActorStarted("top/a", 1, 0.0)
