"""Whether a tree lives, and whether it takes work: made of its picture, for whoever has to say so to others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .snapshot import Snapshot

__all__ = ["Health", "health_of"]


@dataclass(frozen=True, slots=True)
class Health:
    """How a tree is, at one moment.

    Attributes:
        live: whether its root supervisor runs. If not, nothing within the runtime will mend it.
        ready: whether it takes work: its entry is ready, or without an entry, the whole tree (`Snapshot.ready`).
        why: who is not ready, by path, and why; also those without whom the tree takes work. A child that is stopped
            is so on purpose (it ended normally, declined, was ended by hand): it is in here only if it is the entry.
    """

    live: bool
    ready: bool
    why: Mapping[str, str]


def health_of(root: Snapshot, entry: str | None = None) -> Health:
    """Returns the health of the tree in a picture, whose work comes in at the path `entry`, if there is one."""
    live = root.state == "running"
    door = root if entry is None else root.find(entry)
    reasons = {one.path: _reason(one) for one in root.walk() if one.state != "stopped" or one is door or one is root}
    why = {path: reason for path, reason in reasons.items() if reason}
    if door is None and entry is not None:
        why[entry] = "there is no such actor"
    return Health(live, live and door is not None and door.ready, why)


def _reason(one: Snapshot) -> str:
    """Returns why an actor itself is not ready, whatever those below it are at."""
    if one.state == "restarting" and one.last_end is not None:
        return f"restarting after {one.last_end}"
    if one.state != "running":
        return one.state
    if one.health is not None:
        return f"unhealthy: {one.health}"
    if one.breaker is not None and one.breaker.state in ("open", "forced_open"):
        return "its circuit breaker is open"
    below = any(child.state != "stopped" and not child.ready for child in one.children)
    return "" if one.ready or below else "nothing of it runs"
