"""The life of an actor: one incarnation after another behind the same address.

Everything here runs on the runtime's event loop. A life has three steps: set up, handle (the hot path, written
out), tear down. The first and the last stand in `steps`.
"""

from __future__ import annotations

import enum
import functools
from types import CoroutineType
from typing import TYPE_CHECKING, Any

from ..runtime import signals
from .actor import PYKKA_MESSAGES, is_empty
from .address import HOOK, Address
from .below import below, kill_below
from .call import Call, CutOff, awaited, in_thread
from .dispatch import Begun, Dispatcher, Life, Worker
from .errors import ActorCrashed, ActorStopped
from .exits import Exit, ExitReason, is_abnormal, reason_text
from .faults import HANDLE, REPLY, Visit
from .links import Ties, announce
from .mailbox import UNBOUNDED, Envelope, MailboxSpec
from .steps import Step, at, fail, set_up, tear_down
from .telemetry import ActorEnded, ActorStarted, HookFailed
from .timers import IdleTimer

if TYPE_CHECKING:
    from collections.abc import Callable

    from .actor import Factory
    from .reply import Reply
    from .system import ActorSystem

__all__ = ["THROUGHPUT", "Cell", "Phase"]

THROUGHPUT = 64
"""Messages that one actor handles before the others get their turn."""

_ACTED_ON = frozenset({signals.Stop, signals.Kill, signals.Exit, signals.Ping})
"""The signals that mean something to the cell itself; of all others, only the actor knows."""


class Phase(enum.Enum):
    """Where an incarnation is in its life."""

    NONE = "none"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"


NONE, STARTING, RUNNING, STOPPING = Phase  # looking one up in its class takes as long as a call


class Cell(Address):
    """See the module. `parent` is the supervisor's cell; without one, it closes when its incarnation ends."""

    __slots__ = (
        "_idle_timer",
        "_owned",
        "_when_ended",
        "_when_started",
        "actor",
        "call",
        "children",
        "dispatcher",
        "factory",
        "guard",
        "killed",
        "life",
        "parent",
        "phase",
        "policy",
        "restart_message",
        "ties",
        "worker",
    )

    def __init__(
        self,
        system: ActorSystem,
        path: str,
        factory: Factory,
        *,
        parent: Cell | None = None,
        dispatcher: Dispatcher = "loop",
        mailbox: MailboxSpec = UNBOUNDED,
    ) -> None:
        super().__init__(system, path, mailbox)
        self.factory = factory
        self.dispatcher: Dispatcher = "thread" if factory.is_foreign else dispatcher
        self.parent = parent
        self.phase = NONE
        self.actor: Any = None
        """The object of the incarnation: `Hosted`, and pykka's actor."""
        self.restart_message: Any = None
        self.call: Call | None = None
        """The call into the actor's code that is under way."""
        self.children: dict[str, Cell] | None = None
        self.ties: Ties | None = None
        self.life: Life | None = None
        self.worker: Worker | None = None
        self.policy: Any = None
        """What its supervisor was told of the tasks for it, or for those below it; a room above reads it."""
        self.guard: Any = None
        """What stands before it, and remembers over incarnations: made by the gate when the first task comes."""
        self.killed: ExitReason | None = None
        """Why it is to end without being asked, once that has been said."""
        self._when_started: Callable[[BaseException | None], None] | None = None
        self._when_ended: list[Callable[[], object]] | None = None
        self._owned: dict[Any, None] | None = None
        self._idle_timer: IdleTimer | None = None

    @property
    def alive(self) -> bool:
        """Whether an incarnation lives, be it starting, running or stopping."""
        return self.phase is not NONE

    @property
    def busy(self) -> bool:
        """Whether a call into the actor's code is under way."""
        return self.call is not None

    @property
    def idle(self) -> bool:
        """Whether an incarnation runs that has nothing to do."""
        return self.phase is RUNNING and self.current is None and not self.mailbox.messages

    # The run. -----------------------------------------------------------------------------------------

    def signal(self, signal: signals.Signal, reply: Reply | None = None) -> None:
        """Puts a signal before all messages. `Kill`, `Ping`, and an `Exit` that is not trapped, act at once.

        The reply to `Stop` and to `Kill` comes with the end: True, or False if nothing lived.
        """
        if type(signal) in _ACTED_ON:
            self._act_on(signal, reply)
        else:
            self._put_signal(signal, reply)

    def _act_on(self, signal: signals.Signal, reply: Reply | None) -> None:
        if reply is not None and isinstance(signal, (signals.Stop, signals.Kill)):
            self._answer_at_end(reply)
            reply = None
        match signal:
            case signals.Kill():
                self.kill(signal.reason)
            case signals.Exit() if not getattr(self.actor, "trap_exit", False):
                if is_abnormal(signal.reason):
                    self.kill(signal.reason)
            case signals.Ping():
                if reply is not None:
                    self._answer_ping(reply)
            case _:
                self._put_signal(signal, reply)

    def _put_signal(self, signal: signals.Signal, reply: Reply | None) -> None:
        if self.open and self.phase is not NONE:
            self.mailbox.put_signal(signal, reply)
            if self._ready:
                self._wake()
        elif reply is not None:
            reply.fail(ActorStopped(self.path, self.end))

    def stop_next(self, reason: ExitReason) -> None:
        """Ends the incarnation after the message in hand, before all else that waits."""
        self.mailbox.put_signal_first(signals.Stop(reason))
        if self._ready:
            self._wake()

    def _answer_ping(self, reply: Reply) -> None:
        if self.open:
            reply.resolve(self._pong())
        else:
            reply.fail(ActorStopped(self.path, self.end))

    def _pong(self) -> signals.Pong:
        oldest = None if self.guard is None else self.guard.oldest(self.system.clock.monotonic())
        alive = self.alive and (self.worker is None or self.worker.thread.is_alive())
        phase, waiting = self.phase.value, len(self.mailbox)
        return signals.Pong(self.path, self.incarnation, phase, self.busy, waiting, oldest, alive)

    def _answer_at_end(self, reply: Reply) -> None:
        if self.alive:
            self.when_ended(functools.partial(reply.resolve, value=True))
        else:
            reply.resolve(value=False)

    def _wake(self) -> None:
        self._ready = False
        self.system.turns.add(self)

    def _go_on(self) -> None:
        if self.mailbox.signals or self.mailbox.messages:
            self._wake()
        else:
            self._ready = True

    def take_turn(self) -> None:
        """Runs, as a callback of the loop by itself."""
        self.system.running = self
        try:
            self.run()
        finally:
            self.system.running = None

    def run(self) -> bool:
        """Handles what waits, signals first, until it has to wait; True if others want their turn before that."""
        mailbox = self.mailbox
        for _ in range(THROUGHPUT):
            if self.call is not None or self.phase is not RUNNING:
                return False
            if mailbox.signals:
                envelope = mailbox.signals.popleft()
                if type(envelope[0]) is signals.Stop:
                    self.phase = STOPPING
                    self._perform(tear_down(self, envelope[0].reason))
                else:
                    self._handle(envelope)
            elif mailbox.messages:
                self._handle(mailbox.messages.popleft())
            else:
                self._ready = True
                return False
        if self.call is None and self.phase is RUNNING:
            self._wake()
        return True

    def _handle(self, envelope: Envelope) -> None:  # noqa: C901 - the hot path, written out
        message, reply = envelope
        if self.mailbox.waiting:
            self.mailbox.let_in()
        if reply is not None and not reply.begin():
            return
        self.current = envelope
        actor = self.actor
        handler = actor.on_receive if type(message) not in PYKKA_MESSAGES else actor._handle_receive  # noqa: SLF001
        if self.system.faults is not None:
            handler = at(self, HANDLE, handler, envelope)
        try:
            if self.worker is None:
                value = self.system.context.copy().run(handler, message)
                if type(value) is CoroutineType or type(value) is Begun:
                    value = awaited(self, value)
            else:
                value = in_thread(self, handler, (message,))
        except BaseException as error:  # here a handler's crash becomes an exit reason
            self._handled(None, error)
            if isinstance(error, KeyboardInterrupt):  # it is meant for the host as well
                raise
            return
        if type(value) is Call:
            self._wait_for(value, self._handled_later)
        elif self.killed is None and self._idle_timer is None:
            envelope, self.current = self.current, None
            if envelope[1] is not None:
                self._answer(envelope, value)
        else:
            self._handled(value, None)

    def _handled(self, value: Any, error: BaseException | None) -> None:
        """Settles the message in hand: a value, an expected error, or the crash of the incarnation."""
        envelope, self.current = self.current, None
        reply = envelope[1] if envelope is not None else None
        if self._idle_timer is not None:
            self._idle_timer.touch()
        if self.killed is not None:
            self._crash(envelope, error or CutOff())
        elif error is None:
            if envelope is not None and reply is not None:
                self._answer(envelope, value)
        elif isinstance(error, getattr(self.actor, "expected", ())):
            if reply is not None:
                reply.fail(error)
            else:
                self.report("on_receive", error)
        else:
            self._crash(envelope, error)

    def _answer(self, envelope: Envelope, value: Any) -> None:
        message, reply = envelope
        if reply is None:
            return
        if self.system.faults is None:
            reply.resolve(value)
        else:
            self.system.faults.send(Visit(REPLY, self.path, self.incarnation, message, reply), reply.resolve, value)

    def _handled_later(self, value: Any, error: BaseException | None) -> None:
        self._handled(value, error)
        if self.phase is RUNNING and self.call is None:
            self._go_on()

    def _crash(self, envelope: Envelope | None, error: BaseException) -> None:
        cause = self.killed if self.killed is not None else error
        if envelope is not None:
            message, reply = envelope
            self.restart_message = message
            if reply is not None:
                reply.fail(ActorCrashed(self.path, self.incarnation, cause))
        if self.killed is not None:
            self.finish(self.killed)
        elif is_empty(self.actor.on_failure):
            self.finish(error)
        else:
            self.phase = STOPPING
            self._perform(fail(self, error))

    def _wait_for(self, call: Call, resume: Callable[[Any, BaseException | None], None]) -> None:
        call.resume = resume
        self.call = call

    # Steps of a life. ---------------------------------------------------------------------------------

    def _perform(self, step: Step) -> None:
        """Begins a step of a life, which goes as far as it can without waiting."""
        self.current = None
        call = next(step, None)
        if call is not None:
            self._wait_in(step, call)

    def _wait_in(self, step: Step, call: Call) -> None:
        self.current = HOOK
        self._wait_for(call, functools.partial(self._go_on_with, step))

    def _go_on_with(self, step: Step, value: Any, error: BaseException | None) -> None:
        """Carries a step on with what it has waited for."""
        self.current = None
        try:
            call = step.send(value) if error is None else step.throw(error)
        except StopIteration:
            return
        except KeyboardInterrupt as interrupt:
            if interrupt is not error:  # else the loop itself has raised it
                raise
        else:
            self._wait_in(step, call)

    # The life of an incarnation. ----------------------------------------------------------------------

    def start(self, when_started: Callable[[BaseException | None], None] | None = None) -> None:
        """Begins the next incarnation; `when_started` hears None once it runs, or why it has failed to."""
        self.incarnation += 1
        self.open = True
        self.phase = STARTING
        self._when_started = when_started
        self.killed = None
        self._perform(set_up(self))

    def started(self) -> None:
        """Takes messages, from the end of its set-up on."""
        self.restart_message = None
        self.phase = RUNNING
        self.system.telemetry.emit(ActorStarted, self.path, self.incarnation)
        self._tell_started(None)
        if self.phase is RUNNING:
            self._go_on()

    def _tell_started(self, error: BaseException | None) -> None:
        when_started, self._when_started = self._when_started, None
        if when_started is not None:
            when_started(error)

    def kill(self, reason: ExitReason = Exit.KILLED) -> None:
        """Ends the incarnation without asking. A call under way that cannot be cancelled is abandoned."""
        if self.phase is NONE or self.killed is not None:
            return
        self.killed = reason
        if self.call is not None:
            self.call.cut_off()
        elif self.current is None and self.phase is not STOPPING:
            self.finish(reason)
        # else its own code is on the stack, or children are ending: it ends as soon as that is over

    def finish(self, reason: ExitReason, start_error: BaseException | None = None) -> None:
        """Closes the incarnation, once every child of it has ended."""
        self.phase = STOPPING
        if self.children and kill_below(self, functools.partial(self.finish, reason, start_error)):
            return
        self.end = reason
        abandoned = self.life is not None and self.life.abandoned
        self._let_go()
        self.phase = NONE
        if not abandoned:  # else it is reported once it has really ended
            self.system.telemetry.emit(ActorEnded, self.path, self.incarnation, reason)
        announce(self, reason, supervisor=self.parent if start_error is None else None)
        self._tell_started(start_error)
        waiting, self._when_ended = self._when_ended, None
        if self.parent is None:
            self.close()
        for callback in waiting or ():
            callback()

    def _let_go(self) -> None:
        """Frees what belongs to the incarnation: thread, timers, stash, signals, names, subscriptions."""
        self.actor = None
        self.life = None
        self._ready = False
        if self.worker is not None:
            self.worker.close()
            self.worker = None
        if self._idle_timer is not None:
            self.set_receive_timeout(None)
        for timer in list(self._owned) if self._owned else ():
            timer.cancel()
        self._owned = None
        if self.mailbox.stashed is not None:
            self.mailbox.unstash_all()
        if self.mailbox.signals is not None:
            self._fail_signals()
        self.system.registry.release(self.ref)
        self.system.bus.release(self.ref)

    def _fail_signals(self) -> None:
        """Answers the requests that were for this incarnation; the next one knows nothing of them."""
        waiting, self.mailbox.signals = self.mailbox.signals, None
        for _, reply in waiting or ():
            if reply is not None:
                reply.fail(ActorStopped(self.path, self.end))

    def rest(self) -> None:
        """Takes no new messages until the next start; those that wait are kept for it."""
        super().rest()
        for cell in below(self):
            Address.rest(cell)

    def close(self) -> None:
        """Ends the address itself, and all those below it; see `Address.close`."""
        for cell in (self, *below(self)):
            Address.close(cell)
            cell.system.forget(cell)

    def when_ended(self, callback: Callable[[], object]) -> None:
        """Calls back once the present incarnation has ended and nothing of it runs; at once if none lives."""
        if not self.alive:
            callback()
        elif self._when_ended is None:
            self._when_ended = [callback]
        else:
            self._when_ended.append(callback)

    # What the actor asks of its cell. -----------------------------------------------------------------

    def own(self, timer: Any) -> None:
        """Notes something with a `cancel()` that ends with the incarnation."""
        if self._owned is None:
            self._owned = {}
        self._owned[timer] = None

    def disown(self, timer: Any) -> None:
        """Forgets it again."""
        if self._owned is not None:
            self._owned.pop(timer, None)

    def set_receive_timeout(self, seconds: float | None) -> None:
        """Sets, changes or (None) ends the receive timeout."""
        if self._idle_timer is not None:
            self._idle_timer.cancel()
        self._idle_timer = None if seconds is None else IdleTimer(self, seconds)

    def report(self, hook: str, error: BaseException) -> None:
        """Tells of a hook whose failure changes nothing else."""
        self.system.telemetry.emit(HookFailed, self.path, self.incarnation, hook, error)

    def __repr__(self) -> str:
        ended = "" if self.end is None else f" {reason_text(self.end)}"
        return f"<Cell {self.path} #{self.incarnation} {self.phase.value}{ended}>"
