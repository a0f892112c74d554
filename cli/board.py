"""The drawing of a living tree: a row for each actor, as many as there is room for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from rich.console import Group
from rich.table import Table
from rich.text import Text

from .text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import RenderableType

    from ..supervisors.snapshot import Snapshot
    from .activity import Activity

__all__ = ["Row", "board", "rows_of"]

WIDE = 80
"""From this width on, all columns are shown."""

MARKS = {
    "running": ("●", "green"),
    "starting": ("◔", "cyan"),
    "restarting": ("◐", "yellow"),
    "stopped": ("○", "red"),
}
"""Each state's mark and colour."""


@dataclass(frozen=True, slots=True)
class Row:
    """An actor with the lines that lead to it; `stirs` if there is something to see there, or below."""

    lead: str
    actor: Snapshot
    stirs: bool

    @property
    def name(self) -> str:
        """The last word of its path."""
        return self.actor.path.rpartition("/")[2]


def rows_of(root: Snapshot, activity: Activity) -> list[Row]:
    """Returns a row for each actor, in the tree's order."""
    seen: list[tuple[str, Snapshot, int]] = []
    left = [(root, "", "", 0)]
    while left:
        actor, lead, below, above = left.pop()
        for index, child in reversed(list(enumerate(actor.children, 1))):
            corner, line = ("└── ", "    ") if index == len(actor.children) else ("├── ", "│   ")
            left.append((child, below + corner, below + line, len(seen)))
        seen.append((lead, actor, above))
    stirs = [_stirs(actor, activity) for _, actor, _ in seen]
    for number, (*_, above) in reversed(list(enumerate(seen))):  # those below before those above
        stirs[above] |= stirs[number]
    return [Row(lead, actor, stir) for (lead, actor, _), stir in zip(seen, stirs, strict=True)]


def _stirs(actor: Snapshot, activity: Activity) -> bool:
    marked = actor.mailbox or actor.abandoned or actor.incarnation > 1 or actor.health or _shuts_out(actor)
    return actor.state != "running" or bool(marked) or actor.path in activity.in_hand


def _shuts_out(actor: Snapshot) -> bool:
    return actor.breaker is not None and actor.breaker.state in ("open", "forced_open")


def board(
    root: Snapshot, activity: Activity, now: float, *, width: int = WIDE, height: int | None = None
) -> RenderableType:
    """Draws the tree at `now` (monotonic seconds), in at most `height` lines, the headings among them.

    Where not all rows fit, those where something happens go first, and a last line says how many are left out. In a
    narrow window, some columns are left out.
    """
    rows = rows_of(root, activity)
    shown = rows if height is None else _chosen(rows, height - 1)
    columns = [column for column in _COLUMNS if width >= column.needs]
    table = _headings(columns)
    for row in shown:
        table.add_row(*(column.cell(row, activity, now) for column in columns))
    if len(shown) == len(rows):
        return table
    return Group(table, Text(f"... and {len(rows) - len(shown):,} more", style="dim"))


def _chosen(rows: Sequence[Row], room: int) -> list[Row]:
    if len(rows) <= room:
        return list(rows)
    ranked = sorted(range(len(rows)), key=lambda index: (not rows[index].stirs, index))
    return [rows[index] for index in sorted(ranked[: max(0, room - 1)])]


def _headings(columns: Sequence[_Column]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    for column in columns:
        last = column is columns[-1]
        table.add_column(
            column.name,
            justify="right" if column.is_number else "left",
            no_wrap=True,
            overflow="ellipsis",
            ratio=1 if last else None,
        )
    return table


def _name(row: Row, *_: object) -> Text:
    name = Text(row.lead, style="dim")
    name.append(one_line(row.name), style="bold not dim" if row.actor.type == "supervisor" else "not dim")
    return name


def _state(row: Row, *_: object) -> Text:
    actor = row.actor
    mark, style = MARKS[actor.state]
    text = Text(f"{mark} {actor.state}", style=style)
    if actor.abandoned:
        text.append(f" +{actor.abandoned} abandoned", style="red")
    if actor.health is not None:
        text.append(", unhealthy", style="yellow")
    if _shuts_out(actor):
        text.append(", breaker open", style="red")
    return text


def _restarts(row: Row, activity: Activity, _: float) -> Text:
    return Text(str(activity.restarts[row.actor.path] or ""), style="yellow")


def _in_hand(row: Row, activity: Activity, now: float) -> Text:
    hand = activity.in_hand.get(row.actor.path)
    if hand is None:
        return Text("busy" if row.actor.busy and row.actor.type == "worker" else "")
    attempt = f", attempt {hand.attempt}" if hand.attempt > 1 else ""
    tool = f", {hand.tool}" if hand.tool else ""
    return Text(one_line(f"{hand.task[:8]} {max(0.0, now - hand.since):.1f} s{attempt}{tool}"))


class _Column(NamedTuple):
    """A column of the board: what it says of a row, and from which width of the window on."""

    name: str
    needs: int
    is_number: bool
    cell: Callable[[Row, Activity, float], Text]


_COLUMNS = (
    _Column("actor", 0, False, _name),
    _Column("state", 0, False, _state),
    _Column("life", 50, True, lambda row, *_: Text(str(row.actor.incarnation))),
    _Column("mail", 60, True, lambda row, *_: Text(str(row.actor.mailbox or ""))),
    _Column("restarts", 60, True, _restarts),
    _Column("in hand", 0, False, _in_hand),
    _Column("last end", WIDE, False, lambda row, *_: Text(one_line(row.actor.last_end or ""), style="dim")),
)
