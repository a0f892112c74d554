"""What is seen of one run, in its order: the runtime's events, the faults that happened, and notes of whoever looks."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from ...runtime.exits import Exit, Shutdown, reason_text
from ...runtime.telemetry import Event
from ..plans.globs import Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ..faults.fired import Fired

__all__ = ["Entry", "FAULT", "GIVEN", "Log", "SETTLED"]

GIVEN = "request.given"
"""What the log calls the moment at which a request was given: its facts are the request's name and its task."""

SETTLED = "settled"
"""What the log calls the moment at which the tree has had its time, just before it is closed."""

FAULT = "fault"
"""What an entry of a fault that happened is called."""

LONGEST = 120
"""Characters of a fact that a line of the timeline shows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was seen.

    Attributes:
        at: when, in the run's own seconds.
        what: an event's name, such as `child.restarting`; `fault` for a fault that happened; a note's own name.
        path: whom it is about; empty where it is about nobody.
        incarnation: which of its lives; 0 where that says nothing.
        facts: what else is known, by name: the event's or the fault's own fields.
    """

    at: float
    what: str
    path: str = ""
    incarnation: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """One line for people."""
        who = f" {self.path}" if self.path else ""
        life = f"#{self.incarnation}" if self.incarnation else ""
        told = "".join(f" {name}={_shown(value)}" for name, value in self.facts.items() if value not in ("", None))
        return f"{self.at:12.6f} {self.what}{who}{life}{told}"


class Log:
    """All that was seen of one run. To append costs next to nothing: entries are made when somebody asks.

    Queries take the same arguments: `what`, the exact name of what happened; `path`, a pattern of paths as plans have
    it (`team/*`, `team/**`, `writer` for any actor of that id); and facts by name, which have to be equal.

        log.count("child.restarting", path="team/**")
        log.find("fault", kind="drop")

    Exceptions are kept as their texts, so that a log holds nothing else in memory.

    Args:
        now: the run's time, for notes.
    """

    __slots__ = ("_named", "_now", "_seen", "_sorted")

    def __init__(self, now: Callable[[], float] = lambda: 0.0) -> None:
        self._now = now
        self._seen: list[Any] = []
        self._named: dict[str, list[Any]] = {}
        """The entries by their names, as far as they were sorted in: when somebody asks for one."""
        self._sorted = 0

    def event(self, event: Event) -> None:
        """Takes one event of the runtime's; it may be given to `ActorSystem.observe` as it is."""
        self._seen.append(_entry(event) if _facts_of(type(event))[1] else event)

    def fired(self, fired: Fired) -> None:
        """Takes a fault that happened."""
        self._seen.append(fired)

    def note(self, what: str, path: str = "", **facts: Any) -> None:
        """Notes something, at the present time."""
        self._seen.append(Entry(self._now(), what, path, 0, facts))

    def end(self) -> None:
        """Stops the time for notes: from now on the log holds nothing of the run in memory."""
        at = self._now()
        self._now = lambda: at

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._seen)

    def __iter__(self) -> Iterator[Entry]:
        """The entries, in the order in which they were seen."""
        return map(_entry, self._seen)

    def find(self, what: str | None = None, /, *, path: str | None = None, **facts: Any) -> list[Entry]:
        """Returns the entries that match; see the class."""
        return list(self._matching(what, path, facts))

    def count(self, what: str | None = None, /, *, path: str | None = None, **facts: Any) -> int:
        """Returns how many entries match."""
        return sum(1 for _ in self._matching(what, path, facts))

    def first(self, what: str | None = None, /, *, path: str | None = None, **facts: Any) -> Entry | None:
        """Returns the first entry that matches, or None."""
        return next(self._matching(what, path, facts), None)

    def on(self, what: str) -> list[Entry]:
        """Returns all that has this name."""
        return self.find(what)

    def tail(self, number: int) -> list[Entry]:
        """Returns the last entries, oldest first."""
        return [_entry(seen) for seen in islice(self._seen, max(0, len(self._seen) - number), None)]

    def timeline(self, number: int | None = None) -> str:
        """Returns the log as text for people, one line an entry: all of it, or the last so many lines."""
        return "\n".join(map(str, self if number is None else self.tail(number)))

    def _matching(self, what: str | None, path: str | None, facts: Mapping[str, Any]) -> Iterator[Entry]:
        paths = None if path is None else Paths((path,))
        for seen in self._seen if what is None else self._called(what):
            if paths is not None and not paths.match(seen.path):
                continue
            entry = _entry(seen)
            if all(name in entry.facts and entry.facts[name] == value for name, value in facts.items()):
                yield entry

    def _called(self, what: str) -> list[Any]:
        """Returns all that has this name."""
        for seen in islice(self._seen, self._sorted, None):
            self._named.setdefault(_name(seen), []).append(seen)
        self._sorted = len(self._seen)
        return self._named.get(what, [])


def _name(seen: Any) -> str:
    if isinstance(seen, Event):
        return seen.name
    return seen.what if isinstance(seen, Entry) else FAULT


def _entry(seen: Any) -> Entry:
    if isinstance(seen, Entry):
        return seen
    if isinstance(seen, Event):
        return Entry(seen.at, seen.name, seen.path, seen.incarnation, _own(seen))
    return Entry(seen.at, FAULT, seen.path, seen.incarnation, _own(seen))


def _own(seen: Any) -> dict[str, Any]:
    names, _ = _facts_of(type(seen))
    return {name: _kept(getattr(seen, name)) for name in names}


def _kept(value: Any) -> Any:
    return reason_text(value) if isinstance(value, BaseException | Exit | Shutdown) else value


_FACTS: dict[type[Any], tuple[tuple[str, ...], bool]] = {}


def _facts_of(kind: type[Any]) -> tuple[tuple[str, ...], bool]:
    """Returns the names of a kind's own fields, and whether an exception may be among them, with all its stack."""
    found = _FACTS.get(kind)
    if found is None:
        names = tuple(one.name for one in fields(kind) if one.name not in ("path", "incarnation", "at"))
        found = _FACTS[kind] = names, any(one.type in ("ExitReason", "BaseException") for one in fields(kind))
    return found


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."
