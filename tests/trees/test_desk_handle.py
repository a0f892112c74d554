"""A running tree's desk from Python: cases are listed, read, decided, and heard of, on a loop and in plain threads."""

import asyncio
import sys
import threading

import pytest

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.case import Case
from treeward.agents.desk import PATIENCE
from treeward.agents.errors import NoDesk, ToolRefused, ToolUnavailable, UnknownCase
from treeward.agents.orchestrator import Orchestrator
from treeward.runtime.errors import SystemClosed
from treeward.runtime.telemetry import HookFailed
from treeward.supervisors.escalation import AwaitAnswer
from treeward.trees.runtime import Runtime
from treeward.trees.spec import AgentNode, PoolNode, SupervisorNode, Template, Tree

HERE = __name__


class Clerk(Agent):
    """Wants a person to decide, until one has said something."""

    async def handle(self, task):
        return f"done with {task.feedback[0]}" if task.feedback else NeedsHuman("too odd", "a draft")


class Front(Orchestrator):
    """Has everything done by the clerk, but what it does not understand."""

    def classify(self, task):
        return () if task.input == "???" else ("work",)


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


def desk(name="desk", **changes):
    return AgentNode(agent=name, use="desk", **changes)


CLERK = AgentNode(agent="clerk", use=f"{HERE}:Clerk", handles=["work"])
FRONT = AgentNode(agent="front", use=f"{HERE}:Front")


def runtime(*desks, **changes):
    tree = Tree(name="top", tree=SupervisorNode(supervisor="top", children=[*desks, CLERK, FRONT]), entry="front")
    return Runtime(tree, allow=[HERE], blocked_after=None, **changes)


async def test_cases_are_listed_and_shown():
    """What a request left for a person is a `Case`, with what was asked, why, who had it, and the draft."""
    async with runtime(desk()) as rt:
        outcome = await rt.run("help", key="k")
        (case,) = await rt.desk.list()
        assert outcome.status == "needs_human"
        assert isinstance(case, Case)
        assert case == await rt.desk.show("case-1")
        assert (case.request, case.reason, case.agent, case.draft) == ("help", "too odd", "top/clerk", "a draft")
        assert (case.state, case.kind, case.key) == ("open", "work", "k/work/desk")


@pytest.mark.parametrize(
    ("decide", "state", "text"),
    [
        (lambda desk: desk.answer("case-1", "yes", by="Ann"), "answered", "yes"),
        (lambda desk: desk.return_("case-1", "look again", by="Ann"), "returned", "look again"),
        (lambda desk: desk.drop("case-1", "spam", by="Ann"), "dropped", "spam"),
    ],
)
async def test_cases_are_decided(decide, state, text):
    """Each call returns the case as it is now, with who said what; the lists by state follow."""
    async with runtime(desk(with_={"database": "desk.db"})) as rt:
        await rt.run("help")
        await rt.run("help")
        case = await decide(rt.desk)
        assert (case.state, case.said[-1].text, case.said[-1].by) == (state, text, "Ann")
        assert [one.id for one in await rt.desk.list()] == ["case-2"]
        assert [one.id for one in await rt.desk.list(state)] == ["case-1"]
        assert [one.id for one in await rt.desk.list("all")] == ["case-1", "case-2"]


async def test_a_person_gives_the_work_back_to_the_agent():
    """A case that is returned is done by the agent that had it, with the note, under the same key."""
    async with runtime(desk()) as rt:
        await rt.run("help")
        await rt.desk.return_("case-1", "the date", by="Ann")
        await asyncio.sleep(PATIENCE)
        case = await rt.desk.show("case-1")
    assert (case.state, case.answer, case.said[-1].by) == ("answered", "done with the date", "top/clerk")


async def test_a_request_that_was_not_understood_may_be_returned():
    """The whole request goes to the orchestrator again; if it understands no more than before, it is the same case."""
    async with runtime(desk()) as rt:
        await rt.run("???", key="k")
        assert (await rt.desk.show("case-1")).agent == "top/front"
        await rt.desk.return_("case-1", "think", by="Ann")
        await asyncio.sleep(PATIENCE)
        (case,) = await rt.desk.list("all")
    assert (case.state, case.reason) == ("open", "the request was not understood")
    assert [one.action for one in case.said] == ["returned", "reopened"]


async def test_the_same_request_again_has_the_answer():
    """Once a person has answered, the same request, by its key, is answered in those words."""
    async with runtime(desk()) as rt:
        assert (await rt.run("???", key="k")).status == "needs_human"
        await rt.desk.answer("case-1", "it means yes", by="Ann")
        outcome = await rt.run("???", key="k")
    assert (outcome.status, outcome.output) == ("fallback", "it means yes")


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda desk: desk.show("case-11"), UnknownCase, "there is no case 'case-11': did you mean case-1?"),
        (lambda desk: desk.answer("x", "yes", by="Ann"), UnknownCase, "there is no case 'x': list the cases"),
        (lambda desk: desk.answer("case-1", "", by="Ann"), ToolRefused, "cannot be answered without a word"),
        (lambda desk: desk.list("closed"), Exception, "state is 'closed': input should be 'open', 'answered'"),
    ],
)
async def test_mistakes_are_told(call, error, says):
    """What cannot be done is an error that says what is wrong; the desk lives."""
    async with runtime(desk()) as rt:
        await rt.run("help")
        with pytest.raises(error) as raised:
            await call(rt.desk)
        assert says in str(raised.value)
        assert rt.ref("top/desk").incarnation == 1


# --- which desk -------------------------------------------------------------------------------------


async def test_a_tree_without_a_desk():
    """The error says that there is none, and how to have one."""
    async with runtime() as rt:
        for handle in (rt.desk, rt.desk_at("top/desk")):
            with pytest.raises(NoDesk, match="there is no desk in this tree: add one, such as") as raised:
                await handle.list()
            assert raised.value.desks == ()
        with pytest.raises(NoDesk):
            rt.desk.on_answer(print)


async def test_a_tree_with_several_desks():
    """One has to say which; each has its own cases."""
    async with runtime(desk("first"), desk("second")) as rt:
        with pytest.raises(NoDesk, match="there are 2 desks: say which, top/first or top/second"):
            await rt.desk.list()
        with pytest.raises(NoDesk, match="there is no desk at 'top/secnd': did you mean top/second"):
            await rt.desk_at("top/secnd").list()
        with pytest.raises(NoDesk, match="there is no desk at 'x': expected top/first or top/second"):
            await rt.desk_at("x").list()
        await rt.run("a", to="top/second")
        assert [case.request for case in await rt.desk_at("top/second").list()] == ["a"]
        assert await rt.desk_at("top/first").list() == ()


async def test_a_desk_whose_tools_have_another_namespace():
    """The handle finds the tools of a pool's member, whose names begin with the pool's."""
    pool = PoolNode(pool="people", size=1, child=Template(use="desk"))
    async with runtime(pool) as rt:
        await rt.run("a", to="top/people")
        assert (await rt.desk.answer("case-1", "yes", by="Ann")).answer == "yes"


async def test_a_desk_that_is_being_restarted_is_there():
    """A call waits for the next incarnation, and a crash in the middle of it is passed over."""
    async with runtime(desk(with_={"database": "desk.db"})) as rt:
        await rt.run("help")
        rt.ref("top/desk")._cell.kill()
        assert [case.id for case in await rt.desk.list()] == ["case-1"]
        listing = asyncio.ensure_future(rt.desk.list())
        await asyncio.sleep(0)
        rt.ref("top/desk")._cell.kill()
        assert [case.id for case in await listing] == ["case-1"]


async def test_a_desk_that_does_not_answer():
    """A call ends after half a minute."""
    async with runtime(desk()) as rt:
        rt.ref("top/desk")._cell.actor.handle = lambda task: asyncio.sleep(3600)
        hanging = asyncio.ensure_future(rt.run("a", to="top/desk", deadline=100))
        await asyncio.sleep(1)
        begun = asyncio.get_running_loop().time()
        with pytest.raises(ToolUnavailable, match="did not reply within 30 s"):
            await rt.desk.list()
        assert asyncio.get_running_loop().time() - begun == 30
        hanging.cancel()


async def test_outside_of_the_block():
    """Before the runtime is entered, its desk says that it is not running."""
    with pytest.raises(SystemClosed):
        await runtime(desk()).desk.list()


# --- answers by callback ----------------------------------------------------------------------------


async def test_answers_are_heard_of():
    """`on_answer` calls back with each case that is decided, until it is ended; opening one is no answer."""
    heard = []
    async with runtime(desk()) as rt:
        forget = rt.desk.on_answer(lambda case: heard.append((case.id, case.state, case.said[-1].text)))
        for _ in range(4):
            await rt.run("help")
        await rt.desk.answer("case-1", "yes", by="Ann")
        await rt.desk.drop("case-2", "spam", by="Ann")
        await rt.desk.return_("case-3", "the date", by="Ann")
        await asyncio.sleep(PATIENCE)
        forget()
        await asyncio.sleep(0)
        await rt.desk.answer("case-4", "unheard", by="Ann")
        forget()
    forget()
    assert heard == [
        ("case-1", "answered", "yes"),
        ("case-2", "dropped", "spam"),
        ("case-3", "returned", "the date"),
        ("case-3", "answered", "done with the date"),
    ]


async def test_a_callback_that_raises_changes_nothing():
    """What it raises is told; the others are called, and the desk lives."""
    heard, events = [], []

    def broken(case):
        raise ValueError("broken")

    async with runtime(desk()) as rt:
        rt.observe(events.append)
        rt.desk.on_answer(broken)
        rt.desk.on_answer(heard.append)
        await rt.run("help")
        await rt.desk.answer("case-1", "yes", by="Ann")
        assert (len(heard), rt.ref("top/desk").incarnation) == (1, 1)
    (failed,) = [event for event in events if isinstance(event, HookFailed)]
    assert (failed.path, failed.hook, str(failed.error)) == ("top/desk", "on_answer", "broken")


async def test_a_callback_outlives_the_desk():
    """A desk that was restarted still calls back; one that several processes share tells of answers elsewhere."""
    heard = []
    database = {"database": "desk.db"}
    async with runtime(desk("first", with_=database), desk("second", with_=database)) as rt:
        first, second = rt.desk_at("top/first"), rt.desk_at("top/second")
        first.on_answer(lambda case: heard.append((case.id, case.answer)))
        await rt.run("a", to="top/first")
        await rt.run("b", to="top/first")
        await second.answer("case-1", "yes", by="Ann")
        await asyncio.sleep(1)
        assert heard == [("case-1", "yes")]
        rt.ref("top/first")._cell.kill()
        await second.answer("case-2", "no", by="Ann")  # while the first one is not there
        await asyncio.sleep(5)
    assert heard == [("case-1", "yes"), ("case-2", "no")]


async def test_who_waits_for_a_case_hears_it_too():
    """A callback and whoever waits are told of the same answer."""
    heard = []
    async with runtime(desk()) as rt:
        await rt.run("help")
        rt.desk.on_answer(heard.append)
        waiting = rt.ref("top/desk").ask(AwaitAnswer("case-1"))
        await rt.desk.answer("case-1", "yes", by="Ann")
        assert (await waiting).text == heard[0].answer == "yes"


# --- threads ----------------------------------------------------------------------------------------


@pytest.mark.realtime
def test_plain_threads_block():
    """In a plain thread every call returns its value; a callback comes from the runtime's own thread."""
    heard, told = [], threading.Event()

    def hear(case):
        heard.append((case.answer, threading.current_thread() is threading.main_thread()))
        told.set()

    with runtime(desk(dispatcher="thread", with_={"database": "desk.db"})) as rt:
        assert rt.run("help").status == "needs_human"
        forget = rt.desk.on_answer(hear)
        (case,) = rt.desk.list()
        assert rt.desk.show(case.id) == case
        assert rt.desk.answer(case.id, "yes", by="Ann").state == "answered"
        assert told.wait(5)
        with pytest.raises(UnknownCase):
            rt.desk.drop("case-9", "spam", by="Ann")
        forget()
    assert heard == [("yes", False)]


@pytest.mark.realtime
def test_another_loop_awaits():
    """On an event loop that is not the runtime's own, calls are awaited."""
    with runtime(desk()) as rt:

        async def elsewhere():
            await rt.run("help")
            return await rt.desk.list()

        assert [case.id for case in asyncio.run(elsewhere())] == ["case-1"]
