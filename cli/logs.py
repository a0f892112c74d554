"""The log of a run on stderr: JSON lines for machines, coloured ones on a terminal.

It is here, and nowhere below, that logging is set up: an embedded runtime leaves that to its host.
"""

from __future__ import annotations

import datetime as dt
import enum
import logging
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import structlog

from .text import clean

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from structlog.typing import Processor

    Entry: TypeAlias = MutableMapping[str, Any]

__all__ = ["Level", "logging_to_stderr"]


_IDS = ("task", "trace")


class Level(enum.StrEnum):
    """From which level on lines are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@contextmanager
def logging_to_stderr(level: Level | None = None, *, pretty: bool | None = None) -> Iterator[None]:
    """Writes what the runtime and the agents log to stderr for the length of the block.

    JSON lines, or lines for people where stderr is a terminal (`pretty` decides otherwise); from `info` on, on a
    terminal from `warning` on. What other libraries log, and Python's warnings, are written too, from `warning` on.
    """
    people = sys.stderr.isatty() if pretty is None else pretty
    least = (level or (Level.WARNING if people else Level.INFO)).value.upper()
    handler = _Stderr()
    handler.setFormatter(_formatter(people=people))
    ours, root = logging.getLogger("treeward"), logging.getLogger()
    before = ours.level, ours.propagate
    ours.addHandler(handler)
    root.addHandler(handler)
    ours.setLevel(least)
    ours.propagate = False
    logging.captureWarnings(capture=True)
    try:
        yield
    finally:
        logging.captureWarnings(capture=False)
        ours.removeHandler(handler)
        root.removeHandler(handler)
        ours.setLevel(before[0])
        ours.propagate = before[1]


class _Stderr(logging.StreamHandler[Any]):
    """Writes to whatever `sys.stderr` is at the time: the live view takes its place, to keep its drawing whole."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> Any:
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Passes over a stderr that is gone; there is nowhere to complain."""
        if not isinstance(sys.exc_info()[1], OSError | ValueError):
            super().handleError(record)


def _formatter(*, people: bool) -> logging.Formatter:
    stamp = _clock_time if people else _timestamp
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        stamp,
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if people:
        colors = not os.environ.get("NO_COLOR")
        plain = structlog.dev.plain_traceback
        last += [_for_people, structlog.dev.ConsoleRenderer(colors=colors, exception_formatter=plain, pad_event_to=0)]
    else:
        last += [_in_order, structlog.processors.JSONRenderer(default=repr)]
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)


def _made(event: Entry) -> dt.datetime:
    return dt.datetime.fromtimestamp(event["_record"].created, tz=dt.UTC)


def _timestamp(_logger: Any, _method: str, event: Entry) -> Entry:
    """Adds the time at which the line was logged, in UTC."""
    event["timestamp"] = _made(event).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return event


def _clock_time(_logger: Any, _method: str, event: Entry) -> Entry:
    event["timestamp"] = f"{_made(event).astimezone():%H:%M:%S}"
    return event


def _in_order(_logger: Any, _method: str, event: Entry) -> Entry:
    """Puts first what every line has."""
    return {key: event.pop(key) for key in ("timestamp", "level", "event")} | dict(event)


def _for_people(_logger: Any, _method: str, event: Entry) -> Entry:
    return {key: _short(key, value) for key, value in event.items()}


def _short(key: str, value: Any) -> Any:
    """Returns a value as people want to read it: without control characters, ids and long fractions cut."""
    if isinstance(value, float):
        return float(f"{value:.3g}")
    if not isinstance(value, str):
        return value
    return value[:8] if key in _IDS else clean(value)
