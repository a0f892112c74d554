"""What workers hand in, as models: the shape of an answer, and what has to be true of it by itself."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from .claims import concealed, unfounded
from .records import Done, Facts

__all__ = ["Report"]


class Report(BaseModel):
    """What a worker says, and what that rests on.

    It is not valid if the answer claims what neither `done` nor the facts have in them, or leaves out
    something that was done.

    Attributes:
        answer: for the customer.
        customer_id: whose request it is, as the request said it.
        refused: the rule by which it was refused, where it was.
        done: what was written on behalf of the request.
        told: the facts that the answer is about: each of them is in it.
        known: other facts that may be in it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    answer: str = Field(min_length=1)
    customer_id: int | str | None
    refused: str | None = None
    done: Done = Done()
    told: Facts = Facts()
    known: Facts = Facts()

    @model_validator(mode="after")
    def _honest(self) -> Self:
        faults = [
            *unfounded(self.answer, self.done, self.told, self.known),
            *concealed(self.answer, self.done, self.told),
        ]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def plain(self) -> dict[str, Any]:
        """Returns it as an output: data as JSON has it, without what is empty."""
        return self.model_dump(mode="json", exclude_defaults=True)
