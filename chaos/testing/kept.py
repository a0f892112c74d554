"""The seeds that have failed, in a file of the project: they run first, until somebody takes them out.

    {
      "tests/test_writer.py::test_writer_survives": [
        {"seed": 317, "policy": "pct"}
      ]
    }

It is meant to be committed: a seed that has found something once is the cheapest test there is.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .seeds import InvalidMarker, Run, policy_of, seeds_of

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AT_ONCE", "FILE", "KeptSeeds"]

FILE = ".treeward/chaos-seeds.json"
"""Where they are, below the root of the project's tests (`rootdir`)."""

AT_ONCE = 5
"""How many new ones of one test are kept from one session: the others, as a rule, say the same."""


class KeptSeeds:
    """The file. Reading it raises `InvalidMarker` if it is not what it should be."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._kept = _read(path)
        self._new: dict[str, list[Run]] = {}

    def of(self, test: str) -> tuple[Run, ...]:
        """Returns the runs that are kept for a test, by its id without what stands in brackets."""
        return self._kept.get(test, ())

    def failed(self, test: str, run: Run) -> None:
        """Notes a run that has failed; `save` writes it, if there is room for it."""
        new = self._new.setdefault(test, [])
        if run not in self.of(test) and run not in new:
            new.append(run)

    def save(self) -> int:
        """Writes the new ones, those with the smallest seeds, behind the old ones; returns how many there are."""
        added = 0
        for test, runs in self._new.items():
            chosen = sorted(runs, key=lambda run: run.seed)[:AT_ONCE]
            self._kept[test] = (*self.of(test), *chosen)
            added += len(chosen)
        if added:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.write_text(_text(self._kept))
        self._new.clear()
        return added


def _text(kept: dict[str, tuple[Run, ...]]) -> str:
    """Returns JSON with one run a line, so that two branches that each add one can be merged."""
    tests = []
    for test, runs in sorted(kept.items()):
        lines = ",\n".join(f'    {{"seed": {run.seed}, "policy": "{run.policy}"}}' for run in runs)
        tests.append(f"  {json.dumps(test)}: [\n{lines}\n  ]")
    return "{\n" + ",\n".join(tests) + "\n}\n"


def _read(path: Path) -> dict[str, tuple[Run, ...]]:
    if not path.is_file():
        return {}
    try:
        kept = json.loads(path.read_text())
        return {test: tuple(_run(entry) for entry in entries) for test, entries in kept.items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InvalidMarker(f"{path} is not a file of kept seeds ({error!r}): mend it, or delete it") from None


def _run(entry: dict[str, Any]) -> Run:
    (seed,) = seeds_of([entry["seed"]])
    return Run(seed, policy_of(entry["policy"]))
