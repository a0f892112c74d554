"""What the commands of the live view share: how their words are read, and how little tables look."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ..agents.errors import did_you_mean, nearest
from .outcomes import plain
from .text import json_text, one_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["Mistake", "ago", "as_text", "facts", "listed", "person", "two_words", "verb_of"]

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"))


class Mistake(Exception):
    """A command that was not used as it should be: what was typed, and what is expected."""


def verb_of(command: str, words: str, forms: Mapping[str, str]) -> tuple[str, str]:
    """Returns which verb of a command was typed, and what stands behind it.

    No verb means `list`; a single word that is none means `show`. `forms` are the verbs with what is written
    behind each. Raises `Mistake` for a verb that there is not.
    """
    verb, _, rest = words.strip().partition(" ")
    if not verb:
        return "list", ""
    if verb in forms:
        return verb, rest.strip()
    if rest or nearest(verb, forms):
        every = ", ".join(f"{command} {one} {form}".rstrip() for one, form in forms.items())
        raise Mistake(f"there is no {command} {verb}: {did_you_mean(nearest(verb, forms), f'expected {every}')}")
    return "show", verb


def two_words(command: str, rest: str, form: str) -> tuple[str, str]:
    """Returns an id and the text behind it. Raises `Mistake` if one is missing."""
    first, _, text = rest.partition(" ")
    if not (first and text.strip()):
        missing = "the text" if first else "the id"
        raise Mistake(f"{missing} is missing: expected {command} {form}")
    return first, text.strip()


def person() -> str:
    """Returns who types: the user's name in this system."""
    try:
        return getpass.getuser()
    except (KeyError, ImportError, OSError):  # a user without a name, as in many containers
        return f"user {os.getuid()}"


def ago(seconds: float) -> str:
    """Returns how long something is ago, in one unit: `12s`, `3m`, `5h`, `2d`."""
    for size, unit in _UNITS:
        if seconds >= size:
            return f"{seconds // size:.0f}{unit}"
    return f"{max(0.0, seconds):.0f}s"


def as_text(value: Any) -> str:
    """Returns a value on one line, without control characters: a text as it is, all else as JSON."""
    return one_line(value if isinstance(value, str) else json_text(plain(value)))


def listed(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """Returns a table: the last column has the room that is left, and is cut off where it is too long."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for column in columns:
        last = column == columns[-1]
        table.add_column(column, no_wrap=True, overflow="ellipsis", ratio=1 if last else None)
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    return table


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Returns names and values, each value with as many lines as it needs."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, Text(one_line(value)))
    return table
