"""The auditor: holds what others say against the books, with a connection of its own. It is a judge.

A worker may be wrong in a way that its report does not show: by itself, it is consistent. Whether a refund that
it speaks of is there, and whether one is there that it does not speak of, only the books can say.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from ....supervisors.judges.agent_judge import JUDGE
from ..support import catalogue
from .claims import concealed, denied, unfounded
from .desks import DATABASE, Bookkeeper
from .errors import Refused
from .payments import CHARGED_TWICE, WITHIN
from .people import DEFAULT_CUSTOMER
from .periods import day_of
from .records import Done, Facts, Wish, all_of
from .schemas import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import date

    from ....runtime.task import Task
    from .records import Duplicate, Interval, Price, Quote
    from .store import Store

__all__ = ["TEXT", "Auditor", "Books"]

TEXT: Final = "a text for a customer"
"""The rubric under which it is no report that is judged."""

_ALL: Final = -1
"""The limit of a query that has none."""
_NOT_TWICE: Final = re.compile(r"\bnot charged twice\b|\bno other duplicate\b")
_PAYMENT: Final = re.compile(r"\bpayment (\d+)\b")
_PLAN: Final = re.compile(r"\byou are on the (\w+) plan\b", re.IGNORECASE)
_QUOTED: Final = re.compile("(?:about|pass|become of|looked into) \u201c([^\u201d]*)\u201d")
"""What the customer has asked, as an answer repeats it; what a person answers stands in quotation marks as well."""
_WORD: Final = re.compile(r"\w+")
_TO_A_PERSON: Final = re.compile(r"\bcolleague\b")
_INTERVALS: Final[tuple[Interval, ...]] = ("monthly", "yearly")


class Auditor(Bookkeeper):
    """Accepts what says what the books say: a `Report`, or, where the rubric is `TEXT`, a text for a customer.

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
        asked, output = task.input.get("request"), task.input["output"]
        is_text = task.input.get("rubric") == TEXT
        faults = _faults_of_text(output, asked, books) if is_text else _faults_of_report(output, books)
        told = "; ".join(faults)
        return {"accepted": not told, "reason": told}


def _faults_of_text(output: Any, asked: Any, books: Books) -> Iterator[str]:
    if not isinstance(output, str) or not output.strip():
        yield "it says nothing" if isinstance(output, str) else "it is no text"
        return
    yield from books.faults_of_text(output)
    there = set(_words(asked)) if isinstance(asked, str) else None
    for quoted in _QUOTED.findall(output):
        if there is not None and not there.issuperset(_words(quoted)):
            yield f"it answers \u201c{quoted}\u201d, which was not asked"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


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
        for record in self._missing(all_of(report.told, report.known)):
            yield f"customer {self._customer} has no {record}"
        yield from self._left_open(report.answer)
        yield from self._faults_of_words(report.answer)

    def faults_of_text(self, text: str) -> Iterator[str]:
        """Yields what a text says otherwise than the books. It may leave out what it leaves to a person."""
        yield from self._unfounded(text)
        yield from denied(text, self._done)
        if not _TO_A_PERSON.search(text):
            yield from concealed(text, self._done, Facts())
            yield from self._left_open(text)
        yield from self._faults_of_words(text)

    def _missing(self, records: Iterable[Any]) -> list[Any]:
        """Returns the records that the books do not have."""
        missing = list(records)
        for facts in self._sources:
            if missing:
                there = set(all_of(facts()))
                missing = [record for record in missing if record not in there]
        return missing

    def _unfounded(self, text: str) -> list[str]:
        """Returns what a text claims without ground."""
        known: list[Facts] = []
        faults: list[str] = []
        for facts in self._sources:
            known.append(facts())
            faults = list(unfounded(text, self._done, *known))
            if not faults:
                break
        return faults

    def _faults_of_words(self, text: str) -> Iterator[str]:
        if _NOT_TWICE.search(text) and any(not one.settled for one in self._duplicates):
            yield "something was charged twice, and has not come back"
        plans = {one.plan for one in self._store.subscriptions(self._customer)}
        yield from (f"the customer is not on the {plan} plan" for plan in _PLAN.findall(text) if plan not in plans)

    def _left_open(self, text: str) -> Iterator[str]:
        """Yields the duplicates that have not come back while others have, and that a text does not name."""
        if any(refund.reason == CHARGED_TWICE for refund in self._done.refunds):
            named = set(map(int, _PAYMENT.findall(text)))
            still = (one.payment.id for one in self._duplicates if not one.settled and one.refund is None)
            yield from (f"payment {id_} has not come back, and it does not say so" for id_ in still if id_ not in named)

    @cached_property
    def _duplicates(self) -> tuple[Duplicate, ...]:
        return self._store.duplicates(self._customer, WITHIN, self._request)

    # What an answer may rest on, the cheapest to find first: what comes later is looked up only where it matters.

    @property
    def _sources(self) -> tuple[Callable[[], Facts], ...]:
        return self._account, lambda: Facts(prices=tuple(self._prices())), lambda: Facts(quotes=tuple(self._quotes()))

    def _account(self) -> Facts:
        return Facts(self._store.payments(self._customer, _ALL), self._store.refunds(self._customer))

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
