"""The injector: the same seed makes the same faults, each rule by itself; and it leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading

import pytest

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.chaos.faults.fired import Fired, Occurrence
from treeward.chaos.faults.injector import Injector
from treeward.chaos.plans.grammar import parse_action
from treeward.chaos.plans.plan import Fault, Plan
from treeward.runtime import faults as points
from treeward.runtime.actor import Factory
from treeward.runtime.clock import LoopClock
from treeward.runtime.errors import ActorCrashed
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.requests import WhichChildren
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

CLERK, BANK, PARROT = "top/clerk", "top/bank", "top/parrot"

STORM = [
    {"id": "die", "at": "actor.handle", "where": CLERK, "do": "30%->crash | 10%->slow(1s..3s)"},
    {"id": "spoil", "at": "reply", "do": "30%->corrupt"},
    {"id": "lose", "at": "mailbox.put", "where": BANK, "do": "10%->drop | 20%->delay(100ms..900ms)"},
    {"id": "kill", "at": "actor", "do": "kill", "every": "3s±2s"},
]
WORDS = [f"word {number}" for number in range(12)]


def plan_of(*faults):
    return Plan(name="a plan", faults=[Fault(**fault) for fault in faults])


# --- the same again ---------------------------------------------------------------------------------


@pytest.mark.parametrize("dispatcher", ["loop", "thread"])
def test_the_same_seed_makes_the_same_faults(faulty, dispatcher):
    """Seed, plan and schedule say everything: what fires, when, at whom, with what; another seed is another run."""
    first, again, other = (
        faulty(STORM, inputs=WORDS, at_once=True, seed=seed, dispatcher=dispatcher) for seed in (7, 7, 8)
    )
    assert first.fired == again.fired
    assert len(first.fired) > 10
    assert (first.trace, first.outcomes) == (again.trace, again.outcomes)
    assert first.fired != other.fired


def test_rules_do_not_disturb_each_other(faulty):
    """What a rule does at its n-th visit is the same, whatever other rules there are, and in whatever order."""
    noisy = {"id": "noise", "at": "actor.handle", "where": PARROT, "do": "50%->slow(1ms..5ms)"}
    rule = {"id": "mine", "at": "actor.handle", "where": PARROT, "do": "40%->crash(when=after) | 20%->slow(1s..9s)"}
    alone, beside = (
        [
            (one.number, one.action)
            for one in faulty(faults, to="parrot", inputs=WORDS, seed=3).fired
            if one.rule == "mine"
        ]
        for faults in ([rule], [noisy, rule])
    )
    assert alone == beside
    assert len({action for _, action in alone}) > 2


def test_only_some_of_the_faults(faulty):
    """Named occurrences fire again, with what was drawn for them; all others do not."""
    rule = {"id": "mine", "at": "actor.handle", "where": PARROT, "do": "60%->slow(1s..9s)"}
    all_of_them = faulty([rule], to="parrot", inputs=WORDS, seed=5)
    kept = [one.occurrence for one in all_of_them.fired[1::2]]
    some = faulty([rule], to="parrot", inputs=WORDS, seed=5, only=frozenset(kept))
    assert [(one.occurrence, one.action) for one in some.fired] == [
        (one.occurrence, one.action) for one in all_of_them.fired[1::2]
    ]
    none = faulty([rule], to="parrot", inputs=WORDS, seed=5, only=frozenset())
    assert (none.fired, none.statuses) == ([], ["ok"] * 12)


def test_only_with_counts_that_are_used_up(faulty):
    """A count goes down for a fault that is left out as well: the others keep their places."""
    rule = {"id": "mine", "at": "actor.handle", "where": PARROT, "do": "1*off->2*slow(1s)->1*slow(5s)->off"}
    run = faulty([rule], to="parrot", only=frozenset({Occurrence("mine", 3), Occurrence("mine", 4)}))
    assert [(one.number, one.action) for one in run.fired] == [(3, "slow(1s)"), (4, "slow(5s)")]


def test_what_is_told_of_a_fault(faulty):
    """Which rule, at which visit, what exactly, where, whom it hit, when, and over which task."""
    (fired,) = faulty([{"at": "actor.handle", "where": CLERK, "do": "1*off->1*slow(2s..3s)->off"}], seed=1).fired
    assert (fired.rule, fired.number, fired.occurrence) == ("actor.handle-1", 2, ("actor.handle-1", 2))
    assert (fired.kind, fired.point, fired.path, fired.incarnation) == ("slow", "actor.handle", CLERK, 1)
    assert (fired.at, fired.subject) == (1.0, "t2")
    span = parse_action(fired.action).args[0]
    assert 2 <= span.low == span.high <= 3


def test_visits_and_faults_are_counted(faulty):
    """By rule: how often somebody came by, and how often something happened."""
    run = faulty(
        [
            {"id": "some", "at": "actor.handle", "where": CLERK, "do": "1*slow(1s)->1*off->1*slow(1s)->off"},
            {"id": "none", "at": "bus.publish", "do": "drop"},
            {"id": "later", "at": "actor.handle", "where": CLERK, "do": "slow(1s)", "from": 3.5, "for": 2.0},
        ]
    )
    assert run.visits == {"some": 4, "none": 0, "later": 1}
    assert run.counts == {"some": 2, "none": 0, "later": 1}


# --- whom it hits -----------------------------------------------------------------------------------


def test_supervisors_own_handlers_only_with_role(faulty):
    """A supervisor's handler is left alone, unless the rule says so; and the root's, unless it is named."""

    async def ask(system, injector):
        leaf = SupervisorSpec(children=[ChildSpec(id="a", start=Factory(Agent))])
        middle = ChildSpec(id="x", start=Factory(Supervisor, (leaf,)), type="supervisor", shutdown=10.0)
        spec = SupervisorSpec(children=[middle], intensity=Intensity(100, 1.0), backoff=None)
        system.launch(Factory(Supervisor, (spec,)), path="all")
        for path in ("all", "all/x", "all/x"):
            await asyncio.sleep(1)
            with contextlib.suppress(ActorCrashed, AttributeError):
                await system.ref(path).ask(WhichChildren(), timeout=5.0)

    crash = {"at": "actor.handle", "do": "1*crash->off"}
    assert faulty([crash | {"where": "all/**"}], inputs=(), meanwhile=ask).fired == []
    run = faulty([crash | {"where": {"path": "all/**", "role": "supervisor"}}], inputs=(), meanwhile=ask)
    assert [fired.path for fired in run.fired] == ["all/x"]
    assert len(run.told("actor.started", "all/x/a")) == 2
    run = faulty([crash | {"where": {"path": "all", "role": "supervisor"}}], inputs=(), meanwhile=ask)
    assert [fired.path for fired in run.fired] == ["all"]


# --- the end ----------------------------------------------------------------------------------------

SLOW_TOOL = {"at": "tool.call", "where": CLERK, "do": "1*slow(1h)->off"}
HELD = {
    "hang": [{"at": "actor.handle", "where": CLERK, "do": "1*hang->off"}],
    "deaf hang": [{"at": "actor.handle", "where": CLERK, "do": "1*hang(deaf)->off"}],
    "slow": [SLOW_TOOL],
    "delay": [{"at": "mailbox.put", "where": CLERK, "do": "1*delay(1h)->off"}],
    "reorder": [{"at": "reply", "where": CLERK, "do": "1*reorder(1h)->off"}],
    "crash in time": [SLOW_TOOL, {"at": "actor.handle", "where": CLERK, "do": "crash(when=during, after=10s)"}],
    "crash after": [SLOW_TOOL, {"at": "actor.handle", "where": CLERK, "do": "crash(when=after)"}],
    "crash at the last wait": [SLOW_TOOL, {"at": "actor.handle", "where": CLERK, "do": "crash(when=during, after=9)"}],
    "corrupt": [SLOW_TOOL, {"at": "actor.handle", "where": CLERK, "do": "corrupt"}],
    "delegate": [{"at": "actor.handle", "where": CLERK, "do": "delegate", "from": 10.0}],
}


@pytest.mark.parametrize("dispatcher", ["loop", "thread"])
@pytest.mark.parametrize("faults", HELD.values(), ids=HELD)
def test_healing_lets_everything_go(faulty, faults, dispatcher):
    """What hangs goes on, what is held back comes, what would crash later does not: the request is answered."""

    async def heal(system, injector):
        handle = asyncio.ensure_future(deliver(system.ref(f"{CLERK}"), Task("t1", "a", deadline=29.0)))
        await asyncio.sleep(5)
        injector.heal()
        assert injector.healed
        outcome = await handle
        assert (outcome.status, outcome.output) == ("ok", {"said": "a", "found": 7})
        assert system.clock.monotonic() < 7
        again = await deliver(system.ref(CLERK), Task("t2", "b", deadline=29.0))
        assert again.status == "ok"

    run = faulty(faults, inputs=(), meanwhile=heal, dispatcher=dispatcher)
    assert run.told("child.restarting") == []


def test_poison_is_taken_out(faulty):
    """A message that was poisoned is like any other once all is healed."""

    async def heal(system, injector):
        dead = await deliver(system.ref(PARROT), Task("t1", "a", idempotency_key="k"))
        injector.heal()
        alive = await deliver(system.ref(BANK), Task("t2", "a", idempotency_key="k"))
        assert dead.status == "dead_letter"
        assert "handles no tasks" in alive.error

    faulty([{"at": "actor.handle", "where": PARROT, "do": "1*poison->off"}], inputs=(), meanwhile=heal)


def test_a_deaf_hang_that_was_given_up_ends_with_the_healing(faulty):
    """An abandoned incarnation is let go, and what it would do then is not done."""
    served = []

    class Witness(Agent):
        def handle(self, task):
            served.append((self.incarnation, task.id))
            return "done"

    async def heal(system, injector):
        assert len(system.abandoned) == 1
        injector.heal()
        await asyncio.sleep(0.1)
        assert not system.abandoned

    fault = {"at": "actor.handle", "where": "top/witness", "do": "1*hang(deaf)->off"}
    faulty([fault], tree={"witness": Witness}, to="witness", inputs=("a", "b"), meanwhile=heal)
    assert served == [(2, "t2")]


def test_nothing_is_armed_after_it(faulty):
    """Starting arms, healing takes it back, stopping again does nothing."""

    async def look(system, injector):
        assert system.faults is not None
        injector.stop()
        assert system.faults is None
        injector.stop()
        injector.heal()

    faulty([{"at": "reply", "do": "drop"}], inputs=(), meanwhile=look)


# --- real loops -------------------------------------------------------------------------------------


async def test_on_a_loop_that_is_not_simulated(really_faulty):
    """Everything but a held loop works on any event loop, at that loop's time."""
    rows = [
        ("actor.handle", "1*crash(when=during, after=2)->off", [1, 2]),
        ("actor.handle", "1*crash(when=during, after=500ms)->off", [1.5, 2.5]),
        ("tool.serve", "1*slow(3s)->off", [4, 5]),
        ("reply", "1*delay(5s)->off", [6, 7]),
        ("actor.handle", "1*hang(deaf)->off", [30, 34]),
    ]
    for at, do, answered in rows:
        begun = asyncio.get_running_loop().time()
        run = await really_faulty([{"at": at, "where": [CLERK, BANK], "do": do}], inputs=("a", "b"))
        assert len(run.fired) == 1
        assert [round(one - begun, 3) for one in run.answered] == answered


@pytest.mark.realtime
@pytest.mark.parametrize("dispatcher", ["loop", "thread"])
@pytest.mark.parametrize(
    ("at", "do"),
    [
        ("tool.call", "1*crash->off"),
        ("tool.serve", "1*crash(SystemExit)->off"),
        ("actor.handle", "1*crash(when=during, after=50ms)->off"),
        ("tool.serve", "1*slow(50ms)->off"),
        ("tool.call", "1*corrupt(empty)->off"),
        ("tool.serve", "1*leak(1MB)->off"),
    ],
)
async def test_in_real_time(really_faulty, at, do, dispatcher):
    """On an ordinary loop and in real threads: it happens, is told on the loop, and is mended."""
    fault = {"at": at, "where": [CLERK, BANK], "do": do}
    run = await really_faulty([fault], inputs=("a",), dispatcher=dispatcher, thinking=0.1)
    assert len(run.fired) == 1
    assert run.statuses == ["ok"]


@pytest.mark.realtime
@pytest.mark.parametrize("dispatcher", ["loop", "thread"])
@pytest.mark.parametrize("do", ["1*hang->off", "1*hang(deaf)->off", "1*slow(1h)->off"])
async def test_healing_in_real_time(really_faulty, do, dispatcher):
    """What hangs in a real thread, too, is let go at once."""

    async def heal(system, injector):
        handle = asyncio.ensure_future(deliver(system.ref(CLERK), Task("t1", "a")))
        await asyncio.wait([handle], timeout=0.1)
        assert injector.fired == {"actor.handle-1": 1}
        injector.heal()
        async with asyncio.timeout(10):
            assert (await handle).status == "ok"

    fault = {"at": "actor.handle", "where": CLERK, "do": do}
    await really_faulty([fault], inputs=(), meanwhile=heal, dispatcher=dispatcher, thinking=0.1)


@pytest.mark.realtime
async def test_a_real_loop_is_not_held_unless_that_is_allowed():
    """A plan that would block a real loop is refused; a subclass may allow it, and then it is held for real."""
    plan = plan_of({"at": "loop", "do": "block(10ms)"})
    async with ActorSystem(blocked_after=None) as system:
        with pytest.raises(ValueError, match="block and suspend hold the loop"):
            Injector(plan, system)

        class Allowed(Injector):
            may_block = True

        fired = []
        injector = Allowed(plan, system, told=fired.append)
        injector.start()
        await asyncio.sleep(1)
        injector.stop()
    assert [one.action for one in fired] == ["block(10ms)"]


@pytest.mark.realtime  # a simulated loop can show another time, whoever's clock it is
async def test_a_clock_of_somebody_elses_cannot_jump():
    """A system with a clock of its own is not given one that jumps."""

    class Own:
        def __init__(self):
            clock = LoopClock(asyncio.get_running_loop())
            self.monotonic, self.call_later, self.sleep = clock.monotonic, clock.call_later, clock.sleep

        def time(self):
            return 0.0

    async with ActorSystem(clock=Own(), blocked_after=None) as system:
        with pytest.raises(ValueError, match="attribute `shown`"):
            Injector(plan_of({"at": "clock", "do": "jump(1h)"}), system)


async def test_a_wall_clock_of_a_real_loop_jumps():
    """Also where nothing is simulated, the runtime's own wall clock does; the machine's does not."""
    async with ActorSystem(blocked_after=None) as system:
        before = system.clock.time()
        injector = Injector(plan_of({"at": "clock", "do": "jump(1h)"}), system)
        injector.start()
        await asyncio.sleep(1)
        assert system.clock.time() - before == pytest.approx(3601, abs=0.01)
        injector.stop()
        assert system.clock.time() - before == pytest.approx(1, abs=0.01)


# --- what it costs where nothing is armed -----------------------------------------------------------


async def test_nothing_is_called_on_the_way_of_a_message_where_nothing_is_armed():
    """From the ask to the answer, tool call and all, no function of the module of fault points runs."""
    called = []

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename == points.__file__:
            called.append(frame.f_code.co_name)

    from_here = sys.getprofile()
    async with ActorSystem(blocked_after=None) as system:
        ref = system.spawn(Agent)
        await ref.ask("before")
        sys.setprofile(note)
        try:
            for number in range(20):
                await ref.ask(number)
                await deliver(ref, Task(f"t{number}", "x"))
        finally:
            sys.setprofile(from_here)
        assert called == []
        disarm = points.arm(system, points.Afterwards(lambda visit: None))
        sys.setprofile(note)
        try:
            await ref.ask("now")
        finally:
            sys.setprofile(from_here)
        disarm()
    assert "call" in called


@pytest.mark.realtime
async def test_faults_are_told_on_the_loop(really_faulty):
    """Also a fault in an actor's own thread."""
    told = []

    class Noting(list):
        def append(self, fired):
            told.append((fired.point, threading.get_ident()))

    fault = {"at": "tool.call", "where": CLERK, "do": "slow(1ms)"}
    await really_faulty([fault], inputs=("a",), dispatcher="thread", fired=Noting(), thinking=0.1)
    assert told == [("tool.call", threading.get_ident())]


def test_a_fired_fault_is_plain_data():
    """It can be compared, and names its occurrence."""
    fired = Fired("r", 3, "drop", "drop", "reply", "top/a", 1, 2.0, "t1")
    assert fired == Fired("r", 3, "drop", "drop", "reply", "top/a", 1, 2.0, "t1")
    assert fired.occurrence == Occurrence("r", 3) == ("r", 3)
