"""What one clause says, as far as it can be told from that clause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ..support import patterns
from .intents import Intent, Kind
from .mentions import acts_on_subscription, interval_in, plans_in

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from .intents import When
    from .records import Direction, Interval

__all__ = ["ACTIONS", "Manner", "Reading", "read"]

Manner: TypeAlias = Literal["asks", "denies", "adds", "tells", "fills", "unclear"]

ACTIONS: Final = frozenset({Kind.PLAN_CHANGE, Kind.CANCELLATION})
"""The kinds that change something on the customer's word alone. The others first look into the books."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A clause, understood as far as it can be by itself.

    It `asks` for its `intents`; `denies` that something is wanted; `adds` a plan, an interval or a time to
    what another clause asks for; `tells` what happened before; `fills` the message with words that ask for
    nothing; or it is `unclear`.
    """

    manner: Manner
    intents: tuple[Intent, ...] = ()
    plans: tuple[str, ...] = ()
    interval: Interval | None = None
    when: When | None = None


@dataclass(frozen=True, slots=True)
class _Found:
    """A kind that a pattern found, and where in the clause."""

    at: int
    kind: Kind
    direction: Direction | None = None


def read(words: str) -> Reading:
    """Reads a clause of canonical words. Its intents have no text yet: these are not the customer's words."""
    words = " ".join(patterns.HARMLESS_NOT.sub("", patterns.WISHED.sub(r"\1 \2", words)).split())
    found = _find(words)
    if patterns.REFUND_AWAITED.search(words) or _speaks_of_action(words) or any(_unclear(words, one) for one in found):
        return Reading("unclear")
    wanted = [one for one in found if not patterns.NOT.search(words, 0, one.at)]
    if wanted:
        return Reading("asks", tuple(_intent(words, one) for one in wanted))
    return Reading("denies") if found else _read_rest(words)


def _find(words: str) -> list[_Found]:
    found = [*_find_charges(words), *_find_endings(words)]
    if patterns.PRICES.search(words) and not patterns.PAID_BEFORE.search(words) and not found:
        return [_Found(0, Kind.PRICES)]
    found += _find_changes(words)
    if not found and (match := patterns.CHARGES.search(words)) and not patterns.PAYING.search(words):
        return [_Found(match.start(), Kind.CHARGES)]
    return sorted(found, key=lambda one: one.at)


def _find_charges(words: str) -> Iterator[_Found]:
    if match := patterns.DOUBLE.search(words):
        yield _Found(match.start(), Kind.DOUBLE_CHARGE)
    elif match := patterns.REFUND.search(words):
        yield _Found(match.start(), Kind.REFUND)


def _find_endings(words: str) -> Iterator[_Found]:
    cancels = [match for match in patterns.CANCEL.finditer(words) if acts_on_subscription(_after(words, match))]
    match = cancels[0] if cancels else patterns.ENDS.search(words)
    if match:
        yield _Found(match.start(), Kind.CANCELLATION)


def _find_changes(words: str) -> Iterator[_Found]:
    for verb in patterns.CHANGE.finditer(words):
        if acts_on_subscription(_after(words, verb)) and _says_what(words, verb):
            yield _Found(verb.start(), Kind.PLAN_CHANGE, _DIRECTIONS.get(verb[0]))
            return
    if not plans_in(words) and not interval_in(words):
        return
    for pattern in (patterns.GO_TO_PLAN, patterns.WANT_PLAN, patterns.WANT_INTERVAL):
        wish = pattern.search(words)
        if wish and acts_on_subscription(_after(words, wish)):
            yield _Found(wish.start(), Kind.PLAN_CHANGE)
            return


_DIRECTIONS: Final[dict[str, Direction]] = {"upgrade": "upgrade", "downgrade": "downgrade"}


def _says_what(words: str, verb: re.Match[str]) -> bool:
    """Tells whether it is clear that the verb is about the plan: "upgrade" says so, "change" does not."""
    if verb[0] != "change":
        return True
    following = _after(words, verb)
    return bool(plans_in(words) or interval_in(words)) or "plan" in following or "subscription" in following


def _after(words: str, match: re.Match[str]) -> list[str]:
    """Returns the words after a match, which may be one of two readings of a misspelled word."""
    return words[match.end() :].partition(" ")[2].split()


def _unclear(words: str, found: _Found) -> bool:
    """Tells whether it is uncertain that the customer wants this, or which of two things."""
    if found.kind not in ACTIONS:
        return False
    before = words[: found.at]
    if len(patterns.NOT.findall(before)) > 1 or patterns.UNABLE.search(before) or patterns.NAMED.search(before):
        return True
    if patterns.NOT.search(before):
        return False
    if "/" in words[found.at :].partition(" ")[0] and not patterns.PRESENT.search(before):
        return True
    doubtful = patterns.DOUBT.search(before) or patterns.EITHER.search(words) or _when(words) == "both"
    several = found.kind is Kind.PLAN_CHANGE and len(plans_in(words)) > 1
    asked = found.kind is Kind.CANCELLATION and _is_question(words, found)
    return bool(doubtful) or several or asked


def _speaks_of_action(words: str) -> bool:
    return any(not patterns.NOT.search(words, 0, match.start()) for match in patterns.GERUND.finditer(words))


def _is_question(words: str, found: _Found) -> bool:
    if "please" in words.split() and patterns.POLITE_QUESTION.search(words, 0, found.at):
        return False
    return patterns.QUESTION.search(words, 0, found.at) is not None


def _intent(words: str, found: _Found) -> Intent:
    if found.kind is Kind.CANCELLATION:
        when = _when(words)
        return Intent(Kind.CANCELLATION, "", when=None if when == "both" else when)
    if found.kind is Kind.PLAN_CHANGE and not _is_question(words, found):
        return Intent(Kind.PLAN_CHANGE, "", plans_in(words), interval_in(words), found.direction)
    if found.kind in {Kind.PRICES, Kind.PLAN_CHANGE}:
        return Intent(Kind.PRICES, "", plans_in(words), interval_in(words))
    return Intent(found.kind, "")


def _when(words: str) -> When | Literal["both"] | None:
    at_once, later = patterns.AT_ONCE.search(words), patterns.AT_PERIOD_END.search(words)
    if at_once and later:
        return "both"
    return "now" if at_once else "period_end" if later else None


def _read_rest(words: str) -> Reading:
    """Reads a clause that asks for nothing by itself."""
    tokens = words.split()
    plans, interval, when = plans_in(words), interval_in(words), _when(words)
    if patterns.ADDITIONS.issuperset(tokens) and (plans or interval or when) and when != "both":
        return Reading("adds", plans=plans, interval=interval, when=when)
    if patterns.PAST.search(words) or ((plans or interval) and patterns.HAVING.search(words)):
        return Reading("tells")
    verbs = {"cancel", "upgrade", "downgrade", "change", "refund", "dispute", "end"}
    if plans or interval or verbs.intersection(tokens) or any(token.startswith("?") for token in tokens):
        return Reading("unclear")
    if patterns.MONEY.search(words) and patterns.REQUEST.search(words):
        return Reading("unclear")
    return Reading("fills")
