"""What a reload would do, as data."""

# ruff: noqa: E501 - a row of a table is one line

import random

import pytest

from treeward.trees.diff import Move, Reconfigure, Restart, Start, Stop, diff
from treeward.trees.environment import FromEnvironment
from treeward.trees.policies import Backoff, Intensity, Mailbox
from treeward.trees.spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Template, Tree


def agent(name, **fields):
    return AgentNode(agent=name, use=fields.pop("use", "x"), **fields)


def pool(size=2, use="x", **fields):
    return PoolNode(pool="p", size=size, child=Template(use=use, **fields.pop("child", {})), **fields)


def sub(*children, **fields):
    return SupervisorNode(supervisor=fields.pop("name", "s"), children=children, **fields)


def steps(old, new, **fields):
    trees = [Tree(name="t", tree=SupervisorNode(supervisor="r", children=c)) for c in (old, new)]
    return list(diff(trees[0], trees[1].model_copy(update=fields)))


NEW, GONE = "it is new", "it is not in the new tree"

CASES = {
    "nothing": ([agent("a")], [agent("a")], []),
    "a new child": ([agent("a")], [agent("a"), agent("b")], [Start("r/b", NEW)]),
    "a child that is gone": ([agent("a"), agent("b")], [agent("a")], [Stop("r/b", GONE)]),
    "what is gone stops newest first, before anything starts": (
        [agent("a"), agent("b"), agent("c")],
        [agent("d"), agent("b")],
        [Stop("r/c", GONE), Stop("r/a", GONE), Start("r/d", NEW)],
    ),
    "another name is another child": ([agent("a")], [agent("b")], [Stop("r/a", GONE), Start("r/b", NEW)]),
    "a new subtree, parents first": (
        [],
        [sub(agent("a"), sub(agent("b"), name="t"))],
        [Start("r/s", NEW), Start("r/s/a", NEW), Start("r/s/t", NEW), Start("r/s/t/b", NEW)],
    ),
    "a subtree that is gone, children first": (
        [sub(agent("a"), sub(agent("b"), name="t"))],
        [],
        [Stop("r/s/t/b", GONE), Stop("r/s/t", GONE), Stop("r/s/a", GONE), Stop("r/s", GONE)],
    ),
    "a new pool": ([], [pool()], [Start("r/p", NEW), Start("r/p/1", NEW), Start("r/p/2", NEW)]),
    "a pool that is gone": ([pool()], [], [Stop("r/p/2", GONE), Stop("r/p/1", GONE), Stop("r/p", GONE)]),
    "another class": ([agent("a")], [agent("a", use="y")], [Restart("r/a", "use: x -> y")]),
    "other arguments, without their values": (
        [agent("a", with_={"k": 1, "l": 2, "m": 3})],
        [agent("a", with_={"k": 1, "l": "hunter2", "n": 4})],
        [Restart("r/a", "with: l, m, n")],
    ),
    "capabilities": ([agent("a")], [agent("a", handles=["b"])], [Restart("r/a", "changed: handles")]),
    "what it reads": ([agent("a")], [agent("a", reads=[])], [Restart("r/a", "changed: reads")]),
    "tools": ([agent("a")], [agent("a", tools=["p.*"])], [Restart("r/a", "changed: tools")]),
    "a timeout": ([agent("a")], [agent("a", timeout="90s")], [Reconfigure("r/a", "timeout: none -> 90s")]),
    "a dispatcher": ([agent("a")], [agent("a", dispatcher="thread")], [Restart("r/a", "dispatcher: loop -> thread")]),
    "a restart type": ([agent("a")], [agent("a", restart="transient")], [Reconfigure("r/a", "restart: permanent -> transient")]),
    "a shutdown": ([agent("a")], [agent("a", shutdown="infinity")], [Reconfigure("r/a", "shutdown: 5s -> infinity")]),
    "a start's time": ([agent("a")], [agent("a", start_timeout="1s")], [Reconfigure("r/a", "start_timeout: infinity -> 1s")]),
    "a mailbox": ([agent("a")], [agent("a", mailbox=Mailbox(capacity=1))], [Reconfigure("r/a", "changed: mailbox")]),
    "two settings": (
        [agent("a")],
        [agent("a", restart="transient", dispatcher="thread")],
        [Restart("r/a", "restart: permanent -> transient; dispatcher: loop -> thread")],
    ),
    "a supervisor's options, then its children": (
        [sub(agent("a"))],
        [sub(agent("a", use="y"), strategy="one_for_all", intensity=Intensity(restarts=1))],
        [Reconfigure("r/s", "strategy: one_for_one -> one_for_all; changed: intensity"), Restart("r/s/a", "use: x -> y")],
    ),
    "a backoff": ([sub()], [sub(backoff="none")], [Reconfigure("r/s", "changed: backoff")]),
    "another backoff": ([sub()], [sub(backoff=Backoff(max=9))], [Reconfigure("r/s", "changed: backoff")]),
    "a larger pool": ([pool()], [pool(3)], [Reconfigure("r/p", "size: 2 -> 3"), Start("r/p/3", "the size was 2, and is 3")]),
    "a smaller pool": (
        [pool(3)],
        [pool(1)],
        [
            Reconfigure("r/p", "size: 3 -> 1"),
            Stop("r/p/3", "the size was 3, and is 1"),
            Stop("r/p/2", "the size was 3, and is 1"),
        ],
    ),
    "a pool of others": ([pool()], [pool(use="y")], [Restart("r/p/1", "use: x -> y"), Restart("r/p/2", "use: x -> y")]),
    "a pool's mailboxes": (
        [pool(1)],
        [pool(1, child={"mailbox": Mailbox(capacity=1)})],
        [Reconfigure("r/p/1", "changed: mailbox")],
    ),
    "a pool's route": ([pool()], [pool(route="broadcast")], [Reconfigure("r/p", "route: round_robin -> broadcast")]),
    "a dynamic supervisor, whose children keep their template": (
        [DynamicNode(dynamic="d", child=Template(use="x"))],
        [DynamicNode(dynamic="d", child=Template(use="y"), max_children=2)],
        [Reconfigure("r/d", "max_children: none -> 2; changed: child")],
    ),
    "another kind": (
        [sub(agent("a"))],
        [agent("s")],
        [
            Stop("r/s/a", "it was of kind supervisor, and is of kind agent"),
            Stop("r/s", "it was of kind supervisor, and is of kind agent"),
            Start("r/s", "it was of kind supervisor, and is of kind agent"),
        ],
    ),
    "another order": (
        [agent("a"), agent("b"), agent("c")],
        [agent("c"), agent("a"), agent("b")],
        [Move("r/c", "it comes first", None)],
    ),
    "another order among new ones": (
        [agent("a"), agent("b")],
        [agent("b"), agent("n"), agent("a")],
        [Start("r/n", NEW), Move("r/b", "it comes first", None)],
    ),
    "a new one in between moves nobody": (
        [agent("a"), agent("b")],
        [agent("a"), agent("n"), agent("b")],
        [Start("r/n", NEW)],
    ),
    "all at once": (
        [agent("a"), agent("b"), sub(agent("c"))],
        [sub(agent("c", use="y")), agent("n"), agent("b", restart="temporary")],
        [
            Stop("r/a", GONE),
            Restart("r/s/c", "use: x -> y"),
            Start("r/n", NEW),
            Reconfigure("r/b", "restart: permanent -> temporary"),
            Move("r/s", "it comes first", None),
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "plan"), CASES.values(), ids=CASES)
def test_from_one_tree_to_another(old, new, plan):
    """Each case of a reload: what starts, stops, restarts, takes settings over, moves; in that order, and why."""
    assert steps(old, new) == plan


def test_another_root():
    """Where the root has another id, all of the old tree stops and all of the new one starts."""
    trees = [Tree(name="t", tree=SupervisorNode(supervisor=r, children=[agent("a")])) for r in ("r", "q")]
    assert list(diff(*trees)) == [Stop("r/a", GONE), Stop("r", GONE), Start("q", NEW), Start("q/a", NEW)]


def test_what_a_tree_has_beside_its_nodes():
    """A new name and a new entry are taken over by the root."""
    old = [agent("a"), agent("b")]
    assert steps(old, old, name="u", entry="b") == [
        Reconfigure("r", "name: t -> u"),
        Reconfigure("r", "entry: none -> r/b"),
    ]


def test_another_name_of_a_policy_is_no_step():
    """Policies are what they say, not how they are called."""
    old = Tree(name="t", tree=SupervisorNode(supervisor="r"))
    assert diff(old, old.model_copy(update={"policies": {"backoff": {"slow": Backoff()}}})) == ()


def test_secrets_do_not_show():
    """A text from the environment is named as it was written."""
    old, new = FromEnvironment("hunter2", "${A}"), FromEnvironment("hunter3", "${B}")
    plan = steps([agent("a", use=old)], [agent("a", use=new)])
    assert plan == [Restart("r/a", "use: ${A} -> ${B}")]
    assert "hunter" not in repr(plan)


@pytest.mark.parametrize("seed", range(20))
def test_moves_bring_about_the_new_order(seed):
    """Carried out one after the other, the moves give the new order, and no other set of moves is smaller."""
    rng = random.Random(seed)
    old = [f"a{i}" for i in range(8)]
    new = rng.sample(old, 8)
    plan = steps([agent(n) for n in old], [agent(n) for n in new])
    order = list(old)
    for step in plan:
        name = step.path.rpartition("/")[2]
        order.remove(name)
        order.insert(0 if step.after is None else order.index(step.after) + 1, name)
    assert order == new
    kept = [old.index(n) for n in new if f"r/{n}" not in {step.path for step in plan}]
    assert kept == sorted(kept)
