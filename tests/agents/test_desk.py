"""The desk: what waits for a person."""

from __future__ import annotations

import sqlite3

import pytest

from treeward.agents.agent import Agent
from treeward.agents.cases import Case, FileCases, MemoryCases
from treeward.agents.delivery import deliver
from treeward.agents.desk import Desk, escalation
from treeward.agents.errors import ToolRefused, UnknownCase
from treeward.agents.events import CaseAnswered, CaseOpened
from treeward.agents.profile import Profile
from treeward.runtime.actor import Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task

BOTH = pytest.mark.parametrize("database", [None, "desk.db"], ids=["memory", "file"])


class Caller(Agent):
    async def handle(self, task):
        return await task.input(self)


def tree_of(database):
    return {"desk": (Desk, None, {"database": database}), "one": (Caller, Profile(tools=("desk.*",)))}


async def ask(tree, function, **changes):
    outcome = await deliver(tree.ref("one"), Task("ask", function, **changes))
    assert outcome.status == "ok", outcome.error
    return outcome.output


async def show(tree, case):
    return await ask(tree, lambda agent: agent.call("desk.show", case=case))


@BOTH
async def test_a_task_becomes_a_case(grow, database):
    """A task for the desk is a case with what was asked, what is known and when; the outcome names it."""
    async with grow(tree_of(database)) as tree:
        now = tree.system.clock.time()
        task = Task("t", {"text": "help"}, context={"customer": 7})
        outcome = await deliver(tree.ref("desk"), task)
        case = await show(tree, "case-1")
        (told,) = tree.told(CaseOpened)
    assert (outcome.status, outcome.output) == ("needs_human", {"case": "case-1"})
    assert outcome.error == "nobody else could answer (case-1)"
    assert (case["request"], case["context"], case["task"]) == ({"text": "help"}, {"customer": 7}, "t")
    assert (case["opened"], case["answer"]) == (now, None)
    assert (told.case, told.task) == ("case-1", "t")


@BOTH
async def test_an_escalation_says_why(grow, database):
    """A case that another agent escalates has its reason and its draft."""
    async with grow(tree_of(database)) as tree:
        task = Task("t", "help", idempotency_key="k")
        outcome = await deliver(tree.ref("desk"), escalation(task, "too odd", {"amount": 3}))
        case = await show(tree, outcome.output["case"])
    assert (case["request"], case["reason"], case["draft"], case["key"]) == ("help", "too odd", {"amount": 3}, "k/desk")


@BOTH
async def test_one_task_is_one_case(grow, database):
    """However often a task comes, it opens one case; another task opens another."""
    async with grow(tree_of(database)) as tree:
        tasks = [Task("a", "x"), Task("a", "x", attempt=2), Task("b", "x"), Task("c", "x", idempotency_key="a")]
        cases = [(await deliver(tree.ref("desk"), task)).output["case"] for task in tasks]
    assert cases == ["case-1", "case-1", "case-2", "case-1"]


@BOTH
async def test_a_person_answers_a_case(grow, database):
    """An answer is kept with its author and its time, and the case waits no more."""
    async with grow(tree_of(database)) as tree:
        for name in ("a", "b"):
            await deliver(tree.ref("desk"), Task(name, "x"))

        async def answer(agent):
            await agent.call("desk.answer", case="case-1", text="done", by="Ann")
            again = await agent.call("desk.answer", case="case-1", text="done", by="Ann")
            with pytest.raises(ToolRefused, match="case-1 was answered by Ann already"):
                await agent.call("desk.answer", case="case-1", text="no", by="Bob")
            waiting, answered = await agent.call("desk.list"), await agent.call("desk.list", answered=True)
            return [again["answered_by"], [case["id"] for case in waiting], [case["id"] for case in answered]]

        assert await ask(tree, answer) == ["Ann", ["case-2"], ["case-1"]]
        case = await show(tree, "case-1")
        assert (case["answer"], case["answered"]) == ("done", tree.system.clock.time())
        assert [(event.case, event.by) for event in tree.told(CaseAnswered)] == [("case-1", "Ann")]


@BOTH
async def test_a_case_that_is_not_there_is_named(grow, database):
    """An id that no case has is an error to the caller; the desk lives."""
    async with grow(tree_of(database)) as tree:
        await deliver(tree.ref("desk"), Task("a", "x"))

        async def look(agent):
            with pytest.raises(UnknownCase, match="there is no case 'case-11': did you mean case-1"):
                await agent.call("desk.show", case="case-11")
            for word in ("", "case-", "case-x", "1", "case-" + "9" * 30, "' OR 1=1 --"):
                with pytest.raises(UnknownCase):
                    await agent.call("desk.show", case=word)

        await ask(tree, look)
        assert tree.ref("desk").incarnation == 1


@BOTH
async def test_an_agent_may_open_a_case_itself(grow, database):
    """A case can be opened by a tool call; the same call of a task that comes again opens no second one."""
    async with grow(tree_of(database)) as tree:

        async def open_case(agent):
            case = await agent.call("desk.open_case", request="help", reason="odd", context={"a": 1})
            return [case["id"], case["reason"], case["context"]]

        for attempt in (1, 2):
            assert await ask(tree, open_case, attempt=attempt) == ["case-1", "odd", {"a": 1}]


async def test_cases_in_a_file_outlive_the_desk(grow, state_dir):
    """A desk with a database has its cases after a crash and in the next process."""
    async with grow(tree_of("desk.db")) as tree:
        await deliver(tree.ref("desk"), Task("a", "x"))
        tree.ref("desk")._cell.kill()
        assert (await show(tree, "case-1"))["request"] == "x"
        assert tree.ref("desk").incarnation == 2
    async with grow(tree_of("desk.db")) as tree:
        assert (await show(tree, "case-1"))["request"] == "x"
        assert (await deliver(tree.ref("desk"), Task("b", "x"))).output == {"case": "case-2"}
    assert (state_dir / "desk.db").exists()


@pytest.mark.realtime
async def test_a_desk_may_live_in_a_thread():
    """With `dispatcher: thread` the database is used in the desk's own thread."""
    async with ActorSystem() as system:
        ref = system.launch(Factory(Desk, ("desk.db",)), path="desk", dispatcher="thread")
        outcome = await deliver(ref, Task("t", "x", deadline=system.clock.monotonic() + 5))
    assert outcome.output == {"case": "case-1"}


async def test_a_file_that_is_no_database_fails_the_start(state_dir):
    """A desk whose database cannot be used does not start."""
    state_dir.mkdir()
    (state_dir / "desk.db").write_text("this is no database, and long enough to be sure of it" * 100)
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Desk, ("desk.db",)))
        assert not ref.is_alive()
        assert isinstance(ref._cell.end, sqlite3.DatabaseError)


async def test_what_is_no_data_is_kept_as_text(grow):
    """A request that JSON cannot hold does not crash the desk: it is kept as it prints."""
    async with grow(tree_of("desk.db")) as tree:
        outcome = await deliver(tree.ref("desk"), Task("t", {"odd": Odd()}, context={"odd": Odd()}))
        case = await show(tree, outcome.output["case"])
    assert (case["request"], case["context"]) == ({"odd": "an oddity"}, {"odd": "an oddity"})


class Odd:
    def __str__(self):
        return "an oddity"


def stores(path):
    return MemoryCases(), FileCases(path / "deep" / "cases.db")


def test_both_stores_behave_alike(tmp_path):
    """Memory and file keep, find, list and change cases in the same way."""
    histories = []
    for store in stores(tmp_path):
        first = store.keep(Case("k", {"a": [1]}, "why", 1.5, context={"b": None}))
        history = [first, store.keep(Case("k", "other", "other", 2.0)), store.keep(Case("l", "x", "y", 3.0))]
        history += [store.find("case-1"), store.find("case-3"), store.all(answered=False)]
        store.change(Case("k", {"a": [1]}, "why", 1.5, id="case-1", answer="done", answered=4.0, answered_by="Ann"))
        history += [store.all(answered=False), store.all(answered=True), store.find("case-1")]
        histories.append(history)
    assert histories[0] == histories[1]
    assert histories[0][0] == histories[0][1]
