"""Whether a node's `with` fits its class: by its signature, or by its own `Settings` model."""

from __future__ import annotations

import collections.abc
import inspect
import typing
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails

from ..runtime.actor import Actor
from ..runtime.errors import describe
from .messages import bad_value, keys_of
from .problems import Problem, TreeError, did_you_mean, quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pykka
    from pydantic_core import ErrorDetails

    from .located import Location

__all__ = ["Misfit", "Parameters", "parameters_of"]


class Misfit(NamedTuple):
    """What is wrong with one of the arguments; `location` leads to it from the top of `with`."""

    location: Location
    what: str
    legal: str = ""
    hint: str = ""
    at_key: bool = False


@lru_cache(maxsize=1024)
def parameters_of(cls: type[pykka.Actor]) -> Parameters:
    """Returns what a class takes from `with`."""
    return Parameters(cls)


class Parameters:
    """What the constructor of a class of actors can be given in a tree.

    A class with a pydantic model as its attribute `Settings` is checked by that model. Any other is checked
    by the signature of its `__init__`: each argument by its annotation, if that can be made sense of. Texts
    are converted as pydantic does it, because values from the environment are always texts.
    """

    def __init__(self, cls: type[pykka.Actor]) -> None:
        self._cls = cls
        settings = getattr(cls, "Settings", None)
        self._settings = settings if isinstance(settings, type) and issubclass(settings, BaseModel) else None
        self._named, self._others = _signature(cls)
        self._types = _annotations(cls)
        self._readers: dict[str, TypeAdapter[Any] | None] = {}

    def misfits(self, given: Mapping[str, Any]) -> list[Misfit]:
        """Returns what is wrong with these arguments, all at once; nothing if they fit."""
        return list(self._misfits(given, {}))

    def convert(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the arguments by keyword, converted to what the class declares.

        A class with `Settings` gets them as `settings` if its `__init__` has that parameter, else field by
        field.

        Raises:
            TreeError: they do not fit. Its problems have no position.
        """
        converted: dict[str, Any] = {}
        misfits = list(self._misfits(given, converted))
        if misfits:
            raise TreeError(Problem("", 0, 0, *misfit[1:4]) for misfit in misfits)
        return converted

    def _misfits(self, given: Mapping[str, Any], converted: dict[str, Any]) -> Iterator[Misfit]:
        if self._settings is not None:
            yield from self._by_settings(self._settings, given, converted)
            return
        for name, value in given.items():
            if name in self._named:
                yield from self._read(name, value, converted)
            elif not self._takes(name, value, converted):
                yield self._unknown((name,), list(self._named))
        for name, parameter in self._named.items():
            if parameter.default is parameter.empty and name not in given:
                yield Misfit((), f"{self._cls.__name__} needs the argument {quoted(name)}")

    def _by_settings(
        self, model: type[BaseModel], given: Mapping[str, Any], converted: dict[str, Any]
    ) -> Iterator[Misfit]:
        try:
            settings = _checked(model.model_validate, dict(given))
        except ValidationError as error:
            yield from (self._explained(detail) for detail in error.errors())
            return
        extra = {} if model.model_config.get("extra") else {key for key in given if key not in keys_of(model)}
        yield from (self._unknown((key,), keys_of(model)) for key in extra)
        whole = "settings" in self._named
        fields = {name: getattr(settings, name) for name in type(settings).model_fields}
        converted.update({"settings": settings} if whole else fields)

    def _takes(self, name: str, value: Any, converted: dict[str, Any]) -> bool:
        """Tells whether an argument without a name of its own goes into the constructor's `**others`."""
        if self._others is None:
            return False
        reader = self._reader(self._others)
        try:
            converted[name] = value if reader is None else _checked(reader.validate_python, value)
        except ValidationError:
            return False
        return True

    def _read(self, name: str, value: Any, converted: dict[str, Any]) -> Iterator[Misfit]:
        reader = self._reader(name)
        if reader is None:
            converted[name] = value
            return
        try:
            converted[name] = _checked(reader.validate_python, value)
        except ValidationError as error:
            details: list[Any] = error.errors()
            yield from (self._explained({**detail, "loc": (name, *detail["loc"])}) for detail in details)

    def _explained(self, error: ErrorDetails | Any) -> Misfit:
        location: Location = error["loc"]
        if error["type"] == "extra_forbidden":
            return self._unknown(location, keys_of(self._settings) if self._settings and len(location) == 1 else [])
        if error["type"] == "missing":
            return Misfit(location[:-1], f"{self._cls.__name__} needs the argument {quoted(str(location[-1]))}")
        if not location:
            return Misfit((), f"{self._cls.__name__} refuses its arguments: {error['msg'].partition(', ')[2]}")
        name = ".".join(map(str, location))
        return Misfit(location, *bad_value(error, f"the argument {name} of {self._cls.__name__}"))

    def _unknown(self, location: Location, legal: list[str]) -> Misfit:
        name = str(location[-1])
        words = f"one of {', '.join(legal)}" if legal else ""
        if not legal and len(location) == 1:
            words = "no arguments"
        what = f"{self._cls.__name__} has no argument {quoted(name)}"
        return Misfit(location, what, words, did_you_mean(name, legal), at_key=True)

    def _reader(self, name: str) -> TypeAdapter[Any] | None:
        if name not in self._readers:
            self._readers[name] = _reader_of(self._types.get(name, Any))
        return self._readers[name]


def _signature(cls: type[pykka.Actor]) -> tuple[dict[str, inspect.Parameter], str | None]:
    """Returns the parameters that can be given by name, and the name of the one that takes all others."""
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    if owner is Actor or owner.__module__.partition(".")[0] == "pykka":
        return {}, None  # their constructors take anything, and ignore it
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = {p.name: p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)}
    return named, next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)


_USUAL = {**vars(typing), **vars(collections.abc), "Path": Path}
"""Names that modules often import for their annotations only: they are not there while the program runs."""


def _annotations(cls: type[pykka.Actor]) -> dict[str, Any]:
    """Returns the types of the parameters, without those that cannot be known while the program runs."""
    init: Any = cls.__init__
    names = {**_USUAL, **getattr(init, "__globals__", {})}
    known: dict[str, Any] = {}
    for name, annotation in getattr(init, "__annotations__", {}).items():
        lone = type("_Lone", (), {"__annotations__": {name: annotation}})
        try:
            known |= typing.get_type_hints(lone, names, include_extras=True)
        except (NameError, TypeError, AttributeError, SyntaxError):
            continue
    return known


def _checked(validate: Callable[[Any], Any], value: Any) -> Any:
    try:
        return validate(value)
    except ValidationError:
        raise
    except Exception as error:  # a validator is the class's own code, and may raise anything
        details = InitErrorDetails(type="value_error", input=value, ctx={"error": describe(error)})
        raise ValidationError.from_exception_data("validator", [details]) from error


def _reader_of(annotation: Any) -> TypeAdapter[Any] | None:
    """Returns what reads a value of that type, or None where pydantic can make nothing of it."""
    if annotation in (Any, inspect.Parameter.empty):
        return None
    for config in (None, ConfigDict(arbitrary_types_allowed=True)):
        try:
            reader: TypeAdapter[Any] = TypeAdapter(annotation, config=config)
        except (PydanticUserError, NameError):
            continue
        return reader if reader.pydantic_complete else None
    return None
