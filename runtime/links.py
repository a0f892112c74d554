"""Who is told when an incarnation ends: links go both ways and end the other side too, monitors only tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .exits import Exit as Reason
from .signals import Down, Exit

if TYPE_CHECKING:
    from .cell import Cell
    from .exits import ExitReason

__all__ = ["Ties", "announce", "demonitor", "link", "monitor", "unlink"]


class Ties:
    """The links and monitors of one incarnation. They end with it, on both sides."""

    __slots__ = ("links", "watched", "watchers")

    def __init__(self) -> None:
        self.links: dict[Cell, None] = {}
        self.watchers: dict[Cell, None] = {}
        self.watched: dict[Cell, None] = {}


def monitor(watcher: Cell, watched: Cell) -> None:
    """Has `watcher` told the end of the incarnation that `watched` is in; at once if it has ended."""
    _same_loop(watcher, watched)
    if watched.alive:
        _ties(watched).watchers[watcher] = None
        _ties(watcher).watched[watched] = None
    else:
        watcher.signal(Down(watched.ref, watched.incarnation, watched.end or Reason.NORMAL))


def demonitor(watcher: Cell, watched: Cell) -> None:
    """Takes `monitor` back. A `Down` that is on its way already still comes."""
    if watched.ties is not None:
        watched.ties.watchers.pop(watcher, None)
    if watcher.ties is not None:
        watcher.ties.watched.pop(watched, None)


def link(one: Cell, other: Cell) -> None:
    """Ties the ends of two incarnations; if the other has ended, its exit comes at once."""
    _same_loop(one, other)
    if one is other:
        return
    if other.alive:
        _ties(one).links[other] = None
        _ties(other).links[one] = None
    else:
        one.signal(Exit(other.ref, other.incarnation, other.end or Reason.NORMAL))


def unlink(one: Cell, other: Cell) -> None:
    """Takes `link` back, on both sides."""
    if one.ties is not None:
        one.ties.links.pop(other, None)
    if other.ties is not None:
        other.ties.links.pop(one, None)


def announce(cell: Cell, reason: ExitReason, *, supervisor: Cell | None) -> None:
    """Tells the end of an incarnation to its monitors, to its supervisor, and to its links, in this order."""
    ties, cell.ties = cell.ties, None
    if ties is None and supervisor is None:
        return
    down = Down(cell.ref, cell.incarnation, reason)
    for watcher in _let_go(cell, ties) if ties is not None else ():
        watcher.signal(down)
    if supervisor is not None:
        supervisor.signal(down)
    if ties is not None:
        _spread(cell, reason, ties)


def _let_go(cell: Cell, ties: Ties) -> list[Cell]:
    """Takes the ended incarnation out of the ties of all others; returns who monitors it."""
    for watched in ties.watched:
        if watched.ties is not None:
            watched.ties.watchers.pop(cell, None)
    for watcher in ties.watchers:
        if watcher.ties is not None:
            watcher.ties.watched.pop(cell, None)
    for other in ties.links:
        if other.ties is not None:
            other.ties.links.pop(cell, None)
    return list(ties.watchers)


def _spread(cell: Cell, reason: ExitReason, ties: Ties) -> None:
    """Sends the exit to each link, and so on to the links of those that end of it.

    One after the other, not one within the other: a chain of links may be longer than Python's stack is deep.
    """
    exits = cell.system.exits
    spreading = bool(exits)
    message = Exit(cell.ref, cell.incarnation, reason)
    exits.extend((other, other.incarnation, message) for other in ties.links)
    if spreading:
        return
    while exits:
        other, incarnation, message = exits[0]
        if other.incarnation == incarnation:
            other.signal(message)
        exits.popleft()


def _ties(cell: Cell) -> Ties:
    if cell.ties is None:
        cell.ties = Ties()
    return cell.ties


def _same_loop(one: Cell, other: Cell) -> None:
    if one.loop is not other.loop:
        raise ValueError(f"{other.path} lives on another event loop than {one.path}: no tie reaches it")
