"""Where a daemon's answers go when there is no live view: lines of JSON, or text."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

from rich.console import Console

from .outcomes import details, to_json
from .text import one_line

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from typing import TextIO

    from ..runtime.task import Outcome
    from ..trees.runtime import Runtime
    from .activity import Activity
    from .session import Request

__all__ = ["JsonLines", "Plain", "print_outcome"]


def print_outcome(outcome: Outcome, stdout: TextIO, *, verbose: bool = True) -> None:
    """Writes an outcome for people: on a terminal broken between words, elsewhere in lines that are not broken."""
    console = Console(file=stdout, soft_wrap=not stdout.isatty(), highlight=False, markup=False, emoji=False)
    with console.capture() as drawn:
        console.print(details(outcome, verbose=verbose))
    stdout.write("".join(f"{line.rstrip()}\n" for line in drawn.get().splitlines()))
    stdout.flush()


class JsonLines:
    """Writes each outcome as one JSON object on one line."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout = stdout

    def show(self, request: Request, outcome: Outcome) -> None:  # noqa: ARG002 - the outcomes come in the requests' order
        """Writes a line. Raises `BrokenPipeError` where nobody reads any more."""
        self._stdout.write(to_json(outcome) + "\n")
        self._stdout.flush()

    def stopping(self) -> None:
        """Says nothing: it would be in the way of whoever reads."""

    def running(self, runtime: Runtime, activity: Activity) -> AbstractContextManager[object]:  # noqa: ARG002
        """Returns a block that does nothing."""
        return nullcontext()


class Plain:
    """Writes the answers as text; on a terminal, with the request before and who did what behind each."""

    def __init__(self, stdout: TextIO) -> None:
        self._stdout = stdout
        self._people = stdout.isatty()

    def show(self, request: Request, outcome: Outcome) -> None:
        """Writes an answer. Raises `BrokenPipeError` where nobody reads any more."""
        if self._people:
            print(f"> {one_line(str(request))}", file=self._stdout)
        print_outcome(outcome, self._stdout, verbose=self._people)

    def stopping(self) -> None:
        """Says nothing: it would be in the way of whoever reads."""

    def running(self, runtime: Runtime, activity: Activity) -> AbstractContextManager[object]:  # noqa: ARG002
        """Returns a block that does nothing."""
        return nullcontext()
