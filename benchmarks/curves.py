"""Measures how Treeward's costs grow with the number of items: `python -m benchmarks.curves`.

Each case runs for 10, 100, ... items, each number in a process of its own, until it would take too long or too much
memory. `--read` makes the tables and the plots of figures that were written before.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .cases import CASES
from .entrants import entrant
from .environments import place
from .growth import BEND, FAMILIES, SIZES, Bounds, Curve, Point, grow
from .lineup import PEERS
from .machine import Machine, describe_machine, load
from .plots import draw
from .report import shown, table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["Session"]

ALL = tuple(case for cases in FAMILIES.values() for case in cases)


@dataclass(frozen=True)
class Session:
    """The curves of one session, and where they were measured."""

    machine: Machine
    load: tuple[float, float]
    curves: tuple[Curve, ...]

    @classmethod
    def read(cls, file: Path) -> Session:
        """Returns what `as_dict` made, from a file of JSON."""
        data = json.loads(file.read_text(encoding="utf-8"))
        curves = (
            Curve(one["case"], tuple(Point(**point) for point in one["points"]), one["stopped"])
            for one in data["curves"]
        )
        return cls(Machine(**data["machine"]), tuple(data["load"]), tuple(curves))

    def as_dict(self) -> dict[str, Any]:
        """Returns everything as plain data, for JSON."""
        return asdict(self)

    def as_markdown(self) -> str:
        """Returns a table for each family, for people."""
        parts = [self._head(), *(part for family in FAMILIES for part in self._family(family))]
        return "\n\n".join(parts) + "\n"

    def _head(self) -> str:
        m = self.machine
        return (
            f"Measured on {m.date} on {m.processor}, {m.cores} cores, {m.system}, {m.python}, commit {m.commit}.\n"
            f"The machine's load was {self.load[0]:.1f} before and {self.load[1]:.1f} after.\n"
            "What one of n items costs, in processor time or memory, in the cheapest of several runs. A curve bends at "
            f"the first n at which an item costs more than {BEND:g} times what it costs at the cheapest smaller n."
        )

    def _family(self, family: str) -> Iterator[str]:
        curves = [curve for curve in self.curves if curve.case in FAMILIES[family]]
        if curves:
            sizes = sorted({point.n for curve in curves for point in curve.points})
            head = [family, *(f"{n:,}" for n in sizes), "bends at"]
            yield table(head, [_row(curve, sizes) for curve in curves])
        stops = [f"- {curve.case} ends early: {curve.stopped}" for curve in curves if curve.stopped]
        if stops:
            yield "\n".join(stops)


def _row(curve: Curve, sizes: Sequence[int]) -> list[str]:
    costs = {point.n: point.cost for point in curve.points}
    case = CASES[curve.case]
    each = replace(case, figure="bytes" if case.figure == "bytes" else "p50_us")
    return [f"{case.name}: {case.caption}", *(shown(each, costs.get(n)) for n in sizes), _bend(curve)]


def _bend(curve: Curve) -> str:
    if curve.bend is None:
        return "-"
    at, before = curve.bend
    return f"{at.n:,}: {at.cost / before.cost:.1f} times that at {before.n:,}"


def main() -> None:
    """Measures or reads; the tables go to stdout, the progress to stderr."""
    asked = _parser().parse_args()
    session = Session.read(asked.read) if asked.read else _measured(asked)
    print(session.as_markdown())
    if asked.markdown:
        asked.markdown.write_text(session.as_markdown(), encoding="utf-8")
    if asked.svg:
        for file in draw(session.curves, asked.svg):
            print(file, file=sys.stderr)


def _measured(asked: argparse.Namespace) -> Session:
    """Measures one curve after the other; what is done is in the file, whatever becomes of the rest."""
    bounds = Bounds(asked.most, asked.limit, asked.memory * 1e9, asked.window)
    ours, before, curves = entrant(PEERS["treeward"], place()), load(), []
    machine = describe_machine((ours,))
    for case in asked.cases or ALL:
        curves.append(grow(case, ours, bounds))
        print(f"{case}: {_progress(curves[-1])}", file=sys.stderr, flush=True)
        session = Session(machine, (before, load()), tuple(curves))
        if asked.json:
            asked.json.write_text(json.dumps(session.as_dict(), indent=1), encoding="utf-8")
    return session


def _progress(curve: Curve) -> str:
    costs = ", ".join(f"{point.n:,} {point.cost:.3g}" for point in curve.points)
    return f"{costs}; bends at {_bend(curve)}{'; ' if curve.stopped else ''}{curve.stopped}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=__doc__.splitlines()[0])
    add = parser.add_argument
    add("--cases", nargs="+", choices=ALL, metavar="CASE", help=f"of {', '.join(ALL)}")
    add("--most", type=int, default=SIZES[-1], help="items at most (default: %(default)s)")
    add("--limit", type=float, default=Bounds.seconds, help="seconds that a run may take (default: %(default)s)")
    add("--memory", type=float, default=Bounds.memory / 1e9, help="GB that a run may take (default: %(default)s)")
    add("--window", type=float, default=Bounds.window, help="seconds for which small runs are repeated")
    add("--read", type=Path, metavar="JSON", help="measure nothing; take the figures from this file")
    add("--json", type=Path, help="write all figures to this file")
    add("--markdown", type=Path, help="write the tables to this file too")
    add("--svg", type=Path, metavar="DIR", help="draw a plot for each family into this folder: needs matplotlib")
    return parser


if __name__ == "__main__":
    main()
