"""Any tree is the same after a way through YAML; any bytes are a tree or a list of problems."""

# ruff: noqa: E501 - a row of a table is one line

import json
import string

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from treeward.trees import guards, judges, ladder, source
from treeward.trees.diff import diff
from treeward.trees.environment import FromEnvironment
from treeward.trees.export import to_yaml
from treeward.trees.load import load_tree
from treeward.trees.names import Names
from treeward.trees.policies import Backoff, Intensity, Mailbox, Policies
from treeward.trees.problems import TreeError
from treeward.trees.render import FORMATS, render
from treeward.trees.spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Template, Tree
from treeward.trees.work import Works

ENVIRON = {"KEY": "hunter2", "URL": "http://x", "EMPTY": ""}

odd_words = st.sampled_from(
    ["on", "12:30", "010", "1e3", "~", "null", "true", "<<", "${", "$${KEY}", "${KEY}", "- x", "#", "a: b", "'", '"', "*a", "&a", "!x", "\n", "\x07", " x ", "0x1F", "=", "%", "@", "`", ".nan"]
)  # fmt: skip
texts = st.one_of(st.text(max_size=20), odd_words)
from_environment = st.sampled_from(["${KEY}", "a ${KEY} ${URL}", "${NONE:-x}", "${KEY}$${"]).map(
    lambda template: FromEnvironment(
        template.replace("$${", "\0").replace("${KEY}", "hunter2").replace("${URL}", "http://x")
        .replace("${NONE:-x}", "x").replace("\0", "${"),
        template,
    )
)  # fmt: skip
words = st.one_of(texts.filter(bool), from_environment)
durations = st.floats(min_value=0.001, max_value=1e9)
data = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), texts, from_environment),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts.filter(lambda key: key != "<<"), inner, max_size=3)),
    max_leaves=8,
)  # fmt: skip
ids = st.text(string.ascii_lowercase + "-_0", min_size=1, max_size=6).map(lambda text: "i" + text)
restarts = st.sampled_from(["permanent", "transient", "temporary"])
shutdowns = st.one_of(durations, st.sampled_from(["brutal_kill", "infinity"]))
mailboxes = st.builds(
    Mailbox, capacity=st.integers(1, 10**6), overflow=st.sampled_from(["wait", "drop_newest", "fail"])
)
intensities = st.builds(Intensity, restarts=st.integers(0, 100), within=durations)
backoffs = st.builds(
    Backoff,
    initial=st.floats(0.01, 10),
    factor=st.floats(1, 10),
    max=st.floats(10, 1000),
    jitter=st.one_of(st.sampled_from(["full", "none"]), durations),
    reset_after=durations,
)

shares = st.floats(0.01, 1)
counts = st.integers(1, 10**6)
breakers = st.builds(
    guards.Breaker,
    failures=counts,
    within=durations,
    rate=st.none() | shares,
    slow=st.none() | durations,
    dear=st.none() | st.floats(0, 100),
    cooldown=st.floats(0.1, 10),
    max_cooldown=st.floats(10, 1000),
)
budgets = st.builds(
    guards.Budget,
    cost=st.floats(1, 1000),
    tokens=st.none() | counts,
    seconds=st.none() | durations,
    per=st.sampled_from(["task", "hour", "day", "life"]),
    call=st.builds(guards.Limits, cost=st.none() | st.floats(0, 1)),
    demote_at=st.floats(0, 1),
)
healths = st.builds(
    guards.Health,
    every=durations,
    errors=st.none() | shares,
    latency=st.none() | durations,
    heartbeat=st.none() | durations,
)
loops = st.builds(
    guards.Loops, visits=st.none() | counts, calls=st.none() | st.integers(1, 7), window=st.integers(8, 99)
)
own_rungs = st.one_of(
    st.builds(ladder.Retry, times=counts, initial=st.floats(0.01, 1), max=st.floats(1, 100), jitter=st.just("full") | durations)
    .map(lambda retry: ladder.RetryRung(retry=retry)),
    st.builds(ladder.Revise, times=counts, changes=st.dictionaries(texts.filter(bool).filter(lambda key: key != "<<"), data, max_size=2))
    .map(lambda revise: ladder.ReviseRung(revise=revise)),
    st.builds(ladder.Restart, times=counts).map(lambda restart: ladder.RestartRung(restart=restart)),
)  # fmt: skip
last_rungs = st.one_of(
    st.builds(ladder.Skip, output=data).map(lambda skip: ladder.SkipRung(skip=skip)),
    st.builds(ladder.Escalate, wait=st.none() | durations).map(lambda escalate: ladder.EscalateRung(escalate=escalate)),
)
ladders = st.tuples(st.lists(own_rungs, max_size=2), st.lists(last_rungs, max_size=1)).map(
    lambda parts: parts[0] + parts[1]
)
asked = {
    "name": st.none() | words,
    "cost": st.none() | st.floats(0, 100),
    "timeout": st.none() | durations,
    "on_judge_error": st.sampled_from(["accept", "reject", "escalate"]),
    "breaker": st.none() | breakers,
}
paths = ids.map(lambda name: f"{name}.{name}")
rules = st.builds(
    judges.Rules,
    required=st.lists(paths, min_size=1, max_size=2),
    ranges=st.dictionaries(
        paths, st.builds(judges.Range, min=st.floats(-9, 0), max=st.none() | st.floats(0, 9)), max_size=2
    ),
    match=st.dictionaries(paths, st.just("^[A-Z]{3}$"), max_size=1),
    agrees=st.dictionaries(paths, paths, max_size=1),
)
json_schema = {"type": "object", "properties": {"max": {"const": 3.0}}}
single_judges = st.one_of(
    st.builds(lambda **said: judges.SchemaJudge(schema_=json_schema, **said), **asked),
    st.builds(judges.RulesJudge, rules=rules, **asked),
    st.builds(judges.ConfidenceJudge, confidence=st.builds(judges.Confidence, least=shares), **asked),
)
panels = st.lists(
    single_judges | st.builds(judges.QuorumJudge, quorum=st.lists(single_judges, min_size=1, max_size=2), **asked),
    max_size=2,
)

worker_work = {
    "attempt_timeout": durations,
    "recovery": ladders,
    "judges": panels,
    "judging": st.sampled_from(["first", "all"]),
    "breaker": breakers,
    "tool_breaker": breakers,
    "budget": st.lists(budgets, max_size=2),
    "health": healths,
    "loops": loops,
}
one_thing_said = st.sampled_from(sorted(worker_work)).flatmap(
    lambda key: st.fixed_dictionaries({key: worker_work[key]})
)
SAID = [  # a few of them are enough where whole trees are made
    {},
    {"recovery": ["retry", {"revise": 3}, "escalate"], "judges": [{"confidence": 0.5, "name": FromEnvironment("hunter2", "${KEY}")}]},
    {"recovery": [], "breaker": {"within": 0.5}, "budget": {"cost": 1, "seconds": 90}, "loops": {"visits": None}},
]  # fmt: skip
SAID_ABOVE = [
    {},
    {"recovery": ["restart", {"skip": {"output": {"max": 3.0}}}], "budget": {"tokens": 9}},
    {"loops": {"calls": 2}},
]

agent_fields = {
    "use": words,
    "with_": st.dictionaries(texts.filter(lambda key: key != "<<"), data, max_size=3),
    "handles": st.lists(words, max_size=2),
    "reads": st.none() | st.lists(words, max_size=2),
    "tools": st.lists(words, max_size=2),
    "timeout": st.none() | durations,
    "restart": restarts,
    "shutdown": shutdowns,
    "start_timeout": st.just("infinity") | durations,
    "dispatcher": st.sampled_from(["loop", "thread"]),
    "mailbox": st.none() | mailboxes,
}


def saying(node):
    """Makes a node that says something about work, too."""
    return lambda said, **fields: node(**fields, **said)


templates = st.builds(Template, **agent_fields)
members = st.builds(Template, **{**agent_fields, "restart": st.sampled_from(["permanent", "transient"])})
supervising_fields = {
    "intensity": intensities,
    "backoff": st.just("none") | backoffs,
    "restart": restarts,
    "shutdown": shutdowns,
}
agents = st.builds(saying(AgentNode), said=st.sampled_from(SAID), agent=ids, **agent_fields)
pools = st.builds(
    saying(PoolNode),
    said=st.sampled_from(SAID_ABOVE),
    pool=ids,
    size=st.integers(1, 5),
    child=members,
    route=st.sampled_from(["round_robin", "broadcast"]),
    **supervising_fields,
)
dynamics = st.builds(
    saying(DynamicNode),
    said=st.sampled_from(SAID_ABOVE),
    dynamic=ids,
    max_children=st.none() | st.integers(0, 9),
    child=st.none() | templates,
    **supervising_fields,
)


def brief(strategy):
    """The same strategy under a short name: the names of nested ones are made of each other, and Hypothesis warns."""

    @st.composite
    def some(draw):
        return draw(strategy)

    return some()


def supervisors(inner):
    return st.builds(
        saying(SupervisorNode),
        said=st.sampled_from(SAID_ABOVE),
        supervisor=ids,
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        auto_shutdown=st.sampled_from(["never", "any_significant", "all_significant"]),
        children=st.lists(inner, max_size=3, unique_by=lambda node: node.id),
        **supervising_fields,
    )


nodes = st.recursive(brief(st.one_of(agents, pools, dynamics)), supervisors, max_leaves=6)
policies = st.builds(
    Policies,
    intensity=st.dictionaries(ids, intensities, max_size=1),
    backoff=st.dictionaries(ids, backoffs, max_size=1),
    mailbox=st.dictionaries(ids, mailboxes, max_size=1),
)
trees = st.builds(Tree, name=words.filter(lambda name: len(name) <= 100), policies=policies, tree=supervisors(nodes))

slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large], max_examples=100)


@slow
@given(trees)
def test_a_tree_is_the_same_after_yaml(tree):
    """Whatever a tree holds, its YAML is read as an equal tree with the same fingerprint, and names no secret."""
    written = to_yaml(tree)
    again = load_tree(written, environ=ENVIRON, check_classes=False)
    assert again == tree
    assert again.fingerprint == tree.fingerprint
    assert repr(again) == repr(tree)
    assert to_yaml(again) == written
    assert "hunter2" not in written


@slow
@given(trees)
def test_a_tree_is_the_same_after_a_dump(tree):
    """The plain data of a tree, as Python or as JSON, makes an equal tree."""
    assert Tree.model_validate(tree.model_dump()) == tree
    assert Tree.model_validate_json(tree.model_dump_json()) == tree


def with_an_agent(said):
    return Tree(name="x", tree=SupervisorNode(supervisor="r", children=[AgentNode(agent="a", use="x", **said)]))


@slow
@given(one_thing_said)
def test_what_is_said_about_work_is_the_same_after_yaml(said):
    """Whatever a tree says about work, its YAML and its JSON are read as an equal tree, and name no secret."""
    tree = with_an_agent(said)
    written = to_yaml(tree)
    assert load_tree(written, environ=ENVIRON, check_classes=False) == tree
    assert Tree.model_validate_json(tree.model_dump_json()) == tree
    assert "hunter2" not in written + render(tree)


@slow
@given(one_thing_said)
def test_what_is_said_about_work_can_be_carried_out(said):
    """What a tree may say, the supervisors take: no check of theirs refuses what none of the tree's has."""
    (node,) = with_an_agent(said).tree.children
    assert Works(Names()).of_worker(node) is not None


@slow
@given(trees, st.sampled_from(sorted(FORMATS)))
def test_any_tree_can_be_drawn_without_its_secrets(tree, form):
    """Renderings show each node, and nothing that came from the environment."""
    drawn = render(tree, form)
    assert "hunter2" not in drawn
    assert all(node.id in drawn for _, node in tree.walk())


@slow
@given(trees, trees)
def test_a_diff_says_whether_trees_differ(old, new):
    """There are no steps from a tree to itself, and some to one that runs otherwise; each is told once."""
    new = new.model_copy(update={"tree": new.tree.model_copy(update={"supervisor": old.tree.id})})
    steps = diff(old, new)
    assert diff(old, old) == ()
    assert bool(steps) == (old.fingerprint != new.fingerprint)
    assert len(set(steps)) == len(steps)
    assert "hunter2" not in repr(steps)


def only_tree_errors(source_of_a_tree):
    try:
        load_tree(source_of_a_tree, environ=ENVIRON)
    except TreeError as error:
        refusal = error
    else:
        return
    lines = str(refusal).split("\n")
    assert len(lines) == len(refusal.problems) > 0
    assert all(line.isprintable() for line in lines)


@slow
@given(st.binary(max_size=300))
@example(b"\xef\xbb\xbf")
@example(b"\xff\xfe")
def test_any_bytes(data):
    """Bytes never raise anything but TreeError, one printable line for each problem."""
    only_tree_errors(data)


@slow
@given(st.text(max_size=300))
@example("a\0b")
@example("\ud800\n")
@example("? \n")
@example("- &a *a\n")
@example("\ufeff\n")
@example("a: \ufeff\n")
@example("\x85\u2028\n")
def test_any_text(text):
    """Texts never raise anything but TreeError."""
    only_tree_errors(text)


DOCUMENT = """\
treeward: 1
name: x
policies:
  backoff: {slow: {initial: 1s}}
  mailbox: {small: {capacity: 1}}
  retry: {llm: {times: 3}}
  recovery: {careful: [{retry: llm}, {fallback: p}]}
tree:
  supervisor: root
  backoff: slow
  recovery: careful
  children:
    - agent: a
      use: x
      with: &w {key: "${KEY}", list: [1, 2.5, null]}
      mailbox: small
      recovery: [{retry: llm}, {revise: 2}, {fallback: [p]}, {escalate: {to: b}}]
      judges:
        - {schema: {type: object}}
        - {rules: {ranges: {x: {min: 1}}}}
        - {quorum: [{agent: b, breaker: {failures: 2}}], weights: [1]}
      budget: [{cost: 1, call: {cost: 0.5}, cheaper: b}]
    - {agent: b, use: x}
    - pool: p
      size: 3
      child: {use: y, with: *w, recovery: careful}
    - dynamic: d
    - supervisor: s
      intensity: {restarts: 1, within: 10s}
      children: []
entry: a
"""

FRAGMENTS = st.sampled_from(
    ["[", "]", "{", "}", ":", "- ", "\n", " ", "  ", "*w", "&w ", "!x ", "${", "${KEY}", "null", "~", "'", '"', "|", ">", "?", "<<", "0", "-1", ".nan", ".inf", "x", "a", "\t", "#", "---", "...", "%", "include: x", "1e999", "é", "\x07"]
)  # fmt: skip


@slow
@given(st.lists(st.tuples(st.integers(0, len(DOCUMENT)), st.integers(0, 12), FRAGMENTS | st.just("")), max_size=6))
@pytest.mark.parametrize("loader", ["SafeLoader", "CSafeLoader"])
def test_any_fault_in_a_tree(loader, edits):
    """A tree in which pieces are missing, or too many, never raises anything but TreeError."""
    text = DOCUMENT
    for place, removed, added in edits:
        text = text[:place] + added + text[place + removed :]
    before, source._LOADER = source._LOADER, getattr(source.yaml, loader, source._LOADER)
    try:
        only_tree_errors(text + "\n")
    finally:
        source._LOADER = before


values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.sampled_from(["x", "1s", "slow", "${KEY}", "none", "", "retry", "p", "m:f"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["use", "agent", "restarts", "x", "retry", "fallback", "schema", "quorum", "cost", "$ref", "type", "properties", "pattern"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@slow
@given(
    st.sampled_from(
        ["treeward", "name", "policies", "tree", "entry", "tree.supervisor", "tree.strategy", "tree.intensity", "tree.backoff", "tree.children", "tree.children.0", "tree.children.0.with", "tree.children.0.mailbox", "tree.children.2.child", "policies.backoff", "policies.mailbox.small",
         "policies.recovery", "policies.recovery.careful", "policies.recovery.careful.0", "policies.recovery.careful.1.fallback", "policies.retry.llm", "tree.recovery",
         "tree.children.0.recovery", "tree.children.0.recovery.0", "tree.children.0.recovery.0.retry", "tree.children.0.recovery.2.fallback", "tree.children.0.recovery.3.escalate",
         "tree.children.0.judges", "tree.children.0.judges.0", "tree.children.0.judges.0.schema", "tree.children.0.judges.1.rules", "tree.children.0.judges.1.rules.ranges.x",
         "tree.children.0.judges.2.quorum", "tree.children.0.judges.2.quorum.0.agent", "tree.children.0.judges.2.quorum.0.breaker", "tree.children.0.judges.2.weights",
         "tree.children.0.budget", "tree.children.0.budget.0", "tree.children.0.budget.0.call", "tree.children.0.budget.0.cheaper"]
    ),
    values,
)  # fmt: skip
def test_any_value_anywhere(where, value):
    """Whatever stands in a place of the tree, it is taken or told."""
    top, _ = source.read_source(DOCUMENT, "f", ENVIRON)
    here = top
    *around, last = where.split(".")
    for step in around:
        here = here[int(step) if step.isdigit() else step]
    here[int(last) if last.isdigit() else last] = value
    only_tree_errors(json.dumps(top, indent=1))
