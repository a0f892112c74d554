"""The address of an actor: it stays good when incarnations come and go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import pykka
from pykka.messages import ProxyGetAttr

from .dispatch import CURRENT
from .errors import ActorStopped, AskTimeout, SystemClosed, WouldBlock
from .exits import Exit, ExitReason
from .proxy import Proxy
from .reply import Reply, running_loop, runs_here
from .signals import Signal, Stop

if TYPE_CHECKING:
    from collections.abc import Callable

    from .cell import Cell

__all__ = ["Ref"]

A = TypeVar("A", bound=pykka.Actor)


class Ref(pykka.ActorRef[A]):
    """Sends to one actor, from its event loop, from another loop, or from a plain thread.

    Everything that `pykka.ActorRef` offers works here. Two refs are equal if they address the same actor.
    """

    __slots__ = ("_cell",)

    def __init__(self, cell: Cell) -> None:
        self._cell = cell

    @property
    def path(self) -> str:
        """The actor's place in the tree, such as `support/specialists/billing`."""
        return self._cell.path

    @property
    def incarnation(self) -> int:
        """How many lives the actor has had, the present one included; 0 before the first."""
        return self._cell.incarnation

    @property
    def actor_class(self) -> type[A]:  # type: ignore[override]
        """The class that the actor was declared with."""
        return self._cell.factory.cls  # type: ignore[return-value]

    @property
    def actor_urn(self) -> str:  # type: ignore[override]
        """The path, as pykka's code expects to find it."""
        return f"urn:treeward:{self._cell.system.name}:{self._cell.path}"

    @property
    def actor_stopped(self) -> Any:  # type: ignore[override]
        """An object whose `is_set()` tells whether the actor has ended."""
        return self._cell.stopped_flag

    @property
    def _actor_weakref(self) -> Callable[[], Any]:  # type: ignore[override]
        return lambda: self._cell.actor or self._cell.factory.sketch()

    def __str__(self) -> str:
        return self._cell.path

    def __repr__(self) -> str:
        return f"<Ref {self._cell.path}>"

    def is_alive(self) -> bool:
        """Tells whether the actor takes messages: it does so also while it is being restarted."""
        return self._cell.open

    def tell(self, message: Any) -> None:
        """Sends a message and wants no reply. Returns at once; only in a plain thread, `wait` waits for room.

        Raises:
            ActorStopped: the actor takes no messages any more.
            MailboxFull: its bounded mailbox has no room and its policy is `fail`; or is `wait`, and the
                caller is on an event loop, where only `await send(message)` can wait.
        """
        cell = self._cell
        if not cell.open:
            raise ActorStopped(cell.path, cell.end)
        if runs_here(cell.loop):
            if isinstance(message, Signal):
                cell.accept(message)
            elif cell.mailbox.capacity is None:
                cell.deliver((message, None))
            else:
                cell.take(message)
        else:
            self._tell_from_outside(message)

    async def send(self, message: Any) -> None:
        """Sends a message; if the mailbox is bounded with the policy `wait`, waits until it has room.

        Raises:
            ActorStopped: the actor takes no messages any more.
            MailboxFull: the mailbox has no room and its policy is `fail`.
        """
        cell = self._cell
        if not cell.open:
            raise ActorStopped(cell.path, cell.end)
        if runs_here(cell.loop):
            await cell.take_in_turn(message)
        else:
            await asyncio.wrap_future(cell.system.submit(cell.take_in_turn(message)))

    @overload
    def ask(self, message: Any, *, block: Literal[False], timeout: float | None = None) -> Reply: ...

    @overload
    def ask(self, message: Any, *, block: bool | None = None, timeout: float | None = None) -> Any: ...

    def ask(self, message: Any, *, block: bool | None = None, timeout: float | None = None) -> Any:
        """Sends a message and returns its reply: to be awaited on an event loop, at once in a plain thread.

        `block` says which it shall be: True waits here and returns the value, False returns the `Reply`,
        None (the default) waits in a plain thread and returns the `Reply` on an event loop. After `timeout`
        seconds the reply is `AskTimeout`, and a handler that has not begun by then is skipped.

        Raises (from the reply):
            ActorCrashed: the actor died while it had the message.
            ActorStopped: the actor takes no messages any more, or ended before it came to this one.
            AskTimeout: no reply in time.
            MailboxFull: its bounded mailbox had no room, and its policy is not `wait`.
            SystemClosed: the runtime has ended.
            WouldBlock: `block=True` on the actor's own event loop.
        """
        cell = self._cell
        loop = cell.loop
        here = runs_here(loop)
        if block and here:
            raise WouldBlock(f"ask({type(message).__name__}, block=True)")
        reply = Reply(loop=loop)
        if timeout is not None:
            reply.limit(cell.system.clock, timeout, AskTimeout(cell.path, timeout))
        if here:
            if isinstance(message, Signal):
                cell.accept(message, reply)
            else:
                cell.deliver((message, reply))
            if timeout is not None:
                reply.arm()
            return reply
        self._ask_from_outside(message, reply)
        return reply.get() if block or (block is None and running_loop() is None) else reply

    def stop(
        self, *, block: bool | None = None, timeout: float | None = None, reason: ExitReason = Exit.SHUTDOWN
    ) -> Any:
        """Asks the actor to end after the message in hand; True once it has ended, False if it had before.

        `block` and `timeout` are as in `ask`. The request overtakes the messages that wait; a supervised
        actor may be started again, as its restart type says.
        """
        return self.ask(Stop(reason), block=block, timeout=timeout)

    def proxy(self) -> Proxy[A]:
        """Returns a proxy for the actor's methods and attributes.

        In a plain thread it waits until the actor has started. On an event loop it may come before the
        constructor has run: then it knows the class's own attributes first, and those of the object as soon
        as there is one.

        Raises:
            ActorStopped: the actor takes no messages any more.
        """
        cell = self._cell
        life = CURRENT.get()
        its_own = life is not None and life.cell is cell
        if cell.actor is None and cell.open and running_loop() is None and not its_own:
            self.ask(ProxyGetAttr(attr_path=("__class__",)))
        if not cell.open:
            raise ActorStopped(cell.path, cell.end)
        return Proxy(actor_ref=self)

    def _tell_from_outside(self, message: Any) -> None:
        cell = self._cell
        if isinstance(message, Signal):
            cell.system.call_from_outside(cell.accept, message)
        elif cell.mailbox.capacity is None or cell.mailbox.overflow.startswith("drop"):
            cell.system.call_from_outside(cell.deliver, (message, None))
        elif running_loop() is None:
            cell.system.submit(cell.take_in_turn(message)).result()
        elif cell.mailbox.full:
            raise cell.full_error()
        else:  # on an event loop it cannot wait for the answer: if there is no room then, the policy decides
            cell.system.call_from_outside(cell.deliver, (message, None))

    def _ask_from_outside(self, message: Any, reply: Reply) -> None:
        cell = self._cell
        try:
            cell.system.call_from_outside(self._accept, message, reply)
        except SystemClosed as error:
            if isinstance(message, Stop):
                reply.resolve(value=False)
            else:
                reply.fail(error if cell.open else ActorStopped(cell.path, cell.end))
        except ActorStopped as error:
            reply.fail(error)

    def _accept(self, message: Any, reply: Reply) -> None:
        reply.arm()
        self._cell.accept(message, reply)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ref) and other._cell is self._cell

    def __hash__(self) -> int:
        return id(self._cell)
