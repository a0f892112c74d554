"""A schema as judge: a pydantic model, or a JSON Schema."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field, computed_field, field_validator

from treeward.runtime.task import Task
from treeward.supervisors.errors import InvalidSpec
from treeward.supervisors.judges.judge import Submission
from treeward.supervisors.judges.schema import SchemaJudge
from treeward.supervisors.work_errors import ModelRetry


class Customer(BaseModel):
    id: str


class Refund(BaseModel):
    model_config = ConfigDict(strict=True)

    amount: float = Field(ge=0, le=500)
    currency: str = Field(pattern="^[A-Z]{3}$")
    until: dt.date
    customer: Customer

    @computed_field
    def cents(self) -> int:
        return round(self.amount * 100)


GOOD = {"amount": 20, "currency": "EUR", "until": "2026-01-02", "customer": {"id": "c1"}}
SCHEMA = {
    "type": "object",
    "required": ["amount", "customer"],
    "properties": {
        "amount": {"type": "number", "minimum": 0, "maximum": 500},
        "currency": {"enum": ["EUR", "USD"]},
        "customer": {"$ref": "#/$defs/customer"},
    },
    "additionalProperties": False,
    "$defs": {"customer": {"type": "object", "properties": {"id": {"type": "string", "pattern": "^c[0-9]+$"}}}},
}


async def verdict_of(judge, output):
    return await judge.judge(Submission(Task("t", "refund me"), output, "top/billing"), None)


# --- a model ----------------------------------------------------------------------------------------


async def test_what_fits_the_model_is_accepted():
    """The model sees JSON: a whole number is a number, a date is a text, also where the model is strict."""
    verdict = await verdict_of(SchemaJudge(Refund), GOOD)
    assert (verdict.judge, verdict.accepted, verdict.reason, verdict.feedback) == ("schema", True, "", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"amount": 900}, ["amount: Input should be less than or equal to 500, not 900"], id="range"),
        pytest.param({"amount": "20"}, ["amount: Input should be a valid number, not '20'"], id="strict_type"),
        pytest.param({"customer": {}}, ["customer.id: Field required"], id="missing_within"),
        pytest.param(
            {"currency": "euro", "until": "soon"},
            ["currency: String should match pattern '^[A-Z]{3}$', not 'euro'", "until: Input should be a valid date"],
            id="two_fields",
        ),
        pytest.param({"amount": float("nan")}, ["amount is nan, which is no number of JSON"], id="nan"),
    ],
)
async def test_each_wrong_field_is_named_with_what_was_expected(changes, said):
    """A rejection says of each field where it is, what was expected and what there was, a line each."""
    verdict = await verdict_of(SchemaJudge(Refund), GOOD | changes)
    assert not verdict.accepted
    for one in said:
        assert one in verdict.reason
    assert len(verdict.feedback.splitlines()) == len(said)
    assert all(line.startswith("- ") for line in verdict.feedback.splitlines())


@pytest.mark.parametrize("output", [None, "text", 7, [], object(), (n for n in [1])])
async def test_what_is_no_mapping_is_rejected(output):
    """Whatever an agent returns, the judge has a verdict on it."""
    assert not (await verdict_of(SchemaJudge(Refund), output)).accepted


async def test_a_text_that_holds_json_is_a_text():
    """What is accepted goes on as it is, so a text is no mapping, whatever is in it."""
    verdict = await verdict_of(SchemaJudge(Refund), '{"amount": 20}')
    assert verdict.reason.startswith("the output: Input should be an object, not '{\"amount")


async def test_an_instance_of_the_model_is_accepted():
    """An agent may return the model itself."""
    assert (await verdict_of(SchemaJudge(Refund), Refund.model_validate_json('{"amount": 1, "currency": "EUR", '
        '"until": "2026-01-02", "customer": {"id": "c"}}'))).accepted  # fmt: skip


async def test_an_instance_that_was_never_validated_is_rejected():
    """An instance can be made, or changed, past its own rules."""
    made = Refund.model_construct(amount=900.0, currency="EUR", customer=Customer.model_construct())
    verdict = await verdict_of(SchemaJudge(Refund), made)
    assert "amount: Input should be less than or equal to 500" in verdict.reason
    assert "until: Field required" in verdict.reason
    assert "customer.id: Field required" in verdict.reason


async def test_names_by_alias():
    """Data goes by the alias, an instance by what it is."""

    class Aliased(BaseModel):
        total: int = Field(validation_alias="amount", serialization_alias="sum")

    judge = SchemaJudge(Aliased)
    assert (await verdict_of(judge, {"amount": 3})).accepted
    assert not (await verdict_of(judge, {"sum": 3})).accepted
    assert (await verdict_of(judge, Aliased(amount=3))).accepted


async def test_a_validator_may_ask_for_another_try():
    """`ModelRetry` leaves a validator as it is: the panel makes a rejection of it."""

    class Polite(BaseModel):
        text: str

        @field_validator("text")
        @classmethod
        def _greets(cls, text):
            if not text.startswith("Dear"):
                raise ModelRetry("begin with 'Dear'")
            return text

    with pytest.raises(ModelRetry, match="begin with 'Dear'"):
        await verdict_of(SchemaJudge(Polite), {"text": "Hi"})
    assert (await verdict_of(SchemaJudge(Polite), {"text": "Dear Ann"})).accepted


async def test_a_hundred_faults_are_ten_and_a_number():
    """A verdict stays short."""

    class Row(BaseModel):
        rows: list[int]

    verdict = await verdict_of(SchemaJudge(Row), {"rows": ["x"] * 100})
    assert verdict.feedback.splitlines()[-1] == "- and 90 more"
    assert len(verdict.feedback.splitlines()) == 11


# --- a JSON Schema ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("output", "said"),
    [
        pytest.param({"amount": 5, "customer": {"id": "c1"}}, None, id="fits"),
        pytest.param({"amount": 5, "customer": {}}, None, id="optional_is_absent"),
        pytest.param({"customer": {}}, "the output: 'amount' is a required property", id="required"),
        pytest.param({"amount": 900, "customer": {}}, "amount: 900 is greater than the maximum of 500", id="maximum"),
        pytest.param({"amount": True, "customer": {}}, "amount: True is not of type 'number'", id="boolean"),
        pytest.param(
            {"amount": 1, "customer": {"id": "x"}}, "customer.id: 'x' does not match '^c[0-9]+$'", id="pattern_in_ref"
        ),
        pytest.param({"amount": 1, "customer": {}, "currency": "eur"}, "'eur' is not one of ['EUR', 'USD']", id="enum"),
        pytest.param({"amount": 1, "customer": {}, "x": 1}, "('x' was unexpected)", id="additional"),
        pytest.param({"amount": float("nan"), "customer": {}}, "amount is nan, which is no number of JSON", id="nan"),
        pytest.param("text", "the output: 'text' is not of type 'object'", id="text"),
        pytest.param(None, "the output: None is not of type 'object'", id="null"),
    ],
)
async def test_a_json_schema_judges(output, said):
    """An inline JSON Schema accepts what is valid, and says of the rest what is wrong, and where."""
    verdict = await verdict_of(SchemaJudge(SCHEMA), output)
    assert verdict.accepted is (said is None)
    assert said is None or said in verdict.reason


async def test_a_decimal_is_a_number():
    """What an agent computes with is data, too."""
    assert (await verdict_of(SchemaJudge(SCHEMA), {"amount": Decimal("499.99"), "customer": {}})).accepted


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        pytest.param({"type": "nope"}, r"\$\.type of the JSON Schema is wrong: 'nope' is not valid", id="type"),
        pytest.param({"properties": {"a": {"minimum": "3"}}}, r"\$\.properties\.a\.minimum", id="within"),
        pytest.param({"$ref": "http://example.com/schema"}, "expected a place within the JSON Schema", id="remote"),
        pytest.param({"$ref": "#/$defs/none"}, "expected a place within the JSON Schema", id="dangling"),
        pytest.param({"items": {"pattern": "(a+)+$"}}, "could take too long", id="slow_pattern"),
        pytest.param({"patternProperties": {"(a+)+$": {}}}, "could take too long", id="slow_property_pattern"),
        pytest.param(
            {"$ref": "#/definitions/a", "definitions": {"a": {"pattern": "(a+)+$"}}}, "could take too long", id="in_ref"
        ),
        pytest.param({"$schema": "http://json-schema.org/draft-07/schema#"}, "expected https://json-sch", id="draft"),
        pytest.param({"const": float("nan")}, "const is nan", id="nan"),
        pytest.param({"const": object()}, "const is of the type object", id="object"),
        pytest.param(Customer(id="c"), "expected a pydantic model, or a mapping", id="instance"),
        pytest.param(dict, "expected a pydantic model, or a mapping", id="class"),
        pytest.param("pkg.mod:Class", "expected a pydantic model, or a mapping", id="text"),
    ],
)
def test_what_is_no_schema_is_refused_at_once(schema, said):
    """A schema that is wrong, leads elsewhere or could hang is an InvalidSpec, before anything is judged."""
    with pytest.raises(InvalidSpec, match=said):
        SchemaJudge(schema)


def test_a_property_may_be_called_pattern():
    """What is a name in a schema is no keyword."""
    SchemaJudge({"properties": {"pattern": {"type": "string"}, "$ref": {"type": "string"}}})


async def test_a_schema_that_leads_back_to_itself():
    """A tree is judged by a schema that names itself; one that does nothing else rejects, and does not hang."""
    tree = {"$ref": "#/$defs/n", "$defs": {"n": {"type": "array", "items": {"$ref": "#/$defs/n"}}}}
    assert (await verdict_of(SchemaJudge(tree), [[], [[[]]]])).accepted
    assert not (await verdict_of(SchemaJudge(tree), [[], [[[1]]]])).accepted
    endless = await verdict_of(SchemaJudge({"$ref": "#"}), {})
    assert endless.reason == "the output is nested too deep for its schema"


@pytest.mark.realtime
@pytest.mark.parametrize("length", [10, 1999, 2001, 30_000])
async def test_a_pattern_finds_its_place_in_a_long_text(length):
    """Texts longer than a piece are searched to their end."""
    judge = SchemaJudge({"pattern": "needle"})
    assert (await verdict_of(judge, "x" * length + "needle")).accepted
    assert not (await verdict_of(judge, "x" * length)).accepted


UNIQUE = SchemaJudge({"uniqueItems": True})


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ([1, True, "1", None, False, 0], True),
        ([1, 1.0], False),
        ([{"a": 1}, {"a": 1.0}], False),
        ([{"a": 1}, {"a": True}], True),
        ([[1, {"b": []}], [1, {"b": []}]], False),
        ([[], {}, ""], True),
    ],
)
async def test_unique_items(items, unique):
    """Items are the same as JSON Schema has it: 1 and 1.0 are, 1 and true are not."""
    assert (await verdict_of(UNIQUE, items)).accepted is unique


@given(st.lists(st.recursive(st.booleans() | st.integers(-2, 2) | st.floats(-2, 2), st.lists, max_leaves=3)))
def test_unique_items_are_those_of_the_library(items):
    """The quick comparison has the same results as that of the jsonschema library."""
    theirs = Draft202012Validator({"uniqueItems": True}).is_valid(items)
    assert (UNIQUE._faults(items) == []) is theirs


@pytest.mark.realtime
@pytest.mark.parametrize("output", [[{"a": n} for n in range(30_000)], ["a" * 200_000]], ids=["many", "long"])
async def test_a_large_output_does_not_hold_the_loop(output):
    """A JSON Schema is held against thousands of values, or a long text, in a thread; the loop goes on meanwhile."""
    parts = {"type": "object", "properties": {"a": {"type": "integer", "multipleOf": 1}}}
    judge = SchemaJudge({"items": {"anyOf": [parts, {"type": "string", "not": {"pattern": "a.*b"}}]}}, name="rows")
    turns, names = 0, set()

    async def count():
        nonlocal turns
        while True:
            names.update(thread.name for thread in threading.enumerate())
            turns += 1
            await asyncio.sleep(0.001)

    counting = asyncio.ensure_future(count())
    verdict = await verdict_of(judge, output)
    counting.cancel()
    assert verdict.accepted
    assert "treeward-judge-rows" in names
    assert turns > 3


@pytest.mark.parametrize(
    "options", [{"cost": -1}, {"timeout": 0}, {"on_judge_error": "ignore"}, {"name": ""}, {"breaker": 5}]
)
def test_what_all_judges_have_in_common_is_checked(options):
    """Cost, timeout, on_judge_error, name and breaker are checked for every judge."""
    with pytest.raises(InvalidSpec, match="expected"):
        SchemaJudge(Customer, **options)


def test_defaults():
    """A schema costs nothing, has 10 s, and rejects if it fails."""
    judge = SchemaJudge(Customer)
    assert (judge.name, judge.cost, judge.timeout, judge.on_judge_error, judge.breaker) == (
        "schema",
        0,
        10,
        "reject",
        None,
    )
