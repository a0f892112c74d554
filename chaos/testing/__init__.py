"""Chaos in pytest: simulated tests, a fixture for what goes wrong in them, one that starts trees, and a plugin.

Read in this order; a file imports only files before it.

    seeds      which seeds a test runs with
    kept       the seeds that have failed, in a file
    network    a guard: no test reaches other machines
    spots      what a test lets go wrong, and where
    clock      the time of a test
    rule       what a test has ordered to go wrong
    watched    a tree of a test
    trees      the fixture `runtime`
    bench      the simulation of one test
    chaos      the fixture `chaos`
    stateful   state machines of hypothesis
    reports    what a session has to say
    items      the items of pytest that are simulated tests
    plugin     the pytest plugin

`plugin` is loaded by every session of pytest: it imports `items`, `reports`, `network`, `kept` and `seeds`, which need
nothing but pytest. The rest comes with the first simulated test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .chaos import Chaos, NotSettled, Violated
    from .network import NetworkGuard, NetworkRefused
    from .stateful import SimMachine
    from .trees import Trees

__all__ = ["Chaos", "NetworkGuard", "NetworkRefused", "NotSettled", "SimMachine", "Trees", "Violated"]

_HOME = {
    "Chaos": "chaos",
    "NetworkGuard": "network",
    "NetworkRefused": "network",
    "NotSettled": "chaos",
    "SimMachine": "stateful",
    "Trees": "trees",
    "Violated": "chaos",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib  # noqa: PLC0415 - only who asks for one of these pays

    value = globals()[name] = getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)
    return value
