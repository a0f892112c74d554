"""What a session has to say of its simulated tests: seeds that failed are kept, claims that never held are named."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from .seeds import Run

if TYPE_CHECKING:
    import pytest

    from .kept import KeptSeeds

__all__ = ["Reports"]


class Reports:
    """A plugin of pytest's, in the process that the session was begun in."""

    def __init__(self, kept: KeptSeeds) -> None:
        self._kept = kept
        self._runs: Counter[str] = Counter()
        self._hoped: dict[tuple[str, str], int] = {}
        self._told = ""

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Takes the report of one run."""
        told = getattr(report, "chaos", None)
        if told is None:
            return
        test = told["test"]
        self._runs[test] += 1
        for name, (kind, _, held) in told["claims"].items():
            if kind == "sometimes":
                self._hoped[test, name] = self._hoped.get((test, name), 0) + held
        if report.failed and told["named"]:
            self._kept.failed(test, Run(told["seed"], told["policy"]))

    def pytest_sessionfinish(self) -> None:
        """Writes the seeds that have failed: not before, since the processes of a session have to see the same file."""
        try:
            added = self._kept.save()
        except OSError as error:
            self._told = f"seeds that failed could not be kept: {error}"
        else:
            what = "1 seed that failed is" if added == 1 else f"{added} seeds that failed are"
            self._told = f"{what} kept in {self._kept.path}, to be run first next time" if added else ""

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says where the seeds are, and what was hoped for in vain."""
        vain = sorted(claim for claim, held in self._hoped.items() if not held)
        if not self._told and not vain:
            return
        terminalreporter.section("chaos")
        for test, name in vain:
            runs = self._runs[test]
            terminalreporter.line(f"never in {runs} run{'s' if runs > 1 else ''} of {test}: sometimes {name!r}")
        if self._told:
            terminalreporter.line(self._told)
