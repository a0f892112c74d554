"""The ledgers of a child or a supervisor: one for each budget, or for each request; kept, replaced, shown."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from treeward.runtime.usage import Limits, Usage
from treeward.supervisors.budgets.bank import Bank
from treeward.supervisors.budgets.budget import Budget, Call, LedgerView, Spending
from treeward.supervisors.budgets.purse import Ledgers

TASK = Budget(limits=Limits(cost=1.0))
DAY = Budget(limits=Limits(cost=10.0), per="day")
LIFE = Budget(limits=Limits(calls=9), per="life")


class Kept:
    """Ledgers, and what is spent of them at once."""

    def __init__(self, *budgets):
        self.bank = Bank(SimpleNamespace(time=lambda: 0.0))
        self.ledgers = Ledgers(budgets, "it")

    def of(self, trace="r"):
        return self.ledgers.of(trace, 0.0, self.bank)

    def spend(self, cost, trace="r"):
        for ledger in self.of(trace):
            ledger.settle(ledger.enter(Call("t"), 0.0), Usage(cost=cost, tool_calls=1), 0.0, 0, 0.0)

    def refuse(self, trace="r"):
        return [ledger.reserve(Call("t"), 0.0) for ledger in self.of(trace)]

    @property
    def views(self):
        return self.ledgers.views(0.0)

    @property
    def costs(self):
        return [view.spent.cost for view in self.views]


def test_one_ledger_for_each_budget():
    """Each budget is kept on its own, in the order in which they are declared."""
    kept = Kept(DAY, LIFE)
    kept.spend(2.0)
    assert [(view.owner, view.per, view.share) for view in kept.views] == [("it", "day", 0.2), ("it", "life", 1 / 9)]


def test_one_ledger_for_all_requests():
    """Requests share a budget of a day, an hour or a life."""
    kept = Kept(DAY)
    kept.spend(2.0, "r")
    kept.spend(3.0, "s")
    assert kept.of("r") == kept.of("s")
    assert kept.costs == [5.0]


def test_one_ledger_for_each_request():
    """What one request spends of a budget per task is not spent for the others; its own tasks share it."""
    kept = Kept(TASK)
    kept.spend(0.75, "r")
    kept.spend(0.25, "s")
    kept.spend(0.5, "s")
    assert kept.of("r") != kept.of("s")
    assert [ledger.view(0.0).spent.cost for trace in "rs" for ledger in kept.of(trace)] == [0.75, 0.75]


def test_a_request_that_has_ended():
    """Its ledger is dropped with whatever was under way in it; other requests' stay, and so do other budgets'."""
    kept = Kept(TASK, DAY)
    for trace in "rs":
        kept.spend(1.0, trace)
        kept.refuse(trace)
    kept.bank.forget("r")
    assert [view.requests for view in kept.views] == [1, 0]
    assert kept.costs == [1.0, 2.0]
    assert kept.views[0].stopped == 2  # that of the request that has ended is not forgotten
    kept.bank.forget("r")
    assert kept.of("r")[0].view(0.0).spent == Spending()


def test_a_request_that_nobody_knows():
    """To forget a request that had no ledger is no error."""
    kept = Kept(DAY)
    kept.spend(1.0)
    kept.bank.forget("r")
    kept.ledgers.forget("r")
    assert kept.costs == [1.0]


def test_the_view_of_a_budget_per_task():
    """Of the requests under way the one is shown that has used up most; without any, what the budget says."""
    kept = Kept(TASK)
    assert kept.views == (LedgerView("it", "task", TASK.limits),)
    for trace, cost in {"r": 0.25, "s": 0.5, "t": 0.125}.items():
        kept.spend(cost, trace)
    (view,) = kept.views
    assert (view.request, view.requests, view.spent.cost, view.share) == ("s", 3, 0.5, 0.5)


def test_the_view_before_the_first_call():
    """A ledger is shown before anything was spent of it."""
    assert Kept(DAY).views == (LedgerView("it", "day", DAY.limits),)


def test_demoted_and_stopped_of_all_requests():
    """A budget per task counts how often it said no over all requests, also those that have ended."""
    kept = Kept(Budget(limits=Limits(cost=1.0), cheaper="mini"))
    for trace in "rst":
        kept.spend(1.0, trace)
        kept.refuse(trace)
    kept.bank.forget("s")
    (view,) = kept.views
    assert (view.requests, view.demoted, view.stopped) == (2, 3, 0)


OTHER_DAY = Budget(limits=Limits(cost=20.0), per="day")
OTHER_LIFE = Budget(limits=Limits(cost=30.0), per="life")


@pytest.mark.parametrize(
    ("before", "after", "costs"),
    [
        pytest.param([DAY], [DAY], [4.0], id="the same"),
        pytest.param([DAY], [OTHER_DAY], [4.0], id="another limit"),
        pytest.param([DAY], [OTHER_LIFE], [0.0], id="another period"),
        pytest.param([DAY, LIFE], [LIFE, DAY], [4.0, 4.0], id="another order"),
        pytest.param([DAY], [OTHER_DAY, DAY], [0.0, 4.0], id="an equal one goes before one that is alike"),
        pytest.param([DAY], [DAY, DAY], [4.0, 0.0], id="one more"),
        pytest.param([DAY, LIFE], [OTHER_LIFE], [4.0], id="one less"),
        pytest.param([], [DAY], [0.0], id="the first"),
        pytest.param([DAY], [], [], id="none any more"),
    ],
)
def test_a_reload(before, after, costs):
    """New budgets go on with what was spent of those with the same period; others begin with nothing."""
    kept = Kept(*before)
    kept.spend(4.0)
    kept.ledgers.adopt(tuple(after))
    assert kept.costs == costs
    assert [view.limits for view in kept.views] == [budget.limits for budget in after]


def test_a_reload_reaches_each_request():
    """A new limit per task is that of the requests under way too."""
    kept = Kept(TASK)
    kept.spend(0.5, "r")
    kept.ledgers.adopt((Budget(limits=Limits(cost=0.5)),))
    kept.spend(0.0, "s")
    assert [ledger.view(0.0).share for trace in "rs" for ledger in kept.of(trace)] == [1.0, 0.0]
    assert [str(answer.what) for answer in kept.refuse("r")] == ["cost"]
