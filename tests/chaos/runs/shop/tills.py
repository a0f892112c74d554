"""A shop with a bug that only a crash shows, and what else a run may come to."""

from __future__ import annotations

import asyncio
import itertools
import random
import socket
import sys

from treeward import Agent
from treeward.agents.state import state_path
from treeward.chaos.invariants.assertions import always, reachable, sometimes
from treeward.chaos.invariants.invariant import Invariant

BOOK = "book.txt"


class Till(Agent):
    """Books each sale, whether or not it is there already."""

    async def handle(self, task):
        book = state_path(BOOK)
        sold = book.read_text().splitlines() if book.exists() else []
        sometimes("a sale came twice", task.idempotency_key in sold)
        sometimes("a sale was free", False)
        reachable("a sale was booked")
        with book.open("a") as file:
            file.write(f"{task.idempotency_key}\n")
        return f"sold {task.input}"


class CarefulTill(Till):
    """Looks into the book first."""

    async def handle(self, task):
        book = state_path(BOOK)
        if book.exists() and task.idempotency_key in book.read_text().splitlines():
            return f"sold {task.input}"
        return await super().handle(task)


class Spinner(Agent):
    """Goes round and round, and time does not pass."""

    async def handle(self, task):
        while True:  # noqa: ASYNC110 - it is what it is there for
            await asyncio.sleep(0)


class Caller(Agent):
    """Calls somebody outside."""

    async def handle(self, task):
        socket.create_connection(("192.0.2.1", 80))


class Doubter(Agent):
    """Claims what is not so."""

    async def handle(self, task):
        always("the shop is open", False, task=task.input)


class Forgetful(Agent):
    """Begins what it does not wait for."""

    async def handle(self, task):
        asyncio.get_running_loop().create_task(self.stumble())
        await asyncio.sleep(1)

    async def stumble(self):
        raise LookupError("nobody hears of it")


class Closed(Agent):
    """Does not start."""

    def on_start(self):
        raise OSError("no electricity")


class BookedOnce(Invariant):
    """No sale is in the book twice."""

    name = "booked once"
    what = "each sale is in the book once"

    def settled(self, world):
        book = world.state / BOOK
        lines = book.read_text().splitlines() if book.exists() else []
        for sale in sorted(set(lines)):
            if lines.count(sale) > 1:
                self.violated(f"{sale} was booked {lines.count(sale)} times")


class NeverRight(Invariant):
    """Does not hold from the beginning on."""

    name = "never right"
    what = "what cannot be"

    def started(self, world):
        self.violated("it is not so")


class TwoDeaths(Invariant):
    """Not more than one death of each of two tills in a run: it takes two faults to break it."""

    name = "two deaths"
    what = "not both tills die"

    def settled(self, world):
        dead = {entry.path for entry in world.log.on("child.restarting")}
        if len(dead) > 1:
            self.violated(f"{' and '.join(sorted(dead))} died")


def open_the_book(world):
    (world.state / BOOK).write_text("opening\n")


async def open_the_book_slowly(world):
    await asyncio.sleep(3600)
    open_the_book(world)


def fail(world):
    raise OSError(28, "no space left")


async def wait_for_ever(world):
    await asyncio.Event().wait()


def booked(world):
    return {"sales": sorted(set((world.state / BOOK).read_text().splitlines()))}


def tell(world):
    """Says where the run's state lies."""
    sys.stderr.write(f"began {world.state}\n")
    sys.stderr.flush()


def tell_and_block(world):
    tell(world)
    while True:
        pass


_RUNS = itertools.count(1)


async def differ(world):
    """Takes another time in every run: what is left of runs before."""
    await asyncio.sleep(next(_RUNS))


class Lottery(Agent):
    """Draws from what is not simulated: a source that was made before the run."""

    source = random.Random()

    async def handle(self, task):
        await asyncio.sleep(self.source.random())
        return "drawn"
