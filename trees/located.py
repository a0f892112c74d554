"""Mappings and lists that know where in which file each of their entries stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Location", "Mark", "Place", "SourceList", "SourceMap", "locate"]

Mark: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""

Location: TypeAlias = "tuple[str | int, ...]"
"""The keys and indices that lead from the top of a document to one value."""


class Place(NamedTuple):
    """A position in a file."""

    file: str
    line: int
    column: int


class SourceMap(dict[str, Any]):
    """A mapping as read: where it begins, and where each key and each value stands."""

    __slots__ = ("file", "keys_at", "mark", "values_at")

    def __init__(self, file: str, mark: Mark) -> None:
        super().__init__()
        self.file = file
        self.mark = mark
        self.keys_at: dict[str, Mark] = {}
        self.values_at: dict[str, Mark] = {}

    def put(self, key: str, value: Any, key_at: Mark, value_at: Mark) -> None:
        """Adds an entry with its positions, or replaces one."""
        self[key] = value
        self.keys_at[key] = key_at
        self.values_at[key] = value_at

    def copy(self) -> SourceMap:
        """Returns a mapping with the same entries at the same places."""
        other = SourceMap(self.file, self.mark)
        other.update(self)
        other.keys_at.update(self.keys_at)
        other.values_at.update(self.values_at)
        return other


class SourceList(list[Any]):
    """A list as read: where it begins, and where each item stands."""

    __slots__ = ("file", "items_at", "mark")

    def __init__(self, file: str, mark: Mark) -> None:
        super().__init__()
        self.file = file
        self.mark = mark
        self.items_at: list[Mark] = []

    def put(self, value: Any, at: Mark) -> None:
        """Adds an item with its position."""
        self.append(value)
        self.items_at.append(at)

    def drop(self, index: int) -> None:
        """Takes out an item with its position."""
        del self[index], self.items_at[index]


def locate(top: SourceMap, location: Sequence[str | int], *, key: bool = False) -> Place:
    """Returns where the value at `location` stands, or with `key` where its key does.

    Steps that lead nowhere (a key that is missing, the name of a union's branch) are passed over: the answer
    is then the nearest place around.
    """
    here: Any = top
    place = Place(top.file, *top.mark)
    for step in location:
        if isinstance(here, SourceMap) and step in here.values_at:
            at = here.keys_at[step] if key else here.values_at[step]
            place, here = Place(here.file, *at), here[step]
        elif isinstance(here, SourceList) and isinstance(step, int) and step < len(here):
            place, here = Place(here.file, *here.items_at[step]), here[step]
    return place
