"""The files of a tree: what one includes, and what it names as policies, in their places."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from pydantic import ValidationError

from .located import Place, SourceList, SourceMap, locate
from .messages import problems_of
from .nodes import kind_of, policy_slots, slots
from .problems import Problem, TreeError, quoted
from .rules import violations
from .source import MAX_BYTES, decode, read_source
from .spec import IncludeNode, Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .nodes import Seen, Slot

__all__ = ["Files", "opened"]

MAX_INCLUDES = 100
MAX_CHAIN = 10
"""Files that include each other in a row."""
MAX_TOTAL = 10_000_000
"""Characters of all files together, each counted as often as it is included."""

TEXT = "<text>"
"""What a document is called that comes from no file."""


class Origin(NamedTuple):
    """Where a document comes from: its name in messages, its directory, and the files that led to it."""

    file: str
    directory: Path
    chain: tuple[Path, ...]


class Files:
    """Reads a document with its includes; `problems` is what was wrong, `order` names the files."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.problems: list[Problem] = []
        self.order: list[str] = []
        self.complete = True
        """Whether every include could be put in its place."""
        self._environ = environ
        self._characters = 0
        self._includes = 0

    def read(self, source: str | bytes | os.PathLike[str]) -> tuple[SourceMap | None, Mapping[str, Any]]:
        """Returns the document with its policies; None in its place if there is nothing to go on with."""
        try:
            text, origin = opened(source)
            return self._document(text, origin)
        except TreeError as error:
            self.problems += error.problems
            return None, {}

    def _document(self, text: str, origin: Origin) -> tuple[SourceMap | None, Mapping[str, Any]]:
        self.order.append(origin.file)
        self._characters += len(text)
        if self._characters > MAX_TOTAL:
            place = Place(origin.file, 0, 0)
            _refuse(place, "the files together are too large", f"at most {MAX_TOTAL:,} characters")
        top, problems = read_source(text, origin.file, self._environ)
        self.problems += problems
        policies = top.get("policies")
        shelf: Mapping[str, Any] = policies if isinstance(policies, dict) else {}
        within = (slot for slot in policy_slots(shelf, set()) if slot.holder is not shelf.get(slot.shelf))
        _name_policies(within, shelf)
        root = top.get("tree")
        if isinstance(root, SourceMap):
            resolved = self._filled(root, shelf, origin)
            if resolved is None:
                return None, shelf
            top["tree"] = resolved
        return top, shelf

    def _filled(self, root: SourceMap, shelf: Mapping[str, Any], origin: Origin) -> SourceMap | None:
        """Returns the tree with includes and policies in place, or None if its root could not be included."""
        if kind_of(root) == "include":
            return self._included(root, origin)
        waiting, seen = [root], set()
        named: Seen = set()
        while waiting:
            node = waiting.pop()
            if id(node) in seen:
                continue  # an alias: it is the same object, and has been here
            seen.add(id(node))
            _name_policies(slots(node, (), named), shelf)
            children = node.get("children")
            if isinstance(children, SourceList):
                self._fill(children, origin)
                waiting.extend(c for c in children if isinstance(c, SourceMap) and c.file == origin.file)
        return root

    def _fill(self, children: SourceList, origin: Origin) -> None:
        for index in reversed(range(len(children))):
            child = children[index]
            if isinstance(child, SourceMap) and kind_of(child) == "include":
                included = self._included(child, origin)
                if included is None:
                    children.drop(index)
                else:
                    children[index] = included

    def _included(self, node: SourceMap, origin: Origin) -> SourceMap | None:
        """Returns the tree of the file that an include names, or None, with the problem noted."""
        try:
            include = IncludeNode.model_validate(node, by_alias=True, by_name=False)
            text, there = self._opened_from(node, include.include, origin)
            top, shelf = self._document(text, there)
        except ValidationError as error:
            self.problems += problems_of(error.errors(include_url=False), node, IncludeNode, {})
            top, shelf = None, {}
        except TreeError as error:
            self.problems += error.problems
            top, shelf = None, {}
        if top is None:
            self.complete = False
            return None
        self.problems += _header_problems(top, shelf)
        root = top.get("tree")
        return _renamed(root, include.as_) if isinstance(root, SourceMap) else None

    def _opened_from(self, node: SourceMap, name: str, origin: Origin) -> tuple[str, Origin]:
        place = locate(node, ("include",))
        self._includes += 1
        if self._includes > MAX_INCLUDES or len(origin.chain) >= MAX_CHAIN:
            _refuse(place, "the includes are too many", f"at most {MAX_INCLUDES}, and {MAX_CHAIN} in a row")
        if Path(name).is_absolute():
            _refuse(place, f"the include {quoted(name)} is absolute", "a path relative to this file")
        path = origin.directory / name
        try:
            if not path.is_file():
                _refuse(place, f"there is no file {quoted(str(path))} to include")
            real = path.resolve()
            if real in origin.chain:
                circle = (*origin.chain[origin.chain.index(real) :], real)
                _refuse(place, f"the includes go in a circle: {' -> '.join(step.name for step in circle)}")
            shown = os.path.normpath(path)
            return _text_of(path, shown), Origin(shown, path.parent, (*origin.chain, real))
        except (OSError, ValueError) as error:
            _refuse(place, f"the include {quoted(name)} cannot be read: {_reason(error)}")


def _refuse(place: Place, what: str, legal: str = "") -> NoReturn:
    raise TreeError([Problem(*place, what, legal)]) from None


def opened(source: str | bytes | os.PathLike[str]) -> tuple[str, Origin]:
    """Returns the text of a document, with where it comes from: a file, or itself. See `load_tree`.

    Raises TreeError if it cannot be read.
    """
    here = Path()
    if isinstance(source, bytes):
        return decode(source, TEXT), Origin(TEXT, here, ())
    if isinstance(source, str) and (not source or "\n" in source or source.lstrip().startswith("{")):
        return source, Origin(TEXT, here, ())
    file = os.fspath(source)
    try:
        path = Path(file)
        return _text_of(path, file), Origin(file, path.parent, (path.resolve(),))
    except (OSError, ValueError) as error:
        _refuse(Place(file, 0, 0), f"the file cannot be read: {_reason(error)}")


def _text_of(path: Path, shown: str) -> str:
    with path.open("rb") as file:
        return decode(file.read(MAX_BYTES + 1), shown)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def _name_policies(places: Iterable[Slot], shelf: Mapping[str, Any]) -> None:
    """Puts policies in the place of their names; a name that is unknown stays."""
    for place in places:
        name, known = place.value, shelf.get(place.shelf)
        if isinstance(name, str) and isinstance(known, dict):
            place.holder[place.key] = known.get(name, name)


def _renamed(root: SourceMap, name: str | None) -> SourceMap:
    """Returns an included tree, whose root has the id that `as` gives it, if it does."""
    kind = kind_of(root)
    if name is None or kind is None:
        return root
    renamed = root.copy()
    renamed[kind] = name
    return renamed


def _header_problems(top: SourceMap, shelf: Mapping[str, Any]) -> Iterator[Problem]:
    """Yields what is wrong with an included file beside its tree, which is checked in its place."""
    header = top.copy()
    if kind_of(top.get("tree")) == "supervisor":
        header["tree"] = {"supervisor": "checked-in-its-place"}
    try:
        Tree.model_validate(header, context={"rules": "checked"}, by_alias=True, by_name=False)
    except ValidationError as error:
        yield from problems_of(error.errors(include_url=False), top, Tree, shelf)
    yield from rule_problems(top, but="tree")


def rule_problems(top: SourceMap, but: str = "", *, complete: bool = True) -> Iterator[Problem]:
    """Yields the rules that do not hold in a document, but those about one of its keys.

    `complete` says whether all that it includes could be put in its place.
    """
    if "treeward" not in top:
        yield Problem(top.file, *top.mark, "'treeward' is missing in a tree", "treeward: 1, the format's version")
    for location, what, legal, hint, at_key in violations(top, complete=complete):
        if location[0] != but:
            yield Problem(*locate(top, location, key=at_key), what, legal, hint)
