"""What stops a task on its way, beside what its agent raises. A branch of the tree in `runtime.errors`.

    TreewardError
    └── WorkError                 something stopped a task
        ├── ModelRetry            raised by handlers, tools and judges: the output is not good enough, and why
        ├── OutputRejected        judges rejected the output; carries the `verdicts`
        ├── CannotSay             a judge was asked, and has no verdict; carries the `usage`
        ├── TaskHung              no answer, or no sign of life, in the time that was given
        ├── BreakerOpen           the circuit breaker in front of it lets nothing through
        ├── BudgetExceeded        nothing is left of a budget
        ├── LoopDetected          the work goes round in circles
        ├── Quarantined           the task has killed before, and is not given again
        └── Unhealthy             the reason of a restart that health asked for

What follows from each is for the classification to say.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..runtime.errors import TreewardError
from ..runtime.usage import NO_USAGE, Usage

if TYPE_CHECKING:
    from ..runtime.evidence import Verdict

__all__ = [
    "BreakerOpen",
    "BudgetExceeded",
    "CannotSay",
    "LoopDetected",
    "ModelRetry",
    "OutputRejected",
    "Quarantined",
    "TaskHung",
    "Unhealthy",
    "WorkError",
]


class WorkError(TreewardError):
    """Something stopped a task."""


class ModelRetry(WorkError):
    """Raise it to say that an output is not good enough: the next attempt gets the text as feedback."""


class OutputRejected(WorkError):
    """Judges rejected an output."""

    def __init__(self, verdicts: tuple[Verdict, ...]) -> None:
        self.verdicts = verdicts
        said = "; ".join(
            f"{one.judge}: {one.reason or one.error or 'rejected'}" for one in verdicts if not one.accepted
        )
        super().__init__(f"the output was rejected: {said}")


class CannotSay(WorkError):
    """A judge has no verdict: it was asked, and what came is none. `usage` is what that has cost all the same."""

    def __init__(self, why: str, usage: Usage | None = None) -> None:
        super().__init__(why)
        self.usage = NO_USAGE if usage is None else usage


class TaskHung(WorkError):
    """An attempt took too long, or gave no sign of life for too long."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} within {seconds:g} s")
        self.seconds = seconds


class BreakerOpen(WorkError):
    """A circuit breaker lets nothing through; in `retry_in` seconds it tries one again, None: by hand only."""

    def __init__(self, name: str, retry_in: float | None = None) -> None:
        when = "until it is closed by hand" if retry_in is None else f"for another {retry_in:.3g} s"
        super().__init__(f"the circuit breaker of {name} is open {when}")
        self.name = name
        self.retry_in = retry_in


class BudgetExceeded(WorkError):
    """Nothing is left of a budget: whose it is, and of what."""

    def __init__(self, owner: str, what: str) -> None:
        super().__init__(f"the budget of {owner} is spent: {what}")
        self.owner = owner
        self.what = what


class LoopDetected(WorkError):
    """The work goes round in circles: too many hops, the same agent or the same call again and again."""


class Quarantined(WorkError):
    """The task has killed incarnations of this child, and is not given to it again until it is redriven."""

    def __init__(self, path: str, task: str) -> None:
        super().__init__(f"task {task} is quarantined at {path}: it has killed there before")


class Unhealthy(WorkError):
    """Why a child is restarted that lives, but does not do well."""
