"""How far a campaign is: a bar on a terminal, a line now and then elsewhere. On stderr."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from ..chaos.campaign import Findings

__all__ = ["Bar", "Lines", "Watcher", "watching"]

DRAW_EVERY = 0.1
SAY_EVERY = 10.0
"""Seconds between two pictures of the bar, and between two lines."""


class Watcher(Protocol):
    """What is told how far a campaign is."""

    def ran(self, findings: Findings) -> None:
        """Hears of another seed."""

    def shrinking(self, tries: int, faults: int) -> None:
        """Hears of another run of shrinking: how many there were, how many faults are left."""


class Lines:
    """Says how far it is every ten seconds, for logs."""

    def __init__(self, asked: int, stderr: TextIO, every: float = SAY_EVERY) -> None:
        self._asked = asked
        self._stderr = stderr
        self._every = every
        self._said = 0.0

    def ran(self, findings: Findings) -> None:
        """Writes a line, if it is time."""
        if findings.wall - self._said >= self._every:
            self._said = findings.wall
            print(f"treeward: {words(findings, self._asked)}", file=self._stderr, flush=True)

    def shrinking(self, tries: int, faults: int) -> None:
        """Writes a line at every hundredth run."""
        if tries % 100 == 0:
            print(f"treeward: shrinking: {tries:,} runs, {faults:,} faults left", file=self._stderr, flush=True)


class Bar:
    """Draws a bar, at most ten times a second."""

    def __init__(self, asked: int, console: Console) -> None:
        self._asked = asked
        self._drawn = 0.0
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,  # or a thread would draw it, and a process is copied while it runs
            transient=True,
        )
        self._task = self.progress.add_task("seeds", total=asked, rate="")

    def ran(self, findings: Findings) -> None:
        """Moves the bar on."""
        if findings.wall - self._drawn < DRAW_EVERY and len(findings.verdicts) < self._asked:
            return
        self._drawn = findings.wall
        rate = f"{findings.seeds_per_second:,.1f}/s  {findings.faults:,} faults  {len(findings.failing)} failed"
        self.progress.update(self._task, completed=len(findings.verdicts), rate=rate)
        self.progress.refresh()

    def shrinking(self, tries: int, faults: int) -> None:
        """Says how far shrinking is."""
        self.progress.update(self._task, description="shrinking", rate=f"{tries:,} runs, {faults:,} faults left")
        self.progress.refresh()


def words(findings: Findings, asked: int) -> str:
    """Returns how far a campaign is, on one line."""
    done, rate = len(findings.verdicts), findings.seeds_per_second
    return f"{done:,} of {asked:,} seeds, {rate:,.1f}/s, {findings.faults:,} faults, {len(findings.failing):,} failed"


@contextmanager
def watching(asked: int) -> Iterator[Watcher]:
    """Gives what shows how far it is: the bar on a terminal that can draw one, lines elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal or console.is_dumb_terminal:
        yield Lines(asked, sys.stderr)
        return
    bar = Bar(asked, console)
    with bar.progress:
        yield bar
