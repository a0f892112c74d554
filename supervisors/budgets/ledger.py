"""A budget's ledger: what was spent in a period, and what is reserved. Pure; time is an argument.

A call reserves before it begins, and is settled when it has ended. What one reserves is the `call` of the budget,
and where that says nothing, all that is left. So calls that keep their word never spend more than the limit, and
where nobody gave a word, there is one call at a time, and only the last of them can go over it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .budget import (
    PARTS,
    PERIODS,
    UNITS,
    Amounts,
    Demoted,
    LedgerView,
    Spent,
    Wait,
    amounts_of,
    counted,
    in_parts,
    shown,
    used,
)

if TYPE_CHECKING:
    from collections.abc import Collection

    from ...runtime.usage import Usage
    from .budget import Budget, Call, Unit

__all__ = ["Hold", "Ledger"]


class Hold:
    """What one call has reserved in a ledger, from `reserve` to `settle`."""

    __slots__ = ("around", "begun", "charged", "inside", "left", "open", "since", "stopped", "task", "word")

    def __init__(self, task: str, word: Amounts, around: Collection[Hold], now: float) -> None:
        self.task = task
        self.open = True
        self.word = word
        self.left = dict(word)
        self.charged: Amounts = {}
        self.stopped = False
        self.begun = now
        self.around = set(around)
        """The calls that wait for this one..."""
        self.inside: set[Hold] = set()
        """...and those that this one waits for."""
        self.since = None if around else now
        """From when on its time counts: not while a call around it is counted already."""


class Ledger:
    """What was spent of one budget in one period, and what is reserved. `now` is always the wall clock's time.

    What a call spends counts in the period in which it becomes known: at a charge, or in the end. What it has
    reserved stays reserved over the turn of the period.

    A call does not wait for the calls that it is a part of: those wait for it. Nor does its time count, as long as
    theirs does.
    """

    __slots__ = (
        "_by_task",
        "_holds",
        "_limits",
        "_reserved",
        "_since",
        "_spent",
        "_words",
        "budget",
        "demoted",
        "lenient",
        "owner",
        "request",
        "stopped",
    )

    def __init__(self, budget: Budget, owner: str, now: float, request: str = "") -> None:
        self.owner = owner
        self.request = request
        self.demoted = self.stopped = 0
        self._spent: Amounts = dict.fromkeys(UNITS, 0)
        self._reserved: Amounts = dict.fromkeys(UNITS, 0)
        self._holds: dict[Hold, None] = {}
        self._by_task: dict[str, set[Hold]] = {}
        self.adopt(budget)
        self._since = self._begin(now)

    def adopt(self, budget: Budget) -> None:
        """Takes another budget over; what is spent and reserved stays. Its `per` has to be the same."""
        self.budget = budget
        self._limits = counted(budget.limits)
        self._words = {unit: word for unit, word in counted(budget.call).items() if unit in self._limits}
        self.lenient = "restarts" in self._limits and "restarts" not in self._words
        """Whether there may be room for one call where there is none for another."""
        if self.lenient:  # so many may be lost, and the last call may lose one more
            self._words["restarts"] = 1
            self._limits["restarts"] += 1

    # Before a call.

    def reserve(self, call: Call, now: float, beside: Collection[Hold] = ()) -> Hold | Wait | Demoted | Spent:
        """Reserves for a call, or says why not; a no is counted. For the arguments see `ask`."""
        answer = self.ask(call, now, beside)
        if answer is None:
            return self.enter(call, now, beside)
        self.refuse(answer)
        return answer

    def ask(
        self, call: Call, now: float, beside: Collection[Hold] = (), claims: int = 0
    ) -> Wait | Demoted | Spent | None:
        """Says why a call may not begin, or None if it may. Changes nothing.

        Args:
            call: who asks.
            now: wall-clock time.
            beside: holds that wait for this call as those of its lineage do.
            claims: calls that have come before it, and for which there has to be room as well.
        """
        self._turn(now)
        to = self.budget.cheaper
        if to is not None and not any(_is(to, path) for path in call.agents):
            what, share = self._fullest()
            if share >= self.budget.demote_at:
                return Demoted(self.owner, what, to)
        around = self._around(call, beside)
        gone = self._gone(around, now)
        return Spent(self.owner, gone) if gone is not None else self._wait(around, claims)

    def enter(self, call: Call, now: float, beside: Collection[Hold] = ()) -> Hold:
        """Reserves for a call, without asking."""
        around = self._around(call, beside)
        words = {unit: word for unit, word in self._words.items() if not (unit == "seconds" and around)}
        hold = Hold(call.task, words, around, now)
        for outer in around:
            outer.inside.add(hold)
        for unit, amount in hold.left.items():
            self._reserved[unit] += amount
        self._holds[hold] = None
        self._by_task.setdefault(hold.task, set()).add(hold)
        return hold

    def refuse(self, answer: Wait | Demoted | Spent) -> None:
        """Counts a call that was demoted or stopped."""
        self.demoted += isinstance(answer, Demoted)
        self.stopped += isinstance(answer, Spent)

    @property
    def under_way(self) -> Collection[Hold]:
        """The calls that have not ended, oldest first."""
        return self._holds.keys()

    def turn(self) -> float | None:
        """Returns the wall-clock time at which the present period ends; None if it does not."""
        length = PERIODS.get(self.budget.per)
        return None if length is None else self._since + length

    def _begin(self, now: float) -> float:
        length = PERIODS.get(self.budget.per)
        return now if length is None else now // length * length

    def _turn(self, now: float) -> None:
        """Begins a new period if it is time; a wall clock that was set back does not."""
        if self.budget.per in PERIODS and self._begin(now) > self._since:
            self._since = self._begin(now)
            self._spent = dict.fromkeys(UNITS, 0)
            self.demoted = self.stopped = 0

    def _around(self, call: Call, beside: Collection[Hold]) -> set[Hold]:
        """Returns the holds that wait for a call."""
        around = {hold for task in call.lineage for hold in self._by_task.get(task, ())}
        return around | (self._holds.keys() & set(beside))

    def _gone(self, around: set[Hold], now: float) -> Unit | None:
        """Returns of what too little is left, even if nobody had reserved but those who wait for the call."""
        for unit, limit in self._limits.items():
            spent, word = self._spent[unit], self._words.get(unit)
            if unit == "seconds" and around:
                gone = spent + self._running(now) >= limit
            elif word is None:
                gone = spent >= limit
            else:
                gone = spent + self._promised(unit, around) + word > limit
            if gone:
                return unit
        return None

    def _wait(self, around: set[Hold], claims: int) -> Wait | None:
        """Returns that a call has to wait for others, or None if it need not."""
        others = len(self._holds) > len(around)
        whole = full = False
        for unit, limit in self._limits.items():
            word = self._words.get(unit)
            if unit == "seconds" and around:
                continue
            if word is None:
                whole = whole or others or claims > 0
            else:
                promised = self._promised(unit, around, others=True)
                full = full or self._spent[unit] + promised + word * (1 + claims) > limit
        return Wait(every=whole) if whole or full else None

    def _promised(self, unit: Unit, around: set[Hold], *, others: bool = False) -> int:
        """Returns what those `around` a call have reserved, and the `others` if they are to be counted too.

        Without a word on restarts, each level of calls in calls may lose one more than the limit: those around do
        not count.
        """
        inner = sum(hold.left.get(unit, 0) for hold in around)
        outer = self._reserved[unit] - inner if others else 0
        return outer + (0 if unit == "restarts" and self.lenient else inner)

    # During a call.

    def charge(self, hold: Hold, usage: Usage, now: float) -> Unit | None:
        """Takes what a call has spent since it last said so; returns of what that was too much, or None.

        Too much is more than the limit; and more than the call had reserved, if others have reserved the rest. It
        counts in any case, also if the call has been settled or released.
        """
        self._turn(now)
        self._draw(hold, amounts_of(usage))
        over = next((unit for unit, limit in self._limits.items() if self._over(hold, unit, limit, now)), None)
        if over is not None and not hold.stopped:
            hold.stopped = True
            self.stopped += 1
        return over

    def seconds_left(self, hold: Hold, now: float) -> float | None:
        """Returns for how many seconds the call may go on; None if that is not limited."""
        limit = self.budget.limits.seconds
        if limit is None:
            return None
        self._turn(now)
        left = self._limits["seconds"] - self._spent["seconds"]
        for other in self._holds:
            if other.since is not None:
                promised = 0 if other is hold or other in hold.around else other.left.get("seconds", 0)
                left -= max(promised, in_parts("seconds", now - other.since))
        return max(0.0, left / PARTS["seconds"])

    def _over(self, hold: Hold, unit: Unit, limit: int, now: float) -> bool:
        spent = self._spent[unit]
        if unit == "restarts":  # it is not the call that lives which loses too many
            return False
        if unit == "seconds":
            return spent + self._running(now) > limit
        beyond = unit in hold.word and hold.charged.get(unit, 0) > hold.word[unit]
        return spent > limit or (beyond and spent + self._reserved[unit] > limit)

    def _running(self, now: float) -> int:
        """Returns the time of the calls under way so far, in its whole parts."""
        return sum(in_parts("seconds", now - hold.since) for hold in self._holds if hold.since is not None)

    def _draw(self, hold: Hold, amounts: Amounts) -> None:
        """Moves what is spent from what the call has reserved."""
        for unit, amount in amounts.items():
            self._spent[unit] += amount
            hold.charged[unit] = hold.charged.get(unit, 0) + amount
            if unit in hold.left:
                drawn = min(amount, hold.left[unit])
                hold.left[unit] -= drawn
                self._reserved[unit] -= drawn

    # After a call.

    def settle(self, hold: Hold, usage: Usage, seconds: float, restarts: int, now: float) -> None:
        """Ends a call. `usage` is all that it has cost, with what was charged; `seconds` all that it took.

        Does nothing for one that has ended.
        """
        if not hold.open:
            return
        self._turn(now)
        amounts = amounts_of(usage)
        self._draw(hold, {unit: max(0, amount - hold.charged.get(unit, 0)) for unit, amount in amounts.items()})
        if hold.since is not None:
            self._spent["seconds"] += in_parts("seconds", seconds - (hold.since - hold.begun))
        self._spent["restarts"] += in_parts("restarts", restarts)
        self.release(hold, now)

    def release(self, hold: Hold, now: float) -> None:
        """Gives back what a call has reserved and not spent: it was not made, or has ended."""
        if not hold.open:
            return
        hold.open = False
        del self._holds[hold]
        self._by_task[hold.task].discard(hold)
        if not self._by_task[hold.task]:
            del self._by_task[hold.task]
        for unit, amount in hold.left.items():
            self._reserved[unit] -= amount
        hold.left.clear()
        for outer in hold.around:
            outer.inside.discard(hold)
        for inner in hold.inside:  # of which some live on, if the call around them has crashed
            inner.around.discard(hold)
            if not inner.around:
                inner.since = now

    # What others look at.

    def view(self, now: float) -> LedgerView:
        """Returns its state as frozen data."""
        self._turn(now)
        return LedgerView(
            owner=self.owner,
            per=self.budget.per,
            limits=self.budget.limits,
            spent=shown(self._spent),
            reserved=shown({unit: self._shown(unit, limit) for unit, limit in self._limits.items()}),
            share=self._fullest()[1],
            since=self._since,
            calls=len(self._holds),
            demoted=self.demoted,
            stopped=self.stopped,
            request=self.request,
        )

    def _shown(self, unit: Unit, limit: int) -> int:
        """Returns what is reserved of a unit: all that is left, where a call has to say how much and does not."""
        if unit in self._words or not self._holds:
            return self._reserved[unit]
        return max(0, limit - self._spent[unit])

    def _fullest(self) -> tuple[Unit, float]:
        """Returns what is used up most, and its share of the limit."""
        limits = counted(self.budget.limits)
        return max(((unit, used(unit, self._spent[unit], limits[unit])) for unit in limits), key=lambda pair: pair[1])


def _is(name: str, path: str) -> bool:
    """Tells whether an id or path means the agent at a path, or one of those above it."""
    return name in (path, *path.split("/"))
