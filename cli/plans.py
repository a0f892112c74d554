"""The argument PLAN: a file, the plan that lies beside the tree, or that of a tree that comes with Treeward."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..chaos.plans.plan_file import load_plan
from ..chaos.subject import Subject
from ..trees import library
from ..trees.problems import Problem, TreeError, did_you_mean, quoted
from .failures import Code, Failure
from .tree import loaded, path_of

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BESIDE", "plan_of", "seeds_of", "subject_of"]

BESIDE = "chaos.yaml"
"""What the plan beside a tree is called."""

MOST_SEEDS = 10_000_000


def subject_of(tree: str, plan: str | None, allow: Sequence[str], only: Sequence[str] = ()) -> Subject:
    """Reads and checks TREE and PLAN, and whether they fit; `only` are the ids of the faults that stay.

    Raises:
        TreeError: one of them is not valid, or not there, or they do not fit.
        Failure: the plan has no fault of such an id.
    """
    made = loaded(tree, allow)
    read = load_plan(plan_of(plan) if plan else _beside(tree), allow=allow, tree=made)
    for name in only:
        if name not in read.rules:
            hint = did_you_mean(name, read.rules) or f"expected one of {', '.join(read.rules) or 'none: it has none'}"
            raise Failure(Code.USAGE, f"--only: the plan has no fault {quoted(name)}; {hint}")
    subject = Subject(made, read.only(only) if only else read, tuple(allow))
    subject.check()
    return subject


def plan_of(name: str) -> Path:
    """Returns the file that PLAN means; the name of a library's tree, where there is no such file, means its plan.

    Raises:
        TreeError: it means nothing; the problem says which name is near.
    """
    found = None if Path(name).is_file() else library.find(name)
    plan = Path(name) if found is None else found.parent / BESIDE
    if not plan.exists():
        names = [tree for tree in library.names() if (path_of(tree).parent / BESIDE).is_file()]
        legal = f"a YAML file, or a tree that comes with a plan: {', '.join(names)}"
        raise TreeError([Problem("", 0, 0, f"there is no file {quoted(name)}", legal, did_you_mean(name, names))])
    return plan


def _beside(tree: str) -> str:
    """Returns the path of the plan that lies beside a tree. Raises `TreeError` if there is none."""
    path = path_of(tree).parent / BESIDE
    if not path.is_file():
        what = f"there is no plan beside the tree, at {quoted(str(path))}"
        raise TreeError([Problem("", 0, 0, what, "PLAN behind TREE, a YAML file")])
    return str(path)


def seeds_of(option: str, written: str) -> range:
    """Returns the seeds that `A..B` means, both ends included, or `N`: so many, from 0. Raises `Failure`."""
    first, dots, last = written.partition("..")
    if written.isdecimal():
        seeds = range(int(written))
    elif dots and first.isdecimal() and last.isdecimal():
        seeds = range(int(first), int(last) + 1)
    else:
        seeds = range(0)
    if not 0 < len(seeds) <= MOST_SEEDS:
        legal = f"a range such as 0..999, or a number of seeds, at most {MOST_SEEDS:,}"
        raise Failure(Code.USAGE, f"{option} is {quoted(written)}: expected {legal}")
    return seeds
