"""Loop guards where agents work: what goes round in circles is ended, and goes down the ladder at once."""

from __future__ import annotations

from dataclasses import replace

from treeward.agents.agent import Agent
from treeward.agents.delivery import deliver
from treeward.agents.profile import Profile
from treeward.agents.tools import tool
from treeward.supervisors.work.ladder import Fallback, Restart, Retry
from treeward.supervisors.work.loops import LoopLimits
from treeward.supervisors.work.policy import Work


class Asker(Agent):
    """Passes each task on to whoever its input names next, for ever."""

    async def handle(self, task):
        ring = task.input
        part = task.part(f"{task.id}.", "next", (*ring[1:], ring[0]))
        outcome = await deliver(self.system.ref(f"top/team/{ring[0]}"), part)
        return replace(outcome, task_id=task.id)


class Teller(Agent):
    """Tells itself the next number, as a part of the one that it has."""

    def handle(self, task):
        self.system.__dict__.setdefault("told", []).append(task.input)
        if task.input:
            self.actor_ref.tell(task.part(f"{task.id}.", "next", task.input - 1))
        return task.input


class Shelf(Agent):
    @tool
    def look(self, page: int) -> int:
        return page

    @tool
    def turn(self) -> str:
        return "done"


class Reader(Agent):
    """Calls the tools that its input names, then ends as it says."""

    profile = Profile(tools=("shelf.*",))

    async def handle(self, task):
        calls, end = task.input
        for name, *page in calls:
            await self.call(f"shelf.{name}", **({"page": page[0]} if page else {}))
        if isinstance(end, BaseException):
            raise end
        return end


class Clerk(Agent):
    def handle(self, task):
        return "I do it by hand"


def readers(**work):
    return {"shelf": (Shelf, Work()), "reader": (Reader, Work(**work)), "clerk": (Clerk, Work())}


LOOK = [("look", 7)]
NEVER = Work(recovery=())


def attempts(outcome):
    return [attempt.attempt for attempt in outcome.evidence.attempts]


async def test_two_agents_that_ask_each_other_are_ended(plant):
    """One that would wait for itself, since it handles one task at a time, is told at once, also without a deadline."""
    async with plant({"a": (Asker, NEVER), "b": (Asker, NEVER)}) as tree:
        outcome = await tree.run("a", ("b", "a"))
        assert (outcome.status, outcome.failure) == ("failed", "deterministic")
        assert "top/team/a would wait for itself" in outcome.error
        assert "(top/team/a > top/team/b > top/team/a)" in outcome.error
        assert tree.now == 0.0


async def test_an_agent_that_asks_itself_is_ended(plant):
    """The shortest circle of all."""
    async with plant({"a": (Asker, NEVER)}) as tree:
        outcome = await tree.run("a", ("a",))
        assert "top/team/a would wait for itself" in outcome.error


async def test_who_does_not_wait_may_go_on_with_it_later(plant):
    """A part that an agent tells itself is done when it is done with the whole."""
    async with plant({"a": (Teller, NEVER)}) as tree:
        assert (await tree.run("a", 2)).output == 2
        await tree.system.clock.sleep(1)
        assert tree.system.__dict__["told"] == [2, 1, 0]


async def test_an_agent_inside_itself_too_often_is_ended(plant):
    """Where nobody waits, the visits still have their limit: three, one inside the other."""
    async with plant({"a": (Teller, NEVER)}) as tree:
        assert (await tree.run("a", 9)).output == 9
        await tree.system.clock.sleep(1)
        assert tree.system.__dict__["told"] == [9, 8, 7]
        (letter,) = tree.system.dead_letters
        assert (letter.message.input, letter.evidence.reason) == (6, "deterministic")


async def test_a_long_way_is_ended_by_its_hops(plant):
    """Where no agent is on the way too often, the task's own limit of hops holds."""
    ring = [f"agent-{number}" for number in range(30)]
    async with plant(dict.fromkeys(ring, (Asker, NEVER))) as tree:
        outcome = await tree.run("agent-0", tuple(ring[1:]), max_hops=9)
        assert outcome.failure == "deterministic"
        assert "was passed on 10 times: expected 9 at most" in outcome.error


async def test_the_same_call_ends_the_try(plant):
    """An agent that makes the same call a fifth time gets no result; its task goes to somebody else at once."""
    ladder = (Retry(5), Restart(5), Fallback(("clerk",)))
    async with plant(readers(recovery=ladder)) as tree:
        outcome = await tree.run("reader", (LOOK * 9, "read"))
        assert (outcome.status, outcome.output, outcome.rung) == ("fallback", "I do it by hand", "fallback")
        assert attempts(outcome) == [1]
        assert outcome.evidence.attempts[0].failure == "deterministic"
        assert "has called shelf.look with the same arguments 5 times" in outcome.evidence.attempts[0].error
        assert tree.now == 0.0


async def test_the_same_series_ends_the_try(plant):
    """Four times the same two calls are a loop, though each of them may be made four times."""
    async with plant(readers()) as tree:
        outcome = await tree.run("reader", ([("look", 7), ("turn",)] * 4, "read"))
        assert "has made the same 2 calls (shelf.look > shelf.turn) 4 times one after the other" in outcome.error


async def test_work_that_goes_on_is_left_alone(plant):
    """Many calls that are not the same are no loop, and four that are the same are none either."""
    calls = [("look", page) for page in range(100)] + LOOK * 3
    async with plant(readers()) as tree:
        assert (await tree.run("reader", (calls, "read"))).output == "read"


async def test_another_attempt_makes_its_calls_again(plant):
    """What an attempt repeats of the one before does not count: all eight attempts may look four times."""
    async with plant(readers(recovery=(Retry(9, jitter="none"),))) as tree:
        outcome = await tree.run("reader", (LOOK * 4, ConnectionError("lost")))
        assert attempts(outcome) == [*range(1, 9)]
        assert {attempt.failure for attempt in outcome.evidence.attempts} == {"transient"}


async def test_another_request_is_none_of_its_business(plant):
    """Each request has its own trail."""
    async with plant(readers()) as tree:
        for number in range(5):
            assert (await tree.run("reader", (LOOK * 4, "read"), task=f"t{number}")).ok


async def test_the_limits_are_those_of_the_nearest(plant):
    """The agent's own, or else those of the supervisor above; `None` switches one off."""
    strict, off = LoopLimits(calls=1), LoopLimits(calls=None, repeats=None)
    async with plant(readers(), team=Work(loops=strict), top=Work(loops=off)) as tree:
        assert "2 times among its last 2 calls" in (await tree.run("reader", (LOOK * 9, "read"))).error
    async with plant(readers(loops=off), team=Work(loops=strict)) as tree:
        assert (await tree.run("reader", (LOOK * 99, "read"))).ok
