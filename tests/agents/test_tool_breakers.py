"""Circuit breakers in front of tools."""

from __future__ import annotations

import asyncio

import pytest

from treeward.agents.agent import Agent
from treeward.agents.breakers import all_breakers, tool_breakers
from treeward.agents.calls import ToolCall
from treeward.agents.errors import (
    InvalidArguments,
    InvalidTool,
    ToolNotAllowed,
    ToolRefused,
    ToolUnavailable,
    UnknownTool,
)
from treeward.agents.profile import Profile
from treeward.agents.tools import FUNCTIONS, tool
from treeward.runtime.errors import ActorStopped, MailboxFull
from treeward.runtime.mailbox import MailboxSpec
from treeward.runtime.task import Task
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.breakers.kept import breaker_of, through
from treeward.supervisors.events import BreakerChanged
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.work.policy import Work
from treeward.supervisors.work_errors import BreakerOpen, ModelRetry

SPEC = BreakerSpec(failures=2, slow=5.0, cooldown=4.0)
OWNERS = BreakerSpec(failures=3)
DOWN = BreakerSpec(failures=1)
ASKED: list[str] = []


@pytest.fixture(autouse=True)
def nobody_asked():
    ASKED.clear()


TAKES = {"for a moment": 1, "slow": 6, "refuse slowly": 6, "hang": 1000}
RAISES = {
    "crash": OSError("the line is dead"),
    "refuse": ToolRefused("no"),
    "refuse slowly": ToolRefused("no"),
    "retry": ModelRetry("too short"),
    "unavailable": ToolUnavailable("another.one", "top/another", OSError("down")),
}


async def carry_out(agent, how):
    """Does what a tool is told to do."""
    ASKED.append(how)
    await agent.system.clock.sleep(TAKES.get(how, 0))
    if how in RAISES:
        raise RAISES[how]
    if how == "crash once" and agent.incarnation == 1:
        raise OSError("only once")
    if how == "open inside":
        inside = breaker_of(agent.system, "service", DOWN)
        inside.trip(agent.system.clock.monotonic(), "a test")
        with through(inside, agent.system.clock):
            ASKED.append("the service")
    return 3 if how == "wrong" else "done"


class Bank(Agent):
    @tool(breaker=SPEC)
    async def pay(self, how: str) -> str:
        """Has a breaker of its own."""
        return await carry_out(self, how)

    @tool
    async def look(self, how: str) -> str:
        """Has the breaker of the profile, if there is one."""
        return await carry_out(self, how)

    @tool
    async def pay_twice(self) -> list[str]:
        """Calls a tool of its own."""
        return [await self.call("bank.pay", step, how="well") for step in "ab"]


@tool(name="test_tool_breakers.post", breaker=SPEC)
async def post(how: str) -> str:
    """Is a function with a breaker."""
    ASKED.append(how)
    if how == "crash":
        raise OSError("the line is dead")
    if how == "refuse":
        raise ToolRefused("no")
    if how == "open inside":
        raise BreakerOpen("service", 3.0)
    return "posted"


class Clerk(Agent):
    """Does what its test says, as a task or as a plain message."""

    async def handle(self, task):
        return await task.input(self)

    def on_receive(self, message):
        return super().on_receive(message) if isinstance(message, Task | ToolCall) else message(self)


ANY = Profile(tools=("*",))
AGENTS = {"bank": (Bank,), "clerk": (Clerk, ANY), "other": (Clerk, ANY)}


async def call(tree, how, tool="bank.pay", by="clerk"):
    """Returns the result of a call of a tool, or the error."""

    async def attempt(agent):
        try:
            return await agent.call(tool, how=how)
        except Exception as error:
            return error

    return await tree.ref(by).ask(attempt)


def view(tree, tool="bank.pay"):
    return tool_breakers(tree.system)[tool].view(tree.now)


# --- what counts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("how", "error", "failures"),
    [
        ("well", None, 0),
        ("crash", ToolUnavailable, 1),
        ("wrong", ToolUnavailable, 1),  # the owner crashes over what it does not promise
        ("unavailable", ToolUnavailable, 1),
        ("refuse", ToolRefused, 0),
        ("retry", ModelRetry, 0),
        ("refuse slowly", ToolRefused, 1),
        ("slow", None, 1),
    ],
)
async def test_what_counts_as_a_failure_of_a_tool(grow, how, error, failures):
    """A tool that is not available has failed, and one that is too slow; one that says no has not."""
    async with grow(AGENTS) as tree:
        result = await call(tree, how)
        assert result == "done" if error is None else type(result) is error
        assert (view(tree).failures, view(tree).calls) == (failures, 1)


@pytest.mark.parametrize(
    ("tool", "arguments", "error"),
    [
        ("bank.pai", {"how": "well"}, UnknownTool),
        ("bank.pay", {"how": 3}, InvalidArguments),
        ("bank.look", {"how": "well"}, ToolNotAllowed),
    ],
)
async def test_a_mistake_of_the_caller_is_no_failure_of_the_tool(grow, tool, arguments, error):
    """A tool that is not there, may not be used, or is called with other arguments, has not failed."""

    async def attempt(agent):
        with pytest.raises(error):
            await agent.call(tool, **arguments)

    agents = {"bank": (Bank, Profile(tool_breaker=OWNERS)), "clerk": (Clerk, Profile(tools=("bank.pa*",)))}
    async with grow(agents) as tree:
        await tree.ref("clerk").ask(attempt)
        assert [view(tree, name).failures for name in ("bank.pay", "bank.look")] == [0, 0]


async def calls_at_once(agent, how, times):
    """Returns the results of several calls, or their errors."""
    calls = [agent.call("bank.pay", str(number), how=how) for number in range(times)]
    return await asyncio.gather(*calls, return_exceptions=True)


async def test_an_owner_that_is_gone_is_a_failure(grow):
    """A call whose owner ends before it comes to it counts as a failure."""
    async with grow(AGENTS, restart="temporary") as tree:
        breaker = tool_breakers(tree.system)["bank.pay"]
        waiting = tree.ref("clerk").ask(lambda agent: calls_at_once(agent, "for a moment", 2))
        await asyncio.sleep(0.5)
        await tree.ref("bank").stop()
        done, gone = await waiting
        assert (done, type(gone.cause)) == ("done", ActorStopped)
        assert (breaker.view(tree.now).failures, breaker.view(tree.now).calls) == (1, 2)


async def test_a_full_mailbox_is_a_failure(grow):
    """A call that finds no room at the owner counts as a failure."""
    async with grow(AGENTS, mailbox=MailboxSpec(1, "fail")) as tree:
        done, refused = await tree.ref("clerk").ask(lambda agent: calls_at_once(agent, "for a moment", 2))
        assert (done, type(refused.cause)) == ("done", MailboxFull)
        assert (view(tree).failures, view(tree).calls) == (1, 2)


@pytest.mark.parametrize(("within", "failures"), [(3.0, 1), (None, 0)])
async def test_a_tool_that_hangs_has_failed_at_the_deadline(grow, within, failures):
    """A call without an answer by the task's deadline is a failure; one that nobody waits for any more is none."""

    async def pay(agent):
        return await agent.call("bank.pay", how="hang")

    async with grow(AGENTS) as tree:
        deadline = None if within is None else tree.now + within
        asked = tree.ref("clerk").ask(Task("t", pay, deadline=deadline))
        await asyncio.sleep(3.5)
        asked.cancel()
        await asyncio.sleep(0.5)
        assert view(tree).failures == failures


# --- what it does -----------------------------------------------------------------------------------


async def test_an_open_breaker_keeps_calls_from_the_owner(grow):
    """While a tool's breaker is open, its owner is not asked, and callers get `ToolUnavailable` that says so."""
    async with grow(AGENTS) as tree:
        for _ in range(2):
            await call(tree, "crash")
        error = await call(tree, "well", by="other")
        assert str(error) == ("bank.pay is not available: the circuit breaker of tool:bank.pay is open for another 4 s")
        assert (error.tool, error.owner, type(error.cause)) == ("bank.pay", "top/bank", BreakerOpen)
        assert (ASKED, view(tree).rejected) == (["crash", "crash"], 1)
        assert await call(tree, "well", "bank.look") == "done"


async def test_a_tool_that_works_again_is_found_out_by_one_call(grow):
    """After the cooldown one call is let through; when it goes well, all are."""
    async with grow(AGENTS) as tree:
        for _ in range(2):
            await call(tree, "crash")
        await asyncio.sleep(4)
        both = await asyncio.gather(call(tree, "well"), call(tree, "well", by="other"))
        assert [type(result) for result in both] == [str, ToolUnavailable]
        assert await call(tree, "well", by="other") == "done"
        assert view(tree).state == "closed"


async def test_its_changes_are_events(grow):
    """A tool's breaker tells of its changes under the tool's full name."""
    async with grow(AGENTS) as tree:
        for how in ("crash", "crash"):
            await call(tree, how)
        told = [(event.breaker, event.before, event.now) for event in tree.told(BreakerChanged)]
    assert told == [("tool:bank.pay", "closed", "open")]


async def test_each_try_of_a_call_counts(grow):
    """A call that is given to the owner's next incarnation has failed once, and gone well once."""

    async def pay(agent):
        return await agent.call("bank.pay", how="crash once")

    async with grow(AGENTS) as tree:
        outcome = await tree.ref("clerk").ask(Task("t", pay))
        assert outcome.output == "done"
        assert (view(tree).failures, view(tree).calls) == (1, 2)


async def test_a_call_is_not_tried_again_once_the_breaker_is_open(grow):
    """A try that opens the breaker is the last one, whatever tries the task has left."""

    async def pay(agent):
        with pytest.raises(ToolUnavailable) as caught:
            await agent.call("bank.pay", how="crash")
        return str(caught.value)

    async with grow(AGENTS) as tree:
        outcome = await tree.ref("clerk").ask(Task("t", pay, max_attempts=8))
    assert "the circuit breaker of tool:bank.pay is open" in outcome.output
    assert ASKED == ["crash", "crash"]


async def test_a_breaker_survives_the_owner(grow):
    """What a breaker has counted stays when its tool's owner is restarted, and holds for all who call."""
    async with grow(AGENTS) as tree:
        await call(tree, "crash")
        await call(tree, "crash", by="other")
        assert (view(tree).state, view(tree).failures) == ("open", 2)


async def test_an_owner_passes_the_breaker_of_its_own_tool(grow):
    """An agent that calls a tool of its own goes through the same breaker."""
    async with grow(AGENTS) as tree:
        tool_breakers(tree.system)["bank.pay"].trip(tree.now, "a test")

        async def twice(agent):
            with pytest.raises(ToolUnavailable, match=r"tool:bank\.pay is open"):
                await agent.call("bank.pay_twice")

        await tree.ref("clerk").ask(twice)
        assert ASKED == []


@pytest.mark.parametrize("name", ["bank.look", "test_tool_breakers.post"])
async def test_a_tool_that_meets_an_open_breaker_is_not_available(grow, name):
    """A tool whose own service's breaker is open answers `ToolUnavailable`: nobody crashes."""
    async with grow(AGENTS) as tree:
        error = await call(tree, "open inside", name)
        assert isinstance(error, ToolUnavailable)
        assert "the circuit breaker of service is open" in str(error)
        assert ASKED == ["open inside"]
        assert {tree.system.cells[f"top/{agent}"].incarnation for agent in AGENTS} == {1}


# --- whose it is ------------------------------------------------------------------------------------


async def test_the_owner_has_one_for_all_tools_without_their_own(grow):
    """The profile's breaker is in front of each tool that has none, one breaker a tool."""
    async with grow({**AGENTS, "bank": (Bank, Profile(tool_breaker=OWNERS))}) as tree:
        await call(tree, "crash", "bank.look")
        found = tool_breakers(tree.system)
        assert {name: found[name].spec for name in found if name.startswith("bank.")} == {
            "bank.look": OWNERS,
            "bank.pay": SPEC,
            "bank.pay_twice": OWNERS,
        }
        assert [view(tree, name).failures for name in ("bank.look", "bank.pay", "bank.pay_twice")] == [1, 0, 0]


async def test_the_owner_passes_its_profiles_breaker(grow):
    """The profile's breaker is also in front of what its agent calls of its own tools."""

    async def look(agent):
        with pytest.raises(OSError, match="the line is dead"):
            await agent.call("bank.look", how="crash")

    class Busy(Bank):
        def on_receive(self, message):
            return super().on_receive(message) if isinstance(message, ToolCall) else message(self)

    async with grow({"bank": (Busy, Profile(tool_breaker=OWNERS))}) as tree:
        await tree.ref("bank").ask(look)
        assert view(tree, "bank.look").failures == 1


async def test_a_function_may_have_one(grow):
    """A function's breaker counts what leaves it but a refusal, and keeps it from being run while it is open."""
    async with grow(AGENTS) as tree:
        results = [await call(tree, how, "test_tool_breakers.post") for how in ("ok", "refuse", "crash", "crash", "ok")]
        assert [type(result) for result in results] == [str, ToolRefused, OSError, OSError, ToolUnavailable]
        assert view(tree, "test_tool_breakers.post").state == "open"
        assert len(ASKED) == 4


async def test_a_tool_without_one_has_none(grow):
    """Where nobody asks for a breaker, there is none, however often a tool fails."""
    async with grow(AGENTS) as tree:
        for _ in range(9):
            await call(tree, "crash", "bank.look")
        assert set(tool_breakers(tree.system)) & {"bank.look", "bank.pay"} == {"bank.pay"}


async def test_breakers_of_tools_are_listed_before_the_first_call(grow):
    """All tools with a breaker are listed with it, those of functions too, called or not."""
    async with grow(AGENTS) as tree:
        found = tool_breakers(tree.system)
        assert {name: breaker.view(tree.now).calls for name, breaker in found.items()} == {
            "bank.pay": 0,
            **{name: 0 for name, spec in FUNCTIONS.items() if spec.breaker is not None},
        }


async def test_a_tool_can_be_switched_off_and_on_by_hand(grow):
    """A tool's breaker that is held open lets no call through, held closed all of them."""
    async with grow(AGENTS) as tree:
        breaker = tool_breakers(tree.system)["bank.pay"]
        breaker.force("open", tree.now)
        assert "until it is closed by hand" in str(await call(tree, "well"))
        breaker.force("closed", tree.now)
        for _ in range(9):
            await call(tree, "crash")
        assert await call(tree, "well") == "done"


@pytest.mark.realtime
async def test_a_caller_in_a_thread_passes_it_too(grow):
    """An agent in a thread of its own goes through the same breaker, and its changes are told."""
    async with grow(AGENTS, dispatcher="thread") as tree:
        for _ in range(2):
            await call(tree, "crash")
        assert isinstance((await call(tree, "well")).cause, BreakerOpen)
        assert [event.now for event in tree.told(BreakerChanged)] == ["open"]


# --- all of a runtime -------------------------------------------------------------------------------


def polite(output, task):
    return True


async def test_all_breakers_of_a_runtime_are_listed_by_name(grow):
    """Those of children, judges, tools and calls are listed under the names of their events, used or not."""
    work = Work(breaker=DOWN, judges=(FunctionJudge(polite, breaker=DOWN), FunctionJudge(polite, name="other")))
    async with grow({"bank": (Bank,)}, work=work) as tree:
        mine = breaker_of(tree.system, "model:large", DOWN)
        found = all_breakers(tree.system)
        functions = {f"tool:{name}" for name, spec in FUNCTIONS.items() if spec.breaker is not None}
        assert set(found) - functions == {"top/bank", "top/bank judge polite", "tool:bank.pay", "model:large"}
        assert found["model:large"] is mine
        for breaker in found.values():
            breaker.force("open", tree.now)
        assert {event.breaker for event in tree.told(BreakerChanged)} == set(found)
        assert all_breakers(tree.system) == found


async def test_nothing_is_listed_where_nothing_is_declared(grow):
    """A child whose spec has no breaker, and whose judges have none, is not listed."""
    async with grow({"clerk": (Clerk,)}, work=Work(judges=(FunctionJudge(polite),))) as tree:
        assert [name for name in all_breakers(tree.system) if not name.startswith("tool:")] == []


# --- mistakes ---------------------------------------------------------------------------------------


def test_a_tools_breaker_is_a_spec():
    """Something else as a tool's breaker is refused where it is declared."""
    with pytest.raises(InvalidTool, match=r"wrong cannot be a tool: its breaker is 5: expected a BreakerSpec"):

        @tool(breaker=5)
        def wrong() -> None:
            pass

    assert "test_tool_breakers.wrong" not in FUNCTIONS


def test_a_profiles_breaker_is_a_spec():
    """Something else as a profile's breaker is refused in words."""
    with pytest.raises(TypeError, match="tool_breaker is 5: expected a BreakerSpec, or None"):
        Profile(tool_breaker=5)
