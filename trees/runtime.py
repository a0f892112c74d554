"""The runtime: a tree of agents that runs, in a host's event loop or in a thread of its own."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..agents.delivery import deliver
from ..runtime.actor import SYSTEM
from ..runtime.cell import Cell
from ..runtime.errors import SystemClosed
from ..runtime.exits import Exit, ExitReason
from ..runtime.reply import running_loop
from ..runtime.system import ActorSystem
from ..runtime.task import Outcome, Task
from ..supervisors.errors import NotFound
from ..supervisors.handle import SupervisorHandle
from ..supervisors.readiness import Health, health_of
from ..supervisors.snapshot import Snapshot, snapshot
from ..trees import library
from .build import root_spec
from .desk import DeskHandle
from .diff import diff
from .handle import TaskHandle
from .letters import LettersHandle
from .load import load_tree
from .loop_thread import LoopThread
from .problems import Problem, TreeError, quoted
from .spec import Tree

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Mapping

    import pykka

    from ..runtime.clock import Clock
    from ..runtime.ref import Ref
    from ..runtime.telemetry import Event
    from ..runtime.usage import Limits
    from ..supervisors.spec import ChildSpec
    from .diff import Step

__all__ = ["DEADLINE", "Runtime"]

DEADLINE = 300.0
CLOSED = "the runtime was closed before the task was done"
GRACE = 25.0


class Runtime:
    """Runs a tree: `async with Runtime("support.yaml") as rt` in an event loop, `with Runtime(...)` in plain threads.

    In the first form everything runs on the host's loop; in the second, on a loop in a thread of the runtime's own.
    It installs no signal handler, configures no logging, and keeps no global state. Leaving the block drains: no new
    work is taken, what is in hand has `grace` seconds to end, and the tree stops in reverse order.

    Args:
        tree: a `Tree`, a YAML file, the name of a library tree, or None for a runtime without one.
        allow: modules and packages whose classes the tree may name.
        seed: of all randomness.
        clock: None means the event loop's own time.
        grace: seconds for the work in hand when the block is left.
        blocked_after: seconds after which a handler that holds the loop is reported; None turns the watchdog off.

    Raises:
        TreeError: the tree is not valid; it lists every fault.
        StartFailed: on entry, when a child does not start; its `cause` says which, and why.
    """

    def __init__(
        self,
        tree: Tree | str | Path | None = None,
        *,
        allow: Iterable[str] = (),
        seed: int | None = None,
        clock: Clock | None = None,
        grace: float = GRACE,
        blocked_after: float | None = 0.3,
    ) -> None:
        self._allow = tuple(allow)
        self.tree: Tree | None = None if tree is None else self._loaded(tree)
        self._entry_path = None if self.tree is None else self.tree.entry_path  # each request asks for it
        name = self.tree.name if self.tree else "treeward"
        self.system = ActorSystem(name, seed=seed, clock=clock, blocked_after=blocked_after)
        self._grace = grace
        self._root: Cell | None = None
        self._in_hand: dict[TaskHandle, asyncio.Future[Outcome]] = {}
        self._accepting = False
        self._thread: LoopThread | None = None
        self._token: Any = None

    def _loaded(self, tree: Tree | str | Path) -> Tree:
        if isinstance(tree, Tree):
            return tree
        found = library.find(tree) if isinstance(tree, str) and not Path(tree).exists() else None
        return load_tree(found or tree, allow=self._allow)

    # The block.

    async def __aenter__(self) -> Self:
        await self._open()
        self._token = SYSTEM.set(self.system)
        return self

    async def __aexit__(self, exc_type: object, *_: object) -> None:
        SYSTEM.reset(self._token)
        await self.close(drain=exc_type is None)

    def __enter__(self) -> Self:
        if running_loop() is not None:
            raise RuntimeError("an event loop runs in this thread: use `async with Runtime(...)` here")
        self._thread = LoopThread(f"treeward-{self.system.name}")
        try:
            self._thread.run(self._open())
        except BaseException:
            self._thread.stop()
            raise
        self._token = SYSTEM.set(self.system)
        return self

    def __exit__(self, exc_type: object, *_: object) -> None:
        SYSTEM.reset(self._token)
        assert self._thread is not None  # noqa: S101 - __enter__ made it
        try:
            self._thread.run(self.close(drain=exc_type is None))
        finally:
            self._thread.stop()

    async def _open(self) -> None:
        self.system.open(asyncio.get_running_loop())
        try:
            spec = self._root_spec()
            if spec is not None:
                self._root = await self._start(spec)
        except BaseException:
            await self.system.close(0)  # nobody waits for what has not begun
            raise
        self._accepting = True

    def _root_spec(self) -> ChildSpec | None:
        """Returns what is started first, in an actor system that is there by now; None if there is nothing to start."""
        return None if self.tree is None else root_spec(self.tree, allow=self._allow)

    async def _start(self, spec: ChildSpec) -> Cell:
        started: asyncio.Future[BaseException | None] = self.system.loop.create_future()

        def when_started(error: BaseException | None) -> None:
            if not started.done():
                started.set_result(error)

        root = Cell(self.system, spec.id, spec.factory)
        root.policy = spec.work
        self.system.start_root(root, when_started)
        error = await started
        if error is not None:
            raise error
        return root

    async def close(self, *, drain: bool = True) -> None:
        """Takes no new work, lets what is in hand end within the grace period, and stops the tree in reverse order."""
        self._accepting = False
        if drain and self._in_hand:
            timer = self.system.clock.call_later(self._grace, self._cancel_all)
            await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
            timer.cancel()
        self._cancel_all()
        await asyncio.gather(*self._in_hand.values(), return_exceptions=True)
        if self._root is not None:
            await self.system.end(self._root, None)
        await self.system.close()

    def kill(self) -> None:
        """Ends the whole tree at once, without asking: for a host that cannot wait for `close` to drain any longer."""
        self._cancel_all()
        if self._root is not None:
            self._root.kill()

    def _cancel_all(self) -> None:
        for handle in list(self._in_hand):
            handle.cancel(CLOSED)

    # Work.

    def run(
        self,
        input: Any,  # noqa: A002 - the task's own word
        *,
        to: str | None = None,
        context: Mapping[str, Any] | None = None,
        deadline: float | None = DEADLINE,
        key: str = "",
        budget: Limits | None = None,
    ) -> Any:
        """Gives one task to an agent and returns its `Outcome`; as `Ref.ask`, awaited on a loop, blocking in a thread.

        Args:
            input: the request.
            to: the agent's path; the tree's `entry` if left out.
            context: named facts for the agents.
            deadline: seconds from now after which the answer is worth nothing; None means no end.
            key: the idempotency key; the task's own id if left out.
            budget: what the request may cost, whoever works on it; None means that nothing is said.

        Raises:
            SystemClosed: the block has not been entered, or is being left.
            NotFound: there is no agent at that path.

        A task that is still in hand when the grace period of a closing runtime is over comes back as `canceled`.
        """
        return self._here(self._run(partial(self._task_for, input, context, deadline, key, budget), to))

    def submit(
        self,
        input: Any,  # noqa: A002 - the task's own word
        *,
        to: str | None = None,
        context: Mapping[str, Any] | None = None,
        deadline: float | None = DEADLINE,
        key: str = "",
        budget: Limits | None = None,
    ) -> TaskHandle:
        """Gives one task to an agent and returns at once; arguments and errors are those of `run`. From any thread.

        The handle waits for the outcome, tells the state, and cancels.
        """
        return self.system.result_of(self._begin, partial(self._task_for, input, context, deadline, key, budget), to)

    def _task_for(
        self, asked: Any, context: Mapping[str, Any] | None, deadline: float | None, key: str, budget: Limits | None
    ) -> Task:
        until = None if deadline is None else self.system.clock.monotonic() + deadline
        new_id = self.system.entropy.new_id()
        return Task(new_id, asked, context=context or {}, deadline=until, idempotency_key=key, budget=budget)

    async def _run(self, make: Callable[[], Task], to: str | None) -> Outcome:
        """Waits for the outcome; whoever is cancelled meanwhile cancels the work."""
        handle = self._begin(make, to)
        try:
            return await handle.outcome()  # type: ignore[no-any-return]  # it is an Outcome on the runtime's loop
        except asyncio.CancelledError:
            handle.cancel("nobody waits for it any more")
            raise

    def _begin(self, make: Callable[[], Task], to: str | None) -> TaskHandle:
        if not self._accepting:
            raise SystemClosed(self.system.name)
        ref = self.ref(self._entry() if to is None else to)
        task = make()
        work = asyncio.ensure_future(deliver(ref, task))
        handle = TaskHandle(self.system, task, work)
        self._in_hand[handle] = work
        work.add_done_callback(lambda _: self._in_hand.pop(handle))
        return handle

    def _entry(self) -> str:
        if self._entry_path is None:
            raise NotFound("entry", (path for path in self.system.cells))
        return self._entry_path

    def ref(self, path: str) -> Ref[Any]:
        """Returns the ref of the actor at a path such as `support/specialists/billing`. Raises `NotFound`."""
        ref = self.system.ref(path)
        if ref is None:
            raise NotFound(path, self.system.cells)
        return ref

    def supervisor(self, path: str) -> SupervisorHandle:
        """Returns the calls of the supervisor at a path. Raises `NotFound`."""
        return SupervisorHandle(self.ref(path))

    def spawn(self, cls: Callable[..., pykka.Actor], *args: Any, **kwargs: Any) -> Ref[Any]:
        """Starts an actor that nobody supervises; see `ActorSystem.spawn`."""
        return self.system.spawn(cls, *args, **kwargs)

    # The tree.

    def reload(self, tree: Tree | str | Path) -> Any:
        """Turns the running tree into another one, with as few restarts as possible; returns the steps of the diff.

        As `run`, awaited or blocking. A tree that is not valid changes nothing at all.

        Raises:
            TreeError: the new tree is not valid, or has another root.
        """
        return self._here(self._reload(self._loaded(tree)))

    async def _reload(self, tree: Tree) -> tuple[Step, ...]:
        if self.tree is None or self._root is None:
            raise SystemClosed(self.system.name)
        if tree.tree.id != self._root.path:
            what = f"the new tree's root is {quoted(tree.tree.id)}"
            raise TreeError([Problem("", 0, 0, what, f"{quoted(self._root.path)}, as in the tree that runs")])
        steps = diff(self.tree, tree)
        spec = root_spec(tree, allow=self._allow)
        self._root.factory = spec.factory
        self._root.policy = spec.work
        await SupervisorHandle(self._root.ref).reload(*spec.factory.args)
        self.tree, self._entry_path = tree, tree.entry_path
        return steps

    def snapshot(self) -> Snapshot | None:
        """Returns the living tree as frozen data, None without a tree; from any thread, at once."""
        root = self._root
        if root is None:
            return None
        if running_loop() is self.system.loop:
            return snapshot(root)

        async def take() -> Snapshot:
            return snapshot(root)

        return asyncio.run_coroutine_threadsafe(take(), self.system.loop).result()

    def health(self) -> Health:
        """Returns whether the tree lives, and whether it is ready for work, and why not; as `snapshot`.

        Without a tree there is nothing that could be unwell. Readiness is the entry's, if the tree has one, and no
        new work is taken by a runtime that is being left.
        """
        root = self.snapshot()
        health = Health(live=True, ready=True, why={}) if root is None else health_of(root, self._entry_path)
        if self._accepting:
            return health
        return Health(health.live, ready=False, why={**health.why, self.system.name: "it takes no new work"})

    async def wait(self) -> ExitReason:
        """Waits until the root supervisor ends, and returns why. It ends by itself only when it gives up."""
        if self._root is None:
            raise SystemClosed(self.system.name)
        await self.system.ended(self._root)
        return self._root.end or Exit.NORMAL

    def observe(self, observer: Callable[[Event], object]) -> Callable[[], None]:
        """Calls `observer` with every event from now on; returns the function that ends it. See `Telemetry.observe`."""
        return self.system.observe(observer)

    # What waits for people.

    @property
    def desk(self) -> DeskHandle:
        """The desk of the tree: list, read, answer, return and drop its cases. See `desk_at` where it has several."""
        return DeskHandle(self.system, self._here)

    def desk_at(self, path: str) -> DeskHandle:
        """Returns the desk at a path; its calls raise `NoDesk` if there is none."""
        return DeskHandle(self.system, self._here, path)

    @property
    def dead_letters(self) -> LettersHandle:
        """The messages that reached nobody: list, show, redrive and purge them.

        Raises:
            SystemClosed: the block has not been entered.
        """
        self.system.loop  # noqa: B018 - it is there from the block's beginning on, as the letters are
        return LettersHandle(self.system, self._here)

    def _here(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Returns work as the caller can use it: a coroutine on the runtime's loop, the value in a plain thread."""
        here = running_loop()
        try:
            if here is self.system.loop:
                return work
            handed_over = asyncio.run_coroutine_threadsafe(work, self.system.loop)
        except (RuntimeError, SystemClosed):
            work.close()
            raise SystemClosed(self.system.name) from None
        return handed_over.result() if here is None else asyncio.wrap_future(handed_over)
