"""The children of one supervisor, in their order: how each is started, ended, dropped. It decides nothing."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from ..runtime.cell import THROUGHPUT, Cell
from ..runtime.errors import StartFailed
from ..runtime.steps import Declined
from .checkup import Checkup
from .errors import FailedToStart
from .work.guard import gate

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ..runtime.actor import Factory
    from ..runtime.ref import Ref
    from ..runtime.timers import Timer
    from .spec import ChildSpec

__all__ = ["Child", "Children", "State"]

State: TypeAlias = Literal["running", "starting", "restarting", "stopped"]


class Child:
    """One child: its spec, its cell, its state, and how often it was restarted in a row."""

    __slots__ = ("cell", "id", "ran", "restarts", "retry", "running_since", "spec", "state", "ticket")

    def __init__(self, child_id: str, spec: ChildSpec, cell: Cell) -> None:
        self.id = child_id
        self.spec = spec
        """What its supervisor was told; the children of one template share it, and each has its own id and factory."""
        self.cell = cell
        self.state: State = "stopped"
        self.restarts = 0
        self.running_since = 0.0
        self.ran = 0.0
        """For how many seconds it has run, the last time that it did."""
        self.retry: Timer | None = None
        self.ticket = 0
        """Which try of a start is the valid one; a `TryAgain` with another number is stale."""

    @property
    def own_spec(self) -> ChildSpec:
        """Its spec, with its own id and start."""
        return self.spec if self.spec.id == self.id else self.spec.another(self.id, self.cell.factory)

    def cancel_retry(self) -> None:
        """Makes any pending try stale."""
        self.ticket += 1
        if self.retry is not None:
            self.retry.cancel()
            self.retry = None


class _Start:
    """One start of a child: whether it is settled, and with which error, if with one. The cell calls it."""

    __slots__ = ("_waiter", "error", "settled")

    def __init__(self) -> None:
        self.settled = False
        self._waiter: asyncio.Future[None] | None = None

    def __call__(self, error: BaseException | None) -> None:
        self.error, self.settled = error, True
        if self._waiter is not None:
            _wake(self._waiter)

    def waiter(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[None]:
        """Returns what can be awaited until it is settled."""
        self._waiter = loop.create_future()
        return self._waiter


class Children:
    """An ordered set of children below one supervisor's cell. On the loop, in the supervisor's task.

    The cells outlive the supervisor's incarnation: when it is restarted, each child finds its ref and its
    mailbox again.
    """

    __slots__ = ("_by_id", "_cell", "_checkup", "_starts")

    def __init__(self, cell: Cell) -> None:
        self._cell = cell
        self._checkup = Checkup(cell)
        if cell.children is None:
            cell.children = {}
        self._by_id: dict[str, Child] = {}
        self._starts = 0

    def __iter__(self) -> Iterator[Child]:
        """The children, oldest first; a copy, so that it may be changed on the way."""
        return iter(list(self._by_id.values()))

    def __len__(self) -> int:
        """The number of specs."""
        return len(self._by_id)

    def ids(self) -> Collection[str]:
        """Returns a view of the ids, oldest first."""
        return self._by_id.keys()

    def get(self, child_id: object) -> Child | None:
        """Returns the child of that id, or None."""
        return self._by_id.get(child_id) if isinstance(child_id, str) else None

    def of(self, ref: Ref[Any]) -> Child | None:
        """Returns the child that this is the address of; None if it is gone, or never was one of these.

        An id may have been given again: the path alone would name another child.
        """
        cell = ref._cell  # noqa: SLF001 - a ref is a cell's own handle
        child = self._by_id.get(cell.path.rpartition("/")[2])
        return child if child is not None and child.cell is cell else None

    def had(self, ref: Ref[Any]) -> bool:
        """Tells whether this is, or was, the address of a child of this supervisor."""
        return ref._cell.parent is self._cell  # noqa: SLF001 - a ref is a cell's own handle

    def newest_first(self) -> list[Child]:
        """Returns the children, newest first."""
        return list(reversed(self._by_id.values()))

    def add(self, spec: ChildSpec) -> Child:
        """Adds a spec as the newest; nothing is started."""
        return self.add_another(spec, spec.id, spec.factory)

    def add_another(self, spec: ChildSpec, child_id: str, factory: Factory) -> Child:
        """Adds one more child of a template, with an id and a start of its own."""
        child = self._by_id[child_id] = Child(child_id, spec, self._cell_for(spec, child_id, factory))
        return child

    def reorder(self, ids: list[str]) -> None:
        """Brings the children into this order."""
        self._by_id = {child_id: self._by_id[child_id] for child_id in ids}
        self._cell.children = {child_id: self._by_id[child_id].cell for child_id in ids}

    def drop(self, child: Child) -> None:
        """Forgets a child that has ended, its ref and its mailbox with it."""
        del self._by_id[child.id]
        self._close(child.id)

    def close_strangers(self) -> None:
        """Closes the refs of children that only an earlier incarnation of the supervisor had."""
        for child_id in set(self._cell.children or ()) - set(self._by_id):
            self._close(child_id)

    def respec(self, child: Child, spec: ChildSpec) -> None:
        """Gives a child a new spec; what is running goes on as it is."""
        child.spec = spec
        _equip(child.cell, spec, spec.factory)
        self._checkup.attend(child)

    async def start(self, child: Child) -> bool:
        """Starts a child and waits for its `on_start`; False if it declined.

        Raises:
            FailedToStart: the start did not reach its end. The state is `stopped`.
        """
        child.cancel_retry()
        child.state = "starting"
        self._starts += 1
        if self._starts % THROUGHPUT == 0:  # starts that wait for nothing would hold the loop
            await asyncio.sleep(0)
        start = _Start()
        child.cell.start(start)
        if not start.settled:
            await self._in_time(child, start.waiter(self._cell.loop))
        error = start.error
        if error is None:
            child.state = "running"
            child.running_since = self._cell.system.clock.monotonic()
            if child.spec.work.health is not None:
                self._checkup.begin(child)
            return True
        child.state = "stopped"
        if isinstance(error, Declined):
            return False
        raise FailedToStart(child.id, error)

    async def terminate(self, child: Child) -> None:
        """Ends a child on purpose, as its `shutdown` says, and waits until nothing of it runs."""
        child.cancel_retry()
        self.note_end(child)
        child.state = "stopped"
        cell, shutdown = child.cell, child.spec.shutdown
        if shutdown == "brutal_kill":
            cell.kill()
            await self._ended(cell)
        else:
            await cell.system.end(cell, None if shutdown == "infinity" else float(shutdown or 0))

    def note_end(self, child: Child) -> None:
        """Notes for how long a child has run, if it did."""
        if child.state == "running":
            child.ran = self._cell.system.clock.monotonic() - child.running_since

    async def _in_time(self, child: Child, waiter: asyncio.Future[None]) -> None:
        timeout = child.spec.start_timeout
        if timeout is None or timeout == "infinity":
            await waiter
            return
        late = StartFailed(child.cell.path, f"on_start took longer than start_timeout, {timeout:g} s")
        timer = self._cell.system.clock.call_later(timeout, child.cell.kill, late)
        try:
            await waiter
        finally:
            timer.cancel()

    async def _ended(self, cell: Cell) -> None:
        if cell.alive:
            waiter = cell.system.loop.create_future()
            cell.when_ended(functools.partial(_wake, waiter))
            await waiter

    def _cell_for(self, spec: ChildSpec, child_id: str, factory: Factory) -> Cell:
        parent = self._cell
        assert parent.children is not None  # noqa: S101 - the constructor made it
        cell = parent.children.get(child_id)
        if cell is not None:  # of an earlier incarnation of the supervisor
            _equip(cell, spec, factory)
            return cell
        path, dispatcher, mailbox = f"{parent.path}/{child_id}", spec.dispatcher, spec.mailbox
        cell = Cell(parent.system, path, factory, parent=parent, dispatcher=dispatcher, mailbox=mailbox)
        cell.policy = spec.work
        if spec.type == "worker":
            cell.gate = gate
        parent.children[child_id] = cell
        parent.system.adopt(cell)
        return cell

    def _close(self, child_id: str) -> None:
        assert self._cell.children is not None  # noqa: S101 - the constructor made it
        self._cell.children.pop(child_id).close()


def _equip(cell: Cell, spec: ChildSpec, factory: Factory) -> None:
    """Gives a cell what a spec says, which its next incarnation goes by, if not this one."""
    cell.factory = factory
    cell.mailbox.spec = spec.mailbox
    cell.policy = spec.work
    if not cell.alive:
        cell.dispatcher = "thread" if factory.is_foreign else spec.dispatcher


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
