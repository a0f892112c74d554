"""From runs to tables: medians, how Treeward stands to each peer, and how far the runs lie apart."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .cases import CASES, Case
from .lineup import PEERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .machine import Machine
    from .runs import Run

__all__ = ["Report"]

OURS = "treeward"


@dataclass(frozen=True)
class Report:
    """All runs of one session, the machine, and its load before and after."""

    machine: Machine
    runs: Sequence[Run]
    load: tuple[float, float]
    options: str = ""

    def median(self, case: str, peer: str) -> float | None:
        """Returns the median of a case's figure, or None if it was not measured."""
        figures = self._figures(case, peer)
        return statistics.median(figures) if figures else None

    def against(self, case: Case, peer: str, theirs: str | None = None) -> float | None:
        """Returns Treeward's figure over the peer's (of the case `theirs`, where it is not the same)."""
        ours, other = self.median(case.name, OURS), self.median(theirs or case.name, peer)
        return None if ours is None or not other else ours / other

    def reached(self, case: Case) -> bool | None:
        """Tells whether Treeward has reached its goal; None if there is none, or nothing to compare with."""
        goal = case.goal
        if goal is None:
            return None
        stands = self._stands(case)
        if stands is None:
            return None
        enough = stands >= goal.times if case.more_is_better else stands <= goal.times
        return enough and (not goal.ahead or self._ahead(case))

    def _ahead(self, case: Case) -> bool:
        """Tells whether Treeward is better than each framework that was measured."""
        frameworks = [peer for peer in self._peers() if PEERS[peer].venv is not None]
        ratios = [self.against(case, peer) for peer in frameworks]
        return all(ratio > 1 if case.more_is_better else ratio < 1 for ratio in ratios if ratio is not None)

    def _stands(self, case: Case) -> float | None:
        """Returns what a goal is about: Treeward's figure, or how it stands to another."""
        if case.goal is None or case.goal.peer is None:
            return self.median(case.name, OURS)
        return self.against(case, case.goal.peer, case.goal.case)

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as plain data, for JSON."""
        cases, peers = self._cases(), self._peers()
        return {
            "machine": asdict(self.machine),
            "load": self.load,
            "options": self.options,
            "figures": {case.name: case.figure for case in cases},
            "medians": {case.name: {peer: self.median(case.name, peer) for peer in peers} for case in cases},
            "reached": {case.name: self.reached(case) for case in cases},
            "runs": [asdict(run) for run in self.runs],
        }

    def as_markdown(self) -> str:
        """Returns the tables, for people."""
        tables = [part for group in self._groups() for part in self._tables(*group)]
        return "\n\n".join(part for part in (self._head(), *tables, self._notes()) if part) + "\n"

    def _groups(self) -> Iterator[tuple[list[Case], list[str]]]:
        """Yields the cases of each group, and who was measured in it."""
        for group in dict.fromkeys(case.group for case in self._cases()):
            cases = [case for case in self._cases() if case.group == group]
            measured = {run.peer for run in self.runs if CASES[run.case] in cases}
            yield cases, [peer for peer in self._peers() if peer in measured]

    def _tables(self, cases: list[Case], peers: list[str]) -> list[str]:
        return [self._medians(cases, peers), self._ratios(cases, peers), self._spreads(cases, peers)]

    def _head(self) -> str:
        m = self.machine
        repeats = 1 + max((run.repeat for run in self.runs), default=0)
        versions = ", ".join(dict.fromkeys(m.versions.values()))
        before, after = self.load
        return (
            f"Measured on {m.date} on {m.processor}, {m.cores} cores, {m.system}.\n"
            f"{m.python}, commit {m.commit}, {versions}.\n"
            f"Medians of {repeats} runs{self.options}, each in a process of its own. The machine's load was "
            f"{before:.1f} before and {after:.1f} after.\n"
            "Machines are noisy: trust the ratios within one session, never the figures of two."
        )

    def _medians(self, cases: list[Case], peers: list[str]) -> str:
        def row(case: Case) -> list[str]:
            return [self._caption(case), *(shown(case, self.median(case.name, peer)) for peer in peers)]

        return table(["case", *_captions(peers)], map(row, cases))

    def _ratios(self, cases: list[Case], peers: list[str]) -> str:
        if OURS not in peers:
            return ""
        others = [peer for peer in peers if peer != OURS]

        def row(case: Case) -> list[str]:
            times = [_times(self.against(case, peer)) for peer in others]
            return [f"{case.name} ({_better(case)})", *times, _goal(case), _verdict(self.reached(case))]

        head = ["Treeward's figure over that of", *_captions(others), "goal", "reached"]
        return table(head, map(row, cases))

    def _spreads(self, cases: list[Case], peers: list[str]) -> str:
        rows = [[case.name, *(self._spread(case.name, peer) for peer in peers)] for case in cases]
        return table(["highest less lowest run, over the median", *_captions(peers)], rows)

    def _spread(self, case: str, peer: str) -> str:
        figures, median = self._figures(case, peer), self.median(case, peer)
        return f"{(max(figures) - min(figures)) / abs(median):.0%}" if median and len(figures) > 1 else ""

    def _notes(self) -> str:
        return "\n".join(dict.fromkeys(line for run in self.runs for line in _remarks(run)))

    def _caption(self, case: Case) -> str:
        n = max((run.n for run in self.runs if run.case == case.name), default=case.n)
        return f"{case.name}: {case.caption} ({n:,})"

    def _figures(self, case: str, peer: str) -> list[float]:
        found = (run.measured for run in self.runs if (run.case, run.peer) == (case, peer))
        figures = (getattr(measured, CASES[case].figure) for measured in found if measured is not None)
        return [figure for figure in figures if figure is not None]

    def _cases(self) -> list[Case]:
        measured = {run.case for run in self.runs}
        return [case for case in CASES.values() if case.name in measured]

    def _peers(self) -> list[str]:
        measured = {run.peer for run in self.runs}
        return [peer for peer in PEERS if peer in measured]


def shown(case: Case, figure: float | None) -> str:
    """Returns a figure with its unit; nothing for none."""
    if figure is None:
        return ""
    match case.figure:
        case "rate":
            return f"{_three(figure)}/s"
        case "p50_us":
            return _time(figure)
        case "bytes":
            return f"{_three(figure)} B"
        case "seconds":
            return f"{_three(figure)} s"


def _time(microseconds: float) -> str:
    if microseconds >= 1000:
        return f"{_three(microseconds / 1000)} ms"
    return f"{_three(microseconds)} us" if microseconds >= 1 else f"{_three(microseconds * 1000)} ns"


def _three(figure: float) -> str:
    """Three digits: more would claim what no run can keep."""
    rounded = float(f"{figure:.3g}")
    return f"{rounded:,.0f}" if rounded >= 100 else f"{rounded:.3g}"


def _captions(peers: Iterable[str]) -> list[str]:
    return [PEERS[peer].caption for peer in peers]


def _remarks(run: Run) -> Iterator[str]:
    peer = PEERS[run.peer]
    if run.measured is not None and run.measured.note:
        yield f"- {run.case}, {peer.caption}: {run.measured.note}"
    if run.case in peer.sizes:
        yield f"- {run.case}, {peer.caption}: {run.n:,} only"
    if run.error:
        yield f"- {run.case}, {peer.caption}: FAILED: {run.error}"


def _better(case: Case) -> str:
    return "more is better" if case.more_is_better else "less is better"


def _times(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def _goal(case: Case) -> str:
    goal = case.goal
    if goal is None:
        return ""
    sign = ">=" if case.more_is_better else "<="
    if goal.peer is None:
        return f"{sign} {shown(case, goal.times)}" + (", ahead of all frameworks" if goal.ahead else "")
    of = f"'s {goal.case}" if goal.case else ""
    return f"{sign} {goal.times:g} x {PEERS[goal.peer].caption}{of}"


def _verdict(reached: bool | None) -> str:
    return {True: "yes", False: "no", None: ""}[reached]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Returns a Markdown table; all columns but the first are right-aligned."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
