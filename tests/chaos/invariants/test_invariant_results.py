"""I2: what is said of replies, judges, breakers and budgets that let too much through."""

from types import SimpleNamespace

import pytest

from treeward.chaos.invariants.breakers import BreakersHold
from treeward.chaos.invariants.budgets import WithinBudget
from treeward.chaos.invariants.judged import Judged
from treeward.chaos.invariants.replies import OneReply
from treeward.chaos.invariants.tasks import LATE
from treeward.runtime.faults import HANDLE, REPLY, Visit
from treeward.runtime.reply import Reply
from treeward.runtime.task import Task
from treeward.runtime.usage import Limits, Usage
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.bank import bank_of
from treeward.supervisors.budgets.budget import Budget, Call
from treeward.supervisors.escalation import DESK
from treeward.supervisors.events import (
    BreakerChanged,
    JudgeFailed,
    OutputJudged,
    TaskAccepted,
    TaskRecovering,
    TaskSettled,
)
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.judges.seat import JUDGE
from treeward.supervisors.work.attempt import Attempt
from treeward.supervisors.work.guard import guard_of
from treeward.supervisors.work.policy import Work


def fine(output, task):
    return True


BOOKS = SimpleNamespace(let_begin=lambda: None, charge=lambda usage: None, left=lambda **_: None)


def settled(on, task="t1", status="ok", rung="first", output=True):
    on.tell(TaskSettled("top/a", 1, on.now, task, "t1", status, rung, output))


def begins(on, task="t1", **fields):
    """A handler begins with an attempt at a task."""
    task = Task(task, "x", trace="t1", **fields)
    reply = Attempt(on.cell("a"), task, BOOKS)
    on.invariant.call(Visit(HANDLE, "top/a", 1, task, reply), print)
    return reply


# --- replies ----------------------------------------------------------------------------------------


def handled(on, reply):
    on.invariant.call(Visit(HANDLE, "top/a", 1, "a message", reply), print)


def answered(on, reply, visit=None):
    sent = []
    visit = visit or Visit(REPLY, "top/a", 1, "a message", reply)
    on.invariant.send(visit, sent.append, "value")
    assert sent == ["value"]
    return visit


async def test_one_answer(stage):
    """A message that is handled once is answered once."""
    async with stage(OneReply(), "a") as on:
        for _ in range(2):
            reply = Reply(loop=on.system.loop)
            handled(on, reply)
            answered(on, reply)
        assert on.told == []


async def test_two_answers(stage):
    """Two answers of one run of a handler are a violation, also if they say the same."""
    async with stage(OneReply(), "a") as on:
        reply = Reply(loop=on.system.loop)
        handled(on, reply)
        answered(on, reply)
        answered(on, reply)
        assert on.told == ["top/a: str has had 2 answers, and was handled 1 time"]


async def test_doubled_answers(stage):
    """An answer that a fault has doubled is one answer; a message that it has doubled may be answered twice."""
    async with stage(OneReply(), "a") as on:
        reply = Reply(loop=on.system.loop)
        handled(on, reply)
        visit = answered(on, reply)
        answered(on, reply, visit)
        handled(on, reply)
        answered(on, reply)
        assert on.told == []
        on.invariant.closed(on)
        assert on.invariant._owed == {}


# --- judges -----------------------------------------------------------------------------------------


def judged(stage, *judges):
    return stage(Judged(), "a", child={"work": Work(judges=judges or (FunctionJudge(fine, name="fine"),))})


def asked(on, judge="fine", task="t1"):
    submission = SimpleNamespace(task=Task(task, "x"))
    on.invariant.call(Visit(JUDGE, "top/a", 0, submission, name=judge), print)


def ruled(on, accepted=True):
    on.tell(OutputJudged("top/a", 1, on.now, "t1", "t1", accepted, ""))


async def test_accepted(stage):
    """What the judges have accepted in its attempt goes on."""
    async with judged(stage) as on:
        begins(on)
        asked(on)
        ruled(on, accepted=False)
        begins(on, attempt=2)
        asked(on)
        ruled(on)
        settled(on, rung="revise")
        assert on.told == []


async def test_judged_before(stage):
    """What was accepted in an earlier attempt says nothing of this one."""
    async with judged(stage) as on:
        begins(on)
        asked(on)
        ruled(on)
        begins(on, attempt=2)
        settled(on, rung="retry")
        assert on.told == ["top/a: task t1 is ok by retry, and no judge accepted it"]


async def test_rejected(stage):
    """What the judges have rejected does not go on."""
    async with judged(stage) as on:
        begins(on)
        asked(on)
        ruled(on, accepted=False)
        settled(on, status="partial")
        assert on.told == ["top/a: task t1 is partial by first, and no judge accepted it"]


async def test_not_asked(stage):
    """Each judge is asked, or fails; of those who are made of several, one of their members at least."""
    judges = tuple(FunctionJudge(fine, name=name) for name in ("fine", "fine", "short", "many"))
    async with judged(stage, *judges) as on:
        begins(on)
        asked(on)
        asked(on, "many/first")
        on.tell(JudgeFailed("top/a", 1, on.now, "short", "t1", "it hangs"))
        ruled(on)
        settled(on)
        assert on.told == ["top/a: task t1 is ok by first, and fine-2 was not asked"]


@pytest.mark.parametrize(
    ("status", "rung", "output"),
    [
        ("fallback", "fallback", True),
        ("fallback", "cheaper", True),
        ("partial", "skip", True),
        ("needs_human", "first", True),
        ("failed", "first", False),
        ("canceled", "restart", False),
        ("dead_letter", "restart", False),
    ],
)
async def test_not_its_own(stage, status, rung, output):
    """What is somebody else's, or a person's to decide, or nothing at all, need not be judged here."""
    async with judged(stage) as on:
        begins(on)
        settled(on, status=status, rung=rung, output=output)
        assert on.told == []


async def test_other_judges(stage):
    """Judges that come or go with a reload while a task is judged need not be asked."""
    async with judged(stage) as on:
        begins(on)
        on.cell("a").policy = Work(judges=(FunctionJudge(fine, name="strict"),))
        asked(on, "strict")
        ruled(on)
        settled(on)
        assert on.told == []


async def test_without_judges(stage):
    """A child without judges is judged by nobody; a task that was not begun is nothing to judge."""
    async with stage(Judged(), "a") as on:
        begins(on)
        settled(on)
        on.tell(TaskAccepted("top/a", 1, 0.0, "t2", "t2", None, 0, None))
        settled(on, "t2")
        asked(on, task="t3")
        ruled(on)
        assert on.told == []


# --- breakers ---------------------------------------------------------------------------------------


def guarded(stage):
    return stage(BreakersHold(), "a", child={"work": Work(breaker=BreakerSpec(cooldown=5.0))})


def changed(on, now, before="closed", breaker="top/a"):
    on.tell(BreakerChanged("top/a", 1, on.now, breaker, before, now, ""))


async def test_closed(stage):
    """Behind a closed breaker everything runs; so does what began before it opened."""
    async with guarded(stage) as on:
        begins(on, "t1")
        changed(on, "open")
        settled(on, "t1")
        changed(on, "closed")
        begins(on, "t2")
        assert on.told == []


@pytest.mark.parametrize("state", ["open", "forced_open"])
async def test_open(stage, state):
    """Nothing begins behind an open breaker; but a person is asked, and what is no guarded attempt is let alone."""
    async with guarded(stage) as on:
        changed(on, state)
        begins(on, "t1")
        begins(on, "t2", kind=DESK)
        on.invariant.call(Visit(HANDLE, "top/a", 1, "a message"), print)
        assert on.told == [f"top/a: task t1 began, though the breaker is {state}"]


async def test_breakers_of_others(stage):
    """The breaker of a judge or a tool is not the child's own."""
    async with guarded(stage) as on:
        changed(on, "open", breaker="top/a judge fine")
        begins(on)
        assert on.told == []


async def test_one_probe(stage):
    """Behind a half-open breaker one after the other begins: when the state changes, or the task has ended."""
    async with guarded(stage) as on:
        changed(on, "half_open")
        begins(on, "t1")
        settled(on, "t1")
        begins(on, "t2")
        changed(on, "open")
        changed(on, "half_open")
        begins(on, "t3").cancel()
        begins(on, "t4")
        on.now += 5.0
        begins(on, "t5")  # the one before counts as lost
        for task in ("t2", "t3", "t4", "t5"):
            settled(on, task)
        assert on.told == []


@pytest.mark.parametrize(("rivals", "words"), [(1, "another one"), (2, "2 others")])
async def test_two_probes(stage, rivals, words):
    """Others that begin while the probe is under way are a violation, told when its task has ended."""
    async with guarded(stage) as on:
        changed(on, "half_open")
        attempt = begins(on, "t1")
        on.invariant.call(Visit(HANDLE, "top/a", 1, attempt.task, attempt), print)  # a doubled message
        for number in range(rivals):
            begins(on, f"u{number}")
        assert on.told == []
        changed(on, "closed", "half_open")
        settled(on, "t1")
        assert on.told == [f"top/a: {words} began while the half-open breaker's probe, task t1, was under way"]


@pytest.mark.parametrize(
    ("status", "deadline", "after", "count"),
    [
        ("canceled", None, 0.0, 0),
        ("canceled", None, LATE, 0),
        ("canceled", None, 1.0, 1),
        ("failed", 0.0, LATE, 0),
        ("failed", 0.0, 1.0, 1),
        ("failed", 99.0, 0.0, 1),
        ("ok", None, 0.0, 1),
    ],
)
async def test_probe_that_is_cut_off(stage, status, deadline, after, count):
    """A task that is cut off gives its place back a moment before its end is told."""
    async with guarded(stage) as on:
        changed(on, "half_open")
        begins(on, "t1", deadline=deadline)
        begins(on, "t2")
        on.now += after
        settled(on, "t1", status)
        assert len(on.told) == count


async def test_probe_that_is_cut_off_in_a_long_moment(stage):
    """The moment may be long, if the loop is held."""
    async with guarded(stage) as on:
        changed(on, "half_open")
        begins(on, "t1")
        begins(on, "t2")
        on.leap(10.0)
        settled(on, "t1", "canceled")
        on.invariant.closed(on)
        assert (on.told, on.leaps) == ([], [])


async def test_open_at_first(stage):
    """A breaker that is open when the watch begins is known to be."""
    async with guarded(stage) as on:
        guard_of(on.cell("a")).breaker.trip(0.0, "by hand")
        on.begin()
        begins(on)
        assert len(on.told) == 1


async def test_without_a_breaker(stage):
    """A child whose breaker was taken away is behind none."""
    async with guarded(stage) as on:
        changed(on, "open")
        on.cell("a").policy = Work()
        begins(on)
        assert on.told == []


# --- budgets ----------------------------------------------------------------------------------------

DEAR = Budget(limits=Limits(cost=1.0, tokens=100), per="life")


def limited(stage, *budgets):
    return stage(WithinBudget(), "a", child={"work": Work(budgets=budgets or (DEAR,))})


def wanted(on, task="t1", again=False):
    details = (1, "unknown", "", "retry", 0.0, "") if again else (None, 0, None)
    kind = TaskRecovering if again else TaskAccepted
    on.tell(kind("top/a", 1, on.now, task, "t1", *details))


def spend(on, cost, trace="t1"):
    """Somebody spends so much of the child's own budgets."""
    wall = on.system.clock.time()
    for ledger in guard_of(on.cell("a")).ledgers.of(trace, wall, bank_of(on.system)):
        hold = ledger.enter(Call("other"), wall)
        ledger.settle(hold, Usage(cost=cost), 0.0, 0, wall)


async def test_within_budget(stage):
    """Until a limit is passed everything begins, and so does what was admitted before."""
    async with limited(stage) as on:
        guard_of(on.cell("a"))
        for task in ("t1", "t2", "t3"):
            wanted(on, task)
        begins(on, "t1")
        spend(on, 1.0)
        begins(on, "t2")
        spend(on, 0.5)
        begins(on, "t3")
        assert on.told == []


@pytest.mark.parametrize("again", [False, True])
async def test_over_budget(stage, again):
    """What is asked for once a limit is passed does not begin, be it a new task or a new attempt."""
    async with limited(stage) as on:
        wanted(on, "t1")
        wanted(on, "t2")
        spend(on, 1.5)
        begins(on, "t1")
        wanted(on, "t2", again=again)
        begins(on, "t2")
        settled(on, "t2")
        assert on.told == ["top/a: task t2 began, though top/a has spent 1.5 cost of 1"]


async def test_desk_has_no_budget(stage):
    """A person is asked also if nothing is left; and whoever has no budget needs none."""
    async with limited(stage) as on:
        spend(on, 1.5)
        for task in ("t1", "t2"):
            wanted(on, task)
            begins(on, task, kind=DESK)
        on.cell("a").policy = Work()
        wanted(on, "t3")
        begins(on, "t3")
        assert on.told == []


async def test_budget_of_another_request(stage):
    """Of a budget per task, each request has its own."""
    async with limited(stage, Budget(limits=Limits(cost=1.0), per="task")) as on:
        for task in ("t1", "t2"):
            spend(on, 1.5, trace="another")
            wanted(on, task)
            begins(on, task)
        assert on.told == []


async def test_reservations(stage):
    """When all is done nothing is reserved any more; while a task is in hand, something may be."""
    async with limited(stage) as on:
        guard = guard_of(on.cell("a"))
        wall = on.system.clock.time()
        (ledger,) = guard.ledgers.of("t1", wall, bank_of(on.system))
        ledger.enter(Call("other"), wall)

        def look(*tasks):
            view = SimpleNamespace(path="top/a", tasks=tasks, budgets=guard.ledgers.views(wall))
            view.walk = lambda: [view]
            on.runtime = SimpleNamespace(snapshot=lambda: view)
            on.invariant.settled(on)

        look("in hand")
        assert on.told == []
        look()
        assert on.told[0].startswith("top/a: 1 calls have Spending(")
        on.invariant.closed(on)
