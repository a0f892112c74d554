"""A JSON Schema as a function that says yes or no: the same as the library does."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from treeward.supervisors.judges.json_schema import JsonSchema, compiled_schema
from treeward.supervisors.judges.plain import plain
from treeward.supervisors.judges.quick import quick_check

NAMES = st.sampled_from("abc")
SIZES = st.integers(0, 3)
NUMBERS = st.sampled_from([-1, 0, 1, 1.0, 1.5, 2, 3])
KINDS = st.sampled_from(["object", "array", "string", "boolean", "null", "number", "integer"])
WORDS = {
    "type": KINDS | st.lists(KINDS, min_size=1, max_size=3, unique=True),
    "enum": st.lists(st.sampled_from(["a", "ab", None, "1"]), min_size=1, max_size=3, unique=True),
    "const": st.sampled_from(["a", None]),
    "required": st.lists(NAMES, max_size=2, unique=True),
    "pattern": st.sampled_from(["^a", "b$", "[0-9]", "a.*b"]),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), SIZES),
    "$ref": st.just("#/$defs/part"),
    "title": st.just("a remark"),
}


def _larger(parts):
    some = st.lists(parts, min_size=1, max_size=3)
    words = {
        **WORDS,
        "properties": st.dictionaries(NAMES, parts, max_size=3),
        "additionalProperties": parts,
        "items": parts,
        **dict.fromkeys(("anyOf", "allOf", "oneOf"), some),
        "not": parts,
    }
    return st.fixed_dictionaries({}, optional=words) | st.booleans()


SCHEMAS = st.recursive(st.fixed_dictionaries({}, optional=WORDS), _larger, max_leaves=6)
PARTS = SCHEMAS.filter(lambda part: "$ref" not in repr(part))
DATA = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.just(Decimal("1.0")) | st.text("ab1", max_size=4),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


@given(SCHEMAS, PARTS, st.lists(DATA, min_size=1, max_size=8))
def test_it_says_what_the_library_says(schema, part, outputs):
    """Whatever the schema is made of, data fits it or does not, as the library has it."""
    whole = {"allOf": [schema], "$defs": {"part": part}}
    fits, library = quick_check(whole), Draft202012Validator(whole)
    assert fits is not None
    assert [fits(one) for one in map(plain, outputs)] == [library.is_valid(one) for one in outputs]


@pytest.mark.parametrize(
    "schema",
    [
        {"uniqueItems": True},
        {"properties": {"a": {"multipleOf": 3}}},
        {"prefixItems": [True], "items": False},
        {"patternProperties": {"^a": True}, "additionalProperties": False},
        {"enum": [1, True]},
        {"$ref": "#/properties/a", "properties": {"a": {"type": "string"}}},
        {"unevaluatedProperties": False},
        {"$anchor": "here"},
    ],
)
def test_what_it_does_not_know_is_left_to_the_library(schema):
    """There is no such function for a schema of which it would overlook a part."""
    assert quick_check(schema) is None


def test_a_part_may_lead_to_itself():
    """A list in a list in a list is held against one definition."""
    fits = quick_check(
        {"$ref": "#/$defs/nest", "$defs": {"nest": {"type": "array", "items": {"$ref": "#/$defs/nest"}}}}
    )
    assert fits is not None
    assert (fits([[], [[]]]), fits([[], [1]])) == (True, False)


def test_what_does_not_fit_is_told_as_ever():
    """The function never says what is wrong: that is the library's."""
    faults = JsonSchema({"properties": {"a": {"type": "string", "minLength": 2}}}).faults
    assert faults({"a": "xy"}) == []
    assert faults({"a": "x"}) == ["a: 'x' is too short"]
    assert faults({"a": 1}) == ["a: 1 is not of type 'string'"]


def test_the_same_schema_is_compiled_once():
    """A tree that is started again has its schemas at once; one that is written in another way is another one."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    first = compiled_schema(schema)
    assert compiled_schema({**schema}) is first
    schema["properties"]["a"]["minLength"] = 2
    assert compiled_schema(schema) is not first
    assert (first.faults({"a": "x"}), compiled_schema(schema).faults({"a": "x"})) == ([], ["a: 'x' is too short"])
