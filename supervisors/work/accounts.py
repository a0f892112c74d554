"""What a request has used so far, over all its tasks: attempts, calls, money. It is kept while the request runs."""

from __future__ import annotations

import weakref
from collections import Counter
from typing import TYPE_CHECKING

from ...runtime.task import Usage
from .bank import bank_of
from .budget import Budget
from .loops import Trail
from .purse import Ledgers

if TYPE_CHECKING:
    from ...runtime.system import ActorSystem
    from ...runtime.task import Task
    from .delivery import Delivery

__all__ = ["Account", "Accounts", "accounts_of"]

REQUEST = "the request"
"""Whose budget it is that came with a task."""


class Account:
    """One request's. On the runtime's loop.

    Attributes:
        trail: the agents and calls on its way, for the loop guards.
        spent: what all its attempts have cost, those that crashed included.
        ledgers: of the budget that came with it; empty if none did.
        first: the delivery of its outermost task.
    """

    __slots__ = ("_tries", "first", "ledgers", "open", "spent", "trail")

    def __init__(self, task: Task) -> None:
        self.open = 0
        self.first: Delivery | None = None
        self.trail = Trail()
        self.spent = Usage()
        self.ledgers = Ledgers((Budget(limits=task.budget, per="life"),) if task.budget else (), REQUEST)
        self._tries: Counter[str] = Counter()

    def tries(self, task: Task) -> int:
        """Returns how often this step was tried, whoever tried it, and whatever it is a part of was tried again."""
        return max(self._tries[task.idempotency_key], task.attempt - 1)

    def count(self, task: Task) -> int:
        """Counts one more try of a step, and returns its number."""
        number = self._tries[task.idempotency_key] = self.tries(task) + 1
        return number

    def uncount(self, task: Task) -> None:
        """Takes the last `count` of a step back: that try was none."""
        self._tries[task.idempotency_key] -= 1


class Accounts:
    """The requests that run, by their traces."""

    __slots__ = ("_bank", "_open")

    def __init__(self, system: ActorSystem) -> None:
        self._bank = bank_of(system)
        self._open: dict[str, Account] = {}

    def enter(self, task: Task) -> Account:
        """Returns the account of a task's request, which stays until each of its tasks has left."""
        account = self._open.get(task.trace)
        if account is None:
            account = self._open[task.trace] = Account(task)
        account.open += 1
        return account

    def leave(self, task: Task) -> bool:
        """Ends what `enter` began; tells whether that was the request's last task."""
        account = self._open[task.trace]
        account.open -= 1
        if account.open:
            return False
        del self._open[task.trace]
        self._bank.forget(task.trace)
        return True

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
