"""An actor's methods and attributes, through its ref: pykka's proxy, for an actor that is born again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import pykka

if TYPE_CHECKING:
    from .ref import Ref

__all__ = ["Proxy"]

A = TypeVar("A", bound=pykka.Actor)


class Proxy(pykka.ActorProxy[A]):
    """As `pykka.ActorProxy`, but good over restarts: it looks at the incarnation that lives, and keeps none.

    A method returns a `Reply`, an attribute does so too; setting one waits in a plain thread, and does not
    on an event loop. What the method raises is a crash of the actor, if the actor does not expect it.
    """

    actor_ref: Ref[A]

    @property
    def _actor(self) -> Any:
        return self.actor_ref._actor_weakref()  # noqa: SLF001 - pykka's own way from a ref to its actor

    @_actor.setter
    def _actor(self, actor: object) -> None:
        """Ignores the incarnation that pykka's constructor would keep."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Proxy) and self.actor_ref == other.actor_ref and self._attr_path == other._attr_path

    def __hash__(self) -> int:
        return hash((self.actor_ref, self._attr_path))
