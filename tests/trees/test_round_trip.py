"""Any tree is the same after a way through YAML; any bytes are a tree or a list of problems."""

# ruff: noqa: E501 - a row of a table is one line

import json
import string

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from treeward.trees import source
from treeward.trees.diff import diff
from treeward.trees.environment import FromEnvironment
from treeward.trees.export import to_yaml
from treeward.trees.load import load_tree
from treeward.trees.policies import Backoff, Intensity, Mailbox, Policies
from treeward.trees.problems import TreeError
from treeward.trees.render import FORMATS, render
from treeward.trees.spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Template, Tree

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
templates = st.builds(Template, **agent_fields)
members = st.builds(Template, **{**agent_fields, "restart": st.sampled_from(["permanent", "transient"])})
supervising = {
    "intensity": intensities,
    "backoff": st.just("none") | backoffs,
    "restart": restarts,
    "shutdown": shutdowns,
}
agents = st.builds(AgentNode, agent=ids, **agent_fields)
pools = st.builds(
    PoolNode,
    pool=ids,
    size=st.integers(1, 5),
    child=members,
    route=st.sampled_from(["round_robin", "broadcast"]),
    **supervising,
)
dynamics = st.builds(
    DynamicNode,
    dynamic=ids,
    max_children=st.none() | st.integers(0, 9),
    child=st.none() | templates,
    **supervising,
)


def supervisors(inner):
    return st.builds(
        SupervisorNode,
        supervisor=ids,
        strategy=st.sampled_from(["one_for_one", "one_for_all", "rest_for_one"]),
        auto_shutdown=st.sampled_from(["never", "any_significant", "all_significant"]),
        children=st.lists(inner, max_size=3, unique_by=lambda node: node.id),
        **supervising,
    )


nodes = st.recursive(st.one_of(agents, pools, dynamics), supervisors, max_leaves=6)
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
policies: {backoff: {slow: {initial: 1s}}, mailbox: {small: {capacity: 1}}}
tree:
  supervisor: root
  backoff: slow
  children:
    - agent: a
      use: x
      with: &w {key: "${KEY}", list: [1, 2.5, null]}
      mailbox: small
    - pool: p
      size: 3
      child: {use: y, with: *w}
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
    st.one_of(st.none(), st.booleans(), st.integers(-2, 2), st.floats(), st.sampled_from(["x", "1s", "slow", "${KEY}", "none", ""])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["use", "agent", "restarts", "x"]), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@slow
@given(
    st.sampled_from(
        ["treeward", "name", "policies", "tree", "entry", "tree.supervisor", "tree.strategy", "tree.intensity", "tree.backoff", "tree.children", "tree.children.0", "tree.children.0.with", "tree.children.0.mailbox", "tree.children.1.child", "policies.backoff", "policies.mailbox.small"]
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
