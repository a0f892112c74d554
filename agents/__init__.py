"""Agents: actors that handle tasks, the tools that they use, and what makes several of them one.

Read in this order; a file imports only files before it.

    errors         what can go wrong: one tree of exceptions
    durations      `30s` as a number
    state          the directory for databases
    profile        what the tree says of an agent
    context        the named facts that travel with a task
    tools          typed functions with a schema, and the decorator that makes them
    events         what agents tell about their work
    directory      who offers what, over restarts
    routing        who of several gets a task
    delivery       a task on its way to an agent, and to its next incarnation
    breakers       the circuit breakers of a runtime: of children, judges and tools
    calls          a tool call on its way to the tool's owner
    faults         a crash on purpose, to see an agent come back
    limit          when a handler has to end
    agent          the agent itself
    plan           subtasks and the order between them
    aggregate      what an answer made of several parts needs
    fanout         a plan carried out, in parallel and in time
    case           a request that waits for a person
    cases          where cases are kept
    waiting        who waits at a desk
    desk           the agent that keeps cases
    orchestrator   classify, decompose, route, aggregate
    templates      texts with named fields
    conditions     conditions on single values
    rulebook       how rules are written, and what can be wrong with them
    rules          the agent that answers by them
"""

from __future__ import annotations

from .agent import Agent, NeedsHuman
from .aggregate import Need, Result
from .case import Case
from .context import Context
from .delivery import deliver
from .desk import Desk
from .errors import AgentError, ToolError, ToolRefused
from .orchestrator import Orchestrator
from .plan import Plan, Subtask
from .profile import Profile
from .rules import RuleAgent
from .tools import IdempotencyKey, ToolSpec, tool

__all__ = [
    "Agent",
    "AgentError",
    "Case",
    "Context",
    "Desk",
    "IdempotencyKey",
    "Need",
    "NeedsHuman",
    "Orchestrator",
    "Plan",
    "Profile",
    "Result",
    "RuleAgent",
    "Subtask",
    "ToolError",
    "ToolRefused",
    "ToolSpec",
    "deliver",
    "tool",
]
