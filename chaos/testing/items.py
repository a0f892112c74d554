"""The items of pytest that are simulated tests: which they are, and how each is run on a loop of its own."""

from __future__ import annotations

import functools
import inspect
import shlex
from typing import TYPE_CHECKING, Any

import pytest

from .seeds import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .bench import Bench
    from .chaos import Chaos

__all__ = ["RUN", "SimulatedTest", "is_simulated", "simulated", "synchronous"]

RUN = "chaos_run"
"""The argument by which the items of one test are told apart: its `Run`."""

FIXTURES = ("chaos", "runtime")
HOME = __name__.rpartition(".")[0]

_ONCE_AN_EXAMPLE = (
    "in a test of hypothesis each example has a loop of its own, and so have chaos and runtime: use them in the test "
    "itself, not in a fixture, and have no `async def` fixtures"
)


class NotYet:
    """Stands for `chaos` and `runtime` until an example of hypothesis has its own."""

    def __repr__(self) -> str:
        return "<one for each example>"

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name}: {_ONCE_AN_EXAMPLE}")


def is_simulated(item: Any) -> bool:
    """Tells whether a function of tests, or an item, is a coroutine that is marked `chaos` or uses our fixtures."""
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(_inner(item.obj)):
        return False
    return item.get_closest_marker("chaos") is not None or any(_is_ours(item, name) for name in FIXTURES)


def _inner(function: Any) -> Any:
    """Returns the test itself, where hypothesis has put something around it."""
    handle = getattr(function, "hypothesis", None)
    return function if handle is None else handle.inner_test


def _is_ours(item: Any, name: str) -> bool:
    """Tells whether a fixture of that name is used, and is the one that comes from here, not a test's own."""
    found = item._fixtureinfo.name2fixturedefs.get(name)  # noqa: SLF001 - no other way before the fixture runs
    return bool(found) and str(getattr(found[-1].func, "__module__", "")).startswith(HOME)


def simulated(item: Any) -> Any:
    """Returns the item as a `SimulatedTest`, if it is one, and as it is otherwise.

    Another plugin may have made an item of its own kind of it by now (pytest-asyncio does); ours takes its place.
    """
    if not is_simulated(item):
        return item
    made = SimulatedTest.from_parent(
        item.parent,
        name=item.name,
        callspec=getattr(item, "callspec", None),
        callobj=item.obj,
        fixtureinfo=item._fixtureinfo,  # noqa: SLF001 - as pytest's own plugins do
        keywords=item.keywords,
        originalname=item.originalname,
    )
    made.own_markers = [mark for mark in item.own_markers if mark.name != "asyncio"]
    return made


class SimulatedTest(pytest.Function):
    """A test whose coroutine runs on a simulated loop; so do its `async def` fixtures, before it and after it."""

    _bench: Bench | None = None
    _chaos: Chaos | None = None
    _claims: dict[str, tuple[str, int, int]] | None = None

    @property
    def chaos_run(self) -> Run:
        """Its seed and policy."""
        callspec = getattr(self, "callspec", None)
        run: Run = callspec.params.get(RUN, Run()) if callspec is not None else Run()
        return run

    @property
    def test_id(self) -> str:
        """The id of the test, without what stands in brackets: all its runs share it."""
        parent = self.parent
        return f"{parent.nodeid if parent else ''}::{self.originalname}"

    @property
    def bench(self) -> Bench:
        """The loop of this run, once it has been set up."""
        if self._is_repeated:
            pytest.fail(f"{self.name}: {_ONCE_AN_EXAMPLE}", pytrace=False)
        if self._bench is None:
            from .bench import Bench  # noqa: PLC0415 - heavy, and only simulated tests need it

            self._bench = Bench(self.chaos_run)
        return self._bench

    @property
    def chaos(self) -> Chaos:
        """What the test may do to its trees; made when it is first asked for."""
        if self._chaos is None:
            self._chaos = self._made_chaos(self.bench)
        return self._chaos

    def given(self, name: str) -> Any:
        """Returns the value of the fixture `chaos` or `runtime`; a test of hypothesis gets others in each example."""
        if self._is_repeated:
            return NotYet()
        return self.chaos if name == "chaos" else self.chaos.trees

    @property
    def _is_repeated(self) -> bool:
        return hasattr(self.obj, "hypothesis")

    def _made_chaos(self, bench: Bench) -> Chaos:
        from .chaos import Chaos  # noqa: PLC0415 - as above

        return Chaos(bench, self.path.parent)

    def runtest(self) -> None:
        """Runs the test; one of hypothesis, once for each example, on a loop of its own each time."""
        __tracebackhide__ = True
        arguments = {name: self.funcargs[name] for name in self._fixtureinfo.argnames}
        if not self._is_repeated:
            self._perform(self.bench, self.obj, arguments)
            return
        handle = self.obj.hypothesis
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(handle, "inner_test", self._example(handle.inner_test))
            self.obj(**arguments)

    def _example(self, test: Callable[..., Any]) -> Callable[..., Any]:
        from .bench import Bench  # noqa: PLC0415 - as above

        @functools.wraps(test)
        def run(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            with Bench(self.chaos_run) as bench:
                wanted = [name for name in FIXTURES if isinstance(kwargs.get(name), NotYet)]
                self._chaos = self._made_chaos(bench) if wanted else None
                if self._chaos is not None:
                    fresh = {"chaos": self._chaos, "runtime": self._chaos.trees}
                    kwargs.update({name: fresh[name] for name in wanted})
                self._perform(bench, functools.partial(test, *args), kwargs)

        return run

    def _perform(self, bench: Bench, test: Callable[..., Any], arguments: dict[str, Any]) -> None:
        __tracebackhide__ = True
        try:
            bench.test(test, arguments, self._chaos)
        finally:
            self._claims = self._claims or {}
            for name, claim in bench.claims.seen.items():
                _, reached, held = self._claims.get(name, (claim.kind, 0, 0))
                self._claims[name] = (claim.kind, reached + claim.reached, held + claim.held)

    def teardown(self) -> None:
        """Ends the loop, after the last fixture."""
        super().teardown()
        if self._bench is not None:
            self._bench.close()
        self._bench = self._chaos = None

    def told(self) -> dict[str, Any]:
        """Returns what a session has to know of this run, as JSON has it: reports may come from another process."""
        run, callspec = self.chaos_run, getattr(self, "callspec", None)
        named = callspec is not None and RUN in callspec.params
        facts = {"test": self.test_id, "seed": run.seed, "policy": run.policy, "named": named}
        return facts | {"claims": {name: list(claim) for name, claim in (self._claims or {}).items()}}

    def story(self) -> str:
        """Returns what helps to understand a failure, with the command that repeats it as the last line."""
        run = self.chaos_run
        lines = [f"seed {run.seed}, policy {run.policy}"]
        if self._chaos is not None:
            lines += self._chaos.story()
        return "\n".join([*lines, "", "again with", f"  {self.command}"])

    @property
    def command(self) -> str:
        """The line for a shell that runs this test with this seed."""
        run = self.chaos_run
        given = [self.nodeid, f"--chaos-seed={run.seed}", f"--chaos-policy={run.policy}"]
        return f"pytest {' '.join(shlex.quote(word) for word in given)}"


# --- fixtures that are coroutines -------------------------------------------------------------------


def synchronous(function: Any, request: Any) -> Any:
    """Returns the function of a fixture as pytest can call it: one that is `async def` runs on the test's loop."""
    is_generator = inspect.isasyncgenfunction(function)
    if not is_generator and not inspect.iscoroutinefunction(function):
        return function
    test, bound = request.node, _bound(function, request.instance)
    if is_generator:

        def generator(**arguments: Any) -> Iterator[Any]:
            bench, steps = test.bench, bound(**arguments)
            yield bench.run(anext(steps))
            bench.run(_finished(steps))

        return generator
    return lambda **arguments: test.bench.run(bound(**arguments))


def _bound(function: Any, instance: Any) -> Any:
    """Returns a fixture that is a method, on the object of the test that asks for it."""
    owner = getattr(function, "__self__", None)
    if instance is not None and owner is not None and isinstance(instance, type(owner)):
        return function.__func__.__get__(instance)
    return function


async def _finished(steps: Any) -> None:
    try:
        await anext(steps)
    except StopAsyncIteration:
        return
    raise RuntimeError(f"the fixture {steps.__qualname__} yields more than once")
