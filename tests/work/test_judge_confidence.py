"""Confidence as judge: a threshold for what the agent says of itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from treeward.runtime.task import Task
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.judges.confidence import ConfidenceJudge
from treeward.supervisors.judges.judge import Submission


async def verdict_of(judge, output):
    return await judge.judge(Submission(Task("t", "?"), output, "top/a"), None)


@pytest.mark.parametrize(
    ("output", "accepted", "score", "said"),
    [
        ({"confidence": 0.7}, True, 0.7, ""),
        ({"confidence": 1}, True, 1.0, ""),
        ({"confidence": 0.69}, False, 0.69, "confidence is 0.69: expected at least 0.7"),
        ({"confidence": 0}, False, 0.0, "confidence is 0: expected at least 0.7"),
        ({}, False, None, "confidence is missing: expected a number from 0 to 1"),
        ({"confidence": None}, False, None, "confidence is missing: expected a number from 0 to 1"),
        ({"confidence": "0.9"}, False, None, "confidence is '0.9': expected a number from 0 to 1"),
        ({"confidence": True}, False, None, "confidence is True: expected a number from 0 to 1"),
        ({"confidence": 95}, False, None, "confidence is 95: expected a number from 0 to 1"),
        ({"confidence": -0.1}, False, None, "confidence is -0.1: expected a number from 0 to 1"),
        ({"confidence": float("nan")}, False, None, "confidence is nan, which is no number of JSON"),
        ("very sure", False, None, "confidence is missing: expected a number from 0 to 1"),
        (object(), False, None, "the output is of the type object: expected data as JSON has it"),
    ],
)
async def test_confidence(output, accepted, score, said):
    """Enough is accepted; less, none, and what is no number from 0 to 1 are rejected, and the reason says so."""
    verdict = await verdict_of(ConfidenceJudge(), output)
    assert (verdict.judge, verdict.accepted, verdict.score, verdict.reason) == ("confidence", accepted, score, said)


async def test_the_threshold_and_the_field_can_be_said():
    """`least` and `field`, which may be a path."""
    judge = ConfidenceJudge(0.5, "answer.score")
    assert (await verdict_of(judge, {"answer": {"score": 0.5}})).accepted
    assert not (await verdict_of(judge, {"answer": {"score": 0.4}, "confidence": 1})).accepted


async def test_a_decimal_is_a_number():
    """As everywhere."""
    assert (await verdict_of(ConfidenceJudge(), {"confidence": Decimal("0.8")})).score == 0.8


@pytest.mark.parametrize("options", [{"least": 0}, {"least": 1.1}, {"least": "0.7"}, {"field": ""}, {"field": None}])
def test_illegal_values(options):
    """A threshold is a share above 0, a field a path."""
    with pytest.raises(InvalidSpec, match="expected"):
        ConfidenceJudge(**options)
