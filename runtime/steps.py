"""The steps of a life that run hooks: its set-up, and its end by a stop or by a crash.

Each is a generator: it yields the calls into the actor's own code that have to be waited for, and is resumed with
their results. What waits for nothing is done without giving up the place. On the runtime's loop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from .actor import is_empty
from .address import HOOK
from .call import Call, CutOff, awaited, in_thread
from .dispatch import COROUTINES, Life
from .errors import StartFailed
from .exits import Exit
from .faults import START, STOP, Visit

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from .cell import Cell
    from .exits import ExitReason
    from .faults import Point
    from .mailbox import Envelope

__all__ = ["Declined", "Step", "at", "fail", "set_up", "tear_down"]

Step: TypeAlias = "Generator[Call, Any, None]"

NOTHING: Envelope = (None, None)


class Declined(Exception):
    """Raised in `on_start` to say: there is nothing for me to do here (OTP's `ignore`)."""


def set_up(cell: Cell) -> Step:
    """Makes the object, and runs `on_restart` and `on_start`: the incarnation runs then, or has failed to start."""
    try:
        made = _make(cell)
        cell.actor = (yield made) if type(made) is Call else made
        if cell.incarnation > 1 and not is_empty(getattr(cell.actor, "on_restart", None)):
            done = _hook(cell, cell.actor.on_restart, cell.restart_message, cell.end)
            if type(done) is Call:
                yield done
        on_start = at(cell, START, cell.actor.on_start)
        if not is_empty(on_start):
            done = _hook(cell, on_start)
            if type(done) is Call:
                yield done
        if cell.killed is not None:
            raise CutOff
    except BaseException as error:  # noqa: BLE001 - whatever was raised, it is a failed start
        _start_failed(cell, error)
    else:
        cell.started()


def tear_down(cell: Cell, reason: ExitReason) -> Step:
    """Runs `on_stop`, and ends the incarnation."""
    try:
        done = _hook(cell, at(cell, STOP, cell.actor.run_on_stop), reason)
        if type(done) is Call:
            yield done
    except BaseException as error:  # noqa: BLE001 - an end that fails is a crash
        _end_failed(cell, "on_stop", error, error)
    else:
        cell.finish(cell.killed or reason)


def fail(cell: Cell, error: BaseException) -> Step:
    """Runs `on_failure`, and ends the incarnation."""
    try:
        done = _hook(cell, cell.actor.on_failure, type(error), error, error.__traceback__)
        if type(done) is Call:
            yield done
    except BaseException as second:  # noqa: BLE001 - the first error is the reason
        _end_failed(cell, "on_failure", second, error)
    else:
        cell.finish(cell.killed or error)


def at(cell: Cell, point: Point, func: Callable[..., Any], about: Envelope = NOTHING) -> Callable[..., Any]:
    """Returns what is called in the place of `func`: something else only where a fault says so."""
    faults = cell.system.faults
    return func if faults is None else faults.call(Visit(point, cell.path, cell.incarnation, *about), func)


def _make(cell: Cell) -> Any:
    if cell.dispatcher == "thread":
        cell.life = Life(cell)
        cell.worker = cell.system.hire(cell.life)
    return _hook(cell, cell.factory.make, cell)


def _hook(cell: Cell, hook: Callable[..., Any], *args: Any) -> Any:
    """Runs a hook in its own context, and returns its value, or a `Call`. What it raises is for the step.

    A child that is started by its supervisor's own handler runs within that.
    """
    system = cell.system
    outer, system.running = system.running, cell
    cell.current = HOOK
    try:
        if cell.worker is not None:
            return in_thread(cell, hook, args)
        value = system.context.copy().run(hook, *args)
        return awaited(cell, value) if type(value) in COROUTINES else value
    finally:
        system.running = outer
        cell.current = None


def _start_failed(cell: Cell, error: BaseException) -> None:
    cause: ExitReason = cell.killed if cell.killed is not None else error
    if isinstance(cause, Declined):
        cell.finish(Exit.NORMAL, cause)
    else:
        cell.finish(cause, cause if isinstance(cause, StartFailed) else StartFailed(cell.path, cause))
    _pass_on(error)


def _end_failed(cell: Cell, hook: str, error: BaseException, reason: BaseException) -> None:
    if cell.killed is None:
        cell.report(hook, error)
    cell.finish(cell.killed or reason)
    _pass_on(error)


def _pass_on(error: BaseException) -> None:
    """Raises Ctrl-C once more: it is meant for the host as well."""
    if isinstance(error, KeyboardInterrupt):
        raise error
