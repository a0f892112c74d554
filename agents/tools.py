"""Tools: typed Python functions that agents may call. The signature is the schema.

    @tool
    def today() -> date: ...

    class Payments(Agent):
        @tool(effect=True)
        async def refund(self, payment: int, reason: str, key: IdempotencyKey) -> Refund: ...

An agent with the id `payments` offers this as `payments.refund`; a function is named after its module,
`dates.today`, or as its decorator says. The decorated function itself stays what it was, and can be called
directly.

Arguments and results cross refs, so they are plain data: what a caller passes goes through JSON into the
parameter's type (strictly: "7" is no int, but "2026-03-01" is a date), and what it gets is the result as
JSON has it.
"""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NewType, TypeVar, cast, get_type_hints, overload

from pydantic import (
    PydanticSchemaGenerationError,
    PydanticUndefinedAnnotation,
    PydanticUserError,
    TypeAdapter,
    ValidationError,
)
from pydantic_core import PydanticSerializationError, to_jsonable_python

from ..supervisors.breakers.breaker import BreakerSpec
from .errors import InvalidArguments, InvalidResult, InvalidTool

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["FUNCTIONS", "IdempotencyKey", "ToolSpec", "plain_arguments", "tool", "tool_of"]

IdempotencyKey = NewType("IdempotencyKey", str)
"""The type of a parameter that receives the call's key, the same whenever a step of a task is done again."""

FUNCTIONS: dict[str, ToolSpec] = {}
"""The functions that are tools, by name. The decorator enters them, so importing their module does."""

F = TypeVar("F", bound="Callable[..., Any]")

_MARK = "__treeward_tool__"
_SHOWN = 100


@dataclass(frozen=True)
class ToolSpec:
    """A function, as those who call it see it.

    Attributes:
        name: the full name of a function; of a method the part after its agent's namespace.
        function: what was decorated.
        effect: whether it changes something outside, so that doing it twice would matter.
        attribute: of a method, its name in the class; None for a function.
        breaker: in front of it; None: that of its owner's profile, if there is one.
    """

    name: str
    function: Callable[..., Any]
    effect: bool = False
    attribute: str | None = None
    breaker: BreakerSpec | None = None

    @property
    def description(self) -> str:
        """The function's docstring."""
        return inspect.getdoc(self.function) or ""

    @cached_property
    def key_parameter(self) -> str | None:
        """The parameter that receives the idempotency key; callers do not see it."""
        return next((name for name, hint in self._hints.items() if hint is IdempotencyKey), None)

    @cached_property
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the arguments: one object, nothing but the declared properties."""
        return self._arguments.json_schema()

    @cached_property
    def result_schema(self) -> dict[str, Any]:
        """The JSON Schema of the result."""
        return self._result.json_schema(mode="serialization")

    def check(self) -> None:
        """Raises `InvalidTool` if the signature makes no schema, or an effect has no key."""
        self._arguments, self._result  # noqa: B018 - a fault shows at the start, not at the first call
        if self.effect and self.key_parameter is None:
            raise InvalidTool(self.name, "it has an effect, so it needs a parameter such as `key: IdempotencyKey`")

    def bind(self, arguments: Mapping[str, Any], name: str, key: str) -> dict[str, Any]:
        """Returns the keyword arguments for the function, typed, the idempotency key among them.

        Raises:
            InvalidArguments: they do not fit the schema. `name` is the tool's full name, for the message.
        """
        try:
            bound = self._arguments.validate_json(json.dumps(dict(arguments)), strict=True)
        except ValidationError as error:
            raise InvalidArguments(name, _problems(error), self.signature) from None
        if self.key_parameter is not None:
            bound[self.key_parameter] = IdempotencyKey(key)
        return cast("dict[str, Any]", bound)

    def plain(self, result: Any) -> Any:
        """Returns a result as JSON has it. Raises `InvalidResult` if it is not of the declared type."""
        try:
            return self._result.dump_python(self._result.validate_python(result, strict=True), mode="json")
        except ValidationError as error:
            raise InvalidResult(self.name, "; ".join(_problems(error))) from error
        except PydanticSerializationError as error:
            raise InvalidResult(self.name, str(error)) from error

    @cached_property
    def signature(self) -> str:
        """The parameters that a caller gives, as Python writes them: `payment: int, reason: str = ''`."""
        plain = get_type_hints(self.function)
        return ", ".join(str(p.replace(annotation=plain[p.name])) for p in self._parameters)

    @cached_property
    def _hints(self) -> dict[str, Any]:
        try:
            return get_type_hints(self.function, include_extras=True)
        except NameError as error:
            problem = f"{error.name!r} is not known at run time: import it outside `if TYPE_CHECKING:`"
            raise InvalidTool(self.name, problem) from error

    @cached_property
    def _parameters(self) -> list[inspect.Parameter]:
        """The parameters that callers see, each by keyword."""
        found = list(inspect.signature(self.function).parameters.values())[self.attribute is not None :]
        seen = [p for p in found if p.name != self.key_parameter]
        for parameter in seen:
            if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
                raise InvalidTool(self.name, f"its parameter {parameter} has no name to give it by: write it out")
            if parameter.name not in self._hints:
                raise InvalidTool(self.name, f"its parameter {parameter.name!r} has no type: annotate it")
        return [p.replace(kind=p.KEYWORD_ONLY) for p in seen]

    @cached_property
    def _arguments(self) -> TypeAdapter[Any]:
        """Validates arguments: pydantic reads the signature of a function that only returns them."""

        def arguments(**given: Any) -> dict[str, Any]:
            return given

        arguments.__signature__ = inspect.Signature(self._parameters)  # type: ignore[attr-defined]
        arguments.__annotations__ = {p.name: self._hints[p.name] for p in self._parameters}
        return self._adapter(arguments)

    @cached_property
    def _result(self) -> TypeAdapter[Any]:
        if "return" not in self._hints:
            raise InvalidTool(self.name, "it does not say what it returns: annotate it, `-> None` if nothing")
        return self._adapter(self._hints["return"])

    def _adapter(self, type_: Any) -> TypeAdapter[Any]:
        try:
            adapter = TypeAdapter(type_)
            adapter.rebuild(force=not adapter.pydantic_complete)
        except PydanticUndefinedAnnotation as error:
            problem = f"{error}".partition("\n")[0] + " at run time: import it outside `if TYPE_CHECKING:`"
            raise InvalidTool(self.name, problem) from error
        except (PydanticSchemaGenerationError, PydanticUserError) as error:
            raise InvalidTool(self.name, str(error).partition("\n")[0]) from error
        return adapter


@overload
def tool(function: F, /) -> F: ...


@overload
def tool(*, name: str | None = None, effect: bool = False, breaker: BreakerSpec | None = None) -> Callable[[F], F]: ...


def tool(
    function: Any = None, /, *, name: str | None = None, effect: bool = False, breaker: BreakerSpec | None = None
) -> Any:
    """Declares a function, or a method of an agent, to be a tool.

    Args:
        function: the function, where the decorator is used without arguments.
        name: instead of the method's own name, or of a function's `module.function`.
        effect: it changes something outside. It then has a parameter of the type `IdempotencyKey`, and does a
            thing once for each key: a call that is given again after a crash comes with the same one.
        breaker: a circuit breaker in front of it, the same for all who call it.

    A method runs in its agent, one call at a time as every message; a function in the agent that calls it.

    Raises:
        InvalidTool: the name of a function is taken by another function, or `breaker` is no `BreakerSpec`.
    """
    if function is None:
        return lambda function: tool_marked(function, name, effect=effect, breaker=breaker)
    return tool_marked(function, name, effect=effect)


def tool_marked(function: F, name: str | None, *, effect: bool, breaker: BreakerSpec | None = None) -> F:
    """Notes the specification on the function, and enters it in `FUNCTIONS` if it is not a method."""
    is_method = next(iter(inspect.signature(function).parameters), None) == "self"
    attribute = function.__name__ if is_method else None
    full = attribute or f"{function.__module__.rpartition('.')[2]}.{function.__name__}"
    spec = ToolSpec(name or full, function, effect, attribute, breaker)
    if not isinstance(breaker, BreakerSpec | None):
        raise InvalidTool(spec.name, f"its breaker is {breaker!r}: expected a BreakerSpec")
    if not is_method:
        _enter(spec)
    vars(function)[_MARK] = spec
    return function


def tool_of(member: object) -> ToolSpec | None:
    """Returns the specification that `tool` left on a function, or None."""
    return getattr(member, _MARK, None)


def _enter(spec: ToolSpec) -> None:
    other = FUNCTIONS.get(spec.name)
    if other is not None and _place(other) != _place(spec):
        raise InvalidTool(spec.name, f"the name is taken by {_place(other)}: give one of them `@tool(name=...)`")
    FUNCTIONS[spec.name] = spec


def _place(spec: ToolSpec) -> str:
    return f"{spec.function.__module__}.{spec.function.__qualname__}"


def plain_arguments(tool: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Returns arguments as JSON has them. Raises `InvalidArguments` for what JSON cannot hold."""
    try:
        return cast("dict[str, Any]", to_jsonable_python(dict(arguments)))
    except PydanticSerializationError as error:
        raise InvalidArguments(tool, (str(error),), "what JSON can hold") from None


def _problems(error: ValidationError) -> tuple[str, ...]:
    """Says of each fault which argument it is, what was given and what is expected."""
    return tuple(
        f"{'.'.join(map(str, fault['loc'])) or 'the value'} {_fault(fault)}"
        for fault in error.errors(include_url=False)
    )


def _fault(fault: Any) -> str:
    match fault["type"]:
        case "missing_keyword_only_argument" | "missing":
            return "is missing"
        case "unexpected_keyword_argument":
            return "is not a parameter of it"
        case _:
            given = repr(fault["input"])
            shown = given if len(given) <= _SHOWN else f"{given[:_SHOWN]}..."
            return f"is {shown}: {fault['msg'][0].lower()}{fault['msg'][1:]}"
