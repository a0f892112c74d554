"""Why an incarnation ended. The words and their meaning are those of Erlang/OTP's exit reasons."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, TypeAlias

from .errors import describe

__all__ = ["Exit", "ExitReason", "Shutdown", "is_abnormal", "is_orderly", "reason_text"]


class Exit(enum.Enum):
    """The reasons that carry nothing else."""

    NORMAL = "normal"
    """It had finished."""
    SHUTDOWN = "shutdown"
    """It was asked to go, by its supervisor or by somebody else."""
    KILLED = "killed"
    """It was ended without being asked."""

    def __str__(self) -> str:
        return self.value


_NORMAL, _SHUTDOWN, _ = Exit  # looking one up in its class takes as long as a call


@dataclass(frozen=True, slots=True)
class Shutdown:
    """An orderly end with something to say about it."""

    detail: Any

    def __str__(self) -> str:
        return f"shutdown: {self.detail}"


ExitReason: TypeAlias = Exit | Shutdown | BaseException
"""`Exit`, `Shutdown(detail)`, or the exception that ended the incarnation."""


def is_orderly(reason: ExitReason) -> bool:
    """Tells whether a `transient` child with this reason stays down: normal, shutdown, `Shutdown(detail)`."""
    return reason is _NORMAL or reason is _SHUTDOWN or isinstance(reason, Shutdown)


def is_abnormal(reason: ExitReason) -> bool:
    """Tells whether a link carries this reason to the other side: all but `normal` (as in Erlang)."""
    return reason is not _NORMAL


def reason_text(reason: ExitReason) -> str:
    """Returns the reason as one line, for logs and for people."""
    return describe(reason) if isinstance(reason, BaseException) else str(reason)
