"""The desks: two that own the books, and one where requests wait for a person. Workers call their tools."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ....agents.agent import Agent
from ....agents.desk import Desk
from ....agents.state import state_path
from ....agents.tools import IdempotencyKey, tool
from ....runtime.entropy import Entropy
from ....runtime.exits import Exit, ExitReason
from ..support import catalogue, payments
from .periods import day_of
from .records import (
    Cancellation,
    Done,
    Duplicate,
    Interval,
    Origin,
    Payment,
    Plan,
    PlanChange,
    Price,
    Quote,
    Refund,
    Subscription,
    Wish,
)
from .seed import open_store

if TYPE_CHECKING:
    from .store import Store

__all__ = ["Bookkeeper", "CatalogueDesk", "HumanDesk", "PaymentsDesk"]

DATABASE = "support/support.db"


class Bookkeeper(Agent):
    """An agent with a connection to the support database, for as long as an incarnation lives.

    Args:
        database: the file, below the state directory if it is not absolute. It is made if it is not there.
        seed: of the customers that are made up then.
    """

    def __init__(self, database: str = DATABASE, seed: int = 1) -> None:
        self._database = database
        self._seed = seed

    def on_start(self) -> None:
        """Opens the books, in the thread in which the incarnation uses them."""
        rng = Entropy(self._seed).stream("support")
        self.store: Store = open_store(state_path(self._database), now=self.system.clock.time(), rng=rng)

    def on_stop(self, reason: ExitReason = Exit.NORMAL) -> None:  # noqa: ARG002
        """Closes the books."""
        self.store.close()

    def on_failure(self, *_error: Any) -> None:
        """Closes the books. What was not committed did not happen."""
        self.store.close()

    def origin(self, key: IdempotencyKey, request: str, by: str) -> Origin:
        """Returns whose effect it is, as of now."""
        return Origin(key, request, by, self.system.clock.time())


class PaymentsDesk(Bookkeeper):
    """Owner of payments and refunds. Every refund is written once for each key."""

    @tool
    def find_duplicates(self, customer: int, request: str) -> tuple[Duplicate, ...]:
        """Returns the customer's charges that repeat another charge, seconds apart.

        Those that were given back are `settled`, but not by `request` itself: handled again, it finds the
        same.
        """
        return payments.find_duplicates(self.store, customer, request=request)

    @tool
    def list_charges(self, customer: int, limit: int = 6) -> tuple[tuple[Payment, Refund | None], ...]:
        """Returns the customer's last charges, the newest first, each with its refund."""
        return payments.list_charges(self.store, customer, limit)

    @tool
    def done_for(self, request: str) -> Done:
        """Returns what was given back on behalf of a request."""
        return Done(refunds=self.store.done_for(request).refunds)

    @tool(effect=True)
    def refund(self, customer: int, payment: int, request: str, by: str, key: IdempotencyKey) -> Refund:
        """Gives back a charge that repeats another one of the customer's, and no other."""
        return payments.refund_duplicate(self.store, customer, payment, self.origin(key, request, by))

    @tool(effect=True)
    def refund_unused(self, customer: int, request: str, by: str, key: IdempotencyKey) -> Refund:
        """Gives back the unused days of a subscription that was canceled at once, soon after it was paid."""
        return payments.refund_unused(self.store, customer, self.origin(key, request, by))


class CatalogueDesk(Bookkeeper):
    """Owner of plans and subscriptions. Every change is made once for each key."""

    @tool
    def plans(self, customer: int) -> tuple[tuple[Plan, tuple[Price, ...]], ...]:
        """Returns every plan with its prices in the customer's currency."""
        return catalogue.plan_list(self.store, customer)

    @tool
    def current(self, customer: int) -> Subscription:
        """Returns the customer's running subscription."""
        return catalogue.current(self.store, customer, day_of(self.system.clock.time()))

    @tool
    def quote(self, customer: int, plan: str | None = None, interval: Interval | None = None) -> Quote:
        """Returns what a change of plan or interval would cost today."""
        return catalogue.quote(self.store, customer, Wish(plan, interval), day_of(self.system.clock.time()))

    @tool
    def done_for(self, request: str) -> Done:
        """Returns what was changed and canceled on behalf of a request."""
        return replace(self.store.done_for(request), refunds=())

    @tool(effect=True)
    def change_plan(self, customer: int, wish: Wish, request: str, by: str, key: IdempotencyKey) -> PlanChange:
        """Changes the customer's plan, interval or both as of today, prorated to the day."""
        return catalogue.change_plan(self.store, customer, wish, self.origin(key, request, by))

    @tool(effect=True)
    def cancel(
        self, customer: int, request: str, by: str, key: IdempotencyKey, *, immediate: bool = False
    ) -> Cancellation:
        """Ends the customer's subscription with its period, or today."""
        return catalogue.cancel(self.store, customer, self.origin(key, request, by), immediate=immediate)


class HumanDesk(Desk):
    """Where requests wait for a person."""

    def __init__(self, database: str = "support/desk.db") -> None:
        super().__init__(database)
