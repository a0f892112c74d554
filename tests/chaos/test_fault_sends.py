"""Faults on the way of a message: lost, late, twice, in another order, changed; and nothing is held for ever."""

from __future__ import annotations

import asyncio

import pytest

from treeward.agents.agent import Agent
from treeward.runtime.actor import Actor
from treeward.supervisors.requests import WhichChildren

CLERK, PARROT = "top/clerk", "top/parrot"


class Diary(Actor):
    """Writes down what it gets, and when: in the class, so that all incarnations share it."""

    entries: list = []  # noqa: RUF012 - emptied by each test

    def on_receive(self, message):
        now = self.system.clock.monotonic()
        if message == "begin":
            self.subscribe("news")
            self.after(2.0, "tick")
            return None
        if message == "die":
            raise ValueError(message)
        self.entries.append((now, getattr(message, "payload", message)))
        return message


class Slowly(Agent):
    """Takes a second for each task, and notes whose turn it was."""

    done: list = []  # noqa: RUF012 - emptied by each test

    async def handle(self, task):
        await asyncio.sleep(1)
        self.done.append(task.input)
        return task.input


@pytest.fixture(autouse=True)
def empty():
    Diary.entries.clear()
    Slowly.done.clear()


@pytest.fixture
def wrote(faulty):
    """Runs a diary under one fault, and returns what it has written."""

    def run_it(at, do, messages, *, then=5.0, **options):
        async def write(system, injector):
            ref = system.ref("top/diary")
            for message in messages:
                ref.tell(message)
            await asyncio.sleep(0)
            if messages == ["begin"]:
                system.bus.publish("news", "a")
                system.bus.publish("news", "b")
            await asyncio.sleep(then)

        fault = {"at": at, "where": "top/diary", "do": do}
        run = faulty([fault], tree={"diary": Diary}, inputs=(), meanwhile=write, policy="fifo", **options)
        return Diary.entries.copy(), run

    return run_it


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("1*drop->off", [(0, "b"), (0, "c")]),
        ("1*duplicate->off", [(0, "a"), (0, "a"), (0, "b"), (0, "c")]),
        ("1*duplicate(4)->off", [*[(0, "a")] * 4, (0, "b"), (0, "c")]),
        ("1*delay(2s)->off", [(0, "b"), (0, "c"), (2, "a")]),
        ("1*reorder->off", [(0, "b"), (0, "a"), (0, "c")]),
        ("reorder", [(0, "b"), (0, "a"), (1, "c")]),
        ("2*off->1*reorder(3s)->off", [(0, "a"), (0, "b"), (3, "c")]),
        ("1*corrupt(empty)->off", [(0, ""), (0, "b"), (0, "c")]),
        ("1*drop->1*delay(1s)->1*duplicate->off", [(0, "c"), (0, "c"), (1, "b")]),
        ("50%->drop | 50%->delay(1s)", None),
        ("off", [(0, "a"), (0, "b"), (0, "c")]),
    ],
)
def test_messages_on_their_way_into_a_mailbox(wrote, do, expected):
    """Each of three messages comes, or does not, in its turn or later, as the program says."""
    entries, run = wrote("mailbox.put", do, ["a", "b", "c"])
    if expected is not None:
        assert entries == expected
    assert run.visits == {"mailbox.put-1": 3}
    assert len(run.fired) == run.counts["mailbox.put-1"]


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("drop", []),
        ("duplicate", [(2, "tick"), (2, "tick")]),
        ("delay(1s)", [(3, "tick")]),
        ("reorder(2s)", [(4, "tick")]),
        ("corrupt(empty)", [(2, "")]),
    ],
)
def test_timers(wrote, do, expected):
    """What an actor has sent to itself for later is lost, comes twice, or later."""
    entries, run = wrote("timer", do, ["begin"])
    assert [entry for entry in entries if entry[0]] == expected
    assert run.fired[0].point == "timer"


def test_a_late_timer_is_not_for_the_next_incarnation(faulty):
    """A timer dies with its incarnation, also while it is held back."""

    async def die(system, injector):
        ref = system.ref("top/diary")
        ref.tell("begin")
        await asyncio.sleep(2.5)
        ref.tell("die")
        await asyncio.sleep(10)

    run = faulty(
        [{"at": "timer", "where": "top/diary", "do": "delay(1s)"}], tree={"diary": Diary}, inputs=(), meanwhile=die
    )
    assert run.kinds == {"delay": 1}
    assert Diary.entries == []


@pytest.mark.parametrize(
    ("do", "expected"),
    [
        ("1*drop->off", ["b"]),
        ("duplicate", ["a", "a", "b", "b"]),
        ("1*delay(1s)->off", ["b", "a"]),
        ("1*reorder->off", ["b", "a"]),
        ("corrupt(truncated)", ["", ""]),
    ],
)
def test_publications(wrote, do, expected):
    """A subscriber's own copy of what was published; that of others is their own."""
    entries, run = wrote("bus.publish", do, ["begin"])
    assert [word for _, word in entries if word != "tick"] == expected
    assert {(one.point, one.path, one.subject) for one in run.fired} == {("bus.publish", "top/diary", "Published")}


REPLIES = {
    "drop": ("1*drop->off", ["failed", "ok", "ok", "ok"], [30, 31, 32, 33]),
    "duplicate": ("duplicate(3)", ["ok"] * 4, [1, 2, 3, 4]),
    "delay": ("1*delay(10s)->off", ["ok"] * 4, [11, 12, 13, 14]),
    "too late": ("1*delay(10m)->off", ["failed", "ok", "ok", "ok"], [30, 31, 32, 33]),
    "reorder": ("1*reorder(5s)->off", ["ok"] * 4, [6, 7, 8, 9]),
    "corrupt": ("1*corrupt(empty)->off", ["ok"] * 4, [1, 2, 3, 4]),
}


@pytest.mark.parametrize("row", REPLIES.values(), ids=REPLIES)
def test_replies(faulty, row):
    """A lost answer is missed at the deadline, a second one is nobody's, a late one is taken."""
    do, statuses, answered = row
    run = faulty([{"at": "reply", "where": CLERK, "do": do}])
    assert (run.statuses, run.answered) == (statuses, answered)
    assert run.outputs[-1] == {"said": "d", "found": 7}
    assert (run.outputs[0] == {}) == ("corrupt" in do)


def test_a_lost_task_is_missed_at_its_deadline(faulty):
    """Who waits has an outcome at the deadline; the agent is not restarted, as it has done nothing."""
    run = faulty([{"at": "mailbox.put", "where": CLERK, "do": "1*drop->off"}])
    assert (run.statuses, run.answered[0]) == (["failed", "ok", "ok", "ok"], 30.0)
    assert run.told("child.restarting") == []


def test_a_copy_of_a_task_is_done_once_more_for_nobody(faulty):
    """The copy keeps the agent busy, and whoever waits behind it; its answer goes to nobody."""
    run = faulty(
        [{"at": "mailbox.put", "where": "top/slowly", "do": "1*duplicate->off"}],
        tree={"slowly": Slowly}, to="slowly", inputs=("a", "b"),
    )  # fmt: skip
    assert run.outputs == ["a", "b"]
    assert run.answered == [1.0, 3.0]
    assert Slowly.done == ["a", "a", "b"]


def test_tasks_change_places(faulty):
    """Of two tasks to one agent, the second is done first; each has its own answer."""
    run = faulty(
        [{"at": "mailbox.put", "where": "top/slowly", "do": "1*reorder->off"}],
        tree={"slowly": Slowly}, to="slowly", inputs=("a", "b"), at_once=True, policy="fifo",
    )  # fmt: skip
    assert run.outputs == ["a", "b"]
    assert Slowly.done == ["b", "a"]


@pytest.mark.parametrize("do", ["drop", "corrupt", "delay(1h)"])
def test_system_messages_go_their_way(faulty, do):
    """Whatever is wrong with messages and replies: a supervisor is asked, and answers; an actor stops when asked."""

    async def look(system, injector):
        children = await system.ref("top").ask(WhichChildren(), timeout=1.0)
        assert {child.id for child in children} == {"bank", "clerk", "parrot"}
        assert await system.ref(PARROT).stop(timeout=1.0) is True

    faults = [{"at": at, "where": {"role": "any"}, "do": do} for at in ("mailbox.put", "reply", "timer")]
    run = faulty(faults, inputs=(), meanwhile=look)
    assert run.fired == []


def test_what_is_held_back_is_delivered_when_all_is_healed(faulty):
    """Healing lets everything go at once, in its order; from then on nothing is touched."""

    async def heal(system, injector):
        ref = system.ref("top/diary")
        for message in "abc":
            ref.tell(message)
        await asyncio.sleep(1)
        assert Diary.entries == []
        injector.heal()
        await asyncio.sleep(1)
        ref.tell("d")
        await asyncio.sleep(1)
        assert (system.faults, len(injector._held)) == (None, 0)

    run = faulty(
        [{"at": "mailbox.put", "where": "top/diary", "do": "delay(1h)"}],
        tree={"diary": Diary},
        inputs=(),
        meanwhile=heal,
    )
    assert Diary.entries == [(1, "a"), (1, "b"), (1, "c"), (2, "d")]
    assert run.counts == {"mailbox.put-1": 3}
