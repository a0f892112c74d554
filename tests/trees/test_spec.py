"""The tree as a value."""

# ruff: noqa: E501 - a row of a table is one line

import pytest
from pydantic import ValidationError

from treeward.supervisors import spec as supervision
from treeward.trees.environment import FromEnvironment
from treeward.trees.load import load_tree
from treeward.trees.policies import Backoff, Intensity, Mailbox, Policies
from treeward.trees.spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Template, Tree

YAML = """\
treeward: 1
name: support
policies:
  intensity:
    strict: {restarts: 1, within: 10s}
  backoff:
    slow: {initial: 1s, max: 2m, jitter: none}
  mailbox:
    small: {capacity: 10, overflow: wait}
tree:
  supervisor: support
  strategy: rest_for_one
  intensity: strict
  children:
    - agent: payments
      use: my.payments:Desk
      with: {database: support.db, limits: [1, 2.5]}
      mailbox: small
    - supervisor: specialists
      backoff: slow
      auto_shutdown: any_significant
      children:
        - agent: billing
          use: llm
          handles: [billing_dispute]
          reads: [customer_id]
          tools: [payments.*]
          timeout: 30s
          restart: transient
          shutdown: brutal_kill
          significant: true
          start_timeout: 2m
          dispatcher: thread
        - pool: clerks
          size: 4
          route: least_mailbox
          backoff: none
          child: {use: rules, mailbox: small}
        - dynamic: visitors
          max_children: 3
          child: {use: rules}
entry: billing
"""


def python_tree():
    small = Mailbox(capacity=10, overflow="wait")
    slow = Backoff(initial=1, max=120, jitter="none")
    strict = Intensity(restarts=1, within=10)
    billing = AgentNode(
        agent="billing",
        use="llm",
        handles=("billing_dispute",),
        reads=["customer_id"],
        tools=["payments.*"],
        timeout=30,
        restart="transient",
        shutdown="brutal_kill",
        significant=True,
        start_timeout="2m",
        dispatcher="thread",
    )
    specialists = SupervisorNode(
        supervisor="specialists",
        backoff=slow,
        auto_shutdown="any_significant",
        children=[
            billing,
            PoolNode(
                pool="clerks",
                size=4,
                route="least_mailbox",
                backoff="none",
                child=Template(use="rules", mailbox=small),
            ),
            DynamicNode(dynamic="visitors", max_children=3, child=Template(use="rules")),
        ],
    )
    payments = AgentNode(
        agent="payments",
        use="my.payments:Desk",
        with_={"database": "support.db", "limits": [1, 2.5]},
        mailbox=small,
    )
    return Tree(
        name="support",
        policies=Policies(intensity={"strict": strict}, backoff={"slow": slow}, mailbox={"small": small}),
        tree=SupervisorNode(
            supervisor="support",
            strategy="rest_for_one",
            intensity=strict,
            children=[payments, specialists],
        ),
        entry="billing",
    )


def test_the_same_tree_from_yaml_and_from_python():
    """Both ways end in equal values."""
    assert load_tree(YAML, check_classes=False) == python_tree()


def test_a_dump_is_the_way_back():
    """`model_dump` and `model_dump_json` give what makes an equal tree."""
    tree = python_tree()
    assert Tree.model_validate(tree.model_dump()) == tree
    assert Tree.model_validate(tree.model_dump(exclude_defaults=True)) == tree
    assert load_tree(tree.model_dump_json(), check_classes=False) == tree


def test_the_defaults_of_a_tree():
    """A tree's supervisors allow 5 restarts within 60 s, with backoff; agents are permanent and have 5 s to end."""
    tree = Tree(name="x", tree=SupervisorNode(supervisor="x", children=[AgentNode(agent="a", use="llm")])).model_dump()
    assert tree["tree"] == {
        "supervisor": "x",
        "strategy": "one_for_one",
        "auto_shutdown": "never",
        "intensity": {"restarts": 5, "within": 60.0},
        "backoff": {"initial": 0.2, "factor": 2.0, "max": 60.0, "jitter": "full", "reset_after": 300.0},
        "recovery": None,
        "budget": (),
        "loops": None,
        "classify": (),
        "restart": "permanent",
        "shutdown": "infinity",
        "significant": False,
        "children": (
            {
                "agent": "a",
                "use": "llm",
                "with": {},
                "handles": (),
                "reads": None,
                "tools": (),
                "timeout": None,
                "attempt_timeout": None,
                "idle_timeout": None,
                "recovery": None,
                "judges": (),
                "judging": "first",
                "breaker": None,
                "tool_breaker": None,
                "budget": (),
                "health": None,
                "loops": None,
                "classify": (),
                "restart": "permanent",
                "shutdown": 5.0,
                "start_timeout": "infinity",
                "dispatcher": "loop",
                "mailbox": None,
                "significant": False,
            },
        ),
    }


def test_a_tree_is_frozen():
    """Nothing of a tree can be set."""
    tree = python_tree()
    with pytest.raises(ValidationError):
        tree.name = "other"
    with pytest.raises(ValidationError):
        tree.tree.children[0].use = "other"


def test_walking():
    """Each node comes with its path, parents first, children in their order."""
    assert [(path, node.kind) for path, node in python_tree().walk()] == [
        ("support", "supervisor"),
        ("support/payments", "agent"),
        ("support/specialists", "supervisor"),
        ("support/specialists/billing", "agent"),
        ("support/specialists/clerks", "pool"),
        ("support/specialists/visitors", "dynamic"),
    ]


@pytest.mark.parametrize(
    ("entry", "path"),
    [
        ("billing", "support/specialists/billing"),
        ("support/payments", "support/payments"),
        ("clerks", "support/specialists/clerks"),
        (None, None),
    ],
)
def test_the_entry_is_an_id_or_a_path(entry, path):
    """An agent or a pool; by its path it is found in any case."""
    assert python_tree().model_copy(update={"entry": entry}).entry_path == path


def changed(old, new):
    assert old in YAML
    return load_tree(YAML.replace(old, new), check_classes=False).fingerprint


SAME = {
    "formatting": ("with: {database: support.db, limits: [1, 2.5]}", "with:\n        database: 'support.db'\n        limits: [1, 2.5]"),
    "the order of keys": ("handles: [billing_dispute]\n          reads: [customer_id]", "reads: [customer_id]\n          handles: [billing_dispute]"),
    "a policy's name": ("slow", "slower"),
    "a default that is written": ("      use: my.payments", "      restart: permanent\n      use: my.payments"),
    "a duration's unit": ("timeout: 30s", "timeout: 30000ms"),
    "the entry's path": ("entry: billing", "entry: support/specialists/billing"),
    "a policy that nobody uses": ("  mailbox:\n", "  mailbox:\n    other: {capacity: 1}\n"),
    "a comment": ("entry: billing", "entry: billing  # the first"),
    "what chaos may do": ("entry: billing", "entry: billing\nchaos: {allow: true, where: support/**}"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_the_fingerprint_stays(old, new):
    """What changes nothing that runs does not change the fingerprint."""
    assert changed(old, new) == python_tree().fingerprint


OTHER = {
    "a name": ("name: support", "name: support2"),
    "an id": ("agent: payments", "agent: payment"),
    "a class": ("use: llm", "use: llm2"),
    "an argument": ("support.db", "other.db"),
    "a policy's value": ("initial: 1s", "initial: 2s"),
    "a restart type": ("restart: transient", "restart: temporary"),
    "the order of children": ("pool: clerks", "pool: clerks2"),
    "the entry": ("entry: billing", "entry: payments"),
    "a template": ("size: 4", "size: 5"),
}


@pytest.mark.parametrize(("old", "new"), OTHER.values(), ids=OTHER)
def test_the_fingerprint_changes(old, new):
    """What changes anything that runs changes the fingerprint."""
    assert changed(old, new) != python_tree().fingerprint


def test_the_fingerprint_is_the_same_everywhere():
    """It is stable over processes and releases: journals keep it."""
    tree = Tree(name="x", tree=SupervisorNode(supervisor="x", children=[AgentNode(agent="a", use="llm")]))
    assert tree.fingerprint == "72a2cb977a0023664a34167a42331362"


def test_the_order_of_children_is_in_the_fingerprint():
    """Children start in their order, so it counts."""
    one, two = AgentNode(agent="a", use="x"), AgentNode(agent="b", use="x")
    trees = [Tree(name="x", tree=SupervisorNode(supervisor="x", children=c)) for c in ([one, two], [two, one])]
    assert trees[0].fingerprint != trees[1].fingerprint


def test_secrets_do_not_show():
    """The repr of a tree, of its nodes, and of its errors has references in place of values."""
    secret = FromEnvironment("hunter2", "${KEY}")
    node = AgentNode(agent="a", use=secret, with_={"key": secret, "list": [secret]}, handles=[secret])
    tree = Tree(name=secret, tree=SupervisorNode(supervisor="x", children=[node]))
    assert node.with_["key"] == "hunter2"
    assert "hunter2" not in repr(tree) + str(tree) + repr(Tree.model_validate(tree.model_dump()))
    with pytest.raises(ValidationError) as caught:
        AgentNode(agent="a", use="x", restart=secret)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: AgentNode(agent="a", use="x", wth={}),
        lambda: AgentNode(agent="A", use="x"),
        lambda: AgentNode(agent="a", use=""),
        lambda: AgentNode(agent="a", use=7),
        lambda: AgentNode(agent="a", use="x", significant=1),
        lambda: SupervisorNode(supervisor="a", intensity="strict"),
        lambda: SupervisorNode(supervisor="a", children={}),
        lambda: PoolNode(pool="a", size=0, child=Template(use="x")),
        lambda: PoolNode(pool="a", size=2),
        lambda: PoolNode(pool="a", size=1.0, child=Template(use="x")),
        lambda: DynamicNode(dynamic="a", auto_shutdown="never"),
        lambda: Mailbox(),
        lambda: Tree(name="x", tree=AgentNode(agent="a", use="x")),
        lambda: Tree(name="x", tree={"include": "other.yaml"}),
        lambda: Tree(name="", tree=SupervisorNode(supervisor="x")),
        lambda: Tree(treeward=2, name="x", tree=SupervisorNode(supervisor="x")),
    ],
)
def test_python_is_as_strict(make):
    """What YAML may not hold, Python may not either."""
    with pytest.raises(ValidationError):
        make()


def node(**fields):
    return AgentNode(agent="a", use="x", **fields)


RULES = {
    "an id twice": (
        {"children": [node(), node()]},
        "tree.children.1: the id 'a' is given to two children of x; expected an id that no sibling has",
    ),
    "permanent and significant": (
        {"auto_shutdown": "any_significant", "children": [node(significant=True)]},
        "tree.children.0.significant: significant is true, but the child is permanent and never ends by itself; expected false; or give it restart: transient or temporary",
    ),
    "significant for nobody": (
        {"children": [node(significant=True, restart="transient")]},
        "tree.children.0.significant: significant is true, but auto_shutdown of its supervisor is never; expected false; or give the supervisor auto_shutdown: any_significant",
    ),
    "a significant root": (
        {"significant": True, "restart": "transient"},
        "tree.significant: significant is true, but the root has no supervisor that could look at it; expected false",
    ),
    "a backoff that shrinks": (
        {"backoff": Backoff(initial=5, max=1)},
        "tree.backoff.max: the longest wait (1 s) is shorter than the first one (5 s); expected max to be at least initial",
    ),
}


@pytest.mark.parametrize(("fields", "message"), RULES.values(), ids=RULES)
def test_rules_between_fields(fields, message):
    """What SUPERVISION asks of specs holds for trees built in Python; the error says where."""
    with pytest.raises(ValidationError) as caught:
        Tree(name="x", tree=SupervisorNode(supervisor="x", **fields))
    assert [error["msg"] for error in caught.value.errors()] == [message]


def test_supervisors_are_not_nested_for_ever():
    """Fifty levels are enough; more is a mistake, and is refused without exhausting the stack."""
    tree = SupervisorNode(supervisor="x")
    for _ in range(200):
        tree = SupervisorNode(supervisor="x", children=[tree])
    with pytest.raises(ValidationError, match="the supervisors are nested too deep; expected at most 50 levels"):
        Tree(name="x", tree=tree)


def test_the_supervisors_own_values_are_taken():
    """A node takes the values that `Supervisor` takes, too: there is one Intensity and one Backoff to learn."""
    node = SupervisorNode(
        supervisor="top", intensity=supervision.Intensity(1, 2.0), backoff=supervision.Backoff(initial=3.0)
    )
    assert node == SupervisorNode(
        supervisor="top", intensity=Intensity(restarts=1, within=2.0), backoff=Backoff(initial=3.0)
    )
