"""What holds between the fields of one policy: a ladder's order, a breaker's times, a quorum's weights."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

from .base import Spec
from .guards import Breaker, Budget, Limits, Loops
from .judges import Range, Rules
from .ladder import RUNGS, Retry
from .nodes import Violation, get, items_of, judges_in
from .policies import Backoff
from .problems import quoted
from .values import resolved, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pydantic import BaseModel

    from .located import Location
    from .nodes import Slot

__all__ = ["unfitting"]

_ORDER = {"retry": 0, "revise": 0, "restart": 0, "fallback": 1, "escalate": 2, "skip": 2}
"""Who has given a task away does not get it back, and what ends it has nothing behind it."""


def unfitting(slot: Slot) -> Iterator[Violation]:
    """Yields each rule that does not hold in what stands at a place, whatever that is."""
    check = _CHECKS.get(slot.shelf)
    value = slot.value
    if check is not None and isinstance(value, dict | list | tuple | Spec):
        yield from check(slot.location, value)


def _field(part: Any, model: type[BaseModel], name: str) -> Any:
    """Returns a field of a mapping or a model; its default, where the mapping has not got it."""
    return get(part, name, model.model_fields[name].default)


def _says_nothing(part: Any, model: type[BaseModel], names: Iterable[str]) -> bool:
    """Tells whether a part has none of these fields, and no key that may be meant for one."""
    unknown = isinstance(part, dict) and part.keys() - model.model_fields.keys()
    return not unknown and all(get(part, name) in (None, {}, (), []) for name in names)


def _number(value: Any) -> float | None:
    read = resolved(value)
    return read if isinstance(read, int | float) and not isinstance(read, bool) else None


# --- waits ------------------------------------------------------------------------------------------


def _backoff(location: Location, backoff: Any) -> Iterator[Violation]:
    yield from _growing(location, backoff, Backoff)


def _retry(location: Location, retry: Any) -> Iterator[Violation]:
    yield from _growing(location, retry, Retry)


def _growing(location: Location, waits: Any, model: type[BaseModel]) -> Iterator[Violation]:
    longest, initial = (seconds(_field(waits, model, name)) for name in ("max", "initial"))
    if longest is not None and initial is not None and longest < initial:
        field = "max" if get(waits, "max") is not None else "initial"
        what = f"the longest wait ({longest:g} s) is shorter than the first one ({initial:g} s)"
        yield Violation((*location, field), what, "max to be at least initial")


# --- the ladder -------------------------------------------------------------------------------------


def _ladder(location: Location, ladder: Any) -> Iterator[Violation]:
    kinds = [(index, _kind_of(rung)) for index, rung in enumerate(items_of(ladder))]
    known = [(index, kind) for index, kind in kinds if kind is not None]
    for (_, before), (index, kind) in pairwise(known):
        if _ORDER[before] == 2 or _ORDER[kind] < _ORDER[before]:
            ends = "ends the task" if _ORDER[before] == 2 else "gives it away"
            what = f"the rung {kind} is never reached: {before}, before it, {ends}"
            yield Violation((*location, index), what, _order_expected(before))
    for index, rung in enumerate(items_of(ladder)):
        yield from _fallback((*location, index, "fallback"), get(rung, "fallback"))


def _order_expected(before: str) -> str:
    return f"{before} to be the last rung" if _ORDER[before] == 2 else "retry, revise and restart before fallback"


def _kind_of(rung: Any) -> str | None:
    if isinstance(rung, str):
        return rung if rung in RUNGS else None
    return next((kind for kind in RUNGS if get(rung, kind) is not None), None)


def _fallback(location: Location, names: Any) -> Iterator[Violation]:
    seen: list[Any] = []
    for index, name in enumerate(items_of(names)):
        if isinstance(name, str) and name in seen:
            yield Violation((*location, index), f"{quoted(name)} is named twice", "each of them once")
        seen.append(name)


# --- what stands before a child ---------------------------------------------------------------------


def _breaker(location: Location, breaker: Any) -> Iterator[Violation]:
    cooldown, longest = (seconds(_field(breaker, Breaker, name)) for name in ("cooldown", "max_cooldown"))
    if cooldown is not None and longest is not None and longest < cooldown:
        field = "max_cooldown" if get(breaker, "max_cooldown") is not None else "cooldown"
        what = f"the longest cooldown ({longest:g} s) is shorter than the first one ({cooldown:g} s)"
        yield Violation((*location, field), what, "max_cooldown to be at least cooldown")
    if _field(breaker, Breaker, "failures") is None and get(breaker, "rate") is None:
        what = "the breaker counts no failures and has no rate: it would never open"
        yield Violation((*location, "failures"), what, "failures, or a rate")


_UNITS = tuple(Limits.model_fields)


def _budget(location: Location, budget: Any) -> Iterator[Violation]:
    if isinstance(budget, list | tuple):
        return  # each of them comes by itself
    if _says_nothing(budget, Budget, _UNITS):
        yield Violation(location, "the budget limits nothing", f"one at least of {', '.join(_UNITS)}")
    for unit in _UNITS:
        most, word = (_amount(unit, part) for part in (budget, get(budget, "call")))
        if most is not None and word is not None and word > most:
            what = f"the {unit} of a call may be {word:g}, but the limit is {most:g}"
            yield Violation((*location, "call", unit), what, "no more than the limit")


def _amount(unit: str, limits: Any) -> float | None:
    value = get(limits, unit)
    return seconds(value) if unit == "seconds" else _number(value)


def _loops(location: Location, loops: Any) -> Iterator[Violation]:
    calls, window, repeats = (_number(_field(loops, Loops, name)) for name in ("calls", "window", "repeats"))
    field = "window" if get(loops, "window") is not None else "calls"
    if calls is not None and window is not None and calls >= window:
        what = f"calls is {calls:g}, but only {window:g} calls are remembered"
        yield Violation((*location, field), what, "window to be more than calls")
    field = "window" if get(loops, "window") is not None else "repeats"
    if repeats is not None and window is not None and repeats * 2 > window:
        what = f"{repeats:g} times a series of two calls or more do not fit into {window:g} calls"
        yield Violation((*location, field), what, "window to be at least twice repeats")


# --- judges -----------------------------------------------------------------------------------------


def _judges(location: Location, judges: Any) -> Iterator[Violation]:
    for place, judge in judges_in(judges, location):
        weights, several = get(judge, "weights"), items_of(get(judge, "quorum"))
        if several and items_of(weights) and len(weights) != len(several):
            what = f"there are {len(weights)} weights for {len(several)} judges"
            yield Violation((*place, "weights"), what, "one for each")
        yield from _rules((*place, "rules"), get(judge, "rules"))


def _rules(location: Location, rules: Any) -> Iterator[Violation]:
    if isinstance(rules, dict | Spec) and _says_nothing(rules, Rules, Rules.model_fields):
        yield Violation(location, "the judge has no rule", f"one at least of {', '.join(Rules.model_fields)}")
    ranges = get(rules, "ranges")
    for name, span in ranges.items() if isinstance(ranges, dict) else ():
        if not isinstance(span, dict | Spec):
            continue
        least, most = (_number(get(span, bound)) for bound in ("min", "max"))
        if least is not None and most is not None and most < least:
            what = f"the range of {name} ends ({most:g}) before it begins ({least:g})"
            yield Violation((*location, "ranges", name, "max"), what, "max to be at least min")
        if _says_nothing(span, Range, Range.model_fields):
            yield Violation((*location, "ranges", name), f"the range of {name} has no end", "a min, a max, or both")


_CHECKS: Mapping[str, Callable[[Location, Any], Iterator[Violation]]] = {
    "backoff": _backoff,
    "retry": _retry,
    "recovery": _ladder,
    "breaker": _breaker,
    "budget": _budget,
    "loops": _loops,
    "judges": _judges,
}
