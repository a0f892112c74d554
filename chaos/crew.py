"""Processes that work on seeds side by side, and hand their results back in the order of the seeds."""

from __future__ import annotations

import json
import multiprocessing
import signal
from multiprocessing import connection
from typing import TYPE_CHECKING, Any, Self

from ..runtime.errors import TreewardError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

__all__ = ["Crew", "CrewUnavailable", "WorkerLost"]

JOIN_TIMEOUT = 5.0


class CrewUnavailable(TreewardError):
    """There is no way to copy this process on this platform."""

    def __str__(self) -> str:
        return "this platform cannot fork a process: run the seeds in one process (one job)"


class WorkerLost(TreewardError):
    """A process ended in the middle of a seed: it was killed from outside, or what it ran took it down."""

    def __init__(self, seed: int, code: int | None) -> None:
        super().__init__(seed, code)
        self.seed = seed
        self.code = code

    def __str__(self) -> str:
        how = f"signal {-self.code}" if self.code is not None and self.code < 0 else f"exit code {self.code}"
        return f"the process that ran seed {self.seed} ended in the middle of it ({how}): run that seed alone"


class Crew:
    """Copies of this process: `with Crew(work, 4) as crew: for result in crew.results(seeds)`.

    `work(seed)` runs in a copy, and returns what JSON can hold: nothing else crosses. Copies leave SIGINT to the
    process that made them. They are made when the block is entered, so threads that are begun later are not in them.

    Raises:
        CrewUnavailable: on entry, where a process cannot be forked.
        WorkerLost: from `results`, when a copy has ended in the middle of a seed.
    """

    def __init__(self, work: Callable[[int], Any], jobs: int) -> None:
        self._work = work
        self._jobs = jobs
        self._members: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> Self:
        if "fork" not in multiprocessing.get_all_start_methods():
            raise CrewUnavailable
        copies = multiprocessing.get_context("fork")
        ends = [copies.Pipe() for _ in range(self._jobs)]
        every = [end for pair in ends for end in pair]
        for here, there in ends:
            others = [end for end in every if end is not there]
            process = copies.Process(target=_member, args=(self._work, there, others), daemon=True)
            process.start()
            self._members[here] = process
        for _, there in ends:
            there.close()
        return self

    def __exit__(self, *_: object) -> None:
        for here, process in self._members.items():
            here.close()
            process.kill()
        for process in self._members.values():
            process.join(JOIN_TIMEOUT)
            process.close()
        self._members.clear()

    def results(self, seeds: Iterable[int]) -> Iterator[Any]:
        """Yields the result of each seed, in their order, each as soon as those before it are there."""
        waiting = iter(seeds)
        order: list[int] = []
        done: dict[int, Any] = {}
        busy: dict[Connection, int] = {}
        for here in self._members:
            self._give(here, waiting, busy, order)
        while busy or done:
            while order and order[0] in done:
                yield done.pop(order.pop(0))
            ready = connection.wait(list(busy)) if busy else []
            for here in [here for here in busy if here in ready]:
                seed = busy.pop(here)
                done[seed] = self._taken(here, seed)
                self._give(here, waiting, busy, order)

    def _give(self, here: Connection, waiting: Iterator[int], busy: dict[Connection, int], order: list[int]) -> None:
        seed = next(waiting, None)
        if seed is None:
            return
        busy[here] = seed
        order.append(seed)
        try:
            here.send_bytes(json.dumps(seed).encode())
        except OSError:
            self._lost(here, seed)

    def _taken(self, here: Connection, seed: int) -> Any:
        try:
            return json.loads(here.recv_bytes())
        except (EOFError, OSError):
            return self._lost(here, seed)

    def _lost(self, here: Connection, seed: int) -> None:
        process = self._members[here]
        process.join(JOIN_TIMEOUT)
        raise WorkerLost(seed, process.exitcode)


def _member(work: Callable[[int], Any], there: Connection, others: list[Connection]) -> None:
    """Is one copy's life: a seed comes, its result goes, until whoever gives them is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for end in others:
        end.close()  # or the end of the process that made this one would not be seen here
    while True:
        try:
            seed = json.loads(there.recv_bytes())
        except (EOFError, OSError):
            return
        there.send_bytes(json.dumps(work(seed)).encode())
