"""From a file or a text to a Plan, or to all that is wrong with it; and the form of such a file, for editors."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from ...trees.files import opened
from ...trees.located import locate
from ...trees.messages import Vocabulary, problems_of
from ...trees.names import Names
from ...trees.problems import Problem, TreeError
from ...trees.schema import schema_of
from ...trees.source import read_source
from .fitting import misfits
from .imports import mentioned
from .matching import Where
from .plan import Abort, Expectation, Fault, Heal, Parity, Plan
from .rules import violations
from .work import Work

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ...trees.located import SourceMap
    from ...trees.spec import Tree

__all__ = ["load_plan", "plan_schema"]

_LEGAL = "a mapping with the keys treeward, name and faults"

_WORDS = Vocabulary(
    whole="the plan",
    owners={
        Plan: "a plan",
        Fault: "a fault",
        Where: "where",
        Work: "a work",
        Heal: "heal",
        Expectation: "a hypothesis",
        Abort: "abort_if",
        Parity: "parity",
    },
    parts={
        "faults": Fault,
        "where": Where,
        "work": Work,
        "heal": Heal,
        "hypothesis": Expectation,
        "abort_if": Abort,
        "parity": Parity,
    },
    missing={
        "name": "name: and the plan's name",
        "at": "at: and a fault point, such as actor.handle",
        "do": "do: and what happens, such as 30%->crash",
        "input": "input: and the request",
        "metric": "metric: and what is looked at",
        "above": "above: and a level",
    },
)


def load_plan(
    path_or_text: str | bytes | os.PathLike[str],
    *,
    allow: Iterable[str] = (),
    tree: Tree | None = None,
    environ: Mapping[str, str] = os.environ,
    check_names: bool = True,
) -> Plan:
    """Reads a plan from YAML and checks all of it.

    What is a file and what a document is as in `load_tree`. `allow` lists the modules and packages whose exceptions,
    invariants and functions may be named. With a tree, it is looked at whether the plan fits it, too. With
    `check_names=False` nothing is imported, and names are not looked for.

    Raises:
        TreeError: with every problem of the file, in the order of their places.
    """
    text, origin = opened(path_or_text)
    top, problems = read_source(text, origin.file, environ, _LEGAL)
    plan, more = _validated(top)
    more += _rule_problems(top)
    if check_names:
        more += _name_problems(top, Names(allow))
    if plan is not None and tree is not None and not problems and not more:
        more += [Problem(*locate(top, one.location, key=one.at_key), *one[1:4]) for one in misfits(plan, tree)]
    if plan is None or problems or more:
        raise TreeError(_in_order(problems, more))
    return plan


def plan_schema() -> dict[str, Any]:
    """Returns the JSON Schema (draft 7) of a plan's YAML.

    Editors find it by a first line such as `# yaml-language-server: $schema=plan.schema.json`. What it accepts is a
    little more than what `load_plan` does: it does not read programs.
    """
    return schema_of(Plan, "A Treeward fault plan", "What is to go wrong in a tree, and what has to hold all the same.")


def _validated(top: SourceMap) -> tuple[Plan | None, list[Problem]]:
    try:
        return Plan.model_validate(top, context={"rules": "checked"}, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, problems_of(error.errors(include_url=False), top, Plan, {}, _WORDS)


def _rule_problems(top: SourceMap) -> Iterator[Problem]:
    if "treeward" not in top:
        yield Problem(top.file, *top.mark, "'treeward' is missing in a plan", "treeward: 1, the format's version")
    for location, what, legal, hint, at_key in violations(top):
        yield Problem(*locate(top, location, key=at_key), what, legal, hint)


def _name_problems(top: SourceMap, names: Names) -> Iterator[Problem]:
    for location, find in mentioned(top):
        try:
            find(names)
        except TreeError as refusal:
            yield from (Problem(*locate(top, location), p.what, p.legal, p.hint) for p in refusal.problems)


def _in_order(known: list[Problem], more: list[Problem]) -> Iterator[Problem]:
    """Yields the problems in the order of their places, each once; those of reading go before others at their place."""
    places = {(problem.line, problem.column) for problem in known}
    every = [*known, *(problem for problem in more if (problem.line, problem.column) not in places)]
    yield from sorted(dict.fromkeys(every), key=lambda problem: (problem.line, problem.column))
