"""A fault that has happened, and what names it among all those that a plan and a seed make happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Fired", "Occurrence"]


class Occurrence(NamedTuple):
    """Which fault it was: the rule's id, and the number of the visit at which the rule fired, from 1.

    With the seed it says everything: what was drawn at a visit depends on seed, rule and number alone.
    """

    rule: str
    number: int


@dataclass(frozen=True, slots=True)
class Fired:
    """A fault that has happened.

    Attributes:
        rule: the id of the fault in its plan.
        number: the visit at which it fired, among those that the rule has counted, from 1.
        kind: what kind of fault it is, in the words of the table of actions: `delay`, `crash in start`.
        action: the action with what was drawn for it, in the grammar: `delay(2315ms)`.
        point: where: a fault point, or `actor`, `mailbox`, `clock`, `loop`.
        path: whom it hit; empty where it hit nobody in particular.
        incarnation: which of its lives; 0 where that says nothing.
        at: the runtime's monotonic time, in seconds.
        subject: the id of the task that it was about, else the name of the message's type; empty if there was none.
    """

    rule: str
    number: int
    kind: str
    action: str
    point: str
    path: str
    incarnation: int
    at: float
    subject: str = ""

    @property
    def occurrence(self) -> Occurrence:
        """What names it."""
        return Occurrence(self.rule, self.number)
