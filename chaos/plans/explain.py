"""A plan in plain words, and the table of the points, for people."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from ...trees.problems import alternatives, quoted
from ...trees.values import duration_text
from .actions import ACTIONS, legal_at
from .amounts import Share
from .choices import Choices
from .course import OFF
from .plan import METRICS
from .points import ACTOR, MAILBOX, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .grammar import Chain, Term
    from .matching import Where
    from .plan import Abort, Fault, Parity, Plan
    from .points import Shape
    from .work import Work

__all__ = ["PointRow", "explain", "points"]


class PointRow(NamedTuple):
    """One line of the table of points: its name and shape, what it is, the keys of `where`, the legal actions."""

    name: str
    shape: Shape
    what: str
    where: tuple[str, ...]
    actions: tuple[str, ...]


def points() -> tuple[PointRow, ...]:
    """Returns every place at which a plan may let something go wrong: points first, then what is timed."""
    return tuple(
        PointRow(place.name, place.shape, place.what, place.keys, tuple(kind.name for kind in legal_at(place.name)))
        for place in PLACES.values()
    )


def explain(plan: Plan) -> str:
    """Returns a plan in plain words: a line for each fault with where, when, what and how often."""
    return "\n".join(_lines(plan))


def _lines(plan: Plan) -> Iterator[str]:
    yield f"{plan.name}: {plan.title}" if plan.title else plan.name
    yield from _faults(plan)
    yield from _part("Work", map(_work, plan.work) if plan.work else ("5 requests to the tree's entry, if it has one",))
    yield from _part("Knobs, drawn anew for each seed", (f"{name}: {_values(v)}" for name, v in plan.knobs.items()))
    yield from _part("Has to hold before, and again when all is healed", _expectations(plan))
    yield from _part("Invariants beside the usual ones", plan.invariants)
    if plan.parity is not None:
        yield from _part("As without faults", _parity(plan.parity))
    if plan.setup is not None:
        yield from _part("Called before the tree starts", (plan.setup,))
    yield from _part("Given up", map(_abort, plan.abort_if))
    heal = plan.heal
    yield from _part(
        "Healed",
        (
            f"at {_time(heal.at)}: all faults end",
            f"ready {_time(heal.ready_within)} later at most, nothing in hand {_time(heal.drain_within)} later at most",
        ),
    )


def _part(title: str, lines: Any) -> Iterator[str]:
    told = [f"  {line}" for line in lines]
    if told:
        yield from ("", title, *told)


def _time(length: float) -> str:
    text = duration_text(length)
    return text if isinstance(text, str) else f"{text:g}s"


# --- faults -----------------------------------------------------------------------------------------


def _faults(plan: Plan) -> Iterator[str]:
    if not plan.faults:
        yield from _part("Faults", ("none",))
        return
    wide = max(map(len, plan.rules))
    title = "Faults, of which each seed draws some" if plan.swarm else "Faults"
    yield from _part(title, (f"{id_:<{wide}}  {_fault(fault)}" for id_, fault in plan.rules.items()))
    used = {term.action.name for fault in plan.faults for term in fault.program.terms} - {OFF}
    yield from _part(
        "What they do", (f"{kind.name:<{wide}}  {kind.what}" for kind in ACTIONS.values() if kind.name in used)
    )


def _fault(fault: Fault) -> str:
    where = _where(fault)
    place = f"{fault.at}{where and f' {where}'}"
    return f"{', '.join(filter(None, (place, _when(fault))))}: {_program(fault)}"


def _is_timed(fault: Fault) -> bool:
    return PLACES[fault.at].shape == "timed"


def _where(fault: Fault) -> str:
    keys = PLACES[fault.at].keys
    if "path" not in keys:
        return ""
    whom = f"of {_whom(fault.where)}"
    if fault.at in (ACTOR, MAILBOX):
        whom = f"({'all' if fault.pick == 'all' else 'one'} {whom})"
    told = [f"{name} {alternatives(named)}" for name in _NAMED if (named := getattr(fault.where, name))]
    return ", ".join([whom, *told])


_NAMED = ("message", "kind", "tool", "judge", "topic")
_EVERYBODY = {"agent": "any agent", "supervisor": "any supervisor", "any": "any actor"}


def _whom(where: Where) -> str:
    whom = alternatives(where.path) if where.path else _EVERYBODY[where.role]
    if where.path and where.role != "agent":
        whom += f" (a {where.role})" if where.role == "supervisor" else " (any actor)"
    if where.incarnation:
        whom += f" in incarnation {alternatives(map(str, where.incarnation))}"
    return whom


def _when(fault: Fault) -> str:
    parts = []
    if fault.every is not None:
        parts.append(f"every {fault.every}")
    if fault.from_ or (_is_timed(fault) and fault.every is None):
        parts.append(f"{'from' if fault.every or not _is_timed(fault) else 'at'} {_time(fault.from_)}")
    if fault.for_ is not None:
        parts.append(f"for {_time(fault.for_)}")
    if fault.on is not None:
        noun = "turn" if _is_timed(fault) else "visit"
        parts.append(f"at {noun}{'s' if len(fault.on) > 1 else ''} {', '.join(map(str, fault.on))}")
    return " ".join(parts)


def _program(fault: Fault) -> str:
    noun = "turn" if _is_timed(fault) else "visit"
    every = "" if _is_timed(fault) else f" at {'these' if fault.on else 'every'} visit{'s' if fault.on else ''}"
    return ", or ".join(_chain(chain, noun, every) for chain in fault.program.chains)


def _chain(chain: Chain, noun: str, every: str) -> str:
    return ", then ".join(_term(term, noun, every) for term in chain)


def _term(term: Term, noun: str, every: str) -> str:
    if term.action.name == OFF and term.chance == 1:
        return "nothing more" if term.times is None else f"nothing at {_counted(term.times, noun)}"
    what = "nothing" if term.action.name == OFF else str(term.action)
    if term.chance < 1:
        most = "" if term.times is None else f", {'once' if term.times == 1 else f'{term.times} times'} at most"
        return f"{what} at {Share(term.chance)} of the {noun}s{most}"
    if term.times is None:
        return f"{what}{every}"
    return f"{what} at {_counted(term.times, noun)}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


# --- the rest ---------------------------------------------------------------------------------------


def _work(work: Work) -> str:
    asked = _counted(work.times, "request")
    name = f"{work.id}: " if work.id else ""
    to = work.to or "the tree's entry"
    shown = quoted(work.input) if isinstance(work.input, str) else "data"
    since = f" from {work.at}" if work.at.high else ""
    pace = f", one every {work.every}" if work.every and work.times > 1 else ""
    each = "each " if work.times > 1 else ""
    until = "" if work.deadline is None else f", {each}within {_time(work.deadline)}"
    chance = f", in {Share(work.chance)} of the seeds" if work.chance < 1 else ""
    return f"{name}{asked} to {to}{since}{pace}{until}{chance}: {shown}"


def _values(values: Any) -> str:
    return (
        alternatives(json.dumps(value, ensure_ascii=False) for value in values.values)
        if isinstance(values, Choices)
        else values.written()
    )


def _expectations(plan: Plan) -> Iterator[str]:
    for one in plan.hypothesis:
        yield one.invariant or f"ready within {_time(one.ready_within or 0.0)}"


def _abort(abort: Abort) -> str:
    metric = METRICS[abort.metric]
    level = _time(abort.above) if metric.is_time else f"{abort.above:g}"
    return f"if {metric.name} is above {level} ({metric.what})"


def _parity(parity: Parity) -> Iterator[str]:
    of = f"the requests of {alternatives(parity.of)}" if parity.of else "all requests"
    unless = f", unless one ends as {alternatives(parity.unless)}" if parity.unless else ""
    yield f"{of}: {', '.join(parity.same)}{unless}"
    if parity.facts:
        yield f"what {parity.facts} returns"
