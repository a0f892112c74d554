"""From pydantic's errors to problems: the same words for the same fault, at its place in the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .environment import FromEnvironment
from .located import SourceMap, locate
from .policies import Backoff, Intensity, Mailbox, Policies
from .problems import Problem, alternatives, did_you_mean, quoted
from .rules import KINDS
from .spec import AgentNode, DynamicNode, IncludeNode, PoolNode, SupervisorNode, Template, Tree
from .values import ID, ID_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pydantic import BaseModel
    from pydantic_core import ErrorDetails

    from .located import Location

__all__ = ["bad_value", "given", "keys_of", "problems_of"]

_NODES: dict[str, type[BaseModel]] = {
    f"{model.kind} node": model for model in (SupervisorNode, DynamicNode, PoolNode, AgentNode)
}
_BRANCHES = {*_NODES, "backoff mapping", "word"}
"""Steps in pydantic's locations that name the branch of a union, and are no keys of the file."""

_PARTS: dict[str, type[BaseModel]] = {
    "intensity": Intensity,
    "backoff": Backoff,
    "mailbox": Mailbox,
    "policies": Policies,
    "child": Template,
}

_OWNERS: dict[type[BaseModel], str] = {
    Tree: "a tree",
    SupervisorNode: "a supervisor",
    DynamicNode: "a dynamic supervisor",
    PoolNode: "a pool",
    AgentNode: "an agent",
    IncludeNode: "an include",
    Template: "a child of a pool or a dynamic supervisor",
    Policies: "policies",
    Intensity: "an intensity",
    Backoff: "a backoff",
    Mailbox: "a mailbox",
}

_WANTED = {
    "string_type": "text",
    "string_too_short": "text that is not empty",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}

_MISSING = {
    "use": "use: and a short name or module:Class",
    "name": "name: and the tree's name",
    "tree": "tree: and the root supervisor",
    "child": "child: and what each child is",
    "size": "size: and how many children",
    "capacity": "capacity: and how many messages may wait",
}


def given(value: Any) -> str:
    """Returns a value as a message shows it: short, on one line, and not if it came from the environment."""
    if isinstance(value, FromEnvironment):
        return f"{value!r}, from the environment,"
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    return str(value).lower() if isinstance(value, bool) else quoted(str(value))[1:-1]


def keys_of(model: type[BaseModel]) -> list[str]:
    """Returns the keys that a model takes, as they are written."""
    return [str(field.validation_alias or name) for name, field in model.model_fields.items()]


def problems_of(
    errors: Iterable[ErrorDetails], top: SourceMap, model: type[BaseModel], names: Mapping[str, Any]
) -> list[Problem]:
    """Returns as problems what pydantic says of `top` as a `model`; `names` are the file's own policies."""
    return [_problem(error, top, model, names) for error in errors]


def _problem(error: ErrorDetails, top: SourceMap, model: type[BaseModel], names: Mapping[str, Any]) -> Problem:
    location, kind = error["loc"], error["type"]
    path: Location = tuple(step for step in location if step not in _BRANCHES)
    unknown_key = kind == "extra_forbidden" or location[-1:] == ("[key]",)
    if location[-1:] == ("[key]",):
        path = path[:-1]
    place = locate(top, path, key=unknown_key)
    if kind == "extra_forbidden":
        words = _unknown_key(str(path[-1]), location[:-1], model)
    elif kind == "missing":
        words = _missing_key(str(path[-1]), _model_at(location[:-1], model))
    elif kind == "policy_name":
        words = _unknown_policy(str(path[-1]), error["input"], names)
    else:
        words = bad_value(error, _name(path))
    return Problem(*place, *words)


def _unknown_key(key: str, around: Location, model: type[BaseModel]) -> tuple[str, str, str]:
    owner = _model_at(around, model)
    legal = keys_of(owner)
    return (
        f"{quoted(key)} is not a key of {_OWNERS[owner]}",
        f"one of {', '.join(legal)}",
        did_you_mean(key, legal),
    )


def _model_at(around: Location, model: type[BaseModel]) -> type[BaseModel]:
    """Returns the model whose keys stand at a location: that of the last step that says."""
    found = model
    for before, step in zip(("", *around), around, strict=False):
        if step in _NODES:
            found = _NODES[str(step)]
        elif step == "tree" and before == "":
            found = SupervisorNode
        elif before != "policies" and step in _PARTS:
            found = _PARTS[str(step)]
        elif before == "policies":
            found = _PARTS.get(str(step), found)
    return found


def _missing_key(key: str, owner: type[BaseModel]) -> tuple[str, str, str]:
    return f"{quoted(key)} is missing in {_OWNERS[owner]}", _MISSING.get(key, ""), ""


def _unknown_policy(field: str, name: Any, policies: Mapping[str, Any]) -> tuple[str, str, str]:
    shelf = policies.get(field)
    known = sorted(shelf) if isinstance(shelf, dict) else []
    if field == "backoff" and "none" not in known:
        known.append("none")
    legal = f"{alternatives(known)}, or a mapping" if known else "a mapping: there is none under policies"
    return f"{given(name)} is not the name of a policy for {field}", legal, did_you_mean(name, known)


def _name(path: Sequence[str | int]) -> str:
    """Returns the words for what stands at a path: its key, and for an item the key of its list."""
    if path and isinstance(path[-1], int):
        return f"an item of {path[-2]}" if len(path) > 1 else "an item"
    return str(path[-1]) if path else "the tree"


def bad_value(error: ErrorDetails, name: str) -> tuple[str, str, str]:
    """Returns what is wrong with a value, what is legal, and the hint, for what pydantic says about it."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    what = f"{name} is {given(value)}".removesuffix(",")
    if kind == "literal_error":
        expected = str(context["expected"])
        words = expected.split("'")[1::2] or [expected]
        return what, alternatives(words), did_you_mean(value, words)
    if kind == "illegal":
        return what, str(context["legal"]), did_you_mean(value, context["words"])
    if kind == "no_kind":
        keys = list(value) if isinstance(value, dict) else []
        near = next(filter(None, (did_you_mean(key, KINDS) for key in keys[:5])), "")
        return f"{name} is no node", f"a mapping with one of the keys {', '.join(KINDS)}", near
    if kind == "root_kind":
        return f"the root of the tree is {context['kind']}", "a supervisor", ""
    if kind in ("value_error", "assertion_error"):
        return f"{what}: {error['msg'].partition(', ')[2]}", "", ""
    return what, _wanted(kind, context) or error["msg"].removeprefix("Input should be ").rstrip("."), ""


def _wanted(kind: str, context: Mapping[str, Any]) -> str:
    if kind == "string_pattern_mismatch" and context["pattern"] == ID:
        return ID_WORDS
    if kind == "string_too_long":
        return f"at most {context['max_length']} characters"
    if kind == "greater_than_equal":
        return f"{context['ge']:g} or more"
    if kind == "less_than_equal":
        return f"{context['le']:,} or less"
    return _WANTED.get(kind, "")
