"""How to talk to a supervisor: one method for each request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..runtime.exits import Exit
from .requests import (
    ChildSpecOf,
    CountChildren,
    DeleteChild,
    Reload,
    Resize,
    RestartChild,
    StartAnother,
    StartChild,
    TerminateChild,
    WhichChildren,
)

if TYPE_CHECKING:
    from ..runtime.exits import ExitReason
    from ..runtime.ref import Ref
    from ..runtime.signals import Signal
    from .spec import ChildSpec

__all__ = ["SupervisorHandle"]


class SupervisorHandle:
    """A supervisor's calls. As `Ref.ask`: to be awaited on an event loop, blocking in a plain thread.

    The supervisor serves one call at a time, and blocks while it starts or ends a child. Each call raises
    `ActorStopped` if the supervisor has ended, and `AskTimeout` after `timeout` seconds.
    """

    __slots__ = ("ref", "timeout")

    def __init__(self, ref: Ref[Any], timeout: float | None = None) -> None:
        self.ref = ref
        self.timeout = timeout

    def start_child(self, spec: ChildSpec) -> Any:
        """Starts a child as the newest; its `Ref`, or None if a temporary one declined.

        Raises:
            AlreadyStarted, AlreadyPresent: the id is taken, by a child that runs or that does not.
            FailedToStart: the spec is forgotten again.
            MaxChildren: a dynamic supervisor has all that it may have.
        """
        return self._ask(StartChild(spec))

    def start_another(self, *args: Any, **kwargs: Any) -> Any:
        """Starts one more child of a dynamic supervisor's template, with these arguments added to its own."""
        return self._ask(StartAnother(args, kwargs))

    def terminate_child(self, child: str | Ref[Any]) -> Any:
        """Ends a child (by id; in a dynamic supervisor by ref) and waits for its end.

        The spec is kept, unless it is temporary. In a dynamic supervisor, it succeeds for one that is gone.

        Raises:
            NotFound: no such child here.
        """
        return self._ask(TerminateChild(child))

    def restart_child(self, child: str) -> Any:
        """Starts a stopped child again and returns its ref. It is not counted, and not tried again.

        Raises:
            AlreadyRunning, Restarting: it is not stopped.
            NotFound: no such child here.
            FailedToStart: the spec is kept.
        """
        return self._ask(RestartChild(child))

    def delete_child(self, child: str) -> Any:
        """Forgets a stopped child: its ref ends, and what waited for it becomes dead letters.

        Raises:
            AlreadyRunning, Restarting: it is not stopped.
            NotFound: no such child here.
        """
        return self._ask(DeleteChild(child))

    def which_children(self) -> Any:
        """Returns a tuple of `ChildInfo`, newest first."""
        return self._ask(WhichChildren())

    def count_children(self) -> Any:
        """Returns `Counts`."""
        return self._ask(CountChildren())

    def child_spec(self, child: str | Ref[Any]) -> Any:
        """Returns a child's `ChildSpec` with all defaults filled in. Raises `NotFound`."""
        return self._ask(ChildSpecOf(child))

    def reload(self, spec: Any) -> Any:
        """Takes a new `SupervisorSpec` (`DynamicSpec`, `PoolSpec`) over while it runs.

        Options are replaced whole, the event history stays. A child whose id stays goes on, or is restarted
        if how it is made has changed; a new id is started in its place; one that is gone from the spec is
        ended and forgotten.

        Raises:
            InvalidSpec: the spec is for another kind of supervisor. Nothing has changed.
        """
        return self._ask(Reload(spec))

    def resize(self, size: int) -> Any:
        """Changes a pool's number of members; returns it."""
        return self._ask(Resize(size))

    def stop(self, reason: ExitReason = Exit.NORMAL) -> Any:
        """Ends the supervisor, its children before it; True once it has ended, False if it had before."""
        return self.ref.stop(reason=reason, timeout=self.timeout)

    def _ask(self, request: Signal) -> Any:
        return self.ref.ask(request, timeout=self.timeout)
