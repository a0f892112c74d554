"""What a supervisor is told: child specs and options, frozen and checked. Defaults are stated here only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from ..runtime.actor import Factory
from ..runtime.copies import changed
from ..runtime.dispatch import Dispatcher
from ..runtime.mailbox import UNBOUNDED, MailboxSpec
from .checks import check, is_name, is_seconds, is_whole, one_of
from .work.policy import NOTHING, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pykka

__all__ = [
    "AutoShutdown",
    "Backoff",
    "ChildSpec",
    "ChildType",
    "Intensity",
    "Restart",
    "Shutdown",
    "Strategy",
    "SupervisorSpec",
]

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
AutoShutdown: TypeAlias = Literal["never", "any_significant", "all_significant"]
ChildType: TypeAlias = Literal["worker", "supervisor"]
Shutdown: TypeAlias = float | Literal["brutal_kill", "infinity"]
"""How a child is ended: killed at once, or asked and given that many seconds, or all that it needs."""

RESTARTS: tuple[str, ...] = get_args(Restart)
CHILD_TYPES: tuple[str, ...] = get_args(ChildType)
DISPATCHERS: tuple[str, ...] = get_args(Dispatcher)

WORKER_SHUTDOWN = 5.0


@dataclass(frozen=True, slots=True)
class Intensity:
    """At most `restarts` events in any `within` seconds; one more, and the supervisor gives up."""

    restarts: int = 3
    within: float = 5.0

    def __post_init__(self) -> None:
        check("intensity restarts", self.restarts, is_whole(self.restarts, 0), "a whole number, 0 or more")
        check("intensity within", self.within, is_seconds(self.within, zero=False), "seconds, more than 0")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long a restart waits: `initial * factor ** n` seconds, at most `max`, if n went before it in a row.

    `jitter` spreads it: `full` draws between 0 and the wait, a number adds up to so many seconds, `none`
    leaves it. A child that has run for `reset_after` seconds begins anew with `initial`.
    """

    initial: float = 0.2
    factor: float = 2.0
    max: float = 60.0
    jitter: float | Literal["full", "none"] = "full"
    reset_after: float = 300.0

    def __post_init__(self) -> None:
        check("backoff initial", self.initial, is_seconds(self.initial, zero=False), "seconds, more than 0")
        grows = is_seconds(self.factor, zero=False) and self.factor >= 1
        check("backoff factor", self.factor, grows, "a number, 1 or more")
        reaches = is_seconds(self.max, zero=False) and self.max >= self.initial
        check("backoff max", self.max, reaches, "seconds, not less than initial")
        spreads = self.jitter in ("full", "none") or is_seconds(self.jitter, zero=True)
        check("backoff jitter", self.jitter, spreads, "full, none, or seconds")
        resets = is_seconds(self.reset_after, zero=False)
        check("backoff reset_after", self.reset_after, resets, "seconds, more than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """One child: who it is, how it is made, and what its supervisor does about its end.

    Attributes:
        id: unique within the supervisor; not empty, without `/`.
        start: an actor class, a function that returns an actor, or a `Factory` with their arguments.
        restart: whether an end is followed by a restart: always (`permanent`), only after a crash
            (`transient`), or never (`temporary`).
        shutdown: seconds >= 0, `brutal_kill` or `infinity`; None means 5 s for a worker, `infinity` for a
            supervisor.
        type: `worker` or `supervisor`.
        significant: its own end may end the supervisor (see `auto_shutdown`). Not for a permanent child.
        start_timeout: seconds that `on_start` may take, or `infinity`; None means `infinity`.
        dispatcher: `loop` or `thread`; a supervisor runs on the loop.
        mailbox: bound and overflow policy.
        work: how tasks for it are guarded; of a supervisor, for all below it.
    """

    id: str
    start: Callable[..., pykka.Actor] | Factory
    restart: Restart = "permanent"
    shutdown: Shutdown | None = None
    type: ChildType = "worker"
    significant: bool = False
    start_timeout: float | Literal["infinity"] | None = None
    dispatcher: Dispatcher = "loop"
    mailbox: MailboxSpec = field(default=UNBOUNDED)
    work: Work = NOTHING

    def __post_init__(self) -> None:
        check("child id", self.id, is_name(self.id) and "/" not in self.id, "a text without '/'")
        self._check_start()
        self._check_one_of("restart", RESTARTS)
        self._check_one_of("type", CHILD_TYPES)
        self._check_significant()
        self._check_times()
        self._fill_in()

    def _check(self, name: str, expected: str, *, legal: bool) -> None:
        """As `check`, for a field of this child: the words are put together only where they are needed."""
        if not legal:
            check(f"{name} of {self.id!r}", getattr(self, name), legal, expected)

    def _check_one_of(self, name: str, words: tuple[str, ...]) -> None:
        if getattr(self, name) not in words:
            self._check(name, f"one of {', '.join(words)}", legal=False)

    def _check_start(self) -> None:
        legal = isinstance(self.start, Factory) or callable(self.start)
        self._check("start", "an actor class, a function that returns an actor, or a Factory", legal=legal)
        self._check_one_of("dispatcher", DISPATCHERS)
        on_loop = self.type != "supervisor" or self.dispatcher == "loop"
        self._check("dispatcher", "loop, for a supervisor", legal=on_loop)
        self._check("mailbox", "a MailboxSpec", legal=isinstance(self.mailbox, MailboxSpec))
        self._check("work", "a Work", legal=isinstance(self.work, Work))

    def _check_significant(self) -> None:
        self._check("significant", "true or false", legal=isinstance(self.significant, bool))
        legal = not self.significant or self.restart != "permanent"
        self._check("significant", "false, since a permanent child is always restarted", legal=legal)

    def _check_times(self) -> None:
        legal = self.shutdown in (None, "brutal_kill", "infinity") or is_seconds(self.shutdown, zero=True)
        self._check("shutdown", "seconds (0 or more), brutal_kill or infinity", legal=legal)
        legal = self.start_timeout in (None, "infinity") or is_seconds(self.start_timeout, zero=False)
        self._check("start_timeout", "seconds, more than 0, or infinity", legal=legal)

    def another(self, child_id: str, start: Factory) -> ChildSpec:
        """Returns the spec of one more child of this kind; what has been checked is not checked again."""
        return changed(self, id=child_id, start=start)

    def _fill_in(self) -> None:
        if not isinstance(self.start, Factory):
            object.__setattr__(self, "start", Factory(self.start))
        if self.shutdown is None:
            default = "infinity" if self.type == "supervisor" else WORKER_SHUTDOWN
            object.__setattr__(self, "shutdown", default)
        if self.start_timeout is None:
            object.__setattr__(self, "start_timeout", "infinity")

    @property
    def factory(self) -> Factory:
        """How to make the actor."""
        assert isinstance(self.start, Factory)  # noqa: S101 - __post_init__ made it one
        return self.start

    def needs_restart_for(self, new: ChildSpec) -> bool:
        """Tells whether a running child has to be restarted to become `new`."""
        return (self.factory, self.dispatcher) != (new.factory, new.dispatcher)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisorSpec:
    """A supervisor's options and its children, in their order, kept as a tuple."""

    children: Iterable[ChildSpec] = ()
    strategy: Strategy = "one_for_one"
    intensity: Intensity = field(default_factory=Intensity)
    backoff: Backoff | None = None
    auto_shutdown: AutoShutdown = "never"

    def __post_init__(self) -> None:
        object.__setattr__(self, "children", tuple(self.children))
        one_of("strategy", self.strategy, Strategy)
        check_limits(self.intensity, self.backoff)
        one_of("auto_shutdown", self.auto_shutdown, AutoShutdown)
        check_children(self.specs, self.auto_shutdown)

    @property
    def specs(self) -> tuple[ChildSpec, ...]:
        """The children."""
        assert isinstance(self.children, tuple)  # noqa: S101 - __post_init__ made it one
        return self.children

    @property
    def as_supervisor(self) -> SupervisorSpec:
        """Itself: what other kinds of supervisors are told can be seen as one of these."""
        return self


def check_limits(intensity: object, backoff: object) -> None:
    """Raises `InvalidSpec` if one of these is not what its name says."""
    check("intensity", intensity, isinstance(intensity, Intensity), "an Intensity(restarts, within)")
    check("backoff", backoff, backoff is None or isinstance(backoff, Backoff), "a Backoff, or None")


def check_children(specs: tuple[ChildSpec, ...], auto_shutdown: AutoShutdown) -> None:
    """Raises `InvalidSpec` for a child that is not legal here, or a duplicate id."""
    seen: set[str] = set()
    for spec in specs:
        check_child(spec, auto_shutdown)
        check("child id", spec.id, spec.id not in seen, "an id that no other child of this supervisor has")
        seen.add(spec.id)


def check_child(spec: ChildSpec, auto_shutdown: AutoShutdown = "never") -> None:
    """Raises `InvalidSpec` for what is no child spec, or significant while auto_shutdown is never."""
    check("child", spec, isinstance(spec, ChildSpec), "a ChildSpec")
    if spec.significant and auto_shutdown == "never":
        expected = "false, while auto_shutdown of the supervisor is never"
        check(f"significant of {spec.id!r}", spec.significant, False, expected)
