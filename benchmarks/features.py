"""Measures what each feature costs, apart: `python -m benchmarks.features`.

Two agents do the same plain task; one of them has one feature more. They take turns in one process, so that the
machine's noise falls on both, and processor time is measured, not the time on the wall. Calls and instructions are
counted: they are the same on every machine.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import statistics
import sys
import time
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from treeward.agents.agent import Agent
from treeward.runtime import faults
from treeward.runtime.actor import Factory
from treeward.runtime.system import ActorSystem
from treeward.runtime.task import Task
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.spec import ChildSpec, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

from .counting import counted
from .extras import BARE, EXTRAS, PLAIN, Extra, Visits
from .machine import describe_machine, load
from .report import table

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from treeward.runtime.ref import Ref

    from .counting import Counts, Items

__all__ = ["Cost", "cost_of", "points_passed"]

COUNTED = 20
"""Tasks whose work is counted."""


@dataclass(frozen=True)
class Cost:
    """What one task takes without a feature, and what it takes more with it.

    Attributes:
        plain: microseconds of processor time without it: the median of all rounds.
        more: microseconds more with it: likewise; `low` and `high` are the quartiles: 0 between them means noise.
        calls, instructions: counted, more with it.
    """

    feature: str
    what: str
    plain: float
    more: float
    low: float
    high: float
    calls: float
    instructions: float


class Writer(Agent):
    """Answers with the input."""

    def handle(self, task: Task) -> Any:
        """Answers."""
        return task.input


@asynccontextmanager
async def employed(extra: Extra) -> AsyncIterator[Items]:
    """Runs a system with one agent that has this feature; yields what gives it tasks, one after the other."""
    async with ActorSystem(seed=1, blocked_after=None) as system:
        ref = await _started(system, extra)

        async def items(n: int) -> None:
            with extra.attached(system):
                for i in range(n):
                    until = None if extra.deadline is None else system.clock.monotonic() + extra.deadline
                    outcome = await ref.ask(Task(f"task-{i}", {"text": "a text"}, deadline=until))
                    assert outcome.status == "ok", outcome

        yield items


async def _started(system: ActorSystem, extra: Extra) -> Ref[Any]:
    if not extra.supervised:
        return system.spawn(Writer)
    spec = SupervisorSpec(children=[ChildSpec(id="agent", start=Factory(Writer), work=extra.work)])
    await SupervisorHandle(system.launch(Factory(Supervisor, (spec,)), path="root")).count_children()
    ref = system.ref("root/agent")
    assert ref is not None
    return ref


def cost_of(extra: Extra, rounds: int, n: int) -> Cost:
    """Returns what a feature costs, from so many rounds of n tasks without it and n with it."""
    assert extra.base is not None
    pairs = asyncio.run(_pairs(extra.base, extra, rounds, n))
    low, middle, high = statistics.quantiles((more - plain for plain, more in pairs), n=4)
    plain = statistics.median(plain for plain, _ in pairs)
    without, having = _work_of(extra.base.name), _work_of(extra.name)
    calls, instructions = having.calls - without.calls, having.instructions - without.instructions
    return Cost(extra.name, extra.what, plain, middle, low, high, calls / COUNTED, instructions / COUNTED)


@cache
def _work_of(name: str) -> Counts:
    extra = next(one for one in (BARE, *EXTRAS) if one.name == name)
    return counted(partial(employed, extra), COUNTED).counts


async def _pairs(base: Extra, extra: Extra, rounds: int, n: int) -> list[tuple[float, float]]:
    """Returns the microseconds of a task without and with it, of each round. Who is first changes."""
    async with employed(base) as without, employed(extra) as having:
        await _timed(without, n)
        await _timed(having, n)
        pairs = []
        for turn in range(rounds):
            first, second = (having, without) if turn % 2 else (without, having)
            times = await _timed(first, n), await _timed(second, n)
            pairs.append((times[1], times[0]) if turn % 2 else times)
        return pairs


async def _timed(items: Items, n: int) -> float:
    """In microseconds of processor time an item, without garbage collection."""
    gc.collect()
    gc.disable()
    begun = time.process_time()
    await items(n)
    used = time.process_time() - begun
    gc.enable()
    return used / n * 1e6


async def points_passed() -> float:
    """Returns how many fault points one plain task passes."""
    visits = Visits()
    async with ActorSystem(seed=1, blocked_after=None) as system:
        ref = await _started(system, PLAIN)
        await ref.ask(Task("warm-up", ""))
        disarm = faults.arm(system, visits)
        for i in range(COUNTED):
            await ref.ask(Task(f"task-{i}", ""))
        disarm()
    return visits.count / COUNTED


def main() -> None:
    """Measures, and prints the table."""
    asked = _parser().parse_args()
    before, costs = load(), []
    for extra in EXTRAS:
        if asked.features and extra.name not in asked.features:
            continue
        costs.append(cost_of(extra, asked.rounds, asked.tasks))
        print(f"{extra.name}: {costs[-1].more:+.2f} us", file=sys.stderr, flush=True)
    passed = asyncio.run(points_passed())
    made = markdown(costs, passed, (before, load()))
    print(made)
    if asked.markdown:
        asked.markdown.write_text(made, encoding="utf-8")
    if asked.json:
        data = {"machine": asdict(describe_machine(())), "points": passed, "costs": [asdict(cost) for cost in costs]}
        asked.json.write_text(json.dumps(data, indent=1), encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    names = [extra.name for extra in EXTRAS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.features", description=__doc__.splitlines()[0])
    parser.add_argument("--features", nargs="+", choices=names, metavar="NAME", help=f"of {', '.join(names)}")
    parser.add_argument("--rounds", type=int, default=40, help="how often each takes its turn, 2 or more (default: 40)")
    parser.add_argument("--tasks", type=int, default=200, help="tasks of one turn (default: 200)")
    parser.add_argument("--json", type=Path, help="write all figures to this file")
    parser.add_argument("--markdown", type=Path, help="write the table to this file too")
    return parser


def markdown(costs: Sequence[Cost], passed: float, loads: tuple[float, float]) -> str:
    """Returns the table, for people."""
    machine = describe_machine(())
    head = (
        f"Measured on {machine.date} on {machine.processor}, {machine.cores} cores, {machine.system}.\n"
        f"{machine.python}, commit {machine.commit}. Processor time, medians of pairs; the machine's load was "
        f"{loads[0]:.1f} before and {loads[1]:.1f} after."
    )
    columns = ["feature", "a task without", "more with it", "quartiles", "calls", "instructions"]
    points = (
        f"With nothing armed, a task passes {passed:g} fault points; the case `points` of `python -m benchmarks` says "
        "what one costs at most."
    )
    return "\n\n".join([head, table(columns, map(_row, costs)), points]) + "\n"


def _row(cost: Cost) -> list[str]:
    figures = f"{cost.plain:.1f} us", f"{cost.more:+.2f} us", f"{cost.low:+.2f} to {cost.high:+.2f} us"
    return [f"{cost.feature}: {cost.what}", *figures, f"{cost.calls:+,.1f}", f"{cost.instructions:+,.0f}"]


if __name__ == "__main__":
    main()
