"""What a supervisor answers when it cannot do what it was asked. A branch of the tree in `runtime.errors`.

    TreewardError
    └── SupervisionError           carries the `child` id
        ├── FailedToStart          `cause`
        ├── AlreadyStarted         `ref`
        ├── AlreadyPresent         `state`: stopped or restarting
        ├── AlreadyRunning
        ├── Restarting
        ├── NotFound               `known`
        ├── MaxChildren            `limit`
        └── Unsupported            a call that this kind of supervisor does not have
    ValueError
    └── InvalidSpec                a spec or an option that is not legal

Each says what was asked, why it cannot be, and what to do instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from ..runtime.errors import StartFailed, TreewardError, describe

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..runtime.ref import Ref

__all__ = [
    "AlreadyPresent",
    "AlreadyRunning",
    "AlreadyStarted",
    "FailedToStart",
    "InvalidSpec",
    "MaxChildren",
    "NotFound",
    "Restarting",
    "SupervisionError",
    "Unsupported",
    "why_not_started",
]

SHOWN = 10
"""How many names a message lists."""


class InvalidSpec(ValueError):
    """A child spec or an option is not legal; the message has the field, the value and what is legal."""


class SupervisionError(TreewardError):
    """An error about one child of a supervisor."""

    def __init__(self, child: str, message: str) -> None:
        super().__init__(message)
        self.child = child


class FailedToStart(SupervisionError):
    """A child's start did not reach its end; `cause` is what stopped it."""

    def __init__(self, child: str, cause: BaseException) -> None:
        if isinstance(cause, StartFailed) and isinstance(cause.cause, BaseException):
            cause = cause.cause
        super().__init__(child, f"child {child!r} failed to start: {describe(cause)}")
        self.cause = cause


def why_not_started(error: StartFailed | FailedToStart) -> str:
    """Returns which child did not start, by its path, and why: the innermost of the errors that carry each other."""
    path, cause = "", cast("object", error)
    while isinstance(cause, StartFailed | FailedToStart):
        path = cause.path if isinstance(cause, StartFailed) else f"{path}/{cause.child}".lstrip("/")
        cause = cause.cause
    return f"{path} did not start: {describe(cause) if isinstance(cause, BaseException) else cause}"


class AlreadyStarted(SupervisionError):
    """A child with this id runs; `ref` is its address."""

    def __init__(self, child: str, ref: Ref[Any]) -> None:
        super().__init__(child, f"child {child!r} runs already: use its ref, or choose another id")
        self.ref = ref


class AlreadyPresent(SupervisionError):
    """A spec with this id is kept, and does not run."""

    def __init__(self, child: str, state: str) -> None:
        first = "terminate_child() it, then " if state == "restarting" else ""
        mend = f"{first}restart_child() starts it, delete_child() makes room for a new spec"
        super().__init__(child, f"child {child!r} is {state}: {mend}")
        self.state = state


class AlreadyRunning(SupervisionError):
    """The call is for a child that does not run; this one does."""

    def __init__(self, child: str) -> None:
        super().__init__(child, f"child {child!r} is running: terminate_child() it first")


class Restarting(SupervisionError):
    """The call is for a stopped child; this one waits for its next start."""

    def __init__(self, child: str) -> None:
        super().__init__(child, f"child {child!r} is being restarted: terminate_child() it first")


class NotFound(SupervisionError):
    """No such child here."""

    def __init__(self, child: str, known: Iterable[str] = ()) -> None:
        self.known = tuple(known)
        names = ", ".join(self.known[:SHOWN]) or "none"
        more = f" and {len(self.known) - SHOWN} more" if len(self.known) > SHOWN else ""
        super().__init__(child, f"there is no child {child!r} here; the children are: {names}{more}")


class MaxChildren(SupervisionError):
    """A dynamic supervisor has all the children that it may have."""

    def __init__(self, child: str, limit: int) -> None:
        what = f"max_children is {limit}, restarting ones included"
        super().__init__(child, f"child {child!r} is one too many: {what}")
        self.limit = limit


class Unsupported(SupervisionError):
    """The call does not exist on this kind of supervisor."""

    def __init__(self, call: str, kind: str, mend: str) -> None:
        super().__init__("", f"{call}() does not exist on a {kind}: {mend}")
        self.call = call
