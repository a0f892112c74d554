"""A purse: several ledgers, all or none of them; who waits, for how long, and in which order."""

from __future__ import annotations

import asyncio

import pytest

from treeward.runtime.clock import LoopClock
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.runtime.usage import Limits, Usage
from treeward.supervisors.budgets.bank import RESERVED, bank_of
from treeward.supervisors.budgets.budget import Budget, Spending
from treeward.supervisors.budgets.purse import Ledgers, Purse
from treeward.supervisors.work_errors import BudgetExceeded

HOUR = 3600.0
COST = Budget(limits=Limits(cost=1.0), per="life")
"""Nobody says what a call costs: one at a time."""
EACH = Budget(limits=Limits(cost=1.0), per="life", call=Limits(cost=0.25))
"""A call costs a quarter at most: four side by side."""
PLENTY = Budget(limits=Limits(cost=1e6), per="life")
"""As much as anybody wants, to one at a time."""


class Shop:
    """A runtime with ledgers by their names, and tasks that note when they begin and end."""

    def __init__(self, system, **budgets):
        self.system = system
        self.ledgers = {name: Ledgers((budget,), name) for name, budget in budgets.items()}
        self.log = []
        self.now = system.clock.monotonic

    def purse(self, names="x", task="t", lineage=(), **fields):
        ledgers = [self.ledgers[name] for name in names.split()]
        return Purse(ledgers, Task(task, None, lineage=tuple(lineage), **fields), f"shop/{task}", self.system)

    async def work(self, task, names="x", *, seconds=1.0, cost=0.0, parts=(), until=None, lineage=(), after=0.0):
        """Does a task: waits, reserves, works, has its parts done side by side, settles. Returns how it went."""
        await asyncio.sleep(after)
        purse, begun = self.purse(names, task, lineage), None
        try:
            await purse.reserve(until)
            begun = self.now()
            self.log.append(f"{begun:g} {task}")
            await asyncio.sleep(seconds)
            within = (*lineage, task)
            done = await asyncio.gather(*(self.work(lineage=within, **part) for part in parts))
        except BudgetExceeded as error:
            return str(error)
        else:
            return ["done", *done] if parts else "done"
        finally:
            if begun is not None:
                purse.settle(Usage(cost=cost), seconds=self.now() - begun)

    def view(self, name="x"):
        (view,) = self.ledgers[name].views(self.system.clock.time())
        return view

    async def together(self, *works):
        return await asyncio.gather(*works)


@pytest.fixture
def shop():
    """Opens a shop with these budgets, on the test's loop; its wall clock stands at the beginning of an hour."""

    def opened(**budgets):
        system = ActorSystem(clock=LoopClock(asyncio.get_running_loop(), epoch=1000 * HOUR), blocked_after=None)
        system.open(asyncio.get_running_loop())
        return Shop(system, **budgets)

    return opened


# --- all or none ------------------------------------------------------------------------------------


async def test_no_ledger(shop):
    """Where there is no budget, a task goes on at once, and nothing can be spent too much."""
    purse = shop().purse("")
    assert await purse.reserve() is None
    purse.charge(Usage(cost=1e9))
    assert purse.seconds_left() is None
    purse.settle(Usage(cost=1e9), seconds=1.0)


async def test_every_ledger_counts(shop):
    """What a task spends is spent of all its budgets together."""
    here = shop(x=COST, y=EACH)
    purse = here.purse("x y")
    assert await purse.reserve() is None
    assert (here.view("x").reserved.cost, here.view("y").reserved.cost) == (1.0, 0.25)
    purse.charge(Usage(cost=0.1))
    purse.settle(Usage(cost=0.2, input_tokens=5), seconds=2.0, restarts=1)
    expected = Spending(cost=0.2, tokens=5, seconds=2.0, restarts=1)
    assert here.view("x").spent == here.view("y").spent == expected
    assert here.view("x").reserved == here.view("y").reserved == Spending()


async def test_one_no_is_a_no(shop):
    """If one budget is spent, nothing is reserved in the others, and the error says whose it is, and of what."""
    here = shop(x=EACH, y=COST)
    await here.work("before", "y", cost=1.0)
    with pytest.raises(BudgetExceeded, match=r"^the budget of y is spent: cost$") as caught:
        await here.purse("x y").reserve()
    assert (caught.value.owner, caught.value.what) == ("y", "cost")
    assert here.view("x").calls == 0
    assert (here.view("x").stopped, here.view("y").stopped) == (0, 1)


async def test_whoever_waits_holds_nothing(shop):
    """While a task waits for one ledger, others may use the rest of its ledgers."""
    here = shop(x=COST, y=EACH)
    results = await here.together(
        here.work("a", "x", seconds=10),
        here.work("b", "x y", seconds=10, after=1),
        here.work("c", "y", seconds=1, after=2),
    )
    assert results == ["done"] * 3
    assert here.log == ["0 a", "2 c", "10 b"]


async def test_released(shop):
    """A purse that is given back has spent nothing, and lets the next one in."""
    here = shop(x=COST)
    purse = here.purse()
    await purse.reserve()
    waiting = asyncio.create_task(here.work("b"))
    await asyncio.sleep(1)
    purse.release()
    assert await waiting == "done"
    assert here.view().spent.cost == 0


async def test_settled_without_a_reservation(shop):
    """The end of a try that was never let in changes nothing."""
    here = shop(x=COST)
    purse = here.purse()
    purse.settle(Usage(cost=0.5), seconds=1.0)
    purse.release()
    assert here.view().spent == Spending()


# --- charges ----------------------------------------------------------------------------------------


async def test_a_charge_stops_the_work(shop):
    """The first charge that is too much for one of the budgets raises, and so does each after it."""
    here = shop(x=COST, y=Budget(limits=Limits(calls=2)))
    purse = here.purse("x y")
    await purse.reserve()
    for _ in range(2):
        purse.charge(Usage(tool_calls=1, cost=0.1))
    for _ in range(2):
        with pytest.raises(BudgetExceeded, match=r"^the budget of y is spent: calls$"):
            purse.charge(Usage(tool_calls=1, cost=0.1))
    assert here.view("x").spent == Spending(cost=0.4, calls=4)
    assert here.view("y").stopped == 1


async def test_a_look(shop):
    """A charge of nothing says whether the work may go on."""
    here = shop(x=Budget(limits=Limits(seconds=10)))
    purse = here.purse()
    await purse.reserve()
    await asyncio.sleep(10)
    purse.charge(Usage())
    assert purse.seconds_left() == 0.0
    await asyncio.sleep(1)
    with pytest.raises(BudgetExceeded, match="seconds"):
        purse.charge(Usage())


async def test_seconds_left_of_the_tightest(shop):
    """A try may go on for as long as all of its budgets let it."""
    here = shop(x=Budget(limits=Limits(seconds=10)), y=Budget(limits=Limits(seconds=7)), z=COST)
    purse = here.purse("x y z")
    await purse.reserve()
    await asyncio.sleep(2)
    assert purse.seconds_left() == 5.0


# --- demotion ---------------------------------------------------------------------------------------


async def test_the_cheaper_variant(shop):
    """Near the limit, `reserve` names who gets the task instead, and why; nothing is reserved."""
    here = shop(x=Budget(limits=Limits(cost=1.0), per="day", cheaper="mini"), y=EACH)
    await here.work("before", "x", cost=0.8)
    purse = here.purse("x y")
    assert await purse.reserve() == "mini"
    assert purse.why == "cost of x"
    assert (here.view("x").demoted, here.view("x").calls, here.view("y").calls) == (1, 0, 0)
    assert await here.purse("x y", "mini").reserve() is None


async def test_the_cheaper_variant_has_had_it(shop):
    """A task that the cheaper variant has had is not given to it once more."""
    here = shop(x=Budget(limits=Limits(cost=1.0), cheaper="mini", demote_at=0.0))
    assert await here.purse(visited=("shop/mini",)).reserve() is None


async def test_elsewhere_goes_before_no(shop):
    """If one budget is spent and another names somebody else, that one gets the task."""
    here = shop(x=COST, y=Budget(limits=Limits(cost=1.0), cheaper="mini", demote_at=0.0))
    await here.work("before", "x", cost=1.0)
    assert await here.purse("x y").reserve() == "mini"


async def test_demoted_while_it_waits(shop):
    """Who has waited may be sent elsewhere in the end."""
    here = shop(x=Budget(limits=Limits(cost=1.0), per="life", cheaper="mini"))
    first = asyncio.create_task(here.work("a", cost=0.9, seconds=5))
    await asyncio.sleep(1)
    assert await here.purse(task="b").reserve() == "mini"
    assert here.now() == 5.0
    assert await first == "done"


# --- waiting ----------------------------------------------------------------------------------------


async def test_in_the_order_in_which_they_came(shop):
    """Tasks that wait for a ledger get it one after the other, the first one first."""
    here = shop(x=PLENTY)
    await here.together(*(here.work(f"{number}", after=number / 10) for number in range(5)))
    assert here.log == ["0 0", "1 1", "2 2", "3 3", "4 4"]


async def test_side_by_side(shop):
    """With a word on what a call costs, as many run at once as there is room for."""
    here = shop(x=EACH)
    await here.together(*(here.work(f"{number}", cost=0.1) for number in range(6)))
    assert here.log == ["0 0", "0 1", "0 2", "0 3", "1 4", "1 5"]


async def test_the_first_one_is_not_passed_by(shop):
    """Who waits for much is not starved by those who need little: room is kept for the first one."""
    here = shop(x=PLENTY, y=PLENTY)
    works = [here.work("a", "x", seconds=10), here.work("both", "x y", after=1)]
    works += [here.work(f"y{number}", "y", seconds=10, after=2 + number) for number in range(3)]
    await here.together(*works)
    assert here.log == ["0 a", "10 both", "11 y0", "21 y1", "31 y2"]


async def test_room_is_kept_for_the_first_one(shop):
    """With a word on what a call costs, the first one who waits keeps room for one from those who come later."""
    here = shop(x=PLENTY, y=Budget(limits=Limits(cost=1.0), per="life", call=Limits(cost=0.5)))
    works = [here.work("a", "x", seconds=10), here.work("both", "x y", after=1)]
    works += [here.work(f"y{number}", "y", seconds=20, after=2 + number) for number in range(2)]
    await here.together(*works)
    assert here.log == ["0 a", "2 y0", "10 both", "11 y1"]


async def test_who_is_refused_keeps_nobody_waiting(shop):
    """The room that was kept for one who is refused in the end is there for the next one."""
    here = shop(x=COST, y=PLENTY)
    works = [here.work("a", "x", seconds=10, cost=1.0), here.work("both", "x y", after=1), here.work("y", "y", after=2)]
    assert await here.together(*works) == ["done", "the budget of x is spent: cost", "done"]
    assert here.log == ["0 a", "10 y"]


async def test_who_goes_away_keeps_nobody_waiting(shop):
    """The room that was kept for one who is cancelled is there for the next one, at once."""
    here = shop(x=PLENTY, y=PLENTY)
    first, last = (asyncio.create_task(here.work(name, name, after=at)) for name, at in [("x", 0), ("y", 0.5)])
    await asyncio.sleep(0.1)
    both = asyncio.create_task(here.purse("x y", "both").reserve())
    await asyncio.sleep(0.6)
    both.cancel()
    assert await asyncio.gather(first, last) == ["done"] * 2
    assert here.log == ["0 x", "0.7 y"]


async def test_no_time_left(shop):
    """Who may wait no longer is told that the rest is reserved, and leaves the others' way."""
    here = shop(x=COST, y=COST)
    results = await here.together(
        here.work("a", "x", seconds=10),
        here.work("b", "x y", until=5.0, after=1),
        here.work("c", "y", after=2),
    )
    assert results == ["done", f"the budget of x is spent: {RESERVED}", "done"]
    assert here.log == ["0 a", "5 c"]
    assert here.view().stopped == 1


async def test_let_in_at_the_last_moment(shop):
    """Who is let in at the very time until which it would have waited is in."""
    here = shop(x=COST)
    first, second = here.purse(), here.purse(task="b")
    await first.reserve()
    asyncio.get_running_loop().call_later(5.0, lambda: first.settle(Usage(), seconds=5.0))
    assert await second.reserve(5.0) is None
    assert here.view().calls == 1
    second.settle(Usage(), seconds=0.0)


async def test_the_deadline_of_the_task(shop):
    """A task waits no longer than its deadline lets it, whatever else was said."""
    here = shop(x=COST)
    purse = here.purse()
    await purse.reserve()
    for deadline, until, ends in [(2.0, None, 2.0), (3.0, 9.0, 3.0), (9.0, 4.0, 4.0), (1.0, None, 4.0)]:
        with pytest.raises(BudgetExceeded, match=RESERVED):
            await here.purse(deadline=deadline).reserve(until)
        assert here.now() == ends


@pytest.mark.parametrize("just_let_in", [False, True])
async def test_cancelled(shop, just_let_in):
    """Who is cancelled while it waits, or just when it is let in, has reserved nothing, and the next one goes on."""
    here = shop(x=COST)
    first = here.purse()
    await first.reserve()
    second = asyncio.create_task(here.purse(task="b").reserve())
    third = asyncio.create_task(here.work("c"))
    await asyncio.sleep(1)
    if just_let_in:
        first.settle(Usage(), seconds=1.0)
        assert here.view().calls == 1
    second.cancel()
    await asyncio.wait([second])
    assert second.cancelled()
    first.settle(Usage(), seconds=1.0)
    assert await third == "done"
    assert here.log == ["1 c"]
    assert here.view().calls == 0


async def test_the_turn_of_the_hour(shop):
    """At the turn of the period, those who wait are let in without anybody's end."""
    here = shop(x=Budget(limits=Limits(cost=1.0), per="hour", call=Limits(cost=0.4)))
    await here.work("before", cost=0.1, seconds=0)
    long, short = here.work("long", cost=0.4, seconds=2 * HOUR), here.work("short", cost=0.4, seconds=60)
    assert await here.together(long, short, here.work("late", cost=0.4, after=1)) == ["done"] * 3
    assert here.log == ["0 before", "0 long", "0 short", f"{HOUR:g} late"]
    assert here.view().since == 1002 * HOUR


async def test_nobody_watches_the_clock_for_nobody(shop):
    """Once nobody waits any more, nothing is left of the waiting, not even a timer."""
    here = shop(x=Budget(limits=Limits(cost=1.0), per="day"))
    await here.together(here.work("a"), here.work("b", until=0.5, lineage=["c"]), here.work("d", until=9.0))
    bank = bank_of(here.system)
    assert here.now() == 2.0
    assert not any((bank._held, bank._wanting, bank._below, bank._turns))
    assert asyncio.get_running_loop().timers() == ()


async def test_another_budget_lets_them_in(shop):
    """A new budget counts for those who wait, too."""
    here = shop(x=COST)
    first = asyncio.create_task(here.work("a", seconds=10))
    second = asyncio.create_task(here.work("b", after=1))
    await asyncio.sleep(2)
    here.ledgers["x"].adopt((Budget(limits=Limits(cost=1.0), per="life", call=Limits(cost=0.1)),))
    assert await second == "done"
    assert here.log == ["0 a", "2 b"]
    assert await first == "done"


# --- calls in calls ---------------------------------------------------------------------------------


async def test_an_orchestrator_does_not_wait_for_itself(shop):
    """A task's parts get what it has reserved, one after the other, before all others who wait."""
    here = shop(x=PLENTY)
    a = here.work("a", parts=[{"task": "a1"}, {"task": "a2", "parts": [{"task": "a21"}]}])
    assert await here.together(a, here.work("b", after=0.5)) == [["done", "done", ["done", "done"]], "done"]
    assert here.log == ["0 a", "1 a1", "2 a2", "3 a21", "4 b"]


async def test_parts_side_by_side(shop):
    """With a word on what a call costs, an orchestrator's parts run side by side."""
    here = shop(x=Budget(limits=Limits(cost=10.0), per="life", call=Limits(cost=0.1)))
    await here.work("a", parts=[{"task": f"a{number}"} for number in range(5)])
    assert here.log == ["0 a", *(f"1 a{number}" for number in range(5))]


async def test_crosswise(shop):
    """Two who hold what the other's part needs go on: each of them does nothing but wait."""
    here = shop(x=PLENTY, y=PLENTY)
    a = here.work("a", "x", parts=[{"task": "a1", "names": "y"}])
    b = here.work("b", "y", parts=[{"task": "b1", "names": "x"}])
    assert await here.together(a, b) == [["done", "done"]] * 2
    assert here.log == ["0 a", "0 b", "1 b1", "2 a1"]


async def test_crosswise_with_others_in_between(shop):
    """Those who came before are passed by where they wait for the knot as well, and are served after it."""
    here = shop(x=PLENTY, y=PLENTY)
    a = here.work("a", "x", parts=[{"task": "a1", "names": "y"}])
    b = here.work("b", "y", parts=[{"task": "b1", "names": "x", "after": 0.1}])
    others = [here.work("c", "x", after=0.2), here.work("d", "y", after=0.3), here.work("e", "x y", after=0.4)]
    assert "the budget" not in str(await here.together(a, b, *others))
    assert here.log == ["0 a", "0 b", "1.1 b1", "2.1 d", "3.1 a1", "4.1 c", "5.1 e"]


async def test_crosswise_with_words(shop):
    """Where all have given their word and there is room for nobody's part, the last to ask is refused, not the word."""
    tight = Budget(limits=Limits(cost=1.0), per="life", call=Limits(cost=0.5))
    here = shop(x=tight)
    a, b = (here.work(name, cost=0.5, parts=[{"task": f"{name}1", "cost": 0.5}]) for name in "ab")
    results = await here.together(a, b)
    assert sorted(results, key=str) == [["done", "the budget of x is spent: cost"]] * 2
    assert here.view().spent.cost == 1.0


ONLY_ONE = Budget(limits=Limits(cost=0.5), per="life", call=Limits(cost=0.5))
"""Room for one, by its word."""
TWO = Budget(limits=Limits(cost=1.0), per="life", call=Limits(cost=0.5))


async def test_nobody_is_refused_for_a_knot_that_is_no_longer_one(shop):
    """Who waits for a call that would be let past all but one who works, waits for that one too."""
    here = shop(v=PLENTY, w=ONLY_ONE, x=PLENTY, y=PLENTY)
    works = [
        here.work("A", "w y", parts=[{"task": "c", "names": "x"}]),
        here.work(
            "a", "x", seconds=0.5, parts=[{"task": "h", "seconds": 10}, {"task": "p", "names": "y", "after": 0.1}]
        ),
        here.work("P", "v", seconds=0.1, parts=[{"task": "T", "names": "w", "after": 2}]),
    ]
    assert "the budget" not in str(await here.together(*works))
    assert "10.5 c" in here.log
    assert here.log[-1] == "11.5 T"


async def test_nobody_goes_beside_one_who_may_go_on(shop):
    """A call whose part waits for any of several goes on as soon as one of them ends: nobody goes beside it."""
    here = shop(w=TWO, x=PLENTY, z=PLENTY)
    works = [
        here.work("P", "z", parts=[{"task": "T", "names": "x"}]),
        here.work("b", "x", seconds=0.5, parts=[{"task": "m", "names": "w"}]),
        here.work("h1", "w", seconds=10),
        here.work("h2", "w", seconds=0.2, parts=[{"task": "q", "names": "z"}]),
    ]
    assert "the budget" not in str(await here.together(*works))
    assert here.log == ["0 P", "0 b", "0 h1", "0 h2", "10 m", "11 T", "12 q"]


async def test_to_go_beside_is_better_than_to_refuse(shop):
    """Where a knot can be undone by letting one past, nobody is refused, though no room is left by the words."""
    here = shop(y=PLENTY, z=Budget(limits=Limits(cost=1.5), per="life", call=Limits(cost=0.5)))
    works = [
        here.work("A", "z", seconds=0, parts=[{"task": "A1", "names": "y"}]),
        here.work(
            "B",
            "z",
            seconds=0,
            parts=[{"task": "B1", "names": "z", "seconds": 0, "parts": [{"task": "B2", "names": "z"}]}],
        ),
        here.work("C", "y", seconds=0, parts=[{"task": "C1", "names": "z", "after": 0.5}]),
    ]
    assert "the budget" not in str(await here.together(*works))
    assert here.log[3:] == ["0 B1", "0.5 A1", "1.5 B2", "2.5 C1"]


async def test_restarts_in_a_knot(shop):
    """Nobody has to give a word on restarts, so nobody is refused for a knot in them."""
    here = shop(x=Budget(limits=Limits(restarts=1), per="life"))
    works = [here.work(name, parts=[{"task": f"{name}1"}]) for name in "ab"]
    assert await here.together(*works) == [["done", "done"]] * 2
