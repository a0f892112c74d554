"""Runs one case of one peer in this process, for `runs.py`: `python -m benchmarks.one MODULE CASE N`."""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from .measure import Measured

__all__ = ["main", "measure"]


def measure(module: str, case: str, n: int) -> Measured:
    """Runs a case of a peer's module, on an event loop of the library that `BENCHMARK_LOOP` names."""
    program = importlib.import_module(f"benchmarks.peers.{module}").PROGRAMS[case]
    result = program(n)
    if not inspect.iscoroutine(result):
        return cast("Measured", result)
    library = importlib.import_module(os.environ.get("BENCHMARK_LOOP", "asyncio"))
    with asyncio.Runner(loop_factory=library.new_event_loop) as runner:
        return cast("Measured", runner.run(result))


def main() -> None:
    """Prints one JSON object, and leaves at once: what is left of 100,000 actors need not be tidied up."""
    module, case, n = sys.argv[1:]
    if os.environ.get("BENCHMARK_NO_GC"):
        gc.disable()
    print(json.dumps(asdict(measure(module, case, int(n)))), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
