"""I1 and I2, of tasks: what is said of one that ends late, twice, or never, or that is tried too often."""

import pytest

from treeward.agents.events import CaseAnswered
from treeward.chaos.invariants.tasks import LATE, DeadlineInherited, NoMoreAttempts, OneEnd, RequestsEnd, TasksEnd
from treeward.chaos.world import Request
from treeward.runtime.faults import HANDLE, Visit
from treeward.runtime.task import Outcome, Task
from treeward.supervisors.events import TaskAccepted, TaskSettled
from treeward.supervisors.work.attempt import Attempt


def accepted(on, task="t1", deadline=None, path="a", trace="t1", parent=None):
    on.tell(TaskAccepted(f"top/{path}", 1, on.now, task, trace, parent, 0, deadline))


def settled(on, task="t1", status="ok", path="a", trace="t1"):
    on.tell(TaskSettled(f"top/{path}", 1, on.now, task, trace, status, "first", True))


# --- I1: tasks --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("at", "count"), [(9.0, 0), (10.0, 0), (10.0 + LATE, 0), (10.0 + LATE + 0.001, 1)])
async def test_in_time(stage, at, count):
    """A task ends by its deadline, and the last look at what there is."""
    async with stage(TasksEnd(), "a") as on:
        accepted(on, deadline=10.0)
        on.now = at
        settled(on, status="partial")
        assert len(on.told) == count


async def test_late(stage):
    """How much later than it may is said."""
    async with stage(TasksEnd(), "a") as on:
        accepted(on, deadline=10.0)
        on.now = 12.0
        settled(on, status="failed")
        assert on.told == [f"top/a: task t1 ended {2.0 - LATE - 1e-6:.6f} s later than it may, as failed"]


async def test_late_from_the_beginning(stage):
    """A task that comes after its deadline has the time of the last look."""
    async with stage(TasksEnd(), "a") as on:
        on.now = 20.0
        accepted(on, deadline=10.0)
        on.now += LATE
        settled(on)
        assert on.told == []


async def test_while_the_loop_was_held(stage):
    """Time in which nothing could run does not count: only that since the task came."""
    async with stage(TasksEnd(), "a") as on:
        on.leap(5.0)
        accepted(on, deadline=10.0)
        on.leap(30.0)
        on.now += LATE
        settled(on)
        accepted(on, deadline=on.now)
        on.now += 1.0
        settled(on)
        assert len(on.told) == 1


async def test_not_ended(stage):
    """A task whose time was up long ago, and one that is not settled when all is closed, end in nothing."""
    async with stage(TasksEnd(), "a") as on:
        accepted(on, "t1", deadline=10.0)
        accepted(on, "t2")
        on.now = 11.0
        on.invariant.settled(on)
        on.invariant.closed(on)
        assert on.told == [
            "top/a: task t1 has not ended, and its deadline was 10.000000 s",
            "top/a: task t1, taken on at 0.000000 s, never ended: it ends in nothing",
            "top/a: task t2, taken on at 0.000000 s, never ended: it ends in nothing",
        ]
        assert on.leaps == []


async def test_without_a_deadline(stage):
    """A task without a deadline takes as long as it takes; one that was there before is not known."""
    async with stage(TasksEnd(), "a") as on:
        settled(on, "before")
        accepted(on)
        on.now = 1e6
        settled(on)
        on.invariant.settled(on)
        on.invariant.closed(on)
        assert on.told == []


# --- I1: requests -----------------------------------------------------------------------------------


async def test_requests(stage):
    """An accepted request has an outcome, in time, as whoever gave it sees it."""
    done = Outcome("t", "ok", 1)
    async with stage(RequestsEnd(), "a") as on:
        on.leap(1.0)
        on.accepted = (
            Request("in time", "x", task="t1", accepted_at=0.0, deadline=10.0, outcome=done, ended_at=11.05),
            Request("late", "x", task="t2", accepted_at=0.0, deadline=10.0, outcome=done, ended_at=12.0),
            Request("for ever", "x", task="t3", accepted_at=0.0, outcome=done, ended_at=1e6),
            Request("lost", "x", task="t4", accepted_at=0.0),
        )
        on.invariant.closed(on)
        assert on.told == [
            "late (task t2) had its outcome 0.949999 s later than it may",
            "lost (task t4) was accepted, and has no outcome",
        ]


# --- I2: one end ------------------------------------------------------------------------------------


async def test_one_end(stage):
    """A task is settled as often as it is taken on: the same one at two children, or twice at one."""
    async with stage(OneEnd(), "a", "b") as on:
        accepted(on)
        accepted(on, path="b")
        settled(on, path="b")
        settled(on)
        accepted(on)
        settled(on)
        assert on.told == []


async def test_two_ends(stage):
    """A task that is settled once more is a violation."""
    async with stage(OneEnd(), "a") as on:
        accepted(on)
        settled(on)
        settled(on, status="failed")
        assert on.told == ["top/a: task t1 was settled once more, as failed"]


# --- I2: deadlines ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "parent", "deadline", "count"),
    [
        ("t1", None, 10.0, 0),
        ("t1", None, 5.0, 0),
        ("t1", None, 11.0, 1),
        ("t1", None, None, 1),
        ("t2", "t1", 10.0, 0),
        ("t2", "t1", 10.5, 1),
        ("t2", "t1", None, 1),
        ("t3", "unknown", None, 0),
    ],
)
async def test_deadline(stage, task, parent, deadline, count):
    """Whoever gets a task, or a part of it, has no more time than whoever gave it."""
    async with stage(DeadlineInherited(), "a", "b") as on:
        accepted(on, deadline=10.0)
        accepted(on, task, deadline, "b", parent=parent)
        assert len(on.told) == count


async def test_deadline_text(stage):
    """It is said whose deadline has grown, and from what."""
    async with stage(DeadlineInherited(), "a", "b") as on:
        accepted(on, deadline=10.0)
        accepted(on, deadline=None, path="b")
        accepted(on, "t2", deadline=12.0, path="b", parent="t1")
        assert on.told == [
            "top/b: task t1 has the deadline none: it was given with 10.000000 s",
            "top/b: task t2 has the deadline 12.000000 s: it was given with 10.000000 s",
        ]


async def test_deadline_of_another_request(stage):
    """A request that comes again after its end, and another one, have deadlines of their own."""
    async with stage(DeadlineInherited(), "a", "b") as on:
        accepted(on, deadline=10.0)
        accepted(on, "u1", 99.0, "b", trace="u1")
        settled(on)
        accepted(on, deadline=20.0)
        assert on.told == []


async def test_deadline_of_a_returned_case(stage):
    """What a person gives again has no deadline."""
    async with stage(DeadlineInherited(), "a", "desk") as on:
        accepted(on, deadline=10.0)
        accepted(on, "t2", 10.0, parent="t1")
        on.tell(CaseAnswered("top/desk", 1, on.now, "case-1", "t2", "Ann", "returned"))
        accepted(on, "t2", None, parent="t1")
        assert on.told == []


# --- I2: attempts -----------------------------------------------------------------------------------


def begins(on, number=1, key="t1", attempt=None):
    """A handler begins with an attempt at a step."""
    task = Task("t1", "x", attempt=number, max_attempts=3, idempotency_key=key)
    reply = attempt or Attempt(on.cell("a"), task, None)
    on.invariant.call(Visit(HANDLE, "top/a", 1, task, reply), print)
    return reply


async def test_attempts(stage):
    """A step is begun as often as it may; parts have attempts of their own, and so has the next request."""
    async with stage(NoMoreAttempts(), "a") as on:
        accepted(on)
        for number in (1, 2, 3):
            begins(on, number)
            begins(on, number, "t1/part")
        settled(on)
        accepted(on)
        begins(on, 1)
        assert on.told == []


async def test_one_attempt_too_many(stage):
    """One attempt more than the task may have is a violation, whatever number it bears."""
    async with stage(NoMoreAttempts(), "a") as on:
        accepted(on)
        for number in (1, 1, 2, 3):
            begins(on, number)
        begins(on, 9, "t1/part")
        assert on.told == [
            "task t1 is tried 4 times: expected 3 at most",
            "task t1 is tried 9 times: expected 3 at most",
        ]


async def test_doubled_message(stage):
    """A message that a fault has doubled is the same attempt; who is no part of a known request is not counted."""
    async with stage(NoMoreAttempts(), "a") as on:
        accepted(on)
        attempt = begins(on)
        for _ in range(5):
            begins(on, attempt=attempt)
        settled(on)
        for _ in range(5):
            begins(on)
        on.invariant.call(Visit(HANDLE, "top/a", 1, "a message"), print)
        assert on.told == []
