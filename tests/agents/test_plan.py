"""The order between subtasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treeward.agents.errors import PlanError
from treeward.agents.plan import Plan, Subtask, order

IDS = "abcdefg"


def ids(waves):
    return [[subtask.id for subtask in wave] for wave in waves]


@pytest.mark.parametrize(
    ("subtasks", "waves"),
    [
        ([], []),
        ([Subtask("a"), Subtask("b")], [["a", "b"]]),
        ([Subtask("refund", needs=("cancel",)), Subtask("cancel")], [["cancel"], ["refund"]]),
        ([Subtask("refund", after=("cancel",)), Subtask("cancel")], [["cancel"], ["refund"]]),
        ([Subtask("refund", after=("cancel",))], [["refund"]]),
        ([Subtask("a"), Subtask("b", priority=1), Subtask("c")], [["b", "a", "c"]]),
        ([Subtask("a"), Subtask("a"), Subtask("a")], [["a", "a-2", "a-3"]]),
        (
            [Subtask("b", needs=("a",)), Subtask("a"), Subtask("a", after=("c",)), Subtask("c")],
            [["a", "c"], ["a-2"], ["b"]],
        ),
        ([Subtask("a", after=("a",))], [["a"]]),
        ([Subtask("a", after=("a",)), Subtask("a", id="other")], [["other"], ["a"]]),
        ([Subtask("b", needs=("one",)), Subtask("a", id="one"), Subtask("a")], [["one", "a"], ["b"]]),
    ],
    ids=[
        "nothing",
        "independent",
        "needs",
        "after",
        "after what is not there",
        "priority",
        "ids of equal kinds",
        "a kind stands for all of it",
        "it does not wait for itself",
        "but itself",
        "an id for one",
    ],
)
def test_the_order_of_a_plan(subtasks, waves):
    """Each subtask comes in the first wave after all that it depends on, the higher priority first."""
    assert ids(order(subtasks)) == waves


def test_a_cycle_is_named():
    """Subtasks that wait for each other are an error that shows the way round."""
    with pytest.raises(PlanError, match="a -> b -> c -> a") as caught:
        Plan(
            [
                Subtask("a", needs=("b",)),
                Subtask("b", after=("c",)),
                Subtask("c", needs=("a",)),
                Subtask("d", needs=("a",)),
            ]
        )
    assert caught.value.subtasks == ("a", "b", "c", "a")


def test_waiting_for_itself_is_a_cycle():
    """A subtask that needs its own id waits for ever, and is told so."""
    with pytest.raises(PlanError, match="x -> x"):
        Plan([Subtask("a", id="x", needs=("x",))])


def test_an_unknown_need_is_an_error():
    """A need for what is not in the plan is an error that offers the nearest word."""
    with pytest.raises(
        PlanError, match="refund needs 'cancelation', which is not in the plan: did you mean cancellation"
    ):
        Plan([Subtask("refund", needs=("cancelation",)), Subtask("cancellation")])


def test_an_id_is_given_once():
    """Two subtasks with the same id are an error that names it."""
    with pytest.raises(PlanError, match="several subtasks have the id x"):
        Plan([Subtask("a", id="x"), Subtask("b", id="x")])


def test_a_given_id_is_not_taken_by_another():
    """An id that is made from a kind keeps clear of those that were given."""
    assert ids(order([Subtask("a"), Subtask("b", id="a")])) == [["a-2", "a"]]


@st.composite
def plans(draw):
    """Subtasks that depend on earlier ones only, in any order of the list, so without a cycle."""
    count = draw(st.integers(0, len(IDS)))
    made = []
    for number in range(count):
        earlier = st.sets(st.sampled_from(IDS[:number])) if number else st.just(set())
        needs, after, priority = draw(earlier), draw(earlier), draw(st.integers(-2, 2))
        made.append(Subtask("k", None, IDS[number], tuple(needs), tuple(after), priority))
    return draw(st.permutations(made))


@given(plans())
def test_every_plan_without_a_cycle_has_an_order(subtasks):
    """The waves hold each subtask once, after all that comes before it and as early as that allows."""
    plan = Plan(subtasks)
    place = {one.id: number for number, wave in enumerate(plan.waves) for one in wave}
    assert sorted(one.id for one in plan) == sorted(one.id for one in subtasks)
    for one in subtasks:
        before = {*one.needs, *one.after}
        assert place[one.id] == max((place[id_] + 1 for id_ in before), default=0)
    for wave in plan.waves:
        assert [one.priority for one in wave] == sorted((one.priority for one in wave), reverse=True)


@given(plans(), st.data())
def test_every_plan_comes_to_its_end(subtasks, data):
    """Whatever becomes of each subtask, all are done or skipped at last, none twice and none too early."""
    plan, settled, begun = Plan(subtasks), {}, set()
    while len(settled) < len(plan):
        while skipped := plan.skipped(settled):
            for one in skipped:
                assert one.id not in begun
                assert any(settled.get(id_) is False for id_ in one.needs)
            settled |= {one.id: False for one in skipped}
        for one in plan.ready({*begun, *settled}, settled):
            assert all(id_ in settled for id_ in one.after)
            assert all(settled[id_] for id_ in one.needs)
            begun.add(one.id)
        running = sorted(begun - settled.keys())
        if running:
            settled[data.draw(st.sampled_from(running))] = data.draw(st.booleans())
        assert running or len(settled) == len(plan)
