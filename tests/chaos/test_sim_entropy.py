"""Randomness in a simulation comes from the seed, and the process has its own back afterwards."""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import secrets
import sys
import tempfile
import time
import uuid
from random import choice

import pytest

from treeward.chaos.simulation.simulate import simulate
from treeward.runtime.system import ActorSystem

SOURCES = [
    lambda: random.random(),
    lambda: [random.gauss(0, 1), random.sample(range(100), 5)],
    lambda: choice(range(10**9)),
    lambda: random.Random().random(),
    lambda: random.SystemRandom().random(),
    lambda: os.urandom(16),
    lambda: uuid.uuid4(),
    lambda: uuid.uuid1(),
    lambda: secrets.token_hex(8),
    lambda: secrets.randbelow(10**9),
    lambda: asyncio.get_running_loop().world.random(),
    lambda: ActorSystem().entropy.seed,
]


def drawn(source, seed):
    async def main():
        return [source(), source()]

    return simulate(main, seed=seed).result()


@pytest.mark.parametrize("source", SOURCES)
def test_what_is_drawn_depends_on_the_seed_alone(source):
    """The same twice for one seed, something else for another one, and never the same thing twice in a run."""
    first, second = drawn(source, 1)
    assert drawn(source, 1) == [first, second]
    assert drawn(source, 2) != [first, second]
    assert first != second


def test_uuids_are_what_their_versions_say():
    """Version 4 has random bits, version 1 the virtual time, a node and a sequence."""

    async def main():
        await asyncio.sleep(1)
        return uuid.uuid4(), uuid.uuid1(), uuid.uuid1(node=7, clock_seq=9)

    random_one, timed, given = simulate(main, epoch=1_000_000.0).result()
    assert (random_one.version, random_one.variant) == (4, uuid.RFC_4122)
    assert (timed.version, timed.variant) == (1, uuid.RFC_4122)
    assert (timed.time - 0x01B21DD213814000) / 1e7 == 1_000_001.0
    assert timed.node >> 40 & 1 == 1  # a random node says that it is no hardware address
    assert (given.node, given.clock_seq) == (7, 9)


def test_the_state_of_random_is_given_back():
    """What the process would have drawn next it draws next, also after a run that failed."""

    async def main(fail):
        random.seed(5)
        random.random()
        if fail:
            raise LookupError

    random.seed(42)
    expected = [random.random() for _ in range(3)]
    random.seed(42)
    got = [random.random()]
    simulate(lambda: main(fail=False))
    got.append(random.random())
    simulate(lambda: main(fail=True))
    got.append(random.random())
    assert got == expected


def test_seeded_sources_of_ones_own_are_left_alone():
    """A generator with a seed gives what it gives elsewhere."""

    async def main():
        return random.Random(7).random(), random.Random("word").random()

    assert simulate(main, seed=1).result() == (random.Random(7).random(), random.Random("word").random())


def test_what_a_module_imports_during_a_run_is_good_after_it(tmp_path, monkeypatch):
    """Names that it has taken for itself are virtual and seeded in the next run, and real outside."""
    (tmp_path / "late_module.py").write_text(
        "from os import urandom\nfrom time import monotonic\nfrom uuid import uuid4\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)

    async def main():
        late = importlib.import_module("late_module")
        await asyncio.sleep(7)
        return late.urandom(4), late.uuid4(), late.monotonic()

    try:
        first = simulate(main, seed=3).result()
        assert simulate(main, seed=3).result() == first
        assert simulate(main, seed=4).result() != first
        late = sys.modules["late_module"]
        assert late.monotonic() == pytest.approx(time.monotonic(), abs=5)
        assert late.urandom(8) != late.urandom(8)
    finally:
        sys.modules.pop("late_module", None)


def test_files_are_real(tmp_path):
    """The simulation leaves files alone: they can be written, read and given temporary names."""

    async def main():
        with tempfile.NamedTemporaryFile(dir=tmp_path) as file:
            file.write(b"there")
            file.seek(0)
            return file.read()

    assert simulate(main).result() == b"there"
