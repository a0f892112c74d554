"""Holds the six hottest paths to what they may do, in counts that no machine changes: `python -m benchmarks.work`.

`tests/performance` runs it. After a change that is meant: `python -m benchmarks.work --write`.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from .counting import COUNTED, Counter, counted
from .paths import PATHS
from .report import table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import CodeType

__all__ = ["ITEMS", "LIMITS", "MARGIN", "excesses", "limits"]

ITEMS = 50
"""Of each path."""
MARGIN = 0.03
"""How much more than what was written down a path may do."""
LIMITS = Path(__file__).with_name("limits.json")
"""What the paths did when it was last written: by `PYTHON`, path, and what is counted."""
PYTHON = f"{sys.implementation.name} {sys.version_info.major}.{sys.version_info.minor} {sys.platform}"
"""Instructions differ between versions, and the event loop between platforms."""

Work: TypeAlias = "Mapping[str, Mapping[str, int]]"
"""By path and what is counted, of `ITEMS` items."""

ADVICE = """\
A change has made a path that everything takes do more work. See where:

    python -m benchmarks.work --where {path}

Mend it; or, if what it buys is worth it, say so in the commit, and write the new counts down:

    python -m benchmarks.work --write

A new release of Python, or of a library on the way, may be the cause too: then only the counts are to be written."""


def limits() -> Work | None:
    """Returns what was written down for this Python; None: nothing was."""
    written: dict[str, Work] = json.loads(LIMITS.read_text(encoding="utf-8"))
    return written.get(PYTHON)


def excesses(work: Work, written: Work) -> list[str]:
    """Returns a line for each count that is more than what was written, and the margin."""
    return [
        f"{path}: {_an_item(work[path][what])} {what} an item, {_an_item(_allowed(was))} allowed "
        f"({_an_item(was)} and {MARGIN:.0%})"
        for path, counts in written.items()
        for what, was in counts.items()
        if work[path][what] > _allowed(was)
    ]


def _allowed(was: int) -> float:
    return was * (1 + MARGIN)


def _an_item(count: float) -> str:
    return f"{count / ITEMS:,.2f}"


def main() -> None:
    """Counts, and does what the command line asks for."""
    asked = _parser().parse_args()
    if asked.where:
        print(_functions(counted(PATHS[asked.where], ITEMS)))
        return
    work = {name: asdict(counted(path, ITEMS).counts) for name, path in PATHS.items()}
    if asked.json:
        print(json.dumps(work))
    elif asked.write:
        _write(work)
    else:
        sys.exit(_judge(work, limits()))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.work", description=__doc__.splitlines()[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--write", action="store_true", help=f"write the counts to {LIMITS.name}")
    what.add_argument("--json", action="store_true", help=f"print the counts of {ITEMS} items of each path, as JSON")
    what.add_argument("--where", choices=PATHS, metavar="PATH", help=f"show the functions of one: {', '.join(PATHS)}")
    return parser


def _write(work: Work) -> None:
    written: dict[str, Any] = json.loads(LIMITS.read_text(encoding="utf-8")) if LIMITS.exists() else {}
    before = written.get(PYTHON, {})
    written[PYTHON] = work
    LIMITS.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    print(_table(work, before))


def _judge(work: Work, written: Work | None) -> str | None:
    """Prints the counts; returns what to say at the end if there is something wrong."""
    print(_table(work, written or {}))
    if written is None:
        return f"nothing is written down for {PYTHON}: python -m benchmarks.work --write"
    found = excesses(work, written)
    return "\n".join([*found, "", ADVICE.format(path=found[0].partition(":")[0])]) if found else None


def _table(work: Work, before: Work) -> str:
    def cell(path: str, what: str) -> str:
        return _changed(work[path][what], before.get(path, {}).get(what))

    return table(["an item of", *COUNTED], ([path, *(cell(path, what) for what in COUNTED)] for path in work))


def _changed(count: int, was: int | None) -> str:
    change = "" if not was or count == was else f" ({count / was - 1:+.1%})"
    return _an_item(count) + change


def _functions(counter: Counter) -> str:
    return table(["function", "instructions an item"], _busiest(counter))


def _busiest(counter: Counter) -> Iterator[list[str]]:
    for code, count in counter.by_code.most_common(40):
        yield [_function(code), _an_item(count)]


def _function(code: CodeType) -> str:
    """Returns a function's name and place; one that a dataclass has made is known by its arguments only."""
    if code.co_filename == "<string>":
        return f"{code.co_name}({', '.join(code.co_varnames[: code.co_argcount])})"
    place = "/".join(Path(code.co_filename).parts[-2:])
    return f"{code.co_qualname} ({place}:{code.co_firstlineno})"


if __name__ == "__main__":
    main()
