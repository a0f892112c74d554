"""The reference of the YAML for people, made from the JSON Schema: docs/yaml.md."""

from __future__ import annotations

from typing import Any

from .judges import Asked
from .schema import json_schema
from .tables import Section, Tables

__all__ = ["reference_markdown"]

Schema = dict[str, Any]


_JUDGES = "SchemaJudge", "RulesJudge", "ConfidenceJudge", "FunctionJudge", "AgentJudge", "QuorumJudge"
_RUNGS = "RetryRung", "ReviseRung", "RestartRung", "FallbackRung", "EscalateRung", "SkipRung"

_SECTIONS = (
    Section("The document", ("Tree",), "A file is one mapping with these keys."),
    Section("`supervisor`", ("SupervisorNode",)),
    Section("`agent`", ("AgentNode",)),
    Section("`pool`", ("PoolNode",)),
    Section("`dynamic`", ("DynamicNode",)),
    Section("`child` of a pool or a dynamic supervisor", ("Template",)),
    Section("`include`", ("IncludeNode",)),
    Section("`policies`", ("Policies",)),
    Section("`intensity`", ("Intensity",)),
    Section("`backoff`", ("Backoff",)),
    Section("`mailbox`", ("Mailbox",)),
    Section(
        "`recovery`",
        _RUNGS,
        "A ladder is a list of rungs. Each rung is a mapping with one of these keys; all but `fallback` may also stand "
        "as a word, with their defaults. `retry`, `revise` and `restart` come before `fallback`, and behind `escalate` "
        "or `skip` comes nothing.",
    ),
    Section("`retry`", ("Retry",)),
    Section("`revise`", ("Revise",)),
    Section("`restart`", ("Restart",), "A rung. (Of a node, `restart` is a word, see there.)"),
    Section("`escalate`", ("Escalate",)),
    Section("`skip`", ("Skip",)),
    Section(
        "`judges`",
        ("Asked",),
        "A judge is a mapping with one of the keys `schema`, `rules`, `confidence`, `function`, `agent` and `quorum`, "
        "which are below. Each may also have these keys:",
    ),
    Section("`schema`", ("SchemaJudge",), but="Asked"),
    Section("`rules`", ("RulesJudge",), but="Asked"),
    Section("The rules", ("Rules",)),
    Section("A range", ("Range",)),
    Section("`confidence`", ("ConfidenceJudge",), but="Asked"),
    Section("A confidence", ("Confidence",)),
    Section("`function`", ("FunctionJudge",), but="Asked"),
    Section("`agent`, a judge", ("AgentJudge",), but="Asked"),
    Section("`quorum`", ("QuorumJudge",), but="Asked"),
    Section("`breaker`", ("Breaker",)),
    Section("`budget`", ("Budget",)),
    Section("`call` of a budget", ("Limits",)),
    Section("`health`", ("Health",)),
    Section("`loops`", ("Loops",)),
    Section("`chaos`", ("ChaosRules",)),
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


def reference_markdown() -> str:
    """Returns the reference of the YAML as Markdown: each key with its values, its default, its meaning."""
    schema = json_schema()
    models: dict[str, Schema] = {"Tree": schema, "Asked": _asked(schema), **schema["$defs"]}
    tables = Tables(models, _NAMES, _LISTS)
    return "\n".join([_INTRODUCTION, *map(tables.section, _SECTIONS)])


def _asked(schema: Schema) -> Schema:
    """Returns what the judges have in common."""
    judge = schema["$defs"]["SchemaJudge"]
    return {**judge, "properties": {key: judge["properties"][key] for key in Asked.model_fields}}
