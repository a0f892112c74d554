"""From an exception to a failure: what kind it is, by the reaction that is wanted. Pure.

Wrappers are looked through; then the user's own classifiers are asked, then what the runtime itself raises is looked
up, then what a server has said, then what the standard library and the clients of others raise, by the names of their
classes. What nobody knows is `unknown`.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeGuard, get_args

import pykka
from pydantic import ValidationError

from ...runtime.errors import ActorCrashed, ActorStopped, MailboxFull, StartFailed, SystemClosed, describe
from ..errors import FailedToStart
from ..work_errors import (
    BreakerOpen,
    BudgetExceeded,
    LoopDetected,
    ModelRetry,
    OutputRejected,
    Quarantined,
    TaskHung,
    Unhealthy,
)
from .failure import WORST_FIRST, Failure, Kind, shown, signature_of
from .foreign import foreign_kind
from .refusal import look, refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ...runtime.task import Outcome
    from ..work.policy import Classifier

    Report = Callable[[Classifier, BaseException], object]

__all__ = ["classify", "classify_outcome"]

LONGEST_CHAIN = 16
LARGEST_GROUP = 64
MOST_PROBLEMS = 20
LONGEST_FEEDBACK = 4000

TOO_LONG = "the input was too long for the model: use less of the context, and make it shorter"
"""What `revise` tells the next attempt after a context overflow."""

OWN_TYPES: tuple[tuple[type[BaseException] | tuple[type[BaseException], ...], Kind], ...] = (
    ((asyncio.CancelledError, KeyboardInterrupt), "cancelled"),
    ((ModelRetry, OutputRejected, ValidationError, json.JSONDecodeError), "invalid_output"),
    ((BreakerOpen, Quarantined, ActorStopped, MailboxFull, SystemClosed, pykka.ActorDeadError), "unavailable"),
    (BudgetExceeded, "exhausted"),
    (LoopDetected, "deterministic"),
    ((TaskHung, Unhealthy, pykka.Timeout), "transient"),
)
"""What the runtime itself raises, and what says that an output is not as it should be."""


def classify(
    error: BaseException,
    extra: Sequence[Classifier] = (),
    *,
    now: float | None = None,
    report: Report | None = None,
) -> Failure:
    """Returns the failure that an exception is.

    Args:
        error: what an attempt ended with: also an `ActorCrashed`, whose cause is meant then.
        extra: the user's own, asked in order before the rest: each returns a kind, a whole `Failure`, or None where
            it has nothing to say. One that raises, or returns something else, is passed over.
        now: the wall clock's time, for a `Retry-After` that is a date and comes without the server's own.
        report: is told of each classifier that was passed over; without it, the failure's `error` says so.

    A group of exceptions is its worst one. An exception that says nothing is what it was raised from, or over.
    """
    found = _Classification(extra, now, report).of(error)
    if not isinstance(error, ActorCrashed):
        return found
    if found.kind == "cancelled" and not isinstance(error.cause, KeyboardInterrupt):
        found = Failure("unknown", found.error)  # something in it was cancelled, the task was not
    return replace(found, crashed=True)


def classify_outcome(outcome: Outcome) -> Failure | None:
    """Returns the failure that an outcome is; None if one can go on with it.

    That is so with `ok`, `partial`, `fallback` and `needs_human`. A failure is of the kind that the outcome says.
    An agent that says no more than that it failed has answered: asked the same again it would say the same, so that
    is `deterministic`.
    """
    if outcome.status in ("ok", "partial", "fallback", "needs_human"):
        return None
    if outcome.status == "canceled":
        kind: Kind = "cancelled"
    elif outcome.failure is None:
        kind = "deterministic"
    else:
        kind = outcome.failure if _is_kind(outcome.failure) else "unknown"
    text = outcome.error or outcome.status
    feedback = OutputRejected(outcome.verdicts) if kind == "invalid_output" and outcome.verdicts else None
    told = () if feedback is None else _feedback(feedback, "")
    return Failure(kind, shown(text), signature_of(kind, text), feedback=told)


def _is_kind(word: object) -> TypeGuard[Kind]:
    return word in get_args(Kind)


# --- one exception, and what is behind it -----------------------------------------------------------


class _Classification:
    """One question, with what is needed to answer it."""

    def __init__(self, extra: Sequence[Classifier], now: float | None, report: Report | None) -> None:
        self._asked: tuple[Classifier, ...] = (*extra, _declared)
        self._now = now
        self._report = report
        self._notes: list[str] = []

    def of(self, error: BaseException) -> Failure:
        chain = _chain(error)
        if not chain:  # it was stopped or killed: by whoever did so, not by what it had in hand
            return Failure("transient", shown(described(error)))
        return self._asked_of(chain) or self._built_in(chain)

    def _asked_of(self, chain: list[BaseException]) -> Failure | None:
        """Returns what the user's classifiers say of the first exception of which they say something."""
        for error in chain:
            for classifier in self._asked:
                said = self._ask(classifier, error)
                if isinstance(said, Failure):
                    return self._completed(said, error)
                if said is not None:
                    return self._made(said, error, chain)
        return None

    def _ask(self, classifier: Classifier, error: BaseException) -> Kind | Failure | None:
        try:
            said = classifier(error)
            if said is None or isinstance(said, Failure) or _is_kind(said):
                return said
            raise ValueError(f"{said!r} is no kind of failure: expected one of {', '.join(get_args(Kind))}")
        except Exception as problem:  # noqa: BLE001 - a hook of the user's is reported, and changes nothing
            if self._report is not None:
                self._report(classifier, problem)
            else:
                name = getattr(classifier, "__qualname__", repr(classifier))
                self._notes.append(f"classifier {name}: {described(problem)}")
            return None

    def _completed(self, failure: Failure, error: BaseException) -> Failure:
        text = failure.error or described(error)
        return replace(
            failure, error=self._noted(text), signature=failure.signature or signature_of(failure.kind, text)
        )

    def _built_in(self, chain: list[BaseException]) -> Failure:
        for error in chain:
            if isinstance(error, BaseExceptionGroup):
                return self._worst(error)
            kind = self._kind(error)
            if kind is not None and (kind != "cancelled" or error is chain[0]):
                return self._made(kind, error, chain)
        return self._made("unknown", chain[0], chain)

    def _worst(self, group: BaseExceptionGroup[Any]) -> Failure:
        failures = [self.of(error) for error in _leaves(group)]
        worst = min(failures, key=lambda failure: WORST_FIRST.index(failure.kind))
        alike = [failure for failure in failures if failure.kind == worst.kind]
        waits = [failure.retry_after for failure in alike if failure.retry_after is not None]
        feedback = tuple(dict.fromkeys(text for failure in alike for text in failure.feedback))
        more = f" (and {len(failures) - 1} more at once)" if len(failures) > 1 else ""
        said = shown(f"{worst.error}{more}")
        return replace(worst, error=said, retry_after=max(waits, default=None), feedback=feedback)

    def _kind(self, error: BaseException) -> Kind | None:
        for types, kind in OWN_TYPES:
            if isinstance(error, types):
                return kind
        if not isinstance(error, Exception):
            return None
        return foreign_kind(error, refusal_of(error, self._now), described(error))

    def _made(self, kind: Kind, error: BaseException, chain: list[BaseException]) -> Failure:
        text = described(error) if error is chain[0] else f"{described(chain[0])} ({described(error)})"
        feedback = _feedback(error, text) if kind in ("invalid_output", "context_overflow") else ()
        if kind == "context_overflow":
            feedback = (TOO_LONG,)
        waits = error.retry_in if isinstance(error, BreakerOpen) else refusal_of(error, self._now).retry_after
        return Failure(kind, self._noted(text), signature_of(kind, text), waits, feedback)

    def _noted(self, text: str) -> str:
        return shown("; ".join((text, *self._notes)))


def _declared(error: BaseException) -> str | None:
    """A classifier: what the exception's own class says of it, in an attribute `treeward_kind`."""
    said = look(error, "treeward_kind")
    return said if isinstance(said, str) else None


def _chain(error: BaseException) -> list[BaseException]:
    """Returns an exception and what is behind it, without wrappers."""
    chain: list[BaseException] = []
    seen: set[int] = set()
    link: object = error
    while isinstance(link, BaseException) and id(link) not in seen and len(seen) < LONGEST_CHAIN:
        seen.add(id(link))
        if isinstance(link, ActorCrashed | StartFailed | FailedToStart):
            link = link.cause
            continue
        chain.append(link)
        link = link.__cause__ or (None if link.__suppress_context__ else link.__context__)
    return chain


def _leaves(group: BaseExceptionGroup[Any]) -> list[BaseException]:
    leaves: list[BaseException] = []
    left: list[BaseException] = [group]
    while left and len(leaves) < LARGEST_GROUP:
        error = left.pop()
        if isinstance(error, BaseExceptionGroup):
            left += reversed(error.exceptions)
        else:
            leaves.append(error)
    return leaves


# --- one exception alone ----------------------------------------------------------------------------


def described(error: BaseException) -> str:
    """Returns an exception as one line: its class and its message, without the input that did not fit a model."""
    if isinstance(error, ValidationError):
        return f"ValidationError: {error.title}: {'; '.join(_problems(error))}"
    try:
        return describe(error)
    except Exception:  # noqa: BLE001 - somebody else's `__str__` may raise anything
        return type(error).__name__


def _feedback(error: BaseException, text: str) -> tuple[str, ...]:
    """Returns what would mend an output that is not as it should be."""
    match error:
        case OutputRejected():
            told = [verdict.feedback or verdict.reason for verdict in error.verdicts if not verdict.accepted]
        case ValidationError():
            told = _problems(error)
        case json.JSONDecodeError():
            told = [f"the output is not valid JSON: {error}"]
        case _:
            told = [str(error)]
    return tuple(part[:LONGEST_FEEDBACK] for part in dict.fromkeys(told) if part) or (text,)


def _problems(error: ValidationError) -> list[str]:
    """Returns what is wrong, one line a field: where, and what is expected, never what was there."""
    found = error.errors(include_url=False, include_context=False, include_input=False)[:MOST_PROBLEMS]
    return [f"{'.'.join(map(str, each['loc'])) or 'the output'}: {each['msg']}" for each in found]
