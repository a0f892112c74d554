"""What kind of failure it is: the reaction that is wanted, not the type that was raised. Pure."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "AWAY",
    "OWN",
    "REACTIONS",
    "WORST_FIRST",
    "Failure",
    "Kind",
    "Reaction",
    "RungName",
    "shown",
    "signature_of",
]

Kind: TypeAlias = Literal[
    "transient",
    "rate_limited",
    "deterministic",
    "invalid_output",
    "context_overflow",
    "credentials",
    "unavailable",
    "exhausted",
    "cancelled",
    "unknown",
]

RungName: TypeAlias = Literal["retry", "revise", "restart", "fallback", "escalate", "skip"]

OWN: tuple[RungName, ...] = ("retry", "revise", "restart")
"""The rungs on which the child itself tries again."""

AWAY: tuple[RungName, ...] = ("fallback", "escalate", "skip")
"""The rungs on which it does not."""

SHOWN = 500
"""Characters of an error that people get to see."""
READ = 4000
"""Characters of an error that are looked at."""
LONGEST_SIGNATURE = 300


# --- the reactions ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reaction:
    """What is done about the failures of one kind.

    Attributes:
        rungs: those that answer it.
        instead: those that answer it too, in a ladder that has none of the child's `OWN` among `rungs`.
        passes: whether it may pass with time, so that its coming again says nothing about the input.
    """

    rungs: tuple[RungName, ...]
    instead: tuple[RungName, ...] = ()
    passes: bool = False


REACTIONS: Mapping[Kind, Reaction] = MappingProxyType(
    {
        "transient": Reaction(("retry", "restart", *AWAY), passes=True),
        "rate_limited": Reaction(("retry", *AWAY), passes=True),
        "deterministic": Reaction(AWAY),
        "invalid_output": Reaction(("revise", *AWAY), instead=("retry",)),
        "context_overflow": Reaction(("revise", *AWAY)),
        "credentials": Reaction(AWAY),
        "unavailable": Reaction(AWAY, passes=True),
        "exhausted": Reaction(AWAY),
        "cancelled": Reaction((), passes=True),
        "unknown": Reaction(("retry", "restart", *AWAY)),
    }
)
"""Which rungs answer which failures; which of them is next is for the ladder's order to say."""

WORST_FIRST: tuple[Kind, ...] = (
    "credentials",
    "exhausted",
    "deterministic",
    "unavailable",
    "context_overflow",
    "invalid_output",
    "unknown",
    "rate_limited",
    "transient",
    "cancelled",
)
"""Of several failures at once, the one with the least hope decides; being cancelled says nothing beside another."""


# --- what is said of a failure ----------------------------------------------------------------------

SECRETS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{6,}"), r"\1 ***"),
    (re.compile(r"\b(?:sk|pk|rk|gsk|ghp|gho|ghs|github_pat|glpat|hf|xox[abprs])[-_][\w-]{6,}"), "***"),
    (re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\bAIza[\w-]{20,}|\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*"), "***"),
    (re.compile(r"(?<=://)[^\s/@]+@"), "***@"),
    (
        re.compile(
            r"""(?ix) (?P<name> \b(?:proxy-)?authorization | \b(?:set-)?cookie
            | [\w-]*(?:api[-_]?key|(?:access|auth|refresh|id)[-_]token|passw(?:or)?d|passphrase|secret)[\w-]*
            | \btoken(?==) )
            (?P<mid> ["']?\s*[:=]\s*["']? ) (?!\*\*\*|(?:bearer|basic)\s) [^\s"',;&)}\]]+"""
        ),
        r"\g<name>\g<mid>***",
    ),
)
"""What looks like a secret, and what stands there instead: a net, for who should not have put it there."""

CHANGING: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(?i)\b(?:mon|tue|wed|thu|fri|sat|sun)\w*,? (?=\d)"), ""),
    (re.compile(r"(?i)(?<=\d[ -])(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*(?=[ -]\d)"), "#"),
    (re.compile(r"(?i)(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"), "#"),
    (re.compile(r"(?i)\b(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{8,})\b"), "#"),
    (re.compile(r"[\w-]*\d[\w-]*"), "#"),
    (re.compile(r"[-+]?#(?:[-+.,:/ ]*#)*"), "#"),
)
"""What differs between two failures that are the same: times, addresses, ids, numbers."""


def shown(text: str) -> str:
    """Returns a text as one line for people: bounded, and without what looks like a secret."""
    line = _masked(text)
    return line if len(line) <= SHOWN else f"{line[: SHOWN - 1]}…"


def signature_of(kind: str, text: str) -> str:
    """Returns what is equal for failures that are the same: the kind, and the text without what changes.

    Stable over runs and processes, at most 300 characters long.
    """
    line = _masked(text)
    for pattern, instead in CHANGING:
        line = pattern.sub(instead, line)
    signature = f"{kind}: {line}"
    if len(signature) <= LONGEST_SIGNATURE:
        return signature
    return f"{signature[: LONGEST_SIGNATURE - 17]}…{hashlib.sha256(signature.encode()).hexdigest()[:16]}"


def _masked(text: str) -> str:
    line = " ".join(text[:READ].split())
    for pattern, instead in SECRETS:
        line = pattern.sub(instead, line)
    return line


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure of one attempt, classified.

    Attributes:
        kind: by the reaction that is wanted.
        error: one line for people.
        signature: equal for failures that are the same: kind, type and text without what changes (numbers, ids,
            times). Made of `kind` and `error` if it is not given.
        retry_after: seconds that whoever failed asked to wait; None if it did not say.
        feedback: what would mend the output, for `revise`.
        crashed: whether the incarnation ended over it.
    """

    kind: Kind
    error: str
    signature: str = ""
    retry_after: float | None = None
    feedback: tuple[str, ...] = ()
    crashed: bool = False

    def __post_init__(self) -> None:
        if not self.signature:
            object.__setattr__(self, "signature", signature_of(self.kind, self.error))
