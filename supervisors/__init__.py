"""Supervisors: what starts, watches and restarts children.

Read in this order; a file imports only files before it.

    errors       what a supervisor answers when it cannot do what it was asked
    work_errors  what stops a task on its way
    places       where a name leads
    escalation   what a desk is told, and what comes back
    patterns     regular expressions that cannot hang
    checks       how a value of a spec is checked
    backoff      how long a restart waits, or a retry
    events       what the guards of tasks tell
    failures/    what went wrong, by the reaction that is wanted
    breakers/    circuit breakers
    budgets/     what may be spent, is reserved, has been
    judges/      who looks at an output before anybody gets it
    work/        what is done for a task beside handling it
    spec         what it is told: child specs and options, frozen and checked
    restart      which death is followed by a restart
    intensity    how many restarts are too many
    strategy     who goes down and who comes up when one child has died
    requests     what it can be asked, what it answers, what it reports
    checkup      the look at children that live: who is looked at, when, what is done about one that is unhealthy
    children     its children, in their order: how each is started, ended, dropped
    supervisor   the supervisor itself
    dynamic      one whose children come and go at run time
    pool         one that routes messages to identical children
    handle       how to talk to one
    snapshot     the living tree as frozen data
    readiness    whether a tree lives, and whether it takes work
"""

from __future__ import annotations

from .dynamic import DynamicSpec, DynamicSupervisor
from .errors import (
    AlreadyPresent,
    AlreadyRunning,
    AlreadyStarted,
    FailedToStart,
    InvalidSpec,
    MaxChildren,
    NotFound,
    Restarting,
    SupervisionError,
    Unsupported,
)
from .handle import SupervisorHandle
from .pool import Pool, PoolSpec
from .requests import ChildInfo, ChildRestarting, Counts, GaveUp
from .snapshot import Snapshot
from .spec import Backoff, ChildSpec, Intensity, SupervisorSpec
from .supervisor import Supervisor

__all__ = [
    "AlreadyPresent",
    "AlreadyRunning",
    "AlreadyStarted",
    "Backoff",
    "ChildInfo",
    "ChildRestarting",
    "ChildSpec",
    "Counts",
    "DynamicSpec",
    "DynamicSupervisor",
    "FailedToStart",
    "GaveUp",
    "Intensity",
    "InvalidSpec",
    "MaxChildren",
    "NotFound",
    "Pool",
    "PoolSpec",
    "Restarting",
    "Snapshot",
    "SupervisionError",
    "Supervisor",
    "SupervisorHandle",
    "SupervisorSpec",
    "Unsupported",
]
