"""A run without an end, for a test that interrupts it: on the loop, or in a thread."""

from __future__ import annotations

import asyncio
import sys
import threading
import time

from treeward.chaos.simulation.simulate import simulate


def say(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def on_loop():
    say("running")
    while True:  # noqa: ASYNC110 - it is to be interrupted in the middle of steps, not while nothing happens
        await asyncio.sleep(1)


def in_thread():
    say("running")
    while True:
        time.sleep(1)


if __name__ == "__main__":
    began = time.monotonic()
    try:
        simulate(on_loop if sys.argv[1] == "loop" else lambda: asyncio.to_thread(in_thread))
    except KeyboardInterrupt:
        real = "real" if time.monotonic() - began < 60 else "virtual"
        say(f"interrupted, {threading.active_count()} thread, {real} time")
