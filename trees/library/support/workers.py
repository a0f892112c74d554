"""The workers: each takes requests of some kinds, and does them by calling tools. They keep nothing.

A worker that dies and gets its task again calls the same tools with the same keys, and comes to the same
answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import TypeAdapter
from pydantic_core import to_jsonable_python

from ....agents.agent import Agent, NeedsHuman
from ....runtime.task import Outcome
from . import answers
from .errors import Refused
from .intents import Intent, Kind
from .language import understand
from .records import (
    Cancellation,
    Duplicate,
    Payment,
    Plan,
    PlanChange,
    Price,
    Quote,
    Refund,
    Subscription,
    Wish,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ....runtime.task import Task

__all__ = ["BillingWorker", "SalesWorker"]

T = TypeVar("T")

FOR_A_PERSON: Final = frozenset({"several_subscriptions", "nothing_unused"})
"""The rules whose refusal is no answer: a person may see more than the books."""
UNANSWERABLE: Final = frozenset({"unknown_customer"})
"""The rules whose refusal means that the request cannot be worked at all."""


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


class Clerk(Agent):
    """A worker. What is refused is an answer, a case for a person, or the end of the request, by the rule."""

    async def handle(self, task: Task) -> Any:
        """Does one request; the output has the sentence for the customer as its `answer`."""
        try:
            return await self.work(Request.of(task))
        except Refused as refusal:
            if refusal.rule in UNANSWERABLE:
                return Outcome(task.id, "failed", {"answer": str(refusal)}, error=str(refusal))
            if refusal.rule in FOR_A_PERSON:
                return NeedsHuman(str(refusal), {"answer": str(refusal)})
            return {"answer": str(refusal), "refused": refusal.rule}

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
        if not still:
            return {"answer": answers.not_charged_twice(found), "duplicates": [], "refunds": []}
        return await self._give_back(request, still)

    async def _duplicates(self, request: Request) -> tuple[Duplicate, ...]:
        found = await self.call("payments.find_duplicates", customer=request.customer, request=request.key)
        return typed(tuple[Duplicate, ...], found)

    async def _give_back(self, request: Request, duplicates: Sequence[Duplicate]) -> dict[str, Any]:
        refunds = [await self._refund_one(request, duplicate.payment.id) for duplicate in duplicates]
        return {
            "answer": answers.charged_twice(duplicates, refunds),
            "duplicates": [duplicate.payment.id for duplicate in duplicates],
            "refunds": to_jsonable_python(refunds),
        }

    async def _refund_one(self, request: Request, payment: int) -> Refund:
        told = {"payment": payment, "reason": "charged twice", "request": request.key, "by": self.path}
        return typed(Refund, await self.call("payments.refund", **told))

    async def _refund(self, request: Request) -> Any:
        """Gives back what the rules allow: unused days, or duplicates. A person decides about the rest."""
        told = {"customer": request.customer, "request": request.key, "by": self.path}
        try:
            refund = typed(Refund, await self.call("payments.refund_unused", **told))
        except Refused as refusal:
            if refusal.rule != "nothing_unused":
                raise
        else:
            return {"answer": answers.unused_refunded(refund), "refunds": [to_jsonable_python(refund)]}
        still = [duplicate for duplicate in await self._duplicates(request) if not duplicate.settled]
        if still:
            return await self._give_back(request, still)
        charges = await self.call("payments.list_charges", customer=request.customer)
        reason = "no rule allows this refund: nothing was charged twice, and no subscription was just ended"
        return NeedsHuman(reason, {"answer": answers.refund_undecided(), "charges": charges})

    async def _charges(self, request: Request) -> dict[str, Any]:
        charges = await self.call("payments.list_charges", customer=request.customer)
        sentences = [answers.charges(typed(tuple[tuple[Payment, Refund | None], ...], charges))]
        try:
            current = await self.call("catalogue.current", customer=request.customer)
        except Refused as refusal:
            sentences.append(str(refusal))
        else:
            sentences.append(answers.next_charge(typed(Subscription, current)))
        return {"answer": answers.combined(sentences), "charges": charges}


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
        change = await self.call("catalogue.change_plan", **told)
        return {"answer": answers.plan_changed(typed(PlanChange, change)), "change": change}

    async def _cancel(self, request: Request) -> dict[str, Any]:
        told = {"customer": request.customer, "request": request.key, "by": self.path}
        done = await self.call("catalogue.cancel", immediate=request.intent.when == "now", **told)
        return {"answer": answers.canceled(typed(Cancellation, done)), "cancellation": done}

    async def _prices(self, request: Request) -> dict[str, Any]:
        intent = request.intent
        listed = await self.call("catalogue.plans", customer=request.customer)
        sentences = [answers.prices(typed(tuple[tuple[Plan, tuple[Price, ...]], ...], listed), intent.plans)]
        if intent.plan is not None:
            sentences.append(await self._quote(request))
        return {"answer": answers.combined(sentences)}

    async def _quote(self, request: Request) -> str:
        """Returns what the change would be, or why there could be none."""
        intent = request.intent
        told = {"customer": request.customer, "plan": intent.plan, "interval": intent.interval}
        try:
            return answers.quoted(typed(Quote, await self.call("catalogue.quote", **told)))
        except Refused as refusal:
            if refusal.rule in UNANSWERABLE:
                raise
            return str(refusal)


def typed(kind: type[T], plain: Any) -> T:
    """Returns a tool's plain result as what it was: records instead of dicts, days instead of texts."""
    value: T = _reader(kind).validate_python(plain)
    return value


_reader: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
