"""The fixture `chaos`: what a test may do to its trees, and what it may ask about what came of it."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING, Any

from ...trees.values import is_long_name
from ..invariants.assertions import always, reachable, sometimes, unreachable
from ..invariants.checked import checked
from ..invariants.log import FAULT, Log
from ..invariants.standard import standard
from ..plans.grammar import parse
from ..plans.matching import Sieve, Where
from ..plans.plan_file import load_plan
from .clock import SimClock
from .rule import Rule, plan_of
from .spots import ActorSpot, Spot
from .trees import Trees

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from ...trees.runtime import Runtime
    from ..faults.fired import Fired
    from ..invariants.invariant import Invariant, Violation
    from ..plans.plan import Plan
    from ..world import World
    from .bench import Bench

__all__ = ["Chaos", "NotSettled", "Violated"]

SETTLE = 600.0
"""Virtual seconds that a tree has at the end of a test to become ready, and to answer what it was asked."""

AFTERWARDS = 2.0
"""Virtual seconds after the close: longer than the kill grace, after which timers look at what was killed."""

TAIL = 20
"""Entries of the log that are shown with a failure."""


class Violated(AssertionError):
    """Invariants did not hold. `violations` are those."""

    def __init__(self, violations: Iterable[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("\n".join(map(str, self.violations)))


class NotSettled(AssertionError):
    """A tree did not come to rest in time."""


class Chaos:
    """See the module. What goes wrong, does so in every tree of the test, those that are started later included.

    Attributes:
        seed: of this run.
        policy: in which order ready tasks run: `fifo`, `random` or `pct`.
        log: all that was seen: `log.count("child.restarting", path="team/writer")`, `log.find("fault")`.
        clock: `await clock.advance(60)`, `clock.jump(3600)`, and others.
        rng: a source of random numbers for the test's own use, the same in every run of this seed.
        trees: the fixture `runtime`.
    """

    def __init__(self, bench: Bench, beside: Path) -> None:
        self._bench = bench
        self._beside = beside
        self._rules: list[Rule] = []
        self._kinds: list[type[Invariant]] = []
        self._waived: set[str] = set()
        self._told: set[Violation] = set()
        self._failed_at: int | None = None
        self._over = False
        self.seed = bench.loop.seed
        self.policy = bench.loop.policy
        self.rng = random.Random(f"test/{self.seed}")  # noqa: S311 - to have the same again, not for secrets
        self.log: Log = bench.log
        self.clock = SimClock(bench.loop, self._happened)
        self.trees = Trees(bench, beside, self._rules, self._invariants)

    # What goes wrong.

    def actor(self, path: str) -> ActorSpot:
        """Returns an actor, by its path or its id; `*` stands for any characters of an id, `**` for any ids."""
        return ActorSpot(self._add, "actor.handle", {"path": path})

    def supervisor(self, path: str) -> ActorSpot:
        """Returns a supervisor in the same way: what is said for actors never hits one."""
        return ActorSpot(self._add, "actor.handle", {"path": path, "role": "supervisor"})

    def tool(self, name: str, of: str | None = None) -> Spot:
        """Returns the calls of a tool, by all agents, or by those at the path `of`."""
        return Spot(self._add, "tool.call", _without_none(tool=name, path=of))

    def judge(self, name: str, of: str | None = None) -> Spot:
        """Returns a judge, of all agents, or of those at the path `of`."""
        return Spot(self._add, "judge", _without_none(judge=name, path=of))

    def at(self, place: str, path: str | None = None, **where: Any) -> Spot:
        """Returns any fault point, for whoever `where` says, as a plan has it: `at("reply", "team/writer")`."""
        return Spot(self._add, place, _without_none(path=path, **where))

    def kill(self, path: str) -> None:
        """Ends the incarnation of an actor, or of all that a pattern means, now and without asking.

        Raises:
            LookupError: no actor of this path lives.
        """
        meant = Sieve(Where(path=(path,), role="any"))
        killed = sum(tree.kill(meant) for tree in self.trees.watched)
        if not killed:
            there = sorted(path for tree in self.trees.watched for path in tree.system.cells)
            raise LookupError(f"no actor lives at {path!r}: there are {', '.join(there) or 'none'}")

    def plan(self, path: str | Path, allow: Iterable[str] = ()) -> Rule:
        """Loads a plan from a file (looked for beside the test first), and lets its faults happen."""
        beside = self._beside / path
        return self.load(load_plan(beside if beside.is_file() else path, allow=allow), allow)

    def load(self, plan: Plan, allow: Iterable[str] = ()) -> Rule:
        """Lets the faults of a plan happen. Nothing else of it counts here: work and knobs are a campaign's."""
        return self._order(Rule(plan, self.seed, allow))

    def heal(self) -> None:
        """Ends all that goes wrong: what hangs is let go, what was held back is delivered."""
        self.clock.put_right()
        for rule in self._rules:
            rule.end()
        for tree in self.trees.watched:
            tree.healed()

    def _add(self, fault: dict[str, Any]) -> Rule:
        name = f"{fault['at'].replace('.', '-')}-{len(self._rules) + 1}"
        return self._order(Rule(plan_of(name, fault), self.seed, _modules_in(fault["do"])))

    def _order(self, rule: Rule) -> Rule:
        self._rules.append(rule)
        for tree in self.trees.watched:
            rule.arm(tree)
        return rule

    def _happened(self, fired: Fired) -> None:
        """Notes something that the test itself has done to all that runs."""
        for tree in self.trees.watched:
            tree.watch.fired(fired)
        if not self.trees.watched:
            self.log.fired(fired)

    def watch(self, runtime: Runtime) -> None:
        """Has all that goes wrong happen in a tree too that the test has started by itself, and its invariants checked.

        It runs, on the loop of the test, and is closed by whoever has started it.
        """
        self.trees.watch(runtime)

    # What has to hold.

    def invariant(self, *kinds: type[Invariant] | Callable[[World], Iterable[str] | None]) -> None:
        """Has invariants of your own, classes or functions, checked too, in the trees that are started from now on."""
        self._kinds += [kind if isinstance(kind, type) else checked(kind) for kind in kinds]

    def waive(self, *names: str) -> None:
        """Does not check the invariants of these names, such as `I7`: for a test that breaks one on purpose."""
        self._waived |= set(names)

    def _invariants(self) -> list[Invariant]:
        return [*standard(), *(kind() for kind in self._kinds)]

    @property
    def violations(self) -> tuple[Violation, ...]:
        """What did not hold so far, in its order."""
        found = [violation for tree in self.trees.watched for violation in tree.violations]
        found += self._bench.claims.violations
        kept = (violation for violation in found if violation.invariant not in self._waived)
        return tuple(sorted(kept, key=lambda violation: violation.at))

    def assert_invariants(self) -> None:
        """Raises `Violated` if something did not hold so far. It is called at the end of each test by itself."""
        violations = self.violations
        if not self._told.issuperset(violations):
            self._told.update(violations)
            raise Violated(violations)

    def always(self, name: str, condition: Any, **facts: Any) -> None:
        """Claims that a condition holds whenever this place is reached; where it does not, that is a violation."""
        always(name, condition, **facts)

    def sometimes(self, name: str, condition: Any = True) -> None:
        """Claims that a condition holds once at least in all the runs; the session's end says where it never did."""
        sometimes(name, condition)

    def reachable(self, name: str) -> None:
        """Claims that this place is reached at least once in all the runs."""
        reachable(name)

    def unreachable(self, name: str, **facts: Any) -> None:
        """Claims that this place is never reached."""
        unreachable(name, **facts)

    async def settle(self, within: float = SETTLE) -> None:
        """Waits, in virtual time, until every tree is ready and has answered all that it was asked.

        Raises:
            NotSettled: after `within` seconds; it says what is missing.
        """
        for tree in self.trees.watched:
            missing = await tree.settle(within)
            if missing:
                raise NotSettled(f"after {within:g} s: {missing}")

    # The end.

    async def finish(self, *, failed: bool = False) -> None:
        """Heals, lets every tree recover, looks at it and closes it. One that has failed already says no more."""
        if not self._over:
            self._over = True
            self._failed_at = len(self.log) if failed else None
            try:
                self.heal()
                await self._end_trees(failed=failed)
            finally:
                self.trees.close()
        if not failed:
            self.assert_invariants()

    async def _end_trees(self, *, failed: bool) -> None:
        trees = self.trees.watched[::-1]
        if not failed:
            for tree in trees:
                await tree.recover(SETTLE)
        for tree in trees:
            await tree.close()
        await asyncio.sleep(AFTERWARDS)
        if not failed:
            for tree in trees:
                tree.closed()

    def story(self) -> list[str]:
        """Returns what helps to understand a failure, for its report: violations, faults, the log's last entries."""
        seen = list(self.log)[: self._failed_at]
        faults = [entry for entry in seen if entry.what == FAULT]
        told = [f"violated: {violation}" for violation in self.violations]
        if faults:
            number = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
            more = ", the last of them" if len(faults) > TAIL else ""
            told += ["", f"{number}{more}:", *(f"  {fault}" for fault in faults[-TAIL:])]
        if seen:
            told += ["", "the last of what was seen:", *(f"  {entry}" for entry in seen[-TAIL:])]
        return told


def _modules_in(program: str) -> list[str]:
    """Returns the modules of the exceptions that a program raises: what a test names itself, it may use."""
    values = [value for term in parse(program).terms for value in (*term.action.args, *term.action.options.values())]
    return [value.partition(":")[0] for value in values if isinstance(value, str) and is_long_name(value)]


def _without_none(**where: Any) -> dict[str, Any]:
    return {key: value for key, value in where.items() if value is not None}
