"""What has to hold in every run, whatever goes wrong: the base of all invariants, and what one says that does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.faults import Point, Visit
    from ...runtime.telemetry import Event
    from ..faults.fired import Fired
    from ..world import World

__all__ = ["Invariant", "Violation"]

MOST = 20
"""So many violations one invariant tells of in a run: what follows from the first ones says little more."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that did not hold.

    Attributes:
        invariant: the name of what should have, such as `I4`.
        at: when that was seen, in the run's own seconds.
        text: what was seen, and what was expected.
    """

    invariant: str
    at: float
    text: str

    def __str__(self) -> str:
        """One line for people."""
        return f"{self.invariant} at {self.at:.6f} s: {self.text}"


class Invariant:
    """One thing that has to hold. An object of it watches one run; see the hooks, which do nothing here.

        class NoDoubleRefund(Invariant):
            name = "no double refund"
            what = "a charge is refunded once at most"
            events = (ToolCalled,)

            def event(self, event):
                ...
                self.violated(f"charge {charge} was refunded twice")

    All hooks run on the runtime's loop, between two steps of whatever runs there; `call` and what it returns may run in
    a thread of an actor's. What a hook raises is a violation of its own: the check itself has failed.

    Attributes:
        name: what it is called, in plans and in reports.
        what: what has to hold, in one sentence.
        events: the kinds of event that it wants to see; None means all of them.
        points: the fault points whose visits it wants to see; None means all of them.
        violations: what did not hold, as far as it was seen; at most 20.
    """

    name: ClassVar[str] = ""
    what: ClassVar[str] = ""
    events: ClassVar[tuple[type[Event], ...] | None] = None
    points: ClassVar[tuple[Point, ...] | None] = None

    violations: list[Violation]
    now: Callable[[], float]
    """The run's time, in seconds."""

    def __new__(cls, *_: Any, **__: Any) -> Self:
        """Makes the object; here, so that a subclass's constructor need not call this one's."""
        self = super().__new__(cls)
        self.violations = []
        self.now = _never
        return self

    def violated(self, text: str) -> None:
        """Says that it does not hold: what was seen, and what was expected."""
        if len(self.violations) < MOST:
            self.violations.append(Violation(self.name, self.now(), text))

    # The run, in its order.

    def started(self, world: World) -> None:
        """Begins: the tree runs, and nothing has been asked of it."""

    def event(self, event: Event) -> None:
        """Sees one event of the runtime's, just as it happens."""

    def fired(self, fired: Fired) -> None:
        """Hears of a fault that happens now: what follows from it is the fault's doing."""

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:  # noqa: ARG002 - a hook
        """Sees a call at a fault point, behind all faults; returns what is called, `func` itself as a rule."""
        return func

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:  # noqa: ARG002 - a hook
        """Sees what is really sent at a fault point, behind all faults, and sends it on: `send(value)`."""
        send(value)

    def healed(self, world: World) -> None:
        """Hears that no faults happen any more, and that those under way have ended."""

    def settled(self, world: World) -> None:
        """Looks at a tree that has had its time to recover, just before it is closed."""

    def closed(self, world: World) -> None:
        """Looks at what is left once the tree is closed."""

    def gone(self) -> None:
        """Looks once more when nobody holds the run any more, and garbage has been collected; not after every run."""


def _never() -> float:
    return 0.0
