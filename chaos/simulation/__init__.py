"""The simulation: an event loop whose time, order and randomness come from a seed, in a process that keeps to it.

Read in this order; a file imports only files before it.

    errors        what a simulation says when it cannot go on
    processor     one processor for all threads of a run
    waiting       where somebody is in his code, as a line to read
    place         which of the process's threads are in a simulation
    schedule      which of the ready steps is next: fifo, random, pct
    trace         what a run has done, as a hash and as lines
    refused       what of asyncio's loop there is nothing to simulate with
    steps         tasks, futures and turns, under names that are the same in every run
    loop          the event loop
    locks         what threads wait on
    threads       threads of which only one runs at a time
    thread_loop   the event loop of such a thread
    patching      puts things in the place of others for a while
    clocks        `time`, `datetime`
    entropy       `random`, `secrets`, `uuid`
    escapes       what is refused: sockets, processes
    patches       all of that, for the time of a run
    ending        what is left of a run is ended in order
    simulate      runs a coroutine, from a seed to a verdict
"""

from __future__ import annotations

from .clocks import DATETIME
from .errors import Deadlock, Livelock, SimulationEscape
from .loop import SimLoop
from .patches import simulated
from .schedule import Policy
from .simulate import Simulated, simulate

__all__ = [
    "DATETIME",
    "Deadlock",
    "Livelock",
    "Policy",
    "SimLoop",
    "Simulated",
    "SimulationEscape",
    "simulate",
    "simulated",
]
