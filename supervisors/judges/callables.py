"""A judge: a function."""

from __future__ import annotations

import inspect
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from ...runtime.dispatch import Dispatcher
from ..checks import check, is_share, one_of
from .judge import JudgeSpec, check_judge, read_answer
from .threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from ...runtime.evidence import Verdict
    from ...runtime.system import ActorSystem
    from ...runtime.task import Task
    from .judge import Submission

__all__ = ["FunctionJudge"]


@dataclass(frozen=True, slots=True)
class FunctionJudge(JudgeSpec):
    """Asks `function(output, task)`, `def` or `async def`.

        def polite(output, task):
            if not output["text"].startswith("Dear "):
                raise ModelRetry("begin with 'Dear', and the customer's name")

    It returns None or True to accept, False to reject, a score from 0.0 to 1.0, or a `Verdict`; it raises
    `ModelRetry` to reject and say what would mend the output. Anything else that it raises or returns is no
    verdict. It gets the output itself, as the agent made it, and should not change it.

    Attributes:
        function: see above.
        dispatcher: `loop`, which a function that blocks holds up; or `thread`, one of its own for each call. A
            thread cannot be ended: at the timeout it is left alone, and runs on without anybody's hearing of it.
        accept_at: the score that is enough, from 0.0 to 1.0.
        name: the function's own, if nothing is said.

    Raises:
        InvalidSpec: a value is not legal.
    """

    function: Callable[[Any, Task], Any]
    _: KW_ONLY
    dispatcher: Dispatcher = "loop"
    accept_at: float = 0.5
    name: str = ""
    cost: float = 2.0

    def __post_init__(self) -> None:
        check("function", self.function, callable(self.function), "a function of an output and a task")
        if self.name == "":
            object.__setattr__(self, "name", getattr(self.function, "__name__", "function"))
        check_judge(self)
        what = f"of the judge {self.name!r}"
        check(f"function {what}", self.function, _takes_two(self.function), "a function of an output and a task")
        one_of(f"dispatcher {what}", self.dispatcher, Dispatcher)
        check(f"accept_at {what}", self.accept_at, is_share(self.accept_at, zero=True), "a number from 0 to 1")

    async def judge(self, submission: Submission, system: ActorSystem) -> Verdict:  # noqa: ARG002 - as all judges
        """Returns the verdict that the function's answer is."""
        given = (submission.output, submission.task)
        if self.dispatcher == "thread":
            answer = await in_thread(f"treeward-judge-{self.name}", self.function, *given)
        else:
            answer = self.function(*given)
            if inspect.isawaitable(answer):
                answer = await answer
        return read_answer(self.name, True if answer is None else answer, self.accept_at)


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        inspect.signature(function).bind(None, None)
    except TypeError:
        return False
    except ValueError:  # a function written in C that says nothing of itself
        return True
    return True
