"""`treeward chaos`: a tree under a plan of faults, in virtual time, from many seeds or again from one."""

from __future__ import annotations

import enum
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from .failures import Code
from .options import duration_of
from .shared import Allow, Debug, TreeName

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["chaos"]

TRIES = 300
"""Runs that shrinking may take."""


class Order(enum.StrEnum):
    """In which order ready tasks run."""

    RANDOM = "random"
    FIFO = "fifo"
    PCT = "pct"


def _option(name: str, help: str, metavar: str | None = None, **more: Any) -> Any:  # noqa: A002 - typer's own word
    return typer.Option(name, help=help, metavar=metavar, **more)


def _flag(name: str, help: str) -> Any:  # noqa: A002 - as above
    return typer.Option(name, help=help, show_default=False)


PlanFile: TypeAlias = Annotated[
    str | None,
    typer.Argument(metavar="[PLAN]", help="A YAML file; chaos.yaml beside the tree if left out.", show_default=False),
]
Seeds: TypeAlias = Annotated[str, _option("--seeds", "From seed A to B; or a number of seeds, from 0.", "A..B")]
Seed: TypeAlias = Annotated[int, _option("--seed", "Which seed.", "N", min=0, show_default=False)]
PolicyName: TypeAlias = Annotated[
    Order,
    _option("--policy", "In which order ready tasks run; pct finds rare orders."),
]
Jobs: TypeAlias = Annotated[int, _option("--jobs", "Processes that work on it; what is found is the same.", "N", min=1)]
KeepGoing: TypeAlias = Annotated[bool, _flag("--keep-going", "Go on behind a seed that fails.")]
MaxTime: TypeAlias = Annotated[str | None, _option("--max-time", "Begin no seed after so long: 30s, 10m, 2h.", "TIME")]
Only: TypeAlias = Annotated[
    list[str] | None, _option("--only", "Leave out all other faults of the plan; may be repeated.", "FAULT-ID")
]
NoFaults: TypeAlias = Annotated[bool, _flag("--no-faults", "Let nothing go wrong: only the work.")]
Shrink: TypeAlias = Annotated[
    bool, typer.Option("--shrink/--no-shrink", help="Look for the fewest faults with which a seed still fails.")
]
Tries: TypeAlias = Annotated[int, _option("--tries", "Runs that shrinking may take.", "N", min=1)]
SavePlan: TypeAlias = Annotated[Path | None, _option("--save-plan", "Write the shrunken plan to a file.", "FILE")]
Junit: TypeAlias = Annotated[Path | None, _option("--junit", "Write JUnit's XML to a file.", "FILE")]
Json: TypeAlias = Annotated[Path | None, _option("--json", "Write all that was found to a file, as JSON.", "FILE")]
Trace: TypeAlias = Annotated[bool, _flag("--trace", "Print every step of the event loop instead.")]
KeepState: TypeAlias = Annotated[
    Path | None, _option("--keep-state", "Leave a copy of the run's state directory there.", "DIR")
]

chaos = typer.Typer(
    name="chaos",
    help="Break a tree on purpose, in virtual time: the same seed breaks it in the same way.",
    rich_markup_mode=None,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@chaos.callback(invoke_without_command=True)
def _family(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(Code.USAGE)


def _work() -> ModuleType:
    """Returns what the verbs do; it is loaded for them alone."""
    from . import trials  # noqa: PLC0415 - the room of chaos would make every other verb begin later

    return trials


@chaos.command()
def run(
    tree: TreeName,
    plan: PlanFile = None,
    *,
    seeds: Seeds = "0..99",
    policy: PolicyName = Order.RANDOM,
    jobs: Jobs = 1,
    keep_going: KeepGoing = False,
    max_time: MaxTime = None,
    only: Only = None,
    no_faults: NoFaults = False,
    shrink: Shrink = True,
    tries: Tries = TRIES,
    save_plan: SavePlan = None,
    junit: Junit = None,
    json_file: Json = None,
    allow: Allow = None,
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Run a tree under a plan, from many seeds, and check what has to hold.

    It ends at the first seed that fails; that one is run a second time, and then the faults that it needs are looked
    for. Ctrl-C ends it behind the seed that runs, and tells what was found so far.

    Exit codes: 0 all held, 1 something did not, 2 usage, 65 the tree or the plan is not valid, 130 interrupted.
    """
    work = _work()
    campaign = work.campaign_of(
        work.subject_of(tree, plan, allow or (), only or ()),
        seeds,
        policy=policy.value,
        faults=not no_faults,
        jobs=jobs,
        keep_going=keep_going,
        max_time=None if max_time is None else duration_of("--max-time", max_time),
    )
    words = _again(tree, plan, allow or (), only or (), no_faults=no_faults)
    raise typer.Exit(work.tried(campaign, tries if shrink else 0, words, work.Files(save_plan, junit, json_file)))


def _again(
    tree: str, plan: str | None, allow: Sequence[str], only: Sequence[str], *, no_faults: bool
) -> tuple[str, ...]:
    """Returns the words of the command that runs a seed again, but for seed and policy."""
    words = ["treeward", "chaos", "replay", tree, *([plan] if plan else [])]
    words += [word for name in allow for word in ("--allow", name)]
    words += [word for name in only for word in ("--only", name)]
    return (*words, "--no-faults") if no_faults else tuple(words)


@chaos.command()
def replay(
    tree: TreeName,
    plan: PlanFile = None,
    *,
    seed: Seed,
    policy: PolicyName = Order.RANDOM,
    trace: Trace = False,
    keep_state: KeepState = None,
    only: Only = None,
    no_faults: NoFaults = False,
    allow: Allow = None,
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Run one seed again, and print its timeline: requests, events, faults, and what did not hold.

    Exit codes: 0 all held, 1 something did not, 2 usage, 65 the tree or the plan is not valid, 130 interrupted.
    """
    work = _work()
    subject = work.subject_of(tree, plan, allow or (), only or ())
    keeping = work.Keeping(state=keep_state, trace=trace)
    raise typer.Exit(work.replayed(subject, seed, policy.value, faults=not no_faults, keeping=keeping))


@chaos.command()
def points(*, debug: Debug = False) -> None:  # noqa: ARG001 - its callback has done it
    """List all places at which a plan may let something go wrong, and what may go wrong there."""
    print("\n".join(_work().table_of_points()))


@chaos.command()
def show(
    plan: Annotated[
        str,
        typer.Argument(
            metavar="PLAN", help="A YAML file, or the name of a tree that comes with one.", show_default=False
        ),
    ],
    *,
    tree: Annotated[str | None, _option("--tree", "Say also whether it fits this tree.", "TREE")] = None,
    allow: Allow = None,
    debug: Debug = False,  # noqa: ARG001 - its callback has done it
) -> None:
    """Tell a plan in words, or all that is wrong with it.

    Exit codes: 0 the plan is valid, 65 it is not.
    """
    print(_work().told_plan(plan, tree, allow or ()))
