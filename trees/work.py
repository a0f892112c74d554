"""What a tree says about work, as the supervisors' own values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..runtime import usage
from ..supervisors.breakers import breaker
from ..supervisors.budgets import budget
from ..supervisors.judges import agent_judge, callables, confidence, quorum, rules, schema
from ..supervisors.work import health, ladder, loops, policy
from . import ladder as rungs
from .guards import Limits
from .judges import AgentJudge, Asked, ConfidenceJudge, FunctionJudge, QuorumJudge, RulesJudge, SchemaJudge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ..supervisors.judges.judge import Judge
    from .guards import Breaker, Budget, Health, Loops
    from .ladder import Rung
    from .names import Names
    from .spec import Supervising, Worker

__all__ = ["Works", "breaker_of", "ladder_of"]


class Works:
    """Makes what nodes of one tree say about work. What many of them share is made once: it is frozen."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._made: dict[int, tuple[Any, Any]] = {}

    def of_worker(self, node: Worker) -> policy.Work:
        """Returns what an agent, or a template, says about its work.

        Raises:
            TreeError: a model or a function may not be used, or is not there.
        """
        return _or_nothing(
            timeout=node.timeout,
            attempt_timeout=node.attempt_timeout,
            idle_timeout=node.idle_timeout,
            judges=self._once(_panel, node.judges, self._names),
            judging=node.judging,
            breaker=self._once(breaker_of, node.breaker),
            health=self._once(_health, node.health),
            **self._of_any(node),
        )

    def of_supervisor(self, node: Supervising) -> policy.Work:
        """Returns what a supervisor of any kind says about the work below it; raises as `of_worker`."""
        return _or_nothing(**self._of_any(node))

    def _of_any(self, node: Worker | Supervising) -> dict[str, Any]:
        return {
            "recovery": self._once(ladder_of, node.recovery),
            "budgets": self._once(_budgets, node.budget),
            "loops": self._once(_loops, node.loops),
            "classify": tuple(map(self._names.function, node.classify)),
        }

    def _once(self, make: Callable[..., Any], part: Any, *others: Any) -> Any:
        """Returns what is made of a part; of None, nothing is. The part is kept, so that its identity is."""
        if part is None:
            return None
        known = self._made.get(id(part))
        if known is None:
            known = self._made[id(part)] = (part, make(part, *others))
        return known[1]


def _or_nothing(**said: Any) -> policy.Work:
    work = policy.Work(**said)
    return policy.NOTHING if work == policy.NOTHING else work


def ladder_of(specs: Iterable[Rung]) -> ladder.Ladder:
    """Returns the rungs of a ladder."""
    return tuple(map(_rung, specs))


def breaker_of(spec: Breaker) -> breaker.BreakerSpec:
    """Returns what a circuit breaker is told."""
    return breaker.BreakerSpec(**dict(spec))


def _rung(spec: Rung) -> ladder.Rung:
    match spec:
        case rungs.RetryRung(retry=told):
            return ladder.Retry(**dict(told))
        case rungs.ReviseRung(revise=told):
            return ladder.Revise(**dict(told))
        case rungs.RestartRung(restart=told):
            return ladder.Restart(**dict(told))
        case rungs.FallbackRung(fallback=names):
            return ladder.Fallback(names)
        case rungs.EscalateRung(escalate=told):
            return ladder.Escalate(**dict(told))
        case rungs.SkipRung(skip=told):
            return ladder.Skip(**dict(told))


def _health(spec: Health) -> health.HealthSpec:
    return health.HealthSpec(**dict(spec))


def _loops(spec: Loops) -> loops.LoopLimits:
    return loops.LoopLimits(**dict(spec))


def _budgets(specs: Iterable[Budget]) -> tuple[budget.Budget, ...]:
    return tuple(map(_budget, specs))


def _budget(spec: Budget) -> budget.Budget:
    rest = {key: value for key, value in spec if key not in {*Limits.model_fields, "call"}}
    return budget.Budget(limits=_limits(spec), call=_limits(spec.call), **rest)


def _limits(spec: Limits) -> usage.Limits:
    return usage.Limits(**{unit: getattr(spec, unit) for unit in Limits.model_fields})


# --- judges -----------------------------------------------------------------------------------------


def _panel(specs: Iterable[Asked], names: Names) -> tuple[Judge, ...]:
    return tuple(_judge(spec, names) for spec in specs)


def _judge(spec: Asked, names: Names) -> Judge:
    make: Callable[[Any, Names, dict[str, Any]], Judge] = _JUDGES[type(spec)]
    return make(spec, names, _asked(spec))


def _schema_judge(spec: SchemaJudge, names: Names, asked: dict[str, Any]) -> Judge:
    named = spec.schema_
    return schema.SchemaJudge(names.model(named) if isinstance(named, str) else named, **asked)


def _rules_judge(spec: RulesJudge, _: Names, asked: dict[str, Any]) -> Judge:
    ranges = {field: rules.Range(**dict(span)) for field, span in spec.rules.ranges.items()}
    return rules.RulesJudge(**{**dict(spec.rules), "ranges": ranges}, **asked)


def _confidence_judge(spec: ConfidenceJudge, _: Names, asked: dict[str, Any]) -> Judge:
    return confidence.ConfidenceJudge(**dict(spec.confidence), **asked)


def _function_judge(spec: FunctionJudge, names: Names, asked: dict[str, Any]) -> Judge:
    function = names.function(spec.function)
    return callables.FunctionJudge(function, dispatcher=spec.dispatcher, accept_at=spec.accept_at, **asked)


def _agent_judge(spec: AgentJudge, _: Names, asked: dict[str, Any]) -> Judge:
    return agent_judge.AgentJudge(spec.agent, spec.rubric, accept_at=spec.accept_at, **asked)


def _quorum(spec: QuorumJudge, names: Names, asked: dict[str, Any]) -> Judge:
    return quorum.Quorum(_panel(spec.quorum, names), spec.weights, accept_at=spec.accept_at, **asked)


_JUDGES: dict[type[Asked], Any] = {
    SchemaJudge: _schema_judge,
    RulesJudge: _rules_judge,
    ConfidenceJudge: _confidence_judge,
    FunctionJudge: _function_judge,
    AgentJudge: _agent_judge,
    QuorumJudge: _quorum,
}


def _asked(spec: Asked) -> dict[str, Any]:
    """Returns what all judges have in common, as far as something is said: each kind has its own default."""
    said = {name: value for name in Asked.model_fields if (value := getattr(spec, name)) is not None}
    return said if spec.breaker is None else {**said, "breaker": breaker_of(spec.breaker)}
