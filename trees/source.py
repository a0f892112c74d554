"""Safe YAML with positions: a text becomes mappings and lists that know their places, or problems.

PyYAML's parser (libyaml where it is there) gives events; this reader builds from them without recursion, so
no depth of nesting can exhaust the stack, and refuses as it goes: duplicate keys, tags, merge keys, aliases
that multiply. Measured on a tree of 10,000 children, events take a sixth of the time of PyYAML's composer and
a tenth of ruamel.yaml's with its C extension.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NoReturn

import yaml

from .environment import expand
from .located import Mark, SourceList, SourceMap
from .problems import Problem, TreeError, quoted
from .scalars import resolve, tag_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["MAX_ALIASED", "MAX_ALIASES", "MAX_BYTES", "MAX_DEPTH", "decode", "read_source"]

MAX_BYTES = 1_000_000
MAX_DEPTH = 50
"""Mappings and lists within each other, those that aliases bring included."""
MAX_ALIASES = 100
MAX_ALIASED = 10_000
"""Values that all aliases of a file together may stand for."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_TAG = "tag:yaml.org,2002:"
_A_TREE = "a mapping with the keys treeward, name and tree"
_SKIP = object()
"""Stands for a key that was refused: its value is read, and dropped."""


def decode(data: bytes, file: str) -> str:
    """Returns the text of a file's bytes. Raises TreeError if they are too many, or not UTF-8."""
    if len(data) > MAX_BYTES:
        raise TreeError([Problem(file, 0, 0, "the file is too large", f"at most {MAX_BYTES:,} bytes")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _place_of(data[: error.start].decode("utf-8-sig"))
        what = f"the file is not UTF-8: byte 0x{data[error.start]:02x}"
        raise TreeError([Problem(file, line, column, what, "text in UTF-8")]) from None


def read_source(
    text: str, file: str, environ: Mapping[str, str], legal: str = _A_TREE
) -> tuple[SourceMap, list[Problem]]:
    """Returns the mapping that `text` holds, with the problems that could be passed over.

    `legal` says what is expected where there is no mapping. Raises TreeError then; the error has those problems, too.
    """
    if len(text) > MAX_BYTES:
        raise TreeError([Problem(file, 0, 0, "the file is too large", f"at most {MAX_BYTES:,} bytes")])
    if unprintable := _UNPRINTABLE.search(text):
        line, column = _place_of(text[: unprintable.start()])
        what = f"the file holds the control character {unprintable[0]!a}"
        raise TreeError([Problem(file, line, column, what, "text")])
    reader = _Reader(file, environ)
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        reader.give_up(*_explained(error, text))
    except yaml.YAMLError as error:  # the reader's own, for characters that it does not take
        reader.give_up((1, 1), f"this is not YAML: {' '.join(str(error).split())}")
    return reader.result(legal), reader.problems


def _place_of(before: str) -> Mark:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _explained(error: yaml.MarkedYAMLError, text: str) -> tuple[Mark, str, str, str]:
    mark = error.problem_mark or error.context_mark
    at = _at(mark) if mark else (1, 1)
    parts = [part for part in (error.context, error.problem) if part]
    lines = text.split("\n")
    if at[0] > len(lines):  # libyaml puts the end of a text behind its last line
        at = (len(lines), len(lines[-1]) + 1)
    hint = "within { } and [ ], put ${...} in quotes" if "${" in lines[at[0] - 1] else ""
    return at, f"this is not YAML: {', '.join(parts)}", "", hint


def _at(mark: Any) -> Mark:
    return mark.line + 1, mark.column + 1


class _Open:
    """A mapping or a list whose end has not been read yet."""

    __slots__ = ("anchor", "height", "key", "key_at", "value", "weight")

    def __init__(self, value: SourceMap | SourceList, anchor: str | None) -> None:
        self.value = value
        self.anchor = anchor
        self.key: Any = None
        self.key_at: Mark = (0, 0)
        self.weight = 1
        self.height = 1

    @property
    def wants_key(self) -> bool:
        return self.key is None and isinstance(self.value, SourceMap)


class _Reader:
    """Takes the events of one file, in order."""

    def __init__(self, file: str, environ: Mapping[str, str]) -> None:
        self.file = file
        self.environ = environ
        self.problems: list[Problem] = []
        self.open: list[_Open] = []
        self.anchors: dict[str, tuple[Any, int, int] | None] = {}
        self.aliases = self.aliased = 0
        self.documents = 0
        self.top: Any = None
        self.top_at: Mark = (1, 1)
        self._take = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._begin_map,
            yaml.SequenceStartEvent: self._begin_list,
            yaml.MappingEndEvent: self._end,
            yaml.SequenceEndEvent: self._end,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }

    def take(self, event: yaml.Event) -> None:
        """Goes on by one event."""
        handler = self._take.get(type(event))
        if handler is not None:
            handler(event)

    def result(self, legal: str) -> SourceMap:
        """Returns the document's mapping, after the last event; `legal` is what is expected where it is none."""
        if isinstance(self.top, SourceMap):
            return self.top
        if self.top is None:
            self.give_up((1, 1), "the file is empty", legal)
        kind = "a list" if isinstance(self.top, SourceList) else "a single value"
        return self.give_up(self.top_at, f"the file holds {kind}", legal)

    def complain(self, at: Mark, what: str, legal: str = "", hint: str = "") -> None:
        """Notes a problem, and goes on."""
        self.problems.append(Problem(self.file, *at, what, legal, hint))

    def give_up(self, at: Mark, what: str, legal: str = "", hint: str = "") -> NoReturn:
        """Notes a problem that leaves nothing to go on with."""
        self.complain(at, what, legal, hint)
        raise TreeError(self.problems) from None

    def _document(self, event: Any) -> None:
        self.documents += 1
        if self.documents > 1:
            self.give_up(_at(event.start_mark), "a second document begins here", "one document in a file")

    def _scalar(self, event: Any) -> None:
        at = _at(event.start_mark)
        text: str = event.value
        value = resolve(text) if event.implicit[0] else text
        if event.tag is not None:
            value = self._tagged(event, at)
        if "${" in text and isinstance(value, str) and not (self.open and self.open[-1].wants_key):
            value = expand(value, self.environ, lambda *words: self.complain(at, *words))
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, 1, 0)
        self._add(value, at, 1, 0)

    def _tagged(self, event: Any, at: Mark) -> Any:
        tag: str = event.tag
        if tag in ("!", f"{_TAG}str"):
            return event.value
        value = resolve(event.value)
        if tag != _TAG + tag_of(value):
            self.complain(at, f"the tag {quoted(tag)} is not allowed here", "plain YAML", "leave the tag out")
        return value

    def _begin_map(self, event: Any) -> None:
        self._begin(SourceMap(self.file, _at(event.start_mark)), event, f"{_TAG}map")

    def _begin_list(self, event: Any) -> None:
        self._begin(SourceList(self.file, _at(event.start_mark)), event, f"{_TAG}seq")

    def _begin(self, value: SourceMap | SourceList, event: Any, tag: str) -> None:
        if event.tag not in (None, tag, "!"):
            what = f"the tag {quoted(event.tag)} is not allowed here"
            self.complain(value.mark, what, "plain YAML", "leave the tag out")
        if event.anchor is not None:
            self.anchors[event.anchor] = None
        self.open.append(_Open(value, event.anchor))
        self._check_depth(value.mark, 0)

    def _end(self, _event: Any) -> None:
        done = self.open.pop()
        if done.anchor is not None:
            self.anchors[done.anchor] = (done.value, done.weight, done.height)
        self._add(done.value, done.value.mark, done.weight, done.height)

    def _alias(self, event: Any) -> None:
        at = _at(event.start_mark)
        if event.anchor not in self.anchors:
            self.complain(at, f"the alias *{event.anchor} has no anchor before it")
            return self._add("", at, 1, 0)
        anchored = self.anchors[event.anchor]
        if anchored is None:
            self.give_up(at, f"the alias *{event.anchor} stands within what it stands for")
        value, weight, height = anchored
        self.aliases += 1
        self.aliased += weight
        if self.aliases > MAX_ALIASES or self.aliased > MAX_ALIASED:
            legal = f"at most {MAX_ALIASES} aliases, for at most {MAX_ALIASED:,} values"
            self.give_up(at, "the aliases of this file are too many, or stand for too much", legal)
        self._check_depth(at, height)
        return self._add(value, at, weight, height)

    def _check_depth(self, at: Mark, height: int) -> None:
        if len(self.open) + height > MAX_DEPTH:
            self.give_up(at, "the nesting is too deep", f"at most {MAX_DEPTH} levels")

    def _add(self, value: Any, at: Mark, weight: int, height: int) -> None:
        if not self.open:
            self.top, self.top_at = value, at
            return
        around = self.open[-1]
        around.weight += weight
        around.height = max(around.height, height + 1)
        if isinstance(around.value, SourceList):
            around.value.put(value, at)
        elif around.key is None:
            around.key, around.key_at = self._key(around.value, value, at), at
        else:
            if around.key is not _SKIP:
                around.value.put(around.key, value, around.key_at, at)
            around.key = None

    def _key(self, around: SourceMap, key: Any, at: Mark) -> Any:
        if type(key) is not str:
            self.complain(at, "this key is not a text", "a word", "put it in quotes")
        elif key == "<<":
            self.complain(at, "merge keys (<<) are not supported", "", "name what is shared under policies")
        elif key in around:
            line = around.keys_at[key][0]
            self.complain(at, f"the key {quoted(key)} is given twice", f"it once, as in line {line}")
        else:
            return key
        return _SKIP
