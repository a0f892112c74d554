"""The auditor: holds what others say against the books, with a connection of its own. It is a judge.

A worker may be wrong in a way that its report does not show: by itself, it is consistent. Whether a refund that
it speaks of is there, and whether one is there that it does not speak of, only the books can say.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from ....supervisors.judges.agent_judge import JUDGE
from ..support import catalogue
from .claims import concealed, unfounded
from .desks import DATABASE, Bookkeeper
from .errors import Refused
from .payments import WITHIN
from .people import DEFAULT_CUSTOMER
from .periods import day_of
from .records import Done, Facts, Wish, all_of
from .schemas import Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from ....runtime.task import Task
    from .records import Interval, Price, Quote
    from .store import Store

__all__ = ["Auditor", "Books"]

_ALL: Final = -1
"""The limit of a query that has none."""
_NOT_TWICE: Final = re.compile(r"\bnot charged twice\b|\bno other duplicate\b")
_PLAN: Final = re.compile(r"\byou are on the (\w+) plan\b", re.IGNORECASE)
_TO_A_PERSON: Final = re.compile(r"\bcolleague\b")
_INTERVALS: Final[tuple[Interval, ...]] = ("monthly", "yearly")


class Auditor(Bookkeeper):
    """Accepts a `Report`, or the text for a customer, that says what the books say.

    Args:
        database, seed: as of every bookkeeper.
        customer: whose request it is where the request does not say.
    """

    def __init__(self, database: str = DATABASE, seed: int = 1, customer: int = DEFAULT_CUSTOMER) -> None:
        super().__init__(database, seed)
        self._customer = customer

    def handle(self, task: Task) -> dict[str, Any]:
        """Returns the verdict on the output that the task has in it."""
        request = task.idempotency_key.rpartition(f"/{JUDGE}/")[0]
        customer = task.context.get("customer_id", self._customer)
        books = Books(self.store, customer, request, day_of(self.system.clock.time()))
        output = task.input["output"]
        faults = books.faults_of_text(output) if isinstance(output, str) else _faults_of_report(output, books)
        told = "; ".join(faults)
        return {"accepted": not told, "reason": told}


def _faults_of_report(output: Any, books: Books) -> Iterator[str]:
    try:
        report = Report.model_validate(output)
    except ValidationError as error:
        yield f"it is no report: {error.error_count()} faults"
    else:
        yield from books.faults_of_report(report)


class Books:
    """What the books say of one customer and one request, on one day.

    Args:
        store: the books.
        customer: a number; anything else is a customer whom they do not know.
        request: the key of the request.
        today: the day, for what a change of plan would cost.
    """

    def __init__(self, store: Store, customer: Any, request: str, today: date) -> None:
        self._store = store
        self._customer = int(customer) if str(customer).isdecimal() else 0
        self._request = request
        self._today = today
        self._done = store.done_for(request)

    def faults_of_report(self, report: Report) -> Iterator[str]:
        """Yields what a report says otherwise than the books."""
        if report.done != self._done:
            yield f"it says that {_numbers(report.done)} was done, and the books say {_numbers(self._done)}"
        there = set(all_of(self._facts()))
        for record in all_of(report.told, report.known):
            if record not in there:
                yield f"customer {self._customer} has no {record}"
        yield from self._faults_of_words(report.answer)

    def faults_of_text(self, text: str) -> Iterator[str]:
        """Yields what a text says otherwise than the books. It may leave out what it leaves to a person."""
        yield from unfounded(text, self._done, self._facts())
        if not _TO_A_PERSON.search(text):
            yield from concealed(text, self._done, Facts())
        yield from self._faults_of_words(text)

    def _faults_of_words(self, text: str) -> Iterator[str]:
        if _NOT_TWICE.search(text) and any(not one.settled for one in self._duplicates()):
            yield "something was charged twice, and has not come back"
        plans = {one.plan for one in self._store.subscriptions(self._customer)}
        yield from (f"the customer is not on the {plan} plan" for plan in _PLAN.findall(text) if plan not in plans)

    def _duplicates(self) -> tuple[Any, ...]:
        return self._store.duplicates(self._customer, WITHIN, self._request)

    def _facts(self) -> Facts:
        """Returns everything about the customer that an answer may rest on."""
        customer, store = self._customer, self._store
        payments, refunds = store.payments(customer, _ALL), store.refunds(customer)
        return Facts(payments, refunds, tuple(self._prices()), tuple(self._quotes()))

    def _prices(self) -> Iterator[Price]:
        try:
            for _, prices in catalogue.plan_list(self._store, self._customer):
                yield from prices
        except Refused:
            return

    def _quotes(self) -> Iterator[Quote]:
        wishes = [Wish(plan.id, interval) for plan in self._store.plans() for interval in (None, *_INTERVALS)]
        for wish in (*wishes, *(Wish(None, interval) for interval in _INTERVALS)):
            try:
                yield catalogue.quote(self._store, self._customer, wish, self._today)
            except Refused:
                continue


def _numbers(done: Done) -> str:
    """Returns what was done as a few words."""
    words = (f"{name} {[one.id for one in getattr(done, name)]}" for name in ("refunds", "changes", "cancellations"))
    return ", ".join(word for word in words if not word.endswith("[]")) or "nothing"
