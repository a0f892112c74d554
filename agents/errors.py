"""What can go wrong with agents and their tools.

    TreewardError
    └── AgentError
        ├── ToolError                what a tool call ends with instead of a result; carries `tool`
        │   ├── UnknownTool          nobody offers it: `nearest`
        │   ├── ToolNotAllowed       the tree does not let this agent use it: `agent`, `allowed`
        │   ├── InvalidArguments     they do not fit the tool's schema: `problems`
        │   ├── ToolRefused          the tool itself says no; subclass it for refusals that callers tell apart
        │   │   └── UnknownCase      a desk has no such case: `case`, `nearest`
        │   └── ToolUnavailable      its owner crashed, is gone, or did not answer in time: `owner`, `cause`
        ├── InvalidTool              a function cannot be a tool: found where it is declared, or at a start
        ├── InvalidResult            a tool returned what it does not promise: a bug, its owner crashes
        ├── ContextConflict          two sources say different things: `fact`, `sayings`
        ├── PlanError                subtasks that cannot be put in order: `subtasks`
        ├── InvalidRules             rules that could not work, found when they are read: `problems`
        ├── UnknownAgent             no agent of that name runs: `nearest`
        ├── NoDesk                   no desk is there, or it is not said which of several: `desks`
        └── InjectedCrash            a crash that somebody asked for, to see what happens

A `ToolError` is an answer: the caller gets it, and the tool's owner lives on. Everything else out of a tool
is a crash.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ..runtime.errors import TreewardError, describe

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "AgentError",
    "ContextConflict",
    "InjectedCrash",
    "InvalidArguments",
    "InvalidResult",
    "InvalidRules",
    "InvalidTool",
    "NoDesk",
    "PlanError",
    "ToolError",
    "ToolNotAllowed",
    "ToolRefused",
    "ToolUnavailable",
    "UnknownAgent",
    "UnknownCase",
    "UnknownTool",
    "cause_text",
    "did_you_mean",
    "nearest",
]


def nearest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Returns up to three of the known words that look like `word`, the most alike first."""
    return tuple(get_close_matches(word, sorted(set(known)), n=3, cutoff=0.6))


def did_you_mean(words: Sequence[str], otherwise: str) -> str:
    """Returns the end of a message: what was probably meant, or else how to mend it."""
    return f"did you mean {' or '.join(words)}?" if words else otherwise


class AgentError(TreewardError):
    """The base of every error about agents and tools."""


class ToolError(AgentError):
    """A tool call that ended without a result. `tool` is its full name; the tool's owner fills it in."""

    def __init__(self, message: str, tool: str = "") -> None:
        super().__init__(message)
        self.tool = tool


class UnknownTool(ToolError):
    """Nobody offers a tool of that name."""

    def __init__(self, tool: str, words: tuple[str, ...] = ()) -> None:
        mend = did_you_mean(words, "declare the agent that owns it in the tree, or import the module with the function")
        super().__init__(f"there is no tool {tool!r}: {mend}", tool)
        self.nearest = words


class ToolNotAllowed(ToolError):
    """The agent may not use the tool."""

    def __init__(self, tool: str, agent: str, allowed: tuple[str, ...]) -> None:
        may = f"it may use {', '.join(allowed)}" if allowed else "it may use no tools"
        super().__init__(f"{agent} may not use {tool}: {may}; add it to `tools` of the agent to allow it", tool)
        self.agent = agent
        self.allowed = allowed


class InvalidArguments(ToolError):
    """The arguments do not fit. `problems` says of each what was given and what is expected."""

    def __init__(self, tool: str, problems: tuple[str, ...], signature: str) -> None:
        super().__init__(f"{tool}: {'; '.join(problems)}; the tool takes {signature}", tool)
        self.problems = problems


class ToolRefused(ToolError):
    """Raised in a tool to say no: the call was understood and will not be done. The text is for callers."""


class UnknownCase(ToolRefused):
    """A desk has no case of that id."""

    def __init__(self, case: str, words: tuple[str, ...] = ()) -> None:
        super().__init__(f"there is no case {case!r}: {did_you_mean(words, 'list the cases to see their ids')}")
        self.case = case
        self.nearest = words


class ToolUnavailable(ToolError):
    """The tool's owner could not be reached, or died of the call as often as it may."""

    def __init__(self, tool: str, owner: str, cause: BaseException) -> None:
        super().__init__(f"{tool} is not available: {cause}", tool)
        self.owner = owner
        self.cause = cause


class InvalidTool(AgentError):
    """A function whose signature does not say what a caller needs."""

    def __init__(self, tool: str, problem: str) -> None:
        super().__init__(f"{tool} cannot be a tool: {problem}")
        self.tool = tool


class InvalidResult(AgentError):
    """A tool returned something else than its signature says."""

    def __init__(self, tool: str, problem: str) -> None:
        super().__init__(f"{tool} returned what it does not promise: {problem}")
        self.tool = tool


class ContextConflict(AgentError):
    """One fact, two values. `sayings` is ((by, value), (by, value))."""

    def __init__(self, fact: str, first: tuple[str, Any], second: tuple[str, Any]) -> None:
        super().__init__(
            f"the context's {fact!r} is {first[1]!r} according to {first[0]}, "
            f"and {second[1]!r} according to {second[0]}: name one of them differently"
        )
        self.fact = fact
        self.sayings = (first, second)


class PlanError(AgentError):
    """Subtasks that cannot be ordered; `subtasks` are the ids that it is about."""

    def __init__(self, message: str, subtasks: tuple[str, ...]) -> None:
        super().__init__(message)
        self.subtasks = subtasks


class InvalidRules(AgentError):
    """Rules that could not work. `problems` names each one with its place."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class UnknownAgent(AgentError):
    """No one agent has that id or path."""

    def __init__(self, name: str, words: tuple[str, ...] = ()) -> None:
        super().__init__(f"there is no agent {name!r}: {did_you_mean(words, 'name one by its id or its path')}")
        self.name = name
        self.nearest = words


class NoDesk(AgentError):
    """There is no desk at that path, none at all, or more than one and none was named; `desks` are the paths."""

    def __init__(self, desks: tuple[str, ...], path: str | None = None) -> None:
        legal = " or ".join(desks)
        if not desks:
            message = "there is no desk in this tree: add one, such as `- {agent: desk, use: desk}`"
        elif path is not None:
            message = f"there is no desk at {path!r}: {did_you_mean(nearest(path, desks), f'expected {legal}')}"
        else:
            message = f"there are {len(desks)} desks: say which, {legal}"
        super().__init__(message)
        self.desks = desks


class InjectedCrash(AgentError):
    """A crash on purpose; `point` is where in the work it came."""

    def __init__(self, point: str) -> None:
        super().__init__(f"crashed on purpose at {point}")
        self.point = point


def cause_text(error: BaseException) -> str:
    """Returns what an outcome says of an error: its own words if it is one of ours, its class too if not."""
    return str(error) if isinstance(error, TreewardError) else describe(error)
