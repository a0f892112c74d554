"""Answers by rules."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from treeward.agents.agent import Agent
from treeward.agents.conditions import Condition
from treeward.agents.delivery import deliver
from treeward.agents.errors import InvalidRules, ToolRefused
from treeward.agents.profile import Profile
from treeward.agents.rulebook import Rulebook, read_rules
from treeward.agents.rules import RuleAgent
from treeward.agents.tools import IdempotencyKey, tool
from treeward.runtime.actor import Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.patterns import LONGEST_INPUT

BILLING = [
    {
        "words": [["charged", "billed"], ["twice", "double", "two times"]],
        "when": {"customer": {"exists": True}},
        "steps": [{"call": "payments.duplicates", "with": {"customer": "{customer}"}, "as": "found"}],
        "then": [
            {"when": {"found": {"empty": True}}, "answer": "I see no double charge on your account."},
            {
                "steps": [
                    {"call": "payments.refund", "for_each": "found", "with": {"payment": "{item.id}"}, "as": "refunds"}
                ],
                "answer": {"text": "Refunded {refunds.0.amount:.2f} EUR.", "refunds": "{refunds}"},
            },
        ],
    },
    {
        "match": [r"refund (?:of )?payment (?P<payment>\w+)", r"payment (?P<payment>\d+) back"],
        "types": {"payment": "int"},
        "steps": [{"call": "payments.refund", "with": {"payment": "{payment}"}, "as": "refund"}],
        "refused": "Sorry: {error}",
        "answer": "Refunded {refund.amount:.2f} EUR.",
    },
    {"match": "speak to (?P<who>a person|someone)", "needs_human": "wants to speak to {who}"},
]


class Payments(Agent):
    """Customer 7 was charged twice, customer 8 was not."""

    book: dict = {}  # noqa: RUF012 - shared by all incarnations, emptied by each test

    @tool
    def duplicates(self, customer: int) -> list[dict[str, Any]]:
        """Finds what was charged twice."""
        return [{"id": 71}, {"id": 72}] if customer == 7 else []

    @tool(effect=True)
    def refund(self, payment: int, key: IdempotencyKey) -> dict[str, Any]:
        """Gives a payment back."""
        if payment == 1:
            raise ToolRefused("payment 1 was refunded before")
        self.book[key] = payment
        return {"payment": payment, "amount": 9.5}


@pytest.fixture(autouse=True)
def empty_book():
    Payments.book.clear()


def tree_of(rules, otherwise=None, **changes):
    profile = Profile(**{"tools": ("payments.*",), "reads": ("customer", "plan"), **changes})
    return {"payments": (Payments,), "rules": (RuleAgent, profile, {"rules": rules, "otherwise": otherwise})}


async def answers(grow, rules, asked, facts=None, **changes):
    async with grow(tree_of(rules, **changes)) as tree:
        return await deliver(tree.ref("rules"), Task("t", asked, context=facts or {}))


# --- what is answered -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "customer", "status", "output"),
    [
        (
            "I was CHARGED   twice!",
            7,
            "ok",
            {"text": "Refunded 9.50 EUR.", "refunds": [{"payment": 71, "amount": 9.5}, {"payment": 72, "amount": 9.5}]},
        ),
        ("you billed me two\ntimes", 8, "ok", "I see no double charge on your account."),
        ("I was charged twice", None, "needs_human", None),
        ("I was recharged twice", 7, "needs_human", None),
        ("Please refund payment 12", 7, "ok", "Refunded 9.50 EUR."),
        ("refund of payment 1 please", 7, "ok", "Sorry: payment 1 was refunded before"),
        ("I want payment 12 back", 7, "ok", "Refunded 9.50 EUR."),
        ("refund payment twelve", 7, "needs_human", None),
        ("let me speak to someone", 7, "needs_human", None),
        ("what is the weather", 7, "needs_human", None),
        ("", 7, "needs_human", None),
        ({"no": "text"}, 7, "needs_human", None),
    ],
)
async def test_the_first_rule_that_fits_answers(grow, asked, customer, status, output):
    """A request gets the answer of the first rule whose words, patterns and conditions it meets, or a person."""
    facts = {} if customer is None else {"customer": customer}
    outcome = await answers(grow, BILLING, asked, facts)
    assert (outcome.status, outcome.output) == (status, output)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ("let me speak to someone", "wants to speak to someone"),
        ("what is the weather", "no rule fits"),
        (
            "x" * (LONGEST_INPUT + 1),
            f"the request has {LONGEST_INPUT + 1} characters, rules read at most {LONGEST_INPUT}",
        ),
    ],
)
async def test_a_person_is_told_why(grow, asked, reason):
    """Where a person has to decide, the reason is the rule's own, or that none fits."""
    outcome = await answers(grow, BILLING, asked, {"customer": 7})
    assert outcome.error == reason


async def test_otherwise_is_the_answer_where_no_rule_fits(grow):
    """With `otherwise`, what no rule fits has an answer and needs nobody."""
    outcome = await answers(grow, BILLING, "hello", otherwise="You said {input}. Please name the payment.")
    assert (outcome.status, outcome.output) == ("ok", "You said hello. Please name the payment.")


async def test_a_refusal_without_words_needs_a_person(grow):
    """What a tool refuses goes to a person, if the rule has no words for it."""
    rules = [{"steps": [{"call": "payments.refund", "with": {"payment": 1}}], "answer": "done"}]
    outcome = await answers(grow, rules, "x")
    assert (outcome.status, outcome.error) == ("needs_human", "payment 1 was refunded before")


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ({"answer": "For {customer}"}, "there is no customer"),
        ({"match": "(a)?(?P<x>b)?", "answer": "{x}"}, "there is no x"),
        (
            {"steps": [{"call": "payments.refund", "with": {"payment": 2}, "for_each": "customer"}], "answer": "x"},
            "list",
        ),
    ],
)
async def test_a_missing_value_needs_a_person(grow, rule, reason):
    """An answer whose fields are not known is never given: a person is asked, and told what is missing."""
    outcome = await answers(grow, [rule], "hello")
    assert outcome.status == "needs_human"
    assert reason in outcome.error


async def test_conditions_see_facts_groups_and_results(grow):
    """A rule may depend on what the context says, what a group caught, and what a step returned."""
    rules = [
        {"match": "to (?P<to>pro|team)", "when": {"to": "PRO", "plan": ["free", "team"]}, "answer": "up"},
        {
            "steps": [{"call": "payments.refund", "with": {"payment": 2}, "as": "refund"}],
            "then": [{"when": {"refund.amount": {"above": 100}}, "answer": "a lot"}, {"answer": "a little"}],
        },
    ]
    assert (await answers(grow, rules, "to pro", {"plan": "free"})).output == "up"
    assert (await answers(grow, rules, "to pro", {"plan": "pro"})).output == "a little"
    assert (await answers(grow, rules, "to team", {"plan": "free"})).output == "a little"


async def test_rules_may_be_tried_again(grow):
    """The steps of a task that comes again have the keys of its first attempt."""
    async with grow(tree_of(BILLING)) as tree:
        for attempt in (1, 2):
            await deliver(tree.ref("rules"), Task("t", "charged twice", context={"customer": 7}, attempt=attempt))
    assert list(Payments.book.values()) == [71, 72]


async def test_an_agent_may_call_its_own_tools_by_rules(grow):
    """A subclass's own tools need no permission."""

    class Counting(RuleAgent):
        @tool
        def count(self, text: str) -> int:
            """Counts letters."""
            return len(text)

    rules = [{"steps": [{"call": "counting.count", "with": {"text": "{input}"}, "as": "n"}], "answer": "{n}"}]
    async with grow({"counting": (Counting, Profile(reads=()), {"rules": rules})}) as tree:
        assert (await deliver(tree.ref("counting"), Task("t", "hello"))).output == 5


# --- conditions -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        ({"exists": True}, [0, "", []], [None]),
        ({"exists": False}, [None], [0, ""]),
        ({"empty": True}, [None, "", [], {}], [0, False, "x", [0]]),
        ({"empty": False}, [0, "x"], [None, ""]),
        ({"is": "pro"}, ["pro", "Pro"], ["team", None, 1]),
        ({"is": 1}, [1, 1.0], ["1", True, 2]),
        ({"is": True}, [True], [1, "true"]),
        ({"in": ["pro", 3]}, ["PRO", 3], ["team", None]),
        ({"above": 2}, [3, 2.5], [2, "3", None, True]),
        ({"below": 2}, [1, -1.5], [2, "1", None]),
        ({"above": 1, "below": 3}, [2], [1, 3, 4]),
        ({"matches": "b+"}, ["abba", "B"], ["a", None, 3]),
        ({}, [None, 1], []),
    ],
)
def test_conditions(condition, holds, fails):
    """A condition holds for these values, and not for those; a value of another type never compares."""
    test = Condition(**condition)
    assert [value for value in holds if not test.holds(value)] == []
    assert [value for value in fails if test.holds(value)] == []


# --- what is wrong with rules -----------------------------------------------------------------------

KNOWN = ("customer",)


def problems(*rules, otherwise=None, reads=KNOWN):
    with pytest.raises(InvalidRules) as caught:
        read_rules(list(rules), otherwise, reads, Profile(tools=("payments.*",)).allows)
    return "\n".join(caught.value.problems)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"answer": "{custmer}"}, "rules[0].answer: nothing gives custmer: did you mean customer?"),
        ({"answer": "{who}"}, "rules[0].answer: nothing gives who: known here are customer, input"),
        ({"needs_human": "{who}"}, "rules[0].needs_human: nothing gives who"),
        ({"answer": "x", "refused": "{eror}"}, "rules[0].refused: nothing gives eror: did you mean error?"),
        ({"answer": "x", "when": {"who": 1}}, "rules[0].when: nothing gives who"),
        ({"match": ["(?P<a>x)", "y"], "answer": "{a}"}, "rules[0].answer: nothing gives a"),
        ({"then": [{"answer": "{who}"}]}, "rules[0].then[0].answer: nothing gives who"),
        (
            {"steps": [{"call": "payments.x", "with": {"a": "{b}"}}, {"call": "payments.y", "as": "b"}], "answer": "x"},
            "rules[0].steps[0]: nothing gives b",
        ),
        ({"steps": [{"call": "payments.x", "with": {"a": "{item}"}}], "answer": "x"}, "nothing gives item"),
        ({"steps": [{"call": "mail.send"}], "answer": "x"}, "rules[0].steps[0].call: the agent may not call mail.send"),
        ({"answer": "{"}, "rules[0].answer: "),
        ({"answer": "x", "match": "(a+)+$"}, "rules[0]: '(a+)+$' could take too long"),
        ({"answer": "x", "match": "["}, "rules[0]: '[' is no regular expression"),
        ({"answer": "x", "when": {"customer": {"matches": "["}}}, "rules[0].when.customer.matches: "),
        ({"answer": "x", "anser": "y"}, "rules[0].anser: unknown key: did you mean answer?"),
        ({"answer": "x", "zzz": "y"}, "rules[0].zzz: unknown key: legal are "),
        ({"words": ["x"]}, "rules[0]: has no end: expected one of answer, needs_human, then"),
        ({"answer": "x", "needs_human": "y"}, "rules[0]: has answer and needs_human: expected one of"),
        ({"answer": "x", "types": {"n": "int"}}, "rules[0]: types names n, which is no group"),
        ({"answer": "x", "match": "(?P<n>a)", "types": {"n": "date"}}, "rules[0].types.n: "),
        ({"answer": "x", "steps": [{"call": "payments.x", "as": "not a name"}]}, "rules[0].steps[0].as: "),
        ("text", "rules[0]: "),
    ],
)
def test_what_is_wrong_with_a_rule_is_named(rule, words):
    """A fault in a rule is found when it is read, with its place and a way to mend it."""
    assert words in problems(rule)


def test_all_faults_come_at_once():
    """Several faults are one error, a line each."""
    assert problems({"answer": "{a}"}, {"answer": "{b}"}, otherwise="{c}").splitlines() == [
        "rules[0].answer: nothing gives a: known here are customer, input",
        "rules[1].answer: nothing gives b: known here are customer, input",
        "otherwise: nothing gives c: known here are customer, input",
    ]


@pytest.mark.parametrize("when", ["customer", ["customer"]])
def test_conditions_are_a_mapping(when):
    """Conditions that name no value are an error with their place."""
    assert "rules[0].when: " in problems({"answer": "x", "when": when})


def test_rules_are_needed():
    """No rules at all are an error."""
    with pytest.raises(InvalidRules, match="rules: List should have at least 1 item"):
        read_rules([], None, None, str.isalpha)


def test_what_is_not_said_to_be_read_cannot_be_missed():
    """Where the profile does not say what the agent reads, any fact might be there: a field is no fault."""
    read_rules([{"answer": "{anything}"}], None, None, Profile().allows)


def test_good_rules_have_no_faults():
    """Groups, results of earlier steps, items and facts are all known where they are used."""
    book = read_rules(BILLING, "{input}", KNOWN, Profile(tools=("payments.*",)).allows)
    assert len(book.rules) == 3


async def test_an_agent_with_wrong_rules_does_not_start():
    """Wrong rules fail the start of their agent, in words."""
    async with ActorSystem(blocked_after=None) as system:
        ref = system.launch(Factory(RuleAgent, ([{"answer": "{"}],)))
        assert isinstance(ref._cell.end, InvalidRules)


def test_a_tree_can_check_rules_before_it_starts():
    """The agent's `Settings` is the model that its arguments are checked by."""
    assert RuleAgent.Settings is Rulebook
    with pytest.raises(ValidationError):
        Rulebook.model_validate({"rules": [{"answer": "{"}]})
    assert "rules" in Rulebook.model_json_schema()["properties"]
