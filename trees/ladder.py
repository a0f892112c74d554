"""The rungs of `recovery`: each is a mapping with one key, which tells its kind, or that word alone."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    SerializationInfo,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
)

from ..supervisors.work import ladder as work
from .base import Also, Filled, OrOne, Spec, no_kind, own_fields, policy, short
from .problems import alternatives
from .values import AS_WRITTEN, Anything, Count, Facts, Jitter, Number, PositiveDuration, Targets, Text, illegal

__all__ = [
    "RUNGS",
    "Escalate",
    "EscalateRung",
    "FallbackRung",
    "Ladder",
    "Restart",
    "RestartRung",
    "Retry",
    "RetryOrName",
    "RetryRung",
    "Revise",
    "ReviseRung",
    "Rung",
    "Skip",
    "SkipRung",
]

RUNGS = ("retry", "revise", "restart", "fallback", "escalate", "skip")
_WORDS = tuple(word for word in RUNGS if word != "fallback")
"""The rungs of which nothing more need be said."""

_TRIES = {"type": "integer", "minimum": 1}


class Retry(Spec):
    """The same again after a wait: `initial`, times `factor` for each further one, up to `max`, with jitter."""

    times: Count = Field(3, ge=1, description="Further tries.", examples=[3])
    initial: PositiveDuration = Field(1.0, description="The wait before the first of them.")
    factor: Number = Field(2.0, ge=1, description="What each further wait is multiplied by.", examples=[2])
    max: PositiveDuration = Field(4.0, description="The longest wait. Whoever failed may ask for a longer one.")
    jitter: Jitter = Field(
        1.0,
        description="A duration adds up to that much to each wait, `full` draws it between zero and its length, "
        "`none` leaves it as it is.",
    )


class Revise(Spec):
    """Again, with what was wrong with the last output."""

    times: Count = Field(2, ge=1, description="Further tries.", examples=[2])
    feedback: Count = Field(2000, ge=0, description="Characters of the feedback, at most.", examples=[2000])
    changes: Facts = Field(
        default_factory=dict, description="What is different in the task's context.", examples=[{"brief": True}]
    )


class Restart(Spec):
    """A fresh incarnation gets the same task."""

    times: Count = Field(2, ge=1, description="Further tries.", examples=[2])


class Escalate(Spec):
    """The task goes up with its evidence: to the ladder above, and from the last one to the desk."""

    to: Text | None = Field(
        None,
        description="The id or the path of a desk, which is asked at once; the ladder of the supervisor above "
        "is next if the key is absent.",
        examples=["desk"],
    )
    wait: PositiveDuration | None = Field(
        None, description="How long the task waits for a person's answer; it does not wait if the key is absent."
    )


class Skip(Spec):
    """The task ends without an answer."""

    output: Anything = Field(
        None, description="What is answered in its place; what there is of an output if the key is absent."
    )


RetryOrName: TypeAlias = Annotated[
    Retry,
    short("times", int, "a number of tries, a mapping, or the name of one under policies"),
    policy("retry"),
    Also(_TRIES),
]


class _Rung(Spec):
    """A mapping with one key. It is written as short as it can be read."""

    @model_serializer(mode="wrap")
    def _shortest(self, dump: SerializerFunctionWrapHandler, info: SerializationInfo) -> Any:
        data: dict[str, Any] = dump(self)
        if info.context is not AS_WRITTEN:
            return data
        ((kind, said),) = data.items()
        if said == {}:
            return kind
        alone = _ALONE.get(kind)
        return {kind: said[alone]} if [*said] == [alone] else data


_ALONE = {"retry": "times", "revise": "times", "restart": "times", "escalate": "to"}
"""What a rung's value may be instead of a mapping that has only this."""


class RetryRung(_Rung):
    """The same again, after a wait."""

    retry: RetryOrName = Field(
        description="The same again, after a wait: how often, a mapping, or the name of one under `policies`.",
        examples=[3, "llm"],
    )


class ReviseRung(_Rung):
    """Again, with feedback."""

    revise: Annotated[Revise, short("times", int, "a number of tries, or a mapping"), Also(_TRIES)] = Field(
        description="Again, with what was wrong with the last output: how often, or a mapping.", examples=[2]
    )


class RestartRung(_Rung):
    """Again, with a fresh incarnation."""

    restart: Annotated[Restart, short("times", int, "a number of tries, or a mapping"), Also(_TRIES)] = Field(
        description="A fresh incarnation gets the same task: how often, or a mapping.", examples=[2]
    )


class FallbackRung(_Rung):
    """Somebody else."""

    fallback: Annotated[Targets, Filled(), OrOne()] = Field(
        description="Somebody else gets the task: an id or a path, or a list of those who are asked one after "
        "the other until one has done it.",
        examples=["billing-rules", ["billing-rules", "support/clerk"]],
    )


class EscalateRung(_Rung):
    """Up, with the evidence."""

    escalate: Annotated[
        Escalate, short("to", str, "the id of a desk, or a mapping"), Also({"type": "string", "minLength": 1})
    ] = Field(
        description="The task goes up with its evidence, to the next ladder above and at last to the desk: "
        "the id of a desk that is asked at once, or a mapping.",
        examples=["desk"],
    )


class SkipRung(_Rung):
    """No answer."""

    skip: Skip = Field(
        description="The task ends: with what there is of an output, or with one that is given here.",
        examples=[{"output": "Nobody knows."}],
    )


_OWN: dict[type, str] = {
    work.Retry: "retry",
    work.Revise: "revise",
    work.Restart: "restart",
    work.Escalate: "escalate",
    work.Skip: "skip",
}
"""The supervisors' own rungs that have a mapping of the same fields."""


def _read(value: Any) -> Any:
    """Returns a rung as the mapping that it is."""
    if isinstance(value, work.Fallback):
        return {"fallback": value.to}
    if type(value) in _OWN:
        return {_OWN[type(value)]: own_fields(value)}
    if isinstance(value, str):
        if value not in _WORDS:
            raise illegal(f"a rung: {alternatives(RUNGS)}", RUNGS)
        return {str(value): {}}
    if _tag(value) is None:
        raise no_kind("rung", RUNGS)
    return value


def _tag(value: Any) -> str | None:
    keys = value if isinstance(value, dict) else type(value).model_fields if isinstance(value, Spec) else ()
    return next((f"{key} rung" for key in keys if key in RUNGS), None)


Rung: TypeAlias = Annotated[
    Annotated[RetryRung, Tag("retry rung")]
    | Annotated[ReviseRung, Tag("revise rung")]
    | Annotated[RestartRung, Tag("restart rung")]
    | Annotated[FallbackRung, Tag("fallback rung")]
    | Annotated[EscalateRung, Tag("escalate rung")]
    | Annotated[SkipRung, Tag("skip rung")],
    Discriminator(_tag),
    BeforeValidator(_read),
    Also({"enum": list(_WORDS)}),
]
Ladder: TypeAlias = Annotated[tuple[Rung, ...], Field(strict=False)]
