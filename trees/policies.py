"""What supervisors and mailboxes are told, a value each: intensity, backoff, mailbox; and all policies by name."""

# ruff: noqa: TC001 - pydantic reads the annotations while the program runs

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Discriminator, Field, Tag

from .base import Spec, policy
from .guards import Breaker, Budget, Health, Loops
from .judges import Judges
from .ladder import Ladder, Retry
from .values import Count, Id, Jitter, Number, PositiveDuration

__all__ = ["Backoff", "BackoffOrNone", "Intensity", "Mailbox", "Policies"]


class Intensity(Spec):
    """How many restarts are allowed: `restarts` within `within`. One more, and the supervisor gives up."""

    restarts: Count = Field(5, ge=0, description="Restarts that are allowed within the time.", examples=[5])
    within: PositiveDuration = Field(60.0, description="The time in which restarts are counted.")


class Backoff(Spec):
    """How long a restart waits: `initial`, times `factor` for each further one, up to `max`, with jitter."""

    initial: PositiveDuration = Field(0.2, description="The wait before the first restart.")
    factor: Number = Field(2.0, ge=1, description="What each further wait is multiplied by.", examples=[2])
    max: PositiveDuration = Field(60.0, description="The longest wait.")
    jitter: Jitter = Field(
        "full",
        description="`full` draws each wait between zero and its length, a duration adds up to that much, "
        "`none` leaves it as it is.",
    )
    reset_after: PositiveDuration = Field(
        300.0, description="A child that has run for so long begins again with `initial`."
    )


class Mailbox(Spec):
    """How many messages may wait for a child, and what happens to one more."""

    capacity: Count = Field(ge=1, description="Messages that may wait.", examples=[1000])
    overflow: Literal["wait", "drop_newest", "drop_oldest", "fail"] = Field(
        "fail",
        description="What happens to one message more: its sender waits for room (`wait`), it or the oldest "
        "one becomes a dead letter (`drop_newest`, `drop_oldest`), or its sender gets an error (`fail`).",
    )


def _backoff_tag(value: Any) -> str:
    return "word" if value == "none" else "backoff mapping"


BackoffOrNone: TypeAlias = Annotated[
    Annotated[Backoff, Tag("backoff mapping")] | Annotated[Literal["none"], Tag("word")],
    Discriminator(_backoff_tag),
    policy("backoff", "none"),
]


class Policies(Spec):
    """Policies that are written once and referred to by name."""

    intensity: dict[Id, Intensity] = Field({}, description="Intensities by name.")
    backoff: dict[Id, Backoff] = Field({}, description="Backoffs by name.")
    mailbox: dict[Id, Mailbox] = Field({}, description="Mailboxes by name.")
    retry: dict[Id, Retry] = Field({}, description="Retries by name, for the rungs of ladders.")
    recovery: dict[Id, Ladder] = Field({}, description="Ladders by name.")
    breaker: dict[Id, Breaker] = Field({}, description="Circuit breakers by name.")
    judges: dict[Id, Judges] = Field({}, description="Lists of judges by name.")
    budget: dict[Id, Budget] = Field({}, description="Budgets by name.")
    health: dict[Id, Health] = Field({}, description="What is unhealthy, by name.")
    loops: dict[Id, Loops] = Field({}, description="What is a loop, by name.")
