"""From a file or a text to a Tree, or to all that is wrong with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .base import known_parts
from .files import Files, rule_problems
from .messages import problems_of
from .named import named_problems
from .names import Names
from .problems import Problem, TreeError
from .spec import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .located import SourceMap

__all__ = ["load_tree"]


def load_tree(
    path_or_text: str | bytes | os.PathLike[str],
    *,
    allow: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
    check_classes: bool = True,
) -> Tree:
    """Reads a tree from YAML and checks all of it.

    A path is a file; so is a string, unless it is empty, has a line break in it, or begins with `{`: that is
    a document itself, as bytes are, whose includes are relative to the working directory. Classes are named
    by `use`; `allow` lists the modules and packages whose classes may be named in full. With
    `check_classes=False` nothing is imported, and `use` and `with` are not looked at.

    Raises:
        TreeError: with every problem of the file and of those that it includes, in the order of their places.
    """
    files = Files(environ)
    top, policies = files.read(path_or_text)
    if top is None:
        raise TreeError(_in_order(files.problems, files))
    tree, problems = _validated(top, policies)
    problems += rule_problems(top, complete=files.complete)
    if check_classes:
        problems += named_problems(top, Names(allow))
    if problems or files.problems or tree is None:
        raise TreeError(_in_order(files.problems + _not_about(files.problems, problems), files))
    return tree


def _validated(top: SourceMap, policies: Mapping[str, Any]) -> tuple[Tree | None, list[Problem]]:
    try:
        return Tree.model_validate(top, context={"rules": "checked", **known_parts()}, by_alias=True, by_name=False), []
    except ValidationError as error:
        return None, problems_of(error.errors(include_url=False), top, Tree, policies)


def _not_about(known: list[Problem], problems: list[Problem]) -> list[Problem]:
    """Returns the problems at places where reading had none: those there would be its consequences."""
    places = {(problem.file, problem.line, problem.column) for problem in known}
    return [problem for problem in problems if (problem.file, problem.line, problem.column) not in places]


def _in_order(problems: list[Problem], files: Files) -> Iterator[Problem]:
    """Yields the problems in the order of their places, each once."""
    rank = {file: index for index, file in enumerate(files.order)}
    yield from sorted(dict.fromkeys(problems), key=lambda p: (rank.get(p.file, 0), p.line, p.column))
