"""What holds between the fields of a plan: pure checks over plain data, as a file has it or a model is dumped.

A fault in one field never hides one between two others, so these checks pass over what they cannot make sense of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...trees.nodes import Violation, items_of
from ...trees.problems import alternatives, did_you_mean, quoted
from ...trees.values import duration_text, seconds
from .actions import program_at
from .course import OFF
from .fields import words_of
from .grammar import InvalidProgram, program_or_none
from .knobs import knob
from .points import ACTOR, MAILBOX, PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ...trees.located import Location
    from .grammar import Program
    from .points import Place

__all__ = ["HEAL_AT", "violations"]

HEAL_AT = 60.0
"""When all is healed, where a plan does not say."""

_WHERE_KEYS = frozenset(key for place in PLACES.values() for key in place.keys)


def violations(plan: Mapping[str, Any]) -> Iterator[Violation]:
    """Yields each rule that does not hold in a plan."""
    healed = seconds(_mapping(plan.get("heal")).get("at", HEAL_AT))
    for index, fault in enumerate(items_of(plan.get("faults"))):
        if isinstance(fault, Mapping):
            yield from _fault(("faults", index), fault, healed)
    yield from _twice("faults", items_of(plan.get("faults")))
    works = _listed(plan.get("work"))
    yield from _twice("work", works)
    for name in _mapping(plan.get("knobs")):
        if knob(name) is None:
            legal = "the way to a field, such as mailbox.capacity, or that of some nodes: team/**:mailbox.capacity"
            yield Violation(("knobs", name), f"{quoted(name)} is no knob", legal, at_key=True)
    yield from _parity(_mapping(plan.get("parity")), works)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _listed(value: Any) -> tuple[Any, ...]:
    """Returns what may be written as one item, or as a list of them."""
    return (value,) if isinstance(value, Mapping) else tuple(items_of(value))


def _twice(key: str, items: Any) -> Iterator[Violation]:
    seen: set[str] = set()
    for index, item in enumerate(items):
        name = _mapping(item).get("id")
        if isinstance(name, str) and name in seen:
            yield Violation((key, index, "id"), f"the id {quoted(name)} is given twice", "another one")
        if isinstance(name, str):
            seen.add(name)


def _fault(location: Location, fault: Mapping[str, Any], healed: float | None) -> Iterator[Violation]:
    place = PLACES.get(str(fault.get("at")))
    if place is not None:
        yield from _program(location, fault, place)
        yield from _where(location, fault, place)
        yield from _timed(location, fault, place)
    yield from _how_often(location, fault)
    begins = seconds(fault.get("from"))
    if begins is not None and healed is not None and begins >= healed:
        what = f"from is {duration_text(begins)}, but all is healed at {duration_text(healed)}"
        yield Violation((*location, "from"), what, "an earlier time", "or give heal a later at")


def _program(location: Location, fault: Mapping[str, Any], place: Place) -> Iterator[Violation]:
    text = fault.get("do")
    if not isinstance(text, str) or program_or_none(text) is None:
        return
    try:
        program_at(place.name, text)
    except InvalidProgram as error:
        yield Violation((*location, "do"), *words_of(error))


def _where(location: Location, fault: Mapping[str, Any], place: Place) -> Iterator[Violation]:
    where = fault.get("where")
    if where is None:
        return
    keys = ("path",) if isinstance(where, str | list | tuple) else tuple(_mapping(where))
    for key in keys:
        if key not in _WHERE_KEYS or key in place.keys:
            continue
        inside: Location = (*location, "where", key) if isinstance(where, Mapping) else (*location, "where")
        legal = f"one of {', '.join(place.keys)}" if place.keys else "no where"
        yield Violation(inside, f"{key} says nothing at {place.name}", legal, at_key=isinstance(where, Mapping))


def _timed(location: Location, fault: Mapping[str, Any], place: Place) -> Iterator[Violation]:
    if fault.get("every") is not None and place.shape != "timed":
        what = f"{place.name} is visited by what passes there: it has no every"
        yield Violation(
            (*location, "every"), what, "", f"say in do how often, as in {quoted('10%->crash')}", at_key=True
        )
    if fault.get("for") is not None and place.shape == "timed" and fault.get("every") is None:
        what = f"without every, what is to happen at {place.name} happens once: it has no for"
        yield Violation((*location, "for"), what, "every beside it, or no for", at_key=True)
    if fault.get("pick") is not None and place.name not in (ACTOR, MAILBOX):
        what = f"there is nothing to pick from at {place.name}"
        yield Violation((*location, "pick"), what, f"no pick: it is for {alternatives((ACTOR, MAILBOX))}", at_key=True)


def _how_often(location: Location, fault: Mapping[str, Any]) -> Iterator[Violation]:
    if fault.get("on") in ([], ()):
        yield Violation((*location, "on"), "on is empty: it is never asked", "the numbers of visits, such as [2, 3]")
    if fault.get("shape") is None:
        return
    program = program_or_none(fault.get("do"))
    if program is not None and not _is_bare(program):
        what = "do says how often, and so does shape"
        yield Violation((*location, "shape"), what, "one action alone in do, or no shape")
    if fault.get("on") is not None:
        what = "on says at which visits, and so does shape"
        yield Violation((*location, "shape"), what, "one of the two")


def _is_bare(program: Program) -> bool:
    """Tells whether a program is one action, without chance and count."""
    terms = program.terms
    return len(terms) == 1 and terms[0].chance == 1 and terms[0].times is None and terms[0].action.name != OFF


def _parity(parity: Mapping[str, Any], works: tuple[Any, ...]) -> Iterator[Violation]:
    known = [name for work in works if isinstance(name := _mapping(work).get("id"), str)]
    named = parity.get("of")
    for index, name in enumerate(items_of(named)):
        if isinstance(name, str) and name not in known:
            legal = f"the id of a work: {alternatives(known)}" if known else "the id of a work: none has one"
            yield Violation(
                ("parity", "of", index), f"no work is called {quoted(name)}", legal, did_you_mean(name, known)
            )
    if parity.get("same") in ([], ()) and parity.get("facts") is None:
        yield Violation(("parity", "same"), "there is nothing to compare", "such as [output], or facts beside it")
