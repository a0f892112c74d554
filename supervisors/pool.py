"""A pool: identical children behind one ref. Its size can change while it runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeAlias, get_args

from ..runtime.errors import ActorStopped
from ..runtime.reply import Reply
from ..runtime.signals import Signal
from ..runtime.task import Task
from .checks import check, is_name, is_whole
from .errors import Unsupported
from .requests import Reload
from .spec import Backoff, ChildSpec, Intensity, SupervisorSpec, check_child, check_limits
from .supervisor import Supervisor

if TYPE_CHECKING:
    from ..runtime.cell import Cell
    from ..runtime.ref import Ref
    from .children import Child
    from .requests import DeleteChild, Resize, StartChild, TerminateChild

__all__ = ["Pool", "PoolSpec", "Route"]

Route: TypeAlias = Literal["round_robin", "least_mailbox", "consistent_hash", "broadcast"]

_MEND = "use resize(size)"

_GONE: Any = object()
"""Stands for the reply of a member that ended before it came to the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSpec:
    """The options of a pool.

    Attributes:
        child: what every member is; its id is replaced by the member's number. Permanent or transient.
        size: how many members.
        route: who gets a message: each in turn, the one with the fewest waiting, the one that the key belongs
            to, or all (an `ask` then returns the list of all replies, in the members' order).
        key: for `consistent_hash`: the attribute or mapping key of a message, or the field of a task's context, that
            says where it belongs.
            Messages with equal keys go to the same member; a change of size moves only the share that has to
            move (rendezvous hashing).
        intensity, backoff: as in `SupervisorSpec`; members are restarted one for one.
    """

    child: ChildSpec
    size: int
    route: Route = "round_robin"
    key: str = "id"
    intensity: Intensity = field(default_factory=Intensity)
    backoff: Backoff | None = None

    def __post_init__(self) -> None:
        check_child(self.child)
        lasting = self.child.restart != "temporary"
        expected = "permanent or transient, since a pool keeps its size"
        check(f"restart of {self.child.id!r}", self.child.restart, lasting, expected)
        check_size(self.size)
        routes = get_args(Route)
        check("pool route", self.route, self.route in routes, f"one of {', '.join(routes)}")
        check("pool key", self.key, is_name(self.key), "the name of an attribute, or of a mapping's key")
        check_limits(self.intensity, self.backoff)

    def member(self, number: int) -> ChildSpec:
        """Returns the spec of one member; they count from 1."""
        return replace(self.child, id=str(number))

    @property
    def as_supervisor(self) -> SupervisorSpec:
        """The same options, as a static supervisor has them."""
        members = [self.member(number + 1) for number in range(self.size)]
        return SupervisorSpec(children=members, intensity=self.intensity, backoff=self.backoff)


def check_size(size: object) -> None:
    """Raises `InvalidSpec` if this is no size for a pool."""
    check("pool size", size, is_whole(size, 1), "a whole number, 1 or more")


class Pool(Supervisor):
    """Routes every message that is not a supervisor's request to its members, and supervises them.

    A message that is on its way to a member keeps its sender: the reply comes from the member. Members that
    are being restarted are passed over, unless the message belongs to just that one. Members that are stopped
    (they declined, or are transient and have ended) get nothing; if all are, messages become dead letters.
    """

    told: ClassVar[type[Any]] = PoolSpec
    _turn = 0

    def _adopt(self, spec: PoolSpec) -> None:
        self._pool = spec
        super()._adopt(spec)

    def on_receive(self, message: Any) -> Any:
        """Serves a request, or routes a message."""
        if isinstance(message, Signal):
            return super().on_receive(message)
        if self._pool.route == "broadcast":
            return self._broadcast(message)
        return self._cell.forward(self._choose(message))

    def _choose(self, message: Any) -> Cell:
        """Returns who gets a message; a stopped member, which refuses it, if there are no others."""
        children = [child for child in self._children if child.cell.open] or list(self._children)
        if self._pool.route == "consistent_hash":
            key = self._key_of(message)
            return max((child.cell for child in children), key=lambda cell: _weight(key, cell.path))
        running = [child.cell for child in children if child.state == "running"]
        cells = running or [child.cell for child in children]
        if self._pool.route == "least_mailbox":
            return min(cells, key=lambda cell: len(cell.mailbox) + cell.busy)
        turn, self._turn = self._turn, self._turn + 1
        return cells[turn % len(cells)]

    def _broadcast(self, message: Any) -> Any:
        """Sends to all; a reply that is waited for becomes the list of theirs, or the first error."""
        cells = [child.cell for child in self._children if child.cell.open]
        _, waiting = self._cell.current or (None, None)
        if not cells:
            self._cell.undelivered(message, "stopped")
            return []
        if waiting is None:
            for cell in cells:
                cell.accept(_own(message, cell))
            return None
        left = None if waiting.deadline is None else waiting.deadline - self.system.clock.monotonic()
        first, *rest = [_or_gone(cell.ref.ask(_own(message, cell), block=False, timeout=left)) for cell in cells]
        self._cell.reply_from(first.join(*rest).filter(lambda reply: reply is not _GONE))
        return None

    def _key_of(self, message: Any) -> str:
        """Returns where a message belongs. One without the key belongs where its text does."""
        key = self._pool.key
        value = message.get(key) if isinstance(message, Mapping) else getattr(message, key, None)
        if value is None and isinstance(message, Task):
            value = message.context.get(key)
        return repr(message if value is None else value)

    async def _resize(self, request: Resize) -> int:
        """Starts further members, or ends the newest; what waits for those that end goes to the others."""
        check_size(request.size)
        await self._reload(Reload(replace(self._pool, size=request.size)))
        return len(self._children)

    async def _remove(self, child: Child) -> None:
        """Ends a member; what waits for it goes to the others, if they have not got it already."""
        await self._children.terminate(child)
        everyone_has_it = self._pool.route == "broadcast"
        waiting = [] if everyone_has_it else list(child.cell.mailbox.drain())
        self._children.drop(child)
        for message, reply in waiting:
            self._choose(message).accept(message, reply)

    async def _start_child(self, _: StartChild) -> Ref[Any] | None:
        raise Unsupported("start_child", "pool", _MEND)

    async def _terminate_child(self, _: TerminateChild) -> None:
        raise Unsupported("terminate_child", "pool", _MEND)

    async def _delete_child(self, _: DeleteChild) -> None:
        raise Unsupported("delete_child", "pool", _MEND)


def _own(message: Any, cell: Cell) -> Any:
    """Returns a message for one member of all: a task is a step of its own there, with all its attempts."""
    if not isinstance(message, Task):
        return message
    return replace(message, idempotency_key=f"{message.idempotency_key}/{cell.path.rpartition('/')[2]}")


def _weight(key: str, path: str) -> bytes:
    """Rendezvous hashing (Thaler, Ravishankar, 1998): a key belongs where its weight is greatest."""
    return hashlib.blake2b(f"{key}\0{path}".encode(), digest_size=8).digest()


def _or_gone(reply: Reply) -> Reply:
    """Returns the same reply, or `_GONE` in the place of `ActorStopped`."""
    answer = Reply(loop=reply.get_loop())

    def settle(settled: Any) -> None:
        if isinstance(settled.exception(), ActorStopped):
            answer.resolve(_GONE)
        else:
            settled.settle(answer)

    reply.add_done_callback(settle)
    return answer
