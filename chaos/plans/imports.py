"""What a plan names in Python: exceptions, invariants, functions; behind the same allow-list as a tree's classes."""

from __future__ import annotations

import inspect
from functools import partial
from typing import TYPE_CHECKING, Any

from ...agents.errors import InjectedCrash
from ...trees.nodes import get, items_of
from ...trees.problems import Problem, TreeError
from ...trees.values import is_long_name
from .actions import ACTIONS
from .arguments import EXCEPTIONS, INJECTED, NOT_ON_PURPOSE, exception, is_exception_name
from .grammar import program_or_none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ...trees.located import Location
    from ...trees.names import Names
    from .grammar import Action, Program

__all__ = ["exception_class", "invariant_or_check", "mentioned"]


def exception_class(name: str, names: Names) -> type[BaseException]:
    """Returns the exception that a name in a plan means.

    Raises:
        TreeError: it may not be used, is not there, or cannot be raised on purpose. Its one problem has no position.
    """
    if name == INJECTED:
        return InjectedCrash
    if name in EXCEPTIONS:
        return EXCEPTIONS[name]
    found = names.exception(name)
    if issubclass(found, NOT_ON_PURPOSE):
        raise _refusal(f"{name} cannot be raised on purpose: it is a sign of Python's own")
    try:
        found("a text")
    except Exception as error:  # noqa: BLE001 - it is a constructor of somebody's, and may raise anything
        what = f"{name} cannot be made with one text: {error}"
        raise _refusal(what, "an exception whose constructor takes one text") from None
    return found


def invariant_or_check(name: str, names: Names) -> Any:
    """Returns the invariant that `module:Class` means, or the function of the run that `module:function` does.

    Raises TreeError, whose one problem has no position.
    """
    found = names.class_or_function(name)
    if isinstance(found, type):
        if not callable(getattr(found, "violated", None)):
            legal = "a subclass of treeward.chaos.invariants.Invariant, or a function of the run"
            raise _refusal(f"{name} is no invariant", legal)
    else:
        _check_takes_one(name, found)
    return found


def mentioned(plan: Mapping[str, Any]) -> Iterator[tuple[Location, Callable[[Names], object]]]:
    """Yields the place of each name in a plan, as plain data, with what looks for what it means.

    What looks for it raises TreeError if there is nothing. What is no name at all is passed over.
    """
    for index, fault in enumerate(items_of(plan.get("faults"))):
        for name in _exceptions_in(_program_of(fault)):
            yield ("faults", index, "do"), partial(exception_class, name)
    for index, name in enumerate(items_of(plan.get("invariants"))):
        if is_long_name(name):
            yield ("invariants", index), partial(invariant_or_check, name)
    functions: dict[Location, Any] = {
        ("parity", "facts"): get(plan.get("parity"), "facts"),
        ("setup",): plan.get("setup"),
    }
    for location, function in functions.items():
        if is_long_name(function):
            yield location, partial(_function_of_one, function)


def _program_of(fault: Any) -> Program | None:
    return program_or_none(fault.get("do")) if isinstance(fault, dict) else None


def _exceptions_in(program: Program | None) -> Iterator[str]:
    for term in program.terms if program else ():
        yield from _exceptions_of(term.action)


def _exceptions_of(action: Action) -> Iterator[str]:
    """Yields the names that stand where an action takes an exception."""
    kind = ACTIONS.get(action.name)
    for index, argument in enumerate(kind.arguments if kind else ()):
        if argument.read is exception:
            value = action.args[index] if index < len(action.args) else action.options.get(argument.name)
            if is_exception_name(value):
                yield value


def _function_of_one(name: str, names: Names) -> None:
    """Looks for a function, and at whether it can be called with one argument."""
    _check_takes_one(name, names.function(name))


def _check_takes_one(name: str, function: Callable[..., Any]) -> None:
    try:
        inspect.signature(function).bind("one")
    except TypeError:
        raise _refusal(f"{name} cannot be called with one argument", "a function of one argument") from None


def _refusal(what: str, legal: str = "") -> TreeError:
    return TreeError([Problem("", 0, 0, what, legal)])
