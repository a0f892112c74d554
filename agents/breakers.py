"""The circuit breakers of a runtime: in front of children, judges and tools; to look at, and to force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..supervisors.breakers.kept import breaker_of, breakers_of
from ..supervisors.work.guard import guard_of
from ..supervisors.work.policy import rules_of
from .directory import TOOL, directory_of
from .tools import FUNCTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..runtime.ref import Ref
    from ..runtime.system import ActorSystem
    from ..supervisors.breakers.breaker import Breaker
    from .tools import ToolSpec

__all__ = ["all_breakers", "tool_breaker", "tool_breakers"]


def all_breakers(system: ActorSystem) -> dict[str, Breaker]:
    """Returns the circuit breakers of a runtime by name, called through or not. From any thread.

    A child's is named by its path, a judge's `PATH judge NAME`, a tool's `tool:NAME`; others as `breaker_of`
    was told. These are the names in the events.
    """
    return system.result_of(lambda: dict(_all_breakers(system)))


def tool_breakers(system: ActorSystem) -> dict[str, Breaker]:
    """Returns the circuit breakers in front of tools by the tools' full names, called or not. From any thread.

    Those of all tools that somebody offers in this runtime, and of the functions.
    """
    return system.result_of(lambda: dict(_tool_breakers(system)))


def tool_breaker(system: ActorSystem, tool: str, spec: ToolSpec, owner: Ref[Any] | None) -> Breaker | None:
    """Returns the breaker in front of a tool: one for each full name and runtime; None if nothing asks for one.

    The tool's own specification goes before that of its owner's profile; a function has no owner.
    """
    wanted = spec.breaker
    if wanted is None and owner is not None:
        wanted = directory_of(system).profile(owner).tool_breaker
    return None if wanted is None else breaker_of(system, f"{TOOL}{tool}", wanted)


def _tool_breakers(system: ActorSystem) -> Iterator[tuple[str, Breaker]]:
    directory = directory_of(system)
    for name, spec in (FUNCTIONS | directory.tools()).items():
        breaker = tool_breaker(system, name, spec, next(iter(directory.owners(name)), None))
        if breaker is not None:
            yield name, breaker


def _all_breakers(system: ActorSystem) -> Iterator[tuple[str, Breaker]]:
    for path, cell in system.cells.items():
        rules = rules_of(cell)
        if rules.breaker is None and not rules.judges:
            continue
        guard = guard_of(cell)
        guard.adopt()
        if guard.breaker is not None:
            yield path, guard.breaker
        yield from ((f"{path} judge {name}", breaker) for name, breaker in guard.panel.breakers.items())
    yield from ((f"{TOOL}{name}", breaker) for name, breaker in _tool_breakers(system))
    yield from breakers_of(system).items()
