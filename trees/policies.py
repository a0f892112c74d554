"""What supervisors and mailboxes are told, a value each: intensity, backoff, mailbox; and the named ones."""

from __future__ import annotations

from dataclasses import asdict, is_dataclass
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from .problems import quoted
from .values import Count, Id, Jitter, Number, PositiveDuration

__all__ = [
    "POLICY_KINDS",
    "Backoff",
    "BackoffOrNone",
    "Intensity",
    "Mailbox",
    "Policies",
    "Spec",
    "Unnamed",
]


class Spec(BaseModel):
    """The base of all that a tree is made of: frozen, strict, and without room for unknown keys."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        populate_by_name=True,
        serialize_by_alias=True,
    )


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


def _no_name(value: Any) -> Any:
    """Refuses a name that is left over; takes a supervisor's own value of the same fields for the mapping."""
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, str):
        message = "no policy is named {name}: expected the name of one under policies, or a mapping"
        raise PydanticCustomError("policy_name", message, {"name": quoted(value)})
    return value


def _no_name_but_none(value: Any) -> Any:
    return value if value == "none" else _no_name(value)


def _backoff_tag(value: Any) -> str:
    return "word" if value == "none" else "backoff mapping"


Unnamed = BeforeValidator(_no_name)
"""Names are replaced by what they stand for before a node is validated: one that is left over is unknown."""

BackoffOrNone: TypeAlias = Annotated[
    Annotated[Backoff, Tag("backoff mapping")] | Annotated[Literal["none"], Tag("word")],
    Discriminator(_backoff_tag),
    BeforeValidator(_no_name_but_none),
]


class Policies(Spec):
    """Policies that are written once and referred to by name."""

    intensity: dict[Id, Intensity] = Field({}, description="Intensities by name.")
    backoff: dict[Id, Backoff] = Field({}, description="Backoffs by name.")
    mailbox: dict[Id, Mailbox] = Field({}, description="Mailboxes by name.")


POLICY_KINDS = ("intensity", "backoff", "mailbox")
