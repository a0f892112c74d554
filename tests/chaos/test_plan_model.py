"""The plan as a value: what it holds, what it refuses, and how it is written."""

import copy

import pytest
from pydantic import ValidationError

from treeward.chaos.plans.amounts import Span
from treeward.chaos.plans.choices import Choices, Range
from treeward.chaos.plans.plan import METRICS, Abort, Expectation, Fault, Heal, Parity, Plan, Where, Work

FULL = Plan(
    name="storm",
    title="All at once",
    faults=[
        Fault(id="crashes", at="actor.handle", where="team/writer", do="30%->crash(ValueError)", from_=10, for_="1m"),
        Fault(at="actor", do="kill", every="20s±10s", pick="all", where={"path": ["a", "b/*"], "role": "any"}),
        Fault(at="judge", do="lie", shape="burst(5)"),
        Fault(at="reply", do="drop", on=[2, 3]),
    ],
    swarm=True,
    work=[Work(id="refund", input={"n": "{n}"}, times=3, every="1s..5s"), Work(input="x")],
    knobs={"mailbox.capacity": [8, 100], "a/**:timeout": "10s..300s", "size": "1..5", "backoff.factor": "1.5..2.5"},
    hypothesis=["I1", {"ready_within": "30s"}],
    heal=Heal(at="2m"),
    abort_if={"metric": "not_ready_for", "above": "30s"},
    invariants=["my.mod:Mine"],
    parity=Parity(of=["refund"], same=["status", "output.amount"], unless=["needs_human"], facts="my.mod:books"),
    setup="my.mod:fill",
)


def test_a_plan_reads_its_short_forms():
    """A path alone is a where, one work or abort is a list of it, texts are programs, spans and ranges."""
    fault = FULL.faults[0]
    assert (fault.where, fault.from_, fault.for_) == (Where(path=("team/writer",)), 10.0, 60.0)
    assert FULL.faults[1].every == Span(10.0, 30.0)
    assert FULL.hypothesis == (Expectation(invariant="I1"), Expectation(ready_within=30.0))
    assert FULL.abort_if == (Abort(metric="not_ready_for", above=30.0),)
    assert [*FULL.knobs.values()] == [Choices((8, 100)), Range(10.0, 300.0, is_time=True), Range(1, 5), Range(1.5, 2.5)]
    assert Plan(name="x", work={"input": 1}).work == (Work(input=1),)
    assert Fault(at="reply", do="drop", where=["a", "b"]).where.path == ("a", "b")


def test_a_plan_is_read_as_it_is_dumped():
    """Data and JSON of a plan make an equal plan."""
    assert Plan.model_validate(FULL.model_dump()) == FULL
    assert Plan.model_validate_json(FULL.model_dump_json(exclude_defaults=True)) == FULL
    assert copy.deepcopy(FULL) == FULL


def test_a_plan_is_frozen():
    """Nothing of a plan can be changed, and there is no room for unknown keys."""
    with pytest.raises(ValidationError, match="frozen"):
        FULL.name = "other"
    with pytest.raises(ValidationError, match="Extra inputs"):
        Plan(name="x", fault=[])


def test_a_shape_is_worked_into_the_program():
    """The program of a fault is what its shape makes of its action."""
    assert [str(fault.program) for fault in FULL.faults] == ["30%->crash(ValueError)", "kill", "5*lie->off", "drop"]


def test_the_course_of_a_fault_goes_by_its_visits():
    """A course begins anew each time it is asked for, and passes over the visits that `on` does not name."""
    courses = [FULL.faults[3].course() for _ in range(2)]
    happens = [[course.step(lambda: 0.5) is not None for _ in range(4)] for course in courses]
    assert happens == [[False, True, True, False]] * 2


def test_faults_have_ids():
    """A fault without an id has that of its place with its number, which stays when others are left out."""
    assert [*FULL.rules] == ["crashes", "actor-2", "judge-3", "reply-4"]
    less = FULL.only({"judge-3", "crashes", "unknown"})
    assert [*less.rules] == ["crashes", "judge-3"]
    assert less.rules["judge-3"].do == FULL.faults[2].do
    assert [*less.only({"judge-3"}).rules] == ["judge-3"]
    assert less.work == FULL.work


def test_a_plan_has_usual_values():
    """A name is enough: no fault, healed after a minute, ready 30 s later."""
    plan = Plan(name="x")
    assert (plan.faults, plan.work, plan.knobs, plan.swarm, plan.parity) == ((), (), {}, False, None)
    assert (plan.heal.at, plan.heal.ready_within, plan.heal.drain_within) == (60.0, 30.0, 300.0)


RULES = [
    (
        {"at": "reply", "do": "crash"},
        "faults.0.do: crash makes no sense at reply, at character 1 of 'crash'; expected one",
    ),
    (
        {"at": "reply", "do": "drop", "every": 3},
        "faults.0.every: reply is visited by what passes there: it has no every",
    ),
    ({"at": "reply", "do": "drop", "pick": "all"}, "faults.0.pick: there is nothing to pick from at reply"),
    (
        {"at": "clock", "do": "jump(1h)", "for_": 3},
        "faults.0.for: without every, what is to happen at clock happens once",
    ),
    (
        {"at": "clock", "do": "jump(1h)", "where": "a"},
        "faults.0.where.path: path says nothing at clock; expected no where",
    ),
    (
        {"at": "reply", "do": "drop", "where": {"tool": "x"}},
        "faults.0.where.tool: tool says nothing at reply; expected one of path, role, incarnation, message, kind",
    ),
    ({"at": "reply", "do": "drop", "from_": 60}, "faults.0.from: from is 1m, but all is healed at 1m"),
    ({"at": "reply", "do": "20%->drop", "shape": "single"}, "faults.0.shape: do says how often, and so does shape"),
    (
        {"at": "reply", "do": "drop", "shape": "single", "on": [1]},
        "faults.0.shape: on says at which visits, and so does",
    ),
    ({"at": "reply", "do": "drop", "on": []}, "faults.0.on: on is empty: it is never asked"),
]


@pytest.mark.parametrize(("fault", "message"), RULES)
def test_fields_have_to_fit_each_other(fault, message):
    """What holds between the fields of a fault holds for a plan in Python, too."""
    with pytest.raises(ValidationError) as caught:
        Plan(name="x", faults=[Fault(**fault)])
    assert message in str(caught.value)


def test_parts_of_a_plan_have_to_fit_each_other():
    """Ids are given once, parity names works that there are, knobs have the form of a way."""
    twice = [Fault(id="a", at="reply", do="drop")] * 2
    for parts, message in (
        ({"faults": twice}, "faults.1.id: the id 'a' is given twice"),
        ({"work": [Work(id="a", input=1)] * 2}, "work.1.id: the id 'a' is given twice"),
        ({"parity": Parity(of=["rfund"]), "work": [Work(id="refund", input=1)]}, "did you mean 'refund'?"),
        ({"parity": Parity(same=[])}, "parity.same: there is nothing to compare"),
        ({"knobs": {"a:b:c": [1]}}, "knobs.a:b:c: 'a:b:c' is no knob"),
        ({"knobs": {"a..b": [1]}}, "knobs.a..b: 'a..b' is no knob"),
    ):
        with pytest.raises(ValidationError) as caught:
            Plan(name="x", **parts)
        assert message in str(caught.value)


def test_metrics_are_a_closed_list():
    """What `abort_if` looks at is one of the metrics, and its level is a number or a duration."""
    assert {Abort(metric=name, above=1).metric for name in METRICS} == set(METRICS)
    for wrong in (
        {"metric": "faild", "above": 1},
        {"metric": "failed", "above": -1},
        {"metric": "failed", "above": "x"},
    ):
        with pytest.raises(ValidationError):
            Abort(**wrong)
