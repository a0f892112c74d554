"""Parity: which differences between a run with faults and one without are told, and how."""

from types import SimpleNamespace

import pytest

from treeward.chaos.invariants.parity import differences
from treeward.chaos.plans.plan import Parity
from treeward.runtime.task import Outcome


def ok(output, status="ok"):
    return Outcome("t", status, output)


def test_nothing_differs():
    """The same outcomes, whatever led to them, are no difference."""
    clean = {"request 1": ok({"amount": 10}), "request 2": None}
    faulted = {
        "request 1": Outcome("other", "fallback", {"amount": 10}, rung="fallback", seconds=9.0),
        "request 2": None,
    }
    assert differences(Parity(), clean, faulted) == ()


def test_output():
    """Where two outputs differ, the innermost place is told, with what is there and what was."""
    clean = {"request 1": ok({"refund": {"amount": 10, "lines": [1, 2]}, "by": "bank"})}
    faulted = {"request 1": ok({"refund": {"amount": 20, "lines": [1, 3]}, "to": "Ann"})}
    assert differences(Parity(), clean, faulted) == (
        "request 1: output.refund.amount is 20, and without faults it was 10",
        "request 1: output.refund.lines.1 is 3, and without faults it was 2",
        "request 1: output.by is not there, and without faults it was 'bank'",
        "request 1: output.to is 'Ann', and without faults it was not there",
    )


def test_fields():
    """Only what `same` names is compared: the status, the output, a field of it."""
    clean = {"request 1": ok({"amount": 10, "text": "a"})}
    faulted = {"request 1": ok({"amount": 20, "text": "b"}, "fallback")}
    assert differences(Parity(same=("status",)), clean, faulted) == (
        "request 1: status is 'fallback', and without faults it was 'ok'",
    )
    assert differences(Parity(same=("output.amount", "status")), clean, faulted) == (
        "request 1: output.amount is 20, and without faults it was 10",
        "request 1: status is 'fallback', and without faults it was 'ok'",
    )
    assert differences(Parity(same=("output.nothing",)), clean, faulted) == ()


def test_field_that_is_lost():
    """A field that one output has, and the other one has not, is a difference, also where that is no mapping at all."""
    clean, faulted = {"request 1": ok({"amount": 10})}, {"request 1": ok("no refund")}
    assert differences(Parity(same=("output.amount",)), clean, faulted) == (
        "request 1: output.amount is not there, and without faults it was 10",
    )


@pytest.mark.parametrize(
    ("of", "compared"),
    [
        ((), ["refund 1", "refund 2", "refund", "refunds 1", "chat"]),
        (("refund",), ["refund 1", "refund 2", "refund"]),
        (("chat", "refunds"), ["refunds 1", "chat"]),
    ],
)
def test_works(of, compared):
    """Only the requests of the named works are compared: called as the work is, or so with a number."""
    names = ["refund 1", "refund 2", "refund", "refunds 1", "chat"]
    told = differences(Parity(of=of), dict.fromkeys(names, ok(1)), dict.fromkeys(names, ok(2)))
    assert [text.partition(":")[0] for text in told] == compared


def test_unless():
    """A request that ends with faults in one of the named statuses is not compared."""
    clean = {"request 1": ok(1), "request 2": ok(1)}
    faulted = {"request 1": ok(None, "needs_human"), "request 2": ok(None, "failed")}
    told = differences(Parity(unless=("needs_human",)), clean, faulted)
    assert told == ("request 2: output is None, and without faults it was 1",)


def test_no_outcome():
    """A request that has an outcome in one of the runs alone is a difference."""
    clean = {"request 1": ok(1), "request 2": None, "request 3": ok(1)}
    faulted = {"request 1": None, "request 2": ok(1)}
    assert differences(Parity(), clean, faulted) == (
        "request 1 has no outcome: without faults it had one, ok",
        "request 2 has an outcome: without faults it had none",
        "request 3 has no outcome: without faults it had one, ok",
    )


def test_facts():
    """Further facts have to be equal, whatever they are; sets and dataclasses are compared as data."""
    told = differences(Parity(), {}, {}, {"balance": 10, "names": {"Ann"}}, {"balance": 5, "names": {"Ann"}})
    assert told == ("facts.balance is 5, and without faults it was 10",)
    assert differences(Parity(), {}, {}, [1, 2], [1]) == ("facts is [1], and without faults it was [1, 2]",)
    assert differences(Parity(), {}, {}, None, None) == ()


def test_facts_of_requests():
    """What is said under the name of a request is compared as that request is, or not at all."""
    facts = {"refund 1": [10], "refund 2": [10], "chat": [], "total": 20}
    other = {"refund 1": [], "refund 2": [], "chat": [1], "total": 0}
    clean = dict.fromkeys(["refund 1", "refund 2", "chat"], ok(1))
    parity = Parity(of=("refund",), unless=("needs_human",))
    told = differences(parity, clean, {**clean, "refund 2": ok(1, "needs_human")}, facts, other)
    assert told == (
        "facts.refund 1 is [], and without faults it was [10]",
        "facts.total is 0, and without faults it was 20",
    )


def test_requests_that_were_not_given():
    """What the run with faults was not to be asked is not compared."""
    clean = {"refund": ok(1), "chat": ok(1)}
    told = differences(Parity(), clean, {"refund": ok(1)}, {"chat": 1, "n": 1}, {"n": 1}, {"refund"})
    assert told == ()
    assert len(differences(Parity(), clean, {"refund": ok(1)}, {"chat": 1, "n": 1}, {"n": 1})) == 2


def test_no_plain_data():
    """An output that is no plain data is compared as it is."""
    same = SimpleNamespace(a=1)
    assert differences(Parity(), {"r": ok(same)}, {"r": ok(same)}) == ()
    (text,) = differences(Parity(), {"r": ok(b"one")}, {"r": ok(b"two")})
    assert text == "r: output is b'two', and without faults it was b'one'"


def test_many():
    """Of many differences twenty are told, and how many there are beside them."""
    names = [f"request {number}" for number in range(30)]
    told = differences(Parity(), dict.fromkeys(names, ok(1)), dict.fromkeys(names, ok(2)))
    assert len(told) == 21
    assert told[-1] == "and 10 more"
