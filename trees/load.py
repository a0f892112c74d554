"""From a file or a text to a Tree, or to all that is wrong with it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from .arguments import parameters_of
from .files import Files, rule_problems
from .located import SourceMap, locate
from .messages import problems_of
from .names import Names, imports_of
from .problems import Problem, TreeError
from .rules import kind_of, nodes
from .spec import Tree

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from .located import Location

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
    problems += rule_problems(top, but="" if files.complete else "entry")
    if check_classes:
        problems += _class_problems(top, Names(allow))
    if problems or files.problems or tree is None:
        raise TreeError(_in_order(files.problems + _not_about(files.problems, problems), files))
    return tree


def _validated(top: SourceMap, policies: Mapping[str, Any]) -> tuple[Tree | None, list[Problem]]:
    try:
        return Tree.model_validate(top, context={"rules": "checked"}, by_alias=True, by_name=False), []
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


def _class_problems(top: SourceMap, names: Names) -> Iterator[Problem]:
    for location, _, node in nodes(top):
        if not isinstance(node, dict):
            continue
        if kind_of(node) == "agent":
            yield from _class_of(top, location, node, names)
        elif isinstance(node.get("child"), dict):
            yield from _class_of(top, (*location, "child"), node["child"], names)


def _class_of(top: SourceMap, location: Location, node: dict[str, Any], names: Names) -> Iterator[Problem]:
    use, arguments = node.get("use"), node.get("with", {})
    if not isinstance(use, str) or not use:
        return
    try:
        cls = names.find(use)
        parameters = parameters_of(cls)
    except TreeError as refusal:
        place = locate(top, (*location, "use"))
        yield from (Problem(*place, p.what, p.legal, p.hint) for p in refusal.problems)
        return
    if not isinstance(arguments, dict):
        return
    inside: Location = (*location, "with" if "with" in node else "use")
    functions: dict[str, Any] = {name: _stand_in for name in imports_of(cls) if name in arguments}
    for name in functions:
        yield from _function_problems(top, (*inside, name), arguments[name], names)
    for misfit in parameters.misfits({**arguments, **functions}):
        place = locate(top, (*inside, *misfit.location), key=misfit.at_key)
        yield Problem(*place, misfit.what, misfit.legal, misfit.hint)


def _stand_in(*_: Any, **__: Any) -> None:
    """Takes the place of a function that the tree names, while the other arguments are checked."""


def _function_problems(top: SourceMap, location: Location, value: Any, names: Names) -> Iterator[Problem]:
    try:
        names.function(str(value))
    except TreeError as refusal:
        place = locate(top, location)
        yield from (Problem(*place, p.what, p.legal, p.hint) for p in refusal.problems)
