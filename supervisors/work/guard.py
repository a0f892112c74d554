"""What stands before a child: its breaker, budgets and judges, its statistics, and the tasks that it has in hand.

It is made when the first task comes, and stays with the child's address: restarts, of the child and of its
supervisor, change nothing in it, and a reload gives it new rules without taking its memory away.
"""

from __future__ import annotations

import functools
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...runtime.cell import Phase
from ..breakers.breaker import Breaker
from ..budgets.purse import Ledgers
from ..events import BreakerChanged, TaskQuarantined
from ..judges.panel import Panel
from ..places import upwards
from .accounts import accounts_of
from .delivery import Delivery, TaskView
from .health import Stats
from .policy import NOTHING, rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...runtime.cell import Cell
    from ...runtime.mailbox import Envelope
    from ...runtime.reply import Reply
    from ...runtime.task import Task
    from ..breakers.breaker import BreakerView
    from ..budgets.budget import LedgerView
    from .policy import Classifier, Work

__all__ = ["Guard", "GuardView", "TaskView", "gate", "guard_of", "ledgers_at"]

A_LOOK = 1.0
"""Seconds at most between two looks for room for one more death."""
KEPT = 1000
"""How many quarantined tasks one child remembers, the latest ones."""


@dataclass(frozen=True, slots=True)
class GuardView:
    """What a guard has in its memory, at one moment."""

    breaker: BreakerView | None
    budgets: tuple[LedgerView, ...]
    tasks: tuple[TaskView, ...]
    quarantined: int


class Guard:
    """One child's, or (for its budgets alone) one supervisor's. On the runtime's loop."""

    __slots__ = (
        "_quarantine",
        "_rules",
        "accounts",
        "breaker",
        "cell",
        "daring",
        "deliveries",
        "ledgers",
        "panel",
        "stats",
    )

    def __init__(self, cell: Cell) -> None:
        self.cell = cell
        """Whose it is."""
        self._rules: Work = NOTHING
        self.daring = 0
        """How much is under way at its children that may end with a death."""
        self._quarantine: OrderedDict[str, str] = OrderedDict()
        self.breaker: Breaker | None = None
        self.ledgers = Ledgers((), cell.path)
        self.panel = Panel(told=self._judges_breaker_changed)
        self.stats = Stats()
        self.accounts = accounts_of(cell.system)
        self.deliveries: dict[Delivery, None] = {}
        """The tasks in hand, oldest first."""
        self.adopt()

    @property
    def rules(self) -> Work:
        """What the child's spec says."""
        if rules_of(self.cell) is not self._rules:
            self.adopt()
        return self._rules

    def adopt(self) -> None:
        """Takes the rules of the child's spec over, as they are now."""
        rules = self._rules = rules_of(self.cell)
        if rules.breaker is None:
            self.breaker = None
        elif self.breaker is None:
            self.breaker = Breaker(rules.breaker, self.cell.path, self._breaker_changed)
        else:
            self.breaker.spec = rules.breaker
        if rules.health is not None:
            self.stats.within = rules.health.within
        self.ledgers.adopt(rules.budgets)
        self.panel.adopt(rules.judges, rules.judging)

    def _breaker_changed(self, before: str, now: str, why: str) -> None:
        self.cell.system.telemetry.emit(
            BreakerChanged, self.cell.path, self.cell.incarnation, self.cell.path, before, now, why
        )

    def _judges_breaker_changed(self, judge: str, before: str, now: str, why: str) -> None:
        name = f"{self.cell.path} judge {judge}"
        self.cell.system.telemetry.emit(BreakerChanged, self.cell.path, self.cell.incarnation, name, before, now, why)

    # Tasks.

    def admit(self, task: Task, reply: Reply | None) -> None:
        """Takes a task in hand."""
        Delivery(self, task, reply).start()

    def classifiers(self) -> tuple[Classifier, ...]:
        """Returns the users' own classifications, the nearest first."""
        return tuple(one for cell in upwards(self.cell) for one in rules_of(cell).classify)

    def all_ledgers(self, task: Task) -> Iterator[Ledgers]:
        """Yields the ledgers that a task for the child draws on: its own, those above, and the request's."""
        for cell in upwards(self.cell):
            if rules_of(cell).budgets:
                yield ledgers_at(cell)
        account = self.accounts.find(task.trace)
        if account is not None and account.ledgers is not None and task.budget:
            yield account.ledgers

    # Tasks that kill.

    def quarantine(self, task: Task, cause: str) -> None:
        """Keeps a task out from now on."""
        self._quarantine[task.idempotency_key] = cause
        while len(self._quarantine) > KEPT:
            self._quarantine.popitem(last=False)
        self.cell.system.telemetry.emit(
            TaskQuarantined, self.cell.path, self.cell.incarnation, task.id, task.trace, cause
        )

    def quarantined(self, task: Task) -> bool:
        """Tells whether a task is kept out."""
        return task.idempotency_key in self._quarantine

    def release(self, key: str) -> bool:
        """Lets a task in again, by its idempotency key; tells whether it was kept out."""
        return self._quarantine.pop(key, None) is not None

    # Deaths.

    def room_in(self, now: float, *, beside: bool = False) -> float:
        """Returns after how many seconds the supervisor can bear one more death of a child.

        That is `beside` those that what is under way may end with, or as if they did not come. It may be what is
        dared; or what a sibling has in hand that has died just now: it may do so again, and nobody knows of what.
        """
        parent = self.cell.parent
        if parent is None or parent.actor is None:
            return 0.0
        others = guard_of(parent).daring + self._unsure(parent.actor.young(now)) if beside else 0
        room: float = parent.actor.room_in(now, others)
        return room

    def _unsure(self, young: list[Cell]) -> int:
        """Counts the siblings among these that are at something which is not dared: that counts by itself."""
        return sum(cell is not self.cell and cell.guard is not None and cell.guard.is_at_work() for cell in young)

    def is_at_work(self) -> bool:
        """Tells whether the child has a task, or is about to get one, that has not killed before."""
        return any(one.undared for one in self.deliveries)

    async def room(self, until: float) -> bool:
        """Waits until the supervisor can bear one more death of the child; tells whether that is before `until`."""
        clock = self.cell.system.clock
        if self.cell.phase is Phase.STOPPING:
            await self.cell.system.ended(self.cell)
        while (pause := self.room_in(clock.monotonic(), beside=True)) > 0:
            if clock.monotonic() + self.room_in(clock.monotonic()) >= until:
                return False
            await clock.sleep(min(pause, A_LOOK))  # what is under way may end well
        return clock.monotonic() < until

    def dare(self) -> Callable[[], None]:
        """Notes that what begins now may end with a death. Returns what ends that, to be called once.

        If the incarnation is just ending, that is as soon as the supervisor can count it.
        """
        parent = self.cell.parent
        above = self if parent is None else guard_of(parent)
        above.daring += 1
        return functools.partial(self._settled, above)

    def _settled(self, above: Guard) -> None:
        if self.cell.phase is Phase.STOPPING:
            self.cell.when_ended(functools.partial(self._settled, above))
        else:
            above.daring -= 1

    # What others look at.

    def oldest(self, now: float) -> float | None:
        """Returns for how many seconds the oldest task has waited in the mailbox; None if none waits there."""
        return max((wait for one in self.deliveries if (wait := one.waited(now)) is not None), default=None)

    def silent_for(self, now: float) -> float | None:
        """Returns the seconds since the last sign of life of the try in hand; None if there is none."""
        return max((quiet for one in self.deliveries if (quiet := one.silent(now)) is not None), default=None)

    def view(self, now: float) -> GuardView:
        """Returns its memory as frozen data; `now` is monotonic."""
        self.rules  # noqa: B018 - a new spec is taken over first
        return GuardView(
            None if self.breaker is None else self.breaker.view(now),
            self.ledgers.views(self.cell.system.clock.time()),
            tuple(one.view(now) for one in self.deliveries),
            len(self._quarantine),
        )


def gate(cell: Any, envelope: Envelope) -> None:
    """Takes a task for a child, as `Address.gate`."""
    task, reply = envelope
    guard_of(cell).admit(task, reply)


def guard_of(cell: Cell) -> Guard:
    """Returns the guard of a cell, made on first use."""
    if cell.guard is None:
        cell.guard = Guard(cell)
    guard: Guard = cell.guard
    return guard


def ledgers_at(cell: Cell) -> Ledgers:
    """Returns the ledgers of the budgets that a cell's spec declares, as they are now."""
    guard = guard_of(cell)
    guard.rules  # noqa: B018 - a new spec is taken over first
    return guard.ledgers
