"""What the runtime tells about itself: typed events to observers, and the same as structlog lines.

Embedded, it is silent: the lines go to the standard logger `treeward`, which has no handler until the host
gives it one.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, ClassVar

import structlog

from .exits import ExitReason, reason_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from structlog.typing import EventDict

    from .clock import Clock

__all__ = [
    "ActorAbandoned",
    "ActorEnded",
    "ActorStarted",
    "Event",
    "HookFailed",
    "LoopBlocked",
    "Telemetry",
    "make_logger",
]

logging.getLogger("treeward").addHandler(logging.NullHandler())


_TAKEN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""The attributes that a log record has anyway; logging refuses fields of these names."""


def make_logger(name: str = "treeward") -> Any:
    """Returns a structlog logger on the standard logger `name`; it reads no global structlog settings.

    Fields become `extra`, so that a handler of the host's sees them as attributes of the record; one that a
    record has anyway, such as `name`, gets an underscore: `name_`.
    """
    return structlog.wrap_logger(
        logging.getLogger(name),
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.PositionalArgumentsFormatter(),
            _spare_taken_names,
            structlog.stdlib.render_to_log_kwargs,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        context_class=dict,
        cache_logger_on_first_use=False,
    )


def _spare_taken_names(_logger: Any, _method: str, fields: EventDict) -> EventDict:
    for name in _TAKEN.intersection(fields) - {"exc_info", "stack_info"}:  # which logging takes as its own
        fields[f"{name}_"] = fields.pop(name)
    return fields


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to one incarnation, at a time of the runtime's clock (monotonic seconds)."""

    name: ClassVar[str] = "event"
    level: ClassVar[int] = logging.INFO

    path: str
    incarnation: int
    at: float

    def details(self) -> dict[str, Any]:
        """Returns the event's own fields, as plain values for a log line."""
        own = {f.name: getattr(self, f.name) for f in fields(self)[3:]}
        return {k: v if isinstance(v, int | float | str | bool | None) else _plain(v) for k, v in own.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return reason_text(value)
    return [str(item) for item in value] if isinstance(value, list | tuple) else str(value)


@dataclass(frozen=True, slots=True)
class ActorStarted(Event):
    """An incarnation's `on_start` has returned."""

    name: ClassVar[str] = "actor.started"
    level: ClassVar[int] = logging.DEBUG


@dataclass(frozen=True, slots=True)
class ActorEnded(Event):
    """An incarnation has ended, and nothing of it runs any more."""

    name: ClassVar[str] = "actor.ended"
    level: ClassVar[int] = logging.DEBUG

    reason: ExitReason


@dataclass(frozen=True, slots=True)
class ActorAbandoned(Event):
    """An incarnation could not be ended: it runs on, cut off from its ref."""

    name: ClassVar[str] = "actor.abandoned"
    level: ClassVar[int] = logging.ERROR

    stack: str


@dataclass(frozen=True, slots=True)
class HookFailed(Event):
    """A hook whose failure changes nothing else raised: `on_failure`, an observer, a late result."""

    name: ClassVar[str] = "hook.failed"
    level: ClassVar[int] = logging.ERROR

    hook: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class LoopBlocked(Event):
    """A handler has held the event loop for `seconds`; `stack` is where. No path: no actor was running."""

    name: ClassVar[str] = "loop.blocked"
    level: ClassVar[int] = logging.WARNING

    seconds: float
    stack: str


class Telemetry:
    """Hands events to observers and to the log.

    An observer runs on the runtime's loop, or in the watchdog's thread for `LoopBlocked`; one that raises is
    reported and changes nothing.
    """

    __slots__ = ("_clock", "_logger", "_observers", "log")

    def __init__(self, clock: Clock, log: Any = None) -> None:
        self._clock = clock
        self._logger = logging.getLogger("treeward")
        self._observers: tuple[Callable[[Event], object], ...] = ()
        self.log = make_logger() if log is None else log

    def observe(self, observer: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `observer` with each event from now on; returns the function that ends it."""
        self._observers = (*self._observers, observer)

        def forget() -> None:
            self._observers = tuple(o for o in self._observers if o is not observer)

        return forget

    @property
    def heard(self) -> bool:
        """Whether anybody would hear of an event: if not, what it is made of need not be found out."""
        return bool(self._observers or logging.root.handlers or len(self._logger.handlers) > 1)

    def emit(self, kind: type[Event], path: str, incarnation: int, *details: Any) -> None:
        """Makes an event of that kind and hands it on; costs next to nothing when nobody listens."""
        heard = logging.root.handlers or len(self._logger.handlers) > 1
        logged = heard and self._logger.isEnabledFor(kind.level)  # a line that no handler gets need not be made
        if not logged and not self._observers:
            return
        event = kind(path, incarnation, self._clock.monotonic(), *details)
        if logged:
            self.log.log(kind.level, kind.name, actor=path, incarnation=incarnation, **event.details())
        for observer in self._observers:
            try:
                observer(event)
            except Exception as error:  # an observer of the host's must not take the runtime down
                what = {"observer": repr(observer), "event_name": event.name, "error": reason_text(error)}
                self.log.exception("observer.failed", **what)
