"""The support tree from the command line: what somebody does who has just installed it."""

from __future__ import annotations

import json

import pytest

pytestmark = pytest.mark.realtime

CHARGED_TWICE = "I've been charged twice for my subscription and I want to upgrade to the enterprise plan."


@pytest.fixture
def ask(call):
    """Asks the support tree, and returns the exit code and the outcome."""

    def asked(text, *words):
        result = call("run", "support", "--json", "--log-level", "error", "--ask", text, *words)
        return result.exit_code, json.loads(result.stdout)

    return asked


def parts_of(outcome):
    return {part["agent"]: (part["status"], part["attempts"]) for part in outcome["parts"]}


def test_a_compound_request(ask):
    """Two problems in one sentence: two workers, one answer, and who did what."""
    code, outcome = ask(CHARGED_TWICE)
    assert (code, outcome["status"]) == (0, "ok")
    assert "I have refunded $" in outcome["output"]
    assert "enterprise plan" in outcome["output"]
    assert parts_of(outcome) == {
        "support/specialists/billing": ("ok", 1),
        "support/specialists/sales": ("ok", 1),
        "support/front-desk": ("ok", 1),
    }


@pytest.mark.parametrize("agent", ["billing", "support/specialists/billing"])
def test_a_worker_dies_in_the_middle(ask, agent):
    """`--crash billing`: it comes back, the answer is the same, its attempts are 2, and there is one refund."""
    code, outcome = ask(CHARGED_TWICE, "--crash", agent)
    assert (code, outcome["status"]) == (0, "ok")
    assert outcome["output"].count("I have refunded $") == 1
    assert parts_of(outcome)["support/specialists/billing"] == ("ok", 2)
    _, again = ask("Was I charged twice?")
    assert "I have refunded" not in again["output"]


def test_a_customer_who_was_not_charged_twice(ask):
    """`--customer ID` chooses who asks; who was charged once is told so."""
    code, outcome = ask(CHARGED_TWICE, "--customer", "1002")
    assert code == 0
    assert "you were not charged twice" in outcome["output"]


def test_what_nobody_understands_goes_to_the_desk(ask):
    """A request that is not understood waits for a person: it is not done, and the exit code says so."""
    code, outcome = ask("xyzzy plugh")
    assert (code, outcome["status"]) == (1, "needs_human")


def test_requests_from_a_pipe(call):
    """As a daemon it takes one request a line, and sees what those before it have done."""
    said = "I was charged twice\nI was charged twice\nUpgrade me to enterprise\n"
    result = call("run", "support", "--json", "--log-level", "error", said=said)
    answers = [json.loads(line)["output"] for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert ["I have refunded" in answer for answer in answers] == [True, False, False]
    assert "enterprise" in answers[2]
