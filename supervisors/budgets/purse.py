"""The budgets that one try at a task draws on, together; and the ledgers of a child, or of all below a supervisor."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..work_errors import BudgetExceeded
from .bank import bank_of
from .budget import Call, Demoted, LedgerView, Spent
from .ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ...runtime.system import ActorSystem
    from ...runtime.task import Task
    from ...runtime.usage import Usage
    from .bank import Bank
    from .budget import Budget
    from .ledger import Hold

__all__ = ["Book", "Ledgers", "Purse"]


class Purse:
    """What one try may spend: as much as all of its ledgers allow. On the runtime's loop.

    Reserve, charge as often as you like, settle; a purse serves one try.

        purse = Purse(ledgers, task, agent, system)
        cheaper = await purse.reserve()
        try:
            ...  # purse.charge(usage) as soon as something is spent
        finally:
            purse.settle(usage, seconds=seconds, restarts=0)

    Args:
        ledgers: the child's own, those of all above it, and the request's.
        task: what is to be done.
        agent: the path of who is to do it.
        system: the runtime's.
        bank: the runtime's, if the caller has it; None: it is looked for.
    """

    __slots__ = ("_agent", "_bank", "_books", "_call", "_clock", "_held", "_task", "why")

    def __init__(
        self, ledgers: Iterable[Ledgers], task: Task, agent: str, system: ActorSystem, bank: Bank | None = None
    ) -> None:
        self._books = tuple(ledgers)
        self._task = task
        self._agent = agent
        self._clock = system.clock
        self._bank = bank_of(system) if bank is None else bank
        self._held: tuple[tuple[Ledger, Hold], ...] = ()
        self._call: Call | None = None
        self.why = ""
        """What is used up of whose budget, once `reserve` has named somebody else."""

    def __bool__(self) -> bool:
        """Whether there is a budget that the try draws on."""
        return bool(self._books)

    async def reserve(self, until: float | None = None) -> str | None:
        """Reserves in all ledgers, or in none; returns None, or who gets the task instead: an id or a path.

        Waits while others have reserved what it would take: until that monotonic time, and not beyond the
        task's deadline. See `bank` for the order.

        Raises:
            BudgetExceeded: there is not enough left, or what is left was reserved by others for all that time.
        """
        now = self._clock.time()
        ledgers = [ledger for one in self._books for ledger in one.of(self._task.trace, now, self._bank)]
        if not ledgers:
            return None
        call = Call(self._task.id, self._task.lineage, (*self._task.visited, self._agent))
        limits = [limit for limit in (until, self._task.deadline) if limit is not None]
        answer = await self._bank.reserve(call, ledgers, min(limits, default=None))
        if isinstance(answer, Spent):
            raise BudgetExceeded(answer.owner, answer.what)
        if isinstance(answer, Demoted):
            self.why = f"{answer.what} of {answer.owner}"
            return answer.to
        self._held, self._call = tuple(zip(ledgers, answer, strict=True)), call
        return None

    def charge(self, usage: Usage) -> None:
        """Takes what has been spent since the last charge; with nothing in it, it only looks.

        It counts in any case, also after the end of the try.

        Raises:
            BudgetExceeded: a budget is passed, and the work has to stop.
        """
        if not self._held:
            return
        now = self._clock.time()
        over = [(ledger, what) for ledger, hold in self._held if (what := ledger.charge(hold, usage, now)) is not None]
        for ledger, what in over:
            raise BudgetExceeded(ledger.owner, what)

    def seconds_left(self) -> float | None:
        """Returns for how many seconds of wall time the try may go on; None if no budget limits that."""
        if not self._held:
            return None
        now = self._clock.time()
        left = (ledger.seconds_left(hold, now) for ledger, hold in self._held)
        return min((seconds for seconds in left if seconds is not None), default=None)

    def settle(self, usage: Usage, *, seconds: float, restarts: int = 0) -> None:
        """Ends the try: what is not spent is free again. Does nothing if nothing is reserved any more.

        Args:
            usage: all that the try itself has cost, with what was charged; without that of others whom it asked.
            seconds: how long it took.
            restarts: incarnations that it has lost.
        """
        if not self._held:
            return
        now = self._clock.time()
        for ledger, hold in self._held:
            ledger.settle(hold, usage, seconds, restarts, now)
        self._end()

    def release(self) -> None:
        """Gives back what is reserved: there was no try. What was charged stays."""
        if not self._held:
            return
        now = self._clock.time()
        for ledger, hold in self._held:
            ledger.release(hold, now)
        self._end()

    def _end(self) -> None:
        call, self._call = self._call, None
        if call is not None:
            self._bank.ended(call, [ledger for ledger, _ in self._held])


class Ledgers:
    """The ledgers of the budgets of one child, or of all below one supervisor. On the runtime's loop.

    They outlive incarnations and requests; a budget per task has one for each request, until `forget`.
    """

    __slots__ = ("_bank", "_books", "owner")

    def __init__(self, budgets: tuple[Budget, ...], owner: str) -> None:
        self.owner = owner
        self._bank: Bank | None = None
        self._books = [Book(budget, owner) for budget in budgets]

    def of(self, trace: str, now: float, bank: Bank) -> list[Ledger]:
        """Returns the ledgers for a request, by its trace; those who have to wait do so in that bank."""
        self._bank = bank
        if any(book.budget.per == "task" for book in self._books):
            bank.remember(trace, self)
        return [book.of(trace, now) for book in self._books]

    def forget(self, trace: str) -> None:
        """Drops the ledgers of a request that has ended."""
        for book in self._books:
            book.forget(trace)

    def adopt(self, budgets: tuple[Budget, ...]) -> None:
        """Takes other budgets over: an equal one, or else one with the same `per`, keeps what was spent of it.

        What is under way goes on with what it has reserved.
        """
        left = list(self._books)
        equal = [_taken(left, [book for book in left if book.budget == budget]) for budget in budgets]
        alike = [
            book or _taken(left, [one for one in left if one.budget.per == budget.per])
            for book, budget in zip(equal, budgets, strict=True)
        ]
        self._books = [book or Book(budget, self.owner) for book, budget in zip(alike, budgets, strict=True)]
        for book, budget in zip(self._books, budgets, strict=True):
            book.adopt(budget)
        if self._bank is not None:
            self._bank.changed(ledger for book in self._books for ledger in book.ledgers.values())

    def views(self, now: float) -> tuple[LedgerView, ...]:
        """Returns their states as frozen data, in the order of the budgets; `now` is the wall clock's."""
        return tuple(book.view(now) for book in self._books)


class Book:
    """The ledgers of one budget: a single one, or one for each request that is under way, by its trace."""

    __slots__ = ("_demoted", "_owner", "_stopped", "budget", "ledgers")

    def __init__(self, budget: Budget, owner: str) -> None:
        self.budget = budget
        self.ledgers: dict[str, Ledger] = {}
        self._owner = owner
        self._demoted = self._stopped = 0

    def of(self, trace: str, now: float) -> Ledger:
        """Returns the ledger for a request."""
        request = trace if self.budget.per == "task" else ""
        ledger = self.ledgers.get(request)
        if ledger is None:
            ledger = self.ledgers[request] = Ledger(self.budget, self._owner, now, request)
        return ledger

    def forget(self, trace: str) -> None:
        """Drops a request's ledger; how often it said no is kept."""
        ledger = self.ledgers.pop(trace, None)
        if ledger is not None:
            self._demoted += ledger.demoted
            self._stopped += ledger.stopped

    def adopt(self, budget: Budget) -> None:
        """Takes another budget over."""
        self.budget = budget
        for ledger in self.ledgers.values():
            ledger.adopt(budget)

    def view(self, now: float) -> LedgerView:
        """Returns the ledger's state; in a budget per task that of the request that has used up most."""
        if self.budget.per != "task":
            return self.of("", now).view(now)
        views = [ledger.view(now) for ledger in self.ledgers.values()]
        empty = LedgerView(self._owner, self.budget.per, self.budget.limits)
        return replace(
            max(views, key=lambda view: view.share, default=empty),
            requests=len(views),
            demoted=self._demoted + sum(view.demoted for view in views),
            stopped=self._stopped + sum(view.stopped for view in views),
        )


def _taken(left: list[Book], found: list[Book]) -> Book | None:
    """Takes the first one that was found out of those that are left."""
    if not found:
        return None
    left.remove(found[0])
    return found[0]
