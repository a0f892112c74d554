"""A coroutine that is interrupted where it waits: exactly there, once, and cleanly."""

from __future__ import annotations

import asyncio

import pytest

from treeward.agents.errors import InjectedCrash
from treeward.chaos.faults.crashes import crash_during, exception_made


class Boom(Exception):
    pass


class Course:
    """A coroutine function that waits three times, and notes how far it has come."""

    def __init__(self):
        self.steps = []

    async def run(self, word):
        try:
            for number in (1, 2, 3):
                await self.wait(number)
        except Boom:
            self.steps.append("boom")
            raise
        finally:
            self.steps.append("end")
        return word

    async def wait(self, number):
        self.steps.append(number)
        await asyncio.sleep(1)


async def outcome(call):
    try:
        return await call
    except (Boom, asyncio.CancelledError) as error:
        return type(error).__name__


@pytest.mark.parametrize(
    ("waits", "seconds", "steps", "at"),
    [
        (1, None, [1, "boom", "end"], 0.0),
        (2, None, [1, 2, "boom", "end"], 1.0),
        (3, None, [1, 2, 3, "boom", "end"], 2.0),
        (4, None, [1, 2, 3, "end"], 3.0),
        (None, 0.5, [1, "boom", "end"], 0.5),
        (None, 2.5, [1, 2, 3, "boom", "end"], 2.5),
        (None, 60.0, [1, 2, 3, "end"], 3.0),
    ],
)
async def test_where_it_comes(waits, seconds, steps, at):
    """At the wait, or at the time, that was said; where that never comes, when all is done."""
    course = Course()
    assert await outcome(crash_during(course.run, Boom, waits, seconds)("word")) == "Boom"
    assert course.steps == steps
    assert asyncio.get_running_loop().time() == at
    assert asyncio.current_task().cancelling() == 0


async def test_a_function_that_does_not_wait_crashes_when_it_has_done_all():
    """There is nothing that could be interrupted."""
    done = []
    with pytest.raises(Boom):
        crash_during(done.append, Boom, 1)("it")
    assert done == ["it"]


async def test_who_lives_through_it_goes_on():
    """A crash that the code itself catches is over: it does not come again at the end."""

    async def stubborn():
        for _ in range(3):
            try:
                await asyncio.sleep(1)
            except Boom:
                await asyncio.sleep(10)
        return "done"

    assert await crash_during(stubborn, Boom, 2)() == "done"
    assert asyncio.get_running_loop().time() == 12.0


@pytest.mark.parametrize("when", [{"waits": 1}, {"seconds": 0.5}])
async def test_what_it_waits_for_is_left_in_order(when):
    """A task group that is interrupted ends its tasks; a task that is awaited by others too is theirs."""
    ended = []

    async def part():
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("part")

    async def group():
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(part())
            await asyncio.sleep(30)

    assert await outcome(crash_during(lambda: told(group()), Boom, **when)()) == "Boom"
    assert ended == ["part"] or (ended == [] and when == {"waits": 1})  # it had not begun


async def told(group):
    """Has the one error out of a group of them."""
    try:
        await group
    except* Boom:
        raise Boom from None


@pytest.mark.parametrize("when", [{"waits": 2}, {"seconds": 60.0}])
async def test_a_true_cancellation_goes_through(when):
    """Who is cancelled meanwhile is cancelled, not crashed."""
    course = Course()
    task = asyncio.ensure_future(crash_during(course.run, Boom, **when)("word"))
    await asyncio.sleep(0.5)
    task.cancel()
    assert await outcome(task) == "CancelledError"
    assert course.steps == [1, "end"]


async def test_a_cancellation_at_the_same_moment_goes_before():
    """Of a crash and a true cancellation at one time, the cancellation wins."""
    course = Course()
    task = asyncio.ensure_future(crash_during(course.run, Boom, None, 0.5)("word"))
    asyncio.get_running_loop().call_later(0.5, task.cancel)
    assert await outcome(task) == "CancelledError"


async def test_it_does_not_come_any_more_once_all_is_healed():
    """Whoever makes the exception may say that there is none: then nothing happens."""
    course = Course()
    for when in ({"waits": 2}, {"seconds": 1.5}, {"waits": 9}):
        assert await crash_during(course.run, lambda: None, **when)("word") == "word"
    assert asyncio.current_task().cancelling() == 0


async def test_timeouts_within_still_work():
    """The interruption by time is nobody else's timeout."""

    async def patient():
        try:
            async with asyncio.timeout(1):
                await asyncio.sleep(5)
        except TimeoutError:
            await asyncio.sleep(5)

    assert await outcome(crash_during(patient, Boom, None, 3.0)()) == "Boom"
    assert asyncio.get_running_loop().time() == 3.0


def test_an_exception_says_that_it_was_injected():
    """Its text says so, and where, and what the plan says."""
    assert str(exception_made(ValueError, "", "reply")) == "injected: a crash at reply"
    assert str(exception_made(ValueError, "no database", "reply")) == "injected: no database"
    assert str(exception_made(None, "", "reply")) == "crashed on purpose at reply"
    assert str(exception_made(None, "no database", "reply")) == "crashed on purpose at reply: no database"
    assert isinstance(exception_made(None, "", ""), InjectedCrash)
