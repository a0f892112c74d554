"""Who is who: unique names, groups, capabilities. What an actor has entered goes with its incarnation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from .errors import NameTaken

if TYPE_CHECKING:
    from .ref import Ref

__all__ = ["Registry"]

Kind: TypeAlias = Literal["name", "group", "capability"]


class Registry:
    """Three tables from words to refs. On the runtime's loop."""

    __slots__ = ("_entries", "_tables")

    def __init__(self) -> None:
        self._tables: dict[Kind, dict[str, dict[Ref[Any], None]]]
        self._tables = {"name": {}, "group": {}, "capability": {}}
        self._entries: dict[Ref[Any], dict[tuple[Kind, str], None]] = {}

    def register(self, name: str, ref: Ref[Any]) -> None:
        """Gives `ref` a name that no other living actor has.

        Raises:
            NameTaken: another actor has it.
        """
        owner = self.name(name)
        if owner is not None and owner != ref:
            raise NameTaken(ref.path, name, owner.path)
        self._enter("name", name, ref)

    def unregister(self, name: str) -> None:
        """Frees a name; nothing happens if nobody has it."""
        owner = self.name(name)
        if owner is not None:
            self._take_out("name", name, owner)

    def join(self, group: str, ref: Ref[Any]) -> None:
        """Adds `ref` to a group."""
        self._enter("group", group, ref)

    def leave(self, group: str, ref: Ref[Any]) -> None:
        """Takes `ref` out of a group; nothing happens if it is not in it."""
        self._take_out("group", group, ref)

    def offer(self, capability: str, ref: Ref[Any]) -> None:
        """Notes that `ref` can do `capability`."""
        self._enter("capability", capability, ref)

    def name(self, name: str) -> Ref[Any] | None:
        """Returns who has the name, or None."""
        return next(iter(self._tables["name"].get(name, ())), None)

    def group(self, group: str) -> tuple[Ref[Any], ...]:
        """Returns the members of a group, in the order in which they joined."""
        return tuple(self._tables["group"].get(group, ()))

    def capable(self, capability: str) -> tuple[Ref[Any], ...]:
        """Returns who offers a capability, in the order in which they said so."""
        return tuple(self._tables["capability"].get(capability, ()))

    def capabilities(self) -> tuple[str, ...]:
        """Returns every capability that somebody offers, sorted."""
        return tuple(sorted(self._tables["capability"]))

    def release(self, ref: Ref[Any]) -> None:
        """Takes out everything that `ref` has entered."""
        if self._entries:  # few actors enter anything: their ends need not even be looked up
            for kind, word in list(self._entries.get(ref, ())):
                self._take_out(kind, word, ref)

    def _enter(self, kind: Kind, word: str, ref: Ref[Any]) -> None:
        self._tables[kind].setdefault(word, {})[ref] = None
        self._entries.setdefault(ref, {})[kind, word] = None

    def _take_out(self, kind: Kind, word: str, ref: Ref[Any]) -> None:
        entries = self._entries.get(ref, {})
        if (kind, word) not in entries:
            return
        del entries[kind, word], self._tables[kind][word][ref]
        if not entries:
            del self._entries[ref]
        if not self._tables[kind][word]:
            del self._tables[kind][word]
