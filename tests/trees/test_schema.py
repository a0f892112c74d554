"""The JSON Schema and the reference that is made from it."""

# ruff: noqa: E501 - a row of a table is one line

import json
import re

import jsonschema
import pytest

from treeward.trees import guards, judges, ladder
from treeward.trees.load import load_tree
from treeward.trees.policies import Backoff, Intensity, Mailbox, Policies
from treeward.trees.reference import reference_markdown
from treeward.trees.schema import json_schema
from treeward.trees.spec import AgentNode, DynamicNode, IncludeNode, PoolNode, SupervisorNode, Template, Tree

HEAD = "treeward: 1\nname: x\n"


def test_it_is_a_schema():
    """It is one of the draft that editors know."""
    jsonschema.Draft7Validator.check_schema(json_schema())


LEGAL = {
    "the least": "tree: {supervisor: x}",
    "every kind": "tree: {supervisor: x, children: [{agent: a, use: m:C}, {pool: p, size: 2, child: {use: y}}, {dynamic: d}, {supervisor: s}, {include: f.yaml, as: i}]}",
    "an included root": "tree: {include: f.yaml}",
    "durations": "tree: {supervisor: x, shutdown: 30s, intensity: {within: 2m}, backoff: {initial: 0.5, max: 500ms}}",
    "words for durations": "tree: {supervisor: x, shutdown: brutal_kill, backoff: {jitter: full}, children: [{agent: a, use: x, start_timeout: infinity}]}",
    "named policies": "policies: {backoff: {slow: {initial: 1s}}}\ntree: {supervisor: x, backoff: slow, intensity: y}",
    "no backoff": "tree: {supervisor: x, backoff: none}",
    "the environment": "tree: {supervisor: x, shutdown: '${S}', strategy: '${S:-one_for_all}', children: [{pool: p, size: '${N}', significant: '${B}', child: {use: '${U}', timeout: '${N}s'}}]}",
    "arguments": "tree: {supervisor: x, children: [{agent: a, use: x, with: {a: [1, {b: null}]}}]}\nentry: a",
}  # fmt: skip


@pytest.mark.parametrize("text", LEGAL.values(), ids=LEGAL)
def test_what_is_legal(validator, text, as_an_editor_sees_it):
    """What `load_tree` takes, an editor takes."""
    validator.validate(as_an_editor_sees_it(HEAD + text))


ILLEGAL = {
    "no version": "name: x\ntree: {supervisor: x}",
    "another version": "treeward: 2\nname: x\ntree: {supervisor: x}",
    "no tree": HEAD,
    "an unknown key": HEAD + "models: {}\ntree: {supervisor: x}",
    "an agent as root": HEAD + "tree: {agent: a, use: x}",
    "a bad id": HEAD + "tree: {supervisor: X}",
    "an id from the environment": HEAD + "tree: {supervisor: '${X}'}",
    "an unknown key in a node": HEAD + "tree: {supervisor: x, judges: []}",
    "an unknown rung": HEAD + "tree: {supervisor: x, recovery: [{retries: 3}]}",
    "two rungs in one": HEAD + "tree: {supervisor: x, recovery: [{retry: 3, restart: 1}]}",
    "a share above one": HEAD + "tree: {supervisor: x, children: [{agent: a, use: y, breaker: {rate: 2}}]}",
    "a bad word": HEAD + "tree: {supervisor: x, strategy: y}",
    "a bad duration": HEAD + "tree: {supervisor: x, shutdown: 1d}",
    "no time at all": HEAD + "tree: {supervisor: x, intensity: {within: 0}}",
    "a child without use": HEAD + "tree: {supervisor: x, children: [{agent: a}]}",
    "a template with an id": HEAD + "tree: {supervisor: x, children: [{dynamic: d, child: {agent: a, use: x}}]}",
    "Python's name for a key": HEAD + "tree: {supervisor: x, children: [{agent: a, use: x, with_: {}}]}",
    "a size of nothing": HEAD + "tree: {supervisor: x, children: [{pool: p, size: 0, child: {use: x}}]}",
}  # fmt: skip


@pytest.mark.parametrize("text", ILLEGAL.values(), ids=ILLEGAL)
def test_what_is_not_legal(validator, text, as_an_editor_sees_it):
    """What stands in the schema's power to refuse, an editor refuses."""
    assert not validator.is_valid(as_an_editor_sees_it(text))


def test_the_dump_of_a_tree_is_legal(validator):
    """The JSON of a tree is a document of the format."""
    tree = load_tree(HEAD + LEGAL["durations"], check_classes=False)
    validator.validate(json.loads(tree.model_dump_json()))


def test_the_examples_are_legal(validator):
    """Each example that the schema shows in an editor is one of the legal values."""
    schema = json_schema()
    shown = 0
    for part in (schema, *schema["$defs"].values()):
        for key, rules in part.get("properties", {}).items():
            for value in rules.get("examples", []):
                jsonschema.Draft7Validator({**rules, "$defs": schema["$defs"]}).validate(value)
                shown += 1
            assert "description" in rules or key == "policies", f"{part['title']}.{key} says nothing"
    assert shown > 20


def test_every_key_has_its_words():
    """A title and a description for each key, for the editor's pop-up."""
    schema = json_schema()
    for part in (schema, *schema["$defs"].values()):
        assert part["description"]
        for rules in part.get("properties", {}).values():
            assert rules["description"]
            assert rules["title"]


MODELS = [
    Tree,
    SupervisorNode,
    AgentNode,
    PoolNode,
    DynamicNode,
    Template,
    IncludeNode,
    Policies,
    Intensity,
    Backoff,
    Mailbox,
    guards.Breaker,
    guards.Budget,
    guards.Limits,
    guards.Health,
    guards.Loops,
    judges.SchemaJudge,
    judges.RulesJudge,
    judges.Rules,
    judges.Range,
    judges.ConfidenceJudge,
    judges.Confidence,
    judges.FunctionJudge,
    judges.AgentJudge,
    judges.QuorumJudge,
    ladder.RetryRung,
    ladder.Retry,
    ladder.ReviseRung,
    ladder.Revise,
    ladder.RestartRung,
    ladder.Restart,
    ladder.FallbackRung,
    ladder.EscalateRung,
    ladder.Escalate,
    ladder.SkipRung,
    ladder.Skip,
]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_reference_has_every_key(model):
    """Every key of every model stands in the reference, in a row of its table."""
    reference = reference_markdown()
    for name, field in model.model_fields.items():
        assert f"| `{field.validation_alias or name}` |" in reference


@pytest.mark.parametrize(
    "row",
    [
        "| `treeward` | `1` | *required* | The version of this format. |",
        "| `within` | duration | `1m` | The time in which restarts are counted. |",
        "| `intensity` | [an intensity](#intensity), a policy's name | `{restarts: 5, within: 1m}` | How many restarts are too many: a mapping, or the name of one under `policies`. |",
        "| `children` | list of nodes |  | The children, in the order in which they start. |",
        "| `size` | whole number, 1 to 100,000 | *required* | How many children. |",
        "| `backoff` | mapping of names to [a backoff](#backoff) |  | Backoffs by name. |",
        "| `recovery` | mapping of names to lists of [rungs](#recovery) |  | Ladders by name. |",
        "| `retry` | whole number, 1 or more, [a retry](#retry), a policy's name | *required* | The same again, after a wait: how often, a mapping, or the name of one under `policies`. |",
        "| `confidence` | number, more than 0 to 1, [a confidence](#a-confidence) | *required* | How sure the output says that it is: the least that is enough, or a mapping. |",
        "| `schema` | `module:name`, mapping | *required* | What the output has to fit: a pydantic model, as `module:Class` from an allowed module, or a JSON Schema. |",
        "| `ranges` | mapping of fields to [ranges](#a-range) |  | Fields that must be numbers in a range. |",
        "| `weights` | list of number, more than 0 |  | What their votes weigh; all the same if the key is absent. |",
        "| `per` | `task`, `hour`, `day`, `life` | `task` | What one ledger is kept for: each request, each hour or day (UTC), or the runtime's whole life. |",
        "| `output` | anything |  | What is answered in its place; what there is of an output if the key is absent. |",
    ],
)
def test_rows_of_the_reference(row):
    """A row has the key, its values, its default and its meaning."""
    assert row in reference_markdown().split("\n")


def test_the_links_of_the_reference_lead_somewhere():
    """Each link within the page has its heading."""
    reference = reference_markdown()
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in reference.split("\n")
        if line.startswith("#")
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", reference)) <= headings


def test_the_example_of_the_reference_is_a_tree(validator, as_an_editor_sees_it):
    """The tree on the reference's first screen loads."""
    example = reference_markdown().split("```yaml\n")[1].split("```")[0]
    tree = load_tree(example, environ={"BILLING_KEY": "k"}, check_classes=False)
    assert tree.entry_path == "support/specialists/billing"
    validator.validate(as_an_editor_sees_it(example))
