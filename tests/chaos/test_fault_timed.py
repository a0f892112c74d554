"""Faults that come at their times: kills, stops, floods, clocks, a loop that is held."""

from __future__ import annotations

import asyncio
import itertools
import time

import pytest

from treeward.agents.agent import Agent
from treeward.chaos.faults.timed import Noise
from treeward.runtime.actor import Actor, Factory
from treeward.runtime.exits import Exit
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.signals import Ping
from treeward.runtime.usage import Limits
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.requests import WhichChildren
from treeward.supervisors.spec import ChildSpec, Intensity, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor
from treeward.supervisors.work.policy import Work

CLERK = "top/clerk"


@pytest.fixture
def idle(faulty):
    """Lets a tree stand for a while under faults."""

    def run_it(*faults, seconds=60.0, look=None, **options):
        async def wait(system, injector):
            if look is not None:
                await look(system, injector)
            else:
                await asyncio.sleep(seconds)

        return faulty(list(faults), inputs=(), meanwhile=wait, **options)

    return run_it


def times(run):
    return [round(fired.at, 6) for fired in run.fired]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ({}, [0.0]),
        ({"from": 10.0}, [10.0]),
        ({"every": "20s"}, [0.0, 20.0, 40.0]),
        ({"from": 5.0, "every": "20s"}, [5.0, 25.0, 45.0]),
        ({"from": 5.0, "every": "10s", "for": 25.0}, [5.0, 15.0, 25.0]),
        ({"from": 5.0, "every": "10s", "on": [2, 4]}, [15.0, 35.0]),
    ],
)
def test_when_it_comes(idle, when, expected):
    """Once at `from`, or again after each `every`, for as long as `for` says."""
    run = idle({"at": "actor", "where": CLERK, "do": "kill"} | when, seconds=59.0)
    assert times(run) == expected
    assert [(event.name, event.reason) for event in run.told("actor.ended", CLERK)][: len(expected)] == [
        ("actor.ended", Exit.KILLED)
    ] * len(expected)
    assert len(run.told("child.restarting", CLERK)) == len(expected)


def test_pauses_are_drawn(idle):
    """A range gives each pause anew; the same seed gives the same ones, another seed others."""
    fault = {"at": "actor", "where": CLERK, "do": "kill", "every": "20s±10s"}
    first, again, other = (times(idle(fault, seconds=200.0, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other
    pauses = [late - early for early, late in itertools.pairwise(first)]
    assert all(10 <= pause <= 30 for pause in pauses)
    assert len(set(pauses)) == len(pauses) >= 6


def test_a_chance_is_drawn_each_time(idle):
    """A tick is a visit: its program may have chances and counts."""
    run = idle({"at": "actor", "where": CLERK, "do": "50%2*->kill", "every": "5s"}, seconds=200.0, seed=3)
    assert run.visits == {"actor-1": 41}
    assert run.counts == {"actor-1": 2}


def test_one_is_picked_or_all(idle):
    """`one` of those that are meant is drawn each time; with `all` there is a storm of restarts, siblings and all."""
    one = idle({"at": "actor", "do": "kill", "every": "5s"}, seconds=200.0)
    assert {fired.path for fired in one.fired} == {"top/bank", "top/clerk", "top/parrot"}
    assert len(one.fired) == 41
    storm = idle({"at": "actor", "do": "kill", "from": 5.0, "pick": "all"})
    assert [fired.path for fired in storm.fired] == ["top/bank", "top/clerk", "top/parrot"]
    assert storm.kinds == {"restart storm": 3}
    assert len(storm.told("child.restarting")) == 3
    assert {fired.number for fired in storm.fired} == {1}


def test_an_actor_is_asked_to_stop(idle):
    """A stop is no crash: the actor ends in its own time, and is started again as its restart type says."""
    run = idle({"at": "actor", "where": CLERK, "do": "stop", "from": 5.0})
    assert run.told("actor.ended", CLERK)[0].reason is Exit.SHUTDOWN
    assert run.kinds == {"stop": 1}


def below(name, **options):
    """Returns the spec of a supervisor with two supervisors below it, each with one clerk."""
    leaf = [ChildSpec(id="clerk", start=Factory(Agent))]
    middle = SupervisorSpec(children=leaf, intensity=Intensity(100, 1.0), backoff=None)
    children = [
        ChildSpec(id=id_, start=Factory(Supervisor, (middle,)), type="supervisor", shutdown=10.0) for id_ in "xy"
    ]
    return SupervisorSpec(children=children, intensity=Intensity(100, 1.0), backoff=None, **options)


async def with_supervisors(system):
    system.launch(Factory(Supervisor, (below("all"),)), path="all")
    await system.ref("all").ask(WhichChildren())


def test_supervisors_are_killed_where_role_says_so(idle):
    """Without `role` no supervisor is hit; with it, its children go with it, and all come back."""

    async def look(system, injector):
        await with_supervisors(system)
        await asyncio.sleep(60)
        children = await system.ref("all").ask(WhichChildren())
        assert [child.state for child in children] == ["running", "running"]

    fault = {"at": "actor", "do": "kill", "from": 5.0, "every": "10s", "for": 40.0, "pick": "all"}
    agents = idle(fault | {"where": "all/**"}, look=look)
    assert {fired.path for fired in agents.fired} == {"all/x/clerk", "all/y/clerk"}
    supervisors = idle(fault | {"where": {"path": "all/**", "role": "supervisor"}}, look=look)
    assert {fired.path for fired in supervisors.fired} == {"all/x", "all/y"}
    assert len(supervisors.fired) == 8
    assert len(supervisors.told("actor.started", "all/x/clerk")) == 5


def test_a_root_is_hit_only_where_it_is_named(idle):
    """Nobody would start a root supervisor again: patterns pass it over, its own path does not."""

    async def look(system, injector):
        await with_supervisors(system)
        await asyncio.sleep(20)

    fault = {"at": "actor", "do": "kill", "from": 5.0, "pick": "all"}
    everybody = idle(fault | {"where": {"path": "**", "role": "any"}}, look=look)
    assert {"all", "top"}.isdisjoint(fired.path for fired in everybody.fired)
    named = idle(fault | {"where": {"path": "all", "role": "any"}}, look=look)
    assert [fired.path for fired in named.fired] == ["all"]
    assert len(named.told("actor.ended", "all")) == 1


def test_a_supervisor_is_killed_while_it_shuts_down(idle):
    """A kill in the middle of a shutdown: nothing below it outlives it."""

    class Slow(Agent):
        async def on_stop(self, reason):
            await asyncio.sleep(5)

    async def look(system, injector):
        leaf = SupervisorSpec(children=[ChildSpec(id="slow", start=Factory(Slow), shutdown=20.0)])
        middle = ChildSpec(id="x", start=Factory(Supervisor, (leaf,)), type="supervisor", shutdown=60.0)
        system.launch(Factory(Supervisor, (SupervisorSpec(children=[middle]),)), path="all")
        await system.ref("all").ask(WhichChildren())
        cell, slow = system.cells["all"], system.cells["all/x/slow"]
        await asyncio.sleep(9)
        await system.end(cell, None)
        assert not slow.alive
        assert system.cells.keys() == {"top", "top/bank", "top/clerk", "top/parrot"}

    run = idle({"at": "actor", "where": {"path": "all/x", "role": "supervisor"}, "do": "kill", "from": 10.0}, look=look)
    assert [(fired.path, fired.at) for fired in run.fired] == [("all/x", 10.0)]
    ended = {event.path: (event.reason, event.at) for event in run.told("actor.ended")}
    assert ended["all/x"][0] is Exit.KILLED
    assert ended["all/x/slow"][1] <= 12.0


def test_an_incarnation_is_killed_while_it_starts(idle):
    """Whoever lives is hit, be it starting or stopping; the tree starts it again."""
    run = idle(
        {"at": "actor.start", "where": CLERK, "do": "slow(4s)"},
        {"at": "actor", "where": CLERK, "do": "kill", "every": "2s", "for": 9.0},
        seconds=60.0,
    )
    assert len(run.told("actor.started", CLERK)) == 2
    ends = [event.at for event in run.told("actor.ended", CLERK)]
    assert ends[:5] == [0.0, 2.0, 4.0, 6.0, 8.0]


@pytest.mark.parametrize(("policy", "capacity"), [("drop_newest", 10), ("wait", 10), (None, None)])
def test_a_flood(idle, policy, capacity):
    """So many messages a second, of no meaning: a bound holds them off, and the mailbox is never fuller."""
    changes = {} if policy is None else {"mailbox": MailboxSpec(capacity, policy)}
    longest = []

    async def look(system, injector):
        for _ in range(400):
            await asyncio.sleep(0.01)
            longest.append(len(system.cells[CLERK].mailbox))
            assert (await system.ref(CLERK).ask(Ping(), timeout=0.001)).phase == "running"

    run = idle({"at": "mailbox", "where": CLERK, "do": "flood(1000/s, 2s)", "from": 1.0}, look=look, **changes)
    assert run.kinds == {"flood": 1}
    letters = [letter for letter in run.letters if isinstance(letter.message, Noise)]
    assert letters
    assert max(longest) <= (capacity or 10_000)
    assert run.told("child.restarting") == []


def test_every_message_of_a_flood_comes(idle):
    """Neither more nor fewer than rate and length say."""
    heard = []

    class Listener(Actor):
        def on_receive(self, message):
            heard.append((self.system.clock.monotonic(), message.number))

    flood = {"at": "mailbox", "where": "top/listener", "do": "flood(500/s, 3s)", "from": 1.0}
    idle(flood, tree={"listener": Listener})
    assert [number for _, number in heard] == list(range(1, 1501))
    assert (heard[0][0], round(heard[-1][0], 2)) == (1.0, 4.0)


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("jump(1h)", {9.0: 0, 11.0: 3600, 50.0: 3600}),
        ("jump(-1h)", {9.0: 0, 11.0: -3600, 50.0: -3600}),
        ("freeze(20s)", {9.0: 0, 15.0: -5, 29.0: -19, 31.0: 0}),
    ],
)
def test_the_wall_clock(idle, do, expected):
    """It jumps or stands still, for the runtime and for everybody in the process; timers do not notice."""
    seen, process = {}, {}

    async def look(system, injector):
        begun = system.clock.time() - system.clock.monotonic()
        for at in expected:
            await asyncio.sleep(at - system.clock.monotonic())
            seen[at] = round(system.clock.time() - system.clock.monotonic() - begun, 6)
            process[at] = round(time.time() - system.clock.monotonic() - begun, 6)
        injector.heal()
        assert round(system.clock.time() - system.clock.monotonic() - begun, 6) == 0

    idle({"at": "clock", "do": do, "from": 10.0}, look=look)
    assert seen == process == expected


@pytest.mark.parametrize(
    ("do", "statuses"), [("jump(24h)", ["ok", "failed", "ok"]), ("off", ["ok", "failed", "failed"])]
)
def test_a_jump_turns_the_page_of_a_daily_budget(faulty, do, statuses):
    """A budget of the day goes by the wall clock: on the next day there is something to spend again."""
    daily = Work(budgets=(Budget(limits=Limits(calls=1), per="day"),))
    fault = {"at": "clock", "do": do, "from": 10.0}
    run = faulty([fault], inputs=("a", "b", "c"), apart=6.0, work=daily)
    assert ["ok" if status == "ok" else "failed" for status in run.statuses] == statuses


def test_a_deadline_does_not_care_about_the_wall_clock(faulty):
    """A request that is at work while the clock jumps has as long as it had."""
    run = faulty(
        [{"at": "clock", "do": "jump(±24h)", "every": "1s"}, {"at": "tool.serve", "do": "slow(20s)"}], inputs=("a",)
    )
    assert (run.statuses, run.answered) == (["ok"], [21.0])


def test_jumps_add_up_and_a_frozen_clock_may_jump(idle):
    """Two jumps are one after the other; a clock that stands still can be put forward."""
    seen = []

    async def look(system, injector):
        begun = system.clock.time()
        for _ in range(4):
            await asyncio.sleep(10)
            seen.append(round(system.clock.time() - begun, 6))

    faults = [
        {"at": "clock", "do": "jump(100s)", "from": 5.0},
        {"at": "clock", "do": "freeze(20s)", "from": 12.0},
        {"at": "clock", "do": "jump(-30s)", "from": 15.0},
    ]
    idle(*faults, look=look)
    assert seen == [110.0, 82.0, 82.0, 110.0]


@pytest.mark.parametrize(("at", "do"), [("clock", "suspend(30s)"), ("loop", "block(30s)")])
def test_the_whole_process_stands_still(idle, at, do):
    """Time passes and nothing runs: what was due meanwhile is late, and all go on."""
    woken = []

    async def look(system, injector):
        for _ in range(4):
            await asyncio.sleep(3)
            woken.append(system.clock.monotonic())

    idle({"at": at, "do": do, "from": 4.0}, look=look)
    assert woken == [3.0, 34.0, 37.0, 40.0]


def test_a_held_loop_is_noticed(idle):
    """The watchdog names what holds the loop."""
    run = idle({"at": "loop", "do": "block(2s)", "from": 4.0}, blocked_after=0.3)
    assert [round(event.seconds) for event in run.told("loop.blocked")] == [2]


def test_all_timers_go_when_it_is_healed(idle):
    """Kills, floods and clocks end: nothing of the plan comes any more."""

    async def look(system, injector):
        await asyncio.sleep(12)
        injector.heal()
        injector.heal()
        await asyncio.sleep(100)

    faults = [
        {"at": "actor", "where": CLERK, "do": "kill", "every": "10s"},
        {"at": "mailbox", "where": CLERK, "do": "flood(10/s, 1h)"},
        {"at": "clock", "do": "jump(1h)"},
    ]
    run = idle(*faults, look=look)
    assert [fired.at for fired in run.fired] == [0.0, 0.0, 0.0, 10.0]
    assert len([letter for letter in run.letters if isinstance(letter.message, Noise)]) in (120, 121)
