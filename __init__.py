"""Supervision trees for LLM agents.

    from treeward import Agent, Runtime, Task

    class Billing(Agent):
        async def handle(self, task: Task): ...

    async with Runtime("support.yaml", allow=["support_example"]) as runtime:
        outcome = await runtime.run("I've been charged twice")

What is offered here comes from the rooms below, and is imported when it is first asked for. Each room's docstring is
its map: `treeward.runtime` (actors), `treeward.supervisors`, `treeward.agents`, `treeward.trees`, `treeward.chaos`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .agents.agent import Agent, NeedsHuman
    from .agents.breakers import all_breakers, tool_breakers
    from .agents.desk import Desk
    from .agents.errors import ToolError, ToolRefused
    from .agents.faults import crash_once
    from .agents.orchestrator import Orchestrator
    from .agents.plan import Subtask
    from .agents.profile import Profile
    from .agents.tools import IdempotencyKey, tool
    from .chaos.invariants.assertions import always, reachable, sometimes, unreachable
    from .chaos.invariants.invariant import Invariant
    from .chaos.live import LiveChaos
    from .chaos.permission import ChaosRefused
    from .chaos.plans.plan_file import load_plan
    from .chaos.simulation.errors import SimulationEscape
    from .chaos.simulation.simulate import simulate
    from .runtime.actor import Actor, Factory
    from .runtime.dead_letters import DeadLetter
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
    from .runtime.evidence import AttemptRecord, Evidence, Verdict
    from .runtime.exits import Exit, ExitReason, Shutdown
    from .runtime.mailbox import MailboxSpec
    from .runtime.ref import Ref
    from .runtime.signals import Down, Ping, Pong
    from .runtime.steps import Declined
    from .runtime.task import Outcome, Part, Task
    from .runtime.telemetry import Event
    from .runtime.usage import Limits, Usage
    from .supervisors.breakers.breaker import Breaker, BreakerSpec, BreakerView
    from .supervisors.breakers.kept import breaker_of, through
    from .supervisors.budgets.budget import Budget
    from .supervisors.dynamic import DynamicSpec, DynamicSupervisor
    from .supervisors.errors import FailedToStart, InvalidSpec, NotFound, SupervisionError
    from .supervisors.failures.failure import Failure
    from .supervisors.handle import SupervisorHandle
    from .supervisors.judges.agent_judge import AgentJudge
    from .supervisors.judges.callables import FunctionJudge
    from .supervisors.judges.confidence import ConfidenceJudge
    from .supervisors.judges.judge import Submission
    from .supervisors.judges.quorum import Quorum
    from .supervisors.judges.rules import Range, RulesJudge
    from .supervisors.judges.schema import SchemaJudge
    from .supervisors.pool import Pool, PoolSpec
    from .supervisors.readiness import Health, health_of
    from .supervisors.snapshot import Snapshot
    from .supervisors.spec import Backoff, ChildSpec, Intensity, SupervisorSpec
    from .supervisors.supervisor import Supervisor
    from .supervisors.work.health import HealthSpec
    from .supervisors.work.ladder import Escalate, Fallback, Restart, Retry, Revise, Skip
    from .supervisors.work.loops import LoopLimits
    from .supervisors.work.policy import Work
    from .supervisors.work_errors import (
        BreakerOpen,
        BudgetExceeded,
        LoopDetected,
        ModelRetry,
        OutputRejected,
        TaskHung,
        Unhealthy,
        WorkError,
    )
    from .trees.handle import TaskHandle
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
    "AgentJudge",
    "AgentNode",
    "AskTimeout",
    "AttemptRecord",
    "Backoff",
    "Breaker",
    "BreakerOpen",
    "BreakerSpec",
    "BreakerView",
    "Budget",
    "BudgetExceeded",
    "ChaosRefused",
    "ChildSpec",
    "ConfidenceJudge",
    "DeadLetter",
    "Declined",
    "Desk",
    "Down",
    "DynamicNode",
    "DynamicSpec",
    "DynamicSupervisor",
    "Escalate",
    "Event",
    "Evidence",
    "Exit",
    "ExitReason",
    "Factory",
    "FailedToStart",
    "Failure",
    "Fallback",
    "FunctionJudge",
    "Health",
    "HealthSpec",
    "IdempotencyKey",
    "Intensity",
    "InvalidSpec",
    "Invariant",
    "Limits",
    "LiveChaos",
    "LoopDetected",
    "LoopLimits",
    "MailboxFull",
    "MailboxSpec",
    "ModelRetry",
    "NameTaken",
    "NeedsHuman",
    "NotFound",
    "Orchestrator",
    "Outcome",
    "OutputRejected",
    "Part",
    "Ping",
    "Pong",
    "Pool",
    "PoolNode",
    "PoolSpec",
    "Profile",
    "Quorum",
    "Range",
    "Ref",
    "Restart",
    "Retry",
    "Revise",
    "RulesJudge",
    "Runtime",
    "SchemaJudge",
    "Shutdown",
    "SimulationEscape",
    "Skip",
    "Snapshot",
    "StartFailed",
    "Submission",
    "Subtask",
    "SupervisionError",
    "Supervisor",
    "SupervisorHandle",
    "SupervisorNode",
    "SupervisorSpec",
    "SystemClosed",
    "Task",
    "TaskHandle",
    "TaskHung",
    "ToolError",
    "ToolRefused",
    "Tree",
    "TreeError",
    "TreewardError",
    "Unhealthy",
    "Usage",
    "Verdict",
    "Work",
    "WorkError",
    "WouldBlock",
    "__version__",
    "all_breakers",
    "always",
    "breaker_of",
    "crash_once",
    "health_of",
    "load_plan",
    "load_tree",
    "reachable",
    "simulate",
    "sometimes",
    "through",
    "tool",
    "tool_breakers",
    "unreachable",
]

_HOME = {
    "agents.agent": "Agent NeedsHuman",
    "agents.breakers": "all_breakers tool_breakers",
    "agents.desk": "Desk",
    "agents.errors": "ToolError ToolRefused",
    "agents.faults": "crash_once",
    "agents.orchestrator": "Orchestrator",
    "agents.plan": "Subtask",
    "agents.profile": "Profile",
    "agents.tools": "IdempotencyKey tool",
    "chaos.invariants.assertions": "always reachable sometimes unreachable",
    "chaos.invariants.invariant": "Invariant",
    "chaos.live": "LiveChaos",
    "chaos.permission": "ChaosRefused",
    "chaos.plans.plan_file": "load_plan",
    "chaos.simulation.errors": "SimulationEscape",
    "chaos.simulation.simulate": "simulate",
    "runtime.actor": "Actor Factory",
    "runtime.dead_letters": "DeadLetter",
    "runtime.errors": (
        "ActorCrashed ActorStopped AskTimeout MailboxFull NameTaken StartFailed SystemClosed TreewardError WouldBlock"
    ),
    "runtime.evidence": "AttemptRecord Evidence Verdict",
    "runtime.exits": "Exit ExitReason Shutdown",
    "runtime.mailbox": "MailboxSpec",
    "runtime.ref": "Ref",
    "runtime.signals": "Down Ping Pong",
    "runtime.steps": "Declined",
    "runtime.task": "Outcome Part Task",
    "runtime.telemetry": "Event",
    "runtime.usage": "Limits Usage",
    "supervisors.dynamic": "DynamicSpec DynamicSupervisor",
    "supervisors.errors": "FailedToStart InvalidSpec NotFound SupervisionError",
    "supervisors.handle": "SupervisorHandle",
    "supervisors.pool": "Pool PoolSpec",
    "supervisors.readiness": "Health health_of",
    "supervisors.snapshot": "Snapshot",
    "supervisors.spec": "Backoff ChildSpec Intensity SupervisorSpec",
    "supervisors.supervisor": "Supervisor",
    "supervisors.judges.agent_judge": "AgentJudge",
    "supervisors.breakers.breaker": "Breaker BreakerSpec BreakerView",
    "supervisors.breakers.kept": "breaker_of through",
    "supervisors.budgets.budget": "Budget",
    "supervisors.judges.callables": "FunctionJudge",
    "supervisors.judges.confidence": "ConfidenceJudge",
    "supervisors.work_errors": (
        "BreakerOpen BudgetExceeded LoopDetected ModelRetry OutputRejected TaskHung Unhealthy WorkError"
    ),
    "supervisors.failures.failure": "Failure",
    "supervisors.work.health": "HealthSpec",
    "supervisors.judges.judge": "Submission",
    "supervisors.work.ladder": "Escalate Fallback Restart Retry Revise Skip",
    "supervisors.work.loops": "LoopLimits",
    "supervisors.work.policy": "Work",
    "supervisors.judges.quorum": "Quorum",
    "supervisors.judges.rules": "Range RulesJudge",
    "supervisors.judges.schema": "SchemaJudge",
    "trees.handle": "TaskHandle",
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
