"""The reference of the YAML for people, made from the JSON Schema: docs/yaml.md."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from .judges import Asked
from .schema import json_schema
from .values import DURATION, ID, LONG_NAME, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["reference_markdown"]

Schema = dict[str, Any]


class _Section(NamedTuple):
    """A table of the reference: the keys of some models, without those of another."""

    title: str
    models: tuple[str, ...]
    text: str = ""
    but: str = ""


_JUDGES = "SchemaJudge", "RulesJudge", "ConfidenceJudge", "FunctionJudge", "AgentJudge", "QuorumJudge"
_RUNGS = "RetryRung", "ReviseRung", "RestartRung", "FallbackRung", "EscalateRung", "SkipRung"

_SECTIONS = (
    _Section("The document", ("Tree",), "A file is one mapping with these keys."),
    _Section("`supervisor`", ("SupervisorNode",)),
    _Section("`agent`", ("AgentNode",)),
    _Section("`pool`", ("PoolNode",)),
    _Section("`dynamic`", ("DynamicNode",)),
    _Section("`child` of a pool or a dynamic supervisor", ("Template",)),
    _Section("`include`", ("IncludeNode",)),
    _Section("`policies`", ("Policies",)),
    _Section("`intensity`", ("Intensity",)),
    _Section("`backoff`", ("Backoff",)),
    _Section("`mailbox`", ("Mailbox",)),
    _Section(
        "`recovery`",
        _RUNGS,
        "A ladder is a list of rungs. Each rung is a mapping with one of these keys; all but `fallback` may also stand "
        "as a word, with their defaults. `retry`, `revise` and `restart` come before `fallback`, and behind `escalate` "
        "or `skip` comes nothing.",
    ),
    _Section("`retry`", ("Retry",)),
    _Section("`revise`", ("Revise",)),
    _Section("`restart`", ("Restart",), "A rung. (Of a node, `restart` is a word, see there.)"),
    _Section("`escalate`", ("Escalate",)),
    _Section("`skip`", ("Skip",)),
    _Section(
        "`judges`",
        ("Asked",),
        "A judge is a mapping with one of the keys `schema`, `rules`, `confidence`, `function`, `agent` and `quorum`, "
        "which are below. Each may also have these keys:",
    ),
    _Section("`schema`", ("SchemaJudge",), but="Asked"),
    _Section("`rules`", ("RulesJudge",), but="Asked"),
    _Section("The rules", ("Rules",)),
    _Section("A range", ("Range",)),
    _Section("`confidence`", ("ConfidenceJudge",), but="Asked"),
    _Section("A confidence", ("Confidence",)),
    _Section("`function`", ("FunctionJudge",), but="Asked"),
    _Section("`agent`, a judge", ("AgentJudge",), but="Asked"),
    _Section("`quorum`", ("QuorumJudge",), but="Asked"),
    _Section("`breaker`", ("Breaker",)),
    _Section("`budget`", ("Budget",)),
    _Section("`call` of a budget", ("Limits",)),
    _Section("`health`", ("Health",)),
    _Section("`loops`", ("Loops",)),
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
  breaker:
    model: {failures: 5, within: 2m, cooldown: 30s}
tree:
  supervisor: support
  strategy: rest_for_one
  recovery: [restart, escalate]
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
          judges:
            - {schema: "my_package.schemas:Refund"}
            - {rules: {ranges: {amount: {min: 0, max: 500}}}}
          breaker: model
          recovery: [{retry: 3}, {revise: 2}, {fallback: billing-rules}, {escalate: desk}]
          budget: {cost: 5.0, per: day}
        - agent: billing-rules
          use: my_package.billing:Rules
    - agent: desk
      use: desk
      with: {database: desk.db}
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

**Policies** are written once under `policies` and named at the nodes, and in ladders and judges. A name is known in
its own file only.

**Others** (a fallback, a cheaper variant, a judge, a desk) are named by id or by path. An id means a sibling before
the siblings of the supervisors above, and these before whoever else below them has it; a path means itself.

**Classes**: `use` is a short name that Treeward or an installed package registers (entry point group
`treeward.agents`), or `module:Class` where the module is allowed (`--allow my_package`,
`allow=["my_package"]`). `with` is checked against the class's constructor. Functions and pydantic models are named
as `module:name`, and are behind the same list.

**Limits**: a file has at most 1,000,000 bytes and 50 levels; a tree has at most 100 includes, 10 of them in a
row.
"""


def reference_markdown() -> str:
    """Returns the reference of the YAML as Markdown: each key with its values, its default, its meaning."""
    schema = json_schema()
    models: dict[str, Schema] = {"Tree": schema, "Asked": _asked(schema), **schema["$defs"]}
    sections = ("\n".join(_section(models, section)) for section in _SECTIONS)
    return "\n".join([_INTRODUCTION, *sections])


def _asked(schema: Schema) -> Schema:
    """Returns what the judges have in common."""
    judge = schema["$defs"]["SchemaJudge"]
    return {**judge, "properties": {key: judge["properties"][key] for key in Asked.model_fields}}


def _section(models: Mapping[str, Schema], section: _Section) -> Iterator[str]:
    yield f"## {section.title}\n"
    yield f"{section.text or models[section.models[0]]['description']}\n"
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    others = models[section.but]["properties"] if section.but else {}
    for model in (models[name] for name in section.models):
        for key, value in model["properties"].items():
            if key not in others:
                yield _row(key, value, required=key in model.get("required", ()))
    yield ""


def _row(key: str, value: Schema, *, required: bool) -> str:
    default = "*required*" if required else _default(key, value)
    cells = (f"`{key}`", _values(value), default, value.get("description", ""))
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


_DURATION = "duration"
_NAMES = {
    "SupervisorNode": "a `supervisor`",
    "IncludeNode": "an `include`",
    "Template": "[a child](#child-of-a-pool-or-a-dynamic-supervisor)",
    "Policies": "[policies](#policies)",
    "Intensity": "[an intensity](#intensity)",
    "Backoff": "[a backoff](#backoff)",
    "Mailbox": "[a mailbox](#mailbox)",
    "Retry": "[a retry](#retry)",
    "Revise": "[a revise](#revise)",
    "Restart": "[a restart](#restart)",
    "Escalate": "[an escalate](#escalate)",
    "Skip": "[a skip](#skip)",
    "Rules": "[rules](#the-rules)",
    "Range": "[ranges](#a-range)",
    "Confidence": "[a confidence](#a-confidence)",
    "Breaker": "[a breaker](#breaker)",
    "Budget": "[a budget](#budget)",
    "Limits": "[limits](#call-of-a-budget)",
    "Health": "[a health](#health)",
    "Loops": "[loops](#loops)",
    "PolicyName": "a policy's name",
}
_LISTS = {
    "SupervisorNode": "nodes",
    "RetryRung": "[rungs](#recovery)",
    "SchemaJudge": "[judges](#judges)",
    "Budget": "[budgets](#budget)",
}
"""What a list is of, by the first part that its items may be."""
_TYPES = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "`true`, `false`",
    "object": "mapping",
}


def _values(schema: Mapping[str, Any]) -> str:
    """Returns the forms that a value may have, each once."""
    return ", ".join(dict.fromkeys(_forms(schema))) or "anything"


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
    elif "pattern" in schema:
        yield _PATTERNS[schema["pattern"]]
    elif schema.get("type") == "array":
        yield f"list of {_items(schema['items'])}"
    elif schema.get("type") not in (None, "null"):
        yield _bounded(schema)


_PATTERNS = {DURATION: _DURATION, ID: "id", LONG_NAME: "`module:name`"}


def _items(schema: Mapping[str, Any]) -> str:
    part = _first_part(schema)
    return _LISTS[part] if part in _LISTS else _values(schema)


def _first_part(schema: Mapping[str, Any]) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    choices = [*schema.get("anyOf", ()), *schema.get("oneOf", ())]
    return next(filter(None, map(_first_part, choices)), "")


def _bounded(schema: Mapping[str, Any]) -> str:
    for values in schema.get("patternProperties", {}).values():
        return f"mapping of names to {_values(values).replace('list of', 'lists of')}"
    if isinstance(values := schema.get("additionalProperties"), dict):
        return f"mapping of fields to {_values(values)}"
    return f"{_TYPES[schema['type']]}{_bounds(schema)}"


def _bounds(schema: Mapping[str, Any]) -> str:
    least, most, above = (schema.get(word) for word in ("minimum", "maximum", "exclusiveMinimum"))
    if above is not None:
        return f", more than {above:,}" + ("" if most is None else f" to {most:,}")
    if most is not None:
        return f", {least:,} to {most:,}"
    return "" if least is None else f", {least:,} or more"


def _default(key: str, schema: Mapping[str, Any]) -> str:
    default = schema.get("default")
    if isinstance(default, dict):
        told = {name: value for name, value in default.items() if value not in ({}, None)}
        written = ", ".join(f"{name}: {_plain(name, value)}" for name, value in told.items())
        return f"`{{{written}}}`" if written else ""
    return "" if default in (None, [], (), "") else f"`{_plain(key, default)}`"


_PLAIN_NUMBERS = frozenset({"factor", "demote_at", "accept_at", "least"})
"""Keys of numbers that are no durations."""


def _plain(key: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(duration_text(value)) if isinstance(value, float) and key not in _PLAIN_NUMBERS else f"{value}"
