"""Supervision trees for LLM agents.

    from treeward import Agent, Runtime, Task

    class Billing(Agent):
        async def handle(self, task: Task): ...

    async with Runtime("support.yaml", allow=["support_example"]) as runtime:
        outcome = await runtime.run("I've been charged twice")

What is offered here comes from the rooms below, and is imported when it is first asked for. Each room's docstring is
its map: `treeward.runtime` (actors), `treeward.supervisors`, `treeward.agents`, `treeward.trees`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agents.agent import Agent, NeedsHuman
    from .agents.desk import Desk
    from .agents.errors import ToolError, ToolRefused
    from .agents.faults import crash_once
    from .agents.orchestrator import Orchestrator
    from .agents.plan import Subtask
    from .agents.tools import IdempotencyKey, tool
    from .runtime.actor import Actor, Factory
    from .runtime.cell import Declined
    from .runtime.errors import (
        ActorCrashed,
        ActorStopped,
        AskTimeout,
        MailboxFull,
        NameTaken,
        StartFailed,
        SystemClosed,
        TreewardError,
        WouldBlock,
    )
    from .runtime.exits import Exit, ExitReason, Shutdown
    from .runtime.mailbox import MailboxSpec
    from .runtime.ref import Ref
    from .runtime.signals import Down
    from .runtime.task import Outcome, Part, Task, Usage
    from .runtime.telemetry import Event
    from .supervisors.dynamic import DynamicSpec, DynamicSupervisor
    from .supervisors.errors import FailedToStart, InvalidSpec, NotFound, SupervisionError
    from .supervisors.handle import SupervisorHandle
    from .supervisors.pool import Pool, PoolSpec
    from .supervisors.snapshot import Snapshot
    from .supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec
    from .supervisors.supervisor import Supervisor
    from .trees.load import load_tree
    from .trees.problems import TreeError
    from .trees.runtime import Runtime
    from .trees.spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Tree

    __version__: str

__all__ = [
    "Actor",
    "ActorCrashed",
    "ActorStopped",
    "Agent",
    "AgentNode",
    "AskTimeout",
    "Backoff",
    "ChildSpec",
    "Declined",
    "Desk",
    "Down",
    "DynamicNode",
    "DynamicSpec",
    "DynamicSupervisor",
    "Event",
    "Exit",
    "ExitReason",
    "Factory",
    "FailedToStart",
    "IdempotencyKey",
    "Intensity",
    "InvalidSpec",
    "MailboxFull",
    "MailboxSpec",
    "NameTaken",
    "NeedsHuman",
    "NotFound",
    "Orchestrator",
    "Outcome",
    "Part",
    "Pool",
    "PoolNode",
    "PoolSpec",
    "Ref",
    "Runtime",
    "Shutdown",
    "Snapshot",
    "StartFailed",
    "Subtask",
    "SupervisionError",
    "Supervisor",
    "SupervisorHandle",
    "SupervisorNode",
    "SupervisorSpec",
    "SystemClosed",
    "Task",
    "ToolError",
    "ToolRefused",
    "Tree",
    "TreeError",
    "TreewardError",
    "Usage",
    "WouldBlock",
    "__version__",
    "crash_once",
    "load_tree",
    "tool",
]

_HOME = {
    "agents.agent": "Agent NeedsHuman",
    "agents.desk": "Desk",
    "agents.errors": "ToolError ToolRefused",
    "agents.faults": "crash_once",
    "agents.orchestrator": "Orchestrator",
    "agents.plan": "Subtask",
    "agents.tools": "IdempotencyKey tool",
    "runtime.actor": "Actor Factory",
    "runtime.cell": "Declined",
    "runtime.errors": (
        "ActorCrashed ActorStopped AskTimeout MailboxFull NameTaken StartFailed SystemClosed TreewardError WouldBlock"
    ),
    "runtime.exits": "Exit ExitReason Shutdown",
    "runtime.mailbox": "MailboxSpec",
    "runtime.ref": "Ref",
    "runtime.signals": "Down",
    "runtime.task": "Outcome Part Task Usage",
    "runtime.telemetry": "Event",
    "supervisors.dynamic": "DynamicSpec DynamicSupervisor",
    "supervisors.errors": "FailedToStart InvalidSpec NotFound SupervisionError",
    "supervisors.handle": "SupervisorHandle",
    "supervisors.pool": "Pool PoolSpec",
    "supervisors.snapshot": "Snapshot",
    "supervisors.spec": "Backoff ChildSpec Intensity SupervisorSpec",
    "supervisors.supervisor": "Supervisor",
    "trees.load": "load_tree",
    "trees.problems": "TreeError",
    "trees.runtime": "Runtime",
    "trees.spec": "AgentNode DynamicNode PoolNode SupervisorNode Tree",
}
"""Which module defines what: the imports above, for when the program runs."""

_MODULES = {name: module for module, names in _HOME.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading metadata at import would cost its time

        value: Any = version("treeward")
    elif name in _MODULES:
        value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
