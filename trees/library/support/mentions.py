"""What a clause names: plans, billing intervals, and what a verb is about. All in canonical words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from .vocabulary import word_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .records import Interval

__all__ = ["acts_on_subscription", "interval_in", "plans_in"]

_Role: TypeAlias = Literal["target", "named", "source"]

_PLANS: Final = ("basic", "team", "pro", "enterprise")
_INTERVALS: Final[tuple[Interval, ...]] = ("monthly", "yearly")

# "Team" and "basic" are everyday words: they name a plan only in a plan's company.
_EVERYDAY: Final = word_set("basic team")
_PLAN_BEFORE: Final = word_set("to from on onto into between or vs than of want with current is").union(
    _PLANS, _INTERVALS
)
_PLAN_AFTER: Final = word_set("plan to vs or instead please subscription").union(_PLANS, _INTERVALS)

_FILLERS: Final = word_set("the a an your new next with plan charge subscription").union(_INTERVALS)
_TARGET: Final = word_set("to into onto for")
_SOURCE: Final = word_set("from my our current than off not am are")

_OBJECTS: Final = word_set("subscription plan account service")
_OTHER_OBJECTS: Final = word_set(
    """
    charge invoice card renew price change upgrade downgrade refund cancel double request order offer name problem
    issue error statement people person
    """
)
_OBJECT_WORDS: Final = word_set(
    """
    me us my our the this that a an your it everything all whole entire current new next please just over up down back
    to from into onto on of for charge bigger larger higher better smaller lower cheaper different another other
    completely
    """
).union(_PLANS, _INTERVALS)
_OBJECT_ENDS: Final = word_set(
    """
    as at effective before after when because if by with without in now immediately asap soon instead can could you i
    we until end than not and or once first
    """
)


def acts_on_subscription(words: Sequence[str]) -> bool:
    """Tells whether the words after a verb like "cancel" or "upgrade" leave nothing else for it to be about.

    So "my plan" is fine, and nothing at all; "my flight" and "my subscription emails" are not.
    """
    for place, word in enumerate(words):
        if word in _OBJECTS:
            following = words[place + 1] if place + 1 < len(words) else ""
            return not following.startswith("?") and following not in _OTHER_OBJECTS
        if word in _OBJECT_ENDS:
            return True
        if word not in _OBJECT_WORDS:
            return False
    return True


def plans_in(words: str) -> tuple[str, ...]:
    """Returns the plans that a clause is about: those to go to, if there are any, or else those it names."""
    return _named(words.split(), _PLANS)


def interval_in(words: str) -> Interval | None:
    """Returns the billing interval that a clause is about, if it is just one."""
    found = _named(words.split(), _INTERVALS)
    return next((interval for interval in _INTERVALS if found == (interval,)), None)


def _named(words: Sequence[str], names: Sequence[str]) -> tuple[str, ...]:
    roles: dict[_Role, list[str]] = {"target": [], "named": [], "source": []}
    role: _Role = "named"
    for place, word in enumerate(words):
        if word in names and _names_a_plan(words, place):
            role = _role(words[:place], role)
            roles[role].append(word)
    return tuple(dict.fromkeys(roles["target"] or roles["named"]))


def _names_a_plan(words: Sequence[str], place: int) -> bool:
    if words[place] not in _EVERYDAY or len(words) == 1:
        return True
    before, after = words[place - 1] if place else "", words[place + 1] if place + 1 < len(words) else ""
    return after in _PLAN_AFTER or (before in _PLAN_BEFORE and not after.startswith("?"))


def _role(before: Sequence[str], last: _Role) -> _Role:
    for word in reversed(before):
        if word in {"or", "and"}:
            return last
        if word in _FILLERS or word in _PLANS:
            continue
        return "target" if word in _TARGET else "source" if word in _SOURCE else "named"
    return "named"
