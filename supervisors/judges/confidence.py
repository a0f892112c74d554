"""A judge: a threshold for the confidence that the agent itself states."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar

from ..checks import check, is_share
from .judge import JudgeSpec, check_judge, verdict_on
from .plain import MISSING, NotPlain, field_of, is_path, plain, shown

if TYPE_CHECKING:
    from ...runtime.evidence import Verdict
    from ...runtime.system import ActorSystem
    from .judge import Submission

__all__ = ["ConfidenceJudge"]


@dataclass(frozen=True, slots=True)
class ConfidenceJudge(JudgeSpec):
    """Accepts an output that says how sure it is, and is sure enough. The confidence is the verdict's score.

    Attributes:
        least: the confidence that is enough, more than 0.0, at most 1.0.
        field: the path of the field that says it, a number from 0 to 1. An output without it is rejected.

    Raises:
        InvalidSpec: a value is not legal.
    """

    least: float = 0.7
    field: str = "confidence"
    _: KW_ONLY
    name: str = "confidence"
    cost: float = 1.0

    at_once: ClassVar[bool] = True

    def __post_init__(self) -> None:
        check_judge(self)
        check(f"least of the judge {self.name!r}", self.least, is_share(self.least), "a number above 0, at most 1")
        check(f"field of the judge {self.name!r}", self.field, is_path(self.field), "a path, as answer.confidence")

    async def judge(self, submission: Submission, system: ActorSystem) -> Verdict:  # noqa: ARG002 - as all judges
        """Accepts a number that is high enough."""
        try:
            value = field_of(plain(submission.output), self.field)
        except NotPlain as error:
            return verdict_on(self.name, [str(error)])
        if isinstance(value, Decimal):
            value = float(value)
        if value is MISSING or value is None:
            return verdict_on(self.name, [f"{self.field} is missing: expected a number from 0 to 1"])
        if not is_share(value, zero=True):
            return verdict_on(self.name, [f"{self.field} is {shown(value)}: expected a number from 0 to 1"])
        low = [f"{self.field} is {value:g}: expected at least {self.least:g}"] if value < self.least else []
        return verdict_on(self.name, low, float(value))
