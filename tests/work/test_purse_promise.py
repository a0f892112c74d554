"""What purses promise together: nobody waits for ever, and each budget keeps its own promise, whoever draws on what."""

from __future__ import annotations

import asyncio
import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.clock import LoopClock
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.runtime.usage import Limits, Usage
from treeward.supervisors.budgets.bank import RESERVED, bank_of
from treeward.supervisors.budgets.budget import Budget, Spending
from treeward.supervisors.budgets.purse import Ledgers, Purse
from treeward.supervisors.work_errors import BudgetExceeded

DEAREST = 6  # cents that a call costs at most
NAMES = ("x", "y", "z")
BUDGETS = {
    "plenty": Budget(limits=Limits(cost=1000.0), per="life"),
    "some": Budget(limits=Limits(cost=0.2), per="life"),
    "hourly": Budget(limits=Limits(cost=0.2), per="hour"),
    "word": Budget(limits=Limits(cost=0.2), per="life", call=Limits(cost=DEAREST / 100)),
    "little": Budget(limits=Limits(cost=0.13), per="life", call=Limits(cost=DEAREST / 100)),
    "request": Budget(limits=Limits(cost=0.1), per="task", call=Limits(cost=DEAREST / 100)),
    "time": Budget(limits=Limits(seconds=3000), per="life"),
    "time and word": Budget(limits=Limits(seconds=9000, cost=0.3), per="hour", call=Limits(seconds=3000, cost=0.06)),
    "restarts": Budget(limits=Limits(restarts=1), per="life"),
}
ONE_BY_ONE = {"plenty", "some", "hourly"}


@st.composite
def works(draw, depth=3):
    """A task: its ledgers, when it comes, how long it takes, what it costs, how long it waits, its parts."""
    parts = draw(st.lists(works(depth=depth - 1), max_size=3)) if depth else []
    return {
        "names": draw(st.sets(st.sampled_from(NAMES))),
        "after": draw(st.sampled_from([0, 0, 0.5, 1, 3])),
        "seconds": draw(st.sampled_from([0, 1, 2, 1000])),
        "cents": 0 if parts else draw(st.integers(0, DEAREST)),
        "patience": draw(st.sampled_from([None, None, None, 2, 3000])),
        "cancelled": draw(st.sampled_from([None, None, None, None, 0, 1.5, 700])),
        "side_by_side": draw(st.booleans()),
        "parts": parts,
    }


def patient(work):
    """Returns a task that is not cancelled, and waits for as long as it takes; so are its parts."""
    return {**work, "patience": None, "cancelled": None, "parts": [patient(part) for part in work["parts"]]}


class Run:
    """Tasks on their way, and what is true at each moment."""

    def __init__(self, kinds):
        loop = asyncio.get_running_loop()
        self.system = ActorSystem(clock=LoopClock(loop, epoch=0.0), blocked_after=None)
        self.system.open(loop)
        self.clock = self.system.clock
        self.kinds = kinds
        self.ledgers = {name: Ledgers((BUDGETS[kind],), name) for name, kind in kinds.items()}
        self.at_work = {name: set() for name in kinds}
        self.numbers = itertools.count()
        self.refused = []

    async def work(self, work, lineage=()):
        """Does a task. Whoever has parts spends nothing itself, and waits until all of them have ended."""
        await asyncio.sleep(work["after"])
        doing = asyncio.create_task(self.do(work, f"{next(self.numbers)}", lineage))
        if work["cancelled"] is not None:
            asyncio.get_running_loop().call_later(work["cancelled"], doing.cancel)
        await asyncio.wait([doing])
        if not doing.cancelled():
            doing.result()

    async def do(self, work, task, lineage):
        trace = lineage[0] if lineage else task
        ledgers = [self.ledgers[name] for name in sorted(work["names"])]
        purse = Purse(ledgers, Task(task, None, lineage=lineage, trace=trace), task, self.system)
        until = None if work["patience"] is None else self.clock.monotonic() + work["patience"]
        try:
            await purse.reserve(until)
        except BudgetExceeded as error:
            self.refused.append(error)
            return
        begun, cents = self.clock.monotonic(), 0
        try:
            with self.watched(work, task):
                await asyncio.sleep(work["seconds"])
                cents = work["cents"]
            await self.parts(work, (*lineage, task))
        finally:
            purse.settle(Usage(cost=cents / 100), seconds=self.clock.monotonic() - begun)
            self.check()

    async def parts(self, work, lineage):
        if work["side_by_side"]:
            doing = [asyncio.create_task(self.work(part, lineage)) for part in work["parts"]]
            try:
                await asyncio.gather(*doing)
            except asyncio.CancelledError:
                for one in doing:
                    one.cancel()
                raise
        else:
            for part in work["parts"]:
                await self.work(part, lineage)

    def watched(self, work, task):
        return AtWork([self.at_work[name] for name in work["names"] if self.kinds[name] in ONE_BY_ONE], task)

    def check(self):
        """No ledger has spent more than its limit, and one call where nobody gives a word."""
        for name, ledgers in self.ledgers.items():
            (view,) = ledgers.views(self.clock.time())
            beyond = DEAREST / 100 if self.kinds[name] in ONE_BY_ONE else 0.0
            assert view.limits.cost is None or view.spent.cost <= round(view.limits.cost + beyond, 2)

    def nothing_left(self):
        for ledgers in self.ledgers.values():
            (view,) = ledgers.views(self.clock.time())
            assert (view.calls, view.reserved) == (0, Spending())
        bank = bank_of(self.system)
        assert not any((bank._held, bank._wanting, bank._below, bank._turns))


class AtWork:
    """Says that a call is at work, and that it is the only one, where calls come one after the other."""

    def __init__(self, places, task):
        self.places = places
        self.task = task

    def __enter__(self):
        for place in self.places:
            assert not place
            place.add(self.task)

    def __exit__(self, *_):
        for place in self.places:
            place.remove(self.task)


KINDS = st.fixed_dictionaries({name: st.sampled_from(sorted(BUDGETS)) for name in NAMES})


@given(kinds=KINDS, scripts=st.lists(works(), max_size=6))
async def test_all_end(kinds, scripts):
    """Whatever comes, in each other and side by side, impatient and cancelled: all end, and nothing stays reserved."""
    run = Run(kinds)
    await asyncio.gather(*(run.work(script) for script in scripts))
    await asyncio.sleep(100_000)  # for the parts of those that were cancelled
    run.nothing_left()


@given(scripts=st.lists(works(), min_size=1, max_size=6))
async def test_all_are_done(scripts):
    """Where there is plenty, all are done, one at a time in each ledger, however they hang together."""
    run = Run(dict.fromkeys(NAMES, "plenty"))
    await asyncio.gather(*(run.work(patient(script)) for script in scripts))
    assert run.refused == []
    run.nothing_left()


@given(kinds=KINDS, scripts=st.lists(works(), max_size=6))
async def test_who_waits_for_as_long_as_it_takes_is_told(kinds, scripts):
    """Nobody is told that others have reserved the rest, but those who did not want to wait for it."""
    run = Run(kinds)
    await asyncio.gather(*(run.work(patient(script)) for script in scripts))
    assert RESERVED not in {error.what for error in run.refused}
    run.nothing_left()


def work(names, *parts, **changes):
    rest = {"after": 0, "seconds": 0, "cents": 0, "patience": None, "cancelled": None, "side_by_side": True}
    return {**rest, "names": set(names), "parts": list(parts), **changes}


IN_A_ROW = {"side_by_side": False}

KNOTS = {
    "crosswise": ("plenty plenty plenty", [work("x", work("y"), seconds=1), work("y", work("x"), seconds=1)]),
    "in a ring": ("plenty plenty plenty", [work(a, work(b), seconds=1) for a, b in ("xy", "yz", "zx")]),
    "one who waits for any ties it for those who wait for all": (
        "word plenty plenty",
        [work("x", work("y")), work("y", work("x", after=0.5)), work("x"), work("x", work("x", work("x")))],
    ),
    "the last one to come ties it elsewhere": (
        "word word plenty",
        [
            work("x", cents=4),
            work("x", work("z", work("x"), after=0.5), **IN_A_ROW),
            work("x", work("z", after=0.5)),
        ],
    ),
    "who comes on ties it elsewhere": (
        "word plenty word",
        [
            work("xyz", work("x", work("z", after=0.5), work("x", seconds=1)), **IN_A_ROW),
            work("z", work("xy"), **IN_A_ROW),
            work("z", work("y"), after=0.5, **IN_A_ROW),
        ],
    ),
    "who is let past one place ties it at the next": (
        "plenty little word",
        [
            work("yz", work("xz", **IN_A_ROW)),
            work("z", work("x")),
            work("xy", work("z", cents=6), work("y", **IN_A_ROW), **IN_A_ROW),
        ],
    ),
    "where nobody has told his elders": (
        "plenty plenty plenty",
        [
            work(
                "z",
                work("", work("y", work("z")), seconds=1000),
                work("", work("y"), work("xy", work("x"))),
                **IN_A_ROW,
            ),
            work("x", work("y", work("xz"), after=1, **IN_A_ROW), **IN_A_ROW),
            work("y", work("x", work("xz"), **IN_A_ROW), after=1),
        ],
    ),
    "a part of a part behind a part": (
        "plenty plenty plenty",
        [work("x", work("x", work("x", seconds=3), work("x", after=2)), work("x", after=1))],
    ),
}


@pytest.mark.parametrize(("kinds", "scripts"), KNOTS.values(), ids=list(KNOTS))
async def test_knots(kinds, scripts):
    """Calls in calls that would wait for each other are let past, each in its turn, as far as there is room."""
    run = Run(dict(zip(NAMES, kinds.split(), strict=True)))
    await asyncio.gather(*(run.work(script) for script in scripts))
    run.nothing_left()


@pytest.mark.parametrize("kind", ["plenty", "word"])
async def test_a_thousand_wait(kind):
    """A thousand tasks that want the same are served in their order, and their number makes it no slower than that."""
    run = Run(dict.fromkeys(NAMES, kind))
    rng = random.Random(7)
    begun = []

    async def one(number):
        purse = Purse([run.ledgers[name] for name in NAMES], Task(f"{number}", None), "a", run.system)
        await purse.reserve()
        begun.append(number)
        await asyncio.sleep(rng.random())
        purse.settle(Usage(), seconds=0.0)

    await asyncio.gather(*(one(number) for number in range(1000)))
    assert begun == list(range(1000))
    run.nothing_left()
