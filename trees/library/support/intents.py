"""What customers ask for, as data: the kinds of requests, who can do each, and which must wait for which."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from .records import Direction, Interval  # noqa: TC001 - pydantic reads the fields of an intent at run time

__all__ = ["RULES", "Intent", "Kind", "Rule", "When"]

When: TypeAlias = Literal["now", "period_end"]


class Kind(StrEnum):
    """A kind of request."""

    DOUBLE_CHARGE = "double_charge"
    """Something was charged twice, and the duplicate should come back."""
    REFUND = "refund"
    """Money should come back for another reason, or a charge is disputed."""
    PLAN_CHANGE = "plan_change"
    """Another plan, another billing interval, or both."""
    CANCELLATION = "cancellation"
    """The subscription should end."""
    PRICES = "prices"
    """What plans there are, what they cost, what a change would cost."""
    CHARGES = "charges"
    """What was charged, and when the next charge is due."""
    UNKNOWN = "unknown"
    """Not understood: for a person to read."""


@dataclass(frozen=True, slots=True)
class Rule:
    """How a kind of request is worked."""

    capability: str
    """What a worker must offer to be given it."""
    priority: int
    """Higher goes first, where not all can go at once."""
    after: frozenset[Kind] = frozenset()
    """The kinds that must be done before it, where one message asks for both."""


RULES: Final[dict[Kind, Rule]] = {
    Kind.DOUBLE_CHARGE: Rule("billing_dispute", 30),
    # Unused days are given back only of a subscription that has ended.
    Kind.CANCELLATION: Rule("cancellation", 20),
    Kind.REFUND: Rule("billing_dispute", 30, frozenset({Kind.CANCELLATION})),
    Kind.PLAN_CHANGE: Rule("plan_change", 20),
    # A list of charges shows what came back, and says when the next one is due.
    Kind.CHARGES: Rule(
        "billing_question",
        10,
        frozenset({Kind.DOUBLE_CHARGE, Kind.REFUND, Kind.PLAN_CHANGE, Kind.CANCELLATION}),
    ),
    Kind.PRICES: Rule("sales_question", 10),
    Kind.UNKNOWN: Rule("human", 0),
}


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing that a message asks for. What is `None` or empty was not said."""

    kind: Kind
    text: str
    """The customer's words for it."""
    plans: tuple[str, ...] = ()
    """Of a plan change, the plan to go to; of a question, the plans that it is about."""
    interval: Interval | None = None
    direction: Direction | None = None
    """Of a plan change: whether it was called an upgrade or a downgrade."""
    when: When | None = None
    """Of a cancellation."""

    @property
    def plan(self) -> str | None:
        """The plan, where there is just one."""
        return self.plans[0] if len(self.plans) == 1 else None
