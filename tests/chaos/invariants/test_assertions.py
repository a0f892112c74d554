"""Claims that code makes about itself: what is kept of them, and where they do nothing."""

import asyncio

import pytest

from treeward.agents.agent import Agent
from treeward.chaos.invariants.assertions import (
    Claim,
    Claims,
    always,
    claims,
    reachable,
    sometimes,
    unreachable,
)
from treeward.chaos.invariants.catalogue import declared
from treeward.chaos.invariants.invariant import Violation
from treeward.chaos.simulation.simulate import simulate
from treeward.runtime.actor import Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task


def test_nobody_listens():
    """Outside of a run, a claim does nothing, whatever it says."""
    always("true", condition=False)
    sometimes("now and then", condition=False)
    reachable("here")
    unreachable("there")


def test_always():
    """The first failure of an `always` is a violation, with the facts; the next ones are counted."""
    with claims(Claims(lambda: 4.5)) as kept:
        always("balance", True, balance=1)
        always("balance", None, balance=-1, of="Ann")
        always("balance", 0, balance=-2)
    assert kept.violations == [Violation("always: balance", 4.5, "balance=-1, of='Ann'")]
    assert kept.seen == {"balance": Claim("always", reached=3, held=1)}


def test_unreachable():
    """To reach an `unreachable` is a violation, once."""
    with claims(Claims()) as kept:
        unreachable("twice", order=7)
        unreachable("twice", order=8)
    assert kept.violations == [Violation("unreachable: twice", 0.0, "order=7")]


def test_always_without_facts():
    """A failure without facts says at least what happened."""
    with claims(Claims()) as kept:
        always("true", 0)
    assert kept.violations[0].text == "it did not hold"


def test_sometimes():
    """A `sometimes` counts where it was reached and where it held, and is no violation of one run."""
    with claims(Claims()) as kept:
        sometimes("fallback", condition=False)
        sometimes("fallback", "a text is true")
        sometimes("simply")
        reachable("here")
    assert kept.violations == []
    assert kept.seen == {
        "fallback": Claim("sometimes", reached=2, held=1),
        "simply": Claim("sometimes", reached=1, held=1),
        "here": Claim("reachable", reached=1, held=1),
    }


def test_one_name_two_kinds():
    """One name is one claim: to use it for another kind is a violation, told once."""
    with claims(Claims()) as kept:
        always("name", 1)
        reachable("name")
        reachable("name")
    assert kept.violations == [
        Violation("reachable: name", 0.0, "the name is that of another claim, always: choose one")
    ]
    assert kept.seen == {"name": Claim("always", reached=1, held=1)}


def test_ends_with_the_block():
    """Behind the block nobody listens; a block within another has its own."""
    with claims(Claims()) as outer:
        with claims(Claims()) as inner:
            reachable("inside")
        reachable("outside")
    reachable("behind")
    assert (list(outer.seen), list(inner.seen)) == (["outside"], ["inside"])


class Clerk(Agent):
    """Claims something in its handler, in a subtask and in a hook."""

    def on_start(self):
        reachable("started")

    async def handle(self, task):
        always("input", task.input != "bad", input=task.input)
        await asyncio.gather(self.more())
        return "done"

    async def more(self):
        await asyncio.sleep(1)
        sometimes("more")


@pytest.mark.parametrize("dispatcher", ["loop", "thread"])
def test_in_actors(dispatcher):
    """Actors of a system that was made inside of the block are heard, in handlers and hooks, wherever they run."""
    kept = Claims()

    async def main():
        with claims(kept):
            system = ActorSystem(seed=1, blocked_after=None)
        async with system:
            ref = system.launch(Factory(Clerk), path="clerk", dispatcher=dispatcher)
            await ref.ask(Task("t1", "bad"))

    simulate(main, seed=1).result()
    assert {name: claim.kind for name, claim in kept.seen.items()} == {
        "started": "reachable",
        "input": "always",
        "more": "sometimes",
    }
    assert [str(one) for one in kept.violations] == ["always: input at 0.000000 s: input='bad'"]


SOURCE = """
import os
import treeward.chaos
import treeward.chaos.invariants.assertions as claims
from treeward.chaos.invariants.assertions import always, reachable as reached
from treeward.chaos.invariants import assertions
from treeward import chaos

def work(name):
    always("balance", True)
    reached("here")
    assertions.sometimes("now and then", name)
    chaos.invariants.unreachable(name="there")
    always(name, True)
    always()
    os.always("no claim")
    treeward.chaos.invariants.always("deep", 1)
    claims.sometimes("as", 1)
    other.always("not ours", True)

def always_not(x): ...
always_not("no claim")
"""


def test_declared(tmp_path, monkeypatch):
    """The claims of a module are found in its source, by their literal names, whatever it calls the functions."""
    (tmp_path / "with_claims.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    assert declared(["with_claims"]) == {
        "balance": "always",
        "here": "reachable",
        "now and then": "sometimes",
        "there": "unreachable",
        "deep": "always",
        "as": "sometimes",
    }


def test_declared_in_packages(tmp_path, monkeypatch):
    """A package means all its modules; what cannot be found or has no source, such as a built-in, has no claims."""
    package = tmp_path / "claiming"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("from treeward import always\nalways('one', 1)\n")
    (package / "broken.py").write_text("always('broken', 1")
    (package / "two.py").write_text("from treeward import sometimes\nsometimes('two')\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert declared(["claiming", "sys", "no_such_module", "no.such.module"]) == {"one": "always", "two": "sometimes"}
