"""Publish and subscribe by topic. Patterns are those of AMQP 0-9-1 topic exchanges.

A topic is words joined by dots: `task.done.billing`. In a pattern, `*` stands for exactly one word and `#`
for any number of words, none included.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .errors import ActorStopped, MailboxFull
from .faults import BUS, Visit

if TYPE_CHECKING:
    from .ref import Ref
    from .system import ActorSystem

__all__ = ["Bus", "Published", "matches"]

ROUTES_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Published:
    """What a subscriber receives."""

    topic: str
    payload: Any


def matches(pattern: str, topic: str) -> bool:
    """Tells whether a pattern covers a topic."""
    return _match(pattern.split("."), topic.split("."))


def _match(pattern: list[str], words: list[str]) -> bool:
    """Word by word, with every possible reach of `#` at once: no backtracking, so no pattern is slow."""
    reached = _open({0}, pattern)
    for word in words:
        fits = (i for i in reached if i < len(pattern) and pattern[i] in ("#", "*", word))
        reached = _open({i if pattern[i] == "#" else i + 1 for i in fits}, pattern)
    return len(pattern) in reached


def _open(reached: set[int], pattern: list[str]) -> set[int]:
    for i in sorted(reached):
        j = i
        while j < len(pattern) and pattern[j] == "#":
            j += 1
            reached.add(j)
    return reached


def _any_match(patterns: dict[str, list[str]], words: list[str]) -> bool:
    return any(_match(pattern, words) for pattern in patterns.values())


class Bus:
    """Delivers each message once to every subscriber with a pattern for its topic. On the runtime's loop."""

    __slots__ = ("_routes", "_subscribers", "_system")

    def __init__(self, system: ActorSystem) -> None:
        self._system = system
        self._subscribers: dict[Ref[Any], dict[str, list[str]]] = {}
        self._routes: dict[str, tuple[Ref[Any], ...]] = {}

    def subscribe(self, pattern: str, ref: Ref[Any]) -> None:
        """Sends `ref` a `Published` for each topic that the pattern covers, until its incarnation ends."""
        words = pattern.split(".")
        if "" in words:
            raise ValueError(f"topic pattern is {pattern!r}: expected words joined by dots: 'task.*.done'")
        self._subscribers.setdefault(ref, {})[pattern] = words
        self._routes.clear()

    def unsubscribe(self, pattern: str, ref: Ref[Any]) -> None:
        """Ends one subscription; nothing happens if there is none."""
        patterns = self._subscribers.get(ref, {})
        if patterns.pop(pattern, None) is not None:
            self._routes.clear()
            if not patterns:
                del self._subscribers[ref]

    def release(self, ref: Ref[Any]) -> None:
        """Ends all subscriptions of `ref`."""
        if self._subscribers and self._subscribers.pop(ref, None) is not None:
            self._routes.clear()

    def publish(self, topic: str, payload: Any) -> int:
        """Sends to all subscribers, in the order in which they first subscribed; returns how many got it.

        A subscriber whose mailbox has no room does not hold up the others: its copy becomes a dead letter.
        """
        message = Published(topic, payload)
        return sum(self._reaches(ref, message) for ref in self._route(topic))

    def _reaches(self, ref: Ref[Any], message: Published) -> bool:
        """Sends one subscriber its copy, and tells whether it got it, as far as the sender knows."""
        faults = self._system.faults
        if faults is None:
            return self._sent(ref, message)
        visit = Visit(BUS, ref.path, 0, message, name=message.topic)
        faults.send(visit, lambda copy: self._sent(ref, copy), message)
        return True

    def _sent(self, ref: Ref[Any], message: Published) -> bool:
        try:
            ref.tell(message)
        except (MailboxFull, ActorStopped) as error:
            why = "stopped" if isinstance(error, ActorStopped) else "mailbox full"
            self._system.dead_letters.add(message, ref.path, why)
            return False
        return True

    def _route(self, topic: str) -> tuple[Ref[Any], ...]:
        found = self._routes.get(topic)
        if found is None:
            if len(self._routes) >= ROUTES_KEPT:
                self._routes.clear()
            words = topic.split(".")
            found = tuple(ref for ref, patterns in self._subscribers.items() if _any_match(patterns, words))
            self._routes[topic] = found
        return found
