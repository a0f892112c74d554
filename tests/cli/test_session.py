"""A tree that runs: for one task, or as a daemon."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import contextmanager

import pytest

from treeward.agents.errors import UnknownAgent
from treeward.cli.failures import Code, Failure
from treeward.cli.interrupts import Interrupts
from treeward.cli.session import Daemon, Settings, ask_once
from treeward.cli.tree import loaded


class Screen:
    """Remembers what it was given, and when."""

    def __init__(self, *, breaks_at=None):
        self.shown = []
        self.told = []
        self._breaks_at = breaks_at

    def show(self, request, outcome):
        if len(self.shown) == self._breaks_at:
            raise BrokenPipeError
        now = asyncio.get_running_loop().time()
        self.shown.append((str(request), outcome.status, round(now, 3)))

    def stopping(self):
        self.told.append("stopping")

    @contextmanager
    def running(self, runtime, activity):
        self.told.append(runtime.snapshot().path)
        yield
        self.told.append("ended")


async def requests(*texts, end=True):
    """Gives the requests; a number is a wait."""
    for text in texts:
        if isinstance(text, float):
            await asyncio.sleep(text)
        else:
            yield text
    if not end:
        await asyncio.Event().wait()


def interrupt(interrupts, number=signal.SIGTERM):
    """Lets a signal come, as the interpreter would deliver it."""
    interrupts._take(number, None)


@pytest.fixture
def settings(tree, monkeypatch):
    """The settings for the tree with the clerk; no watchdog is needed on virtual time."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def made(file=tree, **changes):
        return Settings(tree=loaded(str(file), ["clerks"]), allow=("clerks",), **{"seed": 1, **changes})

    return made


async def serve(settings, *texts, interrupts=None, screen=None, end=True):
    screen = screen or Screen()
    daemon = Daemon(settings, interrupts or Interrupts(), screen, requests(*texts, end=end))
    return await daemon.run(), screen


# --- one task ---------------------------------------------------------------------------------------


async def test_one_task_goes_to_the_entry(settings):
    """The entry gets the request with its context, and its outcome comes back."""
    outcome, fall = await ask_once(settings(context={"plan": "team"}), Interrupts(), "context")
    assert (outcome.status, outcome.output, fall) == ("ok", {"plan": "team"}, None)


async def test_a_deadline_ends_it(settings):
    """A task that takes too long fails at its deadline."""
    outcome, _ = await ask_once(settings(deadline=2.0), Interrupts(), "wait 60")
    assert outcome.status == "failed"
    assert outcome.seconds == pytest.approx(2.0)


async def test_an_agent_crashes_once_on_purpose(settings):
    """The agent dies in the middle of the task, comes back, and the answer is the same."""
    outcome, _ = await ask_once(settings(crash="clerk"), Interrupts(), "hello")
    assert (outcome.status, outcome.output, outcome.parts[0].attempts) == ("ok", "done: hello", 2)


async def test_who_is_to_crash_has_to_be_there(settings):
    """A name that no agent has is refused, with the nearest one."""
    with pytest.raises(UnknownAgent, match="did you mean clerk"):
        await ask_once(settings(crash="clrk"), Interrupts(), "hello")


async def test_a_signal_cancels_the_task(settings):
    """The first signal takes the task back: there is nobody to wait for it."""
    interrupts = Interrupts()
    asyncio.get_running_loop().call_later(1.0, interrupt, interrupts, signal.SIGINT)
    work = asyncio.ensure_future(ask_once(settings(), interrupts, "wait 60"))
    with pytest.raises(asyncio.CancelledError):
        await work
    assert asyncio.get_running_loop().time() < 10


async def test_a_root_that_gives_up_over_a_task_is_told(settings, project):
    """The outcome is there, and so is the reason for which the tree is not."""
    text = (project.directory / "tree.yaml").read_text()
    file = project.write(text.replace("backoff: none", "backoff: none\n  intensity: {restarts: 0, within: 60s}"))
    outcome, fall = await ask_once(settings(file), Interrupts(), "crash badly")
    assert outcome.status == "failed"
    assert fall.code == Code.GAVE_UP
    assert fall.lines == (
        (
            "treeward: the root supervisor 'office' gave up: "
            "child 'clerk' needed more than 0 restarts within 60 s: ValueError: badly"
        ),
    )


# --- a daemon ---------------------------------------------------------------------------------------


async def test_requests_are_answered_in_their_order(settings):
    """One after the other, each with its answer, until there are no more."""
    code, screen = await serve(settings(), "wait 2", "hello", "crash", "human")
    assert code == Code.DONE
    assert screen.shown == [
        ("wait 2", "ok", 2.0),
        ("hello", "ok", 2.0),
        ("crash", "dead_letter", 2.0),
        ("human", "needs_human", 2.0),
    ]
    assert screen.told == ["office", "ended"]


async def test_answers_keep_the_order_of_requests_that_are_worked_on_at_the_same_time(settings, project):
    """With `parallel`, so many requests are in hand at a time; an answer waits for those before it."""
    text = (project.directory / "tree.yaml").read_text()
    pool = "- pool: clerk\n      size: 4\n      child: {use: 'clerks:Clerk'}\n"
    file = project.write(text.replace("- agent: clerk\n      use: clerks:Clerk\n", pool))
    _, screen = await serve(settings(file, parallel=2), "wait 3", "wait 1", "wait 1", "wait 1")
    assert [(request, at) for request, _, at in screen.shown] == [
        ("wait 3", 3.0),
        ("wait 1", 3.0),
        ("wait 1", 4.0),
        ("wait 1", 4.0),
    ]


async def test_a_line_that_is_no_request_has_its_answer_too(settings):
    """Who counts answers finds one for each line: also for one that no agent has seen."""
    _, screen = await serve(settings(), "one", ValueError("line 2 is not UTF-8"), "three")
    assert [(request, status) for request, status, _ in screen.shown] == [
        ("one", "ok"),
        ("line 2 is not UTF-8", "failed"),
        ("three", "ok"),
    ]


async def test_the_end_of_the_requests_waits_for_the_answers(settings):
    """When the input ends, what is in hand is finished, however long it takes."""
    code, screen = await serve(settings(deadline=1000.0), "wait 500")
    assert (code, screen.shown) == (Code.DONE, [("wait 500", "ok", 500.0)])


async def test_a_signal_lets_it_finish_what_is_in_hand(settings):
    """SIGTERM: no new request is taken, the one in hand is answered, and all is well."""
    interrupts = Interrupts()
    asyncio.get_running_loop().call_later(1.0, interrupt, interrupts)
    code, screen = await serve(settings(), "wait 5", "never begun", interrupts=interrupts, end=False)
    assert (code, screen.shown, screen.told[1]) == (Code.DONE, [("wait 5", "ok", 5.0)], "stopping")


async def test_the_grace_period_is_bounded(settings):
    """What is not done 25 s after the signal is taken back, and counts as not done."""
    interrupts = Interrupts()
    asyncio.get_running_loop().call_later(1.0, interrupt, interrupts)
    code, screen = await serve(settings(), "wait 200", interrupts=interrupts, end=False)
    assert (code, screen.shown) == (Code.FAILED, [("wait 200", "canceled", 26.0)])


async def test_ctrl_c_is_told_apart(settings):
    """SIGINT ends it in the same way, and the exit code says so."""
    interrupts = Interrupts()
    asyncio.get_running_loop().call_later(1.0, interrupt, interrupts, signal.SIGINT)
    with pytest.raises(Failure) as ended:
        await serve(settings(), "wait 5", interrupts=interrupts, end=False)
    assert ended.value.code == Code.INTERRUPTED


async def test_a_signal_while_it_starts(settings, project):
    """A tree that does not come up can be interrupted."""
    interrupts = Interrupts()
    asyncio.get_running_loop().call_later(1.0, interrupt, interrupts, signal.SIGINT)
    work = asyncio.ensure_future(serve(settings(project.with_child("SlowStart")), interrupts=interrupts))
    with pytest.raises(asyncio.CancelledError):
        await work
    assert asyncio.get_running_loop().time() < 10


async def test_without_requests_it_runs_until_a_signal(settings):
    """Where nobody asks, the tree runs all the same."""
    interrupts = Interrupts()
    asyncio.get_running_loop().call_later(3600.0, interrupt, interrupts)
    assert await Daemon(settings(), interrupts, Screen(), None).run() == Code.DONE
    assert asyncio.get_running_loop().time() == pytest.approx(3600.0, abs=1)


async def test_a_root_that_gives_up_ends_it(settings, project):
    """The root supervisor gives up: the daemon ends, and says which child it was, and why."""
    screen = Screen()
    daemon = Daemon(settings(project.with_child("Ill")), Interrupts(), screen, None)
    with pytest.raises(Failure) as ended:
        await daemon.run()
    assert ended.value.code == Code.GAVE_UP
    assert ended.value.lines[0].endswith(
        "'office' gave up: child 'middle' needed more than 1 restart within 60 s: "
        "child 'child' needed more than 1 restart within 60 s: ValueError: cannot live"
    )
    assert screen.told == ["office", "ended"]


async def test_a_tree_that_is_done_ends_it(settings, project):
    """A root that ends because its significant child has ended has not given up: all is done."""
    file = project.with_child(
        "Done", restart="transient", significant=True, supervisor="auto_shutdown: any_significant"
    )
    text = file.read_text()
    text = text.replace("supervisor: office\n", "supervisor: office\n  auto_shutdown: all_significant\n")
    own = "auto_shutdown: any_significant\n"
    file.write_text(text.replace(own, f"{own}      restart: transient\n      significant: true\n"))
    assert await Daemon(settings(file), Interrupts(), Screen(), None).run() == Code.DONE


async def test_a_reader_that_is_gone_ends_it(settings):
    """Where nobody reads the answers, no more requests are taken."""
    with pytest.raises(BrokenPipeError):
        await serve(settings(), "one", "two", "three", screen=Screen(breaks_at=1), end=False)


async def test_a_tree_without_an_entry_says_so(settings, project):
    """Who types at a tree that takes no tasks is told."""
    text = (project.directory / "tree.yaml").read_text()
    file = project.write(text.replace("entry: clerk\n", ""))
    _, screen = await serve(settings(file), "hello")
    assert screen.shown == [("hello", "failed", 0.0)]


async def test_an_error_of_our_own_is_not_swallowed(settings):
    """If the requests break, that is an error, not an end."""

    async def broken():
        yield "one"
        raise TypeError("odd")

    with pytest.raises(TypeError, match="odd"):
        await Daemon(settings(), Interrupts(), Screen(), broken()).run()
