"""A plan: what is to go wrong in a tree, what it is asked meanwhile, and what has to hold all the same.

    Plan(
        name="writer",
        faults=[Fault(at="actor.handle", where="team/writer", do="30%->crash(ValueError)", from_=10)],
        work=[Work(input="write", times=20, every="1s..5s")],
    )

Fields are named as the YAML's keys; `from` and `for`, which are words of Python's own, have an underscore behind them.
"""

# ruff: noqa: TC001 - pydantic reads the annotations while the program runs

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from ...runtime.task import Status
from ...trees.base import Also, OrOne, Spec, short
from ...trees.values import DURATION, Count, Duration, Flag, Id, PositiveDuration, Text, illegal, resolved, seconds
from .choices import KnobValues
from .course import Course
from .fields import At, Do, ImportName, PositiveSpan, ShapeText
from .grammar import Program
from .matching import Where, WhereOrPath
from .rules import HEAL_AT, violations
from .work import Work

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

__all__ = ["METRICS", "Abort", "Expectation", "Fault", "Heal", "Metric", "Parity", "Plan", "Where", "Work"]


class Fault(Spec):
    """One thing that is to go wrong."""

    id: Id | None = Field(
        None,
        description="What it is called in reports; its place and its number if the key is absent.",
        examples=["slow-bank"],
    )
    at: At = Field(description="The fault point, or `actor`, `mailbox`, `clock`, `loop` for what has a time only.")
    where: WhereOrPath = Field(
        Where(),
        description="Whom it is for: a path, a list of paths, or a mapping; every agent if the key is absent.",
        examples=["team/writer", {"path": "team/**", "incarnation": 1}],
    )
    do: Do = Field(
        description="What happens, and how often: see [the grammar](#the-grammar).",
        examples=["30%->crash(ValueError)", "1*off->3*hang->off", "1%->drop | 2%->delay(1s..5s)"],
    )
    from_: Duration = Field(
        0.0, validation_alias="from", serialization_alias="from", description="When it begins, from the plan's start."
    )
    for_: PositiveDuration | None = Field(
        None,
        validation_alias="for",
        serialization_alias="for",
        description="How long it goes on; until all is healed if the key is absent.",
    )
    every: PositiveSpan | None = Field(
        None,
        description="The time from one to the next, for what is timed; once, at `from`, if the key is absent.",
        examples=["20s", "20s±10s"],
    )
    shape: ShapeText | None = Field(
        None,
        description="How often, by name, where `do` is an action alone: see [shapes](#shapes).",
        examples=["single", "intermittent(20%)", "burst(3, after=10)"],
    )
    on: Annotated[tuple[Annotated[Count, Field(ge=1)], ...], Field(strict=False)] | None = Field(
        None, description="The only visits at which it is asked, from 1; all if the key is absent.", examples=[[2, 3]]
    )
    pick: Literal["one", "all"] = Field(
        "one", description="At `actor` and `mailbox`: one of those that `where` says, drawn each time, or all of them."
    )

    @property
    def program(self) -> Program:
        """What happens, with the shape worked in."""
        return self.do if self.shape is None else self.shape.program(self.do.terms[0].action)

    def course(self) -> Course:
        """Returns the course of the program from its beginning, for one run."""
        return Course(self.program, None if self.on is None else frozenset(self.on))


def _called(fault: Fault, id_: str) -> Fault:
    return fault if fault.id == id_ else fault.model_copy(update={"id": id_})


class Heal(Spec):
    """When all faults end, and what has to be so again how soon: the second half of every run."""

    at: PositiveDuration = Field(HEAL_AT, description="When all faults end, from the plan's start.")
    ready_within: PositiveDuration = Field(30.0, description="How soon after that the tree has to be ready.")
    drain_within: PositiveDuration = Field(300.0, description="How soon after that nothing may be in hand any more.")


class Expectation(Spec):
    """Something that has to hold: an invariant by its name, or a tree that is ready in time."""

    invariant: Text | None = Field(None, description="The name of an invariant.", examples=["I1"])
    ready_within: PositiveDuration | None = Field(None, description="The tree is ready so soon after its start.")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if (self.invariant is None) == (self.ready_within is None):
            raise illegal("one of the keys invariant, ready_within")
        return self


class Metric(Spec):
    """A number that is looked at while a plan runs."""

    name: str
    what: str
    is_time: bool = False


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: metric
        for metric in (
            Metric(name="restarts_per_minute", what="restarts in the last 60 s, over the whole tree"),
            Metric(name="gave_up", what="supervisors that have given up since the start"),
            Metric(name="failed", what="requests that have ended without an answer since the start"),
            Metric(name="in_hand", what="tasks that are in hand now"),
            Metric(name="dead_letters", what="dead letters that are there now"),
            Metric(name="abandoned", what="incarnations that could not be ended, since the start"),
            Metric(name="cost_usd", what="US dollars that the work has cost since the start"),
            Metric(name="not_ready_for", what="how long the tree has not been ready, without a break", is_time=True),
        )
    }
)
"""What `abort_if` may look at."""


def _level(value: Any) -> float:
    value = resolved(value)
    found = seconds(value)
    if found is None:
        raise illegal("a number, 0 or more; for not_ready_for a duration such as 30s")
    return found


class Abort(Spec):
    """When a plan is given up, and all is healed at once: a metric is above a level."""

    metric: Literal[tuple(METRICS)] = Field(description="What is looked at: see [metrics](#metrics).")  # type: ignore[valid-type]
    above: Annotated[
        float,
        PlainValidator(_level),
        WithJsonSchema({"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": DURATION}]}),
    ] = Field(description="The level; for `not_ready_for` a duration.", examples=[60, "30s"])


class Parity(Spec):
    """What has to be the same as in a run without faults."""

    of: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        (),
        description="The ids of the works whose requests are compared; all if the key is absent.",
        examples=[["refund"]],
    )
    same: Annotated[tuple[Text, ...], Field(strict=False)] = Field(
        ("output",),
        description="What of an outcome is compared: `status`, `output`, or a field of it such as `output.amount`.",
        examples=[["status", "output.amount"]],
    )
    unless: Annotated[tuple[Status, ...], Field(strict=False)] = Field(
        (), description="Statuses with which a request under faults is not compared.", examples=[["needs_human"]]
    )
    facts: ImportName | None = Field(
        None,
        description="A function of the run that returns further facts, which have to be equal, as `module:function`; "
        "what it says under the name of a request, where that one is compared.",
        examples=["my_package.books:balances"],
    )
    seed: Count | None = Field(
        None,
        description="The seed of the run without faults, for all runs: it is made once. That of each run, if the key "
        "is absent.",
        examples=[0],
    )


def _several(value: Any) -> Any:
    """Returns one mapping as a list of it."""
    return value if isinstance(value, list | tuple) else (value,)


Faults: TypeAlias = Annotated[tuple[Fault, ...], Field(strict=False)]
Works: TypeAlias = Annotated[tuple[Work, ...], Field(strict=False), BeforeValidator(_several), OrOne()]
Aborts: TypeAlias = Annotated[tuple[Abort, ...], Field(strict=False), BeforeValidator(_several), OrOne()]
Expectations: TypeAlias = Annotated[
    tuple[
        Annotated[
            Expectation, short("invariant", str, "the name of an invariant, or a mapping"), Also({"type": "string"})
        ],
        ...,
    ],
    Field(strict=False),
]


class Plan(Spec):
    """A plan as declared. Frozen; equal plans are equal values.

    Raises `pydantic.ValidationError` for what is not legal. `load_plan` reads one from YAML.
    """

    treeward: Literal[1] = Field(1, description="The version of this format.")
    name: Text = Field(max_length=100, description="The plan's name.", examples=["provider-storm"])
    title: Text | None = Field(None, description="What it is about, in a sentence.")
    faults: Faults = Field((), description="What is to go wrong.")
    swarm: Flag = Field(
        False,
        description="Whether each seed draws which of the faults are there: each with an even chance, one at least.",
    )
    work: Works = Field(
        (),
        description="What the tree is asked meanwhile: a mapping, or a list of several; five requests of no meaning, "
        "to the tree's `entry`, if the key is absent.",
    )
    knobs: dict[str, KnobValues] = Field(
        {},
        description="Fields of the tree that each seed draws: see [knobs](#knobs).",
        examples=[{"mailbox.capacity": [8, 1000], "**/billing:timeout": "10s..300s"}],
    )
    hypothesis: Expectations = Field(
        (),
        description="What has to hold before anything goes wrong, and again when all is healed: invariants by name, "
        "or `{ready_within: 30s}`.",
        examples=[["I1", {"ready_within": "30s"}]],
    )
    heal: Heal = Field(Heal(), description="When all faults end, and how soon all is well again.")
    abort_if: Aborts = Field(
        (),
        description="When the plan is given up: a mapping, or a list of several.",
        examples=[{"metric": "restarts_per_minute", "above": 60}],
    )
    invariants: Annotated[tuple[ImportName, ...], Field(strict=False)] = Field(
        (),
        description="Invariants of your own, beside the usual ones: classes, or functions of the run: `module:name`.",
        examples=[["my_package.invariants:NoRefundTwice"]],
    )
    parity: Parity | None = Field(
        None, description="What has to be the same as without faults; nothing if it is absent."
    )
    setup: ImportName | None = Field(
        None,
        description="A function that is called before the tree starts, as `module:function`: it fills a database, say.",
        examples=["my_package.chaos:fill_database"],
    )

    @model_validator(mode="after")
    def _obey_the_rules(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get("rules") == "checked":
            return self
        for location, what, legal, hint, _ in violations(self.model_dump(exclude_defaults=True)):
            expected = f"; expected {legal}" if legal else ""
            message = f"{'.'.join(map(str, location))}: {what}{expected}{f'; {hint}' if hint else ''}"
            raise PydanticCustomError("rule", "{message}", {"message": message})
        return self

    @property
    def rules(self) -> Mapping[str, Fault]:
        """The faults by id, in their order; one without an id has that of its place with its number: `judge-2`."""
        numbered = enumerate(self.faults, 1)
        return MappingProxyType({fault.id or f"{fault.at}-{number}": fault for number, fault in numbered})

    def only(self, ids: Collection[str]) -> Plan:
        """Returns the plan with no other faults than those; they keep their ids. Unknown ids are passed over."""
        kept = tuple(_called(fault, id_) for id_, fault in self.rules.items() if id_ in ids)
        return self.model_copy(update={"faults": kept})
