"""One try of one incarnation at a task: the reply that it owes, and the time that it has for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from ...runtime.reply import Reply
from ...runtime.usage import NO_USAGE
from ..work_errors import BreakerOpen, BudgetExceeded, TaskHung

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.cell import Cell
    from ...runtime.clock import TimerHandle
    from ...runtime.task import Task, Usage

__all__ = ["Attempt", "Books", "NotNow"]


class NotNow(Exception):
    """The handler may not begin yet: the task has killed before, and one more death could not be borne."""


class Books(Protocol):
    """What an attempt asks of whoever answers for it."""

    def let_begin(self) -> None:
        """Raises `BreakerOpen` or `NotNow` if the handler is not to begin after all."""

    def failed(self, error: BaseException) -> None:
        """Hears why there is no answer, before anything else of the child's can happen."""

    def charge(self, usage: Usage) -> None:
        """Takes what has been spent. Raises `BudgetExceeded` if a budget is passed."""

    def left(self, *, killed: bool) -> None:
        """Hears that no handler is at it any more; `killed`: since its incarnation had to be ended over it."""


class Attempt(Reply):
    """The reply to one try. On the runtime's loop.

    It fails with `TaskHung` if the handler takes longer than `seconds`, or gives no sign of life for `idle`
    seconds, both from its begin on, not from that of the wait in the mailbox; and `until` that monotonic time in
    any case. A handler that is still at it when
    nobody waits any more has the system's kill grace to end; then its incarnation is killed.

    Attributes:
        posted, begun: monotonic times at which it went into the mailbox, and at which the handler got it.
        incarnation: which one's handler got it.
        heard: monotonic time of the last sign of life, the begin included.
        ended: monotonic time at which it was answered, or nobody waited any more.
        partial: what there is of an output.
        spent: what the handler has charged so far.
    """

    def __init__(
        self,
        cell: Cell,
        task: Task,
        books: Books,
        *,
        seconds: float | None = None,
        idle: float | None = None,
        until: float | None = None,
    ) -> None:
        super().__init__(loop=cell.loop)
        self.task = task
        self.posted = cell.system.clock.monotonic()
        self.begun: float | None = None
        self.incarnation: int | None = None
        self.heard: float | None = None
        self.ended: float | None = None
        self.partial: Any = None
        self.spent = NO_USAGE
        self._cell = self.inside = cell
        self._books = books
        self._warned = False
        self._seconds = seconds
        self._idle = idle
        self._until = until
        self._timers: dict[Any, TimerHandle] = {}
        self._waiting: Callable[[], object] | None = None
        self.add_done_callback(self._over)

    def post(self) -> None:
        """Puts the task into the mailbox."""
        if self._until is not None:
            left = max(0.0, self._until - self.posted)
            self._later(left, self._too_late, left)
        self._cell.deliver((self.task, self))

    def limit_cost(self, seconds: float, error: BaseException) -> None:
        """Fails after so many seconds with that error: no more of them are paid for."""
        self._later(seconds, self.fail, error)

    def begin(self) -> bool:
        """Notes that the handler gets it; False if nobody waits any more, or it may not begin after all."""
        if not super().begin() or not self._may_begin():
            return False
        self.begun = self.heard = self._now()
        self.incarnation = self._cell.incarnation
        if self._seconds is not None:
            self._later(self._seconds, self._slow, self._seconds)
        if self._idle is not None:
            self._later(self._idle, self._listen, self._idle)
        return True

    def beat(self, partial: Any) -> None:
        """Takes a sign of life, and what there is of an output if anything is said of it."""
        self.heard = self._now()
        if partial is not None:
            self.partial = partial

    def then(self, callback: Callable[[], object]) -> None:
        """Calls back, once: at once when there is an answer; or in the next turn, when there will be none any more.

        What failed the try may be a death that is just under way: it has come to its end by then.
        """
        self._waiting = callback

    def resolve(self, value: Any) -> None:
        """Settles with a value, unless it is settled, and lets whoever waits for it go on at once."""
        if not self.done():
            super().resolve(value)
            self._call_back()

    def _call_back(self) -> None:
        then, self._waiting = self._waiting, None
        if then is not None:
            then()

    def fail(self, error: BaseException) -> None:
        """Settles with an error, unless it is settled."""
        if not self.done():
            super().fail(error)
            self._books.failed(error)

    def charge(self, usage: Usage) -> None:
        """Takes what the handler has spent. Raises `BudgetExceeded` as soon as a budget is passed.

        Nobody waits any more for a handler that goes on all the same.
        """
        self.spent += usage
        try:
            self._books.charge(usage)
        except BudgetExceeded as error:
            if self._warned:
                self.fail(error)
            self._warned = True
            raise

    def _may_begin(self) -> bool:
        try:
            self._books.let_begin()
        except (BreakerOpen, NotNow) as error:
            self.fail(error)
            return False
        return True

    def _too_late(self, seconds: float) -> None:
        self.fail(TaskHung(f"{self._cell.path}: no answer", seconds))

    def _slow(self, seconds: float) -> None:
        self.fail(TaskHung(f"{self._cell.path}: no answer", seconds))

    def _listen(self, idle: float) -> None:
        """Fails if no sign of life came; else listens again until the next one would be late."""
        assert self.heard is not None  # noqa: S101 - `begin` set it before it set the timer
        left = self.heard + idle - self._now()
        if left > 0:
            self._later(left, self._listen, idle)
        else:
            self.fail(TaskHung(f"{self._cell.path}: no sign of life", idle))

    def _over(self, _: object) -> None:
        self.ended = self._now()
        for timer in self._timers.values():
            timer.cancel()
        if not self._in_hand():
            self._books.left(killed=False)
        elif self._cell.worker is not None:  # nothing can be cancelled there: waiting would only hold the others up
            self._cut_off()
        else:
            system = self._cell.system
            system.clock.call_later(system.kill_grace, self._cut_off)
        self._call_back()

    def _cut_off(self) -> None:
        unwanted = self._in_hand()
        if unwanted:
            error = None if self.cancelled() else self.exception()
            hung = TaskHung(f"{self._cell.path}: no end of what nobody waits for", self._cell.system.kill_grace)
            self._cell.kill(error if isinstance(error, TaskHung) else hung)
        self._books.left(killed=unwanted)

    def _in_hand(self) -> bool:
        current = self._cell.current
        return current is not None and current[1] is self

    def _later(self, seconds: float, func: Any, *args: Any) -> None:
        earlier = self._timers.get(func)
        if earlier is not None:  # a task that was put aside begins once more
            earlier.cancel()
        self._timers[func] = self._cell.system.clock.call_later(seconds, func, *args)

    def _now(self) -> float:
        return self._cell.system.clock.monotonic()
