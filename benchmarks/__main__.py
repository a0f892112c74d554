"""Measures Treeward beside other ways to have actors, and to orchestrate agents: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from .cases import CASES
from .entrants import Absent, Entrant, entrant
from .environments import place
from .lineup import PEERS, Peer
from .machine import describe_machine, load
from .report import Report, shown
from .runs import Plan, runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .runs import Run

GROUPS = tuple(dict.fromkeys(case.group for case in CASES.values()))
LOOPS = ("asyncio", "uvloop")


def main() -> None:
    """Runs what the command line asks for; the tables go to stdout, the progress to stderr."""
    asked = _parsed(_parser())
    entrants = tuple(_present((PEERS[name] for name in asked.peers or PEERS), asked.environments))
    named = (CASES[name] for name in asked.cases or CASES)
    cases = tuple(case for case in named if asked.groups is None or case.group in asked.groups)
    plan = Plan(cases, entrants, asked.repeat, asked.scale, asked.timeout, not asked.no_gc, asked.loop)
    before, done = load(), []
    for run in runs(plan):
        done.append(run)
        print(_progress(run), file=sys.stderr, flush=True)
    report = Report(describe_machine(entrants), done, (before, load()), _options(plan))
    print(report.as_markdown())
    if asked.json:
        asked.json.write_text(json.dumps(report.as_dict(), indent=1), encoding="utf-8")
    if asked.markdown:
        asked.markdown.write_text(report.as_markdown(), encoding="utf-8")
    sys.exit(any(run.error for run in done))


def _options(plan: Plan) -> str:
    scaled = f" at {plan.scale:g} of the usual size" if plan.scale != 1 else ""
    loop = f", on the event loop of {plan.loop} {version(plan.loop)}" if plan.loop != LOOPS[0] else ""
    return scaled + loop + ("" if plan.collect else ", garbage collector off")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=CASES, metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, metavar="GROUP", help=f"of {', '.join(GROUPS)}")
    parser.add_argument("--peers", nargs="+", choices=PEERS, metavar="PEER", help=f"of {', '.join(PEERS)}")
    parser.add_argument("--environments", type=Path, default=place(), metavar="DIR", help="where the peers' are")
    parser.add_argument("--repeat", type=int, default=3, help="how often each case is run (default: 3)")
    parser.add_argument("--scale", type=float, default=1.0, help="multiplies the size of every case")
    parser.add_argument("--timeout", type=float, default=300.0, help="seconds that one run may take")
    parser.add_argument("--no-gc", action="store_true", help="no cyclic garbage collection in Python")
    parser.add_argument(
        "--loop", choices=LOOPS, default=LOOPS[0], help="whose event loop Treeward, asyncio and the floor run on"
    )
    parser.add_argument("--json", type=Path, help="write all runs to this file")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file too")
    return parser


def _parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    asked = parser.parse_args()
    if importlib.util.find_spec(asked.loop) is None:
        parser.error(f"--loop {asked.loop}: it is not installed: pip install {asked.loop}")
    return asked


def _present(peers: Iterable[Peer], into: Path) -> Iterator[Entrant]:
    for peer in peers:
        try:
            yield entrant(peer, into)
        except Absent as why:
            print(f"{peer.caption} is left out: {why}", file=sys.stderr)


def _progress(run: Run) -> str:
    case = CASES[run.case]
    figure = getattr(run.measured, case.figure) if run.measured else None
    return f"{run.repeat + 1}. {case.name}, {PEERS[run.peer].caption}: {run.error or shown(case, figure)}"


main()
