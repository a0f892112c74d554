"""What the tests of the support tree share: books with known customers, at a known moment; and the tree itself."""

from __future__ import annotations

import asyncio
import inspect
import itertools
import shutil
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

import pytest

from treeward.agents.state import state_path
from treeward.runtime.clock import LoopClock
from treeward.runtime.entropy import Entropy
from treeward.trees import library
from treeward.trees.library.support.honesty import dishonest
from treeward.trees.library.support.ledger import Ledger
from treeward.trees.library.support.records import Origin
from treeward.trees.library.support.seed import open_store
from treeward.trees.load import load_tree
from treeward.trees.runtime import Runtime

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC).timestamp()
TODAY = date(2026, 11, 20)


def rng(seed=1):
    return Entropy(seed).stream("support")


@pytest.fixture
def open_books(tmp_path):
    """Opens the books of this test, any number of times: each call is a connection of its own."""
    opened = []

    def books(name="support.db", now=NOW, seed=1):
        opened.append(open_store(tmp_path / name, now=now, rng=rng(seed)))
        return opened[-1]

    yield books
    for store in opened:
        store.close()


@pytest.fixture
def store(open_books):
    """The books as they are on 20 November 2026."""
    return open_books()


@pytest.fixture
def origin():
    """Makes the origin of an effect: `origin()` a new one each time, `origin("a")` always that one."""
    numbers = itertools.count(1)

    def made(key=None, request=None, at=NOW):
        word = key or f"request-{next(numbers)}"
        return Origin(word, request or word, "billing", at)

    return made


# --- the tree ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    """`async with running() as rt`: the support tree on 20 November 2026; in virtual time, if it has no `threads`."""
    books = tmp_path_factory.mktemp("books") / "support.db"
    open_store(books, now=NOW, rng=rng()).close()
    tree = load_tree(library.find("support"))
    without_threads = changed(tree, dispatcher="loop")
    without_judges = changed(without_threads, judges=())

    @asynccontextmanager
    async def run(*, threads=False, judges=True):
        folder = state_path("support")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(books, folder)  # to make them anew would take most of the test's time
        clock = LoopClock(asyncio.get_running_loop(), NOW)
        chosen = tree if threads else without_threads if judges else without_judges
        async with Runtime(chosen, seed=1, clock=clock, grace=0.1) as rt:
            yield rt

    return run


def changed(spec, **fields):
    """Returns a tree, or a node, in which all agents have other values in some fields."""
    if hasattr(spec, "entry"):
        return spec.model_copy(update={"tree": changed(spec.tree, **fields)})
    if hasattr(spec, "children"):
        return spec.model_copy(update={"children": tuple(changed(child, **fields) for child in spec.children)})
    return spec.model_copy(update=fields)


@pytest.fixture
def sabotage(monkeypatch):
    """`sabotage("billing", BillingWorker, fault, method="handle", times=1)`: what one agent's method does instead.

    `fault(agent, work)` is awaited in its place; `work()` does what would have been done. The returned list gets
    an entry for each time that the fault was at work.
    """

    def install(name, cls, fault, *, method="handle", times=None):
        original, seen = getattr(cls, method), []

        async def sabotaged(self, *args, **kwargs):
            async def work():
                result = original(self, *args, **kwargs)
                return await result if inspect.isawaitable(result) else result

            if self.path.rpartition("/")[2] != name or (times is not None and len(seen) >= times):
                return await work()
            seen.append(self.incarnation)
            return await fault(self, work)

        monkeypatch.setattr(cls, method, sabotaged)
        return seen

    return install


@pytest.fixture
def books(state_dir):
    """What is in the files by now."""
    return Files(state_dir / "support")


class Files:
    def __init__(self, folder):
        self._folder = folder

    @property
    def ledger(self):
        """What is in the files at this moment."""
        return Ledger(self._folder)

    @property
    def refunds(self):
        """By number, in cents: those that requests have caused."""
        return {row["id"]: row["amount"] for row in self.ledger.written.refunds}

    @property
    def changes(self):
        return [(row["from_plan"], row["to_plan"]) for row in self.ledger.written.changes]

    @property
    def cancellations(self):
        return [row["subscription"] for row in self.ledger.written.cancellations]

    @property
    def cases(self):
        return list(self.ledger.cases)

    def check(self, outcome):
        """Fails if an answer claims what was not done, denies what was, or promises a person where there is no case."""
        text, ledger = outcome.output if isinstance(outcome.output, str) else "", self.ledger
        faults = list(dishonest(text, ledger.written, {case["id"] for case in ledger.cases}))
        assert not faults, "; ".join(faults)
