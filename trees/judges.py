"""The judges of an output: each is a mapping with a key that tells its kind, beside those that all kinds have."""

# ruff: noqa: TC001 - pydantic reads the annotations while the program runs

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, PlainValidator, Tag, WithJsonSchema

from ..supervisors.errors import InvalidSpec
from ..supervisors.judges import agent_judge, callables, confidence, quorum, rules, schema
from .base import Also, Filled, Spec, no_kind, own_fields, short
from .environment import without_values
from .guards import BreakerOrName
from .values import (
    LONG_NAME,
    FieldPath,
    FreeText,
    FunctionName,
    Number,
    Pattern,
    PositiveDuration,
    Text,
    illegal,
    is_long_name,
    json_data,
    long_name,
    unfit,
)

__all__ = [
    "JUDGES",
    "AgentJudge",
    "Asked",
    "Confidence",
    "ConfidenceJudge",
    "FunctionJudge",
    "Judge",
    "Judges",
    "QuorumJudge",
    "Range",
    "Rules",
    "RulesJudge",
    "SchemaJudge",
]

JUDGES = ("schema", "rules", "confidence", "function", "agent", "quorum")


class Asked(Spec):
    """How a judge is asked: what all of them have in common."""

    name: Text | None = Field(
        None,
        description="What it is called in verdicts and events: as its kind, its function or its agent, if the key "
        "is absent.",
        examples=["refund-rules"],
    )
    cost: Number | None = Field(
        None,
        ge=0,
        description="Cheap ones are asked first. If the key is absent, a schema costs 0, rules and confidence 1, a "
        "function 2, an agent 10, and a quorum what its judges cost.",
        examples=[1],
    )
    timeout: PositiveDuration | None = Field(None, description="How long it may take; 10 s if the key is absent.")
    on_judge_error: Literal["accept", "reject", "escalate"] = Field(
        "reject",
        description="What becomes of the output if the judge fails: it passes, it is rejected, or the task escalates "
        "at once.",
    )
    breaker: BreakerOrName = Field(
        None,
        description="When it is not asked any more, since it fails too often: a mapping, or the name of one under "
        "`policies`; it is always asked if the key is absent.",
    )

    @property
    def kind(self) -> str:
        """Which of `JUDGES` it is."""
        return next(kind for kind, model in _MODELS.items() if isinstance(self, model))


# --- a schema ---------------------------------------------------------------------------------------


def _schema(value: Any) -> str | dict[str, Any]:
    """Reads the import path of a model, or a JSON Schema, which is checked."""
    value = long_name(value, "class")
    if is_long_name(value):
        return value
    if not isinstance(value, dict):
        raise illegal("module:Class of a pydantic model, or a JSON Schema as a mapping")
    data: dict[str, Any] = json_data(value)
    try:
        schema.SchemaJudge(data)
    except InvalidSpec as error:
        raise unfit(without_values(str(error), data), _place_in(error)) from None
    return data


def _place_in(error: InvalidSpec) -> tuple[str | int, ...]:
    """Returns where in the JSON Schema the fault is, as far as its library says."""
    return tuple(getattr(error.__context__, "absolute_path", ()))


class _Schema(Spec):
    schema_: Annotated[
        str | dict[str, Any],
        PlainValidator(_schema),
        WithJsonSchema({"anyOf": [{"type": "string", "pattern": LONG_NAME}, {"type": "object"}]}),
    ] = Field(
        validation_alias="schema",
        serialization_alias="schema",
        description="What the output has to fit: a pydantic model, as `module:Class` from an allowed module, or a "
        "JSON Schema.",
        examples=["my_package.schemas:Refund", {"type": "object", "required": ["amount"]}],
    )


class SchemaJudge(Asked, _Schema):
    """Accepts what fits a schema."""


# --- rules ------------------------------------------------------------------------------------------


class Range(Spec):
    """From `min` to `max`, both included; one of them may be absent."""

    min: Number | None = Field(None, description="The least.", examples=[0])
    max: Number | None = Field(None, description="The most.", examples=[500])


class Rules(Spec):
    """What an output must and must not say. Fields are paths, such as `customer.id`."""

    required: Annotated[tuple[FieldPath, ...], Field(strict=False)] = Field(
        (), description="Fields that must be there and not be empty.", examples=[["amount", "customer.id"]]
    )
    ranges: dict[FieldPath, Annotated[Range, BeforeValidator(own_fields)]] = Field(
        default_factory=dict,
        description="Fields that must be numbers in a range.",
        examples=[{"amount": {"min": 0, "max": 500}}],
    )
    match: dict[FieldPath, Pattern] = Field(
        default_factory=dict,
        description="Fields in which a pattern must be found.",
        examples=[{"currency": "^[A-Z]{3}$"}],
    )
    forbid: Annotated[tuple[Pattern, ...], Field(strict=False)] = Field(
        (), description="Patterns that nothing in the output may match.", examples=[["(?i)as an ai"]]
    )
    agrees: dict[FieldPath, FieldPath] = Field(
        default_factory=dict,
        description="Fields that must not contradict a fact of the task's context.",
        examples=[{"customer_id": "customer_id"}],
    )


class _Rules(Spec):
    rules: Rules = Field(
        description="What the output must and must not say.",
        examples=[{"required": ["amount"], "ranges": {"amount": {"min": 0, "max": 500}}}],
    )


class RulesJudge(Asked, _Rules):
    """Accepts what breaks no rule."""


# --- confidence -------------------------------------------------------------------------------------


class Confidence(Spec):
    """How sure an output has to be."""

    least: Number = Field(0.7, gt=0, le=1, description="The confidence that is enough.", examples=[0.7])
    field: FieldPath = Field(
        "confidence", description="The output's field that says it, a number from 0 to 1.", examples=["score"]
    )


class _Confidence(Spec):
    confidence: Annotated[
        Confidence,
        short("least", (int, float), "a number, more than 0 and at most 1, or a mapping"),
        Also({"type": "number", "exclusiveMinimum": 0, "maximum": 1}),
    ] = Field(
        description="How sure the output says that it is: the least that is enough, or a mapping.", examples=[0.7]
    )


class ConfidenceJudge(Asked, _Confidence):
    """Accepts what is sure enough of itself."""


# --- somebody to ask --------------------------------------------------------------------------------


class _Function(Spec):
    function: FunctionName = Field(
        description="A function of the output and the task, as `module:function` from an allowed module: it returns "
        "yes or no, or a score, or raises `ModelRetry`.",
        examples=["my_package.judges:polite"],
    )
    dispatcher: Literal["loop", "thread"] = Field(
        "loop", description="Where the function runs: on the event loop, or in a thread (for code that blocks)."
    )
    accept_at: Number = Field(0.5, ge=0, le=1, description="The score that is enough.", examples=[0.5])


class FunctionJudge(Asked, _Function):
    """Asks a function."""


class _Agent(Spec):
    agent: Text = Field(description="An agent that judges, by id or path.", examples=["critic"])
    rubric: FreeText = Field(
        "", description="What makes an output good, in words for that agent.", examples=["Is it polite?"]
    )
    accept_at: Number = Field(0.7, ge=0, le=1, description="The score that is enough.", examples=[0.7])


class AgentJudge(Asked, _Agent):
    """Asks another agent of the tree."""


def _somebody(value: Any) -> Any:
    if not isinstance(value, list | tuple) or not value:
        raise illegal("a list of judges, at least one")
    return value


Weight: TypeAlias = Annotated[Number, Field(gt=0)]


class _Quorum(Spec):
    quorum: Annotated[Judges, BeforeValidator(_somebody), Filled()] = Field(
        description="Judges who vote.",
        examples=[[{"confidence": 0.7}, {"agent": "critic"}]],
    )
    weights: Annotated[tuple[Weight, ...], Field(strict=False)] | None = Field(
        None, description="What their votes weigh; all the same if the key is absent.", examples=[[2, 1]]
    )
    accept_at: Number = Field(
        0.5,
        ge=0.5,
        le=1,
        description="The share of the weight that has to accept; more than half in any case.",
        examples=[0.5],
    )


class QuorumJudge(Asked, _Quorum):
    """Counts the votes of several."""


# --- which of them ----------------------------------------------------------------------------------

_OWN: dict[type, str] = {
    schema.SchemaJudge: "schema",
    rules.RulesJudge: "rules",
    confidence.ConfidenceJudge: "confidence",
    callables.FunctionJudge: "function",
    agent_judge.AgentJudge: "agent",
    quorum.Quorum: "quorum",
}
"""The supervisors' own judges."""
_NESTED = ("rules", "confidence")
"""The kinds whose own fields stand in a mapping of theirs, not beside those that all judges have."""


def _read(value: Any) -> Any:
    """Returns a judge as the mapping that it is."""
    if type(value) in _OWN:
        return _mapping_of(value, _OWN[type(value)])
    if _tag(value) is None:
        raise no_kind("judge", JUDGES)
    return value


def _mapping_of(judge: Any, kind: str) -> dict[str, Any]:
    """Returns what one of the supervisors' own judges says, without what it would be without a word."""
    said = {key: dict(item) if isinstance(item, Mapping) else item for key, item in own_fields(judge).items()}
    common = {key: said.pop(key) for key in Asked.model_fields}
    bare = type(judge)(**said)
    common = {key: item for key, item in common.items() if item != getattr(bare, key)}
    if kind == "quorum":
        said["quorum"] = said.pop("judges")
    return {kind: said, **common} if kind in _NESTED else {**said, **common}


def _tag(value: Any) -> str | None:
    if isinstance(value, dict):
        return next((f"{key} judge" for key in value if key in JUDGES), None)
    return f"{value.kind} judge" if isinstance(value, Asked) else None


_MODELS: dict[str, type[Asked]] = {
    "schema": SchemaJudge,
    "rules": RulesJudge,
    "confidence": ConfidenceJudge,
    "function": FunctionJudge,
    "agent": AgentJudge,
    "quorum": QuorumJudge,
}

Judge: TypeAlias = Annotated[
    Annotated[SchemaJudge, Tag("schema judge")]
    | Annotated[RulesJudge, Tag("rules judge")]
    | Annotated[ConfidenceJudge, Tag("confidence judge")]
    | Annotated[FunctionJudge, Tag("function judge")]
    | Annotated[AgentJudge, Tag("agent judge")]
    | Annotated[QuorumJudge, Tag("quorum judge")],
    Discriminator(_tag),
    BeforeValidator(_read),
]
Judges: TypeAlias = Annotated[tuple[Judge, ...], Field(strict=False)]

QuorumJudge.model_rebuild()  # it holds judges itself
