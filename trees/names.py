"""Which class a tree's `use` means: registered short names, and `module:Class` behind an allow-list.

A tree is data, and may come from somebody else: it can name only classes that were installed for it (the
entry point group `treeward.agents`), that ship with Treeward, or that live in a module which the caller
allows; and only classes of actors.
"""

from __future__ import annotations

import importlib
import inspect
from functools import cached_property
from importlib.metadata import entry_points
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NoReturn

import pykka
from pydantic import BaseModel

from ..runtime.errors import describe
from .problems import Problem, TreeError, alternatives, did_you_mean, quoted
from .values import is_long_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

__all__ = ["BUILT_IN", "GROUP", "Names", "imports_of"]

GROUP = "treeward.agents"
"""The entry point group in which installed packages register short names: `name = "module:Class"`."""

BUILT_IN: Mapping[str, str] = MappingProxyType(
    {
        "desk": "treeward.agents.desk:Desk",
        "orchestrator": "treeward.agents.orchestrator:Orchestrator",
        "rules": "treeward.agents.rules:RuleAgent",
    }
)
"""The short names that ship with Treeward. They are imported when a tree uses them."""

_SHIPPED = "treeward.trees.library"
"""The classes of the trees that ship with Treeward."""


class Names:
    """The classes that a tree may use.

    `allow` lists modules and packages whose classes a tree may name in full; `built_in` has short names for
    classes. What an import runs, it runs in the caller's thread.
    """

    def __init__(self, allow: Iterable[str] = (), built_in: Mapping[str, str] = BUILT_IN) -> None:
        self._allow = tuple(allow)
        self._built_in = built_in
        self._found: dict[str, type[pykka.Actor] | TreeError] = {}

    def find(self, use: str) -> type[pykka.Actor]:
        """Returns the class that a short name or `module:Class` means.

        Raises:
            TreeError: it may not be used, or is not there, or is not a class of actors. Its one problem has
            no position.
        """
        found = self._found.get(use)
        if found is None:
            try:
                found = self._find(use)
            except TreeError as refusal:
                found = refusal
            self._found[use] = found
        if isinstance(found, TreeError):
            raise TreeError(found.problems)
        return found

    def function(self, name: str) -> Callable[..., Any]:
        """Returns the function that `module:function` means; behind the same allow-list as classes.

        Raises:
            TreeError: it may not be used, or is not there, or is no function, or was written in a module that
                is not allowed, wherever it was imported. Its one problem has no position.
        """
        function: Callable[..., Any] = self._attribute(name, "function", "module:function", inspect.isfunction)
        return function

    def model(self, name: str) -> type[BaseModel]:
        """Returns the pydantic model that `module:Class` means; behind the same allow-list as other classes.

        Raises:
            TreeError: it may not be used, or is not there, or is no model, or was written in a module that is not
                allowed, wherever it was imported. Its one problem has no position.
        """
        model: type[BaseModel] = self._attribute(name, "pydantic model", "module:Class", _is_model)
        return model

    def exception(self, name: str) -> type[BaseException]:
        """Returns the exception that `module:Class` means; behind the same allow-list as other classes.

        Raises:
            TreeError: it may not be used, or is not there, or is no exception, or was written in a module that is not
                allowed, wherever it was imported. Its one problem has no position.
        """
        exception: type[BaseException] = self._attribute(name, "exception", "module:Class", _is_exception)
        return exception

    def class_or_function(self, name: str) -> Any:
        """Returns the class or the function that `module:name` means; behind the same allow-list as other classes.

        Raises:
            TreeError: it may not be used, or is not there, or is neither, or was written in a module that is not
                allowed, wherever it was imported. Its one problem has no position.
        """
        return self._attribute(name, "class or function", "module:name", _is_class_or_function)

    def _attribute(self, name: str, noun: str, legal: str, fits: Callable[[Any], bool]) -> Any:
        """Returns what `module:name` means, if it is such a thing, and of an allowed module."""
        a_noun = f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"
        module, attribute = self._long(name, a_noun, legal)
        loaded = _imported(module)
        found = getattr(loaded, attribute, None)
        if not fits(found):
            there = [word for word, value in vars(loaded).items() if fits(value)]
            what = f"the module {quoted(module)} has no {noun} {quoted(attribute)}"
            _refuse(what, f"{a_noun} of that module", did_you_mean(attribute, there))
        if not self._is_allowed(found.__module__):
            _refuse(f"{name} is {a_noun} of {quoted(found.__module__)}, which is not allowed")
        return found

    @property
    def short_names(self) -> Mapping[str, str]:
        """Every registered short name, with the class that it stands for."""
        return {**self._installed, **self._built_in}

    @cached_property
    def _installed(self) -> dict[str, str]:
        return {point.name: f"{point.module}:{point.attr}" for point in entry_points(group=GROUP)}

    def _find(self, use: str) -> type[pykka.Actor]:
        if ":" not in use:
            use = self._long_name(use)
            return _actor_class(*use.split(":", 1))
        return _actor_class(*self._long(use, "a class", "a short name or module:Class"))

    def _long(self, name: str, noun: str, legal: str) -> tuple[str, str]:
        """Returns the module and the attribute of a name in full, if the module is allowed."""
        if not is_long_name(name):
            _refuse(f"{quoted(name)} is not the name of {noun}", legal)
        module, attribute = name.split(":")
        if not self._is_allowed(module):
            package = module.partition(".")[0]
            hint = f"allow it with --allow {package}, or allow=[{package!r}]"
            _refuse(f"the module {quoted(module)} is not allowed", f"{noun} from an allowed module", hint)
        return module, attribute

    def _long_name(self, use: str) -> str:
        known = self.short_names
        if use not in known:
            legal = f"one of {', '.join(sorted(known))}, or module:Class" if known else "module:Class"
            _refuse(f"no class is registered as {quoted(use)}", legal, did_you_mean(use, known))
        return known[use]

    def _is_allowed(self, module: str) -> bool:
        return _is_within(module, (_SHIPPED, *self._allow)) or _is_within(
            module, {value.partition(":")[0] for value in self._installed.values()}
        )


def _is_within(module: str, packages: Iterable[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def _is_class_or_function(found: Any) -> bool:
    return inspect.isclass(found) or inspect.isfunction(found)


def imports_of(cls: type) -> tuple[str, ...]:
    """Returns the arguments of a class that a tree writes as `module:function`: its attribute `imports`."""
    return tuple(getattr(cls, "imports", ()))


def _refuse(what: str, legal: str = "", hint: str = "") -> NoReturn:
    raise TreeError([Problem("", 0, 0, what, legal, hint)])


def _actor_class(module: str, name: str) -> type[pykka.Actor]:
    loaded = _imported(module)
    found = getattr(loaded, name, None)
    if found is None:
        actors = [word for word, value in vars(loaded).items() if _is_actor_class(value)]
        there = [word for word in actors if vars(loaded)[word].__module__ == module] or actors
        legal = f"one of {', '.join(sorted(there))}" if there else "a class of actors: the module has none"
        _refuse(f"the module {quoted(module)} has no class {quoted(name)}", legal, did_you_mean(name, there))
    if not _is_actor_class(found):
        _refuse(f"{module}:{name} is not a class of actors", "a subclass of treeward.Actor or of pykka.Actor")
    if inspect.isabstract(found):
        missing = alternatives(sorted(found.__abstractmethods__)).replace(" or ", " and ")
        _refuse(f"{module}:{name} is abstract: it lacks {missing}", "a class that can be instantiated")
    actor: type[pykka.Actor] = found
    return actor


def _is_exception(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _is_model(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, BaseModel)


def _is_actor_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, pykka.Actor)


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            _refuse(f"the module {quoted(module)} cannot be imported: {describe(error)}")
        _refuse(
            f"there is no module {quoted(error.name)}",
            "a module that can be imported",
            f"wanted for {module}",
        )
    except (Exception, SystemExit) as error:  # noqa: BLE001 - it runs the module's own code, which may raise anything
        _refuse(f"the module {quoted(module)} cannot be imported: {describe(error)}")
