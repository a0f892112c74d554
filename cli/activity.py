"""What the agents are doing at present, put together from the runtime's events."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..agents.events import TaskBegun, TaskEnded, ToolCalled
from ..runtime.exits import Exit, reason_text
from ..runtime.telemetry import ActorEnded
from ..supervisors.requests import ChildRestarting, GaveUp

if TYPE_CHECKING:
    from ..runtime.telemetry import Event

__all__ = ["Activity", "InHand"]


@dataclass(frozen=True, slots=True)
class InHand:
    """A task that an agent works on: its id, which attempt, since when (monotonic), the last tool that answered."""

    task: str
    attempt: int
    since: float
    tool: str = ""


class Activity:
    """An observer of events: `runtime.observe(activity)`. On the runtime's loop."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.in_hand: dict[str, InHand] = {}
        """By the agent's path."""
        self.restarts: Counter[str] = Counter()
        """How many of each child's ends its supervisor has answered with a restart, by the child's path."""
        self.gave_up: dict[str, GaveUp] = {}
        """Why a supervisor gave up the last time, by its path."""

    def __call__(self, event: Event) -> None:
        """Takes note of an event."""
        match event:
            case TaskBegun():
                self.in_hand[event.path] = InHand(event.task, event.attempt, event.at)
            case TaskEnded() | ActorEnded():
                self.in_hand.pop(event.path, None)
            case ToolCalled() if event.path in self.in_hand:
                self.in_hand[event.path] = replace(self.in_hand[event.path], tool=event.tool)
            case ChildRestarting():
                self.restarts[event.path] += 1
            case GaveUp():
                self.gave_up[event.path] = event

    def why_the_root_gave_up(self) -> str:
        """Returns it as a chain of reasons, down to the child with which it began; nothing if it has not given up."""
        reasons, path = [], self.root
        while path in self.gave_up:
            end = self.gave_up[path]
            count = f"{end.restarts} restart{'' if end.restarts == 1 else 's'}"
            reasons.append(f"child {end.child!r} needed more than {count} within {end.within:g} s")
            path = f"{path}/{end.child}" if end.reason is Exit.SHUTDOWN else ""
            if path not in self.gave_up:
                reasons.append(reason_text(end.reason))
        return ": ".join(reasons)
