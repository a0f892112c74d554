"""What runs have come by: fault points, rules that fired, and the claims of code about itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ..runtime.faults import Visit
    from .faults.fired import Fired
    from .invariants.assertions import Claims

__all__ = ["Coverage", "Visits"]


class Visits:
    """Counts who comes by which point; armed before the injector, it sees what the product does."""

    __slots__ = ("counts",)

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def call(self, visit: Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Counts a call."""
        self.counts[visit.point.name] += 1
        return func

    def send(self, visit: Visit, send: Callable[[Any], object], value: Any) -> None:
        """Counts a value on its way, and sends it."""
        self.counts[visit.point.name] += 1
        send(value)


@dataclass(slots=True)
class Coverage:
    """How often what was reached, in one run or in many.

    Attributes:
        visits: of the fault points, by name.
        faulted: how many faults happened at each place, by name.
        rules: how often each rule of the plan fired, by its id.
        claims: by name: the kind (`always`, `sometimes`, `reachable`, `unreachable`), how often the place was reached,
            how often the claim held there.
    """

    visits: Counter[str] = field(default_factory=Counter)
    faulted: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    claims: dict[str, tuple[str, int, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, visits: Visits, fired: Iterable[Fired], claims: Claims) -> Self:
        """Returns the coverage of one run."""
        faults = tuple(fired)
        return cls(
            visits.counts,
            Counter(fault.point for fault in faults),
            Counter(fault.rule for fault in faults),
            {name: (claim.kind, claim.reached, claim.held) for name, claim in claims.seen.items()},
        )

    def add(self, other: Coverage) -> None:
        """Takes what another run came by."""
        self.visits.update(other.visits)
        self.faulted.update(other.faulted)
        self.rules.update(other.rules)
        for name, (kind, reached, held) in other.claims.items():
            _, before, held_before = self.claims.get(name, (kind, 0, 0))
            self.claims[name] = (kind, before + reached, held_before + held)

    @property
    def never(self) -> tuple[str, ...]:
        """The names of each `sometimes` that has never held, and each `reachable` that was never reached."""
        wanted = ("sometimes", "reachable")
        return tuple(name for name, (kind, _, held) in sorted(self.claims.items()) if kind in wanted and not held)

    def as_data(self) -> dict[str, Any]:
        """Returns it as JSON has it."""
        return {
            "visits": dict(self.visits),
            "faulted": dict(self.faulted),
            "rules": dict(self.rules),
            "claims": {name: list(claim) for name, claim in self.claims.items()},
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Returns what `as_data` has made data of."""
        claims = {name: (kind, reached, held) for name, (kind, reached, held) in data["claims"].items()}
        return cls(Counter(data["visits"]), Counter(data["faulted"]), Counter(data["rules"]), claims)
