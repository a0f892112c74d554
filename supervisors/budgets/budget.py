"""Budgets: what may be spent, how amounts are counted, what a ledger answers and shows. Plain data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, TypeAlias, get_args

from ...runtime.usage import Limits, Usage
from ..checks import check, is_name, is_share, one_of

__all__ = [
    "PARTS",
    "PERIODS",
    "UNITS",
    "Amounts",
    "Budget",
    "Call",
    "Demoted",
    "LedgerView",
    "Per",
    "Spending",
    "Spent",
    "Unit",
    "Wait",
    "amounts_of",
    "counted",
    "in_parts",
    "shown",
    "used",
]

Per: TypeAlias = Literal["task", "hour", "day", "life"]
Unit: TypeAlias = Literal["cost", "tokens", "calls", "seconds", "restarts"]

Amounts: TypeAlias = dict[Unit, int]
"""How much of each unit, in whole parts."""

UNITS: tuple[Unit, ...] = get_args(Unit)
PERIODS: dict[str, float] = {"hour": 3600.0, "day": 86400.0}
"""Seconds of the periods after which a ledger begins anew. They begin where those of UTC do."""

PARTS: dict[str, int] = {"cost": 10**12, "seconds": 10**9}
"""Money and time are counted in whole parts of a dollar and a second: so sums are exact, and three calls of 0.1 are
not more than 0.3."""
MOST = 1e15
"""An amount that is larger counts as this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a child, or all below a supervisor, may spend.

    Attributes:
        limits: how much; at least one.
        per: what one ledger is kept for: each request (`task`), each hour or day of the wall clock (UTC), or the
            runtime's whole life (`life`).
        call: the most that one call costs. It is reserved before a call, so that calls may run side by side; of a
            limit that it does not name, the one call that is under way reserves all that is left. `restarts` is an
            exception: a call loses one incarnation at most, so that is what it reserves.
        cheaper: the id or path of the variant that gets the calls once `demote_at` of a limit is used up; None:
            there is none.
        demote_at: the share of a limit, from 0.0 to 1.0.
    """

    limits: Limits
    per: Per = "task"
    call: Limits = field(default_factory=Limits)
    cheaper: str | None = None
    demote_at: float = 0.8

    def __post_init__(self) -> None:
        check("budget limits", self.limits, isinstance(self.limits, Limits), "Limits")
        check("budget limits", self.limits, bool(self.limits), f"a limit of one at least of {', '.join(UNITS)}")
        one_of("budget per", self.per, Per)
        check("budget call", self.call, isinstance(self.call, Limits), "Limits")
        for unit in UNITS:
            word, limit = getattr(self.call, unit), getattr(self.limits, unit)
            fits = word is None or limit is None or word <= limit
            check(f"budget call {unit}", word, fits, f"not more than the limit, {limit!r}")
        named = self.cheaper is None or is_name(self.cheaper)
        check("budget cheaper", self.cheaper, named, "the id or path of a child, or None")
        check("budget demote_at", self.demote_at, is_share(self.demote_at, zero=True), "a share, from 0 to 1")


# What is asked of a ledger, and what it says.


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an agent: a task's id, those of the tasks that it is a part of, the paths of who has or had it."""

    task: str
    lineage: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wait:
    """There may be enough once others have ended: `every` one of them, or else some."""

    every: bool


@dataclass(frozen=True, slots=True)
class Demoted:
    """So much of a limit is used up that the cheaper variant `to` gets the call."""

    owner: str
    what: Unit
    to: str


@dataclass(frozen=True, slots=True)
class Spent:
    """There is not enough left of it, whoever else ends."""

    owner: str
    what: str


# What a ledger shows.


@dataclass(frozen=True, slots=True)
class Spending:
    """Amounts: US dollars, tokens, calls of models and tools, seconds of work, incarnations lost."""

    cost: float = 0.0
    tokens: int = 0
    calls: int = 0
    seconds: float = 0.0
    restarts: int = 0


@dataclass(frozen=True, slots=True)
class LedgerView:
    """A ledger at one moment.

    Attributes:
        owner: whose budget it is.
        per, limits: as the budget says.
        spent: since the period began.
        reserved: by the calls under way, beside what they have spent so far.
        share: the largest share of a limit that is spent.
        since: wall-clock time at which the period began, or the ledger.
        calls: that are under way.
        demoted, stopped: calls in this period that went to the cheaper variant, and that the budget stopped.
        request: of a budget per task, the trace of the request that has used the largest share...
        requests: ...of so many that are under way; `demoted` and `stopped` are of all there have been.
    """

    owner: str
    per: Per
    limits: Limits
    spent: Spending = field(default_factory=Spending)
    reserved: Spending = field(default_factory=Spending)
    share: float = 0.0
    since: float = 0.0
    calls: int = 0
    demoted: int = 0
    stopped: int = 0
    request: str = ""
    requests: int = 0


# How amounts are counted.


def used(unit: Unit, spent: int, limit: int) -> float:
    """Returns the share of a limit that is used up.

    Of nothing, that is all; but no incarnation is lost before the first one is.
    """
    if limit == 0:
        return float(spent > 0 or unit != "restarts")
    return spent / limit


def in_parts(unit: Unit, value: float) -> int:
    """Returns an amount in whole parts. What is no number, or below 0, counts as nothing."""
    return round(min(value, MOST) * PARTS.get(unit, 1)) if value > 0 else 0


def counted(limits: Limits) -> Amounts:
    """Returns what is limited, in whole parts."""
    values = {unit: getattr(limits, unit) for unit in UNITS}
    return {unit: in_parts(unit, value) for unit, value in values.items() if value is not None}


def amounts_of(usage: Usage) -> Amounts:
    """Returns what was used, in whole parts."""
    values: dict[Unit, float] = {"cost": usage.cost, "tokens": usage.tokens, "calls": usage.calls}
    return {unit: in_parts(unit, value) for unit, value in values.items()}


def shown(amounts: Amounts) -> Spending:
    """Returns whole parts as amounts."""
    return Spending(
        cost=amounts.get("cost", 0) / PARTS["cost"],
        tokens=amounts.get("tokens", 0),
        calls=amounts.get("calls", 0),
        seconds=amounts.get("seconds", 0) / PARTS["seconds"],
        restarts=amounts.get("restarts", 0),
    )
