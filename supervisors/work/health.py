"""Health: whether a child does well. The judgement is pure; time is an argument."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from ..checks import check, is_seconds, is_share, is_whole

__all__ = ["HealthSpec", "Stats", "is_hung", "judge_health"]

BUCKETS = 20
"""Into so many parts a window is cut: what lies in it is known to that exactness, at that cost in memory."""

WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSpec:
    """When a child that lives is unhealthy, and is restarted once its message in hand is done.

    Attributes:
        every: seconds between two looks.
        within: the window of what is looked at, seconds.
        errors: the share of failed attempts, more than 0.0, that is too much, once `minimum` have ended; None: not
            looked at.
        minimum: attempts that make a share, or a mean, meaningful.
        latency: the mean of an attempt's seconds that is too much; None: not looked at.
        age: seconds that a task may wait in the mailbox; None: not looked at.
        heartbeat: a busy child that gave no sign of life (`progress()`) for so many seconds hangs: it is not waited
            for, but killed; None: not looked at.
    """

    every: float = 10.0
    within: float = WITHIN
    errors: float | None = None
    minimum: int = 10
    latency: float | None = None
    age: float | None = None
    heartbeat: float | None = None

    def __post_init__(self) -> None:
        for name in ("every", "within"):
            value = getattr(self, name)
            check(f"health {name}", value, is_seconds(value), "seconds, more than 0")
        legal = self.errors is None or is_share(self.errors)
        check("health errors", self.errors, legal, "a share, more than 0.0 and at most 1.0, or None")
        check("health minimum", self.minimum, is_whole(self.minimum, 1), "a whole number, 1 or more")
        for name in ("latency", "age", "heartbeat"):
            value = getattr(self, name)
            check(f"health {name}", value, value is None or is_seconds(value), "seconds, more than 0, or None")


@dataclass(slots=True)
class _Bucket:
    """The attempts that ended in one part of the window."""

    begins: float
    ended: int = 0
    failed: int = 0
    seconds: float = 0.0


class Stats:
    """How the attempts of the last `within` seconds went, in a bounded number of buckets.

    An attempt counts for `within` seconds, less a twentieth of that at most. Time is monotonic seconds.
    """

    __slots__ = ("_buckets", "since", "within")

    def __init__(self, within: float = WITHIN) -> None:
        self.within = within
        """The window, seconds; it may be changed at any time."""
        self.since = -math.inf
        """Since when there is anything to judge: the last `reset`."""
        self._buckets: deque[_Bucket] = deque()

    def record(self, ok: bool, seconds: float, now: float) -> None:
        """Counts an attempt that ended at `now`, `seconds` after it was begun: not the time in the mailbox.

        One that was begun before the last `reset` does not count: it tells of a former life.
        """
        if now - seconds <= self.since:
            return
        bucket = self._bucket_of(now)
        bucket.ended += 1
        bucket.failed += not ok
        bucket.seconds += seconds

    def reset(self, now: float) -> None:
        """Begins anew, with a new life."""
        self._buckets.clear()
        self.since = now

    def ended(self, now: float) -> int:
        """Returns how many attempts ended in the window."""
        return sum(bucket.ended for bucket in self._window(now))

    def failed(self, now: float) -> int:
        """Returns how many of them failed."""
        return sum(bucket.failed for bucket in self._window(now))

    def error_rate(self, now: float) -> float:
        """Returns the share of them that failed; 0.0 if none ended."""
        return self.failed(now) / (self.ended(now) or 1)

    def mean_latency(self, now: float) -> float:
        """Returns their mean time in seconds; 0.0 if none ended."""
        return sum(bucket.seconds for bucket in self._window(now)) / (self.ended(now) or 1)

    def _bucket_of(self, now: float) -> _Bucket:
        buckets = self._window(now)
        if not buckets or now - buckets[-1].begins >= self.within / BUCKETS:
            buckets.append(_Bucket(now))
        return buckets[-1]

    def _window(self, now: float) -> deque[_Bucket]:
        while self._buckets and now - self._buckets[0].begins >= self.within:
            self._buckets.popleft()
        return self._buckets


def is_hung(spec: HealthSpec, silent_for: float | None, *, busy: bool) -> bool:
    """Tells whether a child that is busy has given no sign of life for longer than its heartbeat allows.

    `silent_for`: seconds since the last sign of life of the attempt in hand; None if there is none.
    """
    return busy and spec.heartbeat is not None and silent_for is not None and silent_for >= spec.heartbeat


def judge_health(
    spec: HealthSpec, stats: Stats, mailbox_age: float | None, silent_for: float | None, busy: bool, now: float
) -> str | None:
    """Returns why a child is unhealthy, with the figures; None if it is not.

    Args:
        spec: what is too much.
        stats: of its attempts.
        mailbox_age: seconds that the oldest task has waited in the mailbox; None if none waits. Only the time since the
            child's present life began is held against it.
        silent_for: seconds since the last sign of life of the attempt in hand; None if there is none.
        busy: whether it is at work.
        now: monotonic seconds.
    """
    age = None if mailbox_age is None else min(mailbox_age, now - stats.since)
    found = [
        f"no sign of life for {_seconds(silent_for or 0.0)}, the heartbeat is {_seconds(spec.heartbeat or 0.0)}"
        if is_hung(spec, silent_for, busy=busy)
        else "",
        *_of_attempts(spec, stats, now),
        f"a task has waited for {_seconds(age)}, the limit is {_seconds(spec.age)}"
        if age is not None and spec.age is not None and age > spec.age
        else "",
    ]
    return "; ".join(filter(None, found)) or None


def _of_attempts(spec: HealthSpec, stats: Stats, now: float) -> list[str]:
    ended, failed, mean = stats.ended(now), stats.failed(now), stats.mean_latency(now)
    if ended < spec.minimum:
        return []
    found = []
    if spec.errors is not None and failed / ended >= spec.errors:
        window = f"within {_seconds(spec.within)}"
        found.append(f"{failed} of {ended} attempts failed {window}, the limit is {spec.errors:.0%}")
    if spec.latency is not None and mean >= spec.latency:
        found.append(f"attempts take {_seconds(mean)} on average, the limit is {_seconds(spec.latency)}")
    return found


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"
