"""The workers: each takes requests of some kinds, and does them by calling tools. They keep nothing.

A worker that dies and gets its task again calls the same tools with the same keys, and comes to the same
answer. What it hands in is a `Report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter

from ....agents.agent import Agent, NeedsHuman
from ....supervisors.work_errors import ModelRetry
from ..support import answers
from .errors import Refused
from .intents import Intent, Kind
from .language import understand
from .records import (
    Cancellation,
    Done,
    Duplicate,
    Facts,
    Payment,
    Plan,
    PlanChange,
    Price,
    Quote,
    Refund,
    Subscription,
    Wish,
)
from .schemas import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ....runtime.task import Task

__all__ = ["BillingWorker", "Clerk", "Request", "SalesWorker", "typed"]

T = TypeVar("T")

FOR_A_PERSON: Final = frozenset({"several_subscriptions", "nothing_unused"})
"""The rules whose refusal is no answer: a person may see more than the books."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a worker is asked, and by whom."""

    customer: int
    intent: Intent
    key: str

    @classmethod
    def of(cls, task: Task) -> Request:
        """Reads a task of the triage's, or a plain text. Raises `Refused` if nobody knows whom it is from."""
        given = task.input
        intent = understand(given)[0] if isinstance(given, str) else typed(Intent, given)
        customer = task.context.get("customer_id")
        if not str(customer).isdecimal():
            raise Refused("unknown_customer", f"The customer is {customer!r}: expected a number, such as 1001.")
        return cls(int(str(customer)), intent, task.idempotency_key)

    def report(self, answer: str, **facts: Any) -> dict[str, Any]:
        """Returns a report on it, as an output."""
        return _report(self.customer, answer, **facts)


class Clerk(Agent):
    """A worker. What is refused is an answer, or a case for a person, by the rule."""

    async def handle(self, task: Task) -> Any:
        """Does one request; the output is a `Report`."""
        try:
            return await self.work(Request.of(task))
        except Refused as refusal:
            customer = task.context.get("customer_id")
            report = _report(customer, str(refusal), refused=refusal.rule, known=refusal.known)
            return NeedsHuman(str(refusal), report) if refusal.rule in FOR_A_PERSON else report

    async def work(self, request: Request) -> Any:
        """Does one request. Raises `Refused`."""
        return NeedsHuman(f"{self.path} does not know how to do {request.intent.kind}")


class BillingWorker(Clerk):
    """Looks into charges, and has refunded what was charged twice."""

    async def work(self, request: Request) -> Any:
        """Does `DOUBLE_CHARGE`, `REFUND` and `CHARGES`."""
        match request.intent.kind:
            case Kind.DOUBLE_CHARGE:
                return await self._double_charge(request)
            case Kind.REFUND:
                return await self._refund(request)
            case Kind.CHARGES:
                return await self._charges(request)
        return await super().work(request)

    async def _double_charge(self, request: Request) -> dict[str, Any]:
        found = await self._duplicates(request)
        still = [duplicate for duplicate in found if not duplicate.settled]
        if still:
            return await self._give_back(request, still)
        settled = tuple(duplicate.refund for duplicate in found if duplicate.refund)
        return request.report(answers.not_charged_twice(found), known=Facts(refunds=settled))

    async def _duplicates(self, request: Request) -> tuple[Duplicate, ...]:
        found = await self.call("payments.find_duplicates", customer=request.customer, request=request.key)
        return typed(tuple[Duplicate, ...], found)

    async def _give_back(self, request: Request, duplicates: Sequence[Duplicate]) -> dict[str, Any]:
        refunds = tuple([await self._refund_one(request, duplicate.payment.id) for duplicate in duplicates])
        given = Facts(payments=tuple(duplicate.payment for duplicate in duplicates))
        return request.report(answers.charged_twice(duplicates, refunds), done=Done(refunds=refunds), told=given)

    async def _refund_one(self, request: Request, payment: int) -> Refund:
        told = {"customer": request.customer, "payment": payment, "request": request.key, "by": self.path}
        try:
            return typed(Refund, await self.call("payments.refund", **told))
        except Refused as refusal:
            if refusal.rule == "no_duplicate":  # it came as one: what came was not what there is
                raise ModelRetry(str(refusal)) from refusal
            raise

    async def _refund(self, request: Request) -> Any:
        """Gives back what the rules allow: unused days, or duplicates. A person decides about the rest."""
        told = {"customer": request.customer, "request": request.key, "by": self.path}
        try:
            refund = typed(Refund, await self.call("payments.refund_unused", **told))
        except Refused as refusal:
            if refusal.rule != "nothing_unused":
                raise
        else:
            return request.report(answers.unused_refunded(refund), done=Done(refunds=(refund,)))
        still = [duplicate for duplicate in await self._duplicates(request) if not duplicate.settled]
        if still:
            return await self._give_back(request, still)
        account = charged(await self._listed(request))
        reason = "no rule allows this refund: nothing was charged twice, and no subscription was just ended"
        return NeedsHuman(reason, request.report(answers.refund_undecided(), known=account))

    async def _listed(self, request: Request) -> tuple[tuple[Payment, Refund | None], ...]:
        found = await self.call("payments.list_charges", customer=request.customer)
        return typed(tuple[tuple[Payment, Refund | None], ...], found)

    async def _charges(self, request: Request) -> dict[str, Any]:
        listed = await self._listed(request)
        account, sentences = charged(listed), [answers.charges(listed)]
        try:
            current = typed(Subscription, await self.call("catalogue.current", customer=request.customer))
        except Refused as refusal:
            sentences.append(str(refusal))
        else:
            sentences.append(answers.next_charge(current))
        told, known = Facts(account.payments), Facts(refunds=account.refunds)
        return request.report(answers.combined(sentences), told=told, known=known)


class SalesWorker(Clerk):
    """Tells what plans cost, changes them, and ends subscriptions."""

    async def work(self, request: Request) -> Any:
        """Does `PLAN_CHANGE`, `CANCELLATION` and `PRICES`."""
        match request.intent.kind:
            case Kind.PLAN_CHANGE:
                return await self._change_plan(request)
            case Kind.CANCELLATION:
                return await self._cancel(request)
            case Kind.PRICES:
                return await self._prices(request)
        return await super().work(request)

    async def _change_plan(self, request: Request) -> dict[str, Any]:
        intent = request.intent
        wish = Wish(intent.plan, intent.interval, intent.direction)
        told = {"customer": request.customer, "wish": wish, "request": request.key, "by": self.path}
        change = typed(PlanChange, await self.call("catalogue.change_plan", **told))
        return request.report(answers.plan_changed(change), done=Done(changes=(change,)))

    async def _cancel(self, request: Request) -> dict[str, Any]:
        told = {"customer": request.customer, "request": request.key, "by": self.path}
        done = await self.call("catalogue.cancel", immediate=request.intent.when == "now", **told)
        canceled = typed(Cancellation, done)
        return request.report(answers.canceled(canceled), done=Done(cancellations=(canceled,)))

    async def _prices(self, request: Request) -> dict[str, Any]:
        intent = request.intent
        found = await self.call("catalogue.plans", customer=request.customer)
        listed = typed(tuple[tuple[Plan, tuple[Price, ...]], ...], found)
        offer, quotes = await self._quote(request)
        told = Facts(prices=priced(listed, intent.plans), quotes=quotes)
        return request.report(answers.combined([answers.prices(listed, intent.plans), offer]), told=told)

    async def _quote(self, request: Request) -> tuple[str, tuple[Quote, ...]]:
        """Returns what the change would be, where it is clear which one, or why there could be none."""
        intent = request.intent
        if intent.plan is None:
            return "", ()
        told = {"customer": request.customer, "plan": intent.plan, "interval": intent.interval}
        try:
            quote = typed(Quote, await self.call("catalogue.quote", **told))
        except Refused as refusal:
            return str(refusal), ()
        return answers.quoted(quote), (quote,)


def _report(customer: Any, answer: str, **facts: Any) -> dict[str, Any]:
    """Returns a report as an output. It is not validated: that is for those who judge it."""
    return Report.model_construct(answer=answer, customer_id=customer, **facts).plain()


def charged(listed: Sequence[tuple[Payment, Refund | None]]) -> Facts:
    """Returns listed charges as facts."""
    return Facts(tuple(payment for payment, _ in listed), tuple(refund for _, refund in listed if refund))


def priced(listed: Sequence[tuple[Plan, Sequence[Price]]], named: Sequence[str]) -> tuple[Price, ...]:
    """Returns the prices of the plans that are named, or of all."""
    return tuple(price for plan, costs in listed for price in costs if not named or plan.id in named)


def typed(kind: type[T], plain: Any) -> T:
    """Returns a tool's plain result as what it was: records instead of dicts, days instead of texts."""
    value: T = _reader(kind).validate_python(plain)
    return value


_reader: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
