"""What the tree says of an agent, beside its class and arguments."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

__all__ = ["Profile"]


@dataclass(frozen=True, slots=True)
class Profile:
    """Set on an agent as `profile` before its constructor runs; a class may have one of its own as a default.

    Attributes:
        handles: the kinds of task that it declares itself able to do, as the router looks for them.
        reads: the context facts that it sees; None means all, () none.
        tools: patterns of the tools that it may call, such as `payments.*`; () means none but its own.
        timeout: seconds that a task may take, over all its attempts; None means until its own deadline.
        namespace: the first half of its tools' names; None means its id, the last word of its path.
    """

    handles: tuple[str, ...] = ()
    reads: tuple[str, ...] | None = None
    tools: tuple[str, ...] = ()
    timeout: float | None = None
    namespace: str | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout is {self.timeout!r}: expected seconds, more than 0, or None")
        for field in ("handles", "reads", "tools"):
            if isinstance(getattr(self, field), str):
                raise TypeError(f"{field} is {getattr(self, field)!r}: expected several words, such as ({field!r},)")

    def allows(self, tool: str) -> bool:
        """Tells whether a pattern covers the tool: `*` any text, `?` one character, `[ab]` one of them."""
        return any(fnmatchcase(tool, pattern) for pattern in self.tools)
