"""Understanding a customer's message by rules: what it asks for, in which words, and with which particulars.

The message is taken apart into clauses, each is read by itself, and the readings are put together. What is
not understood comes back as `Kind.UNKNOWN` with its words. Nothing is guessed: where a message can mean two
things, and one of them would change something, it is not understood.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from .clauses import clauses
from .intents import Intent, Kind
from .readings import ACTIONS, Reading, read

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .clauses import Clause

__all__ = ["LONGEST", "understand"]

LONGEST: Final = 2_000
"""A message of more characters is for a person: rules do not read letters."""

_NAMES: Final = re.compile(
    r"^\s*(?i:hi|hello|hey|dear)(?:[ ,]+[A-Z][\w'-]*){1,3}(?=\s*[,!.\n])"
    r"|\b(?i:my name is|this is|i am|i'm)(?: [A-Z][a-z'-]+){1,3}(?=\s*(?:[,.!\n]|and\b|$))"
    r"|\b(?i:thanks|thank you|regards|cheers|best|sincerely|yours|wishes)[,.!\n]*\s+(?:[A-Z][\w'-]*\s*){1,3}$"
)
"""The names in greetings and signatures: no words of the request."""
_COMMA_PLEASE: Final = re.compile(r",(?=\s*please\s*(?:[.!?]|$))", re.IGNORECASE)
_ONCE_BUT_TWICE: Final = re.compile(r"\bnot (?:just |only )?once,? but (?=twice)", re.IGNORECASE)
_POLITE_CONDITION: Final = re.compile(
    r"\bif (?:it is |that is |this is |at all )?(?:possible|ok|okay|fine|so|any|necessary|needed)\b"
    r"|\bif (?:you|i) (?:can|could|may|would|do not mind|please)(?: \S+){0,2}$"
    r"|\bif there (?:is|was|are) (?:one|any|some)\b"
)
_CONDITION: Final = re.compile(r"\b(?:if|unless|otherwise|or else|in case|whether)\b")
_REASON: Final = re.compile(r"\b(?:because|cause|since|so)\b")
_SO: Final = re.compile(r"\bso\b")
_REST: Final = re.compile(r"\b(?:rest|remaining|unused|left|remainder|prorated)\b")

_Asked: TypeAlias = dict[Kind, list[tuple[int, Intent]]]
"""What is asked for of each kind, each time with the number of the part that does."""


def understand(message: str) -> tuple[Intent, ...]:
    """Returns what a message asks for, in the order in which it does. At least one thing: `Kind.UNKNOWN`."""
    if len(message) > LONGEST:
        return (Intent(Kind.UNKNOWN, message),)
    parts = tuple(clauses(_cleared(message)))
    readings = _with_conditions(parts, [read(part.words) for part in parts])
    unclear = {place for place, reading in enumerate(readings) if reading.manner == "unclear"}
    asked = _asked(readings, unclear)
    _resolve(asked, parts, unclear)
    merged = _merged(asked, unclear)
    if not merged:
        return (Intent(Kind.UNKNOWN, message.strip()),)
    found = [(places[0], replace(one, text=_words_of(message, parts, places))) for one, places in merged]
    for first, last in _runs(unclear - _background(parts, readings), readings):
        found.append((first, Intent(Kind.UNKNOWN, message[parts[first].start : parts[last].end])))
    return tuple(intent for _, intent in sorted(found, key=lambda one: one[0]))


def _cleared(message: str) -> str:
    """Blanks out what would be in the way of reading clause by clause."""
    for pattern in (_NAMES, _ONCE_BUT_TWICE, _COMMA_PLEASE):
        message = pattern.sub(_blank, message)
    return message


def _blank(found: re.Match[str]) -> str:
    """Leaves out words without moving those that follow: clauses keep their places in the message."""
    return " " * len(found[0])


def _words_of(message: str, parts: Sequence[Clause], places: Sequence[int]) -> str:
    texts = (message[parts[place].start : parts[place].end] for place in places)
    return ", ".join(dict.fromkeys(texts))


def _with_conditions(parts: Sequence[Clause], readings: Sequence[Reading]) -> list[Reading]:
    """Makes unclear what would change something on a condition: nobody here can tell whether it is met.

    Where the sentence asks for prices, the condition is what they are asked for: "what is it, if I upgrade?"
    """
    conditional = {part.sentence for part in parts if _CONDITION.search(_POLITE_CONDITION.sub("", part.words))}
    pairs = list(zip(parts, readings, strict=True))
    priced = {part.sentence for part, one in pairs if any(i.kind is Kind.PRICES for i in one.intents)}
    return [
        _on_condition(reading, priced=part.sentence in priced) if part.sentence in conditional else reading
        for part, reading in pairs
    ]


def _on_condition(reading: Reading, *, priced: bool) -> Reading:
    acts = [intent for intent in reading.intents if intent.kind in ACTIONS]
    if not acts:
        return reading
    if priced and acts[0].kind is Kind.PLAN_CHANGE:
        return Reading("adds", plans=acts[0].plans, interval=acts[0].interval)
    return Reading("unclear")


def _asked(readings: Sequence[Reading], unclear: set[int]) -> _Asked:
    """Collects what is asked for, and gives each addition to what it adds to; one without that is unclear."""
    asked: _Asked = {}
    for place, reading in enumerate(readings):
        for intent in reading.intents:
            asked.setdefault(intent.kind, []).append((place, intent))
    for place, reading in enumerate(readings):
        if reading.when and Kind.CANCELLATION in asked:
            asked[Kind.CANCELLATION].append((place, Intent(Kind.CANCELLATION, "", when=reading.when)))
        if not reading.plans and not reading.interval:
            continue
        kind = Kind.PLAN_CHANGE if Kind.PLAN_CHANGE in asked else Kind.PRICES
        if kind in asked:
            asked[kind].append((place, Intent(kind, "", reading.plans, reading.interval)))
        else:
            unclear.add(place)
    return asked


def _resolve(asked: _Asked, parts: Sequence[Clause], unclear: set[int]) -> None:
    """Settles what two kinds together mean."""
    if Kind.DOUBLE_CHARGE in asked and Kind.REFUND in asked:
        refunds = asked.pop(Kind.REFUND)
        others = [one for one in refunds if _REST.search(parts[one[0]].words)]
        asked[Kind.DOUBLE_CHARGE] += [one for one in refunds if one not in others]
        if others:
            asked[Kind.REFUND] = others
    if asked.keys() >= ACTIONS:
        unclear.update(place for kind in ACTIONS for place, _ in asked.pop(kind))


def _merged(asked: _Asked, unclear: set[int]) -> list[tuple[Intent, list[int]]]:
    """Returns each kind once, with the parts that ask for it; those that contradict others are unclear."""
    merged = []
    for kind, given in asked.items():
        places = sorted(place for place, _ in given)
        one = _merge(kind, [intent for _, intent in given])
        if one is None:
            unclear.update(places)
        else:
            merged.append((one, places))
    return merged


def _merge(kind: Kind, intents: Sequence[Intent]) -> Intent | None:
    plans = tuple(dict.fromkeys(plan for intent in intents for plan in intent.plans))
    intervals = {intent.interval for intent in intents} - {None}
    directions = {intent.direction for intent in intents} - {None}
    times = {intent.when for intent in intents} - {None}
    if len(directions) > 1 or len(times) > 1:
        return None
    if kind is Kind.PLAN_CHANGE and (len(plans) > 1 or len(intervals) > 1):
        return None
    interval = intervals.pop() if len(intervals) == 1 else None
    return Intent(kind, "", plans, interval, next(iter(directions), None), next(iter(times), None))


def _background(parts: Sequence[Clause], readings: Sequence[Reading]) -> set[int]:
    """Returns the parts that give a reason for what their sentence asks for: they need no answer."""
    asking = {part.sentence for part, one in zip(parts, readings, strict=True) if one.manner == "asks"}
    reasons = set()
    for place, part in enumerate(parts):
        if part.sentence not in asking:
            continue
        if _REASON.search(part.joined_by):
            reasons.add(place)
        if _SO.search(part.joined_by) and place and parts[place - 1].sentence == part.sentence:
            reasons.add(place - 1)
    return reasons


def _runs(places: set[int], readings: Sequence[Reading]) -> Iterator[tuple[int, int]]:
    """Yields the first and last of neighbouring places; what asks for nothing may be between them."""
    run: list[int] = []
    for place in sorted(places):
        if run and any(reading.manner != "fills" for reading in readings[run[-1] + 1 : place]):
            yield run[0], run[-1]
            run = []
        run.append(place)
    if run:
        yield run[0], run[-1]
