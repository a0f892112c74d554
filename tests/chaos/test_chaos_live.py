"""A plan against a tree that runs: where it is allowed, how far it reaches, when it ends, and what is told of it."""

from __future__ import annotations

import asyncio
import sys
import threading

import pytest

from treeward.agents.agent import Agent
from treeward.chaos.live import ChaosAborted, ChaosFault, ChaosHealed, ChaosStarted, LiveChaos
from treeward.chaos.metrics import Metrics
from treeward.chaos.permission import ChaosRefused
from treeward.chaos.plans.globs import is_path_glob
from treeward.chaos.plans.plan import METRICS, Abort, Fault, Heal, Plan
from treeward.runtime.errors import SystemClosed
from treeward.runtime.task import Usage
from treeward.runtime.telemetry import HookFailed
from treeward.trees.problems import TreeError
from treeward.trees.runtime import Runtime
from treeward.trees.spec import AgentNode, Backoff, ChaosRules, Intensity, SupervisorNode, Tree

HERE = __name__
ALLOWED = ChaosRules(allow=True)


class Clerk(Agent):
    """Answers after a second; spends a cent; or does what it is told."""

    async def handle(self, task):
        await asyncio.sleep(1)
        self.charge(Usage(cost=0.01))
        if task.input == "fail":
            raise RuntimeError("failed")
        return f"done: {task.input}"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    monkeypatch.delenv("TREEWARD_ENV", raising=False)


def tree(chaos=ALLOWED, **changes):
    children = [AgentNode(agent=name, use=f"{HERE}:Clerk") for name in ("a", "b")]
    options = {"intensity": Intensity(restarts=1000), "backoff": "none"} | changes
    root = SupervisorNode(supervisor="top", children=children, **options)
    return Tree(name="test", tree=root, entry="a", chaos=chaos)


def runtime(chaos=ALLOWED, **changes):
    return Runtime(tree(chaos, **changes), allow=[HERE], seed=1, blocked_after=None)


def plan(*faults, at=60.0, **changes):
    return Plan(name="rough", faults=[Fault(**fault) for fault in faults], heal=Heal(at=at), **changes)


CRASH = {"at": "actor.handle", "where": "top/a", "do": "1*crash->off"}
KILL = {"at": "actor", "where": "top/a", "do": "kill", "every": "10s"}


def told(events, *kinds):
    return [event for event in events if isinstance(event, kinds)]


async def test_faults_happen_and_are_mended():
    """What is asked for is done all the same; what has happened is told, and is said in one line."""
    events = []
    async with runtime() as rt:
        rt.observe(events.append)
        with LiveChaos(rt, plan(CRASH), seed=4) as chaos:
            outcome = await rt.run("work")
        assert rt.system.faults is None
    assert (outcome.output, chaos.counts) == ("done: work", {"crash": 1})
    started, fault, healed = told(events, ChaosStarted, ChaosFault, ChaosAborted, ChaosHealed)
    assert (started.path, started.plan, started.seed, started.limit) == ("top", "rough", 4, 60.0)
    assert (fault.path, fault.incarnation, fault.rule, fault.number) == ("top/a", 1, "actor.handle-1", 1)
    assert (fault.fault, fault.action, fault.point, fault.subject) == (
        "crash",
        "crash",
        "actor.handle",
        outcome.task_id,
    )
    assert (healed.why, healed.faults, healed.seconds) == ("the block was left", 1, 1.0)
    assert chaos.summary() == (
        "chaos: the plan 'rough' with seed 4: 1 fault (1 crash) in 1.0 s; healed: the block was left"
    )


# --- where it is allowed ----------------------------------------------------------------------------

PROD = {"TREEWARD_ENV": "production"}


@pytest.mark.parametrize(
    ("chaos", "permitted", "environ", "why"),
    [
        (ChaosRules(), False, {}, "the tree 'test' does not allow it"),
        (ChaosRules(), True, {}, None),
        (ALLOWED, False, {}, None),
        (ChaosRules(production=True), False, {}, "does not allow it"),
        (ChaosRules(), True, PROD, "TREEWARD_ENV is 'production'"),
        (ALLOWED, True, PROD, "TREEWARD_ENV is 'production'"),
        (ALLOWED, True, {"TREEWARD_ENV": "Prod"}, "TREEWARD_ENV is 'Prod'"),
        (ChaosRules(allow=True, production=True), False, PROD, None),
        (ChaosRules(production=True), True, PROD, "TREEWARD_ENV is 'production'"),
        (ALLOWED, False, {"TREEWARD_ENV": "staging"}, None),
    ],
)
async def test_where_it_is_allowed(chaos, permitted, environ, why):
    """The tree says so, or whoever starts it; in production the tree alone, and it has to name production."""
    async with runtime(chaos) as rt:
        if why is None:
            with LiveChaos(rt, plan(), permitted=permitted, environ=environ):
                pass
        else:
            with pytest.raises(ChaosRefused, match=why):
                LiveChaos(rt, plan(), permitted=permitted, environ=environ)


async def test_the_environment_of_the_process_is_looked_at(monkeypatch):
    """Where nothing else is said, the process's own variable counts."""
    monkeypatch.setenv("TREEWARD_ENV", "prod")
    async with runtime() as rt:
        with pytest.raises(ChaosRefused):
            LiveChaos(rt, plan())


async def test_it_takes_a_tree_that_runs():
    """Without a tree, or before its block, there is nothing to let faults loose on."""
    async with Runtime(blocked_after=None) as rt:
        with pytest.raises(SystemClosed):
            LiveChaos(rt, plan(), permitted=True)
    with pytest.raises(SystemClosed):
        LiveChaos(runtime(), plan())


async def test_only_exceptions_of_allowed_modules():
    """An exception that the plan names by its import path is behind a list of modules, as in a tree."""
    async with runtime() as rt:
        with pytest.raises(TreeError, match="not allowed"):
            LiveChaos(rt, plan(CRASH | {"do": "crash(queue:Empty)"}))
        LiveChaos(rt, plan(CRASH | {"do": "crash(queue:Empty)"}), allow=["queue", "_queue"])


# --- how far it reaches -----------------------------------------------------------------------------


async def test_the_tree_says_whom_alone_it_may_hit():
    """A fault for everybody, timed or not, hits nobody out of reach."""
    everybody = [CRASH | {"where": "**", "do": "crash(when=after)"}, KILL | {"where": "**", "pick": "all"}]
    async with runtime(ChaosRules(allow=True, where="top/b")) as rt:
        events = []
        rt.observe(events.append)
        with LiveChaos(rt, plan(*everybody)):
            assert (await rt.run("work", to="top/a")).status == "ok"
            assert (await rt.run("work", to="top/b", deadline=5)).status != "ok"
            await asyncio.sleep(30)
    assert {event.path for event in told(events, ChaosFault)} == {"top/b"}
    assert {event.point for event in told(events, ChaosFault)} == {"actor.handle", "actor"}


@pytest.mark.parametrize(
    "fault",
    [
        {"at": "clock", "do": "jump(1h)"},
        {"at": "loop", "do": "block(10ms)"},
        {"at": "actor.handle", "where": "top/b", "do": "block(10ms)"},
    ],
)
async def test_what_hits_everybody_is_out_of_reach(fault):
    """A tree that names whom alone one may hit is not hit as a whole."""
    async with runtime(ChaosRules(allow=True, where="top/b")) as rt:
        with pytest.raises(ChaosRefused, match="hits the whole process"):
            LiveChaos(rt, plan(fault))
    async with runtime() as rt:
        with LiveChaos(rt, plan(fault)):
            await asyncio.sleep(1)


@pytest.mark.parametrize(
    "pattern", ["a", "a/b", "**", "a/**/b", "*", "a*b/c", "a//b", "", "a b", "a/**b", "a:b", "/a", "a/"]
)
def test_a_tree_and_a_plan_have_the_same_patterns(pattern):
    """What is a pattern of paths in a plan is one in a tree."""
    try:
        ChaosRules(where=pattern)
        legal = True
    except ValueError:
        legal = False
    assert legal == is_path_glob(pattern)


# --- when it ends -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "limit", "expected"), [(60.0, 300.0, 60.0), (600.0, 300.0, 300.0), (5.0, 300.0, 5.0), (60.0, 2.0, 2.0)]
)
async def test_its_time_is_limited(at, limit, expected):
    """By the plan, and by the tree: then all is healed, and the block goes on without faults."""
    events = []
    async with runtime(ChaosRules(allow=True, limit=limit)) as rt:
        rt.observe(events.append)
        with LiveChaos(rt, plan(KILL | {"every": "1s"}, at=at)) as chaos:
            await asyncio.sleep(400)
            assert rt.system.faults is None
    (healed,) = told(events, ChaosHealed)
    assert (healed.at, healed.seconds, healed.why) == (expected, expected, f"its {expected:g} s are over")
    assert chaos.counts["kill"] in (expected, expected + 1)
    assert max(event.at for event in told(events, ChaosFault)) <= expected


async def test_what_hangs_is_let_go():
    """At the limit a request that hangs in a fault goes on, and is answered."""
    async with runtime() as rt:
        with LiveChaos(rt, plan(CRASH | {"do": "hang(deaf)"}, at=20.0)):
            outcome = await rt.run("work")
            assert (outcome.status, rt.system.clock.monotonic()) == ("ok", 21.0)


async def test_it_is_healed_when_the_block_is_left_by_an_error():
    """However the block ends: nothing is armed behind it."""
    async with runtime() as rt:
        with pytest.raises(LookupError), LiveChaos(rt, plan(KILL)):
            raise LookupError
        assert rt.system.faults is None
        before = rt.ref("top/a").incarnation
        await asyncio.sleep(30)
        assert rt.ref("top/a").incarnation == before


async def test_healing_by_hand_and_twice():
    """Whoever holds it may heal; the second time nothing happens."""
    events = []
    async with runtime() as rt:
        rt.observe(events.append)
        with LiveChaos(rt, plan(KILL)) as chaos:
            assert "not healed yet" in chaos.summary()
            chaos.heal("enough")
            chaos.heal("again")
        assert (chaos.ended, chaos.aborted) == ("enough", False)
    assert [event.why for event in told(events, ChaosHealed)] == ["enough"]


ABORTS = {
    "restarts_per_minute": (5, [KILL | {"every": "2s"}], "restarts_per_minute is 6, above 5", 10.0),
    "failed": (1, [{"at": "actor.handle", "do": "crash(when=after)"}], "failed is 2, above 1", 4.0),
    "abandoned": (0, [CRASH | {"do": "1*hang(deaf)->off"}], "abandoned is 1, above 0", 13.0),
    "dead_letters": (0, [{"at": "actor.handle", "do": "crash(when=after)"}], "dead_letters is 1, above 0", 2.0),
    "cost_usd": (0.035, [], "cost_usd is 0.04, above 0.035", 4.0),
    "in_hand": (0, [], "in_hand is 1, above 0", 1.0),
    "not_ready_for": (2.5, [{"at": "actor.start", "where": "top/a", "do": "slow(1m)"}, KILL], "not_ready_for is", 3.0),
}


@pytest.mark.parametrize("metric", ABORTS)
async def test_it_is_given_up(metric):
    """A condition of `abort_if`, looked at every second, ends it at once; why is told."""
    above, faults, why, at = ABORTS[metric]
    events = []
    async with runtime() as rt:
        rt.observe(events.append)
        given = plan(*faults, abort_if=[Abort(metric=metric, above=above)])
        with LiveChaos(rt, given) as chaos:
            for _ in range(6):
                await rt.run("work", deadline=10)
            await asyncio.sleep(20)
        assert chaos.aborted
    aborted, healed = told(events, ChaosAborted, ChaosHealed)
    assert aborted.why == healed.why == chaos.ended
    assert aborted.why.startswith(why)
    assert at <= aborted.at <= at + 1


async def test_it_is_given_up_when_a_supervisor_gives_up():
    """The root that gives up is the end of the plan, whether it is said or not."""
    for aborts in ([], [Abort(metric="gave_up", above=0)]):
        events = []
        async with runtime(intensity=Intensity(restarts=2), backoff=Backoff(initial=0.1)) as rt:
            rt.observe(events.append)
            with LiveChaos(rt, plan(KILL | {"every": "1s"}, abort_if=aborts)) as chaos:
                await asyncio.sleep(30)
        assert chaos.ended == "the root supervisor does not run"
        assert len(told(events, ChaosAborted)) == 1


async def test_what_cannot_be_watched_is_given_up(monkeypatch):
    """A metric that raises ends the faults: they are not left alone."""
    events = []
    monkeypatch.setattr(Metrics, "passed", lambda *_: 1 / 0)
    async with runtime() as rt:
        rt.observe(events.append)
        with LiveChaos(rt, plan(KILL, abort_if=[Abort(metric="failed", above=0)])) as chaos:
            await asyncio.sleep(30)
    assert (chaos.aborted, chaos.ended) == (True, "it could not be watched any more")
    assert [event.hook for event in told(events, HookFailed)] == ["abort_if"]


async def test_all_metrics_can_be_read():
    """Each metric that a plan may name has a value, which is zero at first."""
    async with runtime() as rt:
        metrics = Metrics(rt)
        metrics.look()
        assert {name: metrics.value(name) for name in METRICS} == dict.fromkeys(METRICS, 0)
        metrics.close()


async def test_restarts_of_a_minute_ago_do_not_count():
    """The number of restarts is that of the last 60 seconds."""
    async with runtime() as rt:
        metrics = Metrics(rt)
        for _ in range(3):
            rt.system.cells["top/a"].kill()
            await asyncio.sleep(10)
        assert metrics.value("restarts_per_minute") == 3
        await asyncio.sleep(35)
        assert metrics.value("restarts_per_minute") == 2
        metrics.close()


# --- draws, threads ---------------------------------------------------------------------------------


async def faults_of(given, seed=None):
    events = []
    async with runtime() as rt:
        rt.observe(events.append)
        with LiveChaos(rt, given, seed=seed) as chaos:
            await asyncio.sleep(60)
    begun = told(events, ChaosStarted)[0].at
    return [(round(event.at - begun, 6), event.path, event.action) for event in told(events, ChaosFault)], chaos.seed


async def test_the_same_seed_does_the_same():
    """Without a seed, the runtime's own gives one; it is told, and with it the plan is the same again."""
    given = plan(KILL | {"where": "**", "every": "3s±2s"})
    first, seed = await faults_of(given)
    again, _ = await faults_of(given, seed)
    other, _ = await faults_of(given, seed + 1)
    assert first == again != other
    assert (await faults_of(given))[1] == seed


async def test_a_swarm_draws_its_faults():
    """Of a plan that says so, each seed draws which faults there are."""
    swarm = plan(*({"id": f"k{n}", "at": "actor", "do": "kill"} for n in range(6)), swarm=True)
    async with runtime() as rt:
        drawn = {frozenset(LiveChaos(rt, swarm, seed=seed).plan.rules) for seed in range(20)}
    assert len(drawn) > 5


@pytest.mark.realtime
def test_from_a_plain_thread():
    """A host without an event loop uses the same block."""
    with runtime() as rt:
        with LiveChaos(rt, plan(CRASH, {"at": "loop", "do": "block(30ms)"})) as chaos:
            assert rt.run("work").status == "ok"
        assert chaos.counts == {"crash": 1, "blocked loop": 1}
    other = threading.Thread(target=chaos.heal)
    other.start()
    other.join()


@pytest.mark.realtime
async def test_a_loop_is_held_for_real():
    """A live plan may block the real loop; the watchdog names it."""
    blocked = []
    async with Runtime(tree(), allow=[HERE], blocked_after=0.05) as rt:
        rt.observe(lambda event: event.name == "loop.blocked" and blocked.append(event))
        with LiveChaos(rt, plan({"at": "loop", "do": "block(300ms)"})):
            await asyncio.sleep(0.5)
    assert len(blocked) == 1


@pytest.mark.realtime
async def test_a_block_is_not_longer_than_said():
    """Time stands still for just so long."""
    async with runtime() as rt:
        loop = asyncio.get_running_loop()
        with LiveChaos(rt, plan({"at": "clock", "do": "suspend(200ms)"})):
            begun = loop.time()
            await asyncio.sleep(0.01)
        assert 0.2 <= loop.time() - begun < 2
