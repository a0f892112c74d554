"""Puts measured tables into a document: `python -m benchmarks.document docs/performance.md actors=actors.md ...`.

The place of a table is between the comments `<!-- actors -->` and `<!-- /actors -->`; what was there goes.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

__all__ = ["placed", "places"]

PLACE = re.compile(r"<!-- (?P<name>[\w-]+) -->\n(?P<table>.*?)<!-- /(?P=name) -->", re.DOTALL)


def places(document: str) -> list[str]:
    """Returns the names of a document's places."""
    return [found["name"] for found in PLACE.finditer(document)]


def placed(document: str, tables: dict[str, str]) -> str:
    """Returns a document with these tables in their places; places that have none here stay as they are.

    Raises:
        ValueError: there is no such place.
    """
    unknown = sorted(set(tables) - set(places(document)))
    if unknown:
        raise ValueError(f"no place for {', '.join(unknown)}: the document has {', '.join(places(document))}")

    def put(found: re.Match[str]) -> str:
        name = found["name"]
        return f"<!-- {name} -->\n{tables[name].strip()}\n<!-- /{name} -->" if name in tables else found[0]

    return PLACE.sub(put, document)


def main() -> None:
    """Writes the document anew."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.document", description=__doc__.splitlines()[0])
    parser.add_argument("document", type=Path)
    parser.add_argument("tables", nargs="+", metavar="PLACE=FILE")
    asked = parser.parse_args()
    files = dict(table.partition("=")[::2] for table in asked.tables)
    try:
        tables = {name: Path(file).read_text(encoding="utf-8") for name, file in files.items()}
        made = placed(asked.document.read_text(encoding="utf-8"), tables)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    asked.document.write_text(made, encoding="utf-8")


if __name__ == "__main__":
    main()
