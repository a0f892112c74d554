"""From the declared tree to the supervisors' own specs: what the model says in words, supervisors read as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..agents.agent import Agent
from ..agents.profile import Profile
from ..runtime.actor import Factory
from ..runtime.mailbox import UNBOUNDED, MailboxSpec
from ..supervisors import spec as supervision
from ..supervisors.dynamic import DynamicSpec, DynamicSupervisor
from ..supervisors.pool import Pool, PoolSpec
from ..supervisors.spec import ChildSpec, SupervisorSpec
from ..supervisors.supervisor import Supervisor
from .arguments import parameters_of
from .names import Names, imports_of
from .spec import AgentNode, DynamicNode, PoolNode, SupervisorNode
from .work import Works, breaker_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pykka

    from .policies import Backoff, Intensity, Mailbox
    from .spec import Node, Template, Tree, Worker

__all__ = ["root_spec"]

TEMPLATE_ID = "child"
"""What the children of a dynamic supervisor are called, with a number behind it."""


def root_spec(tree: Tree, allow: Iterable[str] = ()) -> ChildSpec:
    """Returns the spec of the root supervisor, with everything below it.

    Raises:
        TreeError: a class may not be used, is not there, or does not take the arguments given.
    """
    return _Builder(Names(allow)).child(tree.tree)


class _Builder:
    def __init__(self, names: Names) -> None:
        self._names = names
        self._works = Works(names)

    def child(self, node: Node) -> ChildSpec:
        """Returns the spec of a node, as a child of the one above it."""
        match node:
            case AgentNode():
                return self._agent(node, node.agent, significant=node.significant)
            case SupervisorNode():
                return self._supervisor(node, Supervisor, self._static(node))
            case DynamicNode():
                return self._supervisor(node, DynamicSupervisor, self._dynamic(node))
            case PoolNode():
                return self._supervisor(node, Pool, self._pool(node))

    def _agent(self, node: AgentNode | Template, child_id: str, *, significant: bool = False) -> ChildSpec:
        cls = self._names.find(node.use)
        attributes = {"profile": _profile(node)} if issubclass(cls, Agent) else {}
        return ChildSpec(
            id=child_id,
            start=Factory(cls, (), self._arguments(cls, node.with_), attributes),
            restart=node.restart,
            shutdown=node.shutdown,
            significant=significant,
            start_timeout=None if node.start_timeout == "infinity" else node.start_timeout,
            dispatcher=node.dispatcher,
            mailbox=_mailbox(node.mailbox),
            work=self._works.of_worker(node),
        )

    def _arguments(self, cls: type[pykka.Actor], given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the keyword arguments for a class, with the functions that the tree names by import path."""
        functions = {name: self._names.function(str(given[name])) for name in imports_of(cls) if name in given}
        return parameters_of(cls).convert({**given, **functions})

    def _supervisor(self, node: SupervisorNode | DynamicNode | PoolNode, cls: type[Supervisor], spec: Any) -> ChildSpec:
        return ChildSpec(
            id=node.id,
            start=Factory(cls, (spec,)),
            restart=node.restart,
            shutdown=node.shutdown,
            type="supervisor",
            significant=node.significant,
            work=self._works.of_supervisor(node),
        )

    def _static(self, node: SupervisorNode) -> SupervisorSpec:
        return SupervisorSpec(
            children=[self.child(child) for child in node.children],
            strategy=node.strategy,
            intensity=_intensity(node.intensity),
            backoff=_backoff(node.backoff),
            auto_shutdown=node.auto_shutdown,
        )

    def _dynamic(self, node: DynamicNode) -> DynamicSpec:
        template = None if node.child is None else self._agent(node.child, TEMPLATE_ID)
        return DynamicSpec(
            child=template,
            max_children=node.max_children,
            intensity=_intensity(node.intensity),
            backoff=_backoff(node.backoff),
        )

    def _pool(self, node: PoolNode) -> PoolSpec:
        return PoolSpec(
            child=self._agent(node.child, TEMPLATE_ID),
            size=node.size,
            route=node.route,
            key=str(node.key),
            intensity=_intensity(node.intensity),
            backoff=_backoff(node.backoff),
        )


def _profile(node: Worker) -> Profile:
    return Profile(
        handles=node.handles,
        reads=node.reads,
        tools=node.tools,
        tool_breaker=None if node.tool_breaker is None else breaker_of(node.tool_breaker),
    )


def _intensity(declared: Intensity) -> supervision.Intensity:
    return supervision.Intensity(declared.restarts, declared.within)


def _backoff(declared: Backoff | str) -> supervision.Backoff | None:
    if isinstance(declared, str):
        return None
    return supervision.Backoff(declared.initial, declared.factor, declared.max, declared.jitter, declared.reset_after)


def _mailbox(declared: Mailbox | None) -> MailboxSpec:
    return UNBOUNDED if declared is None else MailboxSpec(declared.capacity, declared.overflow)
