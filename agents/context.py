"""The named facts that travel with a task: who said each, and which of them an agent may see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self

from .errors import ContextConflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["Context", "visible"]


class Context(Mapping[str, Any]):
    """Facts by name, with who said each. Immutable: `view` and `merge` return new ones.

    `said_by` names the source of the facts given. What goes into a `Task` is plain data: `context.plain()`.
    """

    __slots__ = ("_facts", "_sources")

    def __init__(self, facts: Mapping[str, Any] | None = None, said_by: str = "the request") -> None:
        self._facts = dict(facts or {})
        self._sources = dict.fromkeys(self._facts, said_by)

    def view(self, reads: Iterable[str] | None) -> Self:
        """Returns the facts that `reads` names, as far as there are any; all of them if it is None."""
        if reads is None:
            return self
        seen = frozenset(reads)
        return self._made(
            {name: fact for name, fact in self._facts.items() if name in seen},
            {name: source for name, source in self._sources.items() if name in seen},
        )

    def merge(self, facts: Mapping[str, Any], said_by: str) -> Self:
        """Returns the facts of both. The same fact said twice keeps its first source.

        Raises:
            ContextConflict: a fact is known already, with another value.
        """
        if not facts:
            return self
        for name, value in facts.items():
            if name in self._facts and self._facts[name] != value:
                raise ContextConflict(name, (self._sources[name], self._facts[name]), (said_by, value))
        return self._made({**facts, **self._facts}, {**dict.fromkeys(facts, said_by), **self._sources})

    def plain(self) -> dict[str, Any]:
        """Returns the facts as a task has them: a dictionary of its own."""
        return dict(self._facts)

    def said_by(self, name: str) -> str:
        """Returns who said a fact. Raises `KeyError` if nobody did."""
        return self._sources[name]

    def _made(self, facts: dict[str, Any], sources: dict[str, str]) -> Self:
        new = type(self)()
        new._facts, new._sources = facts, sources  # noqa: SLF001 - a new one of our own class, not yet shown to anybody
        return new

    def __getitem__(self, name: str) -> Any:
        return self._facts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._facts)

    def __len__(self) -> int:
        return len(self._facts)

    def __repr__(self) -> str:
        return f"Context({self._facts!r})"


def visible(facts: Mapping[str, Any], reads: Iterable[str] | None) -> dict[str, Any]:
    """Returns a copy of the facts that `reads` names, as far as there are any; of all of them if it is None."""
    if reads is None:
        return dict(facts)
    seen = frozenset(reads)
    return {name: fact for name, fact in facts.items() if name in seen}
