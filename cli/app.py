"""The verbs put together, and what becomes of their errors: lines on stderr, and an exit code."""

from __future__ import annotations

import asyncio
import sys
import traceback
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeAlias

import typer
from typer.core import TyperGroup

from .chaos import chaos
from .check import check
from .failures import Code, Failure, explained
from .new import new
from .run import run
from .shared import DEBUG, Debug
from .show import schema, show
from .text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["app"]


UsageError: type[Exception] = typer.BadParameter.__mro__[1]
"""What typer raises for a mistake in usage. It exports only this subclass, and its own base has changed its place."""


class Front(TyperGroup):
    """Ends the process with an exit code, after errors have been put into lines."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - it always is
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Runs a verb, and exits."""
        DEBUG.set(False)
        try:
            code = super().main(args, prog_name, complete_var, False, windows_expand_args, **extra)
            if code == Code.INTERRUPTED:  # what typer makes of Ctrl-C
                raise KeyboardInterrupt
            sys.stdout.flush()
        except UsageError as error:
            _end(_usage(error))
        except (Exception, KeyboardInterrupt, asyncio.CancelledError) as error:  # noqa: BLE001 - whatever it is, it ends as a line
            _end(explained(error))
        sys.exit(code or Code.DONE)


def _usage(error: Exception) -> Failure:
    """Returns a complaint about the command line, with where to look it up."""
    message = one_line(error.format_message()).rstrip(".")  # type: ignore[attr-defined]  # see UsageError
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else "treeward"
    return Failure(Code.USAGE, f"{message[:1].lower()}{message[1:]} (see {command} --help)")


def _end(failure: Failure) -> NoReturn:
    if DEBUG.get() and sys.exc_info()[1] is not None:
        traceback.print_exc()
    for line in failure.lines:
        print(one_line(line), file=sys.stderr)
    sys.exit(failure.code)


app = typer.Typer(
    cls=Front,
    name="treeward",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        print(f"treeward {version('treeward')}")
        raise typer.Exit


Version: TypeAlias = Annotated[
    bool,
    typer.Option("--version", help="Print the version.", is_eager=True, callback=_print_version, show_default=False),
]


@app.callback(invoke_without_command=True)
def treeward(
    context: typer.Context,
    *,
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
    show_version: Version = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Supervision trees for LLM agents: run a tree, check it, draw it, begin one."""
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(Code.USAGE)


for verb in (run, check, show, schema, new):
    app.command()(verb)
app.add_typer(chaos)
