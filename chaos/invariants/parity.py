"""Parity: what a plan says must not change is the same with faults as without them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...supervisors.judges.plain import MISSING, NotPlain, field_of, plain, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ...runtime.task import Outcome
    from ..plans.plan import Parity

    Answers = Mapping[str, Outcome | None]

__all__ = ["differences"]

MOST = 20
"""Differences that are told."""


def differences(
    parity: Parity,
    clean: Answers,
    faulted: Answers,
    clean_facts: Any = None,
    facts: Any = None,
    given: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Returns what differs between a run without faults and one with them, one text for each.

    Args:
        parity: what has to be the same: which requests, what of their outcomes.
        clean: the outcome of each request without faults, by its name; None where there is none.
        faulted: the same with faults.
        clean_facts: what the plan's own function says of the run without faults; anything, as a rule a mapping.
        facts: what it says of the one with faults.
        given: the names of the requests that the run with faults was to give: others are not compared; None means all.

    A request whose outcome under faults has one of the statuses of `unless` is not compared, nor are facts under its
    name. What is no plain data is compared as it is.
    """
    there = {name: clean[name] for name in clean if given is None or name in given}
    found = [*_of_answers(parity, there, faulted)]
    left_out = {name for name in clean if name not in there or not _is_compared(parity, name, faulted.get(name))}
    found += _between("facts", _without(_plain(clean_facts), left_out), _without(_plain(facts), left_out))
    more = len(found) - MOST
    return (*found[:MOST], f"and {more} more") if more > 0 else tuple(found)


def _of_answers(parity: Parity, clean: Answers, faulted: Answers) -> Iterator[str]:
    for name in clean:
        outcome, other = clean[name], faulted.get(name)
        if not _is_compared(parity, name, other):
            continue
        if outcome is None or other is None:
            if outcome is not other:
                yield f"{name} has {'no' if other is None else 'an'} outcome: {_WITHOUT} it had {_had(outcome)}"
            continue
        before, now = _data(outcome), _data(other)
        for path in parity.same:
            yield from (f"{name}: {text}" for text in _between(path, field_of(before, path), field_of(now, path)))


_WITHOUT = "without faults"


def _had(outcome: Outcome | None) -> str:
    return "none" if outcome is None else f"one, {outcome.status}"


def _is_compared(parity: Parity, name: str, faulted: Outcome | None) -> bool:
    return _is_meant(name, parity.of) and not (faulted is not None and faulted.status in parity.unless)


def _without(facts: Any, names: Collection[str]) -> Any:
    """Returns facts without what is said under those names."""
    if not isinstance(facts, Mapping):
        return facts
    return {name: fact for name, fact in facts.items() if name not in names}


def _is_meant(name: str, works: tuple[str, ...]) -> bool:
    """Tells whether a request is of one of these works: it is called as that is, or so with a number."""
    return not works or any(name == work or re.fullmatch(rf"{re.escape(work)} [0-9]+", name) for work in works)


def _data(outcome: Outcome) -> dict[str, Any]:
    return {"status": outcome.status, "output": _plain(outcome.output)}


def _plain(value: Any) -> Any:
    try:
        return plain(value)
    except NotPlain:
        return value


def _between(where: str, before: Any, now: Any) -> Iterator[str]:
    """Yields the innermost places at which two values differ."""
    if isinstance(before, Mapping) and isinstance(now, Mapping):
        for key in (*before, *(key for key in now if key not in before)):
            yield from _between(f"{where}.{key}", _get(before, key), _get(now, key))
    elif isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        for index, pair in enumerate(zip(before, now, strict=True)):
            yield from _between(f"{where}.{index}", *pair)
    elif before is not now and before != now:
        yield f"{where} is {_text(now)}, and {_WITHOUT} it was {_text(before)}"


def _get(data: Mapping[Any, Any], key: Any) -> Any:
    return data.get(key, MISSING)


def _text(value: Any) -> str:
    return "not there" if value is MISSING else shown(value)
