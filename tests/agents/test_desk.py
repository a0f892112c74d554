"""The desk: what waits for a person."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from treeward.agents.agent import Agent
from treeward.agents.calls import ToolCall
from treeward.agents.delivery import deliver
from treeward.agents.desk import LOOK, PATIENCE, Desk
from treeward.agents.errors import ToolRefused, UnknownCase
from treeward.agents.events import CaseAnswered, CaseOpened
from treeward.agents.orchestrator import Orchestrator
from treeward.agents.profile import Profile
from treeward.runtime.actor import Factory
from treeward.runtime.errors import ActorCrashed, ActorStopped, AskTimeout
from treeward.runtime.evidence import AttemptRecord, Evidence
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Outcome, Task
from treeward.runtime.usage import Usage
from treeward.supervisors.escalation import DESK, AwaitAnswer, HumanAnswer, escalated
from treeward.supervisors.work.ladder import Escalate
from treeward.supervisors.work.policy import Work

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


def decided(tree):
    return [(event.case, event.by, event.action) for event in tree.told(CaseAnswered)]


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
    assert (case["opened"], case["state"], case["said"]) == (now, "open", [])
    assert (case["trace"], case["agent"], case["kind"]) == ("t", "", None)
    assert outcome.rung == "escalate"
    assert (told.case, told.task) == ("case-1", "t")


EVIDENCE = Evidence(
    attempts=(AttemptRecord("top/billing", 1, "first", "transient", "no line", seconds=2.0),),
    spent=Usage(cost=0.25),
    partial={"amount": 3},
    breakers={"top/billing": "open"},
    reason="transient",
)


@BOTH
async def test_an_escalation_says_why(grow, database):
    """A case that is escalated has reason, agent, kind, draft and the evidence, as JSON has it."""
    async with grow(tree_of(database)) as tree:
        task = Task("t", "help", kind="billing", idempotency_key="k", trace="r")
        told = escalated(task, "too odd", "top/billing", {"amount": 3}, EVIDENCE)
        outcome = await deliver(tree.ref("desk"), told)
        case = await show(tree, outcome.output["case"])
    expected = ("help", "too odd", {"amount": 3}, "k/desk", "top/billing", "billing", "r")
    assert tuple(case[name] for name in ("request", "reason", "draft", "key", "agent", "kind", "trace")) == expected
    evidence = case["evidence"]
    assert (evidence["attempts"][0]["error"], evidence["spent"]["cost"], evidence["breakers"], evidence["partial"]) == (
        "no line",
        0.25,
        {"top/billing": "open"},
        {"amount": 3},
    )


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
            listed = [await agent.call("desk.list", state=state) for state in ("open", "answered", "dropped", "all")]
            assert await agent.call("desk.list") == listed[0]
            return [again["said"][0]["by"], *([case["id"] for case in cases] for cases in listed)]

        assert await ask(tree, answer) == ["Ann", ["case-2"], ["case-1"], [], ["case-1", "case-2"]]
        case = await show(tree, "case-1")
        assert (case["answer"], case["state"]) == ("done", "answered")
        assert case["said"][0] | {"key": ""} == {
            "action": "answered",
            "text": "done",
            "by": "Ann",
            "at": tree.system.clock.time(),
            "key": "",
        }
        assert decided(tree) == [("case-1", "Ann", "answered")]


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


@BOTH
@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        (lambda: {"odd": Odd()}, {"odd": "an oddity"}),
        (lambda: b"\xff", "b'\\xff'"),
        (lambda: in_itself(), "[[[...]]]"),
        (lambda: 10**5000, "<int>"),
        (lambda: {"text": "help", "kind": "x"}, {"text": "help", "kind": "x"}),
    ],
    ids=["an object", "bytes", "a list in itself", "a number that cannot be written", "a mapping"],
)
async def test_what_is_no_data_is_kept_as_text(grow, database, request_, kept):
    """A request that JSON cannot hold does not crash the desk: it is kept as it prints."""
    async with grow(tree_of(database)) as tree:
        task = Task("t", request_(), kind=DESK, context={"odd": Odd()})
        outcome = await deliver(tree.ref("desk"), task)
        case = await show(tree, outcome.output["case"])
        assert tree.ref("desk").incarnation == 1
    assert (case["request"], case["context"]) == (kept, {"odd": "an oddity"})


def in_itself():
    found = []
    found.append(found)
    return found


class Odd:
    def __str__(self):
        return "an oddity"


# --- a case that is decided, and its task -----------------------------------------------------------


async def act(tree, tool, case="case-1", *, desk="desk", by="Ann", **words):
    """Does what a person does, through the desk's tools; each time as a call of its own."""
    key = tree.system.entropy.new_id()
    await ask(tree, lambda agent: agent.call(f"{desk}.{tool}", key, case=case, by=by, **words))
    return await ask(tree, lambda agent: agent.call(f"{desk}.show", case=case))


@BOTH
@pytest.mark.parametrize(
    ("tool", "words", "state"),
    [
        ("answer", {"text": "done"}, "answered"),
        ("return_case", {"note": "look again"}, "returned"),
        ("drop", {"reason": "spam"}, "dropped"),
    ],
)
async def test_what_a_person_does(grow, database, tool, words, state):
    """Each action is kept in the case, and told with who did it; without a word it is refused."""
    async with grow(tree_of(database) | {"worker": (Worker, None, {"says": "hang"})}) as tree:
        await deliver(tree.ref("desk"), escalated(Task("t", "x"), "odd", "top/worker"))
        (word,) = words
        with pytest.raises(AssertionError, match=f"case-1 cannot be {state} without a word"):
            await act(tree, tool, **{word: "  "})
        case = await act(tree, tool, **words)
        assert (case["state"], case["said"][-1]["text"], case["said"][-1]["by"]) == (state, words[word], "Ann")
        assert decided(tree) == [("case-1", "Ann", state)]


@BOTH
@pytest.mark.parametrize(
    ("tool", "words", "expected"),
    [
        ("answer", {"text": "done"}, ("fallback", "done", None, "escalate")),
        ("drop", {"reason": "x"}, ("failed", {"case": "case-1"}, "case-1 was dropped by Ann: x", "escalate")),
    ],
)
async def test_a_task_whose_case_is_closed(grow, database, tool, words, expected):
    """The same task, once more at the desk, has the person's answer, or has failed; it opens no second case."""
    async with grow(tree_of(database)) as tree:
        await deliver(tree.ref("desk"), escalated(Task("t", "x"), "odd"))
        await act(tree, tool, **words)
        outcome = await deliver(tree.ref("desk"), escalated(Task("t", "x"), "odd again"))
        assert (outcome.status, outcome.output, outcome.error, outcome.rung) == expected
        assert len(tree.told(CaseOpened)) == 1
        assert (await show(tree, "case-1"))["reason"] == "odd"


@BOTH
async def test_a_task_that_escalates_again_is_the_same_case(grow, database):
    """A case that waits has what is known last; it is told again that it waits."""
    async with grow(tree_of(database)) as tree:
        for reason in ("odd", "odder"):
            outcome = await deliver(tree.ref("desk"), escalated(Task("t", "x"), reason))
            assert (outcome.output, outcome.error) == ({"case": "case-1"}, f"{reason} (case-1)")
        assert [event.reason for event in tree.told(CaseOpened)] == ["odd", "odder"]
        assert (await show(tree, "case-1"))["reason"] == "odder"


# --- whoever waits for the answer -------------------------------------------------------------------


@asynccontextmanager
async def waited_for(grow, database, count=1, **more):
    """A tree with a case, and so many who wait for its answer."""
    async with grow(tree_of(database) | more) as tree:
        await deliver(tree.ref("desk"), escalated(Task("t", "x"), "odd"))
        waiting = [tree.ref("desk").ask(AwaitAnswer("case-1")) for _ in range(count)]
        await asyncio.sleep(0.5)
        assert not any(reply.done() for reply in waiting)
        yield tree, waiting


@BOTH
@pytest.mark.parametrize(
    ("tool", "words", "action"),
    [
        ("answer", {"text": "so"}, "answered"),
        ("return_case", {"note": "so"}, "returned"),
        ("drop", {"reason": "so"}, "dropped"),
    ],
)
async def test_who_waits_gets_the_answer(grow, database, tool, words, action):
    """All who wait for a case are told at once what a person made of it; the desk works on meanwhile."""
    async with waited_for(grow, database, 3) as (tree, waiting):
        assert (await deliver(tree.ref("desk"), Task("other", "y"))).output == {"case": "case-2"}
        now = tree.now
        await act(tree, tool, **words)
        answers = await asyncio.gather(*waiting)
        assert (answers, tree.now) == ([HumanAnswer("case-1", action, "so", "Ann")] * 3, now)


@BOTH
@pytest.mark.parametrize(
    ("tool", "words", "action"), [("answer", {"text": "so"}, "answered"), ("drop", {"reason": "so"}, "dropped")]
)
async def test_who_comes_late_gets_the_answer_at_once(grow, database, tool, words, action):
    """A case that is closed needs no waiting."""
    async with waited_for(grow, database, 0) as (tree, _):
        await act(tree, tool, **words)
        answer = await tree.ref("desk").ask(AwaitAnswer("case-1"))
    assert answer == HumanAnswer("case-1", action, "so", "Ann")


async def test_waiting_for_a_case_that_is_not_there(grow):
    """Who waits for a case that nobody has is told so; the desk lives."""
    async with waited_for(grow, None, 0) as (tree, _):
        with pytest.raises(UnknownCase, match="did you mean case-1"):
            await tree.ref("desk").ask(AwaitAnswer("case-11"))
        tree.ref("desk").tell(AwaitAnswer("case-1"))  # nobody to reply to
        assert (await act(tree, "answer", text="so"))["answer"] == "so"
        assert tree.ref("desk").incarnation == 1


@BOTH
async def test_who_does_not_wait_any_more_is_forgotten(grow, database):
    """A waiter that is cancelled, or whose time is over, leaves nothing behind."""
    async with waited_for(grow, database, 2) as (tree, waiting):
        room = tree.ref("desk")._cell.actor._room
        with pytest.raises(AskTimeout):
            await tree.ref("desk").ask(AwaitAnswer("case-1"), timeout=5)
        waiting[0].cancel()
        await asyncio.sleep(0)
        assert room.count("case-1") == 1
        waiting[1].cancel()
        await asyncio.sleep(0)
        assert (room.count(), room._waiting) == (0, {})
        assert (await act(tree, "answer", text="so"))["state"] == "answered"


async def test_a_crash_of_the_desk_is_told_to_who_waits(grow):
    """Who waits when the desk dies hears of the crash, may ask its next incarnation, and gets the answer from there."""
    async with waited_for(grow, "desk.db", 2) as (tree, waiting):
        tree.ref("desk")._cell.kill(ValueError("disk"))
        for reply in waiting:
            with pytest.raises(ActorCrashed, match=r"top/desk \(incarnation 1\) crashed: ValueError: disk"):
                await reply
        again = tree.ref("desk").ask(AwaitAnswer("case-1"))
        await act(tree, "answer", text="so")
        assert (await again).text == "so"


async def test_an_orderly_end_is_told_to_who_waits(grow):
    """Who waits when the desk is stopped hears that it is stopped."""
    async with waited_for(grow, None, 1) as (tree, (waiting,)):
        await tree.ref("desk").stop()
        with pytest.raises(ActorStopped):
            await waiting


async def test_many_waiters_do_not_fill_the_mailbox(grow):
    """Who waits takes no room in a bounded mailbox."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Desk), path="desk", mailbox=MailboxSpec(2, "fail"))
        await deliver(ref, Task("t", "x"))
        waiting = []
        for _ in range(10):
            waiting.append(ref.ask(AwaitAnswer("case-1")))
            await asyncio.sleep(0)
        assert (await deliver(ref, Task("u", "x"))).output == {"case": "case-2"}
        for reply in waiting:
            reply.cancel()


# --- a case that is returned ------------------------------------------------------------------------


class Worker(Agent):
    """Fails until a person has said something, or for ever; notes what it got."""

    got = ()

    def __init__(self, says="done", kind=None):
        self.says = says

    async def handle(self, task):
        Worker.got += (task,)
        match self.says:
            case "hang":
                await asyncio.sleep(3600)
            case "fail":
                return Outcome(task.id, "failed", "half", error="no luck")
            case "escalate":
                return await deliver(self.system.ref("top/desk"), escalated(task, "odd again", self.path))
            case "mind" if not task.feedback:
                return Outcome(task.id, "failed", error="no luck")
            case "slowly":
                await asyncio.sleep(60)
        await asyncio.sleep(1)
        return f"done with {task.feedback[0]}"


@pytest.fixture
def worker(monkeypatch):
    monkeypatch.setattr(Worker, "got", ())
    return lambda says="done": {"worker": (Worker, None, {"says": says})}


OLD_TASK = Task("t", "x", kind="billing", context={"a": 1}, deadline=0.5, idempotency_key="k", trace="r", attempt=3)


async def returned(tree, task=OLD_TASK):
    await deliver(tree.ref("desk"), escalated(task, "odd", "top/worker"))
    await act(tree, "return_case", note="mind the date")


@BOTH
async def test_a_returned_task_is_tried_again(grow, worker, database):
    """Nobody waits: the agent that had it gets the task anew, with the note; its answer is the case's."""
    async with grow(tree_of(database) | worker()) as tree:
        await returned(tree)
        await asyncio.sleep(PATIENCE + 2)
        case = await show(tree, "case-1")
        assert (case["state"], case["answer"]) == ("answered", "done with mind the date")
        assert [(one["action"], one["by"]) for one in case["said"]] == [("returned", "Ann"), ("answered", "top/worker")]
        assert decided(tree) == [("case-1", "Ann", "returned"), ("case-1", "top/worker", "answered")]
    (got,) = Worker.got
    assert (got.id, got.input, got.kind, got.context, got.idempotency_key) == ("t", "x", "billing", {"a": 1}, "k")
    assert (got.attempt, got.deadline, got.trace, got.feedback) == (1, None, "r", ("mind the date",))


@BOTH
async def test_a_second_try_that_fails_opens_the_case_again(grow, worker, database):
    """The case waits once more, with the new reason; it can be answered then."""
    async with grow(tree_of(database) | worker("fail")) as tree:
        await returned(tree)
        await asyncio.sleep(PATIENCE + 1)
        case = await show(tree, "case-1")
        assert (case["state"], case["reason"], case["draft"]) == ("open", "no luck", "half")
        assert [one["action"] for one in case["said"]] == ["returned", "reopened"]
        assert [event.reason for event in tree.told(CaseOpened)] == ["odd", "no luck"]
        assert (await act(tree, "answer", text="so"))["state"] == "answered"


@BOTH
async def test_a_second_try_that_escalates_is_the_same_case(grow, worker, database):
    """A returned task that comes back to the desk opens its old case, once."""
    async with grow(tree_of(database) | worker("escalate")) as tree:
        await returned(tree)
        await asyncio.sleep(PATIENCE + 1)
        case = await show(tree, "case-1")
        assert (case["state"], case["reason"]) == ("open", "odd again")
        assert [one["action"] for one in case["said"]] == ["returned", "reopened"]
        assert len(await ask(tree, lambda agent: agent.call("desk.list", state="all"))) == 1


@BOTH
async def test_a_person_may_be_faster_than_the_second_try(grow, worker, database):
    """A case that is answered while its task is tried again stays as the person has answered it."""
    async with grow(tree_of(database) | worker("slowly")) as tree:
        await returned(tree)
        await asyncio.sleep(PATIENCE + 0.5)
        with pytest.raises(AssertionError, match="case-1 is being tried again by top/worker: wait, or answer it"):
            await act(tree, "return_case", note="again")
        await act(tree, "answer", text="so")
        await asyncio.sleep(100)
        assert (await show(tree, "case-1"))["answer"] == "so"
    assert len(Worker.got) == 1


@BOTH
async def test_a_returned_task_whose_agent_is_gone(grow, database):
    """Where the agent lives no more, the case is open again and says so."""
    async with grow(tree_of(database)) as tree:
        await returned(tree)
        await asyncio.sleep(PATIENCE + 1)
        case = await show(tree, "case-1")
    assert (case["state"], case["reason"]) == ("open", "top/worker, which had it, is gone")


@BOTH
async def test_a_case_without_an_agent_cannot_be_returned(grow, database):
    """What came from no agent is answered or dropped; if somebody waits for it, that one gets it back."""
    async with waited_for(grow, database, 1) as (tree, (waiting,)):
        await act(tree, "return_case", note="so")
        assert (await waiting).action == "returned"
        await deliver(tree.ref("desk"), escalated(Task("t", "x"), "odd"))
        with pytest.raises(AssertionError, match="case-1 came from no agent that could try again: answer it, or drop"):
            await act(tree, "return_case", note="so")
        await ask(tree, lambda agent: agent.call("desk.open_case", request="x", reason="y", context={}))
        with pytest.raises(AssertionError, match="case-2 came from no agent"):
            await act(tree, "return_case", "case-2", note="so")


@BOTH
async def test_who_waits_tries_again_itself(grow, worker, database):
    """If somebody waits for a returned case, the desk leaves the second try to that one."""
    async with grow(tree_of(database) | worker()) as tree:
        await deliver(tree.ref("desk"), escalated(OLD_TASK, "odd", "top/worker"))
        waiting = tree.ref("desk").ask(AwaitAnswer("case-1"))
        await act(tree, "return_case", note="so")
        assert (await waiting) == HumanAnswer("case-1", "returned", "so", "Ann")
        await asyncio.sleep(PATIENCE + 5)
        assert (await show(tree, "case-1"))["state"] == "returned"
        later = replace(OLD_TASK, deadline=None)
        outcome = await deliver(tree.ref("desk"), escalated(later, "still odd", "top/worker"))
        assert (outcome.status, (await show(tree, "case-1"))["state"]) == ("needs_human", "open")
    assert Worker.got == ()


async def test_a_second_try_outlives_the_desk(grow, worker):
    """A desk that dies while a task is tried again has the answer in its next incarnation."""
    async with grow(tree_of("desk.db") | worker()) as tree:
        await returned(tree)
        await asyncio.sleep(PATIENCE + 0.5)
        tree.ref("desk")._cell.kill()
        await asyncio.sleep(2)
        assert (await show(tree, "case-1"))["answer"] == "done with mind the date"
    assert len(Worker.got) == 1


async def test_a_return_is_not_forgotten_by_a_desk_that_dies(grow, worker):
    """What was returned and not yet tried is tried by the next incarnation, or in the next process."""
    async with grow(tree_of("desk.db") | worker()) as tree:
        await returned(tree)
        tree.ref("desk")._cell.kill()
        await asyncio.sleep(0.1)
        assert Worker.got == ()
    async with grow(tree_of("desk.db") | worker()) as tree:
        await asyncio.sleep(PATIENCE + 2)
        assert (await show(tree, "case-1"))["answer"] == "done with mind the date"
    assert len(Worker.got) == 1


async def test_who_comes_before_the_second_try_gets_the_case(grow, worker):
    """Somebody who waits for a returned case that nobody has begun on gets it; one who comes later gets the answer."""
    async with grow(tree_of("desk.db") | worker()) as tree:
        await returned(tree)
        assert (await tree.ref("desk").ask(AwaitAnswer("case-1"))).action == "returned"
        await asyncio.sleep(PATIENCE + 5)
        assert Worker.got == ()
        await deliver(tree.ref("desk"), escalated(OLD_TASK, "odd", "top/worker"))
        await act(tree, "return_case", note="once more")
        await asyncio.sleep(PATIENCE + 0.5)
        answer = await tree.ref("desk").ask(AwaitAnswer("case-1"))
    assert answer == HumanAnswer("case-1", "answered", "done with once more", "top/worker")
    assert len(Worker.got) == 1


# --- with a recovery ladder --------------------------------------------------------------------------


class Chief(Orchestrator):
    def classify(self, task):
        return ("billing",)


def guarded(grow, worker, wait=None):
    """A tree in which all that fails is escalated to the desk."""
    agents = tree_of("desk.db") | worker | {"chief": (Chief,)}
    agents["worker"] = (Worker, Profile(handles=("billing",)), agents["worker"][2])
    return grow(agents, work=Work(recovery=(Escalate(to="desk", wait=wait),)))


async def test_what_a_ladder_has_escalated_is_not_escalated_again(grow, worker):
    """An orchestrator leaves a case as it is that its worker's ladder has opened: reason, agent and evidence stay."""
    async with guarded(grow, worker("fail")) as tree:
        outcome = await deliver(tree.ref("chief"), Task("t", "x", idempotency_key="k"))
        case = await show(tree, "case-1")
        assert [event.reason for event in tree.told(CaseOpened)] == ["no luck"]
    assert (outcome.status, outcome.error) == ("needs_human", "billing: no luck (case-1)")
    assert (case["reason"], case["agent"], case["key"]) == ("no luck", "top/worker", "k/billing/desk")
    assert [attempt["agent"] for attempt in case["evidence"]["attempts"]] == ["top/worker"]


@pytest.mark.parametrize(
    ("tool", "words", "status", "output"),
    [
        ("answer", {"text": "so"}, "fallback", "so"),
        ("return_case", {"note": "the date"}, "ok", "done with the date"),
        ("drop", {"reason": "spam"}, "failed", None),
    ],
)
async def test_a_task_that_waits_ends_as_a_person_says(grow, worker, tool, words, status, output):
    """A task that waits for its case is completed, tried again, or ended, when the person has decided."""
    async with guarded(grow, worker("fail" if status != "ok" else "mind"), wait=3600.0) as tree:
        waiting = asyncio.ensure_future(deliver(tree.ref("worker"), Task("t", "x")))
        await asyncio.sleep(600)
        assert not waiting.done()
        await act(tree, tool, **words)
        outcome = await waiting
    assert (outcome.status, outcome.output) == (status, output)


# --- several desks on one file ----------------------------------------------------------------------


def two_desks(**more):
    desks = {"desk": (Desk, None, {"database": "desk.db"}), "other": (Desk, None, {"database": "desk.db"})}
    return desks | {"one": (Caller, Profile(tools=("desk.*", "other.*")))} | more


@asynccontextmanager
async def shared(grow, **more):
    """Two desks on one file, as two processes would have it; the first has a case."""
    async with grow(two_desks(**more)) as tree:
        await deliver(tree.ref("desk"), escalated(OLD_TASK, "odd", "top/worker"))
        yield tree


@pytest.mark.parametrize(
    ("tool", "words", "action"),
    [
        ("answer", {"text": "so"}, "answered"),
        ("return_case", {"note": "so"}, "returned"),
        ("drop", {"reason": "so"}, "dropped"),
    ],
)
async def test_an_answer_elsewhere_is_found_at_the_next_look(grow, worker, tool, words, action):
    """Who waits at one desk is told what a person does at another, within a second; the task is tried once."""
    async with shared(grow, **worker()) as tree:
        waiting = tree.ref("desk").ask(AwaitAnswer("case-1"))
        await asyncio.sleep(5.5)
        begun = tree.now
        await act(tree, tool, desk="other", **words)
        assert (await waiting) == HumanAnswer("case-1", action, "so", "Ann")
        assert tree.now - begun <= LOOK
        await asyncio.sleep(PATIENCE + 5)
    assert Worker.got == ()


async def test_a_desk_looks_only_while_somebody_waits(grow):
    """Without anybody who waits, a desk on a file sets no timer."""
    async with shared(grow) as tree:
        desk = tree.ref("desk")._cell.actor
        assert desk._looking is None
        waiting = tree.ref("desk").ask(AwaitAnswer("case-1"))
        await asyncio.sleep(3)
        assert desk._looking.active
        waiting.cancel()
        await asyncio.sleep(2 * LOOK)
        assert desk._looking is None


async def test_a_return_elsewhere_that_nobody_waits_for(grow, worker):
    """The desk at which it was returned has the task tried again; both know the answer."""
    async with shared(grow, **worker()) as tree:
        await act(tree, "return_case", desk="other", note="mind the date")
        await asyncio.sleep(PATIENCE + 2)
        answer = await tree.ref("desk").ask(AwaitAnswer("case-1"))
    assert answer.text == "done with mind the date"
    assert len(Worker.got) == 1


@pytest.mark.realtime
async def test_a_desk_in_a_thread_answers_later_too():
    """With `dispatcher: thread`, who waits for an answer holds up neither the thread nor the loop."""
    async with ActorSystem() as system:
        ref = system.launch(Factory(Desk, ("desk.db",)), path="desk", dispatcher="thread")
        await deliver(ref, Task("t", "x"))
        waiting = ref.ask(AwaitAnswer("case-1"))
        gone = ref.ask(AwaitAnswer("case-1"))
        assert (await deliver(ref, Task("u", "x"))).output == {"case": "case-2"}
        gone.cancel()
        call = ToolCall("desk.answer", {"case": "case-1", "text": "so", "by": "Ann"}, "call")
        await ref.ask(call)
        assert (await waiting) == HumanAnswer("case-1", "answered", "so", "Ann")


def test_every_desk_offers_the_desk():
    """The kind of the tasks that are escalated is what every desk handles."""
    assert Desk.handles == (DESK,)
