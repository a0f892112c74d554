"""The fixtures `chaos` and `runtime`: each verb does what it says, to the real runtime, in virtual time."""

from __future__ import annotations

import asyncio
import datetime as dt
import time

import pytest

from treeward import Agent, ChildSpec, Intensity, NotFound, StartFailed, Supervisor, SupervisorSpec, TreeError, tool
from treeward.agents.profile import Profile
from treeward.agents.state import state_path
from treeward.chaos.invariants.invariant import Invariant
from treeward.chaos.plans.plan import Fault, Plan
from treeward.chaos.simulation.loop import SimLoop
from treeward.chaos.testing import NotSettled, Violated
from treeward.runtime.actor import Actor, Factory
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.work.ladder import Retry
from treeward.supervisors.work.policy import Work
from treeward.trees.load import load_tree
from treeward.trees.runtime import Runtime

OFFICE = """
treeward: 1
name: office
tree:
  supervisor: team
  children:
    - {agent: writer, use: "office_staff:Writer"}
    - {agent: editor, use: "office_staff:Writer"}
entry: writer
"""

STAFF = """
from treeward import Agent

class Writer(Agent):
    async def handle(self, task):
        await self.system.clock.sleep(1)
        return f"{task.input} in attempt {task.attempt}"
"""


class Writer(Agent):
    """Takes a second."""

    async def handle(self, task):
        await asyncio.sleep(1)
        return {"text": task.input, "attempt": task.attempt}


class Bank(Agent):
    """Serves a tool."""

    @tool
    def balance(self, customer: str) -> dict:
        """Looks it up."""
        return {"customer": customer, "cents": 4900}


class Clerk(Agent):
    """Asks the bank."""

    profile = Profile(tools=("bank.*",))

    async def handle(self, task):
        return await self.call("bank.balance", customer=task.input)


class Own(Exception):
    """An exception of the test's own."""


# --- what is started --------------------------------------------------------------------------------


async def test_it_runs_on_a_simulated_loop(chaos):
    """Time is virtual and begins at 0, and the order is drawn from the seed."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SimLoop)
    assert (loop.seed, loop.policy, chaos.seed, chaos.policy, chaos.clock.now) == (0, "random", 0, "random", 0.0)
    await asyncio.sleep(3600)
    assert chaos.clock.now == loop.time() == time.monotonic() == 3600.0


@pytest.mark.chaos(seeds="3..4", policy="pct")
async def test_a_marker_says_which_seeds(chaos):
    """Each run has one of the seeds, and the policy."""
    assert chaos.seed in (3, 4)
    assert chaos.policy == "pct"


@pytest.mark.chaos(seeds=[7])
async def test_a_marker_is_enough():
    """Without a fixture, a marked test is simulated too."""
    assert asyncio.get_running_loop().seed == 7


async def test_children_made_in_python_need_no_file(runtime):
    """A mapping from ids to classes is a tree; with one child, that is the entry."""
    team = await runtime.start({"writer": Writer}, name="team")
    outcome = await team.run("a page")
    assert (outcome.output, outcome.parts[0].agent) == ({"text": "a page", "attempt": 1}, "team/writer")


async def test_classes_and_specs_are_children_too(runtime):
    """A class is called by its name; a spec says all that can be said; an entry may be chosen."""
    spec = ChildSpec(id="second", start=Writer, work=Work(recovery=(Retry(1),)))
    team = await runtime.start(Writer, spec, entry="second")
    assert sorted(team.system.cells) == ["tree", "tree/second", "tree/writer"]
    assert (await team.run("x")).parts[0].agent == "tree/second"
    with pytest.raises(NotFound):
        await team.run("x", to="tree/third")


async def test_a_supervisor_spec_is_a_whole_tree(runtime):
    """Strategy, intensity and the rest are those of the spec."""
    spec = SupervisorSpec(children=[ChildSpec(id="a", start=Writer)], strategy="one_for_all", intensity=Intensity(9, 9))
    team = await runtime.start(spec)
    assert (await team.run("x", to="tree/a")).ok


@pytest.fixture
def office(tmp_path, monkeypatch):
    """A tree in a file, and its classes in another."""
    (tmp_path / "office_staff.py").write_text(STAFF)
    monkeypatch.syspath_prepend(str(tmp_path))
    path = tmp_path / "office.yaml"
    path.write_text(OFFICE)
    return path


async def test_a_tree_comes_from_a_file(runtime, office):
    """A file is loaded, and its classes are those that `allow` allows."""
    team = await runtime.start(office, allow=["office_staff"])
    assert (await team.run("x")).output == "x in attempt 1"
    with pytest.raises(TreeError, match="office_staff"):
        await runtime.start(office)


async def test_a_tree_may_be_loaded_before(runtime, office):
    """A `Tree`, or the name of one from the library, can be started as well."""
    team = await runtime.start(load_tree(office, allow=["office_staff"]), allow=["office_staff"])
    support = await runtime.start("support")
    assert (await team.run("x")).ok
    assert support.ref("support/desk").is_alive()


async def test_what_cannot_be_started_is_refused(runtime):
    """What is legal is said."""
    with pytest.raises(TypeError, match="7 cannot be started: expected a file, a Tree, a SupervisorSpec, ChildSpecs"):
        await runtime.start(7)


async def test_the_state_of_a_run_is_its_own(runtime, state_dir):
    """Agents that keep files find an empty directory, which is no other test's and not the user's."""
    await runtime.start("support")
    assert state_path("support").is_relative_to(runtime.state)
    assert not runtime.state.is_relative_to(state_dir)


KEPT = {}


@pytest.mark.parametrize("run", [1, 2])
async def test_two_runs_of_a_seed_are_the_same(chaos, runtime, run):
    """Ids, random numbers and times come from the seed."""
    team = await runtime.start({"writer": Writer})
    chaos.actor("writer").crash(chance=0.5)
    outcome = await team.run("x")
    seen = (outcome.task_id, outcome.status, chaos.rng.random(), chaos.log.timeline())
    assert KEPT.setdefault("first", seen) == seen


# --- what goes wrong with an actor ------------------------------------------------------------------


async def test_a_crash_on_the_second_message(chaos, runtime):
    """The first task is answered at once, the second in its second attempt."""
    team = await runtime.start({"writer": Writer})
    rule = chaos.actor("tree/writer").crash(on_message=2)
    attempts = [(await team.run(word)).output["attempt"] for word in ("one", "two", "three")]
    assert (attempts, rule.fired, rule.visits) == ([1, 2, 1], 1, 4)
    assert chaos.log.count("child.restarting", path="tree/writer") == 1
    assert chaos.log.count("fault", path="tree/writer", kind="crash") == 1


async def test_it_happens_once_unless_more_is_said(chaos, runtime):
    """Without a word about how often, the next visit is hit, and no other."""
    team = await runtime.start({"writer": Writer})
    rule = chaos.actor("writer").crash()
    await team.run("x")
    await team.run("x")
    assert (rule.fired, team.snapshot().find("tree/writer").incarnation) == (1, 2)


@pytest.mark.parametrize(
    ("often", "fired"),
    [
        ({"times": 2}, 2),
        ({"times": None}, 6),
        ({"on_message": [1, 3]}, 2),
        ({"incarnation": 3}, 1),
        ({"message": "X*"}, 0),
    ],
)
async def test_how_often_is_said_beside_it(chaos, runtime, often, fired):
    """`times`, visits by number, lives and types of message."""
    spec = SupervisorSpec(
        children=[ChildSpec(id="writer", start=Writer, work=Work(recovery=()))], intensity=Intensity(99, 1)
    )
    team = await runtime.start(spec)
    chaos.waive("I1")
    other = chaos.actor("writer").crash(on_message=[1, 2]) if "incarnation" in often else None
    rule = chaos.actor("writer").crash(**often)
    for _ in range(6):
        await team.run("x", to="tree/writer")
    assert (rule.fired, other is None or other.fired == 2) == (fired, True)


async def test_a_crash_may_be_of_any_kind(chaos, runtime):
    """Exceptions of Python's and of the test's own, before, in the middle of, and after the work."""
    team = await runtime.start({"writer": Writer})
    chaos.actor("writer").crash(SystemExit)
    chaos.actor("writer").crash(Own, when="after", on_message=3)
    chaos.actor("writer").crash("OSError", when="during", after="500ms", on_message=5)
    assert [(await team.run("x")).ok for _ in range(3)] == [True] * 3
    reasons = [entry.facts["reason"].partition(":")[0] for entry in chaos.log.find("child.restarting")]
    assert reasons == ["SystemExit", "Own", "OSError"]


async def test_a_child_that_does_not_start(chaos, runtime):
    """A rule that is made before the tree hits its start."""
    rule = chaos.actor("writer").crash_in_start(OSError)
    with pytest.raises(StartFailed, match="OSError"):
        await runtime.start({"writer": Writer})
    rule.end()
    team = await runtime.start({"writer": Writer}, name="second")
    assert (rule.fired, (await team.run("x")).ok) == (1, True)


async def test_a_restart_that_fails(chaos, runtime):
    """A crash in the next start counts as a further death, and the one after it succeeds."""
    team = await runtime.start({"writer": Writer})
    rule = chaos.actor("writer").crash_in_start(times=2)
    chaos.kill("tree/writer")
    await chaos.settle()
    assert (rule.fired, (await team.run("x")).ok) == (2, True)


async def test_a_hang_ends_with_the_deadline_and_with_healing(chaos, runtime):
    """What hangs is cut off at the deadline; what is healed goes on."""
    team = await runtime.start({"writer": ChildSpec(id="writer", start=Writer, work=Work(attempt_timeout=10.0))})
    chaos.actor("writer").hang()
    outcome = await team.run("x", deadline=60)
    assert (outcome.ok, chaos.clock.now >= 10) == (True, True)
    chaos.actor("writer").hang()
    handle = team.submit("y", deadline=1000)
    await chaos.clock.advance(1)
    chaos.heal()
    assert (await handle.outcome()).ok


async def test_slow_work_takes_its_time(chaos, runtime):
    """A delay may be a number, a duration, or a range to draw from."""
    team = await runtime.start({"writer": Writer})
    for slow, low, high in ((5, 6, 6), ("500ms", 1.5, 1.5), ("2s..3s", 3, 4)):
        chaos.actor("writer").slow(slow)
        began = chaos.clock.now
        await team.run("x")
        assert low <= chaos.clock.now - began <= high


async def test_a_blocked_loop_is_reported(chaos, runtime):
    """What holds the loop lets time pass for everybody, and the watchdog says so."""
    team = await runtime.start({"writer": Writer})
    chaos.actor("writer").block("2s")
    await team.run("x")
    assert (chaos.clock.now, chaos.log.count("loop.blocked")) == (3.0, 1)


@pytest.mark.parametrize(("how", "output"), [("empty", {}), ("extra", None), ("wrong_type", None), ("missing", None)])
async def test_corrupted_output_is_something_else(chaos, runtime, how, output):
    """What a handler returns is changed in one of the ways."""
    team = await runtime.start({"writer": Writer})
    chaos.actor("writer").corrupt(how)
    got = (await team.run("x")).output
    assert got != {"text": "x", "attempt": 1}
    assert output is None or got == output


async def test_messages_are_lost_doubled_and_late(chaos, runtime):
    """What is on its way into the mailbox may not come, come twice, or come later."""
    heard = []

    class Listener(Actor):
        def on_receive(self, message):
            heard.append((message, chaos.clock.now))

    team = await runtime.start({"listener": Listener})
    listener = chaos.actor("listener")
    for message, fault in (
        ("lost", listener.drop),
        ("twice", listener.duplicate),
        ("late", lambda: listener.delay("2s")),
        ("plain", lambda: None),
    ):
        fault()
        team.ref("tree/listener").tell(message)
        await asyncio.sleep(0)
    await chaos.clock.advance(5)
    assert heard == [("twice", 0.0), ("twice", 0.0), ("plain", 0.0), ("late", 2.0)]


async def test_a_kill_acts_at_once(chaos, runtime):
    """When the call returns, the incarnation is gone, and it is in the log as a fault."""
    team = await runtime.start({"writer": Writer, "editor": Writer})
    chaos.kill("tree/writer")
    assert chaos.log.count("actor.ended", path="tree/writer") == 1
    assert [entry.path for entry in chaos.log.find("fault", kind="kill")] == ["tree/writer"]
    await chaos.settle()
    assert team.snapshot().find("tree/writer").incarnation == 2
    with pytest.raises(LookupError, match="no actor lives at 'tree/typo': there are tree, tree/editor, tree/writer"):
        chaos.kill("tree/typo")


async def test_kills_may_come_again_and_again(chaos, runtime):
    """Until it is taken back, everybody who is meant is killed every so often."""
    spec = SupervisorSpec(children=[ChildSpec(id=id_, start=Writer) for id_ in ("a", "b")], intensity=Intensity(99, 1))
    team = await runtime.start(spec)
    rule = chaos.actor("tree/*").kill(every="10s")
    await chaos.clock.advance(25)
    rule.end()
    await chaos.clock.advance(100)
    assert (rule.fired, team.snapshot().find("tree/a").incarnation) == (6, 4)


async def test_supervisors_are_hit_by_their_own_name_only(chaos, runtime):
    """A pattern for actors leaves supervisors alone; `supervisor` and `kill` name them."""
    inside = SupervisorSpec(children=[ChildSpec(id="writer", start=Writer)])
    inner = ChildSpec(id="inner", start=Factory(Supervisor, (inside,)), type="supervisor")
    team = await runtime.start(inner)
    chaos.actor("**").kill()
    await chaos.clock.advance(1)
    assert [entry.path for entry in chaos.log.find("fault")] == ["tree/inner/writer"]
    chaos.kill("tree/inner")
    await chaos.settle()
    assert team.snapshot().find("tree/inner").incarnation == 2


# --- tools, judges, replies, plans ------------------------------------------------------------------


async def test_tools_fail_and_lie(chaos, runtime):
    """A tool's call may raise, take long, or return something else."""
    team = await runtime.start({"bank": Bank, "clerk": Clerk}, entry="clerk")
    tool = chaos.tool("bank.balance")
    tool.slow("20s")
    assert (await team.run("ann")).seconds == 20.0
    tool.corrupt("empty")
    assert (await team.run("ann")).output == {}
    tool.crash(OSError)
    assert (await team.run("ann")).parts[0].attempts == 2


async def test_any_fault_point_can_be_named(chaos, runtime):
    """`at` is for what has no verb of its own, and takes programs of the grammar too."""
    team = await runtime.start({"writer": ChildSpec(id="writer", start=Writer, work=Work(attempt_timeout=5.0))})
    lost = chaos.at("reply", "tree/writer").drop()
    program = chaos.at("actor.handle", "tree/writer").do("1*off->1*crash(ValueError)->off")
    outcome = await team.run("x")
    assert (outcome.ok, lost.fired, program.fired) == (True, 1, 1)


PLAN = """
treeward: 1
name: storm
faults:
  - {id: storm, at: actor.handle, where: writer, do: "2*crash(ValueError)->off"}
"""


async def test_a_plan_comes_from_a_file(chaos, runtime, tmp_path):
    """Its faults happen in the trees that run, and in those that come."""
    (tmp_path / "storm.yaml").write_text(PLAN)
    rule = chaos.plan(tmp_path / "storm.yaml")
    team = await runtime.start(
        SupervisorSpec(children=[ChildSpec(id="writer", start=Writer, work=Work(recovery=(Retry(3),)))]), entry="writer"
    )
    await team.run("x")
    assert (rule.fired, chaos.log.find("fault")[0].facts["rule"]) == (2, "storm")
    more = chaos.load(Plan(name="more", faults=[Fault(at="actor.handle", do="1*slow(9s)")]))
    await team.run("x")
    assert more.fired == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda chaos: chaos.actor("a").crash("Nope"), "error is 'Nope'.* expected a built-in exception"),
        (lambda chaos: chaos.actor("a").corrupt("rotten"), "kind is 'rotten'"),
        (lambda chaos: chaos.at("nowhere").drop(), "at: expected a fault point: actor.start"),
        (lambda chaos: chaos.at("actor.handle").drop(), "drop makes no sense at actor.handle"),
        (lambda chaos: chaos.actor("a").slow("soon"), "time is 'soon'"),
        (lambda chaos: chaos.actor("a").crash(on_message=0), "on.0: Input should be greater than or equal to 1"),
        (lambda chaos: chaos.actor("").crash(), "where.path"),
        (lambda chaos: chaos.actor("a").do("crash("), "the text ends"),
        (lambda chaos: chaos.at("clock", "a").do("jump(1h)"), "path says nothing at clock"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_words(chaos, wrong, words):
    """Verbs are checked as a plan is, when they are called."""
    with pytest.raises(ValueError, match=words):
        wrong(chaos)


async def test_an_argument_that_is_not_there_is_refused(chaos):
    """The ones that are, are named."""
    with pytest.raises(TypeError, match="on_mesage is no argument here: expected some of times, chance, on_message"):
        chaos.actor("a").crash(on_mesage=2)


async def test_a_rule_can_be_taken_back(chaos, runtime):
    """After `end` nothing of it happens, in trees that are started later neither."""
    rule = chaos.actor("writer").crash(times=None)
    rule.end()
    team = await runtime.start({"writer": Writer})
    assert ((await team.run("x")).parts[0].attempts, rule.fired) == (1, 0)
    assert repr(rule) == "<Rule actor.handle: crash(InjectedCrash), fired 0 times>"


# --- time -------------------------------------------------------------------------------------------


async def test_time_passes_as_it_is_told(chaos):
    """Time goes on with all that happens in it, or with nothing that does; the wall clock jumps and stands."""
    timer = asyncio.create_task(asyncio.sleep(10))
    await chaos.clock.advance(60)
    assert (timer.done(), chaos.clock.now) == (True, 60.0)
    late = asyncio.create_task(asyncio.sleep(10))
    await chaos.clock.advance(1)
    chaos.clock.suspend(99)
    assert (chaos.clock.now, late.done()) == (160.0, False)
    await late
    before = time.time()
    chaos.clock.jump(3600)
    assert (time.time() - before, chaos.clock.wall, chaos.clock.now) == (3600.0, time.time(), 160.0)
    chaos.clock.freeze(5)
    await asyncio.sleep(3)
    assert time.time() == before + 3600
    chaos.heal()
    assert time.time() == before + 3
    assert [entry.facts["action"] for entry in chaos.log.find("fault")] == ["suspend(99s)", "jump(1h)", "freeze(5s)"]


# --- what has to hold -------------------------------------------------------------------------------


class NoPages(Invariant):
    """Says that nobody begins a task."""

    name = "no pages"
    what = "nobody works"

    def event(self, event):
        if event.name == "task.begun":
            self.violated(f"{event.path} works")


async def test_invariants_of_your_own_are_checked(chaos, runtime):
    """A violation is raised where it is asked for, once; and what was waived is not told."""
    chaos.invariant(NoPages)
    team = await runtime.start({"writer": Writer})
    chaos.assert_invariants()
    await team.run("x")
    with pytest.raises(Violated, match=r"no pages at 0\.0.* s: tree/writer works") as violated:
        chaos.assert_invariants()
    assert [one.invariant for one in violated.value.violations] == ["no pages"]
    chaos.assert_invariants()
    chaos.waive("no pages")
    assert chaos.violations == ()


async def test_a_function_is_an_invariant_too(chaos, runtime):
    """It is asked when its tree is closed, with all that is known of it; its files are still there then."""
    seen = []

    def nothing_is_lost(world):
        """Each request has an outcome."""
        seen.extend(one.outcome.ok for one in world.requests.values())
        assert world.state.is_dir()

    chaos.invariant(nothing_is_lost)
    team = await runtime.start({"writer": Writer})
    await team.run("x")
    await chaos.finish()
    assert seen == [True]


async def test_claims_are_checked_too(chaos):
    """`always` that does not hold, and `unreachable` that is reached, are violations."""
    chaos.always("money is never negative", True)
    chaos.reachable("here")
    chaos.sometimes("lucky", chaos.rng.random() >= 0)
    chaos.assert_invariants()
    chaos.always("money is never negative", False, cents=-5)
    chaos.unreachable("there")
    with pytest.raises(Violated, match=r"always: money is never negative at .*: cents=-5\nunreachable: there"):
        chaos.assert_invariants()


async def test_settling_waits_for_answers(chaos, runtime):
    """It returns when all is answered and ready, or says what is missing."""
    team = await runtime.start({"writer": Writer})
    chaos.actor("writer").slow("100s")
    handle = team.submit("x", deadline=1000)
    with pytest.raises(NotSettled, match=r"after 50 s: in hand: request 1 \('x'\)"):
        await chaos.settle(50)
    await chaos.settle()
    assert handle.done


async def test_what_the_trees_were_asked_is_noted(chaos, runtime):
    """Each request is known to the invariants with its outcome; a refused one with why."""
    team = await runtime.start({"writer": Writer})
    await team.run("x", key="k", deadline=9)
    with pytest.raises(NotFound):
        await team.run("y", to="tree/nobody")
    (watched,) = chaos.trees.watched
    first, second = watched.world.requests.values()
    assert (first.input, first.key, first.deadline, first.outcome.ok, first.ended_at) == ("x", "k", 9.0, True, 1.0)
    assert "tree/nobody" in second.refusal
    assert watched.world.accepted == (first,)


async def test_several_trees_have_the_same_faults(chaos, runtime):
    """What goes wrong does so in each of them."""
    first, second = [await runtime.start({"writer": Writer}, name=name) for name in ("one", "two")]
    rule = chaos.actor("writer").crash()
    assert [(await team.run("x")).parts[0].attempts for team in (first, second)] == [2, 2]
    assert rule.fired == 2


async def test_threads_are_simulated(chaos, runtime):
    """An agent in a thread of its own runs in virtual time too."""

    class Sleeper(Actor):
        def on_receive(self, message):
            time.sleep(30)
            return dt.datetime.now(dt.UTC)

    team = await runtime.start(ChildSpec(id="sleeper", start=Sleeper, dispatcher="thread"))
    woken = await team.ref("tree/sleeper").ask("sleep")
    assert chaos.clock.now >= 30
    assert woken.year == 2023


# --- fixtures that are coroutines -------------------------------------------------------------------


@pytest.fixture
async def team(runtime):
    """A tree, started and ended by coroutines."""
    rt = await runtime.start({"writer": Writer})
    yield rt
    await asyncio.sleep(1)


@pytest.fixture
async def moment(team):
    """A fixture above another one."""
    await team.run("first")
    return asyncio.get_running_loop().time()


class TestMethods:
    """Simulated tests may be methods, and their fixtures too."""

    name = "methods"

    @pytest.fixture
    async def named(self, moment):
        """A fixture that is a method."""
        await asyncio.sleep(1)
        return f"{self.name} at {moment}"

    async def test_fixtures_run_on_the_loop_of_the_test(self, team, named):
        """Time goes on from fixture to fixture, and to the test."""
        assert named == "methods at 1.0"
        assert asyncio.get_running_loop().time() == 2.0
        assert (await team.run("second")).ok


@pytest.fixture
async def heartbeat():
    """Something that runs beside the tree, and has timers of its own."""

    async def beat():
        while True:  # noqa: ASYNC110 - there is nothing to wait for
            await asyncio.sleep(1)

    task = asyncio.create_task(beat())
    yield task
    task.cancel()


async def test_what_runs_beside_a_tree_is_not_taken_for_its_leftover(heartbeat, runtime):
    """A task of a fixture's, and another tree, may live on when a tree is closed."""
    first, second = [await runtime.start({"writer": Writer}, name=name) for name in ("one", "two")]
    second.ref("two/writer").tell("nothing")
    assert (await first.run("x")).ok


async def test_what_has_a_time_begins_when_the_tree_runs(chaos, runtime):
    """A kill that was ordered before the start comes right after it, and the invariants know why."""
    kill = chaos.actor("writer").kill()
    later = chaos.actor("writer").kill(from_="10s")
    ended = chaos.actor("writer").kill()
    ended.end()
    await chaos.clock.advance(5)
    await runtime.start({"writer": Writer})
    await chaos.clock.advance(1)
    assert (kill.fired, later.fired, ended.fired) == (1, 0, 0)
    await chaos.clock.advance(9)
    assert [entry.at for entry in chaos.log.find("fault")] == [5.0, 15.0]


async def test_a_tree_of_the_tests_own_can_be_watched(chaos, office):
    """A runtime that was entered elsewhere has the same faults and invariants; who has entered it leaves it."""
    chaos.invariant(NoPages)
    before = chaos.actor("writer").crash()
    async with Runtime(office, allow=["office_staff"]) as team:
        chaos.watch(team)
        after = chaos.actor("writer").crash(on_message=3)
        assert [(await team.run(word)).output for word in "xy"] == ["x in attempt 2", "y in attempt 2"]
    assert (before.fired, after.fired, chaos.log.count("child.restarting")) == (1, 1, 2)
    with pytest.raises(Violated, match="no pages"):
        chaos.assert_invariants()


async def test_a_tree_that_the_test_has_closed_is_not_waited_for(chaos, runtime):
    """Nothing has to become ready any more."""
    team = await runtime.start({"writer": Writer})
    await team.run("x")
    await team.close()
    await chaos.settle()
    assert chaos.clock.now == 1.0


async def test_a_tree_that_has_given_up_is_not_waited_for(chaos, runtime):
    """Four crashes in a row are more than the intensity allows: that is its right."""
    team = await runtime.start({"writer": Writer})
    for _ in range(4):
        chaos.kill("tree/writer")
        await chaos.clock.advance(0.1)
    await team.wait()
    assert chaos.log.count("supervisor.gave_up", path="tree") == 1


def no_drafts(output, _task):
    """Lets no draft pass."""
    return output["text"] != "draft"


async def test_judges_fail_and_lie(chaos, runtime):
    """A judge may turn its verdict round, or raise; what nobody has judged is not let through."""
    judge = FunctionJudge(no_drafts, name="no-drafts")
    work = Work(judges=(judge,), recovery=())
    team = await runtime.start({"writer": ChildSpec(id="writer", start=Writer, work=work)})
    assert ((await team.run("draft")).ok, (await team.run("page")).ok) == (False, True)
    seat = chaos.judge("no-drafts")
    seat.lie()
    assert not (await team.run("page")).ok
    seat.crash(OSError)
    assert not (await team.run("page")).ok
    assert chaos.log.count("judge.failed") == 1
    chaos.judge("no-drafts", of="tree/editor").crash()
    assert (await team.run("page")).ok
