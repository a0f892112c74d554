"""Orchestration: who is asked what, in which order, and what is made of the answers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from treeward.agents.agent import Agent, NeedsHuman
from treeward.agents.aggregate import Need
from treeward.agents.delivery import deliver
from treeward.agents.desk import DESK, Desk
from treeward.agents.events import TaskBegun, TaskEnded
from treeward.agents.faults import crash_once
from treeward.agents.orchestrator import Orchestrator
from treeward.agents.plan import Subtask
from treeward.agents.profile import Profile
from treeward.agents.tools import IdempotencyKey, tool
from treeward.runtime.actor import Factory
from treeward.runtime.errors import ActorStopped
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.work.policy import Work


class Worker(Agent):
    """Does with a subtask what its input says: a word, or seconds to take."""

    seen: list = []  # noqa: RUF012 - shared by all incarnations, emptied by each test

    async def handle(self, task):
        self.seen.append((task.kind, self.path, task))
        match task.input:
            case "person":
                return NeedsHuman("too odd", "a draft")
            case "crash":
                raise RuntimeError("oh")
            case "hang":
                await asyncio.get_running_loop().create_future()
            case float() | int() as seconds:
                await self.system.clock.sleep(seconds)
        return f"{task.kind} done"


class Ledger(Agent):
    book: dict = {}  # noqa: RUF012 - shared by all incarnations, emptied by each test

    @tool(effect=True)
    def note(self, what: str, key: IdempotencyKey) -> str:
        """Writes a line, once for each key."""
        self.book.setdefault(key, what)
        return what


class Careful(Agent):
    async def handle(self, task):
        return await self.call("ledger.note", what=task.kind)


class Planned(Orchestrator):
    """The request is the plan."""

    def decompose(self, task, labels):
        return task.input


@pytest.fixture(autouse=True)
def nothing_seen():
    Worker.seen.clear()
    Ledger.book.clear()


def worker(*kinds, timeout=None, **changes):
    return (Worker, Profile(handles=kinds, **changes), None, Work(timeout=timeout))


TREE = {"billing": worker("billing"), "sales": worker("sales"), "desk": (Desk,), "front": (Planned,)}


def sub(kind, asked="go", id_="", **changes):
    return Subtask(kind, asked, id_, **changes)


async def ask(tree, *plan, name="front", **changes):
    return await deliver(tree.ref(name), Task("t", plan, **{"deadline": tree.now + 10, **changes}))


def who(outcome):
    return {part.agent.removeprefix("top/"): (part.status, part.attempts) for part in outcome.parts}


# --- parallel, in order, in time --------------------------------------------------------------------


async def test_workers_run_in_parallel(grow):
    """Each subtask goes to who handles its kind; together they take as long as the longest."""
    async with grow(TREE) as tree:
        outcome = await ask(tree, sub("billing", 2), sub("sales", 3))
    assert (outcome.status, outcome.error, outcome.seconds) == ("ok", None, 3.0)
    assert outcome.output == {"billing": "billing done", "sales": "sales done"}
    assert who(outcome) == {"billing": ("ok", 1), "sales": ("ok", 1), "front": ("ok", 1)}
    assert [part.seconds for part in outcome.parts] == [2.0, 3.0, 3.0]


async def test_one_subtask_gives_the_answer_itself(grow):
    """The output of a request with one subtask is that subtask's."""
    async with grow(TREE) as tree:
        assert (await ask(tree, sub("billing"))).output == "billing done"


async def test_what_needs_another_gets_its_result(grow):
    """A subtask begins when what it needs is done, and finds the result as a fact in its context."""
    async with grow(TREE) as tree:
        outcome = await ask(tree, sub("sales", 1, needs=("billing",)), sub("billing", 2), context={"customer": 7})
        begun = [(event.path, event.at - tree.told(TaskBegun)[0].at) for event in tree.told(TaskBegun)]
    assert outcome.status == "ok"
    assert begun == [("top/front", 0.0), ("top/billing", 0.0), ("top/sales", 2.0)]
    (_, _, task) = Worker.seen[-1]
    assert task.context == {"customer": 7, "billing": "billing done"}


async def test_a_worker_sees_only_what_it_reads(grow):
    """The context is cut for each worker; results of others are facts like others."""
    agents = {**TREE, "sales": worker("sales", reads=("billing",))}
    async with grow(agents) as tree:
        await ask(tree, sub("sales", needs=("billing",)), sub("billing"), context={"customer": 7})
    assert Worker.seen[-1][2].context == {"billing": "billing done"}


async def test_a_plan_may_add_facts(grow):
    """Facts of a subtask reach its worker only; a fact that says something else than the context fails it."""
    async with grow(TREE) as tree:
        plan = [sub("billing", facts={"plan": "pro"}), sub("sales"), sub("billing", facts={"customer": 8})]
        outcome = await ask(tree, *plan, context={"customer": 7})
    contexts = {task.context.get("plan") for kind, _, task in Worker.seen if kind == "billing"}
    assert contexts == {"pro"}
    assert outcome.status == "partial"
    assert "the context's 'customer' is 7 according to the request, and 8 according to the plan" in outcome.error


async def test_what_needs_a_failure_is_skipped_and_said(grow):
    """A subtask whose need failed is not done; the answer says so."""
    async with grow(TREE) as tree:
        outcome = await ask(tree, sub("sales", needs=("billing",)), sub("billing", "crash"), sub("sales", id_="other"))
    assert outcome.status == "partial"
    assert "sales: skipped: no result of billing" in outcome.error
    assert [kind for kind, *_ in Worker.seen].count("sales") == 1


async def test_a_failed_worker_leaves_a_partial_answer(grow):
    """One worker that fails in all its attempts does not take the other's answer away."""
    async with grow(TREE) as tree:
        outcome = await ask(tree, sub("billing", "crash"), sub("sales"))
    assert (outcome.status, outcome.output) == ("partial", {"sales": "sales done"})
    assert who(outcome) == {"billing": ("dead_letter", 2), "sales": ("ok", 1), "front": ("partial", 1)}
    assert "billing: " in outcome.error
    assert "RuntimeError: oh" in outcome.error


async def test_all_that_fails_is_a_failed_answer(grow):
    """Where nothing came of any subtask the answer is `failed`."""
    async with grow(TREE) as tree:
        assert (await ask(tree, sub("billing", "crash"), sub("sales", "crash"))).status == "failed"


async def test_a_hanging_worker_leaves_a_partial_answer_in_time(grow):
    """A worker that hangs is given up before the deadline, early enough for an answer."""
    async with grow(TREE) as tree:
        outcome = await ask(tree, sub("billing", "hang"), sub("sales"), deadline=tree.now + 10)
        following = await ask(tree, sub("billing"))
    assert (outcome.status, outcome.seconds) == ("partial", 9.0)
    assert outcome.error == "billing: top/billing: no answer within 9 s"
    assert who(outcome)["billing"] == ("failed", 1)
    assert following.status == "ok"


async def test_each_worker_has_its_own_timeout(grow):
    """A worker's timeout ends its subtask sooner than the task's deadline, and nobody else's."""
    agents = {**TREE, "billing": worker("billing", timeout=2.0)}
    async with grow(agents) as tree:
        outcome = await ask(tree, sub("billing", "hang"), sub("sales", 5))
    assert (outcome.status, outcome.seconds) == ("partial", 5.0)
    assert [part.seconds for part in outcome.parts] == [2.0, 5.0, 5.0]


async def test_an_answer_may_be_made_of_what_is_there(grow):
    """With `after`, the answer is made then of what is there; with `need`, as soon as enough is."""
    agents = {
        **TREE,
        "quick": (Planned, None, {"after": "4s"}),
        "one": (Planned, None, {"need": 1}),
    }
    async with grow(agents) as tree:
        late = await ask(tree, sub("billing", 1), sub("sales", "hang"), name="quick")
        first = await ask(tree, sub("billing", 1), sub("sales", "hang"), name="one")
        ended = [event for event in tree.told(TaskEnded) if event.path == "top/sales"]
    assert (late.status, late.seconds, late.error) == ("partial", 4.0, "sales: no answer in time")
    assert who(late)["sales"] == ("canceled", 1)
    assert (first.status, first.seconds, first.error) == ("ok", 1.0, None)
    assert [event.status for event in ended] == ["canceled", "canceled"]


async def test_cancelling_an_orchestrator_cancels_what_it_waits_for(grow):
    """Work for a request that nobody waits for any more is ended, down to the workers."""
    async with grow(TREE) as tree:
        work = asyncio.ensure_future(ask(tree, sub("billing", "hang"), sub("sales", "hang")))
        await asyncio.sleep(1)
        work.cancel()
        await asyncio.sleep(1)
        ended = {event.path: event.status for event in tree.told(TaskEnded)}
    assert ended == {"top/billing": "canceled", "top/sales": "canceled", "top/front": "canceled"}


async def test_an_orchestrator_that_is_killed_leaves_nothing_running(grow):
    """When an orchestrator dies, what it waited for is ended as well, and its caller gets the next one's answer."""
    async with grow(TREE) as tree:
        work = asyncio.ensure_future(ask(tree, sub("billing", 3), sub("sales", 3)))
        await asyncio.sleep(1)
        tree.ref("front")._cell.kill()
        outcome = await work
        ended = [event.status for event in tree.told(TaskEnded) if event.path != "top/front"]
    assert (outcome.status, outcome.seconds) == ("ok", 4.0)
    assert who(outcome)["front"] == ("ok", 2)
    assert ended == ["canceled", "canceled", "ok", "ok"]


# --- routing ----------------------------------------------------------------------------------------


async def test_work_is_spread_over_those_who_can_do_it(grow):
    """Several agents that handle the same kind share it."""
    agents = {f"billing-{number}": worker("billing") for number in (1, 2, 3)}
    async with grow({**agents, "front": (Planned,)}) as tree:
        outcome = await ask(tree, *(sub("billing", 1) for _ in range(6)))
    assert outcome.seconds == 2.0
    assert sorted(path for _, path, _ in Worker.seen) == [f"top/billing-{number}" for number in (1, 1, 2, 2, 3, 3)]


async def test_an_orchestrator_does_not_ask_itself(grow):
    """An orchestrator that handles the kind of its own subtasks does not wait for itself."""
    agents = {"front": (Planned, Profile(handles=("billing",))), "desk": (Desk,)}
    async with grow(agents) as tree:
        outcome = await ask(tree, sub("billing"))
    assert (outcome.status, outcome.output) == ("needs_human", {"case": "case-1"})


async def test_subtasks_belong_to_their_task(grow):
    """A subtask has an id of its own, and from its task the trace, a key by its step, and one hop more."""
    async with grow(TREE) as tree:
        await ask(tree, sub("billing", id_="b"), idempotency_key="k", trace="r")
    (_, _, task) = Worker.seen[0]
    assert (task.parent, task.trace, task.idempotency_key, task.hops, task.attempt) == ("t", "r", "k/b", 1, 1)
    assert task.id != "t"


# --- the desk ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("plan", "status", "reason", "parts"),
    [
        ([], "needs_human", "the request was not understood", {"desk": ("needs_human", 1)}),
        ([sub("magic")], "needs_human", "nobody here handles 'magic'", {"desk": ("needs_human", 1)}),
        ([sub(DESK)], "needs_human", "the request was not understood", {"desk": ("needs_human", 1)}),
        (
            [sub("billing", "person")],
            "needs_human",
            "too odd",
            {"billing": ("needs_human", 1), "desk": ("needs_human", 1)},
        ),
        (
            [sub("billing", "person"), sub("sales")],
            "partial",
            "too odd",
            {"billing": ("needs_human", 1), "desk": ("needs_human", 1), "sales": ("ok", 1)},
        ),
    ],
    ids=["not understood", "nobody handles it", "a part not understood", "a worker says so", "beside an answer"],
)
async def test_what_nobody_can_answer_waits_for_a_person(grow, plan, status, reason, parts):
    """What is not understood, what nobody handles and what a worker cannot decide becomes a case."""
    async with grow(TREE) as tree:
        outcome = await ask(tree, *plan)
    assert outcome.status == status
    assert f"{reason} (case-1)" in outcome.error
    assert who(outcome) == {**parts, "front": (status, 1)}


async def test_a_case_knows_what_the_worker_had(grow):
    """The case of a worker that needs a person has the subtask's input, the reason and the draft."""
    async with grow(TREE) as tree:
        await ask(tree, sub("billing", "person"))
        case = tree.ref("desk")._cell.actor._cases.find("case-1")
    assert (case.request, case.reason, case.draft, case.key) == ("person", "too odd", "a draft", "t/billing/desk")


async def test_without_a_desk_a_person_is_needed_all_the_same(grow):
    """A tree without a desk answers `needs_human`, with the reason and the draft."""
    async with grow({"billing": worker("billing"), "front": (Planned,)}) as tree:
        outcome = await ask(tree, sub("billing", "person"))
    assert (outcome.status, outcome.output, outcome.error) == ("needs_human", "a draft", "billing: too odd")


async def test_a_desk_may_be_named(grow):
    """Of several desks the named one is asked; it may be any agent."""
    agents = {"desk": (Desk,), "second": (Desk,), "front": (Planned, None, {"desk": "second"})}
    async with grow(agents) as tree:
        outcome = await ask(tree, sub("magic"))
    assert list(who(outcome)) == ["second", "front"]


# --- the four parts ---------------------------------------------------------------------------------


class Texts(Orchestrator):
    """Overrides all four."""

    async def classify(self, task):
        return task.input.split()

    def decompose(self, task, labels):
        return [Subtask(label, id=f"{number}") for number, label in enumerate(labels)]

    def route(self, subtask, found):
        return found[-1] if found else None

    async def aggregate(self, task, results):
        return " and ".join(result.output for result in results)


async def test_the_parts_can_be_overridden(grow):
    """Each of the four parts may be a method of a subclass, `def` or `async def`."""
    agents = {"a": worker("billing"), "b": worker("billing", "sales"), "front": (Texts,)}
    async with grow(agents) as tree:
        outcome = await deliver(tree.ref("front"), Task("t", "billing sales"))
    assert outcome.output == "billing done and sales done"
    assert {path for _, path, _ in Worker.seen} == {"top/b"}


class Choosy(Planned):
    """Takes no answer of sales for one."""

    def read(self, result):
        return replace(result, status="failed", error="no") if result.subtask.kind == "sales" else result


async def test_a_result_counts_as_it_is_read(grow):
    """One that is read as failed makes the answer as good as if it had."""
    async with grow(TREE | {"front": (Choosy,)}) as tree:
        some = await ask(tree, sub("billing"), sub("sales"))
        none = await ask(tree, sub("sales"))
    assert (some.status, some.error) == ("partial", "sales: no")
    assert none.status == "failed"


async def test_the_parts_can_be_given(grow):
    """Each of the four parts may be a function that is given, `def` or `async def`."""

    async def classify(task):
        return task.input.split()

    parts = {
        "classify": classify,
        "decompose": lambda task, labels: [Subtask(label) for label in labels],
        "route": lambda subtask, found: found[0],
        "aggregate": lambda task, results: len(results),
    }
    async with grow({**TREE, "front": (Orchestrator, None, parts)}) as tree:
        outcome = await deliver(tree.ref("front"), Task("t", "billing sales"))
    assert (outcome.status, outcome.output) == ("ok", 2)


async def test_by_default_the_kind_is_the_label(grow):
    """Without any part of its own an orchestrator routes a task by its kind."""
    async with grow({**TREE, "front": (Orchestrator,)}) as tree:
        known = await deliver(tree.ref("front"), Task("t", "go", kind="billing"))
        unknown = await deliver(tree.ref("front"), Task("u", "go"))
    assert known.output == "billing done"
    assert unknown.status == "needs_human"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"classfy": len}, TypeError, "'classfy' is no part of an orchestrator: expected one of classify, decompose"),
        ({"route": "mine:route"}, TypeError, "route is 'mine:route': expected a function"),
        ({"need": 0}, ValueError, "need is 0"),
        ({"after": "soon"}, ValueError, "after is 'soon': expected a duration"),
    ],
)
async def test_wrong_arguments_are_named(arguments, error, words):
    """What an orchestrator cannot be made with fails its start, in words."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(Orchestrator, (), arguments))
        assert isinstance(ref._cell.end, error)
        assert words in str(ref._cell.end)


@pytest.mark.realtime
async def test_an_orchestrator_lives_on_the_loop():
    """An orchestrator waits for many at once, so a thread of its own is refused."""
    async with ActorSystem() as system:
        ref = system.launch(Factory(Orchestrator), dispatcher="thread")
        with pytest.raises(ActorStopped):
            await ref.ask("anything", timeout=5)
        assert "an orchestrator waits for many at once" in str(ref._cell.end)


async def test_a_class_may_have_its_own_defaults(grow):
    """Arguments that are left out are the class's; a subclass may leave out the call of the constructor."""

    class Quorum(Planned):
        need = Need(1)

        def __init__(self, extra: Any = None):
            self.extra = extra

    class Partly(Planned):
        need = Need(1)

    async with grow({**TREE, "one": (Quorum,), "two": (Partly, None, {"after": 5})}) as tree:
        assert (await ask(tree, sub("billing"), sub("sales", "hang"), name="one")).status == "ok"
        assert tree.ref("two")._cell.actor.need == Need(1, 5.0)


# --- crashes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["billing", "ledger", "front"])
async def test_a_crash_in_the_middle_changes_nothing(grow, name):
    """Whoever dies in the middle, the answer is the same, and every effect is there once."""
    careful = Profile(handles=("billing",), tools=("ledger.*",))
    agents = {"ledger": (Ledger,), "billing": (Careful, careful), "front": (Planned,)}
    async with grow(agents) as tree:
        fault = crash_once(tree.system, name)
        outcome = await ask(tree, sub("billing"), sub("billing"))
        assert fault.fired
        assert tree.ref(name).incarnation == 2
    assert (outcome.status, outcome.output) == ("ok", {"billing": "billing", "billing-2": "billing"})
    assert len(Ledger.book) == 2
    assert sum(part.attempts for part in outcome.parts) == {"ledger": 3, "billing": 4, "front": 6}[name]


async def test_attempts_of_two_layers_do_not_multiply(grow):
    """A worker's step has as many attempts as the request allows, and no more."""
    async with grow(TREE) as tree:
        first = await ask(tree, sub("billing", "crash"))
        last = await ask(tree, sub("billing", "crash"), max_attempts=1, idempotency_key="another")
    assert (who(first)["billing"], who(last)["billing"]) == (("dead_letter", 2), ("failed", 1))


async def test_usage_is_the_sum_of_all(grow):
    """What the workers spent is in the outcome's usage."""
    careful = Profile(handles=("billing",), tools=("ledger.*",))
    async with grow({"ledger": (Ledger,), "billing": (Careful, careful), "front": (Planned,)}) as tree:
        outcome = await ask(tree, sub("billing"), sub("billing"))
    assert outcome.usage.tool_calls == 2
