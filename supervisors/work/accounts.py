"""What a request has used so far, over all its tasks: attempts, calls, money. It is kept while the request runs."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

from ...runtime.dispatch import begun
from ...runtime.usage import NO_USAGE
from ..budgets.bank import bank_of
from ..budgets.budget import Budget
from ..budgets.purse import Ledgers
from ..escalation import DESK
from .loops import Trail

if TYPE_CHECKING:
    from ...runtime.system import ActorSystem
    from ...runtime.task import Part, Task
    from ...runtime.usage import Usage
    from .delivery import Delivery

__all__ = ["KEEPER", "Account", "Accounts", "accounts_of"]

KEEPER = "tasks in hand"
"""The name of the asyncio task that ends them with the runtime."""
REQUEST = "the request"
"""Whose budget it is that came with a task."""


class Account:
    """One request's. On the runtime's loop.

    Attributes:
        trail: the agents and calls on its way, for the loop guards.
        spent: what all its attempts have cost so far, those that crashed and those under way included.
        ledgers: of the budget that came with it; empty if none did.
        first: the delivery of its outermost task.
        below: what others have spent for a task and nobody has taken note of, by its id; each part by its own identity.
    """

    __slots__ = ("_open", "_outermost", "_tries", "below", "first", "ledgers", "spent", "trail")

    def __init__(self, task: Task) -> None:
        self.first: Delivery | None = None
        self._open: dict[str, list[str]] = {}
        """The idempotency keys of the tasks that children have in hand, by the tasks' ids."""
        self._outermost = 0
        self.below: dict[str, dict[int, Part]] = {}
        self.trail = Trail()
        self.spent = NO_USAGE
        self.ledgers = Ledgers((Budget(limits=task.budget, per="life"),), REQUEST) if task.budget else None
        self._tries: dict[str, int] = {}

    def tries(self, task: Task) -> int:
        """Returns how often this step was tried, whoever tried it, and whatever it is a part of was tried again."""
        return max(self._tries.get(task.idempotency_key, 0), task.attempt - 1)

    def count(self, task: Task) -> int:
        """Counts one more try of a step, and returns its number."""
        number = self._tries[task.idempotency_key] = self.tries(task) + 1
        return number

    def uncount(self, task: Task) -> None:
        """Takes the last `count` of a step back: that try was none."""
        self._tries[task.idempotency_key] -= 1

    # Who has worked for whom.

    def enter(self, task: Task) -> None:
        """Notes that a child has a task in hand."""
        self._open.setdefault(task.id, []).append(task.idempotency_key)
        self._outermost += _is_outermost(task)

    def leave(self, task: Task, parts: tuple[Part, ...]) -> bool:
        """Ends what `enter` began, and keeps the parts that cost something for whoever the task was done for.

        Tells whether that was the last task.
        """
        keys = self._open[task.id]
        keys.remove(task.idempotency_key)
        handed_over = keys and any(map(task.idempotency_key.startswith, keys))  # the outcome will be in another one
        if task.parent is not None and not handed_over:
            dear = {id(part): part for part in parts if part.usage is not NO_USAGE and part.usage != NO_USAGE}
            if dear:
                self.below.setdefault(task.parent, {}).update(dear)
        if not keys:
            del self._open[task.id]
        return not self._open

    def take(self, task: Task) -> dict[int, Part]:
        """Returns what others have spent for a task since it was last asked, by identity."""
        return self.below.pop(task.id, {})

    def is_all_for(self, task: Task) -> bool:
        """Tells whether the request is just this task, and what it is made of."""
        return self._outermost == 1 and _is_outermost(task)


def _is_outermost(task: Task) -> bool:
    return task.parent is None and task.hops == 0 and task.kind != DESK


class Accounts:
    """The requests that run, by their traces."""

    __slots__ = ("_deliveries", "_kept", "_open", "_past", "bank")

    def __init__(self, system: ActorSystem) -> None:
        self.bank = bank_of(system)
        """Where those wait who need room in a ledger."""
        self._open: dict[str, Account] = {}
        self._past = NO_USAGE
        self._deliveries: dict[Delivery, None] = {}
        self._kept = False
        """Whether a task waits for the runtime's end. It is the runtime's: what holds it here would keep that alive."""

    @property
    def spent(self) -> Usage:
        """What all requests have cost so far, those that run included."""
        return sum((account.spent for account in self._open.values()), self._past)

    # Tasks in hand, until the runtime ends.

    def in_hand(self, system: ActorSystem, delivery: Delivery) -> None:
        """Notes a task in hand: it is cancelled if the runtime ends before it."""
        self._deliveries[delivery] = None
        if not self._kept:
            self._kept = True
            keeping: Any = begun(self._keep(system.loop))  # so that it ends them even if it is cancelled at once
            system.errand(keeping, KEEPER)

    def done(self, delivery: Delivery) -> None:
        """Notes its end."""
        del self._deliveries[delivery]

    async def _keep(self, loop: asyncio.AbstractEventLoop) -> None:
        """Waits for the runtime's end, and then for that of all tasks in hand."""
        try:
            await loop.create_future()
        finally:
            self._keeper = None  # its context knows the system, which would never go
            await asyncio.gather(*(one.close() for one in list(self._deliveries)), return_exceptions=True)

    # Requests.

    def enter(self, task: Task) -> Account:
        """Returns the account of a task's request, which stays until each of its tasks has left."""
        account = self._open.get(task.trace)
        if account is None:
            account = self._open[task.trace] = Account(task)
        account.enter(task)
        return account

    def leave(self, task: Task, parts: tuple[Part, ...] = ()) -> None:
        """Ends what `enter` began, with the parts of the outcome."""
        account = self._open[task.trace]
        if account.leave(task, parts):
            self._past += account.spent
            del self._open[task.trace]
            self.bank.forget(task.trace)

    def find(self, trace: str) -> Account | None:
        """Returns the account of a request that runs, or None."""
        return self._open.get(trace)


_ACCOUNTS: weakref.WeakKeyDictionary[ActorSystem, Accounts] = weakref.WeakKeyDictionary()


def accounts_of(system: ActorSystem) -> Accounts:
    """Returns the accounts of an actor system; they live and go with it."""
    found = _ACCOUNTS.get(system)
    if found is None:
        found = _ACCOUNTS[system] = Accounts(system)
    return found
