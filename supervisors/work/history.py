"""What has become of one task at one child so far, and the outcome that can be made of it. No clock, no waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...runtime.copies import changed
from ...runtime.evidence import AttemptRecord, Evidence
from ...runtime.task import Outcome, Part, Usage
from ...runtime.usage import NO_USAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ...runtime.evidence import Verdict
    from ...runtime.task import Status
    from ..failures.failure import Failure

__all__ = ["History"]


class History:
    """The tries of one child at one task, and what others did to it.

    Attributes:
        partial: the last that there was of an output, from a try that did not come to its end. Nobody has judged it.
        passed: as much of it as may go on.
        crashes: how many incarnations were lost over it.
        failure: the last one, or None.
        said: the outcome of the last try, if the child itself said that it has failed.
    """

    __slots__ = (
        "_attempts",
        "_error",
        "_own",
        "_parts",
        "_path",
        "_task_id",
        "_tries",
        "crashes",
        "failure",
        "partial",
        "passed",
        "said",
    )

    def __init__(self, task_id: str, path: str) -> None:
        self._task_id = task_id
        self._path = path
        self._attempts: list[AttemptRecord | tuple[Any, ...]] = []
        """Those of others, and what its own are made of: most are never asked for."""
        self._parts: list[Part] = []
        self._own = NO_USAGE
        self._error: str | None = None
        self._tries = 0
        self.partial: Any = None
        self.passed: Any = None
        self.crashes = 0
        self.failure: Failure | None = None
        self.said: Outcome | None = None

    @property
    def spent(self) -> Usage:
        """What the child's own tries have cost."""
        return self._own

    def tried(
        self,
        attempt: int,
        rung: str,
        seconds: float,
        usage: Usage,
        failure: Failure | None = None,
        verdicts: tuple[Verdict, ...] = (),
    ) -> None:
        """Notes the end of one try of the child."""
        self._tries += 1
        self._own += usage
        kind, error, crashed = (failure.kind, failure.error, failure.crashed) if failure else (None, None, False)
        self.crashes += crashed
        self._error = error
        self._attempts.append((self._path, attempt, rung, kind, error, crashed, seconds, usage, verdicts))

    def judged(self, usage: Usage, *, accepted: bool) -> None:
        """Notes what judges have made of what there is of an output, and what that has cost."""
        self._own += usage
        self.partial = self.passed = self.partial if accepted else None
        if not accepted:
            self.rejected()

    def rejected(self) -> None:
        """Notes that judges rejected what may be made of what others have said."""
        self._parts = [changed(part, output=None) for part in self._parts]

    def worked(self, parts: Iterable[Part]) -> None:
        """Notes what others have done for the child."""
        self._parts += parts

    def handed_over(self, outcome: Outcome) -> None:
        """Notes what another one made of the task."""
        self._parts += outcome.parts
        if outcome.evidence is not None:
            self._attempts += outcome.evidence.attempts
        if outcome.output is not None and outcome.status in ("partial", "failed"):
            self.partial = outcome.output

    def evidence(self, breakers: Mapping[str, str]) -> Evidence:
        """Returns all that is known."""
        records = tuple(AttemptRecord(*one) if isinstance(one, tuple) else one for one in self._attempts)
        spent = sum((record.usage for record in records), NO_USAGE)
        reason = "" if self.failure is None else self.failure.kind
        return Evidence(records, spent, self.passed, breakers, reason)

    def outcome(self, made: Outcome, seconds: float, **more: Any) -> Outcome:
        """Returns an outcome of the child's own with all its tries, and `more`, in it: its own part comes last."""
        own = [part for part in made.parts if part.agent == self._path]
        output = own[-1].output if own else (None if made.parts else made.output)
        part = Part(self._path, made.status, max(1, self._tries), output, seconds, made.error, self._own)
        return self._made(made, (*self._parts, part), seconds, **more)

    def failed(self, said: Outcome, output: Any, seconds: float) -> Outcome:
        """Returns an outcome in which the child itself said that it has failed, with what may go on of its output."""
        others = tuple(part for part in said.parts if part.agent != self._path)
        kept = said.output is not None or output is None
        return self.outcome(
            changed(said, status=said.status if kept else "partial", output=output, parts=others), seconds
        )

    def others(self, made: Outcome, seconds: float) -> Outcome:
        """Returns the outcome that another one reached, behind the child's own failed part."""
        part = Part(self._path, "failed", self._tries, None, seconds, self._error, self._own)
        return self._made(made, (part, *self._parts) if self._tries else tuple(self._parts), seconds)

    def ended(self, status: Status, error: str, seconds: float, output: Any = None) -> Outcome:
        """Returns the outcome of a task that nobody did."""
        failure = None if self.failure is None else self.failure.kind
        made = Outcome(self._task_id, status, output, error=error, failure=failure)
        part = Part(self._path, status, self._tries, None, seconds, error, self._own)
        return self._made(made, (*self._parts, part), seconds)

    def _made(self, made: Outcome, parts: tuple[Part, ...], seconds: float, **more: Any) -> Outcome:
        usage = sum([part.usage for part in parts], NO_USAGE)
        return changed(made, task_id=self._task_id, parts=parts, usage=usage, seconds=seconds, **more)
