"""A run as lines for people: what happened, what went wrong on purpose, and what did not hold, in its order."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .invariants.log import FAULT, GIVEN, SETTLED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .trial import Trial

__all__ = ["excerpt", "timeline"]

MARK = "!!"
"""Stands before what did not hold."""

MOST_FAULTS = 6
BEFORE, AFTER = 2, 5
"""Lines of an excerpt before and after each fault, and before the first violation."""

_ID = re.compile(r"\b[0-9a-f]{32}\b")
_TWICE = re.compile(r"( task=(\S+)) trace=\2(?= |$)")
_SHORT = 8


def timeline(trial: Trial) -> list[str]:
    """Returns all of a run, a line each. Tasks of requests bear their names; other ids are shortened."""
    names = {str(entry.facts["task"]): str(entry.facts["request"]) for entry in trial.log.on(GIVEN)}
    return [_readable(line, names) for _, _, line in sorted(_lines(trial), key=lambda line: line[:2])]


def _lines(trial: Trial) -> Iterator[tuple[float, int, str]]:
    """Yields time, rank and text of each line: what did not hold goes before the close of a run, behind all else."""
    rank = 0
    for entry in trial.log:
        yield entry.at, rank, str(entry)
        rank = 2 if entry.what == SETTLED else rank
    for one in trial.violations:
        yield one.at, 1, f"{one.at:12.6f} {MARK} {one.invariant}: {one.text}"


def _readable(line: str, names: Mapping[str, str]) -> str:
    return _ID.sub(lambda found: names.get(found[0], found[0][:_SHORT]), _TWICE.sub(r"\1", line))


def excerpt(trial: Trial) -> list[str]:
    """Returns what of a run says most about a failure: the first faults and what followed, and what did not hold."""
    lines = timeline(trial)
    faults = [index for index, line in enumerate(lines) if _is(line, FAULT)]
    broken = [index for index, line in enumerate(lines) if _is(line, MARK)]
    shown: set[int] = set()
    for index in (*faults[:MOST_FAULTS], *broken[:1]):
        shown.update(range(max(0, index - BEFORE), min(len(lines), index + AFTER + 1)))
    shown.update(broken)
    return list(_with_gaps(lines, sorted(shown)))


def _is(line: str, what: str) -> bool:
    return line.split(maxsplit=2)[1:2] == [what]


def _with_gaps(lines: Sequence[str], shown: Sequence[int]) -> Iterator[str]:
    last = -1
    for index in shown:
        if index > last + 1:
            yield "         ..."
        yield lines[index]
        last = index
    if last + 1 < len(lines):
        yield "         ..."
