"""`treeward run`: one task, or a daemon."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import typer

from ..trees.runtime import DEADLINE
from .failures import Code, Failure
from .interrupts import Interrupts
from .lines import Lines, input_kind
from .logs import Level, logging_to_stderr
from .options import context_of, duration_of, request_of
from .outcomes import code_of, to_json
from .screens import JsonLines, Plain, print_outcome
from .session import Daemon, Settings, ask_once
from .shared import Allow, Debug, TreeName
from .tree import loaded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from typing import TextIO

    from .loose import Faults
    from .session import Request, Screen

__all__ = ["run"]

T = TypeVar("T")


def _option(help: str, metavar: str | None = None, **more: Any) -> Any:  # noqa: A002 - typer's own word
    return typer.Option(help=help, metavar=metavar, **more)


Ask: TypeAlias = Annotated[str | None, _option("Give the entry this one task, print its outcome, and stop.", "TEXT")]
AsJson: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print each outcome as one JSON object on one line.", show_default=False)
]
Facts: TypeAlias = Annotated[
    list[str] | None, _option("A fact for the agents, read as JSON where it is JSON; may be repeated.", "KEY=VALUE")
]
Customer: TypeAlias = Annotated[str | None, _option("Who asks: short for --context customer_id=ID.", "ID")]
Deadline: TypeAlias = Annotated[str, _option("How long a task may take: 500ms, 30s, 2m, 1h.", "TIME")]
Crash: TypeAlias = Annotated[
    str | None, _option("Let this agent die once, in the middle of its next task, to see it come back.", "AGENT")
]
PlanName: TypeAlias = Annotated[
    str | None, _option("Carry this fault plan out against the tree while it runs, if that is allowed.", "PLAN")
]
AllowChaos: TypeAlias = Annotated[
    bool,
    typer.Option("--allow-chaos", help="Allow --faults where the tree does not say so itself.", show_default=False),
]
Parallel: TypeAlias = Annotated[
    int, _option("How many requests a daemon has in hand at a time; the answers keep their order.", "N", min=1)
]
Seed: TypeAlias = Annotated[
    int | None,
    _option("Of all random draws; what the clock and threads decide still varies.", "N"),
]
LogLevel: TypeAlias = Annotated[
    Level | None, _option("Log on stderr from this level on; by default info, on a terminal warning.")
]


def run(
    tree: TreeName,
    *,
    ask: Ask = None,
    as_json: AsJson = False,
    context: Facts = None,
    customer: Customer = None,
    deadline: Deadline = f"{DEADLINE:g}s",
    allow: Allow = None,
    crash: Crash = None,
    faults: PlanName = None,
    allow_chaos: AllowChaos = False,
    parallel: Parallel = 1,
    seed: Seed = None,
    log_level: LogLevel = None,
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Run a tree: for one task with --ask, or else as a daemon.

    The daemon takes one request a line from a terminal (where it shows the living tree, too), from a pipe or from a
    file, until that ends. Where there is neither, as under a service manager, and with a tree that has no entry, it
    runs until a signal. SIGINT and SIGTERM let it finish what is in hand; a second one stops it at once.

    Exit codes: 0 done (the status is ok or fallback; the daemon has ended as it should), 1 the work failed or is not
    complete (any other status), 2 usage, 65 the tree is not valid, 70 the root supervisor gave up or did not start, 130
    interrupted.
    """
    stdout = sys.stdout
    with contextlib.redirect_stdout(sys.stderr) if as_json else contextlib.nullcontext():
        request = None if ask is None else request_of("--ask", ask)
        facts = context_of(context or (), customer)
        limit = duration_of("--deadline", deadline)
        settings = Settings(
            tree=loaded(tree, allow or ()),
            allow=tuple(allow or ()),
            context=facts,
            deadline=limit,
            crash=crash,
            seed=seed,
            parallel=parallel,
        )
        if faults is not None:
            settings = replace(settings, faults=_faults(faults, settings, permitted=allow_chaos))
        with logging_to_stderr(log_level), Interrupts() as interrupts:
            if request is None:
                code = _in_loop(interrupts, lambda: _daemon(settings, interrupts, stdout, as_json=as_json))
            else:
                code = _one_task(settings, interrupts, request, stdout, as_json=as_json)
    raise typer.Exit(code)


def _faults(plan: str, settings: Settings, *, permitted: bool) -> Faults:
    from .loose import faults_of  # noqa: PLC0415 - who wants no faults need not wait for all that they are made of

    return faults_of(plan, settings.tree, settings.allow, settings.seed, permitted=permitted)


def _one_task(settings: Settings, interrupts: Interrupts, request: str, stdout: TextIO, *, as_json: bool) -> Code:
    if settings.tree.entry_path is None:
        raise Failure(Code.USAGE, f"the tree {settings.tree.name!r} has no entry: name the agent that takes tasks")
    outcome, fall = _in_loop(interrupts, lambda: ask_once(settings, interrupts, request))
    if as_json:
        stdout.write(to_json(outcome) + "\n")
        stdout.flush()
    else:
        print_outcome(outcome, stdout)
    if fall is not None:
        raise fall
    return code_of(outcome)


async def _daemon(settings: Settings, interrupts: Interrupts, stdout: TextIO, *, as_json: bool) -> Code:
    source = input_kind()
    screen: Screen = JsonLines(stdout) if as_json else Plain(stdout)
    requests: AsyncIterator[Request] | None = None
    if source == "terminal" and not as_json and _can_draw(stdout):
        from .live import LiveScreen  # noqa: PLC0415 - there is no termios where there is no such terminal

        screen = requests = LiveScreen(settings.tree.name, interrupts)
    elif source != "none" and settings.tree.entry_path is not None:
        requests = Lines()
    return await Daemon(settings, interrupts, screen, requests).run()


def _can_draw(stdout: TextIO) -> bool:
    """Tells whether stdout is a terminal that can do more than to print one line after the other."""
    return stdout.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", "")


class _Executor(ThreadPoolExecutor):
    """The threads of `asyncio.to_thread`; one that never comes back does not keep the loop from closing."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002 - as it is called
        super().shutdown(wait=False, cancel_futures=True)


def _in_loop(interrupts: Interrupts, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Runs work on an event loop of its own; after it, the signals are not passed on to that loop."""
    with asyncio.Runner() as runner:
        runner.get_loop().set_default_executor(_Executor(thread_name_prefix="treeward-work"))
        try:
            return runner.run(work())
        finally:
            interrupts.forget()
