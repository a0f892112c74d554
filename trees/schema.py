"""The YAML's JSON Schema, for editors, and the reference for people that is made from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .policies import POLICY_KINDS
from .rules import KINDS
from .spec import IncludeNode, Tree
from .values import ID, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["json_schema", "reference_markdown"]

Schema = dict[str, Any]

_REFERENCE: Schema = {
    "type": "string",
    "pattern": r"\$\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}",
    "description": "A value from the environment: `${NAME}` or `${NAME:-default}`.",
}
_POLICY_NAME: Schema = {"type": "string", "pattern": ID, "description": "The name of one under `policies`."}
_WRITTEN_OUT = frozenset({"treeward", *KINDS, "include", "as", "with"})
"""Keys whose value is written in the file itself, or is free to be anything."""


def json_schema() -> Schema:
    """Returns the JSON Schema (draft 7) of a tree's YAML.

    Editors find it by a first line such as `# yaml-language-server: $schema=treeward.schema.json`. What it
    accepts is a little more than what `load_tree` does: that a name is known and that fields fit each other
    is not a schema's business.
    """
    schema = Tree.model_json_schema()
    parts: dict[str, Schema] = schema.pop("$defs")
    parts["IncludeNode"] = IncludeNode.model_json_schema()
    for part in (schema, *parts.values()):
        part["properties"] = {key: _property(key, value) for key, value in part["properties"].items()}
    include = {"$ref": "#/$defs/IncludeNode"}
    parts["SupervisorNode"]["properties"]["children"]["items"]["oneOf"].append(include)
    root = schema["properties"]["tree"]
    root["oneOf"] = [*root.pop("allOf"), include]
    schema["required"] = ["treeward", *schema["required"]]
    schema["title"] = "A Treeward tree"
    schema["description"] = "A tree of supervisors and agents."
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        **schema,
        "$defs": {**parts, "Reference": _REFERENCE, "PolicyName": _POLICY_NAME},
    }


_ABOUT = ("title", "description", "default", "examples")


def _property(key: str, schema: Schema) -> Schema:
    """Returns a key's schema, with the other forms that its value may have in a file."""
    schema = {"title": key.replace("_", " ").capitalize(), **schema}
    if "patternProperties" in schema:
        schema["additionalProperties"] = False
    if key in _WRITTEN_OUT or schema.get("type") in ("object", "array"):
        return schema
    about: Schema = {word: schema[word] for word in _ABOUT if word in schema}
    value = {word: rule for word, rule in schema.items() if word not in about}
    choices = value.pop("anyOf", value.pop("oneOf", None)) or [value]
    if key in POLICY_KINDS:
        choices = [*choices, {"$ref": "#/$defs/PolicyName"}]
    elif "$ref" in schema:
        return {**about, "allOf": choices}  # draft 7 looks at nothing that stands beside a $ref
    elif not _is_free_text(value):
        choices = [*choices, {"$ref": "#/$defs/Reference"}]
    return {**about, "anyOf": choices} if len(choices) > 1 else schema


def _is_free_text(rules: Schema) -> bool:
    return rules.get("type") == "string" and not {"enum", "pattern"} & rules.keys()


_SECTIONS = (
    ("Tree", "The document", "A file is one mapping with these keys."),
    ("SupervisorNode", "`supervisor`", ""),
    ("AgentNode", "`agent`", ""),
    ("PoolNode", "`pool`", ""),
    ("DynamicNode", "`dynamic`", ""),
    ("Template", "`child` of a pool or a dynamic supervisor", ""),
    ("IncludeNode", "`include`", ""),
    ("Policies", "`policies`", ""),
    ("Intensity", "`intensity`", ""),
    ("Backoff", "`backoff`", ""),
    ("Mailbox", "`mailbox`", ""),
)

_INTRODUCTION = """\
# The YAML of a tree

This page is made from the JSON Schema that `treeward schema` prints.

```yaml
# yaml-language-server: $schema=treeward.schema.json
treeward: 1
name: support
policies:
  backoff:
    patient: {initial: 1s, max: 2m}
tree:
  supervisor: support
  strategy: rest_for_one
  children:
    - agent: payments
      use: my_package.payments:PaymentsDesk
      with: {database: support.db}
    - supervisor: specialists
      backoff: patient
      children:
        - agent: billing
          use: my_package.billing:Billing
          with: {api_key: "${BILLING_KEY}"}
          handles: [billing_dispute]
          reads: [customer_id, subscription]
          tools: [payments.*]
          timeout: 30s
entry: billing
```

A node is told by the first of its keys that is one of `supervisor`, `agent`, `pool`, `dynamic` and `include`;
the value of that key is its id. Ids begin with a lower-case letter and go on with lower-case letters, digits,
`-` and `_`. A node's path is made of the ids from the root: `support/specialists/billing`.

A key that is not listed here is an error, and so is a key that is given twice.

## Values

**Durations** are `500ms`, `30s`, `2m`, `1h`, or a number of seconds.

**Plain words** mean what they look like (the core schema of YAML 1.2): `on`, `yes` and `12:30` are texts.
Tags, merge keys (`<<`) and several documents in a file are refused; anchors and aliases work within limits.

**The environment**: `${NAME}` in a value is replaced by that variable, `${NAME:-default}` has a default for
one that is unset or empty, and `$${` stands for the characters themselves. Within `{ }` and `[ ]` such a
value needs quotes. What comes from the environment is a text; where a number, a switch or a duration is
wanted it is read as one. It is shown as it was written wherever the tree is shown. An id cannot come from the
environment.

**Policies** are written once under `policies` and named at the nodes. A name is known in its own file only.

**Classes**: `use` is a short name that Treeward or an installed package registers (entry point group
`treeward.agents`), or `module:Class` where the module is allowed (`--allow my_package`,
`allow=["my_package"]`). `with` is checked against the class's constructor.

**Limits**: a file has at most 1,000,000 bytes and 50 levels; a tree has at most 100 includes, 10 of them in a
row.
"""


def reference_markdown() -> str:
    """Returns the reference of the YAML as Markdown: each key with its values, its default, its meaning."""
    schema = json_schema()
    models: dict[str, Schema] = {"Tree": schema, **schema["$defs"]}
    sections = ("\n".join(_section(models[name], title, text)) for name, title, text in _SECTIONS)
    return "\n".join([_INTRODUCTION, *sections])


def _section(model: Schema, title: str, text: str) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{text or model['description']}\n"
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    required = model.get("required", ())
    for key, value in model["properties"].items():
        default = "*required*" if key in required else _default(key, value)
        cells = (f"`{key}`", _values(value), default, value.get("description", ""))
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""


_DURATION = "duration"
_NAMES = {
    "SupervisorNode": "a `supervisor`",
    "IncludeNode": "an `include`",
    "Template": "[a child](#child-of-a-pool-or-a-dynamic-supervisor)",
    "Policies": "[policies](#policies)",
    "Intensity": "[an intensity](#intensity)",
    "Backoff": "[a backoff](#backoff)",
    "Mailbox": "[a mailbox](#mailbox)",
    "PolicyName": "a policy's name",
}
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true`, `false`",
    "object": "mapping",
}


def _values(schema: Mapping[str, Any]) -> str:
    """Returns the forms that a value may have, each once."""
    return ", ".join(dict.fromkeys(_forms(schema)))


def _forms(schema: Mapping[str, Any]) -> Iterator[str]:
    choices = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        yield from [] if name == "Reference" else [_NAMES.get(name, "a node")]
    elif choices:
        numbers = any("ms|s|m|h" in choice.get("pattern", "") for choice in choices)
        for choice in choices:
            yield from [_DURATION] if numbers and choice.get("type") == "number" else _forms(choice)
    elif "enum" in schema or "const" in schema:
        yield from (f"`{word}`" for word in schema.get("enum", [schema.get("const")]))
    elif "ms|s|m|h" in schema.get("pattern", ""):
        yield _DURATION
    elif schema.get("type") == "array":
        yield f"list of {_values(schema['items'])}" if "oneOf" not in schema["items"] else "list of nodes"
    elif schema.get("type") != "null":
        yield "id" if schema.get("pattern") == ID else _bounded(schema)


def _bounded(schema: Mapping[str, Any]) -> str:
    for values in schema.get("patternProperties", {}).values():
        return f"mapping of names to {_values(values)}"
    return f"{_TYPES[schema['type']]}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most = schema.get("minimum"), schema.get("maximum")
    if most is not None:
        return f", {least:,} to {most:,}"
    return "" if least is None else f", {least:,} or more"


def _default(key: str, schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if isinstance(default, dict):
        written = ", ".join(f"{name}: {_plain(name, value)}" for name, value in default.items() if value != {})
        return f"`{{{written}}}`" if written else ""
    return "" if default in (None, [], ()) else f"`{_plain(key, default)}`"


def _plain(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(duration_text(value)) if isinstance(value, float) and key != "factor" else f"{value}"
