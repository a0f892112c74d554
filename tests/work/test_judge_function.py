"""A function as judge: what it may return and raise, and where it runs."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import threading

import pytest

from treeward.runtime.evidence import Verdict
from treeward.runtime.task import Task
from treeward.runtime.usage import Usage
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.judges.judge import Submission
from treeward.supervisors.work_errors import CannotSay, ModelRetry

WHO = contextvars.ContextVar("who", default="nobody")


async def verdict_of(judge, output="out"):
    return await judge.judge(Submission(Task("t", "in"), output, "top/a"), None)


def polite(output, task):
    """Gives its own arguments back, for the tests to see."""
    raise LookupError(f"{output} for {task.input}")


def saying(answer):
    def judge(output, task):
        return answer

    async def judge_later(output, task):
        await asyncio.sleep(0)
        return answer

    return judge, judge_later


MINE = Verdict("somebody", True, 0.9, "good", "none", usage=Usage(model_calls=1))


@pytest.mark.parametrize("later", [0, 1])
@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (None, Verdict("f", True)),
        (True, Verdict("f", True)),
        (False, Verdict("f", False, reason="f said no")),
        (0.5, Verdict("f", True, 0.5)),
        (1, Verdict("f", True, 1.0)),
        (0.4, Verdict("f", False, 0.4, "the score is 0.4: expected at least 0.5")),
        (0, Verdict("f", False, 0.0, "the score is 0: expected at least 0.5")),
        (MINE, Verdict("f", True, 0.9, "good", "none", usage=Usage(model_calls=1))),
    ],
)
async def test_what_a_function_says(answer, verdict, later):
    """None and True accept, False rejects, a score is compared, a Verdict is one; `def` and `async def`."""
    assert await verdict_of(FunctionJudge(saying(answer)[later], name="f")) == verdict


@pytest.mark.parametrize("answer", ["yes", [], {}, 1.5, -1, float("nan"), float("inf"), object()])
async def test_what_is_no_answer(answer):
    """Whatever else a function returns is no verdict."""
    with pytest.raises(CannotSay, match="expected yes or no, a score from 0 to 1, or a Verdict"):
        await verdict_of(FunctionJudge(saying(answer)[0]))


async def test_it_gets_the_output_and_the_task():
    """In this order; what it raises is raised."""
    with pytest.raises(LookupError, match="out for in"):
        await verdict_of(FunctionJudge(polite))


async def test_it_may_ask_for_another_try():
    """`ModelRetry` leaves it; the panel makes a rejection of it."""

    async def judge(output, task):
        raise ModelRetry("begin with 'Dear'")

    with pytest.raises(ModelRetry, match="begin with 'Dear'"):
        await verdict_of(FunctionJudge(judge))


async def test_accept_at():
    """The score that is enough can be said."""
    assert not (await verdict_of(FunctionJudge(saying(0.8)[0], accept_at=0.9))).accepted


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (polite, "polite"),
        (functools.partial(polite), "function"),
        (FunctionJudge(polite).judge, "judge"),
    ],
)
def test_its_name_is_the_functions(function, name):
    """Unless one is given; what has none is called `function`."""
    assert FunctionJudge(function).name == name
    assert FunctionJudge(function, name="manners").name == "manners"


def needs_more(output, task, more):
    """Needs more than a judge is given."""


@pytest.mark.parametrize(
    "options",
    [
        {"function": "pkg.mod:fn"},
        {"function": needs_more},
        {"function": lambda: None},
        {"function": polite, "dispatcher": "process"},
        {"function": polite, "accept_at": 2},
        {"function": polite, "accept_at": None},
    ],
)
def test_illegal_values(options):
    """What is no function of an output and a task is refused when the judge is made."""
    with pytest.raises(InvalidSpec, match="expected"):
        FunctionJudge(**options)


def test_a_function_that_says_nothing_of_itself_is_taken():
    """Some of those that are written in C have no signature."""
    assert FunctionJudge(max).name == "max"


def test_defaults():
    """A function costs 2, runs on the loop, and accepts at 0.5."""
    judge = FunctionJudge(polite)
    assert (judge.cost, judge.timeout, judge.on_judge_error, judge.dispatcher) == (2, 10, "reject", "loop")


# --- in a thread ------------------------------------------------------------------------------------


@pytest.mark.realtime
async def test_a_thread_of_its_own():
    """With `dispatcher: thread` each call has a new thread, named after the judge, and the caller's context."""

    def where(output, task):
        return Verdict("x", True, reason=f"{threading.current_thread().name} {WHO.get()}")

    WHO.set("ann")
    verdict = await verdict_of(FunctionJudge(where, dispatcher="thread"))
    assert verdict.reason == "treeward-judge-where ann"


@pytest.mark.realtime
async def test_an_async_function_in_a_thread_has_a_loop_there():
    """An `async def` function that blocks holds nobody up either."""
    loops = []

    async def judge(output, task):
        loops.append(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return 0.75

    assert (await verdict_of(FunctionJudge(judge, dispatcher="thread"))).score == 0.75
    assert loops != [asyncio.get_running_loop()]


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ModelRetry("again"), ModelRetry),
        (LookupError("x"), LookupError),
        (StopIteration(), RuntimeError),
        (KeyboardInterrupt(), RuntimeError),
    ],
)
async def test_errors_come_out_of_the_thread(error, raised):
    """What the function raises there is raised here; what would end the loop is not."""

    def judge(output, task):
        raise error

    with pytest.raises(raised):
        await verdict_of(FunctionJudge(judge, dispatcher="thread"))


@pytest.mark.realtime
async def test_a_thread_that_blocks_is_left_alone():
    """Whoever waits can be cancelled at once; what the thread does later reaches nobody."""
    free, begun = threading.Event(), threading.Event()

    def judge(output, task):
        begun.set()
        free.wait(10)
        raise LookupError("too late")

    judging = asyncio.ensure_future(verdict_of(FunctionJudge(judge, dispatcher="thread")))
    await asyncio.to_thread(begun.wait, 10)
    judging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await judging
    free.set()
