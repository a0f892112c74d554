"""How a run ends that does not come to its end: every error as something that did not hold, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..runtime.errors import StartFailed, describe
from ..supervisors.errors import FailedToStart, why_not_started
from ..trees.problems import TreeError
from .invariants.invariant import Violation
from .simulation.errors import Deadlock, Livelock, SimulationEscape

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FunctionFailed", "unhandled", "violation_of"]


class FunctionFailed(Exception):
    """A function that the plan names raised: what it is for, its name, and what it raised."""

    def __init__(self, what: str, name: str, error: BaseException) -> None:
        super().__init__(what, name, error)
        self.what = what
        self.name = name
        self.error = error

    def __str__(self) -> str:
        return f"{self.what}, {self.name}, raised {describe(self.error)}"


def violation_of(error: BaseException, at: float) -> Violation:
    """Returns what an error that has ended a run says about the tree, or about the plan.

    Its `invariant` is `deadlock`, `livelock`, `escape`, `setup`, `start`, or `error` for what nobody expects.
    """
    match error:
        case Deadlock():
            return Violation("deadlock", at, str(error))
        case Livelock():
            return Violation("livelock", at, str(error))
        case SimulationEscape():
            return Violation("escape", at, str(error))
        case FunctionFailed() | TreeError():
            return Violation("setup", at, str(error))
        case StartFailed() | FailedToStart():
            return Violation("start", at, why_not_started(error))
        case _:
            return Violation("error", at, f"the run itself failed: {describe(error)}{_place(error)}")


def unhandled(context: Mapping[str, Any], at: float) -> Violation:
    """Returns what reached the event loop's exception handler: an error that nobody has taken."""
    error = context.get("exception")
    what = f": {describe(error)}{_place(error)}" if isinstance(error, BaseException) else ""
    return Violation("unhandled", at, f"{context.get('message', 'an error')}{what}")


def _place(error: BaseException) -> str:
    """Returns where an error was raised, for a report without a traceback."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return "" if step is None else f" ({step.tb_frame.f_code.co_filename}:{step.tb_lineno})"
