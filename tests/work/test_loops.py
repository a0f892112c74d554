"""Loop guards: too many hops, the same agent inside itself, the same call and the same series again and again."""

from __future__ import annotations

import sys
from collections import deque
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.task import Task
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.work.loops import AGENTS, LoopLimits, Trail
from treeward.supervisors.work_errors import LoopDetected

DEFAULT = LoopLimits()
CALLS_ONLY = LoopLimits(repeats=None)
SERIES_ONLY = LoopLimits(calls=None)


def go(calls, limits=DEFAULT, trail=None, agent="support/billing"):
    """Makes calls, each a letter; returns how many pass before one is a loop, and what is said of that."""
    trail = trail or Trail()
    for number, call in enumerate(calls):
        try:
            trail.call(agent, call, {}, limits)
        except LoopDetected as error:
            return number, str(error)
    return len(calls), ""


# --- the limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"visits": 0}, "loops visits is 0: expected a whole number, 1 or more, or None"),
        ({"calls": -1}, "loops calls is -1: expected a whole number, 1 or more, or None"),
        ({"calls": "4"}, "loops calls is '4'"),
        ({"repeats": 1}, "loops repeats is 1: expected a whole number, 2 or more, or None"),
        ({"repeats": 2.0}, "loops repeats is 2.0"),
        ({"window": 0}, "loops window is 0: expected a whole number, 1 or more"),
        ({"window": None}, "loops window is None: expected a whole number, 1 or more"),
        ({"window": 4, "repeats": None}, "loops window is 4: expected more than calls, which is 4"),
        ({"window": 7}, "loops window is 7: expected 2 * repeats or more; repeats is 4"),
    ],
)
def test_limits_that_are_none(limits, message):
    """A limit that is not legal, or could never be passed within the window, is an error."""
    with pytest.raises(InvalidSpec) as raised:
        LoopLimits(**limits)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("limits", [{}, {"window": 8}, {"calls": None, "repeats": None, "visits": None, "window": 1}])
def test_limits_that_are_legal(limits):
    """The defaults are; so is a guard that looks at nothing."""
    LoopLimits(**limits)


# --- hops and visits --------------------------------------------------------------------------------


def test_hops_are_limited():
    """A task may be passed on as often as it says, and not once more."""
    Trail().enter(Task("t", "x", hops=16), "support/billing", DEFAULT)
    with pytest.raises(LoopDetected, match="task t was passed on 17 times: expected 16 at most"):
        Trail().enter(Task("t", "x", hops=17), "support/billing", DEFAULT)


def test_hops_are_limited_by_the_task():
    """Whoever gives the task says how far it may go; no limit of the agent's changes that."""
    with pytest.raises(LoopDetected, match="expected 2 at most"):
        Trail().enter(Task("t", "x", hops=3, max_hops=2), "support/billing", LoopLimits(visits=None))


@pytest.mark.parametrize(("before", "passes"), [(0, True), (2, True), (3, False), (9, False)])
def test_an_agent_inside_itself(before, passes):
    """An agent may be on the way three times, one inside the other, and not a fourth time."""
    task = Task("t", "x", visited=("front", "billing") * before)
    if passes:
        Trail().enter(task, "billing", DEFAULT)
    else:
        with pytest.raises(
            LoopDetected, match=f"is at billing {before + 1} times, .* expected 3 at most .*front > billing"
        ):
            Trail().enter(task, "billing", DEFAULT)


def test_others_on_the_way_do_not_count():
    """Only the same agent again is a circle; and none is, if nobody looks."""
    Trail().enter(Task("t", "x", visited=("a", "b", "c") * 9), "billing", DEFAULT)
    Trail().enter(Task("t", "x", visited=("billing",) * 9), "billing", LoopLimits(visits=None))


@pytest.mark.parametrize(
    ("in_hand", "passes"),
    [(None, True), ("other", True), ("t", True), ("outer", False), ("outmost", False)],
)
def test_an_agent_that_would_wait_for_itself(in_hand, passes):
    """A part of what an agent works at cannot be done by that agent: it has one task in hand at a time."""
    task = Task("t", "x", lineage=("outmost", "outer"), visited=("billing", "front"))
    if passes:
        Trail().enter(task, "billing", DEFAULT, in_hand)
    else:
        with pytest.raises(LoopDetected, match=r"billing would wait for itself: .*\(billing > front > billing\)"):
            Trail().enter(task, "billing", LoopLimits(visits=None), in_hand)


# --- the same call ----------------------------------------------------------------------------------


def test_the_same_call_again_and_again():
    """The same tool with the same arguments may be called four times, and not a fifth time."""
    said = (
        "support/billing has called lookup with the same arguments 5 times among its last 5 calls: expected 4 at most"
    )
    assert go(["lookup"] * 9) == (4, said)


def test_who_goes_on_is_told_each_time():
    """A guard that was not heeded does not fall silent."""
    trail = Trail()
    assert go("aaaa", trail=trail)[0] == 4
    for _ in range(5):
        assert go("a", trail=trail)[0] == 0
    assert go("b", trail=trail)[0] == 1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        pytest.param({"a": 1, "b": 2}, {"b": 2, "a": 1}, True, id="order"),
        pytest.param({"a": {"x": [1, 2]}}, {"a": {"x": [1, 2]}}, True, id="nested"),
        pytest.param({"a": 1}, {"a": 2}, False, id="values"),
        pytest.param({"a": 1}, {"b": 1}, False, id="names"),
        pytest.param({"a": 1}, {"a": "1"}, False, id="types"),
        pytest.param({"a": [1, 2]}, {"a": [2, 1]}, False, id="order_of_lists"),
        pytest.param({"a": date(2026, 1, 2)}, {"a": date(2026, 1, 2)}, True, id="no_json"),
        pytest.param({"a": date(2026, 1, 2)}, {"a": date(2026, 1, 3)}, False, id="other_no_json"),
        pytest.param({"a": {1: 2, "x": 3}}, {"a": {1: 2, "x": 3}}, True, id="mixed_keys"),
        pytest.param({"a": "\ud800"}, {"a": "\ud800"}, True, id="no_unicode"),
    ],
)
def test_which_arguments_are_the_same(one, other, same):
    """Those that are the same as JSON; what JSON does not have counts as it shows itself."""
    trail, limits = Trail(), LoopLimits(calls=1, repeats=None)
    trail.call("a", "lookup", one, limits)
    if same:
        with pytest.raises(LoopDetected):
            trail.call("a", "lookup", other, limits)
    else:
        trail.call("a", "lookup", other, limits)


def test_arguments_that_contain_themselves():
    """They are looked at all the same."""
    circle = {}
    circle["a"] = circle
    trail, limits = Trail(), LoopLimits(calls=1, repeats=None)
    trail.call("a", "lookup", circle, limits)
    with pytest.raises(LoopDetected):
        trail.call("a", "lookup", circle, limits)


def test_another_tool_is_another_call():
    """And so are tool and arguments that only look alike side by side."""
    trail, limits = Trail(), LoopLimits(calls=1, repeats=None)
    trail.call("a", "lookup", {}, limits)
    trail.call("a", "refund", {}, limits)


def test_another_agent_has_calls_of_its_own():
    """What one has called does not count against another."""
    trail = Trail()
    assert go("aaaa", trail=trail, agent="one")[0] == go("aaaa", trail=trail, agent="two")[0] == 4


def test_calls_are_forgotten_behind_the_window():
    """Only the last calls count: the same one once in a while is no loop."""
    rare = [call for n in range(50) for call in ("again", *(f"{n}-{m}" for m in range(7)))]
    assert go(rare, LoopLimits(repeats=None))[0] == len(rare)
    assert go(rare, LoopLimits(repeats=None, window=33))[0] == 32


def test_another_attempt_begins_anew():
    """An agent that gets its task again makes the same calls again: that is what an attempt is."""
    trail = Trail()
    for _ in range(8):
        assert go("abcabc", trail=trail)[0] == 6
        trail.again("support/billing")
    trail.again("nobody that has called")


# --- the same series --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calls", "passed", "said"),
    [
        pytest.param("ab" * 9, 7, "the same 2 calls (a > b) 4 times one after the other", id="two"),
        pytest.param("abc" * 9, 11, "the same 3 calls (a > b > c) 4 times", id="three"),
        pytest.param("xyz" + "ab" * 9, 10, "the same 2 calls (a > b) 4 times", id="after_others"),
        pytest.param("aab" * 9, 11, "the same 3 calls (a > a > b) 4 times", id="with_one_twice"),
        pytest.param("abcdefgh" * 9, 31, "the same 8 calls (a > b > c > d > e > f > ...) 4 times", id="longest"),
        pytest.param("abcdefghi" * 9, 81, "", id="too_long_for_the_window"),
        pytest.param("ab" * 3 + "c" + "ab" * 3, 13, "", id="interrupted"),
        pytest.param("ab" * 3 + "b" + "ab" * 3, 13, "", id="out_of_step"),
        pytest.param("a" * 50, 50, "", id="one_call_is_no_series"),
    ],
)
def test_the_same_series_again_and_again(calls, passed, said):
    """Two or more calls, four times one after the other, are a loop, as soon as the fourth is complete."""
    got, message = go(calls, SERIES_ONLY)
    assert got == passed
    assert said in message


def test_both_guards_look_at_each_call():
    """Whichever sees it first: a series of two is complete before either of its calls comes a fifth time."""
    assert go("ab" * 9)[0] == 7
    assert go("ab" * 9, CALLS_ONLY)[0] == 8
    assert go("ab" * 99, LoopLimits(calls=None, repeats=None))[0] == 198


def test_new_limits_judge_the_old_calls_too():
    """A tree that is reloaded with other limits forgets nothing that these can still see."""
    trail = Trail()
    assert go("ababab", LoopLimits(calls=None, repeats=None), trail)[0] == 6
    assert go("ab", LoopLimits(calls=None, repeats=4), trail)[0] == 1
    assert go("b", LoopLimits(calls=4, repeats=None), trail)[0] == 0


# --- memory -----------------------------------------------------------------------------------------


def test_memory_is_bounded():
    """However many calls, of however many agents: a window of hashes each, of the last 256 agents."""
    trail = Trail()
    for agent in range(2 * AGENTS):
        for call in range(50):
            trail.call(f"agent {agent}", f"{call}", {"text": "x" * 1000}, DEFAULT)
    assert len(trail._calls) == AGENTS
    assert all(len(calls.last) == len(calls._counts) == DEFAULT.window for calls in trail._calls.values())
    assert sys.getsizeof(trail._calls[f"agent {2 * AGENTS - 1}"]._runs) < 1000


def test_those_who_call_stay():
    """An agent that is at it is not forgotten for others who have called once."""
    trail, limits = Trail(), LoopLimits(calls=1, repeats=None)
    trail.call("busy", "first", {}, limits)
    for agent in range(3 * AGENTS):
        trail.call(f"agent {agent}", "x", {}, limits)
        if agent % (AGENTS // 2) == 0:
            trail.call("busy", f"{agent}", {}, limits)
    with pytest.raises(LoopDetected, match="busy has called first"):
        trail.call("busy", "first", {}, limits)


# --- against a model --------------------------------------------------------------------------------


def model(calls, limits):
    """The definition, word for word: what of the last calls is too much of the same?"""
    last, seen = deque(maxlen=limits.window), []
    for call in calls:
        last.append(call)
        now = list(last)
        too_often = limits.calls is not None and now.count(call) > limits.calls
        seen.append(too_often or (limits.repeats is not None and repeats(now, limits)))
    return seen


def repeats(now, limits):
    for length in range(2, limits.window // limits.repeats + 1):
        series, all_of_it = now[-length:], length * limits.repeats
        if len(now) >= all_of_it and now[-all_of_it:] == series * limits.repeats and len(set(series)) > 1:
            return True
    return False


def seen_by(trail, calls, limits):
    seen = []
    for call in calls:
        try:
            trail.call("a", call, {}, limits)
            seen.append(False)
        except LoopDetected:
            seen.append(True)
    return seen


LIMITS = st.builds(
    LoopLimits,
    calls=st.one_of(st.none(), st.integers(1, 6)),
    window=st.integers(8, 24),
    repeats=st.one_of(st.none(), st.integers(2, 4)),
    visits=st.none(),
)
SERIES = st.builds(
    lambda parts: "".join(series * times for series, times in parts),
    st.lists(st.tuples(st.text("abc", min_size=1, max_size=6), st.integers(1, 6)), max_size=8),
)


@given(st.one_of(SERIES, st.text("ab", max_size=60)), LIMITS)
def test_the_guards_see_what_the_model_sees(calls, limits):
    """Call for call, whatever is called and whatever the limits are."""
    assert seen_by(Trail(), calls, limits) == model(calls, limits)


@given(st.text("ab", max_size=40), st.text("ab", max_size=40), LIMITS, LIMITS)
def test_changed_limits_see_what_the_model_sees(before, after, old, new):
    """As far as the old window reaches, the new limits judge as if they had been there all the time."""
    trail = Trail()
    seen_by(trail, before, old)
    remembered = before[-old.window :]
    assert seen_by(trail, after, new) == model(remembered + after, new)[len(remembered) :]
