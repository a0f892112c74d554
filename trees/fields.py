"""The fields that several kinds of node have: their types, and what the reference says of them.

Their defaults stand at the nodes.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from .policies import BackoffOrNone, Intensity, Mailbox, Unnamed
from .values import Data, Flag, Id, PositiveDuration, Shutdown, StartTimeout, Text

__all__ = [
    "Arguments",
    "Dispatcher",
    "Handles",
    "Ident",
    "Inbox",
    "Limits",
    "Reads",
    "Restart",
    "Significant",
    "StartWithin",
    "Stop",
    "Timeout",
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
Limits: TypeAlias = Annotated[
    Intensity,
    Unnamed,
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
    Field(description="The longest time for one task; no limit if the key is absent."),
]
StartWithin: TypeAlias = Annotated[StartTimeout, Field(description="The longest time for its start.")]
Dispatcher: TypeAlias = Annotated[
    Literal["loop", "thread"],
    Field(description="Where it runs: on the event loop, or in a thread of its own (for code that blocks)."),
]
Inbox: TypeAlias = Annotated[
    Mailbox | None,
    Unnamed,
    Field(
        description="How many messages may wait: a mapping, or the name of one under `policies`; any "
        "number if the key is absent."
    ),
]
