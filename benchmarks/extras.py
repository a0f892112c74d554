"""The features whose cost is measured apart, each as what differs from the same task without it. See `features.py`."""

from __future__ import annotations

import logging
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from treeward.runtime import faults
from treeward.runtime.usage import Limits
from treeward.supervisors.breakers.breaker import BreakerSpec
from treeward.supervisors.budgets.budget import Budget
from treeward.supervisors.judges.callables import FunctionJudge
from treeward.supervisors.judges.rules import RulesJudge
from treeward.supervisors.judges.schema import SchemaJudge
from treeward.supervisors.work.health import HealthSpec
from treeward.supervisors.work.ladder import Restart, Retry, Skip
from treeward.supervisors.work.policy import NOTHING, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from treeward.runtime.system import ActorSystem
    from treeward.runtime.task import Task

__all__ = ["BARE", "EXTRAS", "PLAIN", "Extra", "Visits"]

LONG = 3600.0
"""Seconds: no limit of time is reached."""
MANY = 10**9
"""No limit of anything else is, either."""
SCHEMA = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}


@dataclass(frozen=True)
class Extra:
    """One feature: what it is, and how an agent has it.

    Attributes:
        work: what the agent's spec says about work.
        deadline: seconds that each task has; None: it has no deadline.
        attached: what a system has on while the tasks run.
        supervised: whether the agent is under a supervisor.
        base: what it is compared with; None: nothing.
    """

    name: str
    what: str
    work: Work = NOTHING
    deadline: float | None = None
    attached: Callable[[ActorSystem], AbstractContextManager[object]] = nullcontext
    supervised: bool = True
    base: Extra | None = None


class Answer(BaseModel):
    """What the output has to be."""

    text: str


class Visits:
    """Armed at all fault points; lets everything go its way, and counts."""

    def __init__(self) -> None:
        self.count = 0

    def call(self, _visit: faults.Visit, func: Callable[..., Any]) -> Callable[..., Any]:
        """Changes nothing."""
        self.count += 1
        return func

    def send(self, _visit: faults.Visit, send: Callable[[Any], object], value: Any) -> None:
        """Sends."""
        self.count += 1
        send(value)


class Unwritten(logging.Handler):
    """Takes log records, and writes none."""

    def emit(self, record: logging.LogRecord) -> None:
        """Does nothing with it."""


@contextmanager
def _observed(system: ActorSystem) -> Iterator[None]:
    with ExitStack() as stack:
        stack.callback(system.observe(lambda _event: None))
        yield


@contextmanager
def _armed(system: ActorSystem) -> Iterator[None]:
    with ExitStack() as stack:
        stack.callback(faults.arm(system, Visits()))
        yield


@contextmanager
def _logged(_system: ActorSystem) -> Iterator[None]:
    logger, handler = logging.getLogger("treeward"), Unwritten()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)


BARE = Extra("bare", "an agent without a supervisor", supervised=False)
PLAIN = Extra("supervised", "the same under a supervisor: its crash would not lose the task", base=BARE)


def _has_text(output: Any, _task: Task) -> bool:
    return bool(output["text"])


def _work(name: str, what: str, **rules: Any) -> Extra:
    return Extra(name, what, Work(**rules), base=PLAIN)


EXTRAS = (
    PLAIN,
    Extra("deadline", "the task has a deadline", deadline=LONG, base=PLAIN),
    _work("timeout", "a time limit for all tries", timeout=LONG),
    _work("attempt_timeout", "a time limit for each try", attempt_timeout=LONG),
    _work("idle_timeout", "a time limit between two signs of life", idle_timeout=LONG),
    _work("ladder", "retry, restart, skip: none is needed", recovery=(Retry(), Restart(), Skip())),
    _work("breaker", "a circuit breaker, closed", breaker=BreakerSpec()),
    _work("judge_function", "a judge that is a function", judges=(FunctionJudge(_has_text),)),
    _work("judge_rules", "a judge with one rule", judges=(RulesJudge(required=("text",)),)),
    _work("judge_model", "a judge with a pydantic model", judges=(SchemaJudge(Answer),)),
    _work("judge_schema", "a judge with a JSON Schema", judges=(SchemaJudge(SCHEMA),)),
    _work("budget", "a budget of the agent's life", budgets=(Budget(limits=Limits(calls=MANY), per="life"),)),
    _work("budget_task", "a budget of each request", budgets=(Budget(limits=Limits(calls=MANY)),)),
    _work("health", "its share of errors is watched", health=HealthSpec(every=LONG, errors=0.9)),
    Extra("observer", "somebody observes all events", attached=_observed, base=PLAIN),
    Extra("log", "the events from level INFO on are logged", attached=_logged, base=PLAIN),
    Extra("faults_armed", "somebody is armed at all fault points, and does nothing", attached=_armed, base=PLAIN),
)
"""In the order of the table."""
