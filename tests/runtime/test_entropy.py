"""Randomness and ids: one seed, a stream for each name."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from treeward.runtime.entropy import Entropy
from treeward.runtime.system import ActorSystem


@given(st.integers(), st.text())
def test_same_seed_same_sequence(seed, name):
    """Two sources with one seed give the same numbers and ids."""
    one, other = Entropy(seed), Entropy(seed)
    assert [one.stream(name).random() for _ in range(5)] == [other.stream(name).random() for _ in range(5)]
    assert [one.new_id() for _ in range(3)] == [other.new_id() for _ in range(3)]


def test_streams_do_not_disturb_each_other():
    """A further draw in one place does not change what another place sees."""
    quiet, busy = Entropy(1), Entropy(1)
    for _ in range(100):
        busy.stream("jitter").random()
    assert quiet.stream("routing").random() == busy.stream("routing").random()
    assert quiet.new_id() == busy.new_id()


def test_a_stream_goes_on_where_it_was():
    """The same name gives the same stream, not a new one."""
    entropy = Entropy(1)
    assert entropy.stream("a") is entropy.stream("a")
    assert entropy.stream("a").random() != entropy.stream("a").random()


def test_ids_are_32_hexadecimal_digits_and_differ():
    """Ten thousand ids are ten thousand different words of 32 digits."""
    entropy = Entropy(1)
    ids = {entropy.new_id() for _ in range(10_000)}
    assert len(ids) == 10_000
    assert all(re.fullmatch(r"[0-9a-f]{32}", one) for one in ids)


def test_without_a_seed_runs_differ_and_show_theirs():
    """The operating system's seed can be read, so that the run can be repeated."""
    one, other = Entropy(), Entropy()
    assert one.seed != other.seed
    assert Entropy(one.seed).new_id() == one.new_id()


def test_a_seed_means_the_same_in_every_process():
    """The sequence does not depend on the process's hash seed."""
    code = "from treeward.runtime.entropy import Entropy; print(Entropy(42).new_id())"
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", code]
        run = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
        assert run.stdout.strip() == Entropy(42).new_id()


async def test_the_system_uses_the_seed_that_it_is_given():
    """A runtime's ids come from its seed."""
    async with ActorSystem(seed=5, blocked_after=None) as system:
        assert system.entropy.new_id() == Entropy(5).new_id()
