"""Who offers what, over restarts.

The runtime's registry forgets an incarnation's entries when it ends, so a child that is just being
restarted offers nothing. Its ref takes messages all the same: they wait for the next incarnation. So what
agents offer is also noted here, for as long as their refs live.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from .profile import Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..runtime.ref import Ref
    from ..runtime.system import ActorSystem
    from .tools import ToolSpec

    Refs: TypeAlias = "WeakKeyDictionary[Ref[Any], ToolSpec | None]"

__all__ = ["TOOL", "Directory", "directory_of"]

TOOL = "tool:"
"""What comes before a tool's full name where it is a word that an actor offers."""

SWEEP_AT = 256


class _Entry(NamedTuple):
    profile: Profile
    words: frozenset[str]


_NOTHING = _Entry(Profile(), frozenset())


class Directory:
    """Refs by the words that they offer, with the tool where the word is one's. On the runtime's loop."""

    __slots__ = ("_entries", "_sweep_at", "_words")

    def __init__(self) -> None:
        self._words: dict[str, Refs] = {}
        self._entries: WeakKeyDictionary[Ref[Any], _Entry] = WeakKeyDictionary()
        self._sweep_at = SWEEP_AT

    def enter(self, ref: Ref[Any], profile: Profile, words: Mapping[str, ToolSpec | None]) -> None:
        """Notes what `ref` offers from now on, in place of what it has offered so far."""
        for word in self._entries.get(ref, _NOTHING).words - words.keys():
            self._words[word].pop(ref, None)
        for word, spec in words.items():
            self._words.setdefault(word, WeakKeyDictionary())[ref] = spec
        self._entries[ref] = _Entry(profile, frozenset(words))
        if len(self._words) > self._sweep_at:
            self._sweep()

    def who(self, word: str) -> tuple[Ref[Any], ...]:
        """Returns who offers a word and takes messages, in the order of their first entries."""
        return tuple(ref for ref in self._words.get(word, ()) if ref.is_alive())

    def owners(self, tool: str) -> dict[Ref[Any], ToolSpec]:
        """Returns who offers a tool and takes messages, with the tool's specification."""
        entries = self._words.get(f"{TOOL}{tool}")
        found = () if entries is None else entries.items()
        return {ref: spec for ref, spec in found if spec is not None and ref.is_alive()}

    def tools(self) -> dict[str, ToolSpec]:
        """Returns every tool that somebody offers, by its full name, sorted."""
        names = sorted(word.removeprefix(TOOL) for word in self._words if word.startswith(TOOL))
        return {name: spec for name in names for spec in list(self.owners(name).values())[:1]}

    def agents(self) -> tuple[Ref[Any], ...]:
        """Returns everybody who has entered something and takes messages."""
        return tuple(ref for ref in self._entries if ref.is_alive())

    def profile(self, ref: Ref[Any]) -> Profile:
        """Returns the profile of an agent; the default one of whoever has entered none."""
        return self._entries.get(ref, _NOTHING).profile

    def _sweep(self) -> None:
        """Forgets the words of those who are gone; now and then, so that entering stays cheap."""
        kept = {word for entry in self._entries.values() for word in entry.words}
        self._words = {word: refs for word, refs in self._words.items() if word in kept}
        self._sweep_at = max(SWEEP_AT, 2 * len(self._words))


_DIRECTORIES: WeakKeyDictionary[ActorSystem, Directory] = WeakKeyDictionary()


def directory_of(system: ActorSystem) -> Directory:
    """Returns the directory of an actor system; it lives and goes with it."""
    found = _DIRECTORIES.get(system)
    if found is None:
        found = _DIRECTORIES[system] = Directory()
    return found
