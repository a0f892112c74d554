"""A budget's spec, and its ledger: what fits, what waits, what goes elsewhere, what is refused; to the last cent."""

from __future__ import annotations

import pytest

from treeward.runtime.usage import Limits, Usage
from treeward.supervisors.budgets.budget import Budget, Call, Demoted, LedgerView, Spending, Spent, Wait
from treeward.supervisors.budgets.ledger import Hold, Ledger
from treeward.supervisors.errors import InvalidSpec

HOUR, DAY = 3600.0, 86400.0

COST = Limits(cost=1.0)
"""Nobody says what a call costs: one at a time."""
EACH = {"limits": Limits(cost=1.0), "call": Limits(cost=0.25)}
"""A call costs a quarter at most: four side by side."""


class Played:
    """A ledger, the calls under way by the names of their tasks, and the time."""

    def __init__(self, limits=COST, *, now=0.0, **budget):
        self.now = now
        self.ledger = Ledger(Budget(limits=limits, **budget), "it", now)
        self.holds = {}

    def ask(self, task, *lineage, agent="it/worker", **asked):
        """Reserves; returns `go`, or the ledger's answer in a word or two."""
        call = Call(task, lineage, (agent,))
        answer = self.ledger.reserve(call, self.now, **asked)
        if isinstance(answer, Hold):
            self.holds[task] = answer
            return "go"
        if isinstance(answer, Wait):
            others = sorted(hold.task for hold in self.ledger.under_way if hold.task not in lineage)
            return " ".join(["wait for all of" if answer.every else "wait for", *others])
        return f"to {answer.to}" if isinstance(answer, Demoted) else f"no {answer.what}"

    def charge(self, task, **usage):
        return self.ledger.charge(self.holds[task], Usage(**usage), self.now)

    def end(self, task, seconds=0.0, restarts=0, **usage):
        self.ledger.settle(self.holds[task], Usage(**usage), seconds, restarts, self.now)

    def release(self, task):
        self.ledger.release(self.holds[task], self.now)

    def spend(self, task="before", **spent):
        assert self.ask(task) == "go"
        self.end(task, **spent)

    @property
    def spent(self):
        return self.view.spent

    @property
    def reserved(self):
        return self.view.reserved

    @property
    def view(self):
        return self.ledger.view(self.now)


# --- the spec ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"limits": Limits()}, "a limit of one at least of cost, tokens, calls, seconds, restarts"),
        ({"limits": {"cost": 1}}, "Limits"),
        ({"per": "week"}, "one of task, hour, day, life"),
        ({"call": 0.05}, "Limits"),
        ({"call": Limits(cost=2.0)}, "not more than the limit, 1.0"),
        ({"cheaper": ""}, "the id or path of a child, or None"),
        ({"demote_at": 1.5}, "a share, from 0 to 1"),
        ({"demote_at": -0.1}, "a share, from 0 to 1"),
    ],
)
def test_what_is_not_legal(values, said):
    """What a budget says is checked; the error names the bad value and what is legal."""
    with pytest.raises(InvalidSpec, match=f"expected {said}$"):
        Budget(**{"limits": COST, **values})


@pytest.mark.parametrize(
    "values",
    [
        {"call": Limits(cost=1.0)},
        {"call": Limits(tokens=5)},
        {"demote_at": 0.0},
        {"demote_at": 1},
        {"limits": Limits(restarts=0)},
    ],
)
def test_what_is_legal(values):
    """A call may cost as much as the limit, and more may be known of it than is limited."""
    assert Budget(**{"limits": COST, **values})


# --- one call: how much of what --------------------------------------------------------------------

SPENDING = [
    pytest.param(Limits(cost=1.0), {"cost": 0.5}, Spending(cost=0.5), id="cost"),
    pytest.param(Limits(tokens=10), {"input_tokens": 3, "output_tokens": 2}, Spending(tokens=5), id="tokens"),
    pytest.param(Limits(calls=10), {"model_calls": 3, "tool_calls": 2}, Spending(calls=5), id="calls"),
    pytest.param(Limits(seconds=10), {"seconds": 5.0}, Spending(seconds=5.0), id="seconds"),
    pytest.param(Limits(restarts=10), {"restarts": 5}, Spending(restarts=5), id="restarts"),
]


@pytest.mark.parametrize(("limits", "half", "spent"), SPENDING)
def test_each_unit_is_counted(limits, half, spent):
    """Half of it leaves half of it, all of it leaves nothing, whatever is limited."""
    played = Played(limits)
    played.spend(**half)
    assert played.spent == spent
    assert played.view.share == 0.5
    played.spend(**half)
    assert played.view.share == 1.0
    unit = next(name for name in ("cost", "tokens", "calls", "seconds", "restarts") if getattr(limits, name))
    if unit == "restarts":  # ten may be lost; whether an eleventh is, the next call has to show
        played.spend(restarts=1)
    assert played.ask("late") == f"no {unit}"


def test_what_is_not_limited_is_counted_too():
    """A ledger shows all that was spent, and stops nobody for what has no limit."""
    played = Played(Limits(cost=1.0))
    played.spend(model_calls=2, tool_calls=1, input_tokens=9, seconds=4.5, restarts=1, cost=0.5)
    assert played.spent == Spending(cost=0.5, tokens=9, calls=3, seconds=4.5, restarts=1)
    assert played.ask("next") == "go"


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        (Limits(cost=0), "no cost"),
        (Limits(tokens=0), "no tokens"),
        (Limits(calls=0), "no calls"),
        (Limits(seconds=0), "no seconds"),
        (Limits(restarts=0), "go"),
    ],
)
def test_nothing_at_all(limits, said):
    """A limit of nothing lets nothing through; but work that loses no incarnation is no work against `restarts: 0`."""
    assert Played(limits).ask("one") == said


def test_a_call_that_says_it_costs_nothing():
    """Where a call gives its word to cost nothing, it needs nothing."""
    played = Played(Limits(cost=0, tokens=10), call=Limits(cost=0, tokens=5))
    assert played.ask("one") == "go"


@pytest.mark.parametrize("nothing", [-1.0, float("nan")])
def test_what_is_no_amount(nothing):
    """An amount that is none counts as nothing: it gives nothing back, and breaks no ledger."""
    played = Played()
    played.spend(cost=nothing, seconds=nothing)
    assert played.spent == Spending()


def test_more_than_there_is_in_the_world():
    """An endless amount is spent for good."""
    played = Played()
    played.spend(cost=float("inf"))
    assert played.ask("next") == "no cost"


# --- sums are exact ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "each", "times"),
    [(0.3, 0.1, 3), (1.0, 0.1, 10), (0.7, 0.1, 7), (4.35, 0.15, 29), (0.00003, 0.00001, 3), (100.0, 0.01, 10_000)],
)
def test_tenths_add_up(limit, each, times):
    """As many calls as the limit is times what one costs, not one less and not one more, as on paper."""
    played = Played(Limits(cost=limit), call=Limits(cost=each))
    for number in range(times):
        played.spend(f"{number}", cost=each)
    assert played.spent.cost == limit
    assert played.ask("one more") == "no cost"


def test_dust_of_other_sums():
    """What floating-point sums elsewhere leave over is no money."""
    played = Played(Limits(cost=0.4), call=Limits(cost=0.1))
    played.spend(cost=0.1 + 0.2)
    assert played.ask("next") == "go"


@pytest.mark.parametrize(("share", "goes"), [(0.79, "go"), (0.8, "to mini"), (0.81, "to mini")])
def test_demotion_is_exact(share, goes):
    """At exactly four fifths, not just before, the cheaper variant gets the calls."""
    played = Played(Limits(cost=5.0), cheaper="mini")
    played.spend(cost=5.0 * share)
    assert played.ask("next") == goes


# --- calls without a word: one at a time ------------------------------------------------------------


def test_one_at_a_time():
    """A call whose cost nobody knows reserves all that is left; the others wait for it."""
    played = Played()
    assert played.ask("a") == "go"
    assert played.reserved.cost == 1.0
    assert played.ask("b") == "wait for all of a"
    played.end("a", cost=0.6)
    assert played.reserved.cost == 0.0
    assert played.ask("b") == "go"
    assert played.reserved.cost == 0.4


def test_the_last_call_may_pass_the_limit():
    """While something is left, one more call is made; after it, none."""
    played = Played()
    played.spend("a", cost=0.999)
    played.spend("b", cost=5.0)
    assert played.spent.cost == 5.999
    assert played.ask("c") == "no cost"


def test_a_call_without_end_is_known_by_its_charges():
    """What a call charges counts at once, also against the next who would wait for it."""
    played = Played()
    played.ask("a")
    assert played.charge("a", cost=0.5) is None
    assert played.ask("b") == "wait for all of a"
    played.charge("a", cost=0.5)
    assert played.ask("b") == "no cost"


def test_released():
    """A call that was not made leaves nothing but what it had charged."""
    played = Played()
    played.ask("a")
    played.charge("a", cost=0.25)
    played.release("a")
    played.end("a", cost=0.75)
    assert played.spent.cost == 0.25
    assert played.reserved == Spending()
    assert played.ask("b") == "go"


# --- calls that give their word ---------------------------------------------------------------------


def test_side_by_side():
    """As many calls as have room by their word run side by side; the next waits for any of them."""
    played = Played(**EACH)
    assert [played.ask(name) for name in "abcd"] == ["go"] * 4
    assert played.reserved.cost == 1.0
    assert played.ask("e") == "wait for a b c d"
    played.end("b", cost=0.1)
    assert played.ask("e") == "wait for a c d"
    played.end("c", cost=0.1)
    assert played.ask("e") == "go"
    assert played.spent.cost + played.reserved.cost == 0.95


def test_no_room_whoever_ends():
    """Where too little is left for one more, nobody waits for others."""
    played = Played(**EACH)
    played.spend(cost=0.8)
    assert played.ask("a") == "no cost"


def test_every_unit_needs_room():
    """A call fits if it does by each of the limits that it gives its word on."""
    played = Played(Limits(cost=1.0, tokens=100), call=Limits(cost=0.25, tokens=50))
    assert [played.ask(name) for name in "abc"] == ["go", "go", "wait for a b"]


def test_a_limit_without_a_word():
    """If one of the limits is not named in `call`, calls come one after the other."""
    played = Played(Limits(cost=1.0, tokens=100), call=Limits(cost=0.25))
    assert [played.ask(name) for name in "ab"] == ["go", "wait for all of a"]
    assert played.reserved == Spending(cost=0.25, tokens=100)


def test_charges_come_out_of_what_is_reserved():
    """What is charged moves from the reserved to the spent; together they stay the same, up to the word."""
    played = Played(**EACH)
    played.ask("a")
    for spent, reserved in [(0.1, 0.15), (0.2, 0.05)]:
        assert played.charge("a", cost=0.1) is None
        assert (played.spent.cost, played.reserved.cost) == (spent, reserved)
    played.end("a", cost=0.25)
    assert (played.spent.cost, played.reserved.cost) == (0.25, 0.0)


def test_more_than_its_word():
    """A call that spends more than its word is stopped as soon as that would be the others' share."""
    played = Played(**EACH)
    for name in "abc":
        played.ask(name)
    assert played.charge("a", cost=0.5) is None  # nobody has reserved that
    assert played.charge("a", cost=0.01) == "cost"
    assert played.charge("b", cost=0.25) is None  # it keeps its word, and is not stopped for the other


def test_restarts_side_by_side():
    """A call may lose one incarnation, so with two to lose, three calls may be under way."""
    played = Played(Limits(restarts=2))
    assert [played.ask(name) for name in "abcd"] == ["go", "go", "go", "wait for a b c"]
    for name in "abc":
        played.end(name, restarts=1)
    assert played.ask("d") == "no restarts"
    assert played.spent.restarts == 3  # the limit, and one call


def test_restarts_by_their_word():
    """With a word on restarts, no more are lost than the limit says."""
    played = Played(Limits(restarts=2), call=Limits(restarts=1))
    assert [played.ask(name) for name in "abc"] == ["go", "go", "wait for a b"]
    played.end("a", restarts=1)
    played.end("b", restarts=1)
    assert played.ask("c") == "no restarts"


# --- charges ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "each", "unit"),
    [
        (Limits(cost=0.3), {"cost": 0.1}, "cost"),
        (Limits(tokens=300), {"input_tokens": 60, "output_tokens": 40}, "tokens"),
        (Limits(calls=3), {"tool_calls": 1}, "calls"),
    ],
)
def test_a_charge_says_when_it_is_too_much(limits, each, unit):
    """All that is there may be spent; the first charge that passes the limit says which, and so do all after it."""
    played = Played(limits)
    played.ask("a")
    assert [played.charge("a", **each) for _ in range(3)] == [None] * 3
    assert [played.charge("a", **each), played.charge("a")] == [unit] * 2
    assert played.view.stopped == 1


def test_time_runs_out_in_the_middle():
    """A charge, with nothing in it too, says when the time of the work is over."""
    played = Played(Limits(seconds=10))
    played.ask("a")
    played.now = 10.0
    assert played.charge("a") is None
    played.now = 10.5
    assert played.charge("a") == "seconds"


def test_settled_is_what_was_not_charged():
    """The usage of an end is all of the call's: what was charged of it counts once."""
    played = Played(Limits(cost=1.0, tokens=100, calls=10))
    played.ask("a")
    played.charge("a", cost=0.1, input_tokens=10, model_calls=1)
    played.charge("a", cost=0.2, output_tokens=10, tool_calls=1)
    played.end("a", cost=0.5, input_tokens=10, output_tokens=15, model_calls=1, tool_calls=2)
    assert played.spent == Spending(cost=0.5, tokens=25, calls=3)


def test_charged_beyond_its_end():
    """What a call reserves is free from its end on, whatever it charges later."""
    played = Played(**EACH)
    played.ask("a")
    played.end("a", cost=0.1)
    played.charge("a", cost=0.1)
    assert played.reserved.cost == 0
    assert [played.ask(name) for name in "bcde"] == ["go", "go", "go", "wait for b c d"]


def test_who_lives_is_not_stopped_for_those_who_died():
    """Too many restarts stop the next call, not those that are under way."""
    played = Played(Limits(restarts=1))
    played.ask("a")
    played.ask("b")
    played.end("a", restarts=5)
    assert played.charge("b", cost=0.1) is None
    assert played.ask("c") == "no restarts"


def test_less_settled_than_charged():
    """What was charged stays spent, whatever the end says."""
    played = Played()
    played.ask("a")
    played.charge("a", cost=0.5)
    played.end("a")
    assert played.spent.cost == 0.5


def test_settled_twice():
    """An end counts once."""
    played = Played()
    played.ask("a")
    played.end("a", cost=0.5, seconds=1, restarts=1)
    played.end("a", cost=0.5, seconds=1, restarts=1)
    assert played.spent == Spending(cost=0.5, seconds=1, restarts=1)


def test_charged_after_the_end():
    """Who was given up and goes on spending is counted all the same, and told when it is too much."""
    played = Played()
    played.ask("a")
    played.end("a", cost=0.5)
    assert played.charge("a", cost=0.5) is None
    assert played.charge("a", cost=0.5) == "cost"
    assert played.spent.cost == 1.5
    assert played.reserved == Spending()


# --- calls in calls ---------------------------------------------------------------------------------


def test_who_waits_for_it_is_no_obstacle():
    """A call goes beside those that it is a part of, since they wait for it; to others it is one of them."""
    played = Played()
    assert played.ask("a") == "go"
    assert played.ask("a.1", "a") == "go"
    assert played.ask("a.1.1", "a", "a.1") == "go"
    assert played.ask("b") == "wait for all of a a.1 a.1.1"


def test_parts_of_one_come_one_after_the_other():
    """Two parts of one call wait for each other like any two, and so does what is a part of one of them."""
    played = Played()
    played.ask("a")
    played.ask("a.1", "a")
    assert played.ask("a.2", "a") == "wait for all of a.1"
    assert played.ask("a.2.1", "a", "a.2") == "wait for all of a.1"
    played.end("a.1", cost=0.1)
    assert played.ask("a.2", "a") == "go"


def test_parts_with_their_word():
    """Each part reserves for itself, beside what those around it have reserved."""
    played = Played(**EACH)
    played.ask("a")
    assert [played.ask(name, "a") for name in ("a.1", "a.2", "a.3", "a.4")] == [
        "go",
        "go",
        "go",
        "wait for a.1 a.2 a.3",
    ]


def test_a_part_for_which_there_is_never_room():
    """What only those around a call have reserved does not become free before it ends: it is refused at once."""
    played = Played(Limits(cost=0.4), call=Limits(cost=0.25))
    played.ask("a")
    assert played.ask("a.1", "a") == "no cost"


def test_parts_stop_when_nothing_is_left():
    """Once the limit is reached, those around a call get no further parts."""
    played = Played()
    played.ask("a")
    played.charge("a", cost=0.5)
    played.ask("a.1", "a")
    played.end("a.1", cost=0.5)
    assert played.ask("a.2", "a") == "no cost"
    assert played.charge("a") is None
    assert played.charge("a", cost=0.1) == "cost"


def test_restarts_in_levels():
    """Without a word on restarts, those around a call leave it the one that it may lose."""
    played = Played(Limits(restarts=0))
    played.ask("a")
    assert played.ask("a.1", "a") == "go"
    assert played.ask("a.2", "a") == "wait for a.1"
    assert played.ask("b") == "wait for a a.1"


def test_time_counts_once():
    """Of calls in calls, the time of the outermost counts; parts run side by side in it."""
    played = Played(Limits(seconds=60))
    played.ask("a")
    assert [played.ask(name, "a") for name in ("a.1", "a.2")] == ["go"] * 2
    played.end("a.1", seconds=10)
    played.end("a.2", seconds=20)
    assert played.spent.seconds == 0
    played.end("a", seconds=25)
    assert played.spent.seconds == 25


def test_parts_reserve_no_time():
    """The time that a call has reserved is that of its parts."""
    played = Played(Limits(seconds=60), call=Limits(seconds=30))
    assert [played.ask("a"), played.ask("a.1", "a"), played.ask("a.2", "a"), played.ask("b")] == ["go"] * 4
    assert played.reserved.seconds == 60


def test_no_parts_once_the_time_is_over():
    """What is over for a call is over for its parts."""
    played = Played(Limits(seconds=60))
    played.ask("a")
    played.now = 60.0
    assert played.ask("a.1", "a") == "no seconds"


def test_a_part_that_outlives_what_it_is_a_part_of():
    """If the call around it crashes, the rest of a part's time counts as its own."""
    played = Played(Limits(seconds=60))
    played.ask("a")
    played.ask("a.1", "a")
    played.now = 10.0
    played.end("a", seconds=10)
    assert played.ask("b") == "wait for all of a.1"
    played.now = 25.0
    played.end("a.1", seconds=25)
    assert played.spent.seconds == 25


def test_beside():
    """Whoever asks may name holds that wait for it though it is no part of theirs: they are no obstacle either."""
    played = Played()
    played.ask("a")
    assert played.ask("b", beside={played.holds["a"]}) == "go"
    assert played.ask("c") == "wait for all of a b"


def test_the_same_task_twice():
    """Two calls for one task, as of a message sent twice, are two: the end of one leaves the other's share."""
    played = Played(**EACH)
    played.ask("a")
    first = played.holds["a"]
    played.ask("a")
    played.end("a", cost=0.25)
    assert (played.spent.cost, played.reserved.cost) == (0.25, 0.25)
    played.ledger.release(first, 0.0)
    assert played.reserved.cost == 0.0


# --- how long ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("budget", "others", "left"),
    [
        pytest.param({"limits": COST}, [], None, id="no limit"),
        pytest.param({"limits": Limits(seconds=60)}, [], 55.0, id="what is left"),
        pytest.param({"limits": Limits(seconds=60), "call": Limits(seconds=20)}, ["b"], 35.0, id="without the others'"),
        pytest.param({"limits": Limits(seconds=60), "call": Limits(seconds=2)}, ["b"], 50.0, id="that take longer"),
    ],
)
def test_seconds_left(budget, others, left):
    """A call may go on for what is left of the time, but for what others have reserved or taken."""
    played = Played(**budget)
    for name in ["a", *others]:
        played.ask(name)
    played.now = 5.0
    assert played.ledger.seconds_left(played.holds["a"], played.now) == left


def test_a_part_has_the_time_of_what_is_around_it():
    """What the call around it has taken is gone for a part too; below nothing, nothing is left."""
    played = Played(Limits(seconds=60))
    played.ask("a")
    played.now = 20.0
    played.ask("a.1", "a")
    played.now = 50.0
    assert played.ledger.seconds_left(played.holds["a.1"], played.now) == 10.0
    played.now = 70.0
    assert played.ledger.seconds_left(played.holds["a.1"], played.now) == 0.0


def test_a_part_may_use_up_what_is_reserved_around_it():
    """What the call around a part has reserved is there for the part."""
    played = Played(Limits(seconds=60), call=Limits(seconds=30))
    played.ask("a")
    played.ask("a.1", "a")
    played.now = 10.0
    assert [played.ledger.seconds_left(played.holds[name], played.now) for name in ("a", "a.1")] == [50.0, 50.0]


# --- demotion ---------------------------------------------------------------------------------------

CHEAPER = {"limits": Limits(cost=1.0, tokens=100), "cheaper": "mini", "demote_at": 0.5}


@pytest.mark.parametrize(
    ("spent", "agent", "goes"),
    [
        ({"cost": 0.4}, "it/big", "go"),
        ({"cost": 0.5}, "it/big", "to mini"),
        ({"input_tokens": 50}, "it/big", "to mini"),
        ({"cost": 2.0}, "it/big", "to mini"),
        ({"cost": 0.5}, "it/mini", "go"),
        ({"cost": 0.5}, "it/mini/3", "go"),
        ({"cost": 0.5}, "it/minimum", "to mini"),
        ({"cost": 2.0}, "it/mini", "no cost"),
    ],
)
def test_demotion(spent, agent, goes):
    """Once so much of one limit is used up, the cheaper variant gets the calls, and it until there is nothing left."""
    played = Played(**CHEAPER)
    played.spend(**spent)
    assert played.ask("next", agent=agent) == goes


@pytest.mark.parametrize(("limits", "goes"), [(Limits(cost=0), "to mini"), (Limits(restarts=0), "go")])
def test_demotion_from_nothing(limits, goes):
    """Of nothing, all is used up from the beginning; but no incarnation is lost before the first one is."""
    played = Played(limits, cheaper="mini")
    assert played.ask("a") == goes


def test_by_its_path():
    """The cheaper variant may be named by its path."""
    played = Played(**{**CHEAPER, "cheaper": "it/mini"})
    played.spend(cost=0.5)
    assert played.ask("a", agent="it/big") == "to it/mini"
    assert played.ask("b", agent="it/mini") == "go"


def test_what_the_cheaper_one_asks_for():
    """What the cheaper variant has others do is not handed back to it."""
    played = Played(**CHEAPER)
    played.spend(cost=0.5)
    answer = played.ledger.reserve(Call("a", ("b",), ("it/mini", "it/helper")), 0.0)
    assert isinstance(answer, Hold)


def test_demotion_goes_before_waiting():
    """Nobody waits to be told to go elsewhere."""
    played = Played(**CHEAPER)
    played.ask("a")
    played.charge("a", cost=0.5)
    assert played.ask("b") == "to mini"


def test_noes_are_counted():
    """A ledger counts whom it sent elsewhere and whom it stopped; to ask, or to wait, is no such thing."""
    played = Played(**CHEAPER)
    played.ask("a")
    played.ask("b")
    assert (played.view.demoted, played.view.stopped) == (0, 0)
    played.end("a", cost=2.0)
    assert isinstance(played.ledger.ask(Call("b"), 0.0), Demoted)
    assert (played.view.demoted, played.view.stopped) == (0, 0)
    played.ask("b")
    assert isinstance(played.ledger.reserve(Call("c", agents=("mini",)), 0.0), Spent)
    assert (played.view.demoted, played.view.stopped) == (1, 1)


# --- periods ----------------------------------------------------------------------------------------

NOON = 20_000 * DAY + DAY / 2
"""Some day's noon, UTC."""

PERIODS = [
    ("hour", NOON, NOON + HOUR),
    ("hour", NOON + 10 * 60, NOON + HOUR),
    ("hour", NOON + HOUR - 0.001, NOON + HOUR),
    ("day", NOON, NOON + DAY / 2),
    ("day", NOON - DAY / 2, NOON + DAY / 2),
]


@pytest.mark.parametrize(("per", "begun", "ends"), PERIODS)
def test_a_period_ends_with_the_clock(per, begun, ends):
    """Hours and days are those of the clock in UTC, whenever the ledger began; at the turn, all is there again."""
    played = Played(per=per, now=begun)
    assert played.ledger.turn() == ends
    played.spend(cost=1.0)
    played.now = ends - 0.001
    assert played.ask("a") == "no cost"
    played.now = ends
    assert played.spent == Spending()
    assert played.view.since == ends
    assert played.view.stopped == 0
    assert played.ask("a") == "go"


@pytest.mark.parametrize("per", ["task", "life"])
def test_what_has_no_period_has_no_end(per):
    """A request's ledger, and that of a runtime's life, never begin anew."""
    played = Played(per=per, now=NOON)
    played.spend(cost=1.0)
    played.now += 1000 * DAY
    assert played.ledger.turn() is None
    assert played.ask("a") == "no cost"
    assert played.view.since == NOON


def test_periods_that_nobody_saw():
    """After a long silence, the period is the present one."""
    played = Played(per="hour", now=NOON)
    played.now = NOON + 5.5 * HOUR
    assert played.view.since == NOON + 5 * HOUR


def test_a_clock_that_was_set_back():
    """A wall clock that goes back gives nothing back."""
    played = Played(per="hour", now=NOON)
    played.spend(cost=1.0)
    played.now = NOON - 1
    assert played.ask("a") == "no cost"


def test_over_the_turn():
    """What a call reports after the turn counts in the new period; what it has reserved stays reserved."""
    played = Played(**EACH, per="hour", now=NOON)
    played.ask("a")
    played.charge("a", cost=0.1)
    played.now = NOON + HOUR
    assert (played.spent.cost, played.reserved.cost) == (0.0, 0.15)
    played.end("a", cost=0.25)
    assert (played.spent.cost, played.reserved.cost) == (0.15, 0.0)


def test_one_at_a_time_over_the_turn():
    """A call that is under way at the turn is still the only one."""
    played = Played(per="hour", now=NOON)
    played.ask("a")
    played.now = NOON + HOUR
    assert played.ask("b") == "wait for all of a"
    assert played.reserved.cost == 1.0


# --- another budget ---------------------------------------------------------------------------------


def test_another_limit():
    """A new limit counts at once, against all that was spent before."""
    played = Played()
    played.spend(cost=1.0)
    assert played.ask("a") == "no cost"
    played.ledger.adopt(Budget(limits=Limits(cost=2.0)))
    assert played.ask("a") == "go"
    assert played.view.share == 0.5
    played.end("a")
    played.ledger.adopt(Budget(limits=Limits(cost=0.5)))
    assert played.ask("a") == "no cost"


def test_another_word():
    """A call that is under way keeps to what it has reserved; the next reserves by the new word."""
    played = Played(**EACH)
    played.ask("a")
    played.ledger.adopt(Budget(limits=Limits(cost=1.0, tokens=100), call=Limits(cost=0.5, tokens=10)))
    played.ask("b")
    assert played.reserved == Spending(cost=0.75, tokens=10)
    played.end("a", cost=0.25, input_tokens=50)
    played.end("b", cost=0.5, input_tokens=10)
    assert played.spent == Spending(cost=0.75, tokens=60)
    assert played.reserved == Spending()


# --- the view ---------------------------------------------------------------------------------------


def test_the_view():
    """A ledger shows whose it is, what it allows, what is spent and reserved, and since when."""
    played = Played(Limits(cost=1.0, calls=10), call=Limits(cost=0.25, calls=5), per="day", now=NOON)
    played.spend(cost=0.2, tool_calls=1, seconds=3.0)
    played.ask("a")
    played.charge("a", cost=0.05)
    assert played.view == LedgerView(
        owner="it",
        per="day",
        limits=Limits(cost=1.0, calls=10),
        spent=Spending(cost=0.25, calls=1, seconds=3.0),
        reserved=Spending(cost=0.2, calls=5),
        share=0.25,
        since=NOON - DAY / 2,
        calls=1,
    )
