"""The tree as a value: one model, whether it was written in YAML or in Python.

    Tree(
        name="support",
        tree=SupervisorNode(supervisor="support", children=[AgentNode(agent="billing", use="llm")]),
        entry="billing",
    )

Fields are named as the YAML's keys; `with` and `as`, which are words of Python's own, have an underscore
behind them. A policy that several nodes share has a name in YAML and a variable in Python: nodes of a Tree
hold the policies themselves.
"""

# ruff: noqa: TC001 - pydantic reads the annotations while the program runs

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self, TypeAlias, Union

from pydantic import BeforeValidator, Discriminator, Field, Tag, ValidationInfo, model_validator
from pydantic_core import PydanticCustomError

from .base import OrOne, Spec, no_kind
from .fields import (
    Arguments,
    AttemptTimeout,
    Breaks,
    Classify,
    Dispatcher,
    Handles,
    Healthy,
    Ident,
    IdleTimeout,
    Inbox,
    Judged,
    Judging,
    Looping,
    Reads,
    Recovery,
    Restart,
    RestartLimit,
    Significant,
    Spending,
    StartWithin,
    Stop,
    Timeout,
    Tools,
    ToolsBreak,
    Use,
    Waits,
)
from .nodes import KINDS, kind_of
from .policies import Backoff, Intensity, Mailbox, Policies
from .rules import violations
from .values import Count, Flag, Id, PathPatterns, PositiveDuration, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "AgentNode",
    "Backoff",
    "ChaosRules",
    "ChildNode",
    "DynamicNode",
    "IncludeNode",
    "Intensity",
    "Mailbox",
    "Node",
    "Policies",
    "PoolNode",
    "SupervisorNode",
    "Supervising",
    "Template",
    "Tree",
    "Worker",
]

VERSION: Literal[1] = 1


class Worker(Spec):
    """What an agent and a template say: how it is made, and how it and its work are treated."""

    use: Use
    with_: Arguments = Field(default_factory=dict)
    handles: Handles = ()
    reads: Reads = None
    tools: Tools = ()
    timeout: Timeout = None
    attempt_timeout: AttemptTimeout = None
    idle_timeout: IdleTimeout = None
    recovery: Recovery = None
    judges: Judged = ()
    judging: Judging = "first"
    breaker: Breaks = None
    tool_breaker: ToolsBreak = None
    budget: Spending = ()
    health: Healthy = None
    loops: Looping = None
    classify: Classify = ()
    restart: Restart = "permanent"
    shutdown: Stop = 5.0
    start_timeout: StartWithin = "infinity"
    dispatcher: Dispatcher = "loop"
    mailbox: Inbox = None


class Template(Worker):
    """What each child of a pool or of a dynamic supervisor is: an agent without an id."""


class Supervising(Spec):
    """What all kinds of supervisors say: how their children are restarted, and what holds for the work below."""

    intensity: RestartLimit = Intensity()
    backoff: Waits = Backoff()
    recovery: Recovery = None
    budget: Spending = ()
    loops: Looping = None
    classify: Classify = ()
    restart: Restart = "permanent"
    shutdown: Stop = "infinity"
    significant: Significant = False


# A kind's own keys, which come first: see `Spec`.


class _Agent(Spec):
    agent: Ident


class _Pool(Spec):
    pool: Ident
    size: Count = Field(ge=1, le=100_000, description="How many children.", examples=[4])
    route: Literal["round_robin", "least_mailbox", "consistent_hash", "broadcast"] = Field(
        "round_robin", description="Which of them gets a message."
    )
    key: Text = Field(
        "id",
        description="For `consistent_hash`: the attribute of a message, or the field of a task's context, that says "
        "to whom it belongs. Equal keys go to the same child.",
        examples=["customer_id"],
    )
    child: Template = Field(description="What each of them is: an agent without an id.")


class _Dynamic(Spec):
    dynamic: Ident
    max_children: Count | None = Field(
        None,
        ge=0,
        description="The most children at a time; any number if the key is absent.",
        examples=[100],
    )
    child: Template | None = Field(
        None,
        description="What each child is: an agent without an id; whatever is asked for if the key is absent.",
    )


class _Supervisor(Spec):
    supervisor: Ident
    strategy: Literal["one_for_one", "one_for_all", "rest_for_one"] = Field(
        "one_for_one",
        description="Who is restarted when a child dies: that child, all of them, or it and those after it.",
    )
    auto_shutdown: Literal["never", "any_significant", "all_significant"] = Field(
        "never", description="Whether the supervisor ends when significant children have ended by themselves."
    )


class AgentNode(Worker, _Agent):
    """An agent: an actor that handles tasks."""

    kind: ClassVar[str] = "agent"

    significant: Significant = False

    @property
    def id(self) -> str:
        """The id within the supervisor."""
        return self.agent


class PoolNode(Supervising, _Pool):
    """Several equal children behind one ref."""

    kind: ClassVar[str] = "pool"

    @property
    def id(self) -> str:
        """The id within the supervisor."""
        return self.pool


class DynamicNode(Supervising, _Dynamic):
    """A supervisor whose children are started while it runs."""

    kind: ClassVar[str] = "dynamic"

    @property
    def id(self) -> str:
        """The id within the supervisor."""
        return self.dynamic


class SupervisorNode(Supervising, _Supervisor):
    """A supervisor: it starts its children in their order, watches them, and restarts them."""

    kind: ClassVar[str] = "supervisor"

    children: Annotated[tuple[ChildNode, ...], Field(strict=False)] = Field(
        (), description="The children, in the order in which they start."
    )

    @property
    def id(self) -> str:
        """The id within the supervisor."""
        return self.supervisor


class IncludeNode(Spec):
    """Another file's tree, in this place. Its `name` and `entry` apply only where it runs by itself."""

    kind: ClassVar[str] = "include"

    include: str = Field(
        min_length=1,
        description="The file, relative to the one that includes it.",
        examples=["specialists.yaml"],
    )
    as_: Id | None = Field(
        None,
        validation_alias="as",
        serialization_alias="as",
        description="An id for its root in this tree, in place of its own.",
    )


def _node_tag(value: Any) -> str | None:
    kind = kind_of(value)
    return f"{kind} node" if kind else None


def _a_node(value: Any) -> Any:
    if kind_of(value) in (None, "include"):  # a file's includes are in their places before this
        raise no_kind("node", KINDS)
    return value


def _a_supervisor(value: Any) -> Any:
    kind = kind_of(value)
    if kind == "supervisor" or not (isinstance(value, dict | Spec)):
        return value
    if kind is None:
        raise no_kind("node", KINDS)
    why = {"why": f"the root of the tree is {kind}", "legal": "a supervisor"}
    raise PydanticCustomError("root_kind", "{why}: expected {legal}", why)


ChildNode: TypeAlias = Annotated[
    Union[  # noqa: UP007 - a union of annotated members reads one line each
        Annotated[SupervisorNode, Tag("supervisor node")],
        Annotated[DynamicNode, Tag("dynamic node")],
        Annotated[PoolNode, Tag("pool node")],
        Annotated[AgentNode, Tag("agent node")],
    ],
    Discriminator(_node_tag),
    BeforeValidator(_a_node),
]
Node: TypeAlias = SupervisorNode | DynamicNode | PoolNode | AgentNode


class ChaosRules(Spec):
    """Whether faults may be let loose on this tree while it runs, and how far: see chaos-live.md."""

    allow: Flag = Field(
        False, description="Whether fault plans may be carried out against this tree; else only with `--allow-chaos`."
    )
    production: Flag = Field(
        False, description="Whether also where the environment variable `TREEWARD_ENV` says `prod` or `production`."
    )
    limit: PositiveDuration = Field(300.0, description="The longest that a plan may go on; then all is healed.")
    where: Annotated[PathPatterns, OrOne()] = Field(
        (),
        description="Patterns of paths, as those of a plan: the only actors that may be hit; any if the key is absent.",
        examples=[["support/specialists/**"]],
    )


class Tree(Spec):
    """A tree of supervisors and agents, as declared. Frozen; equal trees are equal values.

    Raises `pydantic.ValidationError` for what is not legal. `load_tree` reads one from YAML.
    """

    treeward: Literal[1] = Field(VERSION, description="The version of this format.")
    name: Text = Field(max_length=100, description="The tree's name.", examples=["support"])
    policies: Policies = Field(Policies(), description="What several nodes share, by name.")
    tree: Annotated[SupervisorNode, BeforeValidator(_a_supervisor)] = Field(description="The root supervisor.")
    entry: str | None = Field(
        None,
        description="The agent that gets the tasks from outside: its path, or its id if no other has it.",
        examples=["front-desk"],
    )
    chaos: ChaosRules = Field(
        ChaosRules(),
        description="Whether faults may be let loose on it while it runs; not, if the key is absent.",
    )

    @model_validator(mode="after")
    def _obey_the_rules(self, info: ValidationInfo) -> Self:
        if info.context and info.context.get("rules") == "checked":
            return self
        for location, what, legal, hint, _ in violations(self):
            place = ".".join(map(str, location))
            expected = f"; expected {legal}" if legal else ""
            message = f"{place}: {what}{expected}{f'; {hint}' if hint else ''}"
            raise PydanticCustomError("rule", "{message}", {"message": message})
        return self

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Yields each node with its path, such as `support/specialists/billing`: parents first, in order."""
        waiting: list[tuple[str, Node]] = [(self.tree.id, self.tree)]
        while waiting:
            path, node = waiting.pop()
            yield path, node
            if isinstance(node, SupervisorNode):
                waiting.extend((f"{path}/{child.id}", child) for child in reversed(node.children))

    @property
    def entry_path(self) -> str | None:
        """The path of the entry, or None if the tree declares none."""
        named = ((path, node.id) for path, node in self.walk() if isinstance(node, AgentNode | PoolNode))
        return next((path for path, id_ in named if self.entry in (path, id_)), None)

    @property
    def fingerprint(self) -> str:
        """32 hexadecimal digits that change when anything changes that runs.

        Formatting, the order of keys, the file that a part comes from, defaults that are written out,
        policies' names, and what `chaos` allows do not. Values from the environment count as what they are, not
        as how they were written.
        """
        # Without defaults: a release that adds a field must not make strangers of the journals there are.
        declared = self.model_dump(exclude={"policies", "entry", "chaos"}, exclude_defaults=True)
        running: Mapping[str, Any] = declared | {"entry": self.entry_path}
        canonical = json.dumps(running, sort_keys=True, separators=(",", ":"))
        return hashlib.blake2b(canonical.encode(), digest_size=16).hexdigest()


SupervisorNode.model_rebuild()  # it holds itself, through ChildNode
