"""State machines of hypothesis on a simulated loop: rules, initialisers and invariants may be `async def`."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis.stateful import RuleBasedStateMachine

from .bench import Bench
from .chaos import Chaos
from .seeds import DEFAULT_POLICY, Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from .trees import Trees

__all__ = ["SimMachine"]


class SimMachine(RuleBasedStateMachine):
    """Runs what is `async def` in it on one `SimLoop` for each example; time passes only while it runs.

        class Office(SimMachine):
            @initialize()
            async def open(self):
                self.office = await self.runtime.start("office.yaml", allow=["clerks"])

            @rule(number=st.integers())
            async def ask(self, number):
                assert (await self.office.run(number)).ok

            @rule()
            async def crash(self):
                self.chaos.actor("clerk").crash()

        TestOffice = Office.TestCase

    Whatever touches a tree has to be `async def`. At the end of an example, all is healed and the invariants of its
    trees are checked, as at the end of a test. An override of `teardown` calls this one's.

    Attributes:
        seed, policy: of the loop; class attributes, which a subclass may change.
        chaos, runtime: as the fixtures of these names.
    """

    seed: ClassVar[int] = 0
    policy: ClassVar[str] = DEFAULT_POLICY

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for value in list(vars(cls).values()):
            _run_on_the_loop(value)

    def __init__(self) -> None:
        super().__init__()
        self._bench = Bench(Run(self.seed, self.policy))
        self.chaos = Chaos(self._bench, Path(inspect.getfile(type(self))).parent)
        self.runtime: Trees = self.chaos.trees

    def teardown(self) -> None:
        """Ends the example: its trees, and its loop."""
        failed = sys.exc_info()[0] is not None
        with contextlib.closing(self._bench):
            self._bench.run(self.chaos.finish(failed=failed), "the end")
            if not failed:
                self._bench.look_at_unhandled()


def _run_on_the_loop(method: Any) -> None:
    """Has a method that hypothesis knows as a rule, an initialiser or an invariant, run on its machine's loop.

    Hypothesis keeps the function in a value that it puts on the method; whichever it is, it has a `function`.
    """
    for marked in list(vars(method).values()) if inspect.isfunction(method) else ():
        function = getattr(marked, "function", None)
        if inspect.iscoroutinefunction(function):
            object.__setattr__(marked, "function", _synchronous(function))


def _synchronous(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def step(machine: SimMachine, **arguments: Any) -> Any:
        __tracebackhide__ = True
        return machine._bench.run(function(machine, **arguments), function.__name__)  # noqa: SLF001 - of this module

    return step
