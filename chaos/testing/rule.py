"""What a test has ordered to go wrong: one fault, or a whole plan, in every tree of the test."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ..faults.injector import Injector
from ..plans.plan import Plan
from ..plans.points import TIMED

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from .watched import Watched

__all__ = ["Rule", "plan_of"]

FOR_EVER = 1e9
"""Seconds after which a plan of a test's own is healed by itself: the test's end comes before."""


def plan_of(name: str, fault: dict[str, Any]) -> Plan:
    """Returns the plan of one fault. Raises ValueError, which says what is not legal, and what would be."""
    try:
        return Plan.model_validate({"name": name, "faults": [{"id": name, **fault}], "heal": {"at": FOR_EVER}})
    except ValidationError as error:
        raise ValueError("; ".join(map(_words, error.errors(include_url=False)))) from None


def _words(error: ErrorDetails) -> str:
    """Returns what is wrong with a fault; a rule between its fields says itself which they are."""
    where = ".".join(map(str, error["loc"][2:]))
    return f"{where}: {error['msg']}" if where else error["msg"].removeprefix("faults.0.")


class Rule:
    """See the module. It is armed in the trees that run, and in those that are started later, before they start."""

    def __init__(self, plan: Plan, seed: int, allow: Iterable[str] = ()) -> None:
        self.plan = plan
        self._seed = seed
        self._allow = tuple(allow)
        self._armed: list[Injector] = []
        self._over = False

    @property
    def fired(self) -> int:
        """How often something of it has happened."""
        return sum(sum(injector.fired.values()) for injector in self._armed)

    @property
    def visits(self) -> int:
        """How many visits it has counted."""
        return sum(sum(injector.visits.values()) for injector in self._armed)

    def end(self) -> None:
        """Takes it back: what hangs is let go, what was held back is delivered."""
        self._over = True
        for injector in self._armed:
            injector.stop()

    def arm(self, tree: Watched) -> None:
        """Lets it happen in one more tree: what has a time, from when that runs; the rest from now on."""
        if self._over:
            return
        timed = {id_ for id_, fault in self.plan.rules.items() if fault.at in TIMED}
        for ids, when in ((self.plan.rules.keys() - timed, tree.now), (timed, tree.when_it_runs)):
            plan = self.plan.only(ids)
            if plan.faults:
                when(partial(self._begin, self._injector(plan, tree)))

    def _begin(self, injector: Injector) -> None:
        if not self._over:
            injector.start()

    def _injector(self, plan: Plan, tree: Watched) -> Injector:
        injector = Injector(plan, tree.system, seed=self._seed, told=tree.watch.fired, allow=self._allow)
        self._armed.append(injector)
        return injector

    def __repr__(self) -> str:
        faults = ", ".join(f"{fault.at}: {fault.do}" for fault in self.plan.faults)
        return f"<Rule {faults}, fired {self.fired} times>"
