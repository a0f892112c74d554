"""What all parts of a tree are made of, and the forms in which a part may be written beside its own.

A part that policies can name may stand as a name. One that mostly says a single thing may stand as that
(`{retry: 3}`). In Python, the supervisors' own value of the same fields does as well.
"""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic_core import PydanticCustomError

from .located import SourceList, SourceMap
from .problems import quoted
from .values import illegal, resolved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import GetJsonSchemaHandler
    from pydantic_core import CoreSchema

__all__ = ["Also", "Filled", "OrOne", "Spec", "known_parts", "no_kind", "otherwise", "own_fields", "policy", "short"]

_KNOWN = "known parts"

_OTHERWISE = {
    "budget": "a mapping, or a list of several",
    "judges": "a list of judges",
    "recovery": "a list of rungs",
    "retry": "a number of tries, or a mapping",
}
"""What may stand in the place of a policy's name, where that is more than a mapping."""


class Spec(BaseModel):
    """The base of all that a tree is made of: frozen, strict, and without room for unknown keys.

    Pydantic puts the fields of the last base first: `class AgentNode(Worker, _Agent)` begins with the key that
    tells an agent.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        populate_by_name=True,
        serialize_by_alias=True,
        defer_build=True,  # most are only ever read as parts of a Tree
    )


class Also:
    """Says in the JSON Schema that a value may have other forms, too."""

    def __init__(self, *forms: Mapping[str, Any]) -> None:
        self.forms = forms

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Returns the schema with the other forms in front."""
        return {"anyOf": [*map(dict, self.forms), handler(core)]}


class OrOne:
    """Says in the JSON Schema that one item may stand in the place of a list of them."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Returns the schema with that of an item in front."""
        several = handler(core)
        return {"anyOf": [dict(several["items"]), several]}


class Filled:
    """Says in the JSON Schema that a list has one item at least."""

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Returns the schema with that."""
        return {**handler(core), "minItems": 1}


def own_fields(value: Any) -> Any:
    """Returns the fields of a supervisor's own value by name; anything else as it is."""
    if not is_dataclass(value) or isinstance(value, type):
        return value
    return {field.name: getattr(value, field.name) for field in fields(value) if field.init}


def otherwise(shelf: str) -> str:
    """Returns what may stand in the place of a policy's name, in words."""
    return _OTHERWISE.get(shelf, "a mapping")


def policy(shelf: str, *words: str) -> WrapValidator:
    """Returns the reader of a part that policies can name: it refuses a name, but not one of the words.

    Names are replaced by what they stand for before a node is validated: one that is left over is unknown. What
    stands for many names is read once, if the context of the validation has a place for it: see `known_parts`.
    """

    def read(value: Any, validate: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
        if isinstance(value, str) and value in words:
            return validate(value)
        if isinstance(value, str) and isinstance(resolved(value), str):
            message = "no policy is named {name}: expected the name of one under policies, or {otherwise}"
            context = {"name": quoted(value), "shelf": shelf, "otherwise": otherwise(shelf)}
            raise PydanticCustomError("policy_name", message, context)
        known = (info.context or {}).get(_KNOWN)
        if known is None or not isinstance(value, SourceMap | SourceList):
            return validate(own_fields(value))
        if (shelf, id(value)) not in known:
            known[shelf, id(value)] = validate(value)
        return known[shelf, id(value)]

    return WrapValidator(read)


def known_parts() -> dict[str, Any]:
    """Returns a context for the validation of one file, in which parts that stand in many places are read once."""
    return {_KNOWN: {}}


def short(key: str, of: type | tuple[type, ...], legal: str) -> BeforeValidator:
    """Returns the reader of a part that may be written as the value of one of its keys.

    `of` are the types of that value; `legal` says which forms there are.
    """

    def read(value: Any) -> Any:
        plain = value if of is str else resolved(value)
        if isinstance(plain, of) and not isinstance(plain, bool):
            return {key: value}
        if isinstance(value, dict | Spec):
            return value
        raise illegal(legal)

    return BeforeValidator(read)


def no_kind(noun: str, kinds: tuple[str, ...]) -> PydanticCustomError:
    """Returns the error of what ought to be one of several kinds, each told by a key, and has none of the keys."""
    legal = f"a mapping with one of the keys {', '.join(kinds)}"
    return PydanticCustomError("no_kind", "expected {legal}", {"noun": noun, "kinds": kinds, "legal": legal})
