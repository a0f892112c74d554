"""One fault whose turn it is: what is to happen, and where from it draws the rest."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ...agents.calls import ToolCall
from ...runtime.task import Task
from ...supervisors.judges.judge import Submission

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ...runtime.faults import Visit
    from ..plans.grammar import Action

__all__ = ["Hit", "Turn", "subject_of"]


@dataclass(frozen=True, slots=True)
class Hit:
    """Whom a fault hits: point or place, path and incarnation, and what it is about."""

    point: str
    path: str = ""
    incarnation: int = 0
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a rule has decided on at one of its visits.

    Attributes:
        rule, number: the occurrence.
        action: what is to happen, with nothing left to draw for it.
        arguments: the action's, by name, defaults included.
        source: of whatever else has to be drawn.
        tell: hears what is about to happen, and to whom; says whether it may: not any more once all is healed.
    """

    rule: str
    number: int
    action: Action
    arguments: dict[str, Any]
    source: random.Random
    tell: Callable[[Turn, Hit], bool]

    def hits(self, hit: Hit) -> bool:
        """Tells of the fault; False if it may not happen any more."""
        return self.tell(self, hit)

    def happens(self, visit: Visit, **said: Any) -> bool:
        """Tells of the fault at a fault point, as `hits`. `said` stands in the place of the action's arguments."""
        hit = Hit(visit.point.name, visit.path, visit.incarnation, subject_of(visit.message))
        if not said:
            return self.tell(self, hit)
        action = replace(self.action, args=(), options={**self.action.options, **said})
        return self.tell(replace(self, action=action), hit)


def subject_of(message: Any) -> str:
    """Returns the id of the task that a message is about, else the name of its type; nothing if there is none."""
    if message is None:
        return ""
    if isinstance(message, Submission):
        return message.task.id
    if isinstance(message, Task):
        return message.id
    return message.task if isinstance(message, ToolCall) and message.task else type(message).__name__
