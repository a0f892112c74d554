"""Puts things in the place of others for a while, and gives everything back exactly as it was."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any, Self

__all__ = ["Patches"]

_MISSING = object()

_OURS = __name__.rpartition(".")[0]
_KEPT = "_thread"
"""Python's own import system takes its locks from there, so nothing is replaced in it but by `set`."""


class _Finder:
    """Knows which modules have taken a name for themselves, as in `from time import monotonic`."""

    def __init__(self) -> None:
        self._wanted: dict[int, Any] = {}
        self._found: dict[int, list[tuple[ModuleType, str]]] = {}
        self._seen: dict[str, ModuleType] = {}
        self._looked_at: dict[str, ModuleType] = {}

    def places(self, original: Any) -> list[tuple[ModuleType, str]]:
        """Returns each (module, name) that is this very object."""
        if id(original) not in self._wanted:
            self._wanted[id(original)] = original
            self._found[id(original)] = []
            self._seen.clear()  # look again, for this one too
            self._looked_at.clear()
            for found in self._found.values():
                found.clear()
        return self._found[id(original)]

    def look(self) -> None:
        """Looks through the modules that have been imported since."""
        if self._looked_at == sys.modules:  # as a rule nothing has, from one run to the next
            return
        self._looked_at = dict(sys.modules)
        for name, module in self._looked_at.items():
            if self._seen.get(name) is module or not isinstance(module, ModuleType):
                continue
            self._seen[name] = module
            if name != _KEPT and not name.startswith(_OURS):
                self._look_into(module)

    def _look_into(self, module: ModuleType) -> None:
        for name, value in list(vars(module).items()):
            if self._wanted.get(id(value), _MISSING) is value:
                self._found[id(value)].append((module, name))


_FINDER = _Finder()


class Patches:
    """A set of replacements. `undo` gives back what was there, in the opposite order."""

    def __init__(self) -> None:
        self._undone: list[tuple[Any, str, Any]] = []
        self._everywhere: list[tuple[Any, Any]] = []

    def set(self, owner: Any, name: str, value: Any) -> Self:
        """Sets an attribute of a module or class. An inherited one is hidden, and seen again afterwards."""
        self._undone.append((owner, name, vars(owner).get(name, _MISSING)))
        setattr(owner, name, value)
        return self

    def everywhere(self, original: Any, value: Any) -> None:
        """Replaces what a module is known to have, wherever a module has it under whatever name."""
        self._everywhere.append((original, value))
        _FINDER.places(original)

    def apply(self) -> None:
        """Does what `everywhere` was asked for: one look through the modules is enough for all."""
        _FINDER.look()
        for original, value in self._everywhere:
            for module, name in _FINDER.places(original):
                if vars(module).get(name) is original:
                    self.set(module, name, value)

    def undo(self) -> None:
        """Gives everything back."""
        while self._undone:
            owner, name, value = self._undone.pop()
            if value is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, value)
