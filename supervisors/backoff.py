"""How long a restart waits, or a retry. The arithmetic is tenacity's; the randomness is the runtime's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import tenacity

if TYPE_CHECKING:
    import random

__all__ = ["Growing", "delay"]


class Growing(Protocol):
    """What waits are told: of restarts, and of retries."""

    @property
    def initial(self) -> float:
        """Seconds of the first wait."""

    @property
    def factor(self) -> float:
        """What each further one is multiplied by."""

    @property
    def max(self) -> float:
        """Seconds of the longest."""

    @property
    def jitter(self) -> float | str:
        """`full`, `none`, or seconds."""


def delay(backoff: Growing, restarts: int, rng: random.Random) -> float:
    """Returns the seconds to wait before another try, when `restarts` have gone before it in a row.

    `jitter: full` is the strategy of that name in "Exponential Backoff And Jitter" (AWS blog, 2015).
    """
    wait = tenacity.wait_exponential(multiplier=backoff.initial, exp_base=backoff.factor, max=backoff.max)
    # The wait strategies read nothing of the state but the attempt's number, which begins with 1.
    state = tenacity.RetryCallState(retry_object=None, fn=None, args=(), kwargs={})  # type: ignore[arg-type]
    state.attempt_number = restarts + 1
    return min(backoff.max, _jittered(wait(state), backoff.jitter, rng))


def _jittered(seconds: float, jitter: Any, rng: random.Random) -> float:
    if jitter == "full":
        return rng.uniform(0.0, seconds)
    return seconds if jitter == "none" else seconds + rng.uniform(0.0, jitter)
