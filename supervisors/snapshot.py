"""The living tree as frozen data: for people, for tests, for the command line."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from ..runtime.exits import reason_text
from .supervisor import Supervisor

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..runtime.cell import Cell
    from .children import State

__all__ = ["Snapshot", "snapshot"]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One actor, and those below it, at one moment.

    Attributes:
        path: its place in the tree.
        kind: the class's name.
        type: `worker` or `supervisor`.
        state: `running`, `starting`, `restarting` or `stopped`.
        incarnation: how many lives it has had, this one included.
        mailbox: messages that wait.
        busy: whether a handler is at work.
        abandoned: earlier incarnations that could not be ended, and still run.
        last_end: why the last incarnation ended; None in the first.
        children: in start order.
    """

    path: str
    kind: str
    type: Literal["worker", "supervisor"]
    state: State
    incarnation: int
    mailbox: int
    busy: bool
    abandoned: int
    last_end: str | None
    children: tuple[Snapshot, ...] = ()

    def walk(self) -> Iterator[Snapshot]:
        """Yields this one and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()

    def find(self, path: str) -> Snapshot | None:
        """Returns the actor at that path, or None."""
        return next((one for one in self.walk() if one.path == path), None)

    def as_dict(self) -> dict[str, Any]:
        """Returns plain data, ready for JSON."""
        return asdict(self)


def snapshot(cell: Cell, state: State | None = None) -> Snapshot:
    """Takes the picture of an actor and of those below it. On the runtime's loop."""
    actor = cell.actor
    states = actor.states() if isinstance(actor, Supervisor) else {}
    children = tuple(snapshot(child, states.get(name, "stopped")) for name, child in (cell.children or {}).items())
    cls = cell.factory.cls
    return Snapshot(
        path=cell.path,
        kind=getattr(cls, "__name__", str(cls)),
        type="supervisor" if isinstance(cls, type) and issubclass(cls, Supervisor) else "worker",
        state=state or ("running" if cell.alive else "stopped"),
        incarnation=cell.incarnation,
        mailbox=len(cell.mailbox),
        busy=cell.busy,
        abandoned=sum(life.cell is cell for life in cell.system.abandoned),
        last_end=None if cell.end is None else reason_text(cell.end),
        children=children,
    )
