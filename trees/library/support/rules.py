"""The rule agents: they answer where a worker cannot. They look into the books, and change nothing.

What was done on behalf of the request, by whoever had it before, they report as done; what was not, as open;
and where anything is open, a person is asked. They share no code with the workers but the reading of a request:
what is wrong there is not wrong here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ....agents.agent import NeedsHuman
from ..support import answers
from .errors import Refused
from .intents import Kind
from .records import Done, Duplicate, Facts, Payment, Plan, Price, Refund, Subscription
from .workers import Clerk, typed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .workers import Request

__all__ = ["BillingRules", "SalesRules"]

OPEN = "the worker could not do it, and the rules may not"


class BillingRules(Clerk):
    """Says what was charged, what was charged twice, and what of that has come back."""

    async def work(self, request: Request) -> Any:
        """Answers by the rules."""
        match request.intent.kind:
            case Kind.DOUBLE_CHARGE | Kind.REFUND:
                return await self._standing(request)
            case Kind.CHARGES:
                found = await self.call("payments.list_charges", customer=request.customer)
                listed = typed(tuple[tuple[Payment, Refund | None], ...], found)
                told = Facts(tuple(payment for payment, _ in listed))
                known = Facts(refunds=tuple(refund for _, refund in listed if refund))
                return request.report(answers.charges(listed), told=told, known=known)
        return await super().work(request)

    async def _standing(self, request: Request) -> Any:
        done = typed(Done, await self.call("payments.done_for", request=request.key))
        asked = {"customer": request.customer, "request": request.key}
        found = typed(tuple[Duplicate, ...], await self.call("payments.find_duplicates", **asked))
        still = tuple(one for one in found if not one.settled and one.refund is None)
        if request.intent.kind is Kind.DOUBLE_CHARGE and not done.refunds and not still:
            settled = tuple(one.refund for one in found if one.refund)
            return request.report(answers.not_charged_twice(found), known=Facts(refunds=settled))
        report = request.report(_said(done, still), done=done, told=Facts(tuple(one.payment for one in still)))
        return report if done.refunds and not still else NeedsHuman(OPEN, report)


def _said(done: Done, still: Sequence[Duplicate]) -> str:
    """Says what was given back, and what was not."""
    if not done.refunds and not still:
        return answers.nothing_refunded()
    sentences = [answers.refunded(done.refunds)] if done.refunds else []
    return answers.combined([*sentences, answers.not_yet_refunded(still)] if still else sentences)


class SalesRules(Clerk):
    """Says what plans cost, what the customer has, and what of the request was done."""

    async def work(self, request: Request) -> Any:
        """Answers by the rules."""
        match request.intent.kind:
            case Kind.PLAN_CHANGE | Kind.CANCELLATION:
                return await self._standing(request)
            case Kind.PRICES:
                found = await self.call("catalogue.plans", customer=request.customer)
                listed = typed(tuple[tuple[Plan, tuple[Price, ...]], ...], found)
                told = Facts(prices=tuple(price for _, prices in listed for price in prices))
                return request.report(answers.prices(listed), told=told)
        return await super().work(request)

    async def _standing(self, request: Request) -> Any:
        done = typed(Done, await self.call("catalogue.done_for", request=request.key))
        if done.changes or done.cancellations:
            said = [*map(answers.plan_changed, done.changes), *map(answers.canceled, done.cancellations)]
            return request.report(answers.combined(said), done=done)
        return NeedsHuman(OPEN, request.report(await self._unchanged(request)))

    async def _unchanged(self, request: Request) -> str:
        try:
            current = await self.call("catalogue.current", customer=request.customer)
        except Refused as refusal:
            return str(refusal)
        return answers.not_changed(typed(Subscription, current))
