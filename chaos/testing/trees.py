"""The fixture `runtime`: starts trees on the loop of a test, and ends them with it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...agents.state import state_dir
from ...runtime.actor import Factory
from ...supervisors.spec import ChildSpec, SupervisorSpec
from ...supervisors.supervisor import Supervisor
from ...trees.spec import Tree
from ..state import state_directory
from .watched import Watched, WatchedRuntime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ...trees.runtime import Runtime
    from ..invariants.invariant import Invariant
    from .bench import Bench
    from .rule import Rule

__all__ = ["Trees"]

GRACE = 25.0


class Trees:
    """See the module.

    Attributes:
        watched: what has been started, in its order.
    """

    def __init__(
        self, bench: Bench, beside: Path, rules: list[Rule], invariants: Callable[[], Iterable[Invariant]]
    ) -> None:
        self.watched: list[Watched] = []
        self._bench = bench
        self._beside = beside
        self._rules = rules
        self._invariants = invariants
        self._exits = ExitStack()
        self._state: Path | None = None

    @property
    def state(self) -> Path:
        """The directory of the run's state (`TREEWARD_STATE_DIR`): empty at its beginning, and gone with it."""
        if self._state is None:
            self._state = self._exits.enter_context(state_directory())
        return self._state

    async def start(
        self,
        *what: Any,
        name: str = "tree",
        entry: str | None = None,
        allow: Iterable[str] = (),
        grace: float = GRACE,
    ) -> WatchedRuntime:
        """Starts a tree, and returns its runtime: `run`, `submit`, `ref`, `snapshot` and the rest of `Runtime`.

        Args:
            what: a file (looked for beside the test first), a tree from the library by its name, or a `Tree`; or
                children made in Python: classes, `ChildSpec`s, a mapping from ids to classes, or one `SupervisorSpec`.
            name: of the supervisor above children made in Python: the first id of their paths.
            entry: the path, or the id, of the one of them that gets requests without a `to`; a child that is alone
                needs no word.
            allow: as `Runtime`'s.
            grace: as `Runtime`'s.

        Raises:
            TreeError, StartFailed: as `Runtime`.
            TypeError: that is nothing that can be started.
        """
        self.state  # noqa: B018 - it is there before the first agent looks for it
        tree, root = self._understood(what, name)
        runtime = WatchedRuntime(
            tree,
            root=root,
            entry=_entry(root, entry),
            opened=lambda: self._arm(watched),
            allow=allow,
            seed=self._bench.loop.seed,
            grace=grace,
        )
        watched = Watched(self._bench.loop, self._bench.log, self.state, self._invariants(), runtime)
        self.watched.append(watched)
        await runtime.__aenter__()
        return runtime

    def watch(self, runtime: Runtime) -> None:
        """See `Chaos.watch`."""
        watched = Watched(self._bench.loop, self._bench.log, state_dir(), self._invariants(), runtime)
        self.watched.append(watched)
        watched.begin()
        for rule in self._rules:
            rule.arm(watched)

    def close(self) -> None:
        """Takes the state away."""
        self._exits.close()

    def _arm(self, watched: Watched) -> None:
        watched.opened()
        for rule in self._rules:
            rule.arm(watched)

    def _understood(self, what: tuple[Any, ...], name: str) -> tuple[Any, ChildSpec | None]:
        """Returns a tree, or the spec of a root supervisor."""
        if len(what) == 1 and isinstance(what[0], str | Path):
            beside = self._beside / what[0]
            return (beside if beside.is_file() else what[0]), None
        if len(what) == 1 and isinstance(what[0], Tree):
            return what[0], None
        if len(what) == 1 and isinstance(what[0], SupervisorSpec):
            spec = what[0]
        else:
            spec = SupervisorSpec(children=[child for one in what for child in _children(one)])
        return None, ChildSpec(id=name, start=Factory(Supervisor, (spec,)), type="supervisor")


def _children(what: Any) -> Iterator[ChildSpec]:
    if isinstance(what, ChildSpec):
        yield what
    elif isinstance(what, Mapping):
        for id_, start in what.items():
            yield start if isinstance(start, ChildSpec) else ChildSpec(id=id_, start=start)
    elif isinstance(what, type):
        yield ChildSpec(id=what.__name__.lower(), start=what)
    else:
        legal = "a file, a Tree, a SupervisorSpec, ChildSpecs, classes of actors, or a mapping from ids to classes"
        raise TypeError(f"{what!r} cannot be started: expected {legal}")


def _entry(root: ChildSpec | None, entry: str | None) -> str | None:
    """Returns the path of the entry among children made in Python; None if nobody is it."""
    if root is None:
        return None
    children = root.factory.args[0].specs
    if entry is None:
        return f"{root.id}/{children[0].id}" if len(children) == 1 else None
    return entry if "/" in entry else f"{root.id}/{entry}"
