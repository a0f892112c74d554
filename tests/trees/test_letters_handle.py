"""A running tree's dead letters from Python: on the loop, in plain threads, and after the end."""

import sys

import pytest

from treeward.agents.agent import Agent
from treeward.runtime.errors import CannotRedrive, SystemClosed, UnknownLetter
from treeward.runtime.task import Task
from treeward.trees.runtime import Runtime
from treeward.trees.spec import AgentNode, SupervisorNode, Tree

HERE = __name__


class Clerk(Agent):
    async def handle(self, task):
        return f"done: {task.input}"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.setitem(sys.modules, HERE, sys.modules[__name__])


def runtime():
    clerk = AgentNode(agent="clerk", use=f"{HERE}:Clerk")
    tree = Tree(name="top", tree=SupervisorNode(supervisor="top", children=[clerk]), entry="clerk")
    return Runtime(tree, allow=[HERE], blocked_after=None)


def lose(rt, *inputs, reason="poison", recipient="top/clerk"):
    for number, text in enumerate(inputs):
        rt.system.call(rt.system.dead_letters.add, Task(f"t{number}", text), recipient, reason)


async def test_letters_are_listed_shown_and_counted():
    """List, show, counts and the number of all are there at once."""
    async with runtime() as rt:
        lose(rt, "a", "b")
        lose(rt, "c", reason="stopped")
        assert [letter.message.input for letter in rt.dead_letters] == ["a", "b", "c"]
        assert [letter.id for letter in rt.dead_letters.list("stopped")] == ["dl-3"]
        assert rt.dead_letters.show("dl-2").task == "t1"
        assert (rt.dead_letters.counts, len(rt.dead_letters)) == ({"poison": 2, "stopped": 1}, 3)
        with pytest.raises(UnknownLetter, match="did you mean dl-3"):
            rt.dead_letters.show("dl-33")


async def test_letters_are_redriven():
    """One is given again by its id, and those of a reason together; what became of them comes back."""
    async with runtime() as rt:
        lose(rt, "a", "b", "c")
        lose(rt, "d", recipient="top/gone")
        assert (await rt.dead_letters.redrive("dl-1")).output == "done: a"
        ended = await rt.dead_letters.redrive_all("poison")
        assert [ended[id_].output for id_ in ("dl-2", "dl-3")] == ["done: b", "done: c"]
        assert isinstance(ended["dl-4"], CannotRedrive)
        assert [letter.id for letter in rt.dead_letters] == ["dl-4"]
        assert (rt.dead_letters.redriven, rt.dead_letters.dropped) == (3, 0)


async def test_letters_are_purged():
    """One, those of a reason, or all; the number comes back."""
    async with runtime() as rt:
        lose(rt, "a", "b", "c", "d")
        lose(rt, "e", reason="stopped")
        assert rt.dead_letters.purge("dl-1") == 1
        assert rt.dead_letters.purge(reason="stopped") == 1
        assert rt.dead_letters.purge() == 3
        assert (rt.dead_letters.list(), rt.dead_letters.purged, len(rt.dead_letters)) == ((), 5, 5)


@pytest.mark.realtime
def test_plain_threads_use_them():
    """In a plain thread a redrive blocks until there is an outcome, and all else comes at once."""
    with runtime() as rt:
        lose(rt, "a", "b")
        assert [letter.id for letter in rt.dead_letters] == ["dl-1", "dl-2"]
        assert rt.dead_letters.redrive("dl-1").output == "done: a"
        assert rt.dead_letters.redrive_all()["dl-2"].output == "done: b"
        lose(rt, "c")
        assert rt.dead_letters.purge("dl-3") == 1
        with pytest.raises(UnknownLetter):
            rt.dead_letters.redrive("dl-3")


async def test_letters_can_be_read_after_the_end():
    """What was lost is still there to be looked at when the runtime has ended; it cannot be given again."""
    async with runtime() as rt:
        lose(rt, "a")
    assert [letter.message.input for letter in rt.dead_letters] == ["a"]
    assert rt.dead_letters.counts == {"poison": 1}
    with pytest.raises(CannotRedrive, match="top/clerk, which it was for, is gone"):
        await rt.dead_letters.redrive("dl-1")


def test_before_the_block_there_are_none():
    """A runtime that has not been entered says so."""
    with pytest.raises(SystemClosed):
        runtime().dead_letters  # noqa: B018 - the look-up is what is tested


@pytest.mark.realtime
def test_letters_of_a_runtime_whose_loop_is_gone():
    """Also from a thread, when the runtime's own loop is closed, the letters can be read, and not redriven."""
    with runtime() as rt:
        lose(rt, "a")
    assert len(rt.dead_letters.list()) == 1
    with pytest.raises(SystemClosed):
        rt.dead_letters.redrive("dl-1")
