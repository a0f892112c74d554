"""Says what a peer has, or runs one of its cases, in this process, for `process.py`.

    one.py describe MODULE...       {"version": ..., "modules": {case: module}}
    one.py measure MODULE CASE N    the figures of one run
    one.py repeat MODULE CASE N S   {"runs": [figures, ...], "took": seconds of the last, "peak": bytes}: all runs that
                                    begin within S seconds, after a small one to warm up; a single one if S is 0

It runs in the environment of the peer, which need not have Treeward or any of its libraries.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import inspect
import json
import os
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from .measure import Measured

__all__ = ["describe", "main", "measure", "repeat"]

WARM_UP = 100
"""The n of a run before those that count."""


def describe(modules: list[str]) -> dict[str, Any]:
    """Returns a peer's version, and which of its modules has which case."""
    found = {name: _module(name) for name in modules}
    return {
        "version": next(iter(found.values())).VERSION,
        "modules": {case: name for name, module in found.items() for case in module.PROGRAMS},
    }


def measure(module: str, case: str, n: int) -> Measured:
    """Runs a case of a peer's module, on an event loop of the library that `BENCHMARK_LOOP` names."""
    result = _module(module).PROGRAMS[case](n)
    if not inspect.iscoroutine(result):
        return cast("Measured", result)
    library = importlib.import_module(os.environ.get("BENCHMARK_LOOP", "asyncio"))
    with asyncio.Runner(loop_factory=library.new_event_loop) as runner:
        return cast("Measured", runner.run(result))


def repeat(module: str, case: str, n: int, seconds: float) -> dict[str, Any]:
    """Runs a case as often as `seconds` allow; once at least."""
    _module(module)  # its import is no part of the first run
    if seconds:
        measure(module, case, min(n, WARM_UP))
    found, end = [], time.perf_counter() + seconds
    while not found or time.perf_counter() < end:
        gc.collect()
        begun = time.perf_counter()
        found.append(asdict(measure(module, case, n)))
        took = time.perf_counter() - begun
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"runs": found, "took": took, "peak": peak}


def main() -> None:
    """Prints one JSON object, and leaves at once: what is left of 100,000 actors need not be tidied up."""
    sys.path.append(str(Path(__file__).resolve().parent.parent))  # behind what is installed
    if os.environ.get("BENCHMARK_NO_GC"):
        gc.disable()
    print(json.dumps(_said(*sys.argv[1:])), flush=True)
    os._exit(0)


def _said(verb: str, *words: str) -> dict[str, Any]:
    if verb == "describe":
        return describe(list(words))
    module, case, n, *seconds = words
    if verb == "repeat":
        return repeat(module, case, int(n), float(seconds[0]))
    return asdict(measure(module, case, int(n)))


def _module(name: str) -> Any:
    return importlib.import_module(f"benchmarks.peers.{name}")


if __name__ == "__main__":
    main()
