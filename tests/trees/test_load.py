"""Loading: every fault of a file, at once, each at its place and in its words."""

# ruff: noqa: E501 - a row of a table is one line

import pytest

from treeward.trees.environment import FromEnvironment
from treeward.trees.load import load_tree
from treeward.trees.problems import TreeError

ENVIRON = {"SECRET": "hunter2", "SIZE": "3", "LATER": "30s", "STRATEGY": "one_for_all"}
HEAD = "treeward: 1\nname: x\n"


def faults(text, **options):
    options.setdefault("check_classes", False)
    with pytest.raises(TreeError) as caught:
        load_tree(text, environ=ENVIRON, **options)
    return [line.removeprefix("<text>:") for line in str(caught.value).split("\n")]


def in_tree(lines):
    return HEAD + "tree:\n  supervisor: root\n" + "".join(f"  {line}\n" for line in lines.rstrip("\n").split("\n"))


def in_agent(lines):
    return in_tree("children:\n  - agent: a\n    use: x\n" + "".join(f"    {line}\n" for line in lines.split("\n")))


DURATION = "a duration such as 500ms, 30s, 2m or 1h, or a number of seconds"
WORK = "timeout, attempt_timeout, idle_timeout, recovery, judges, judging, breaker, tool_breaker, budget, health, loops, classify"
WORKER = f"use, with, handles, reads, tools, {WORK}, restart, shutdown, start_timeout, dispatcher, mailbox"
SUPERVISING = "intensity, backoff, recovery, budget, loops, classify, restart, shutdown, significant"
AGENT = f"one of agent, {WORKER}, significant"
SUPERVISOR = f"one of supervisor, strategy, auto_shutdown, {SUPERVISING}, children"
DYNAMIC = f"one of dynamic, max_children, child, {SUPERVISING}"
TEMPLATE = f"one of {WORKER}"
POLICIES = "one of intensity, backoff, mailbox, retry, recovery, breaker, judges, budget, health, loops"
ID = "a lower-case letter, then lower-case letters, digits, '-' or '_'"
KINDS = "a mapping with one of the keys supervisor, dynamic, pool, agent, include"

# Agents' faults stand in line 8, supervisors' in line 5.
REFUSED = {
    "empty mapping": ("{}", [
        "1:1: 'name' is missing in a tree; expected name: and the tree's name",
        "1:1: 'tree' is missing in a tree; expected tree: and the root supervisor",
        "1:1: 'treeward' is missing in a tree; expected treeward: 1, the format's version",
    ]),
    "another version": ("treeward: 2\nname: x\ntree: {supervisor: x}", ["1:11: treeward is 2; expected 1"]),
    "a version in quotes": ("treeward: '1'\nname: x\ntree: {supervisor: x}", ["1:11: treeward is '1'; expected 1"]),
    "a number as name": ("treeward: 1\nname: 7\ntree: {supervisor: x}", ["2:7: name is 7; expected text"]),
    "no name": ("treeward: 1\nname: ''\ntree: {supervisor: x}", ["2:7: name is ''; expected text that is not empty"]),
    "a long name": (f"treeward: 1\nname: {'x' * 101}\ntree: {{supervisor: x}}", [f"2:7: name is '{'x' * 59}...'; expected at most 100 characters"]),
    "a key of later": (HEAD + "models: {}\ntree: {supervisor: x}", ["3:1: 'models' is not a key of a tree; expected one of treeward, name, policies, tree, entry, chaos"]),
    "a root that is none": (HEAD + "tree: []", ["3:7: tree is a list; expected a mapping"]),
    "a root without a kind": (HEAD + "tree: {suprvisor: x}", [f"3:7: tree is no node; expected {KINDS}; did you mean 'supervisor'?"]),
    "an agent as root": (HEAD + "tree: {agent: a, use: x}", ["3:7: the root of the tree is agent; expected a supervisor"]),
    "an unknown key": (in_agent("model: x"), [f"8:7: 'model' is not a key of an agent; expected {AGENT}"]),
    "an unknown key that is near": (in_agent("restrt: transient"), [f"8:7: 'restrt' is not a key of an agent; expected {AGENT}; did you mean 'restart'?"]),
    "Python's name for a key": (in_agent("with_: {}"), [f"8:7: 'with_' is not a key of an agent; expected {AGENT}; did you mean 'with'?"]),
    "an unknown key of a supervisor": (in_tree("stratgy: x"), [f"5:3: 'stratgy' is not a key of a supervisor; expected {SUPERVISOR}; did you mean 'strategy'?"]),
    "a bad id": (HEAD + "tree:\n  supervisor: Root", [f"4:15: supervisor is 'Root'; expected {ID}"]),
    "an id that is a number": (HEAD + "tree:\n  supervisor: 7", ["4:15: supervisor is 7; expected text"]),
    "an id from outside": (HEAD + "tree:\n  supervisor: ${SECRET}", ["4:15: an id cannot come from the environment; expected the id itself"]),
    "an id twice": (in_tree("children:\n  - {agent: a, use: x}\n  - {pool: a, size: 1, child: {use: x}}"), ["7:7: the id 'a' is given to two children of root; expected an id that no sibling has"]),
    "a bad strategy": (in_tree("strategy: one_for_al"), ["5:13: strategy is 'one_for_al'; expected one_for_one, one_for_all or rest_for_one; did you mean 'one_for_all'?"]),
    "a word of no list": (in_tree("strategy: 7"), ["5:13: strategy is 7; expected one_for_one, one_for_all or rest_for_one"]),
    "children as a mapping": (in_tree("children: {agent: a}"), ["5:13: children is a mapping; expected a list"]),
    "no children at all": (in_tree("children:"), ["5:12: children is nothing; expected a list"]),
    "a child that is no node": (in_tree("children: [7, {use: x}, {agnt: a}]"), [
        f"5:14: an item of children is no node; expected {KINDS}",
        f"5:17: an item of children is no node; expected {KINDS}",
        f"5:27: an item of children is no node; expected {KINDS}; did you mean 'agent'?",
    ]),
    "no use": (in_tree("children: [{agent: a}]"), ["5:14: 'use' is missing in an agent; expected use: and a short name or module:Class"]),
    "a bad restart": (in_agent("restart: always"), ["8:16: restart is 'always'; expected permanent, transient or temporary"]),
    "a bad shutdown": (in_agent("shutdown: brutal-kill"), [f"8:17: shutdown is 'brutal-kill'; expected brutal_kill, infinity, or {DURATION}; did you mean 'brutal_kill'?"]),
    "a negative shutdown": (in_agent("shutdown: -1"), [f"8:17: shutdown is -1; expected brutal_kill, infinity, or {DURATION}"]),
    "a bad timeout": (in_agent("timeout: 1d"), [f"8:16: timeout is '1d'; expected {DURATION}, above zero"]),
    "no timeout": (in_agent("timeout: 0"), [f"8:16: timeout is 0; expected {DURATION}, above zero"]),
    "infinite timeout": (in_agent("timeout: .inf"), [f"8:16: timeout is inf; expected {DURATION}, above zero"]),
    "a switch that is a word": (in_agent("significant: yes"), ["8:20: significant is 'yes'; expected true or false"]),
    "a dispatcher of later": (in_agent("dispatcher: process"), ["8:19: dispatcher is 'process'; expected loop or thread"]),
    "arguments as a list": (in_agent("with: [1]"), ["8:13: with is a list; expected a mapping of arguments"]),
    "arguments beyond JSON": (in_agent("with: {a: .nan}"), ["8:13: with is a mapping; expected data as JSON has it: texts, finite numbers, true, false, null, lists and mappings"]),
    "words as one word": (in_agent("handles: billing"), ["8:16: handles is 'billing'; expected a list"]),
    "a number among words": (in_agent("tools: [a, 7]"), ["8:18: an item of tools is 7; expected text"]),
    "a mailbox without capacity": (in_agent("mailbox: {overflow: wait}"), ["8:16: 'capacity' is missing in a mailbox; expected capacity: and how many messages may wait"]),
    "a mailbox without room": (in_agent("mailbox: {capacity: 0}"), ["8:27: capacity is 0; expected 1 or more"]),
    "a mailbox's overflow": (in_agent("mailbox: {capacity: 1, overflow: drop}"), ["8:40: overflow is 'drop'; expected wait, drop_newest, drop_oldest or fail"]),
    "an intensity": (in_tree("intensity: {restarts: -1, within: 0, foo: 1}"), [
        "5:25: restarts is -1; expected 0 or more",
        f"5:37: within is 0; expected {DURATION}, above zero",
        "5:40: 'foo' is not a key of an intensity; expected one of restarts, within",
    ]),
    "half a restart": (in_tree("intensity: {restarts: 1.5}"), ["5:25: restarts is 1.5; expected a whole number"]),
    "a backoff": (in_tree("backoff: {initial: 2s, max: 1s, factor: 0.5, jitter: half, reset_after: x}"), [
        "5:31: the longest wait (1 s) is shorter than the first one (2 s); expected max to be at least initial",
        "5:43: factor is 0.5; expected 1 or more",
        f"5:56: jitter is 'half'; expected full, none, or {DURATION}",
        f"5:75: reset_after is 'x'; expected {DURATION}, above zero",
    ]),
    "a policy where there is none": (in_tree("intensity: strict"), ["5:14: 'strict' is not the name of a policy for intensity; expected a mapping: there is none under policies"]),
    "a policy of another kind": (
        HEAD + "policies: {backoff: {slow: {}}}\ntree: {supervisor: x, intensity: slow}",
        ["4:34: 'slow' is not the name of a policy for intensity; expected a mapping: there is none under policies"],
    ),
    "a policy that is near": (
        HEAD + "policies: {backoff: {slow: {}}}\ntree: {supervisor: x, backoff: slw}",
        ["4:32: 'slw' is not the name of a policy for backoff; expected slow or none, or a mapping; did you mean 'slow'?"],
    ),
    "a faulty policy, used twice": (
        HEAD + "policies: {backoff: {slow: {factr: 1}}}\ntree: {supervisor: x, backoff: slow, children: [{supervisor: y, backoff: slow}]}",
        ["3:29: 'factr' is not a key of a backoff; expected one of initial, factor, max, jitter, reset_after; did you mean 'factor'?"],
    ),
    "policies of later": (HEAD + "policies: {models: {}}\ntree: {supervisor: x}", [f"3:12: 'models' is not a key of policies; expected {POLICIES}"]),
    "a policy's bad name": (HEAD + "policies: {mailbox: {A: {capacity: 1}}}\ntree: {supervisor: x}", [f"3:22: A is 'A'; expected {ID}"]),
    "a policy named none": (HEAD + "policies: {backoff: {none: {}}}\ntree: {supervisor: x}", ["3:22: no backoff can be named none: that word means to restart at once; expected another name"]),
    "significant and permanent": (in_agent("significant: true"), ["8:20: significant is true, but the child is permanent and never ends by itself; expected false; or give it restart: transient or temporary"]),
    "significant for nobody": (in_agent("significant: true\nrestart: temporary"), [
        "8:20: significant is true, but auto_shutdown of its supervisor is never; expected false; or give the supervisor auto_shutdown: any_significant",
    ]),
    "a significant root": (in_tree("significant: true"), ["5:16: significant is true, but the root has no supervisor that could look at it; expected false"]),
    "auto_shutdown of a dynamic one": (in_tree("children: [{dynamic: d, auto_shutdown: never}]"), [
        f"5:27: 'auto_shutdown' is not a key of a dynamic supervisor; expected {DYNAMIC}; did you mean 'shutdown'?",
    ]),
    "children of a dynamic one": (in_tree("children: [{dynamic: d, children: []}]"), [
        f"5:27: 'children' is not a key of a dynamic supervisor; expected {DYNAMIC}; did you mean 'max_children'?",
    ]),
    "a significant template": (in_tree("children: [{pool: p, size: 1, child: {use: x, significant: true}}]"), [
        f"5:49: 'significant' is not a key of a child of a pool or a dynamic supervisor; expected {TEMPLATE}",
    ]),
    "a template with an id": (in_tree("children: [{dynamic: d, child: {agent: a, use: x}}]"), [
        f"5:35: 'agent' is not a key of a child of a pool or a dynamic supervisor; expected {TEMPLATE}",
    ]),
    "a pool without all": (in_tree("children: [{pool: p}]"), [
        "5:14: 'size' is missing in a pool; expected size: and how many children",
        "5:14: 'child' is missing in a pool; expected child: and what each child is",
    ]),
    "a pool of nobody": (in_tree("children: [{pool: p, size: 0, child: {use: x}}]"), ["5:30: size is 0; expected 1 or more"]),
    "a pool of too many": (in_tree("children: [{pool: p, size: 9999999, child: {use: x}}]"), ["5:30: size is 9999999; expected 100,000 or less"]),
    "two kinds in a node": (in_tree("children: [{agent: a, use: x, pool: p}]"), [f"5:33: 'pool' is not a key of an agent; expected {AGENT}; did you mean 'tools'?"]),
    "no such entry": (in_agent("timeout: 1s") + "entry: b\n", ["9:8: the entry 'b' is not in the tree; expected the id or the path of an agent or a pool"]),
    "an entry that is near": (
        in_tree("children: [{agent: front-desk, use: x}]") + "entry: front_desk\n",
        ["6:8: the entry 'front_desk' is not in the tree; expected the id or the path of an agent or a pool; did you mean 'front-desk'?"],
    ),
    "a supervisor as entry": (in_agent("timeout: 1s") + "entry: root\n", ["9:8: the entry 'root' is a supervisor, which handles no tasks; expected the id or the path of an agent or a pool"]),
    "an entry that is two": (
        in_tree("children: [{agent: a, use: x}, {supervisor: s, children: [{agent: a, use: x}]}]") + "entry: a\n",
        ["6:8: the entry 'a' names 2 agents; expected a path: root/a and root/s/a"],
    ),
    "an unset variable": (in_agent("timeout: ${TIMEOUT}"), ["8:16: the environment variable TIMEOUT is not set; set it, or give a default: ${TIMEOUT:-default}"]),
    "a secret in the wrong place": (in_agent("timeout: ${SECRET}\nrestart: ${SECRET}"), [
        f"8:16: timeout is '${{SECRET}}', from the environment; expected {DURATION}, above zero",
        "9:16: restart is '${SECRET}', from the environment; expected permanent, transient or temporary",
    ]),
    "what cannot be read, and what can": (in_agent("restart: !x transient\nrestart: 7\ntimeout: x"), [
        "8:16: the tag '!x' is not allowed here; expected plain YAML; leave the tag out",
        "9:7: the key 'restart' is given twice; expected it once, as in line 8",
        f"10:16: timeout is 'x'; expected {DURATION}, above zero",
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "lines"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused_and_how(text, lines):
    """Each fault has its place, what was given, what is legal and the nearest word; all of them come at once."""
    text = text if "\n" in text else text + "\n"
    assert faults(text) == lines


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("missing.yaml", "missing.yaml: the file cannot be read: No such file or directory"),
        (".", ".: the file cannot be read: Is a directory"),
        ("a\0b", "'a\\x00b': the file cannot be read: embedded null byte"),
        ("x" * 5000, f"{'x' * 5000}: the file cannot be read: File name too long"),
    ],
)
def test_files_that_cannot_be_read(path, line):
    """A file that is not there, or is none, is a problem without a place."""
    assert faults(path) == [line]


def test_the_file_is_named_as_it_was_given(tmp_path, monkeypatch):
    """Messages begin with the path that the caller gave."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("treeward: 1\nname: x\n")
    for path in ("a.yaml", "./a.yaml", tmp_path / "a.yaml"):
        assert faults(path) == [f"{path}:1:1: 'tree' is missing in a tree; expected tree: and the root supervisor"]


@pytest.mark.parametrize("make", [str, str.encode, lambda text: text.replace("\n", "\r\n")])
def test_texts_and_bytes(make):
    """A text, its bytes and other line ends make the same tree."""
    assert load_tree(make(in_agent("timeout: 1s")), check_classes=False).name == "x"


def test_values_from_the_environment():
    """Where a number, a duration or a word of a list is wanted, the text is read as one; else it keeps its secret."""
    text = in_tree(
        "strategy: ${STRATEGY}\nchildren:\n  - pool: p\n    size: ${SIZE}\n    child: {use: x, timeout: '${LATER}', with: {key: 'k ${SECRET}'}}"
    )
    root = load_tree(text, environ=ENVIRON, check_classes=False).tree
    (pool,) = root.children
    assert (root.strategy, pool.size, pool.child.timeout) == ("one_for_all", 3, 30.0)
    assert pool.child.with_ == {"key": "k hunter2"}
    assert isinstance(pool.child.with_["key"], FromEnvironment)


def test_the_environment_is_the_caller_s():
    """Nothing but the mapping that was given is looked at."""
    with pytest.raises(TreeError, match="the environment variable HOME is not set"):
        load_tree(in_agent("timeout: ${HOME}"), environ={}, check_classes=False)


def test_aliases_in_a_tree():
    """One mapping may stand in several places."""
    text = in_tree("children:\n  - agent: a\n    use: x\n    with: &w {a: 1}\n  - agent: b\n    use: x\n    with: *w")
    assert [child.with_ for child in load_tree(text, check_classes=False).tree.children] == [{"a": 1}] * 2
    assert faults(text.replace("{a: 1}", "[a]")) == [
        "8:13: with is a list; expected a mapping of arguments",
        "11:13: with is a list; expected a mapping of arguments",
    ]


def test_a_node_in_two_places():
    """A node may be an alias, under another supervisor; what it names as a policy is filled in once."""
    policies = "policies: {backoff: {slow: {initial: 2s}}}\n"
    children = "[&n {supervisor: a, backoff: slow}, {supervisor: b, children: [*n]}]"
    tree = load_tree(HEAD + policies + f"tree: {{supervisor: root, children: {children}}}", check_classes=False)
    first, second = tree.tree.children
    assert second.children == (first,)
    assert first.backoff.initial == 2.0


def test_the_kind_is_the_first_key_that_names_one():
    """The order of a node's other keys does not matter."""
    tree = load_tree(in_tree("children: [{restart: transient, use: x, agent: a}]"), check_classes=False)
    assert tree.tree.children[0].id == "a"


CLASSES = {
    "no such name": (in_agent("timeout: 1s"), ["7:12: no class is registered as 'x'; expected one of "]),
    "not allowed": (in_agent("timeout: 1s").replace("use: x", "use: os:system"), ["7:12: the module 'os' is not allowed; "]),
    "an argument": (
        in_agent("with: {database: x, limt: 1}").replace("use: x", "use: zoo.actors:Desk"),
        ["8:27: Desk has no argument 'limt'; expected one of database, limit, mode, tags; did you mean 'limit'?"],
    ),
    "arguments that are missing": (in_agent("with: {}").replace("use: x", "use: zoo.actors:Desk"), ["8:13: Desk needs the argument 'database'"]),
    "arguments at all": (in_agent("timeout: 1s").replace("use: x", "use: zoo.actors:Desk"), ["7:12: Desk needs the argument 'database'"]),
    "an item of an argument": (
        in_agent("with: {database: x, tags: [a, 1]}").replace("use: x", "use: zoo.actors:Desk"),
        ["8:37: the argument tags.1 of Desk is 1; expected text"],
    ),
    "a function": (
        in_agent("with: {first: x, sort: 'zoo.actors:factry'}").replace("use: x", "use: zoo.actors:Parts"),
        ["8:21: the argument first of Parts is 'x'; expected ", "8:30: the module 'zoo.actors' has no function 'factry'; "],
    ),
    "a template's": (
        in_tree("children: [{pool: p, size: 1, child: {use: 'zoo.actors:Plain', with: {a: 1}}}]"),
        ["5:73: Plain has no argument 'a'; expected no arguments"],
    ),
    "beside other faults": (
        in_agent("with: {database: 1}\nrestart: x").replace("use: x", "use: zoo.actors:Desk"),
        ["8:24: the argument database of Desk is 1; expected text", "9:16: restart is 'x'; expected "],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "begins"), CLASSES.values(), ids=CLASSES)
def test_classes_and_their_arguments(actors, text, begins):
    """`use` and `with` are checked against the classes themselves, at the place of the key or the value."""
    lines = faults(text, allow=["zoo"], check_classes=True)
    assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == begins


def test_functions_that_fit(actors):
    """A class may declare arguments that the tree names as functions; the tree keeps their names."""
    text = in_agent("with: {sort: 'zoo.actors:factory'}").replace("use: x", "use: zoo.actors:Parts")
    assert load_tree(text, allow=["zoo"]).tree.children[0].with_ == {"sort": "zoo.actors:factory"}


def test_classes_that_fit(actors):
    """A tree whose classes and arguments fit is loaded."""
    text = in_agent("with: {database: x, limit: 2}").replace("use: x", "use: zoo.actors:Desk")
    assert load_tree(text, allow=["zoo"]).tree.children[0].with_ == {"database": "x", "limit": 2}


def test_members_of_a_pool_are_not_temporary():
    """A pool whose members may go for good would not keep its size: refused, with the place."""
    text = "treeward: 1\nname: x\ntree:\n  supervisor: a\n  children:\n    - pool: p\n      size: 2\n"
    text += "      child: {use: rules, restart: temporary}\n"
    with pytest.raises(TreeError) as caught:
        load_tree(text, check_classes=False)
    problem = caught.value.problems[0]
    assert (problem.line, problem.what) == (8, "restart is temporary, but a pool keeps its size")
