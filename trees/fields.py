"""The fields that several kinds of node have: their types, and what the reference says of them.

Their defaults stand at the nodes.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from .base import policy
from .guards import BreakerOrName, Budgets, Health, Loops
from .judges import Judges
from .ladder import Ladder
from .policies import BackoffOrNone, Intensity, Mailbox
from .values import Data, Flag, FunctionName, Id, PositiveDuration, Shutdown, StartTimeout, Text

__all__ = [
    "Arguments",
    "AttemptTimeout",
    "Breaks",
    "Classify",
    "Dispatcher",
    "Handles",
    "Healthy",
    "Ident",
    "IdleTimeout",
    "Inbox",
    "Judged",
    "Judging",
    "Looping",
    "Reads",
    "Recovery",
    "Restart",
    "RestartLimit",
    "Significant",
    "Spending",
    "StartWithin",
    "Stop",
    "Timeout",
    "ToolsBreak",
    "Tools",
    "Use",
    "Waits",
]

Ident: TypeAlias = Annotated[Id, Field(description="The id, unique within the supervisor.", examples=["billing"])]
Restart: TypeAlias = Annotated[
    Literal["permanent", "transient", "temporary"],
    Field(
        description="Which end is followed by a restart: every one (`permanent`), a crash only "
        "(`transient`), none (`temporary`)."
    ),
]
Stop: TypeAlias = Annotated[
    Shutdown,
    Field(
        description="How it is stopped: killed at once (`brutal_kill`), or asked and given so much time, or "
        "all the time that it needs (`infinity`)."
    ),
]
Significant: TypeAlias = Annotated[
    Flag,
    Field(description="Whether its own end may end the supervisor, see `auto_shutdown`. Not for a permanent child."),
]
RestartLimit: TypeAlias = Annotated[
    Intensity,
    policy("intensity"),
    Field(description="How many restarts are too many: a mapping, or the name of one under `policies`."),
]
Waits: TypeAlias = Annotated[
    BackoffOrNone,
    Field(description="How long restarts wait: a mapping, the name of one under `policies`, or `none`."),
]
Use: TypeAlias = Annotated[
    Text,
    Field(
        description="The actor's class: a registered short name, or `module:Class` from an allowed module.",
        examples=["orchestrator", "my_package.billing:Billing"],
    ),
]
Arguments: TypeAlias = Annotated[
    Data,
    Field(
        validation_alias="with",
        serialization_alias="with",
        description="Arguments of the class, by name.",
        examples=[{"database": "support.db"}],
    ),
]
Words: TypeAlias = Annotated[tuple[Text, ...], Field(strict=False)]
Handles: TypeAlias = Annotated[
    Words,
    Field(description="Capabilities that it offers to the orchestrator.", examples=[["billing_dispute"]]),
]
Reads: TypeAlias = Annotated[
    Words | None,
    Field(
        description="The only fields of a task's context that it sees; all of them if the key is absent.",
        examples=[["customer_id", "subscription"]],
    ),
]
Tools: TypeAlias = Annotated[
    Words,
    Field(
        description="Patterns of the tools that it may call; none if the key is absent.",
        examples=[["payments.*"]],
    ),
]
Timeout: TypeAlias = Annotated[
    PositiveDuration | None,
    Field(description="The longest time for one task, over all its tries; no limit if the key is absent."),
]
AttemptTimeout: TypeAlias = Annotated[
    PositiveDuration | None,
    Field(description="The longest time for one try; no limit of its own if the key is absent."),
]
IdleTimeout: TypeAlias = Annotated[
    PositiveDuration | None,
    Field(
        description="How long a try may give no sign of life (`progress()`) before it counts as hung; any time if "
        "the key is absent."
    ),
]
Recovery: TypeAlias = Annotated[
    Ladder | None,
    policy("recovery"),
    Field(
        description="What is done when a task fails, rung by rung: a list, or the name of one under `policies`. "
        "Nothing if the list is empty; as the nearest supervisor above says if the key is absent, and `[restart]` "
        "where none does.",
        examples=[[{"retry": 3}, {"fallback": ["billing-rules"]}, {"escalate": "desk"}], "careful"],
    ),
]
Judged: TypeAlias = Annotated[
    Judges,
    policy("judges"),
    Field(
        description="Who looks at an output before anybody gets it, in the order of their cost: a list, or the name "
        "of one under `policies`; nobody if the key is absent.",
        examples=[[{"schema": "my_package.schemas:Refund"}, {"confidence": 0.7}], "refund"],
    ),
]
Judging: TypeAlias = Annotated[
    Literal["first", "all"],
    Field(description="Whether the judges stop at the first rejection (`first`), or all of them say something."),
]
Breaks: TypeAlias = Annotated[
    BreakerOrName,
    Field(
        description="The circuit breaker in front of it: a mapping, or the name of one under `policies`; none if the "
        "key is absent.",
        examples=[{"failures": 5, "within": "2m", "cooldown": "30s"}, "llm"],
    ),
]
ToolsBreak: TypeAlias = Annotated[
    BreakerOrName,
    Field(
        description="The circuit breaker in front of each of its tools that has no other: a mapping, or the name of "
        "one under `policies`; none if the key is absent."
    ),
]
Spending: TypeAlias = Annotated[
    Budgets,
    Field(
        description="What it, or all below it, may spend: a mapping, the name of one under `policies`, or a list of "
        "several, which all hold; anything if the key is absent.",
        examples=[{"cost": 5.0, "per": "day"}, "daily"],
    ),
]
Healthy: TypeAlias = Annotated[
    Health | None,
    policy("health"),
    Field(
        description="When it is restarted though it lives: a mapping, or the name of one under `policies`; never if "
        "the key is absent."
    ),
]
Looping: TypeAlias = Annotated[
    Loops | None,
    policy("loops"),
    Field(
        description="When work goes round in circles: a mapping, or the name of one under `policies`; as the nearest "
        "supervisor above says if the key is absent."
    ),
]
Classify: TypeAlias = Annotated[
    tuple[FunctionName, ...],
    Field(
        strict=False,
        description="Functions that say what kind of failure an exception is, as `module:function`; they are asked "
        "in order, those of supervisors above after them, and before Treeward's own classification.",
        examples=[["my_package.failures:of_our_bank"]],
    ),
]
StartWithin: TypeAlias = Annotated[StartTimeout, Field(description="The longest time for its start.")]
Dispatcher: TypeAlias = Annotated[
    Literal["loop", "thread"],
    Field(description="Where it runs: on the event loop, or in a thread of its own (for code that blocks)."),
]
Inbox: TypeAlias = Annotated[
    Mailbox | None,
    policy("mailbox"),
    Field(
        description="How many messages may wait: a mapping, or the name of one under `policies`; any "
        "number if the key is absent."
    ),
]
