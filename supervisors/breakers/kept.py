"""The breakers that a runtime keeps by their names, and the way of a call through one.

    breaker = breaker_of(self.system, "model:gpt-5", BreakerSpec(failures=5, slow=20.0))
    with through(breaker, self.system.clock) as passage:
        reply = await client.chat(...)
        passage.cost = reply.cost

Any code of the user's may do this around its calls of models and services; Treeward does it around tools.
"""

from __future__ import annotations

import functools
import weakref
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..events import BreakerChanged
from .breaker import Breaker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ...runtime.clock import Clock
    from ...runtime.system import ActorSystem
    from .breaker import BreakerSpec, BreakerState, Permit

__all__ = ["Passage", "breaker_of", "breakers_of", "through"]

TICK = 0.001
"""Seconds by which a timer may be early."""

_KEPT: weakref.WeakKeyDictionary[ActorSystem, dict[str, Breaker]] = weakref.WeakKeyDictionary()


def breaker_of(system: ActorSystem, name: str, spec: BreakerSpec) -> Breaker:
    """Returns the runtime's breaker of that name; makes it if there is none, else tells it the spec.

    It lives as long as the runtime, so it survives whoever uses it; who asks for it again need not have kept
    it. Its changes are events, `BreakerChanged`. From any thread.
    """
    kept = _KEPT.setdefault(system, {})
    found = kept.get(name)
    if found is None:
        # The runtime's own breaker must not keep the runtime: it is forgotten with it.
        tell = functools.partial(_tell, weakref.ref(system), name)
        return kept.setdefault(name, Breaker(spec, name, tell))
    found.spec = spec
    return found


def breakers_of(system: ActorSystem) -> dict[str, Breaker]:
    """Returns the breakers that have been asked for in this runtime, by name."""
    return dict(_KEPT.get(system, ()))


@dataclass(slots=True)
class Passage:
    """One call on its way through a breaker. Set `cost`, US dollars, where the breaker's spec says what is too dear."""

    permit: Permit
    cost: float = 0.0


@contextmanager
def through(
    breaker: Breaker,
    clock: Clock,
    *,
    is_failure: Callable[[Exception], bool] = lambda _: True,
    deadline: float | None = None,
) -> Iterator[Passage]:
    """Asks a breaker before the block, and tells it afterwards how that went. In `def` and in `async def` code.

    Args:
        breaker: any; `breaker_of` has those of a runtime.
        clock: the runtime's.
        is_failure: of exceptions that leave the block, which ones are the callee's failures. Those that are
            not count as calls that went well: whoever says no is there.
        deadline: the clock's time from which on a cancellation is a timeout, and so a failure. Before it, a
            cancelled call counts for nothing, unless it was too slow already.

    Raises:
        BreakerOpen: the block is not entered.
    """
    passage = Passage(breaker.permit(clock.monotonic()))
    try:
        yield passage
    except Exception as error:
        _record(breaker, clock, passage, ok=not is_failure(error))
        raise
    except BaseException:  # the callee had no time to say anything
        _cut_off(breaker, clock, passage, deadline)
        raise
    _record(breaker, clock, passage, ok=True)


def _record(breaker: Breaker, clock: Clock, passage: Passage, *, ok: bool) -> None:
    now = clock.monotonic()
    breaker.record(passage.permit, ok=ok, now=now, seconds=now - passage.permit.at, cost=passage.cost)


def _cut_off(breaker: Breaker, clock: Clock, passage: Passage, deadline: float | None) -> None:
    now = clock.monotonic()
    if deadline is not None and now >= deadline - TICK:
        _record(breaker, clock, passage, ok=False)
    else:
        breaker.release(passage.permit, now, now - passage.permit.at)


def _tell(system: weakref.ref[ActorSystem], name: str, before: BreakerState, now: BreakerState, why: str) -> None:
    found = system()
    if found is not None:
        found.call(found.telemetry.emit, BreakerChanged, "", 0, name, before, now, why)
