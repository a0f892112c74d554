"""The YAML's JSON Schema, for editors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .nodes import KINDS, NAMED
from .spec import IncludeNode, Tree
from .values import ID

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["json_schema", "schema_of"]

Schema = dict[str, Any]

_REFERENCE: Schema = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
    "description": "A value from the environment: `${NAME}` or `${NAME:-default}`.",
}
_REFERENCE_TO_IT: Schema = {"$ref": "#/$defs/Reference"}
_NAMES: tuple[Schema, ...] = ({"$ref": "#/$defs/PolicyName"}, _REFERENCE_TO_IT)
_POLICY_NAME: Schema = {"type": "string", "pattern": ID, "description": "The name of one under `policies`."}
_NAMEABLE = frozenset({*NAMED, "retry"})
_WRITTEN_OUT = frozenset({"treeward", *KINDS, "include", "as", "with"})
"""Keys whose value is written in the file itself, or is free to be anything."""


def json_schema() -> Schema:
    """Returns the JSON Schema (draft 7) of a tree's YAML.

    Editors find it by a first line such as `# yaml-language-server: $schema=treeward.schema.json`. What it
    accepts is a little more than what `load_tree` does: that a name is known and that fields fit each other
    is not a schema's business.
    """
    schema = schema_of(Tree, "A Treeward tree", "A tree of supervisors and agents.", IncludeNode)
    parts = schema["$defs"]
    parts["PolicyName"] = _POLICY_NAME
    include = {"$ref": "#/$defs/IncludeNode"}
    parts["SupervisorNode"]["properties"]["children"]["items"]["oneOf"].append(include)
    root = schema["properties"]["tree"]
    root["oneOf"] = [*root.pop("allOf"), include]
    return schema


def schema_of(document: type[BaseModel], title: str, description: str, *further: type[BaseModel]) -> Schema:
    """Returns the JSON Schema (draft 7) of a document, with the forms that its values may have in a file.

    `further` are models that are defined beside those that it is made of.
    """
    schema = document.model_json_schema()
    parts: dict[str, Schema] = schema.pop("$defs")
    parts |= {model.__name__: model.model_json_schema() for model in further}
    for part in (schema, *parts.values()):
        part["properties"] = {key: _property(key, value) for key, value in part["properties"].items()}
    told = {"required": ["treeward", *schema["required"]], "title": title, "description": description}
    known = {"$defs": {**parts, "Reference": _REFERENCE}}
    return {"$schema": "http://json-schema.org/draft-07/schema#", **schema, **told, **known}


_ABOUT = ("title", "description", "default", "examples")
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""Pydantic's words for the bounds of numbers that it reads with a function of ours, and JSON Schema's."""


def _property(key: str, schema: Schema) -> Schema:
    """Returns a key's schema, with the other forms that its value may have in a file."""
    schema = {"title": key.replace("_", " ").capitalize(), **_in_its_words(schema)}
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    about: Schema = {word: schema[word] for word in _ABOUT if word in schema}
    value = {word: rule for word, rule in schema.items() if word not in about}
    if key in _WRITTEN_OUT or value.get("type") == "object" or value == {}:
        return schema
    choices = value.pop("anyOf", value.pop("oneOf", None)) or [value]
    if key in _NAMEABLE:
        choices = [*map(_or_names, choices), *_NAMES]
    elif "$ref" in schema:
        return {**about, "allOf": choices}  # draft 7 looks at nothing that stands beside a $ref
    elif not all(map(_takes_references, choices)):
        choices = [*choices, _REFERENCE_TO_IT]
    return {**about, "anyOf": choices} if len(choices) > 1 else schema


def _or_names(rules: Schema) -> Schema:
    """Returns the rules for a list of policies, which may be named there, too; any other rules as they are."""
    items = rules.get("items", {})
    return {**rules, "items": {"anyOf": [items, *_NAMES]}} if "$ref" in items else rules


def _in_its_words(rules: Any) -> Any:
    """Returns rules with the bounds of numbers in JSON Schema's own words, and references in lists of them."""
    if isinstance(rules, list):
        return [_in_its_words(rule) for rule in rules]
    if not isinstance(rules, dict):
        return rules
    told = {word: rule if word in _ABOUT else _in_its_words(rule) for word, rule in rules.items()}
    told = {_BOUNDS.get(word, word): rule for word, rule in told.items()}
    if "items" in told and not _takes_references(told["items"]):
        told["items"] = {"anyOf": [told["items"], _REFERENCE_TO_IT]}
    return told


def _takes_references(rules: Schema) -> bool:
    """Tells whether a text with a reference in it is legal as it is, or none ever is."""
    if rules.get("type") in ("array", "object", "null") or {"$ref", "oneOf"} & rules.keys():
        return True
    if "anyOf" in rules:
        return all(map(_takes_references, rules["anyOf"]))
    return rules.get("type") == "string" and not {"enum", "pattern"} & rules.keys()
