"""The dynamic supervisor: children come and go at run time, and are named by their refs.

It is OTP's simple_one_for_one, and Elixir's DynamicSupervisor.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..runtime.actor import Factory
from ..runtime.ref import Ref
from .checks import check, is_whole
from .errors import FailedToStart, MaxChildren, NotFound, Unsupported
from .spec import Backoff, ChildSpec, Intensity, SupervisorSpec, check_child, check_limits
from .supervisor import Supervisor, check_specs

if TYPE_CHECKING:
    from .children import Child
    from .requests import DeleteChild, Reload, RestartChild, StartAnother, StartChild, TerminateChild

__all__ = ["DynamicSpec", "DynamicSupervisor"]

_KIND = "dynamic supervisor"


@dataclass(frozen=True, slots=True, kw_only=True)
class DynamicSpec:
    """The options of a dynamic supervisor.

    Attributes:
        child: the template of all children; None means that each start brings a whole spec.
        max_children: how many there may be, restarting ones included; None means any number.
        intensity, backoff: as in `SupervisorSpec`.
    """

    child: ChildSpec | None = None
    max_children: int | None = None
    intensity: Intensity = field(default_factory=Intensity)
    backoff: Backoff | None = None

    def __post_init__(self) -> None:
        legal = self.max_children is None or is_whole(self.max_children, 0)
        check("max_children", self.max_children, legal, "a whole number, 0 or more, or None")
        check_limits(self.intensity, self.backoff)
        if self.child is not None:
            check_child(self.child)

    @property
    def as_supervisor(self) -> SupervisorSpec:
        """The same options, as the static supervisor has them: one for one, no children to begin with."""
        return SupervisorSpec(intensity=self.intensity, backoff=self.backoff)


class DynamicSupervisor(Supervisor):
    """Starts children on request, restarts each for itself, and ends all of them at once.

    Talk to it through `SupervisorHandle`: `start_child(spec)` without a template, `start_another(*args)` with
    one. A child's id is its spec's, with a number behind it. A child that is not restarted is forgotten.
    """

    told: ClassVar[type[Any]] = DynamicSpec
    _numbered = 0

    def _adopt(self, spec: DynamicSpec) -> None:
        self._options = spec
        super()._adopt(spec)

    async def _stop_children(self) -> None:
        await asyncio.gather(*(self._children.terminate(child) for child in self._children))
        for child in self._children:
            self._children.drop(child)

    async def _start_child(self, request: StartChild) -> Ref[Any] | None:
        template = self._options.child
        if template is not None:
            raise Unsupported("start_child", f"{_KIND} with a template", "use start_another(*arguments)")
        check_child(request.spec)
        return await self._start_numbered(request.spec, request.spec.factory)

    async def _start_another(self, request: StartAnother) -> Ref[Any] | None:
        template = self._options.child
        if template is None:
            raise Unsupported("start_another", f"{_KIND} without a template", "use start_child(spec)")
        start = template.factory
        factory = start
        if request.args or request.kwargs:
            args, kwargs = (*start.args, *request.args), {**start.kwargs, **request.kwargs}
            factory = Factory(start.cls, args, kwargs, start.attributes)
        return await self._start_numbered(template, factory)

    async def _start_numbered(self, spec: ChildSpec, start: Factory) -> Ref[Any] | None:
        limit = self._options.max_children
        if limit is not None and len(self._children) >= limit:
            raise MaxChildren(spec.id, limit)
        self._numbered += 1
        child = self._children.add_another(spec, f"{spec.id}-{self._numbered}", start)
        try:
            started = await self._children.start(child)
        except FailedToStart:
            self._children.drop(child)
            raise
        if not started:
            self._settle_stopped(child)
        return child.cell.ref if started else None

    async def _terminate_child(self, request: TerminateChild) -> None:
        ref = request.child
        if not isinstance(ref, Ref) or not self._children.had(ref):
            raise NotFound(str(ref), self._children.ids())
        child = self._children.of(ref)
        if child is not None:
            await self._children.terminate(child)
            self._children.drop(child)

    async def _restart_child(self, _: RestartChild) -> Ref[Any]:
        raise Unsupported("restart_child", _KIND, "start a new child; the old one's spec is gone with it")

    async def _delete_child(self, _: DeleteChild) -> None:
        raise Unsupported("delete_child", _KIND, "terminate_child(ref) forgets the child too")

    def _find(self, child_id: object) -> Child:
        child = self._children.of(child_id) if isinstance(child_id, Ref) else None
        return child or super()._find(child_id)

    def _settle_stopped(self, child: Child) -> None:
        self._children.drop(child)

    async def _reload(self, request: Reload) -> None:
        """Takes new options over; children that run keep the template that they were started from."""
        check_specs(type(self), request.spec)
        self._adopt(request.spec)
