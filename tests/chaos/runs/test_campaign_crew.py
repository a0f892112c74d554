"""Processes that work side by side: their results, their order, and what becomes of one that is lost."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time

import pytest

from treeward.chaos.crew import Crew, CrewUnavailable, WorkerLost


def double(seed):
    time.sleep(0.002 * (seed % 3))
    return {"seed": seed, "doubled": 2 * seed, "process": os.getpid()}


def test_results_come_in_the_order_of_the_seeds():
    """Whoever is ready first, results come in the order of the seeds, and several processes had them."""
    with Crew(double, 3) as crew:
        results = list(crew.results(range(30)))
    assert [result["doubled"] for result in results] == list(range(0, 60, 2))
    assert len({result["process"] for result in results}) == 3
    assert os.getpid() not in {result["process"] for result in results}


def test_more_jobs_than_seeds():
    """Processes for which there is no seed do nothing."""
    with Crew(double, 4) as crew:
        assert [result["seed"] for result in crew.results([7])] == [7]


def test_nobody_is_left():
    """When the block is left, all processes have ended, also in the middle of their work."""
    with Crew(lambda seed: time.sleep(60), 2) as crew:
        results = crew.results(range(4))
        processes = [process.pid for process in multiprocessing.active_children()]
        assert len(processes) == 2
        del results
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("end", "how"),
    [
        (lambda: os._exit(3), r"exit code 3"),
        (lambda: os.kill(os.getpid(), signal.SIGKILL), "signal 9"),
    ],
)
def test_a_process_is_lost(end, how):
    """A process that ends in the middle of a seed is an error, which says which seed it was."""
    with (
        pytest.raises(WorkerLost, match=rf"seed 5 ended in the middle of it \({how}\)") as lost,
        Crew(lambda seed: end() if seed == 5 else seed, 2) as crew,
    ):
        list(crew.results(range(10)))
    assert lost.value.seed == 5


def test_an_interrupt_of_the_terminal_is_not_theirs():
    """SIGINT, which a terminal sends to all, does not end the processes: whoever made them decides."""

    def interrupted(seed):
        os.kill(os.getpid(), signal.SIGINT)
        return seed

    with Crew(interrupted, 1) as crew:
        assert list(crew.results([1, 2])) == [1, 2]


def test_where_nothing_can_be_forked(monkeypatch):
    """On a platform without fork the error says what to do."""
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn"])
    with pytest.raises(CrewUnavailable, match="one job"), Crew(double, 2):
        pass
