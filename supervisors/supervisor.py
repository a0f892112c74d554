"""The supervisor: an actor that starts, watches and restarts its children, as OTP's does.

It decides nothing by itself: `restart` says which death is restarted, `strategy` with whom, `intensity` when
it is too much, `backoff` how long it waits. It serves one request at a time, and waits while a child starts
or ends.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..runtime.actor import Actor
from ..runtime.dispatch import begun
from ..runtime.errors import ActorError
from ..runtime.exits import Exit, ExitReason
from ..runtime.signals import Down
from .backoff import delay
from .checks import check
from .children import Child, Children
from .errors import (
    AlreadyPresent,
    AlreadyRunning,
    AlreadyStarted,
    FailedToStart,
    InvalidSpec,
    NotFound,
    Restarting,
    SupervisionError,
    Unsupported,
)
from .intensity import RestartWindow
from .requests import (
    ChildInfo,
    ChildRestarting,
    ChildRetried,
    ChildSpecOf,
    CountChildren,
    Counts,
    DeleteChild,
    GaveUp,
    Reload,
    Resize,
    RestartChild,
    StartAnother,
    StartChild,
    TerminateChild,
    TryAgain,
    WhichChildren,
)
from .restart import is_restarted
from .spec import ChildSpec, SupervisorSpec, check_child
from .strategy import Plan, plan

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ..runtime.cell import Cell
    from ..runtime.ref import Ref
    from .children import State

__all__ = ["ChildInfo", "Counts", "Supervisor"]

SERVES: dict[type, str] = {
    Down: "_child_down",
    TryAgain: "_try_again",
    StartChild: "_start_child",
    StartAnother: "_start_another",
    TerminateChild: "_terminate_child",
    RestartChild: "_restart_child",
    DeleteChild: "_delete_child",
    WhichChildren: "_which_children",
    CountChildren: "_count_children",
    ChildSpecOf: "_child_spec",
    Reload: "_reload",
    Resize: "_resize",
}
"""Each request, and the method that serves it."""


class Supervisor(Actor):
    """A static supervisor. Talk to it through `SupervisorHandle`.

    Args:
        spec: options and children. All specs are checked before any child starts.
    """

    expected = (SupervisionError, InvalidSpec)
    trap_exit = True

    told: ClassVar[type[Any]] = SupervisorSpec
    """The class of the spec that this kind of supervisor takes."""

    def __init__(self, spec: Any = None) -> None:
        spec = self.told() if spec is None else spec
        check_specs(type(self), spec)
        self._children = Children(self._cell)
        self._rng = self.system.entropy.stream("backoff")
        self._window = RestartWindow(spec.intensity)
        self._adopt(spec)

    def _adopt(self, spec: Any) -> None:
        """Takes options over, at the beginning and at a reload."""
        self._spec: SupervisorSpec = spec.as_supervisor
        self._window.limit = self._spec.intensity

    # Start and stop.

    async def on_start(self) -> None:  # type: ignore[override] # pykka only has `def` hooks
        """Starts the children in order; if one fails, ends those before it, newest first, and fails too."""
        for spec in self._spec.specs:
            child = self._children.add(spec)
            try:
                if not await self._children.start(child):
                    self._settle_stopped(child)
            except FailedToStart:
                await self._stop_children()
                raise
        self._children.close_strangers()

    async def on_stop(self, reason: ExitReason = Exit.NORMAL) -> None:  # type: ignore[override] # noqa: ARG002
        """Ends the children one by one, newest first, each with its own time."""
        await self._stop_children()

    async def _stop_children(self) -> None:
        for child in self._children.newest_first():
            await self._children.terminate(child)

    # Requests.

    def on_receive(self, message: Any) -> Any:
        """Serves one request or takes note of one death; anything else becomes a dead letter."""
        serve = SERVES.get(type(message))
        if serve is None:
            return super().on_receive(message)
        serving = getattr(self, serve)(message)
        if serving is None or serve == "_try_again":  # who fails on and on must not hold the loop
            return serving
        return begun(serving)

    async def _start_child(self, request: StartChild) -> Ref[Any] | None:
        spec = request.spec
        check_child(spec, self._spec.auto_shutdown)
        present = self._children.get(spec.id)
        if present is not None:
            if present.state == "running":
                raise AlreadyStarted(spec.id, present.cell.ref)
            raise AlreadyPresent(spec.id, present.state)
        child = self._children.add(spec)
        try:
            started = await self._children.start(child)
        except FailedToStart:
            self._children.drop(child)
            raise
        if not started:
            self._settle_stopped(child)
        return child.cell.ref if started or spec.restart != "temporary" else None

    async def _terminate_child(self, request: TerminateChild) -> None:
        child = self._find(request.child)
        left = self._awaited() if child.state == "restarting" else set()
        await self._children.terminate(child)
        self._settle_stopped(child)
        if left:
            for sibling in self._stopped(left - self._awaited()):
                sibling.cell.rest()

    async def _restart_child(self, request: RestartChild) -> Ref[Any]:
        child = self._find_stopped(request.child)
        try:
            if not await self._children.start(child):
                self._settle_stopped(child)
        except FailedToStart:
            child.cell.rest()
            raise
        return child.cell.ref

    async def _delete_child(self, request: DeleteChild) -> None:
        self._children.drop(self._find_stopped(request.child))

    async def _which_children(self, _: WhichChildren) -> tuple[ChildInfo, ...]:
        return tuple(ChildInfo(c.id, c.cell.ref, c.state, c.spec.type) for c in self._children.newest_first())

    async def _count_children(self, _: CountChildren) -> Counts:
        children = list(self._children)
        supervisors = sum(child.spec.type == "supervisor" for child in children)
        active = sum(child.state == "running" and child.cell.alive for child in children)
        return Counts(len(children), active, supervisors, len(children) - supervisors)

    async def _child_spec(self, request: ChildSpecOf) -> ChildSpec:
        return self._find(request.child).own_spec

    async def _start_another(self, _: StartAnother) -> Ref[Any] | None:
        raise Unsupported("start_another", "static supervisor", "use start_child(spec)")

    async def _resize(self, _: Resize) -> int:
        raise Unsupported("resize", "supervisor without a pool", "use a pool")

    @property
    def options(self) -> SupervisorSpec:
        """What it goes by at present. Its `children` are those that it began with; see `spec_of`."""
        return self._spec

    def spec_of(self, child_id: str) -> ChildSpec | None:
        """Returns a child's present spec, or None if it has no such child. On the runtime's loop."""
        child = self._children.get(child_id)
        return None if child is None else child.own_spec

    def states(self) -> dict[str, State]:
        """Returns each child's state by id, oldest first. On the runtime's loop."""
        return {child.id: child.state for child in self._children}

    def room_in(self, now: float, beside: int = 0) -> float:
        """Returns after how many seconds one more death of a child would be within the limit. On the loop.

        Deaths that are on their way here count already, and so many `beside` them.
        """
        coming = sum(child.state == "running" and not child.cell.alive for child in self._children)
        return self._window.room_in(now, coming + beside)

    def young(self, now: float) -> list[Cell]:
        """Returns the cells of the children that live again, and whose last death still counts. On the loop."""
        since = now - self._window.limit.within
        living = (child for child in self._children if child.state == "running" and child.cell.alive)
        return [child.cell for child in living if child.cell.incarnation > 1 and child.running_since >= since]

    def _find(self, child_id: object) -> Child:
        child = self._children.get(child_id)
        if child is None:
            raise NotFound(str(child_id), self._children.ids())
        return child

    def _find_stopped(self, child_id: object) -> Child:
        child = self._find(child_id)
        if child.state == "restarting":
            raise Restarting(child.id)
        if child.state != "stopped":
            raise AlreadyRunning(child.id)
        return child

    # Deaths.

    def _child_down(self, down: Down) -> Coroutine[Any, Any, None] | None:
        child = self._children.of(down.ref)
        if child is None or child.state != "running" or child.cell.incarnation != down.incarnation:
            return None  # ended on purpose, or of an incarnation that has been replaced meanwhile
        self._children.note_end(child)
        if is_restarted(child.spec.restart, down.reason):
            return self._restart(child, down.reason)
        child.state = "stopped"
        self._settle_stopped(child)
        self._after_end(child)
        return None

    async def _try_again(self, note: TryAgain) -> None:
        child = self._children.get(note.child)
        if child is None or child.state != "restarting" or child.ticket != note.ticket:
            return
        if not note.counted:
            self._cell.system.telemetry.emit(ChildRetried, child.cell.path, child.cell.incarnation)
            if self._window.passes_limit(self._cell.system.clock.monotonic()):
                self._give_up(child, child.cell.end or Exit.KILLED)
                return
            await self._take_down(self._plan(child).terminate)
        await self._start_group(child, self._plan(child))

    async def _restart(self, child: Child, reason: ExitReason) -> None:
        """Answers a death: gives up, or takes the group down and starts it, at once or after a wait."""
        if self._window.passes_limit(self._cell.system.clock.monotonic()):
            self._give_up(child, reason)
            return
        group = self._plan(child)
        wait = self._begin_restarting(child, reason, group)
        if group.terminate:
            await self._take_down(group.terminate)
            group = self._plan(child)
        if wait is None:
            await self._start_group(child, group)
        else:
            self._schedule_try(child, wait, counted=True)

    def _begin_restarting(self, child: Child, reason: ExitReason, group: Plan) -> float | None:
        """Notes and reports that a child waits for its next start; returns for how long, None for no time."""
        child.state = "restarting"
        wait = self._next_wait(child)
        cell, details = child.cell, (reason, wait or 0.0, group.start)
        self._cell.system.telemetry.emit(ChildRestarting, cell.path, cell.incarnation, *details)
        return wait

    async def _take_down(self, ids: tuple[str, ...]) -> None:
        for child_id in ids:
            child = self._find(child_id)
            await self._children.terminate(child)
            if child.spec.restart == "temporary":
                self._children.drop(child)

    async def _start_group(self, child: Child, group: Plan) -> None:
        """Starts the child and those that the strategy takes along. The first that fails is tried again."""
        for child_id in group.start:
            member = self._find(child_id)
            if member.state == "running":
                continue
            try:
                started = await self._children.start(member)
            except FailedToStart as error:
                if child is not member and child.state == "restarting":
                    child.state = "stopped"
                self._retry(member, error)
                return
            if not started:
                self._settle_stopped(member)

    def _retry(self, child: Child, error: FailedToStart) -> None:
        """Notes that a child whose start failed is to be tried again; the try is an event of its own."""
        wait = self._begin_restarting(child, error.cause, self._plan(child))
        self._schedule_try(child, wait, counted=False)

    def _schedule_try(self, child: Child, wait: float | None, *, counted: bool) -> None:
        """Notes a try, behind whatever waits in the mailbox by now or at the end of the wait."""
        child.cancel_retry()
        note = TryAgain(child.id, child.ticket, counted)
        if wait is None:
            self._cell.signal(note)
        else:
            child.retry = self.after(wait, note)

    def _next_wait(self, child: Child) -> float | None:
        """Returns the seconds to wait before the child's next start; None without a backoff."""
        backoff = self._spec.backoff
        if backoff is None:
            return None
        if child.ran >= backoff.reset_after:
            child.restarts = 0
        child.ran = 0.0
        child.restarts += 1
        return delay(backoff, child.restarts - 1, self._rng)

    def _plan(self, child: Child) -> Plan:
        return plan(self._spec.strategy, self._children.ids(), child.id)

    def _awaited(self) -> set[str]:
        """Returns the ids that pending tries will start: children that failed, and siblings taken down."""
        waiting = [child for child in self._children if child.state == "restarting"]
        return {child_id for child in waiting for child_id in self._plan(child).start}

    def _stopped(self, ids: set[str]) -> list[Child]:
        """Returns those of these children that are stopped, oldest first."""
        return [child for child in self._children if child.id in ids and child.state == "stopped"]

    def _give_up(self, child: Child, reason: ExitReason) -> None:
        limit = self._window.limit
        child.state = "stopped"
        details = (child.id, reason, limit.restarts, limit.within)
        self._cell.system.telemetry.emit(GaveUp, self.path, self.incarnation, *details)
        self.stop(Exit.SHUTDOWN)

    # Ends that are no restarts.

    def _settle_stopped(self, child: Child) -> None:
        """Keeps the spec of a child that does not run, unless it is temporary."""
        if child.spec.restart == "temporary":
            self._children.drop(child)
        else:
            child.cell.rest()

    def _after_end(self, child: Child) -> None:
        """Ends the supervisor too, if the end of a significant child says so."""
        if not child.spec.significant:
            return
        others = any(c.spec.significant and c.state in ("running", "restarting") for c in self._children)
        if self._spec.auto_shutdown == "any_significant" or not others:
            self.stop(Exit.SHUTDOWN)

    # New specs at run time.

    async def _reload(self, request: Reload) -> None:
        """Takes new options and specs over; what need not be restarted is not."""
        check_specs(type(self), request.spec)
        awaited = self._awaited()
        self._adopt(request.spec)
        specs = self._spec.specs
        wanted = {spec.id for spec in specs}
        for child in self._children.newest_first():
            if child.id not in wanted:
                await self._remove(child)
        for spec in specs:
            await self._renew(spec)
        self._children.reorder([spec.id for spec in specs if self._children.get(spec.id) is not None])
        await self._start_left(awaited - self._awaited())

    async def _start_left(self, ids: set[str]) -> None:
        """Starts those that waited for a try which will not be made: their group is another by now."""
        for child in self._stopped(ids):
            if child.id in ids:
                await self._start_or_retry(child)
                ids -= self._awaited() if child.state == "restarting" else set()

    async def _remove(self, child: Child) -> None:
        await self._children.terminate(child)
        self._children.drop(child)

    async def _renew(self, spec: ChildSpec) -> None:
        """Brings one child to what its new spec says."""
        child = self._children.get(spec.id)
        if child is None:
            await self._start_or_retry(self._children.add(spec))
        elif child.state == "running" and _can_reload(child.spec, spec):
            self._children.respec(child, spec)
            with contextlib.suppress(ActorError):  # it has ended: its next incarnation has the new spec
                await child.cell.ref.ask(Reload(spec_within(spec)))
        elif child.state == "running" and child.spec.needs_restart_for(spec):
            await self._children.terminate(child)
            self._children.respec(child, spec)
            await self._start_or_retry(child)
        else:
            self._children.respec(child, spec)

    async def _start_or_retry(self, child: Child) -> None:
        """Starts a child for a reload. One that fails is tried again; if it is temporary, it is dropped."""
        try:
            if not await self._children.start(child):
                self._settle_stopped(child)
        except FailedToStart as error:
            if child.spec.restart == "temporary":
                self._children.drop(child)
            else:
                self._retry(child, error)


def spec_within(spec: ChildSpec) -> Any:
    """Returns what a child that is itself a supervisor is told; None if it is none, or makes its own spec."""
    start, cls = spec.factory, cast("Any", spec.factory.cls)
    is_supervisor = isinstance(cls, type) and issubclass(cls, Supervisor)
    if not is_supervisor or cls.__init__ is not Supervisor.__init__:
        return None
    return start.args[0] if len(start.args) == 1 and not start.kwargs else None


def check_specs(kind: type[Supervisor], spec: Any) -> None:
    """Raises `InvalidSpec` if a supervisor of this kind, or one below it, is told what is for another."""
    left: list[tuple[Any, Any]] = [(kind, spec)]
    while left:
        kind, spec = left.pop()
        check(f"spec of a {kind.__name__}", spec, isinstance(spec, kind.told), f"a {kind.told.__name__}")
        within = [(child.factory.cls, spec_within(child)) for child in spec.as_supervisor.specs]
        left += [(cls, told) for cls, told in within if told is not None]


def _can_reload(old: ChildSpec, new: ChildSpec) -> bool:
    """Whether a supervisor can go on with the new spec: if nothing but what it is told has changed."""
    told = spec_within(old) is not None and spec_within(new) is not None
    return told and (old.factory.cls, old.factory.attributes) == (new.factory.cls, new.factory.attributes)
