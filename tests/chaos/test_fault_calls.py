"""Faults in a call: each kind at each point happens as the plan says, and the tree does what it does about it."""

from __future__ import annotations

import asyncio

import pytest

from treeward.agents.errors import InjectedCrash
from treeward.runtime.evidence import Verdict
from treeward.runtime.exits import Exit
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.work.policy import Work
from treeward.trees.problems import TreeError

CLERK, BANK, PARROT = "top/clerk", "top/bank", "top/parrot"
OK = ["ok", "ok", "ok", "ok"]
LATE = ["failed", "ok", "ok", "ok"]
DEAD = ["dead_letter", "ok", "ok", "ok"]

CRASHES = ["child.restarting"]

ROWS = {
    # id: (point, what happens, to whom, kind, how the four requests end, when, what is told of whom it hit)
    "crash before": ("actor.handle", "1*crash->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "crash during": ("actor.handle", "1*crash(when=during, after=2)->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "crash in time": (
        "actor.handle", "1*crash(when=during, after=500ms)->off", CLERK, "crash", OK, [1.5, 2.5, 3.5, 4.5], CRASHES,
    ),
    "crash after": ("actor.handle", "1*crash(when=after)->off", CLERK, "crash", OK, [2, 3, 4, 5], CRASHES),
    "exit": ("actor.handle", "1*crash(SystemExit)->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "cancelled": ("actor.handle", "1*crash(CancelledError)->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "cancelled while it waits": (
        "actor.handle", "1*crash(CancelledError, when=during, after=2)->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES,
    ),
    "hang": ("actor.handle", "1*hang->off", CLERK, "hang", LATE, [30, 32, 33, 34], CRASHES),
    "deaf hang": (
        "actor.handle", "1*hang(deaf)->off", CLERK, "hang that ignores cancellation", LATE, [30, 34, 35, 36],
        ["actor.abandoned", "child.restarting"],
    ),
    "slow": ("actor.handle", "1*slow(5s)->off", CLERK, "slow", OK, [6, 7, 8, 9], []),
    "too slow": ("actor.handle", "1*slow(40s)->off", CLERK, "slow", LATE, [30, 32, 33, 34], CRASHES),
    "block": ("actor.handle", "1*block(5s)->off", CLERK, "blocked loop", OK, [6, 7, 8, 9], ["loop.blocked"]),
    "leak": ("actor.handle", "1*leak(1MB)->off", CLERK, "leak", OK, [1, 2, 3, 4], []),
    "delegate": ("actor.handle", "1*delegate->off", CLERK, "endless delegation", LATE, [0, 1, 2, 3], []),
    "tool: crash": ("tool.call", "1*crash->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "tool: crash after": ("tool.call", "1*crash(when=after)->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "tool: crash during": ("tool.call", "1*crash(when=during)->off", CLERK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "tool: hang": ("tool.call", "1*hang->off", CLERK, "hang", LATE, [30, 31, 32, 33], []),
    "tool: deaf hang": (
        "tool.call", "1*hang(deaf)->off", CLERK, "hang that ignores cancellation", LATE, [30, 34, 35, 36],
        ["actor.abandoned", "child.restarting"],
    ),
    "tool: block": ("tool.call", "1*block(2s)->off", CLERK, "blocked loop", OK, [3, 4, 5, 6], ["loop.blocked"]),
    "owner: crash": ("tool.serve", "1*crash->off", BANK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "owner: exit": ("tool.serve", "1*crash(SystemExit)->off", BANK, "crash", OK, [1, 2, 3, 4], CRASHES),
    "owner: hang": ("tool.serve", "1*hang->off", BANK, "hang", LATE, [30, 32, 33, 34], CRASHES),
    "owner: slow": ("tool.serve", "1*slow(3s)->off", BANK, "slow", OK, [4, 5, 6, 7], []),
    "owner: leak": ("tool.serve", "1*leak(64kB)->off", BANK, "leak", OK, [1, 2, 3, 4], []),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_what_happens_and_what_the_tree_does(faulty, row):
    """The fault happens once, to the one that is meant, and is mended: what was asked for comes in the end."""
    point, do, path, kind, statuses, answered, told = row
    run = faulty([{"at": point, "where": path, "do": do}], blocked_after=0.3)
    assert dict(run.kinds) == {kind: 1}
    assert [(one.point, one.path, one.number) for one in run.fired] == [(point, path, 1)]
    assert (run.statuses, run.answered) == (statuses, answered)
    watched = ("actor.abandoned", "child.restarting", "loop.blocked")
    assert [event.name for event in run.events if event.name in watched and event.path == path] == told


@pytest.mark.parametrize(
    ("at", "do", "told"),
    [
        ("actor.start", "2*crash->off", ["InjectedCrash", "InjectedCrash", "running"]),
        ("actor.start", "1*crash(when=after)->off", ["InjectedCrash", "running"]),
        ("actor.start", "1*slow(2s)->off", ["running"]),
        ("actor.start", "1*hang->off", ["StartFailed", "running"]),
        ("actor.start", "1*leak(1kB)->off", ["running"]),
    ],
)
def test_a_start_that_fails(faulty, at, do, told):
    """A crash in a start, twice, is followed by another start each time; one that hangs is ended by its timeout."""

    async def kill(system, injector):
        system.cells[CLERK].kill()
        await asyncio.sleep(60)

    run = faulty([{"at": at, "where": CLERK, "do": do}], inputs=(), meanwhile=kill, start_timeout=10.0)
    failed = [event.reason for event in run.told("actor.ended", CLERK) if isinstance(event.reason, Exception)]
    seen = [type(reason).__name__ for reason in failed] + ["running" for _ in run.told("actor.started", CLERK)[1:]]
    assert seen == told
    assert run.counts["actor.start-1"] == (2 if do.startswith("2") else 1)


def test_a_start_that_never_works(faulty):
    """A child that crashes in every start uses the intensity up: the supervisor gives up, and says why."""

    async def kill(system, injector):
        system.cells[CLERK].kill()
        await asyncio.sleep(60)

    run = faulty([{"at": "actor.start", "where": CLERK, "do": "crash(OSError)"}], inputs=(), meanwhile=kill)
    (gave_up,) = run.told("supervisor.gave_up")
    assert (gave_up.child, type(gave_up.reason)) == ("clerk", OSError)
    assert run.kinds == {"crash in start": 1000}


@pytest.mark.parametrize(
    ("do", "reason"),
    [("crash(OSError)", "OSError"), ("crash(OSError, when=after)", "OSError"), ("slow(1s)", "shutdown")],
)
def test_a_stop_that_fails(faulty, do, reason):
    """A crash in `on_stop` is reported, and becomes the reason of the end; a slow one is waited for."""

    async def stop(system, injector):
        await system.ref(CLERK).stop()

    run = faulty([{"at": "actor.stop", "where": CLERK, "do": do}], inputs=(), meanwhile=stop)
    ended = run.told("actor.ended", CLERK)[0].reason
    assert (type(ended).__name__ if isinstance(ended, Exception) else ended.value) == reason
    assert len(run.told("hook.failed", CLERK)) == (reason == "OSError")


@pytest.mark.parametrize(("do", "seconds"), [("hang", 5.0), ("hang(deaf)", 7.0)])
def test_a_stop_that_hangs(faulty, do, seconds):
    """Who does not end in the time that its spec gives it is killed; who is deaf to that as well is given up."""

    async def terminate(system, injector):
        await SupervisorHandle(system.ref("top")).terminate_child("clerk")
        assert system.clock.monotonic() == seconds

    run = faulty([{"at": "actor.stop", "where": CLERK, "do": do}], inputs=(), meanwhile=terminate)
    assert [event.reason for event in run.told("actor.ended", CLERK)][:1] == [Exit.KILLED]
    assert len(run.told("actor.abandoned", CLERK)) == (do == "hang(deaf)")


def test_a_poisoned_message_kills_whoever_gets_it(faulty):
    """Every try of it is a death, of this agent and of any other; others' messages are not touched, and it ends."""
    run = faulty([{"at": "actor.handle", "where": CLERK, "do": "1*poison(MemoryError)->off"}])
    assert run.statuses == DEAD
    assert [(one.subject, one.incarnation, one.number) for one in run.fired] == [("t1", 1, 1), ("t1", 2, 1)]
    assert len(run.told("child.restarting", CLERK)) == 2
    assert len(run.told("task.quarantined", CLERK)) == 1
    assert "MemoryError: injected" in run.outcomes[0].error
    assert len(run.letters) == 1


def test_endless_delegation_goes_round_until_it_is_noticed(faulty):
    """Each agent hands the task on to the next one; the loop is found, and is told with the way of the task."""
    run = faulty([{"at": "actor.handle", "where": PARROT, "do": "1*delegate->off"}], to="parrot", inputs=("a", "b"))
    assert run.statuses == ["failed", "ok"]
    assert "top/parrot > top/bank > top/clerk > top/parrot" in run.outcomes[0].error
    assert run.outcomes[0].task_id == "t1"
    assert [part.agent for part in run.outcomes[0].parts][-1] == PARROT


@pytest.mark.parametrize("kind", ["wrong_type", "missing", "extra", "empty", "truncated", "random"])
@pytest.mark.parametrize("point", ["actor.handle", "tool.call", "tool.serve"])
def test_a_corrupted_output(faulty, point, kind):
    """What is returned is something else than it was; the request gets an answer all the same."""
    right = {"said": "a", "found": 7}
    run = faulty([{"at": point, "where": BANK if point == "tool.serve" else CLERK, "do": f"1*corrupt({kind})->off"}])
    assert run.statuses[1:] == ["ok"] * 3
    assert run.outputs[0] != right
    assert run.outputs[1:] == [{"said": word, "found": 7} for word in "bcd"]
    assert run.kinds == {"corrupted output": 1}
    assert run.fired[0].action.startswith("corrupt(kind=")
    if kind != "random":
        assert run.fired[0].action in (f"corrupt(kind={kind})", "corrupt(kind=wrong_type)")


def test_a_stale_and_a_foreign_output(faulty):
    """A stale output is one that the same agent gave before; a foreign one belongs to another task."""
    for kind in ("stale", "foreign"):
        run = faulty([{"at": "actor.handle", "where": CLERK, "do": f"corrupt({kind})", "on": [2, 4]}])
        said = [output["said"] for output in run.outputs]
        assert said[:3] == ["a", "a", "c"]
        assert said[3] in "abc"


def judged(said):
    """Returns rules with a judge that rejects what it is told to."""

    def look(output, _task):
        return Verdict("strict", accepted=output != said, reason="no")

    return Work(judges=(FunctionJudge(look, name="strict", timeout=5.0),))


@pytest.mark.parametrize(
    ("do", "said", "status"),
    [
        ("lie", "bad", "ok"),
        ("lie", "other", "failed"),
        ("crash", "other", "failed"),
        ("hang", "other", "failed"),
        ("hang(deaf)", "other", "failed"),
        ("slow(1s)", "other", "ok"),
    ],
)
def test_a_judge_that_lies_fails_or_hangs(faulty, do, said, status):
    """A lie is believed; a judge that cannot say is treated as its declaration says, which here is to reject."""
    run = faulty([{"at": "judge", "do": do}], to="parrot", inputs=["bad"], work=judged(said))
    assert ["ok" if outcome.status == "ok" else "failed" for outcome in run.outcomes] == [status]
    assert {one.point for one in run.fired} == {"judge"}
    assert run.answered[0] <= 2 * 5.0


@pytest.mark.parametrize("seed", range(30))
def test_a_judge_that_says_nonsense(faulty, seed):
    """Whatever is wrong with a verdict: the request has an outcome, and the supervisor lives on."""
    run = faulty([{"at": "judge", "do": "corrupt"}], to="parrot", inputs=["bad"], work=judged("other"), seed=seed)
    assert run.statuses[0] in ("ok", "failed", "needs_human")
    assert run.told("actor.ended", "top") == run.told("actor.ended", "top")[:1]


@pytest.mark.parametrize("do", ["crash", "crash(when=during)", "crash(when=after)"])
def test_a_handler_that_does_not_wait(faulty, do):
    """A `def` handler is crashed before; or, since it never waits, when it has done all."""
    run = faulty([{"at": "actor.handle", "where": PARROT, "do": f"1*{do}->off"}], to="parrot")
    assert run.statuses == OK
    assert run.kinds == {"crash": 1}
    assert [event.reason.__class__ for event in run.told("child.restarting", PARROT)] == [InjectedCrash]


THREADS = {
    "crash": ("actor.handle", "1*crash->off", CLERK, OK),
    "crash during": ("actor.handle", "1*crash(when=during, after=2)->off", CLERK, OK),
    "crash in time": ("actor.handle", "1*crash(when=during, after=500ms)->off", CLERK, OK),
    "exit": ("tool.serve", "1*crash(SystemExit)->off", BANK, OK),
    "hang": ("actor.handle", "1*hang->off", CLERK, LATE),
    "deaf hang": ("tool.call", "1*hang(deaf)->off", CLERK, LATE),
    "slow": ("tool.serve", "1*slow(3s)->off", BANK, OK),
    "block": ("actor.handle", "1*block(3s)->off", CLERK, OK),
    "corrupt": ("tool.serve", "1*corrupt(empty)->off", BANK, OK),
    "leak": ("tool.call", "1*leak(1kB)->off", CLERK, OK),
}


@pytest.mark.parametrize("row", THREADS.values(), ids=THREADS)
def test_actors_with_threads_of_their_own(faulty, row):
    """The same happens to actors that run in threads: where a call cannot be cancelled there, it is given up."""
    point, do, path, statuses = row
    run = faulty([{"at": point, "where": path, "do": do}], dispatcher="thread")
    assert [(one.point, one.path) for one in run.fired] == [(point, path)]
    assert run.statuses == statuses
    if "hang" in do:
        assert [event.path for event in run.told("actor.abandoned")] == [CLERK]


def test_a_block_holds_the_loop_of_all_but_a_thread_only_itself(faulty):
    """What blocks on the loop holds everybody up; what blocks in its own thread holds nobody else."""
    for dispatcher, told in (("loop", 1), ("thread", 0)):
        fault = {"at": "actor.handle", "where": CLERK, "do": "1*block(5s)->off"}
        run = faulty([fault], dispatcher=dispatcher, blocked_after=0.3, inputs=("a",))
        assert len(run.told("loop.blocked")) == told


def test_a_leak_lasts_as_long_as_the_incarnation(faulty):
    """Each time a little more is held; a restart frees it, and so does healing."""
    seen = []

    async def look(system, injector):
        seen.append(injector._leaks.bytes)
        system.cells[CLERK].kill()
        seen.append(injector._leaks.bytes)
        await asyncio.sleep(1)
        await system.ref(CLERK).ask("anything")
        seen.append(injector._leaks.bytes)
        injector.heal()
        seen.append(injector._leaks.bytes)

    faulty([{"at": "actor.handle", "where": CLERK, "do": "leak(10kB)"}], meanwhile=look)
    assert seen == [40_000, 0, 10_000, 0]


def test_exceptions_of_allowed_modules(faulty):
    """An exception of the user's own is raised where its module is allowed; otherwise there is no injector at all."""
    fault = {"at": "actor.handle", "where": CLERK, "do": "1*crash(json:JSONDecodeErrr)->off"}
    with pytest.raises(TreeError, match="not allowed"):
        faulty([fault])
    with pytest.raises(TreeError, match="no exception"):
        faulty([fault], allow=["json"])
    run = faulty([fault | {"do": "1*crash(queue:Empty)->off"}], allow=["queue", "_queue"])
    assert [type(event.reason).__name__ for event in run.told("child.restarting")] == ["Empty"]
    assert str(run.told("child.restarting")[0].reason) == "injected: a crash at actor.handle"
