"""A circuit breaker: closed, open, half-open. The state machine is pure; time is an argument."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from ...runtime.copies import quick
from ..checks import check, is_seconds, is_share, is_whole
from ..work_errors import BreakerOpen
from .tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Breaker", "BreakerSpec", "BreakerState", "BreakerView", "Force", "Permit"]

BreakerState: TypeAlias = Literal["closed", "open", "half_open", "forced_open", "forced_closed"]
Force: TypeAlias = Literal["open", "closed"]

_FORCED: dict[Force, BreakerState] = {"open": "forced_open", "closed": "forced_closed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerSpec:
    """When it opens, and for how long. At least one of `failures` and `rate` is set.

    Attributes:
        failures: so many failures `within` so many seconds open it; None: they are not counted.
        within: the window of all counts and rates, seconds.
        rate: the share of failures (more than 0.0, at most 1.0) that opens it, once `minimum` calls ended in the
            window; None: not looked at.
        minimum: calls that make a rate meaningful.
        slow: a call that took more seconds than that is a failure; None: none is too slow.
        dear: a call that cost more US dollars than that is a failure; None: none is too dear.
        cooldown: seconds that it stays open the first time...
        factor: ...times this after each probe that failed...
        max_cooldown: ...but no longer than that.

    Raises:
        InvalidSpec: a value is not legal.
    """

    failures: int | None = 5
    within: float = 120.0
    rate: float | None = None
    minimum: int = 10
    slow: float | None = None
    dear: float | None = None
    cooldown: float = 30.0
    factor: float = 2.0
    max_cooldown: float = 600.0

    def __post_init__(self) -> None:
        self._check_limits()
        self._check_times()

    def _check_limits(self) -> None:
        counts = self.failures is None or is_whole(self.failures, 1)
        check("breaker failures", self.failures, counts, "a whole number, 1 or more, or None")
        check("breaker rate", self.rate, self.rate is None or is_share(self.rate), "a share, above 0 to 1, or None")
        opens = self.failures is not None or self.rate is not None
        check("breaker failures", self.failures, opens, "a whole number, since there is no rate: it would never open")
        check("breaker minimum", self.minimum, is_whole(self.minimum, 1), "a whole number, 1 or more")
        check("breaker slow", self.slow, self.slow is None or is_seconds(self.slow), "seconds, more than 0, or None")
        money = self.dear is None or is_seconds(self.dear, zero=True)
        check("breaker dear", self.dear, money, "US dollars, 0 or more, or None")

    def _check_times(self) -> None:
        check("breaker within", self.within, is_seconds(self.within), "seconds, more than 0")
        check("breaker cooldown", self.cooldown, is_seconds(self.cooldown), "seconds, more than 0")
        grows = is_seconds(self.factor) and self.factor >= 1
        check("breaker factor", self.factor, grows, "a number, 1 or more")
        reaches = is_seconds(self.max_cooldown) and self.max_cooldown >= self.cooldown
        expected = f"seconds, not less than the cooldown of {self.cooldown!r}"
        check("breaker max_cooldown", self.max_cooldown, reaches, expected)


@quick
@dataclass(frozen=True, slots=True)
class Permit:
    """That a call may be made. Each is given back once: with `Breaker.record`, or with `Breaker.release`.

    Attributes:
        generation: counts the breaker's changes: whether a call began in the state that still is.
        state: the state that it began in.
        at: when, monotonic seconds.
    """

    generation: int
    state: BreakerState
    at: float

    @property
    def probe(self) -> bool:
        """Whether the call is the one that a half-open breaker tries."""
        return self.state == "half_open"


@dataclass(frozen=True, slots=True)
class BreakerView:
    """How a breaker stands.

    Attributes:
        name: whose it is.
        state: at the time that was asked about.
        failures: calls that failed in the window, by the spec's window; none from before it was last closed.
        calls: calls that ended in the window, likewise.
        rejected: calls that were not let through, ever.
        late: results that counted for nothing since the state had changed meanwhile, ever.
        retry_in: seconds until a call is let through, 0.0 if one is now; None: only if somebody says so.
        cooldown: seconds that it stays open, this time or the next.
        opened: how often it has opened.
    """

    name: str
    state: BreakerState
    failures: int
    calls: int
    rejected: int
    late: int
    retry_in: float | None
    cooldown: float
    opened: int


class Breaker:
    """A state machine in front of calls: ask it for a `permit` before each one, and say how the call went.

        closed     every call passes. Enough failures in the window: open
        open       no call passes. After the cooldown: half_open
        half_open  one call passes, the probe. It succeeds: closed, with nothing in the window; it fails: open,
                   for longer

    A call counts for the state that it began in; its result is late, and counts for nothing, once the state
    is another one. A probe that has not ended when a cooldown is over counts as lost: another one may go,
    and the first of them to end decides.

    All times are monotonic seconds. It may be used from any thread.

    Args:
        spec: when it opens, and for how long. Another one can be assigned: the state and the history stay.
        name: whose it is, for errors and events.
        on_change: called with the state before, the state now, and why, after each change; in the thread that
            made it, which must not be held up. What it raises goes to the caller; the change stands.
    """

    __slots__ = (
        "_failed",
        "_forced",
        "_generation",
        "_late",
        "_level",
        "_lock",
        "_on_change",
        "_opened",
        "_passed",
        "_probe",
        "_rejected",
        "_since",
        "_state",
        "name",
        "spec",
    )

    def __init__(
        self, spec: BreakerSpec, name: str, on_change: Callable[[BreakerState, BreakerState, str], object] | None = None
    ) -> None:
        self.spec = spec
        self.name = name
        self._on_change = on_change
        self._lock = threading.RLock()  # reentrant: `on_change` may look at it
        self._state: BreakerState = "closed"
        self._forced: Force | None = None
        self._generation = 0
        self._probe: Permit | None = None
        self._since = 0.0
        self._level = 0
        self._passed, self._failed = Tally(), Tally()
        self._rejected = self._late = self._opened = 0

    # Calls.

    def permit(self, now: float) -> Permit:
        """Lets a call through. Raises `BreakerOpen` if it does not: the call must not be made."""
        with self._lock:
            if self._state == "closed" and self._forced is None:
                return Permit(self._generation, "closed", now)
            self._wake(now)
            wait = self._retry_in(now)
            if wait != 0.0:
                self._rejected += 1
                raise BreakerOpen(self.name, wait)
            permit = Permit(self._generation, self._shown, now)
            if permit.probe:
                self._probe = permit
            return permit

    def renewed(self, permit: Permit, now: float) -> Permit:
        """Gives a permit back whose call has not begun yet, and asks for another one. Raises as `permit` does."""
        with self._lock:
            if permit.state == "closed" and permit.generation == self._generation:
                return permit  # still closed: it would be the same
            self.release(permit, now)
            return self.permit(now)

    def record(self, permit: Permit, *, ok: bool, now: float, seconds: float = 0.0, cost: float = 0.0) -> None:
        """Says how a call ended: one that went well is a failure too if it was too slow or too dear."""
        with self._lock:
            if permit.generation != self._generation:
                self._late += 1
                return
            failed = not ok or self._too_slow(seconds) or self._too_dear(cost)
            (self._failed if failed else self._passed).add(now, self.spec.within)
            if permit.state != "half_open":
                self._judge(now)
            elif failed:
                self._open(now, "the probe failed")
            else:
                self._close()

    def release(self, permit: Permit, now: float, seconds: float = 0.0) -> None:
        """Gives a permit back whose call was not made, or was cancelled after so many seconds: it counts for nothing.

        A cancelled call that was too slow by then is a failure all the same: else nobody would ever see that
        what is in front of impatient callers hangs.
        """
        with self._lock:
            if self._too_slow(seconds):
                self.record(permit, ok=False, now=now)
            elif permit is self._probe:
                self._probe = None

    # By hand.

    def trip(self, now: float, why: str) -> None:
        """Opens at once, whatever the counts are. One that is open stays so, for no longer than before."""
        with self._lock:
            self._wake(now)
            if self._automatic(now) != "open":
                self._open(now, why)

    def force(self, to: Force | None, now: float) -> None:
        """Holds it open or closed until None gives it back to its counts. Calls count while it is held closed.

        The automatic state stays what it was, but for a cooldown that ends meanwhile. One that was closed is
        judged by its window then.

        Raises:
            InvalidSpec: `to` is something else.
        """
        check("forced state", to, to in (None, *get_args(Force)), "open, closed or None")
        with self._lock:
            self._wake(now)
            before = self._shown
            self._forced = to
            self._changed(before, "no longer forced" if to is None else "by hand")
            self._judge(now)

    # To look at.

    def view(self, now: float) -> BreakerView:
        """Returns how it stands. Changes nothing: what a cooldown's end makes of it shows here before it is told."""
        with self._lock:
            failures = self._failed.count(now, self.spec.within)
            return BreakerView(
                name=self.name,
                state=self._shown if self._forced else self._automatic(now),
                failures=failures,
                calls=failures + self._passed.count(now, self.spec.within),
                rejected=self._rejected,
                late=self._late,
                retry_in=self._retry_in(now),
                cooldown=self._cooldown,
                opened=self._opened,
            )

    @property
    def _shown(self) -> BreakerState:
        return self._state if self._forced is None else _FORCED[self._forced]

    @property
    def _cooldown(self) -> float:
        spec = self.spec
        try:
            return min(spec.max_cooldown, spec.cooldown * spec.factor**self._level)
        except OverflowError:  # so many probes have failed that no float holds it
            return spec.max_cooldown

    def _retry_in(self, now: float) -> float | None:
        if self._forced is not None:
            return None if self._forced == "open" else 0.0
        if self._state == "open":
            return max(0.0, self._since + self._cooldown - now)
        if self._probe is not None:
            return max(0.0, self._probe.at + self._cooldown - now)
        return 0.0

    def _too_slow(self, seconds: float) -> bool:
        return self.spec.slow is not None and seconds > self.spec.slow

    def _too_dear(self, cost: float) -> bool:
        return self.spec.dear is not None and cost > self.spec.dear

    # Changes.

    def _automatic(self, now: float) -> BreakerState:
        """Returns the state that it would be in if nobody forced it."""
        cool = self._state == "open" and now >= self._since + self._cooldown
        return "half_open" if cool else self._state

    def _wake(self, now: float) -> None:
        """Makes an open one half-open once its cooldown is over; later, if it is forced."""
        if self._forced is None and self._automatic(now) != self._state:
            self._state = "half_open"
            self._changed("open", f"the cooldown of {self._cooldown:g} s is over")

    def _judge(self, now: float) -> None:
        """Opens a closed one, if its window says so."""
        why = self._too_many(now) if self._shown == "closed" and self._failed else None
        if why is not None:
            self._open(now, why)

    def _too_many(self, now: float) -> str | None:
        spec = self.spec
        failures = self._failed.count(now, spec.within)
        if not failures:
            return None
        calls = failures + self._passed.count(now, spec.within)
        if spec.failures is not None and failures >= spec.failures:
            return f"{failures} failures within {spec.within:g} s"
        if spec.rate is not None and calls >= spec.minimum and failures / calls >= spec.rate:
            return f"{failures} of {calls} calls failed within {spec.within:g} s"
        return None

    def _open(self, now: float, why: str) -> None:
        before = self._shown
        self._level += self._state != "closed"
        self._state = "open"
        self._since = now
        self._opened += 1
        self._changed(before, why)

    def _close(self) -> None:
        self._level = 0
        self._state = "closed"
        self._passed.clear()
        self._failed.clear()
        self._changed("half_open", "the probe succeeded")

    def _changed(self, before: BreakerState, why: str) -> None:
        """Begins a new generation and tells of it, if what it shows is another state than before."""
        if self._shown == before:
            return
        self._generation += 1
        self._probe = None
        if self._on_change is not None:
            self._on_change(before, self._shown, why)
