"""An agent: tasks, tools, and what it tells."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.calls import ToolCall
from treeward.agents.delivery import deliver
from treeward.agents.errors import (
    InvalidArguments,
    InvalidTool,
    ToolError,
    ToolNotAllowed,
    ToolRefused,
    ToolUnavailable,
    UnknownTool,
)
from treeward.agents.events import TaskBegun, TaskEnded, ToolCalled
from treeward.agents.profile import Profile
from treeward.agents.tools import IdempotencyKey, tool
from treeward.runtime.actor import Factory
from treeward.runtime.cell import Cell
from treeward.runtime.errors import ActorCrashed, AskTimeout, StartFailed
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Outcome, Part, Task, Usage
from treeward.supervisors.spec import Backoff
from treeward.supervisors.work_errors import WorkError

PAYMENTS = Profile(tools=("payments.*", "test_agent.double"))
KEYS: list[str] = []
LATER = Backoff(initial=1.0, factor=1.0, max=1.0, jitter="none")


@pytest.fixture(autouse=True)
def no_keys():
    KEYS.clear()


class AlreadyRefunded(ToolRefused):
    """A refusal of a tool's own."""


@tool
def double(number: int) -> int:
    """Returns twice the number."""
    return 2 * number


@tool(name="test_agent.secret")
def secret() -> str:
    """Is for nobody here."""
    return "s"


class Payments(Agent):
    """A desk: tools only."""

    @tool(effect=True)
    async def refund(self, payment: int, key: IdempotencyKey) -> dict[str, Any]:
        """Gives a payment back."""
        KEYS.append(key)
        if payment == 0:
            raise AlreadyRefunded("payment 0 was refunded before")
        if payment == 13:
            raise RuntimeError("a bug")
        if payment == 14 and self.incarnation == 1:
            raise RuntimeError("only once")
        if payment == 99:
            await self.system.clock.sleep(100)
        return {"payment": payment, "incarnation": self.incarnation}

    @tool
    def wrong(self) -> int:
        """Returns what it does not promise."""
        return "three"

    @tool
    async def twice(self, payment: int) -> list[dict[str, Any]]:
        """Calls another tool of its own."""
        return [await self.call("payments.refund", step, payment=payment) for step in ("first", "second")]


class Worker(Agent):
    """Does what its test says: the input is a function of the agent and the task."""

    async def handle(self, task):
        return await task.input(self, task)


async def work(tree, function, name="one", **changes):
    changes = {"deadline": tree.now + 10, **changes}
    return await deliver(tree.ref(name), Task("t", function, **changes))


DESK = {"payments": (Payments,), "one": (Worker, PAYMENTS)}


# --- tasks ------------------------------------------------------------------------------------------


class Simple(Agent):
    def handle(self, task):
        match task.input:
            case "human":
                return NeedsHuman("too odd", "a draft")
            case "outcome":
                return Outcome("?", "fallback", 1, (Part("other", "ok", 2),), Usage(model_calls=3), "by rules")
            case _:
                return task.input


async def test_a_plain_method_is_enough(grow):
    """`handle` may be a plain method; what it returns is the output."""
    async with grow({"one": (Simple,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", {"a": 1}))
    assert (outcome.status, outcome.output, outcome.error) == ("ok", {"a": 1}, None)


async def test_a_person_may_be_needed(grow):
    """`NeedsHuman` makes the outcome `needs_human`, with the reason and what there is so far."""
    async with grow({"one": (Simple,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", "human"))
    assert (outcome.status, outcome.output, outcome.error) == ("needs_human", "a draft", "too odd")
    assert outcome.parts[0].output == "a draft"


async def test_a_whole_outcome_may_be_returned(grow):
    """An `Outcome` keeps what it says; its id, its time and the agent's own part are filled in."""
    async with grow({"one": (Simple,)}) as tree:
        outcome = await deliver(tree.ref("one"), Task("t", "outcome"))
    assert (outcome.task_id, outcome.status, outcome.output, outcome.error) == (
        "t",
        "fallback",
        1,
        "by rules",
    )
    assert [(part.agent, part.attempts) for part in outcome.parts] == [("other", 2), ("top/one", 1)]
    assert outcome.usage == Usage(model_calls=3)


async def test_an_agent_that_only_has_tools_says_so(grow):
    """A task for an agent without `handle` fails, and says what to do."""
    async with grow({"payments": (Payments,)}) as tree:
        outcome = await deliver(tree.ref("payments"), Task("t", "x"))
    assert outcome.status == "failed"
    assert "override handle()" in outcome.error


async def test_an_agent_sees_what_it_reads(grow):
    """The context of a task is cut to the profile's `reads`; without one, all of it is seen."""

    async def seen(_agent, task):
        return dict(task.context)

    agents = {
        "all": (Worker,),
        "some": (Worker, Profile(reads=("a", "z"))),
        "none": (Worker, Profile(reads=())),
    }
    async with grow(agents) as tree:
        facts = {"a": 1, "b": 2}
        outputs = [(await work(tree, seen, name, context=facts)).output for name in agents]
    assert outputs == [{"a": 1, "b": 2}, {"a": 1}, {}]


async def test_a_task_is_told_of(grow):
    """Each task in hand is an event when it begins and when it ends, with its ids, attempt, status and time."""

    async def two_seconds(agent, _task):
        await agent.system.clock.sleep(2)

    async with grow({"one": (Worker,)}) as tree:
        await work(tree, two_seconds, kind="nap", trace="r")
        (begun,), (ended,) = tree.told(TaskBegun), tree.told(TaskEnded)
    assert (begun.path, begun.task, begun.trace, begun.kind) == ("top/one", "t", "r", "nap")
    assert (ended.status, ended.seconds, ended.error, ended.at - begun.at) == ("ok", 2.0, None, 2.0)


async def test_a_cancelled_task_is_told_of(grow):
    """A task that nobody waits for any more ends as `canceled`."""

    async def wait(agent, _task):
        await agent.system.clock.sleep(50)

    async with grow({"one": (Worker,)}) as tree:
        waiting = asyncio.ensure_future(work(tree, wait))
        await asyncio.sleep(1)
        waiting.cancel()
        await asyncio.sleep(0.1)
        (ended,) = tree.told(TaskEnded)
    assert (ended.status, ended.seconds) == ("canceled", 1.0)


async def test_a_task_that_was_only_told_ends_at_its_deadline(grow):
    """A deadline holds too where no reply is waited for."""

    async def wait(agent, _task):
        await agent.system.clock.sleep(50)

    async with grow({"one": (Worker,)}) as tree:
        tree.ref("one").tell(Task("t", wait, deadline=tree.now + 3))
        await asyncio.sleep(10)
        (ended,) = tree.told(TaskEnded)
    assert (ended.status, ended.seconds) == ("failed", 3.0)


async def test_a_timeout_of_the_agents_own_is_a_crash(grow):
    """A TimeoutError that is not the deadline's is the agent's own error."""

    async def own_timeout(_agent, _task):
        raise TimeoutError("mine")

    async with grow({"one": (Worker,)}) as tree:
        outcome = await work(tree, own_timeout, max_attempts=1)
    assert "TimeoutError: mine" in outcome.error


async def test_log_lines_carry_the_task(grow, caplog):
    """While a task is in hand its id and trace stand in every log line, and afterwards no more."""

    async def log(agent, _task):
        agent.log.info("hello")

    with caplog.at_level(logging.INFO, logger="treeward"):
        async with grow({"one": (Worker,)}) as tree:
            await work(tree, log, trace="r")
            tree.system.telemetry.log.info("after")
    (line,) = [record for record in caplog.records if record.message == "hello"]
    assert (line.task, line.trace, line.actor, line.incarnation) == ("t", "r", "top/one", 1)
    (line,) = [record for record in caplog.records if record.message == "after"]
    assert not hasattr(line, "task")


async def test_other_messages_reach_on_receive(grow):
    """A subclass may handle messages of its own, and pass on the rest."""

    class Chatty(Simple):
        def on_receive(self, message):
            return "hi" if message == "hello" else super().on_receive(message)

    async with grow({"one": (Chatty,)}) as tree:
        assert await tree.ref("one").ask("hello") == "hi"
        assert (await deliver(tree.ref("one"), Task("t", 1))).output == 1
        tree.ref("one").tell("unknown")
        await asyncio.sleep(0.1)
        assert [letter.message for letter in tree.system.dead_letters] == ["unknown"]


@pytest.mark.realtime
async def test_an_agent_may_live_in_a_thread():
    """With `dispatcher: thread`, tasks and tools work as on the loop."""
    async with ActorSystem() as system:
        payments = system.launch(Factory(Payments), path="payments", dispatcher="thread")
        await payments.ask("anything")  # what replies has started: nobody starts these two in order
        attributes = {"profile": PAYMENTS}
        one = system.launch(Factory(Worker, attributes=attributes), path="one", dispatcher="thread")

        async def call(agent, _task):
            return [
                await agent.call("payments.refund", payment=7),
                await agent.call("test_agent.double", number=2),
            ]

        outcome = await deliver(one, Task("t", call, deadline=system.clock.monotonic() + 5))
    assert outcome.output == [{"payment": 7, "incarnation": 1}, 4]
    assert outcome.usage.tool_calls == 2


# --- tools ------------------------------------------------------------------------------------------


async def test_a_tool_of_another_agent_is_called_by_its_id(grow):
    """A method that is a tool is called by its agent's id and its name; the call counts as usage."""

    async def call(agent, _task):
        return await agent.call("payments.refund", payment=7)

    async with grow(DESK) as tree:
        outcome = await work(tree, call)
        (called,) = tree.told(ToolCalled)
    assert outcome.output == {"payment": 7, "incarnation": 1}
    assert outcome.usage == Usage(tool_calls=1)
    assert (called.path, called.task, called.tool, called.owner) == (
        "top/one",
        "t",
        "payments.refund",
        "top/payments",
    )
    assert called.error is None


async def test_a_namespace_may_be_given(grow):
    """The profile's namespace, where there is one, takes the place of the id."""

    async def call(agent, _task):
        return await agent.call("payments.refund", payment=7)

    agents = {"desk-1": (Payments, Profile(namespace="payments")), "one": (Worker, PAYMENTS)}
    async with grow(agents) as tree:
        assert (await work(tree, call)).status == "ok"


async def test_a_function_is_called_in_its_caller(grow):
    """A function tool runs where it is called."""

    async def call(agent, _task):
        return await agent.call("test_agent.double", number=4)

    async with grow(DESK) as tree:
        assert (await work(tree, call)).output == 8


async def test_an_agents_own_tools_are_its_own(grow):
    """An agent calls its own tools without being allowed to, and without waiting for itself."""

    async def call(agent, _task):
        return await agent.call("payments.twice", payment=7)

    async with grow(DESK) as tree:
        outcome = await work(tree, call)
    assert len(outcome.output) == 2
    assert [f"{KEYS[0].rpartition('/')[0]}/first", f"{KEYS[0].rpartition('/')[0]}/second"] == KEYS


@pytest.mark.parametrize(
    ("name", "arguments", "error", "words"),
    [
        (
            "payments.refnd",
            {"payment": 7},
            UnknownTool,
            "there is no tool 'payments.refnd': did you mean payments.refund",
        ),
        ("mail.send", {}, UnknownTool, "declare the agent that owns it"),
        (
            "test_agent.secret",
            {},
            ToolNotAllowed,
            "top/one may not use test_agent.secret: it may use payments.*",
        ),
        (
            "payments.refund",
            {"payment": "7"},
            InvalidArguments,
            "payment is '7': input should be a valid integer",
        ),
        ("payments.refund", {"payment": 0}, AlreadyRefunded, "payment 0 was refunded before"),
    ],
)
async def test_a_tool_error_is_an_answer(grow, name, arguments, error, words):
    """What is wrong with a call comes to the caller as an error; both agents live, and the call is told of."""

    async def call(agent, _task):
        with pytest.raises(error, match=words) as caught:
            await agent.call(name, **arguments)
        return caught.value.tool

    async with grow(DESK) as tree:
        outcome = await work(tree, call)
        assert (outcome.status, outcome.output) == ("ok", name)
        assert [tree.ref(who).incarnation for who in DESK] == [1, 1]
        assert error.__name__ in tree.told(ToolCalled)[0].error


async def test_a_tool_error_that_nobody_takes_fails_the_task(grow):
    """A refusal that `handle` lets out makes the outcome `failed` at once: again would be the same."""

    async def call(agent, _task):
        await agent.call("payments.refund", payment=0)

    async with grow(DESK) as tree:
        outcome = await work(tree, call)
        assert tree.ref("one").incarnation == 1
    assert (outcome.status, outcome.error, outcome.parts[0].attempts) == (
        "failed",
        "payment 0 was refunded before",
        1,
    )


async def test_a_bug_in_a_tool_crashes_its_owner(grow):
    """Another error ends the owner; the call is tried again, and then the tool is unavailable."""

    async def call(agent, _task):
        with pytest.raises(ToolUnavailable, match="RuntimeError: a bug") as caught:
            await agent.call("payments.refund", payment=13)
        assert isinstance(caught.value.cause, ActorCrashed)

    async with grow(DESK) as tree:
        outcome = await work(tree, call, max_attempts=2)
        assert outcome.status == "ok"
        assert tree.ref("payments").incarnation == 3
    assert len(KEYS) == 2
    assert len(set(KEYS)) == 1


async def test_a_wrong_result_crashes_the_owner(grow):
    """A tool that returns what it does not promise is a bug of its owner's."""

    async def call(agent, _task):
        with pytest.raises(ToolUnavailable, match="returned what it does not promise"):
            await agent.call("payments.wrong")

    async with grow(DESK) as tree:
        assert (await work(tree, call, max_attempts=1)).status == "ok"


async def test_a_call_waits_for_its_owners_restart(grow):
    """A call over which its owner crashes is done by the next incarnation, under the same key."""

    async def call(agent, _task):
        return await agent.call("payments.refund", payment=14)

    async with grow(DESK, backoff=LATER) as tree:
        outcome = await work(tree, call)
    assert outcome.output == {"payment": 14, "incarnation": 2}
    assert outcome.seconds == 1.0
    assert len(set(KEYS)) == 1


async def test_a_call_to_an_owner_that_is_being_restarted_waits(grow):
    """A tool whose owner is just down is not unknown: the call waits for it."""

    async def call(agent, _task):
        agent.system.ref("top/payments")._cell.kill()
        await asyncio.sleep(0.1)
        return await agent.call("payments.refund", payment=7)

    async with grow(DESK, backoff=LATER) as tree:
        assert (await work(tree, call)).output == {"payment": 7, "incarnation": 2}


async def test_a_call_takes_no_longer_than_its_task(grow):
    """A tool that does not answer by the task's deadline fails the task in time."""

    async def call(agent, _task):
        await agent.call("payments.refund", payment=99)

    async with grow(DESK) as tree:
        outcome = await work(tree, call, deadline=tree.now + 5)
    assert (outcome.status, outcome.seconds) == ("failed", 5.0)


async def test_the_same_step_of_a_redelivered_task_has_the_same_key(grow):
    """A task that comes again calls its tools under the same keys as before; another task under others."""

    async def call(agent, task):
        await agent.call("payments.refund", payment=7)
        await agent.call("payments.refund", payment=8)
        if task.attempt == 1:
            raise RuntimeError("oh")

    async with grow(DESK) as tree:
        await work(tree, call, idempotency_key="k")
        await work(tree, call, idempotency_key="l", attempt=2)
    first, second, *again = KEYS
    assert first.startswith("k/payments.refund:")
    assert first != second
    assert again[:2] == [first, second]
    assert again[2].startswith("l/")


async def test_what_is_no_message_for_it_is_refused(grow):
    """A call of a tool that an agent does not have is an error to its sender, and the agent lives."""
    async with grow(DESK) as tree:
        with pytest.raises(UnknownTool, match=r"did you mean payments\.refund"):
            await tree.ref("payments").ask(ToolCall("payments.refun", {}, "k"))
        assert tree.ref("payments").incarnation == 1


async def test_calls_may_run_side_by_side(grow):
    """Several calls of one task may be awaited together."""

    async def call(agent, _task):
        calls = [agent.call("payments.refund", payment=number) for number in (7, 8, 9)]
        return [result["payment"] for result in await asyncio.gather(*calls)]

    async with grow(DESK) as tree:
        outcome = await work(tree, call)
    assert outcome.output == [7, 8, 9]
    assert outcome.usage.tool_calls == 3


async def test_an_agent_knows_the_tools_that_it_may_call(grow):
    """The tools that an agent may call can be listed, with their schemas."""

    async def known(agent, _task):
        return {name: spec.schema["type"] for name, spec in agent.known_tools().items()}

    async with grow(DESK) as tree:
        outcome = await work(tree, known)
    assert sorted(outcome.output) == [
        "payments.refund",
        "payments.twice",
        "payments.wrong",
        "test_agent.double",
    ]


async def test_a_tool_that_is_none_fails_the_start():
    """An agent with a tool that cannot be described does not start, and says why."""

    class Faulty(Agent):
        @tool
        def ask(self, item): ...

    async with ActorSystem(blocked_after=None) as system:
        errors = []
        Cell(system, "one", Factory(Faulty)).start(errors.append)
        await asyncio.sleep(0)
    (error,) = errors
    assert isinstance(error, StartFailed)
    assert isinstance(error.cause, InvalidTool)


def test_tool_errors_are_always_expected():
    """A class that declares expected errors of its own keeps those of tools and of work among them."""

    class Own(Agent):
        expected = (ValueError,)

    assert Own.expected == (ValueError, ToolError, WorkError)


def test_a_subclass_inherits_tools():
    """A subclass has the tools of its base, and its own version of a method where it has one."""

    class More(Payments):
        def wrong(self):
            return 3

        @tool
        def more(self) -> None:
            """Does more."""

    assert sorted(More._tools) == ["more", "refund", "twice", "wrong"]
    assert sorted(Payments._tools) == ["refund", "twice", "wrong"]


def test_a_timeout_is_an_unavailable_tool():
    """What made a tool unavailable is kept as its cause."""
    error = ToolUnavailable("payments.refund", "top/payments", AskTimeout("top/payments", 3))
    assert (error.tool, error.owner) == ("payments.refund", "top/payments")
    assert "did not reply within 3 s" in str(error)


async def test_agents_that_call_each_others_tools_over_one_task_are_seen(grow):
    """A tool's owner that waits for the caller, over the same task, would wait for itself: the call ends at once."""

    class Asker(Agent):
        async def handle(self, task):
            return await self.call("teller.say")

        @tool
        def word(self) -> str:
            return "hello"

    class Teller(Agent):
        @tool
        async def say(self) -> str:
            return await self.call("asker.word")

    may = Profile(tools=("*",))
    async with grow({"asker": (Asker, may), "teller": (Teller, may)}) as tree:
        outcome = await deliver(tree.ref("asker"), Task("t", "x"))
    assert outcome.status == "failed"
    assert "which waits for" in outcome.error
