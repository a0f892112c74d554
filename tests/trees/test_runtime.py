"""What the runtime promises to the host that embeds it."""

import asyncio
import logging
import signal
import sys
import threading

import pytest

from treeward.agents.agent import Agent
from treeward.runtime.errors import StartFailed, SystemClosed
from treeward.runtime.exits import Exit
from treeward.supervisors.errors import FailedToStart, NotFound
from treeward.trees.problems import TreeError
from treeward.trees.runtime import Runtime
from treeward.trees.spec import AgentNode, Backoff, DynamicNode, Intensity, PoolNode, SupervisorNode, Template, Tree

HERE = __name__
LOG: list[str] = []


class Greeter(Agent):
    """Greets; dies, hangs or waits when told so."""

    def __init__(self, greeting: str = "Hello"):
        self.greeting = greeting

    def on_stop(self, reason=Exit.NORMAL):
        LOG.append(self.path)

    async def handle(self, task):
        if task.input == "die once" and task.attempt == 1:
            raise RuntimeError("died once")
        if task.input == "die":
            raise RuntimeError("died")
        if task.input == "wait":
            await asyncio.sleep(10)
        if task.input == "hang":
            await asyncio.Event().wait()
        return f"{self.greeting}, {task.input} #{task.attempt}/{self.incarnation}"


class Unable(Agent):
    """Cannot start."""

    def on_start(self):
        raise RuntimeError("no database")


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])
    LOG.clear()


def greeter(name="greeter", **changes):
    return AgentNode(agent=name, use=f"{HERE}:Greeter", **changes)


def tree(*children, entry="greeter", **changes):
    root = SupervisorNode(supervisor="top", children=children or (greeter(),), **changes)
    return Tree(name="test", tree=root, entry=entry)


def runtime(*children, entry="greeter", **changes):
    return Runtime(tree(*children, entry=entry, **changes), allow=[HERE], blocked_after=None)


async def test_runs_a_task_and_returns_its_outcome():
    """Two lines are enough: a runtime, and a run that gives output, status and parts."""
    async with runtime() as rt:
        outcome = await rt.run("world")
    assert (outcome.status, outcome.output) == ("ok", "Hello, world #1/1")
    assert [(part.agent, part.attempts) for part in outcome.parts] == [("top/greeter", 1)]


async def test_a_crash_does_not_lose_the_task():
    """The next incarnation gets the task of the one that died, and the outcome says how many attempts it took."""
    async with runtime() as rt:
        outcome = await rt.run("die once")
        assert rt.ref("top/greeter").incarnation == 2
    assert (outcome.status, outcome.output, outcome.parts[0].attempts) == ("ok", "Hello, die once #2/2", 2)


async def test_a_task_that_kills_the_same_way_twice_is_given_up():
    """A poisonous task ends as a dead letter, with the last error, and takes nothing down."""
    async with runtime(intensity=Intensity(restarts=10, within=60)) as rt:
        outcome = await rt.run("die")
    assert (outcome.status, outcome.parts[0].attempts) == ("dead_letter", 2)
    assert "RuntimeError: died" in outcome.error


async def test_a_deadline_is_kept():
    """An agent that hangs costs the caller no more than the deadline."""
    async with runtime() as rt:
        begun = asyncio.get_running_loop().time()
        outcome = await rt.run("hang", deadline=30)
        assert asyncio.get_running_loop().time() - begun == 30
    assert outcome.status == "failed"


async def test_a_task_goes_to_a_path_that_is_named():
    """`to` names any agent of the tree, a pool included."""
    pool = PoolNode(pool="crew", size=2, child=Template(use=f"{HERE}:Greeter", with_={"greeting": "Hi"}))
    async with runtime(greeter(), pool) as rt:
        assert (await rt.run("you", to="top/crew")).output == "Hi, you #1/1"


def test_a_library_tree_is_named():
    """The name of a tree that comes with Treeward is enough."""
    assert Runtime("support").tree.name == "support"


async def test_an_unknown_path_is_an_error_that_names_the_known():
    """A path that is not there is a NotFound, with the paths that are."""
    async with runtime() as rt:
        with pytest.raises(NotFound, match="top/greeter"):
            rt.ref("top/gretter")


async def test_a_runtime_without_a_tree_hosts_plain_actors():
    """A tree is not needed to have actors."""
    async with Runtime(blocked_after=None) as rt:
        ref = rt.spawn(Greeter)
        assert ref.is_alive()
        assert rt.snapshot() is None
        with pytest.raises(NotFound):
            await rt.run("anything")


async def test_the_snapshot_shows_the_living_tree():
    """The snapshot is frozen data: state, incarnation, last end, for each actor."""
    async with runtime(greeter(), DynamicNode(dynamic="guests")) as rt:
        await rt.run("die once")
        picture = rt.snapshot()
    assert [(one.path, one.state, one.incarnation) for one in picture.walk()] == [
        ("top", "running", 1),
        ("top/greeter", "running", 2),
        ("top/guests", "running", 1),
    ]
    assert picture.find("top/greeter").last_end == "RuntimeError: died once"
    assert picture.as_dict()["children"][1]["type"] == "supervisor"


async def test_leaving_the_block_lets_the_work_in_hand_end():
    """A drain waits for what is in hand, and then stops the tree in reverse order."""
    async with runtime(greeter(), greeter("second")) as rt:
        work = asyncio.ensure_future(rt.run("wait"))
        await asyncio.sleep(1)
    assert (await work).status == "ok"
    assert LOG == ["top/second", "top/greeter"]


async def test_the_grace_period_bounds_the_drain():
    """Work that takes longer than the grace period comes back as canceled."""
    rt = Runtime(tree(), allow=[HERE], grace=3, blocked_after=None)
    async with rt:
        work = asyncio.ensure_future(rt.run("hang", deadline=None))
        await asyncio.sleep(1)
    assert (await work).status == "canceled"
    assert asyncio.get_running_loop().time() < 1 + 3 + 5 + 3


async def test_a_caller_that_is_cancelled_is_cancelled():
    """Cancelling the caller of a run cancels the caller, and what it waited for."""
    async with runtime() as rt:
        work = asyncio.ensure_future(rt.run("hang", deadline=None))
        await asyncio.sleep(1)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await asyncio.sleep(1)
        assert not rt.snapshot().find("top/greeter").busy


async def test_a_runtime_that_is_left_takes_no_work():
    """After the block, `run` says that the runtime is closed."""
    async with runtime() as rt:
        pass
    with pytest.raises(SystemClosed):
        await rt.run("late")


async def test_kill_ends_the_tree_at_once():
    """`kill` does not wait for handlers."""
    async with runtime() as rt:
        work = asyncio.ensure_future(rt.run("hang", deadline=None))
        await asyncio.sleep(1)
        rt.kill()
        assert await rt.wait() is Exit.KILLED
        assert (await work).status == "canceled"
    assert LOG == []


async def test_the_root_gives_up_after_too_many_restarts():
    """More crashes than the intensity allows end the root with `shutdown`; waiting for it tells."""
    async with runtime(intensity=Intensity(restarts=1, within=60), backoff="none") as rt:
        outcomes = await asyncio.gather(rt.run("die"), rt.run("die"))
        assert {outcome.status for outcome in outcomes} == {"failed"}
        assert await rt.wait() is Exit.SHUTDOWN
        assert rt.snapshot().state == "stopped"


async def test_a_child_that_cannot_start_fails_the_entry_of_the_block():
    """The error says which child, and why; nothing of the tree is left."""
    rt = runtime(greeter(), AgentNode(agent="unable", use=f"{HERE}:Unable"))
    with pytest.raises(StartFailed) as caught:
        await rt.__aenter__()
    cause = caught.value.cause
    assert isinstance(cause, FailedToStart)
    assert (cause.child, str(cause.cause)) == ("unable", "no database")
    assert LOG == ["top/greeter"]


async def test_a_class_that_is_not_allowed_fails_the_entry_of_the_block():
    """The allow-list holds for trees made in Python too."""
    with pytest.raises(TreeError, match="not allowed"):
        await Runtime(tree(), blocked_after=None).__aenter__()


async def test_reload_keeps_what_has_not_changed():
    """A reload restarts what changed, starts what is new, ends what is gone, and leaves the rest alone."""
    async with runtime(greeter(), greeter("second"), greeter("third")) as rt:
        steps = await rt.reload(tree(greeter(), greeter("second", with_={"greeting": "Hey"}), greeter("fourth")))
        picture = {one.path: one.incarnation for one in rt.snapshot().walk()}
        assert (await rt.run("you", to="top/second")).output == "Hey, you #1/2"
    assert picture == {"top": 1, "top/greeter": 1, "top/second": 2, "top/fourth": 1}
    assert len(steps) == 3


async def test_requests_go_to_the_entry_as_reloaded(monkeypatch):
    """The entry is looked for when a tree is taken, not by each request: the way there must not grow with the tree."""
    two = greeter(), greeter("second", with_={"greeting": "Hey"})
    async with runtime(*two) as rt:
        monkeypatch.setattr(Tree, "walk", lambda _: pytest.fail("a request went through the tree"))
        assert (await rt.run("a")).output == "Hello, a #1/1"
        assert rt.health().ready
        monkeypatch.undo()
        await rt.reload(tree(*two, entry="second"))
        assert (await rt.run("b")).output == "Hey, b #1/1"


async def test_a_faulty_reload_changes_nothing():
    """A tree that is not valid leaves the running one as it is."""
    bad = Tree(name="test", tree=SupervisorNode(supervisor="top", children=[AgentNode(agent="x", use="os:system")]))
    async with runtime() as rt:
        before = rt.snapshot()
        with pytest.raises(TreeError):
            await rt.reload(bad)
        assert rt.snapshot() == before


async def test_a_reload_cannot_change_the_root():
    """Another root is another runtime: the error says which root it has to be."""
    other = Tree(name="test", tree=SupervisorNode(supervisor="other"))
    async with runtime() as rt:
        with pytest.raises(TreeError, match="expected 'top'"):
            await rt.reload(other)


async def test_backoff_of_the_tree_delays_restarts():
    """A restart waits as the tree's backoff says, on the runtime's clock."""
    steady = Backoff(initial=4, factor=2, jitter="none")
    async with runtime(backoff=steady) as rt:
        begun = asyncio.get_running_loop().time()
        await rt.run("die once")
        assert asyncio.get_running_loop().time() - begun == 4


async def test_two_runtimes_on_one_loop_do_not_meet():
    """Several runtimes live in one process, each with its own registry and paths."""
    async with runtime() as one, runtime() as two:
        await one.run("die once")
        assert (one.ref("top/greeter").incarnation, two.ref("top/greeter").incarnation) == (2, 1)


@pytest.mark.realtime
def test_plain_threads_use_it_without_a_loop_of_their_own():
    """`with Runtime(...)` runs its own loop; calls block, from any thread, and the thread is gone afterwards."""
    with Runtime(tree(), allow=[HERE]) as rt:
        assert rt.run("thread").output == "Hello, thread #1/1"
        answers = []
        callers = [threading.Thread(target=lambda: answers.append(rt.run("other").output)) for _ in range(3)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        assert answers == ["Hello, other #1/1"] * 3
        assert rt.snapshot().find("top/greeter").state == "running"
        assert rt.reload(tree(greeter(), greeter("second")))
    with pytest.raises(SystemClosed):
        rt.run("late")


@pytest.mark.realtime
def test_another_event_loop_can_await_it():
    """A run is awaited on a loop that is not the runtime's own."""
    with Runtime(tree(), allow=[HERE]) as rt:

        async def elsewhere():
            return await rt.run("loop")

        assert asyncio.run(elsewhere()).output == "Hello, loop #1/1"


@pytest.mark.realtime
async def test_the_blocking_form_refuses_to_run_on_an_event_loop():
    """`with Runtime(...)` on a loop would block it: it says what to use."""
    with pytest.raises(RuntimeError, match="async with"), Runtime():
        pass


@pytest.mark.realtime
def test_it_never_takes_over_the_host():
    """No signal handler, no logging configuration, nothing on stdout or stderr."""
    before = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), logging.getLogger().handlers[:])
    with Runtime(tree(), allow=[HERE]) as rt:
        rt.run("die once")
        during = (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT), logging.getLogger().handlers[:])
    assert during == before


@pytest.mark.realtime
def test_a_crashing_tree_is_silent_when_embedded(capfd):
    """Until the host configures logging, crashes and restarts print nothing."""
    with Runtime(tree(), allow=[HERE]) as rt:
        rt.run("die once")
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


async def test_a_tree_of_ten_thousand_children_starts_and_stops():
    """Ten thousand supervised agents start, are all running, and leave nothing."""
    many = [greeter(f"a{n}") for n in range(10_000)]
    async with runtime(*many, entry="a0") as rt:
        assert sum(one.state == "running" for one in rt.snapshot().walk()) == 10_001
    assert rt.system.cells == {}
    assert len(LOG) == 10_000
