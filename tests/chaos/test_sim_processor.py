"""The threads of a run take turns on one processor, and have all of them back afterwards."""

import os
import sys
import threading

import pytest

from treeward.chaos.simulation import processor
from treeward.chaos.simulation.simulate import simulate

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no such thing elsewhere")


def allowed():
    return os.sched_getaffinity(0)


async def in_threads():
    """Returns where the loop's thread may run, and one that it has started."""
    found = []
    thread = threading.Thread(target=lambda: found.append(allowed()))
    thread.start()
    thread.join()
    return allowed(), found[0]


def test_a_run_keeps_to_one_processor():
    """The loop's thread and those of the run have the same one; before and afterwards there are as many as ever."""
    before = allowed()
    here, there = simulate(in_threads).result()
    assert len(here) == 1
    assert here == there <= before
    assert allowed() == before


def test_they_come_back_after_a_failure():
    """However the run ends."""
    before = allowed()

    async def fails():
        raise OSError("no")

    assert isinstance(simulate(fails).error, OSError)
    assert allowed() == before


def test_without_word_of_the_processor_nothing_changes(monkeypatch, tmp_path):
    """Where the system does not say where a thread runs, it runs wherever it did."""
    monkeypatch.setattr(processor, "_STAT", tmp_path / "none")
    before = allowed()
    with processor.one_processor():
        assert allowed() == before
