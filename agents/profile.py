"""What the tree says of an agent, beside its class and arguments."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..supervisors.breakers.breaker import BreakerSpec

__all__ = ["Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Set on an agent as `profile` before its constructor runs; a class may have one of its own as a default.

    Attributes:
        handles: the kinds of task that it declares itself able to do, as the router looks for them.
        reads: the context facts that it sees; None means all, () none.
        tools: patterns of the tools that it may call, such as `payments.*`; () means none but its own.
        namespace: the first half of its tools' names; None means its id, the last word of its path.
        tool_breaker: a circuit breaker in front of each of its tools that has no other; None means none.
    """

    handles: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None
    tools: tuple[str, ...] = ()
    namespace: str | None = None
    tool_breaker: BreakerSpec | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.tool_breaker, BreakerSpec | None):
            raise TypeError(f"tool_breaker is {self.tool_breaker!r}: expected a BreakerSpec, or None")
        for field in ("handles", "reads", "tools"):
            if isinstance(getattr(self, field), str):
                raise TypeError(f"{field} is {getattr(self, field)!r}: expected several words, such as ({field!r},)")

    def allows(self, tool: str) -> bool:
        """Tells whether a pattern covers the tool: `*` any text, `?` one character, `[ab]` one of them."""
        return any(fnmatchcase(tool, pattern) for pattern in self.tools)
