"""What a supervisor can be asked, what it answers, and the events that it reports: a closed set."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias

from ..runtime.signals import Signal
from ..runtime.telemetry import Event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..runtime.exits import ExitReason
    from ..runtime.ref import Ref
    from .spec import ChildSpec

__all__ = [
    "ChildInfo",
    "ChildRestarting",
    "ChildSpecOf",
    "ChildUnhealthy",
    "CountChildren",
    "Counts",
    "DeleteChild",
    "GaveUp",
    "Reaction",
    "Reload",
    "Resize",
    "RestartChild",
    "StartAnother",
    "StartChild",
    "TerminateChild",
    "TryAgain",
    "WhichChildren",
]

Reaction: TypeAlias = Literal["none", "restart", "kill"]
"""What is done about an unhealthy child. It is left alone, as it is temporary and no restart would follow; it is
restarted once its message in hand is done; or it hangs, and is ended in the middle of it."""


@dataclass(frozen=True, slots=True)
class StartChild(Signal):
    """Start a child of this spec, as the newest."""

    spec: ChildSpec


@dataclass(frozen=True, slots=True)
class StartAnother(Signal):
    """Start one more child of a dynamic supervisor's template, with further arguments for its factory."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TerminateChild(Signal):
    """End a child on purpose."""

    child: object


@dataclass(frozen=True, slots=True)
class RestartChild(Signal):
    """Start a stopped child again."""

    child: object


@dataclass(frozen=True, slots=True)
class DeleteChild(Signal):
    """Forget a stopped child's spec."""

    child: object


@dataclass(frozen=True, slots=True)
class WhichChildren(Signal):
    """List the children, newest first."""


@dataclass(frozen=True, slots=True)
class CountChildren(Signal):
    """Count the children."""


@dataclass(frozen=True, slots=True)
class ChildSpecOf(Signal):
    """Return one child's spec, defaults filled in."""

    child: object


@dataclass(frozen=True, slots=True)
class Reload(Signal):
    """Take new options and specs over. The spec is of the supervisor's own kind."""

    spec: Any


@dataclass(frozen=True, slots=True)
class Resize(Signal):
    """Change a pool's size."""

    size: int


@dataclass(frozen=True, slots=True)
class TryAgain(Signal):
    """The supervisor's note to itself: start this `restarting` child. Stale if the child's ticket is another.

    `counted` says whether the try is an event already: the death that it answers is, a further try is one of
    its own.
    """

    child: str
    ticket: int
    counted: bool


@dataclass(frozen=True, slots=True)
class ChildInfo:
    """One line of `which_children`: id, ref, state, type."""

    id: str
    ref: Ref[Any]
    state: Literal["running", "starting", "restarting", "stopped"]
    type: Literal["worker", "supervisor"]


@dataclass(frozen=True, slots=True)
class Counts:
    """`count_children`: specs, those that run, and the specs by type."""

    specs: int
    active: int
    supervisors: int
    workers: int


@dataclass(frozen=True, slots=True)
class ChildRestarting(Event):
    """A child died, or its start failed: it will be started after `delay` seconds, with its `group`."""

    name: ClassVar[str] = "child.restarting"
    level: ClassVar[int] = logging.WARNING

    reason: ExitReason
    delay: float
    group: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChildRetried(Event):
    """A child whose start had failed is started once more: one event more within the supervisor's intensity."""

    name: ClassVar[str] = "child.retried"
    level: ClassVar[int] = logging.WARNING


@dataclass(frozen=True, slots=True)
class ChildUnhealthy(Event):
    """A child lives, but does not do well: why, and what is done about it."""

    name: ClassVar[str] = "child.unhealthy"
    level: ClassVar[int] = logging.WARNING

    why: str
    reaction: Reaction


@dataclass(frozen=True, slots=True)
class GaveUp(Event):
    """A supervisor counted more events than its intensity allows; `child` and `reason` were the last."""

    name: ClassVar[str] = "supervisor.gave_up"
    level: ClassVar[int] = logging.ERROR

    child: str
    reason: ExitReason
    restarts: int
    within: float
