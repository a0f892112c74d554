"""How far a campaign is: the bar, the lines, and signals between two steps."""

from __future__ import annotations

import io
import os
import signal
from collections import Counter
from types import SimpleNamespace

import pytest
from rich.console import Console

from treeward.cli.halt import Halt
from treeward.cli.progress import Bar, Lines, watching


def findings(done, wall, failing=0):
    """Returns what a campaign knows after so many seeds, and so many seconds."""
    return SimpleNamespace(
        verdicts=[None] * done,
        wall=wall,
        failing=[None] * failing,
        faults=Counter(crash=3 * done).total(),
        seeds_per_second=done / wall if wall else 0.0,
    )


def test_lines_now_and_then():
    """For a log, a line every ten seconds: how many of how many, how fast, how many failed."""
    said = io.StringIO()
    lines = Lines(1000, said)
    for done in range(1, 61):
        lines.ran(findings(done, done * 0.5, failing=done // 50))
    assert said.getvalue().splitlines() == [
        "treeward: 20 of 1,000 seeds, 2.0/s, 60 faults, 0 failed",
        "treeward: 40 of 1,000 seeds, 2.0/s, 120 faults, 0 failed",
        "treeward: 60 of 1,000 seeds, 2.0/s, 180 faults, 1 failed",
    ]


def test_lines_of_shrinking():
    """Shrinking says so at each hundredth run."""
    said = io.StringIO()
    lines = Lines(10, said)
    for tries in range(1, 250):
        lines.shrinking(tries, 300 - tries)
    assert said.getvalue().splitlines() == [
        "treeward: shrinking: 100 runs, 200 faults left",
        "treeward: shrinking: 200 runs, 100 faults left",
    ]


def test_the_bar():
    """On a terminal the bar says how many seeds, how fast, how many failed, how far shrinking is; then it is gone."""
    drawn = io.StringIO()
    bar = Bar(40, Console(file=drawn, force_terminal=True, width=120, color_system=None))
    with bar.progress:
        bar.ran(findings(10, 2.0, failing=1))
        bar.shrinking(7, 3)
    text = drawn.getvalue()
    assert "10/40" in text
    assert "5.0/s  30 faults  1 failed" in text
    assert "7 runs, 3 faults left" in text
    assert text.endswith("\x1b[2K")


def test_the_bar_is_not_drawn_too_often():
    """It is drawn ten times a second at most, and at the last seed."""
    drawn = io.StringIO()
    bar = Bar(100, Console(file=drawn, force_terminal=True, width=120, color_system=None))
    with bar.progress:
        drawn.truncate(0)
        for done in range(1, 101):
            bar.ran(findings(done, done * 0.001))
    shown = [number for number in range(1, 101) if f" {number}/100" in drawn.getvalue()]
    assert shown == [100]


def test_no_bar_without_a_terminal(monkeypatch):
    """Where stderr is no terminal, or one that cannot draw, there are lines."""
    monkeypatch.setenv("TERM", "dumb")
    with watching(5) as watcher:
        assert isinstance(watcher, Lines)


def test_the_first_signal_asks_the_second_interrupts():
    """Within the block the first signal is only noted; from the second on they raise; after it, all is as before."""
    before = signal.getsignal(signal.SIGINT)
    with Halt() as halt:
        assert not halt()
        os.kill(os.getpid(), signal.SIGINT)
        assert halt()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is before


def test_halt_says_what_a_further_signal_would_do(monkeypatch, capfd):
    """On a terminal the first signal is answered with a line."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with Halt():
        os.kill(os.getpid(), signal.SIGINT)
    assert "another signal stops within it" in capfd.readouterr().err
