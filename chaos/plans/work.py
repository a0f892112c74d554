"""What a tree is asked while things go wrong: the requests of a plan, and the times at which they are given."""

# ruff: noqa: TC001 - pydantic reads the annotations while the program runs

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from ...trees.base import Spec
from ...trees.values import Anything, Count, Facts, Id, Number, PositiveDuration, Text
from .amounts import Span
from .fields import Moment, PositiveSpan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["NUMBER", "Asked", "Work", "asked"]

NUMBER = "{n}"
"""Stands for the number of a request, from 1, in the texts of a work."""


class Work(Spec):
    """Requests that are given to the tree, one like the other."""

    id: Id | None = Field(
        None,
        description="What its requests are called in reports; `request` if the key is absent.",
        examples=["refund"],
    )
    input: Anything = Field(
        description="The request; `{n}` in a text is its number, from 1.", examples=["refund order {n}"]
    )
    to: Text | None = Field(
        None,
        description="The path of the agent that gets it; the tree's `entry` if the key is absent.",
        examples=["support/front-desk"],
    )
    context: Facts = Field(
        default_factory=dict,
        description="Named facts for the agents; `{n}` as in `input`.",
        examples=[{"customer_id": "c-{n}"}],
    )
    key: Text | None = Field(
        None,
        description="The idempotency key; `{n}` as in `input`; the task's own id if the key is absent.",
        examples=["order-{n}"],
    )
    deadline: PositiveDuration | None = Field(
        300.0, description="After how long an answer is worth nothing any more; null: there is no end."
    )
    times: Count = Field(1, ge=1, le=100_000, description="How many there are.", examples=[20])
    at: Moment = Field(
        default_factory=lambda: Span(0.0, 0.0),
        description="When the first of them is given, or a range to draw it from; at once if the key is absent.",
        examples=["10s", "0s..60s"],
    )
    every: PositiveSpan | None = Field(
        None,
        description="The time from one to the next, or a range to draw it from; all at once if the key is absent.",
        examples=["2s", "1s..5s"],
    )
    chance: Number = Field(
        1.0,
        gt=0,
        le=1,
        description="In what share of the seeds they are given at all; in a run without faults they always are.",
        examples=[0.5],
    )


class Asked(NamedTuple):
    """One request: its name, unique in the plan, the seconds after which it is given, and what is given."""

    name: str
    at: float
    input: Any
    to: str | None
    context: dict[str, Any]
    key: str
    deadline: float | None


@dataclass(slots=True)
class _Names:
    """Gives each request a name; those of works without an id are numbered through."""

    unnamed: int = 0

    def next(self, work: Work, number: int) -> str:
        if work.id is None:
            self.unnamed += 1
            return f"request {self.unnamed}"
        return f"{work.id} {number}" if work.times > 1 else work.id


def asked(works: Sequence[Work], source: random.Random, *, every: bool = False) -> list[Asked]:
    """Returns all requests in the order of their times; those at one time in the order of the plan.

    Each work draws its times from a stream of its own, made from `source`, and then whether it is there, unless `every`
    one is; one at least is.
    """
    names, base = _Names(), source.getrandbits(64)
    given: list[list[Asked]] = []
    left_out: list[list[Asked]] = []
    for number, work in enumerate(works):
        own = random.Random(f"{base}/{work.id or number}")  # noqa: S311 - seeded, not secret
        requests = [*_requests(work, names, own)]
        is_there = every or work.chance == 1 or own.random() < work.chance
        (given if is_there else left_out).append(requests)
    if left_out and not given:
        given.append(left_out[source.randrange(len(left_out))])
    return sorted((request for requests in given for request in requests), key=lambda request: request.at)


def _requests(work: Work, names: _Names, source: random.Random) -> Iterator[Asked]:
    at = work.at.draw(source)
    for number in range(1, work.times + 1):
        yield Asked(
            name=names.next(work, number),
            at=at,
            input=_numbered(work.input, number),
            to=work.to,
            context=_numbered(work.context, number),
            key=_numbered(work.key, number) or "",
            deadline=work.deadline,
        )
        at += work.every.draw(source) if work.every else 0.0


def _numbered(value: Any, number: int) -> Any:
    """Returns data with the number in its texts."""
    if isinstance(value, str):
        return value.replace(NUMBER, str(number))
    if isinstance(value, dict):
        return {key: _numbered(item, number) for key, item in value.items()}
    return [_numbered(item, number) for item in value] if isinstance(value, list) else value
