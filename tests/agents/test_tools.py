"""Tools: what a signature makes of a function, and what is checked at a call."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from treeward.agents.calls import step_key
from treeward.agents.errors import InvalidArguments, InvalidResult, InvalidTool
from treeward.agents.tools import FUNCTIONS, IdempotencyKey, plain_arguments, tool, tool_of

if TYPE_CHECKING:
    from somewhere import Missing


@dataclass
class Line:
    text: str
    amount: Decimal


class Order(BaseModel):
    lines: list[Line]
    day: date | None = None


@tool
def price(
    item: str,
    count: Annotated[int, Field(gt=0, description="How many.")] = 1,
    *,
    currency: Literal["EUR", "USD"] = "EUR",
) -> Decimal:
    """Returns what so many of an item cost."""
    return Decimal(count) * {"pen": Decimal("1.50")}[item]


@tool(name="shop.order", effect=True)
async def place(order: Order, key: IdempotencyKey) -> dict[str, Any]:
    """Places an order."""
    await asyncio.sleep(0)
    return {"key": key, "lines": len(order.lines), "day": order.day}


@tool
def schema(copy: int, json: str, self_: bool = False) -> None:
    """Has parameters with names that a model would want for itself."""


def spec(function):
    return tool_of(function)


def bind(function, arguments, key="k"):
    return spec(function).bind(plain_arguments("t", arguments), "t", key)


def test_a_tool_stays_a_function():
    """The decorated function itself can be called as before."""
    assert price("pen", 2) == Decimal("3.00")


def test_a_function_is_named_after_its_module():
    """A function's tool is called `module.function`, or what its decorator says."""
    assert FUNCTIONS["test_tools.price"] is spec(price)
    assert FUNCTIONS["shop.order"] is spec(place)


def test_the_schema_is_the_signature():
    """The JSON Schema has types, bounds, descriptions and defaults, and nothing else is legal."""
    assert spec(price).schema == {
        "type": "object",
        "properties": {
            "item": {"title": "Item", "type": "string"},
            "count": {
                "title": "Count",
                "type": "integer",
                "exclusiveMinimum": 0,
                "default": 1,
                "description": "How many.",
            },
            "currency": {"title": "Currency", "type": "string", "enum": ["EUR", "USD"], "default": "EUR"},
        },
        "required": ["item"],
        "additionalProperties": False,
    }
    assert spec(price).description == "Returns what so many of an item cost."
    assert spec(price).result_schema["type"] == "string"


def test_the_key_is_no_argument():
    """The idempotency key stands in no schema, and a caller cannot give it."""
    assert list(spec(place).schema["properties"]) == ["order"]
    with pytest.raises(InvalidArguments, match="key is not a parameter of it"):
        bind(place, {"order": {"lines": []}, "key": "mine"})


def test_parameters_may_have_any_name():
    """Names that a model would want for itself are names of parameters like others."""
    assert bind(schema, {"copy": 1, "json": "x"}) == {"copy": 1, "json": "x", "self_": False}


def test_arguments_become_what_the_signature_says():
    """Arguments go through JSON into the parameters' types, and the key is put beside them."""
    order = Order(lines=[Line("pen", Decimal("1.50"))], day=date(2026, 3, 1))
    as_data = {"lines": [{"text": "pen", "amount": "1.50"}], "day": "2026-03-01"}
    for given_order in (order, as_data):
        assert bind(place, {"order": given_order}, "k") == {"order": order, "key": "k"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({}, "item is missing"),
        ({"item": 3}, "item is 3: input should be a valid string"),
        ({"item": "pen", "count": "2"}, "count is '2': input should be a valid integer"),
        ({"item": "pen", "count": 2.5}, "count is 2.5: input should be a valid integer"),
        ({"item": "pen", "count": True}, "count is True: input should be a valid integer"),
        ({"item": "pen", "count": 0}, "count is 0: input should be greater than 0"),
        ({"item": "pen", "currency": "GBP"}, "currency is 'GBP': input should be 'EUR' or 'USD'"),
        ({"item": "pen", "colour": "red"}, "colour is not a parameter of it"),
        ({"item": "pen", "count": None}, "count is None: input should be a valid integer"),
    ],
)
def test_what_does_not_fit_is_named(arguments, problem):
    """An argument that does not fit is an error that says what was given and what is expected."""
    with pytest.raises(InvalidArguments) as caught:
        bind(price, arguments)
    assert caught.value.problems == (problem,)
    assert "the tool takes item: str, count:" in str(caught.value)


def test_all_that_does_not_fit_is_named_at_once():
    """Several faults come in one error; a long value is cut in it."""
    with pytest.raises(InvalidArguments) as caught:
        bind(price, {"item": "pen", "count": "9" * 1000, "colour": "red"})
    assert len(caught.value.problems) == 2
    assert len(str(caught.value)) < 500


def test_what_json_cannot_hold_is_refused():
    """Arguments are plain data: an object that JSON cannot hold is an error of the caller's."""
    with pytest.raises(InvalidArguments, match="what JSON can hold"):
        plain_arguments("t", {"item": object()})


@pytest.mark.parametrize(
    ("function", "result", "plain"),
    [
        (price, Decimal("1.50"), "1.50"),
        (place, {"day": date(2026, 3, 1)}, {"day": "2026-03-01"}),
        (schema, None, None),
    ],
)
def test_a_result_is_plain_data(function, result, plain):
    """A caller gets a result as JSON has it."""
    assert spec(function).plain(result) == plain


@pytest.mark.parametrize(("function", "result"), [(price, 1.5), (schema, 0), (place, []), (place, {"x": object()})])
def test_a_wrong_result_is_a_bug(function, result):
    """A result of another type than declared, or that JSON cannot hold, is an error that is no answer."""
    with pytest.raises(InvalidResult, match="returned what it does not promise"):
        spec(function).plain(result)


@dataclass
class HalfKnown:
    item: Missing


def untyped(item) -> None: ...
def unreturning(item: str): ...
def spread(*items: str) -> None: ...
def swallowing(**items: str) -> None: ...
def positional(item: str, /) -> None: ...
def hidden(item: Missing) -> None: ...
def half_hidden(item: str) -> HalfKnown: ...
def strange(item: pytest.Item) -> None: ...
def keyless(item: str) -> None: ...


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (untyped, "its parameter 'item' has no type: annotate it"),
        (unreturning, "it does not say what it returns: annotate it"),
        (spread, "its parameter .items: .* has no name to give it by"),
        (swallowing, "its parameter ..items: .* has no name to give it by"),
        (positional, "its parameter item: .* has no name to give it by"),
        (hidden, "'Missing' is not known at run time: import it outside `if TYPE_CHECKING:`"),
        (half_hidden, "name 'Missing' is not defined at run time: import it outside `if TYPE_CHECKING:`"),
        (strange, "Unable to generate pydantic-core schema"),
    ],
)
def test_what_cannot_be_a_tool_is_named(function, problem):
    """A signature that does not say what a caller needs is an error that says what is missing."""
    made = spec(tool(function))
    with pytest.raises(InvalidTool, match=f"{function.__name__} cannot be a tool: {problem}"):
        made.check()


def test_an_effect_needs_a_key():
    """A tool with an effect must take the key by which it does a thing once."""
    with pytest.raises(InvalidTool, match="needs a parameter such as `key: IdempotencyKey`"):
        spec(tool(effect=True)(keyless)).check()


def test_two_functions_cannot_share_a_name():
    """A second function of a name is an error that says who has it; the same one again is none."""
    tool(name="test_tools.price")(price)
    with pytest.raises(InvalidTool, match=r"the name is taken by .*test_tools\.price: give one of them"):
        tool(name="test_tools.price")(untyped)


ARGUMENTS = st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3) | st.none(), max_size=3)


@given(ARGUMENTS, ARGUMENTS)
def test_a_step_is_known_by_what_it_does(first, second):
    """Equal calls in one task have the same key, however their arguments are ordered; others have others."""
    key = step_key("task", "pay.refund", None, first)
    assert key == step_key("task", "pay.refund", None, dict(reversed(first.items())))
    assert (key == step_key("task", "pay.refund", None, second)) is (first == second)
    assert key != step_key("other", "pay.refund", None, first)
    assert key != step_key("task", "pay.charge", None, first)


def test_a_named_step_is_known_by_its_name():
    """Two equal calls that are both meant are told apart by their names; a name wins over the arguments."""
    assert step_key("task", "mail.send", "first", {}) != step_key("task", "mail.send", "second", {})
    assert step_key("task", "mail.send", "first", {"to": 1}) == "task/mail.send/first"
