"""What a file names in Python: classes of actors with their arguments, functions, pydantic models."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from .arguments import parameters_of
from .located import SourceMap, locate
from .names import Names, imports_of
from .nodes import items_of, judges_in, kind_of, nodes, policy_slots, slots
from .problems import Problem, TreeError
from .values import is_long_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .located import Location
    from .nodes import Seen, Slot

__all__ = ["named_problems"]


def named_problems(top: SourceMap, names: Names) -> Iterator[Problem]:
    """Yields what is wrong with what a document names in Python. Imports it, in the caller's thread."""
    seen: Seen = set()
    for location, _, node in nodes(top):
        if not isinstance(node, dict):
            continue
        if kind_of(node) == "agent":
            yield from _class_of(top, location, node, names)
        elif isinstance(node.get("child"), dict):
            yield from _class_of(top, (*location, "child"), node["child"], names)
            yield from _classifications(top, (*location, "child"), node["child"], names)
        yield from _classifications(top, location, node, names)
        yield from _judges(top, slots(node, location, seen), names)
    yield from _judges(top, policy_slots(top.get("policies"), seen), names)


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
    yield from _refusals(top, location, partial(names.function, str(value)))


def _classifications(top: SourceMap, location: Location, part: dict[str, Any], names: Names) -> Iterator[Problem]:
    """Yields what is wrong with the functions that a node, or its template, names for its failures."""
    for index, name in enumerate(items_of(part.get("classify"))):
        if is_long_name(name):
            use = partial(_function_of, names, name, "an exception")
            yield from _refusals(top, (*location, "classify", index), use)


def _judges(top: SourceMap, places: Iterable[Slot], names: Names) -> Iterator[Problem]:
    """Yields what is wrong with the models and the functions that judges name."""
    for slot in places:
        for place, judge in judges_in(slot.value, slot.location) if slot.shelf == "judges" else ():
            yield from _judge(top, place, judge if isinstance(judge, dict) else {}, names)


def _judge(top: SourceMap, location: Location, judge: dict[str, Any], names: Names) -> Iterator[Problem]:
    model, function = judge.get("schema"), judge.get("function")
    if is_long_name(model):
        yield from _refusals(top, (*location, "schema"), partial(names.model, model))
    if is_long_name(function):
        use = partial(_function_of, names, function, "an output", "a task")
        yield from _refusals(top, (*location, "function"), use)


def _function_of(names: Names, name: str, *arguments: str) -> None:
    """Raises TreeError if a function is not there, or cannot be called with so many arguments."""
    function = names.function(name)
    try:
        inspect.signature(function).bind(*arguments)
    except TypeError:
        what = f"{name} cannot be called with {' and '.join(arguments)}"
        raise TreeError([Problem("", 0, 0, what, f"a function of {' and '.join(arguments)}")]) from None


def _refusals(top: SourceMap, location: Location, use: Callable[[], object]) -> Iterator[Problem]:
    """Yields what is said against something that is named at a location, when it is looked for."""
    try:
        use()
    except TreeError as refusal:
        place = locate(top, location)
        yield from (Problem(*place, p.what, p.legal, p.hint) for p in refusal.problems)
