"""Starts a million supervised actors in one process, asks each, and stops all: `python -m benchmarks.million`.

A supervisor of supervisors has them as children of static specs, with all defaults. Each actor is numbered: they have
to start in order, answer with their number, and stop in reverse order. It takes about 2 GB; the exit code is 1 if
anything was not as it has to be.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING, Any

from treeward.runtime.actor import Actor, Factory
from treeward.runtime.exits import Exit
from treeward.runtime.system import ActorSystem
from treeward.supervisors.handle import SupervisorHandle
from treeward.supervisors.spec import ChildSpec, SupervisorSpec
from treeward.supervisors.supervisor import Supervisor

from .measure import clock, resident

if TYPE_CHECKING:
    from collections.abc import Iterator

    from treeward.runtime.exits import ExitReason

__all__ = ["Roll", "Stage", "run"]

ACTORS = 1_000_000
GROUP = 1_000
"""Actors below one supervisor, and asked at once."""
SHOWN = 5


class Roll:
    """Who lives, and what was wrong. Numbers start in order and stop in reverse: one count knows who is next."""

    def __init__(self) -> None:
        self.living = 0
        self.wrong: list[str] = []

    def started(self, number: int) -> None:
        """Notes a start."""
        if number != self.living:
            self.wrong.append(f"{number} has started where {self.living} was next")
        self.living += 1

    def answered(self, number: int, answer: Any) -> None:
        """Notes an answer."""
        if answer != number:
            self.wrong.append(f"{number} has answered {answer!r}")

    def stopped(self, number: int, reason: ExitReason) -> None:
        """Notes a stop."""
        self.living -= 1
        if number != self.living or reason is not Exit.SHUTDOWN:
            self.wrong.append(f"{number} has stopped for {reason} where {self.living} was next, for {Exit.SHUTDOWN}")


class Numbered(Actor):
    """Answers with its number."""

    def __init__(self, number: int, roll: Roll) -> None:
        self.number = number
        self.roll = roll

    def on_start(self) -> None:
        """Says so."""
        self.roll.started(self.number)

    def on_receive(self, message: Any) -> int:  # noqa: ARG002 - whatever it is
        """Answers."""
        return self.number

    def on_stop(self, reason: ExitReason = Exit.NORMAL) -> None:
        """Says so."""
        self.roll.stopped(self.number, reason)


class Stage:
    """One stage of the run: prints how long it took, and what this process has in memory behind it."""

    def __init__(self, name: str, actors: int) -> None:
        self._name = name
        self._actors = actors

    def __enter__(self) -> None:
        self._begun = clock()

    def __exit__(self, *_: object) -> None:
        seconds, memory = clock() - self._begun, resident()
        rate = f"{self._actors / seconds:,.0f}/s" if seconds else ""
        print(f"{self._name:8} {seconds:8.2f} s {rate:>12} {memory / 1e6:10,.0f} MB", flush=True)


def groups(actors: int) -> Iterator[tuple[int, range]]:
    """Yields each supervisor's number, and the numbers of its children."""
    for first in range(0, actors, GROUP):
        yield first // GROUP, range(first, min(first + GROUP, actors))


def declaration(actors: int, roll: Roll) -> SupervisorSpec:
    """Returns what the highest supervisor is told."""
    return SupervisorSpec(children=[_group(group, numbers, roll) for group, numbers in groups(actors)])


def _group(group: int, numbers: range, roll: Roll) -> ChildSpec:
    members = [ChildSpec(id=f"actor-{number}", start=Factory(Numbered, (number, roll))) for number in numbers]
    start = Factory(Supervisor, (SupervisorSpec(children=members),))
    return ChildSpec(id=f"group-{group}", start=start, type="supervisor")


async def run(actors: int, roll: Roll) -> None:
    """Goes through all stages; what was wrong is in the roll."""
    async with ActorSystem() as system:
        with Stage("declare", actors):
            spec = declaration(actors, roll)
        with Stage("start", actors):
            handle = SupervisorHandle(system.launch(Factory(Supervisor, (spec,)), path="root"))
            await handle.count_children()  # it serves this when all have started
        with Stage("ask", actors):
            for group, numbers in groups(actors):
                await _ask(system, group, numbers, roll)
        with Stage("stop", actors):
            await handle.stop(Exit.SHUTDOWN)  # the system itself would give it a few seconds, and then kill it


async def _ask(system: ActorSystem, group: int, numbers: range, roll: Roll) -> None:
    refs = [system.ref(f"root/group-{group}/actor-{number}") for number in numbers]
    answers = await asyncio.gather(*[ref.ask("who?") for ref in refs if ref is not None])
    for number, answer in zip(numbers, answers, strict=True):
        roll.answered(number, answer)


def main() -> None:
    """Prints the stages and the verdict."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.million", description=__doc__)
    parser.add_argument("--actors", type=int, default=ACTORS, help=f"how many (default: {ACTORS:,})")
    actors, roll = parser.parse_args().actors, Roll()
    asyncio.run(run(actors, roll))
    wrong = roll.wrong + ([f"{roll.living:,} have not stopped"] if roll.living else [])
    if wrong:
        sys.exit("\n".join([f"{len(wrong):,} things were wrong:", *wrong[:SHOWN]]))
    print(f"{actors:,} actors have started in order, answered, and stopped in reverse order")


if __name__ == "__main__":
    main()
