"""What stands between a child and its work, a value each: breaker, budget, health, loops."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from ..supervisors.budgets import budget as work
from .base import OrOne, Spec, own_fields, policy
from .values import Count, Number, PositiveDuration, Text, illegal

__all__ = ["Breaker", "BreakerOrName", "Budget", "BudgetOrName", "Budgets", "Health", "Limits", "Loops"]


class Breaker(Spec):
    """When a circuit breaker opens, and for how long."""

    failures: Count | None = Field(
        5, ge=1, description="So many failures within the time open it; null: they are not counted.", examples=[5]
    )
    within: PositiveDuration = Field(120.0, description="The time in which calls and failures are counted.")
    rate: Number | None = Field(
        None,
        gt=0,
        le=1,
        description="The share of failures that opens it; not looked at if the key is absent.",
        examples=[0.5],
    )
    minimum: Count = Field(10, ge=1, description="Calls that make a rate meaningful.", examples=[10])
    slow: PositiveDuration | None = Field(
        None, description="A call that takes longer is a failure; none is too slow if the key is absent."
    )
    dear: Number | None = Field(
        None,
        ge=0,
        description="A call that costs more US dollars is a failure; none is too dear if the key is absent.",
        examples=[0.5],
    )
    cooldown: PositiveDuration = Field(30.0, description="How long it stays open the first time.")
    factor: Number = Field(
        2.0, ge=1, description="What the cooldown is multiplied by after a probe that failed.", examples=[2]
    )
    max_cooldown: PositiveDuration = Field(600.0, description="The longest cooldown.")


class Limits(Spec):
    """How much may be spent. What has no key is not limited."""

    cost: Number | None = Field(None, ge=0, description="US dollars.", examples=[5.0])
    tokens: Count | None = Field(None, ge=0, description="Tokens, in and out.", examples=[200_000])
    calls: Count | None = Field(None, ge=0, description="Model calls and tool calls.", examples=[100])
    seconds: PositiveDuration | None = Field(None, description="Wall time of the work.")
    restarts: Count | None = Field(None, ge=0, description="Incarnations that may be lost over it.", examples=[20])


class Budget(Limits):
    """What a child, or all below a supervisor, may spend."""

    per: Literal["task", "hour", "day", "life"] = Field(
        "task",
        description="What one ledger is kept for: each request, each hour or day (UTC), or the runtime's whole life.",
    )
    call: Limits = Field(
        Limits(),
        description="The most that one call costs. It is reserved before each, so that calls may run side by "
        "side; without it the call that is under way reserves all that is left.",
        examples=[{"cost": 0.05, "tokens": 4000}],
    )
    cheaper: Text | None = Field(
        None,
        description="Who gets the work, by id or path, once `demote_at` of a limit is used up; nobody else does "
        "if the key is absent.",
        examples=["billing-mini"],
    )
    demote_at: Number = Field(
        0.8, ge=0, le=1, description="The share of a limit at which the cheaper variant takes over.", examples=[0.8]
    )


class Health(Spec):
    """When a child that lives is unhealthy, and is restarted once its message in hand is done."""

    every: PositiveDuration = Field(10.0, description="The time between two looks.")
    within: PositiveDuration = Field(60.0, description="The time whose attempts are looked at.")
    errors: Number | None = Field(
        None,
        gt=0,
        le=1,
        description="The share of failed attempts that is too much; not looked at if the key is absent.",
        examples=[0.5],
    )
    minimum: Count = Field(10, ge=1, description="Attempts that make a share or a mean meaningful.", examples=[10])
    latency: PositiveDuration | None = Field(
        None, description="The mean time of an attempt that is too much; not looked at if the key is absent."
    )
    age: PositiveDuration | None = Field(
        None, description="How long a task may wait in the mailbox; not looked at if the key is absent."
    )
    heartbeat: PositiveDuration | None = Field(
        None,
        description="How long a child that is at work may give no sign of life (`progress()`) before it is killed; "
        "not looked at if the key is absent.",
    )


class Loops(Spec):
    """What is too much of the same, within one request."""

    visits: Count | None = Field(
        3,
        ge=1,
        description="How often one agent may be on the way of a task, one inside the other; null: not looked at.",
        examples=[3],
    )
    calls: Count | None = Field(
        4,
        ge=1,
        description="How often one agent may make the same tool call among those that are remembered; null: not "
        "looked at.",
        examples=[4],
    )
    window: Count = Field(32, ge=1, description="Calls that are remembered for each agent and request.", examples=[32])
    repeats: Count | None = Field(
        4,
        ge=2,
        description="The same series of calls so many times, one right after the other, is a loop; null: not looked "
        "at.",
        examples=[4],
    )


def _flat(value: Any) -> Any:
    """Returns what a Budget of the supervisors' says in this form, where the limits stand beside the rest."""
    if not isinstance(value, work.Budget):
        return value
    rest = {key: item for key, item in own_fields(value).items() if key not in ("limits", "call")}
    return {**own_fields(value.limits), "call": own_fields(value.call), **rest}


def _several(value: Any) -> Any:
    """Returns one budget, or the name of one, as a list of it."""
    if isinstance(value, list | tuple):
        return value
    if not isinstance(value, str | dict | Spec | work.Budget):
        raise illegal("a mapping, a list of several, or the name of one under policies")
    return (value,)


BreakerOrName: TypeAlias = Annotated[Breaker | None, policy("breaker")]
BudgetOrName: TypeAlias = Annotated[Budget, policy("budget"), BeforeValidator(_flat)]
Budgets: TypeAlias = Annotated[
    tuple[BudgetOrName, ...],
    Field(strict=False),
    BeforeValidator(_several),
    OrOne(),
]
"""All of them hold: one, or a list."""
