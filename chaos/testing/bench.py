"""The simulation of one test: a loop on which coroutines run one after the other, driven from outside.

pytest sets up, calls and tears down in separate steps, and so does hypothesis with the rules of a state machine. All of
them run here on one loop, whose time goes on from one to the next; between them nothing of the process is simulated.
"""

from __future__ import annotations

import contextlib
import contextvars
import gc
from typing import TYPE_CHECKING, Any, Self

from ..invariants.assertions import Claims, claims
from ..invariants.log import Log
from ..simulation.ending import end_generators, end_tasks
from ..simulation.loop import SimLoop
from ..simulation.patches import simulated
from ..simulation.place import outside

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Mapping

    from .chaos import Chaos
    from .seeds import Run

__all__ = ["Bench", "Unhandled"]


class Unhandled(AssertionError):
    """Something raised in a task or a callback, and nobody took it."""


class Bench:
    """See the module. It is opened when it is made, and has to be closed.

    Attributes:
        loop: the simulated one.
        log: what is seen of the trees that run on it.
        claims: what code claims about itself.
    """

    def __init__(self, run: Run) -> None:
        self.loop = SimLoop(run.seed, policy=run.policy)  # type: ignore[arg-type]  # `seeds` has looked at it
        self.log = Log(self.loop.time)
        self.claims = Claims(self.loop.time)
        self._context = contextvars.copy_context()
        self._open = contextlib.ExitStack()
        self._open.enter_context(contextlib.closing(self.loop))
        self._open.enter_context(simulated(self.loop))
        self._keep_claims()
        self._pause = contextlib.ExitStack()
        self._pause.enter_context(outside())

    def _keep_claims(self) -> None:
        """Has claims of code go to this run, in the context in which all of it runs."""
        kept = claims(self.claims)
        self._context.run(kept.__enter__)
        self._open.callback(self._context.run, kept.__exit__, None, None, None)

    def run(self, coroutine: Coroutine[Any, Any, Any], name: str = "the test") -> Any:
        """Runs a coroutine to its end, and returns its value; all share one context of variables."""
        __tracebackhide__ = True
        with self._going_on():
            task = self.loop.create_task(coroutine, name=name, context=self._context)
            try:
                return self.loop.run_until_complete(task)
            except KeyboardInterrupt:
                raise
            except BaseException:
                if self.loop.fatal is not None:
                    raise self.loop.fatal from None
                raise

    def test(self, function: Callable[..., Any], arguments: Mapping[str, Any], chaos: Chaos | None) -> None:
        """Runs a test, and then looks at what it has left; the first error counts."""
        __tracebackhide__ = True
        try:
            self.run(function(**arguments))
        except KeyboardInterrupt:
            raise
        except BaseException:
            if chaos is not None:
                with contextlib.suppress(Exception):  # the trees end as they can: why it failed is known
                    self.run(chaos.finish(failed=True), "the end")
            raise
        if chaos is not None:
            self.run(chaos.finish(), "the end")
        self.look_at_unhandled()

    def look_at_unhandled(self) -> None:
        """Raises `Unhandled` for errors that went to the loop's exception handler."""
        for context in self.loop.unhandled:
            error = context.get("exception")
            if error is not None:
                raise Unhandled(f"{context.get('message')}: {error!r}") from error

    def close(self) -> None:
        """Ends what is left on the loop, and gives the process back as it was. Again: nothing."""
        self._pause.close()
        with self._open:
            if not self.loop.is_closed():
                end_tasks(self.loop)
                end_generators(self.loop)

    @contextlib.contextmanager
    def _going_on(self) -> Iterator[None]:
        """Lets the simulation go on in this thread, for the block; the garbage collector waits meanwhile."""
        was_on = gc.isenabled()
        self._pause.close()
        gc.disable()
        try:
            yield
        finally:
            if was_on:
                gc.enable()
            self._pause.enter_context(outside())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
