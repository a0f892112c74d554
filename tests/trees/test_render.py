"""Trees as people look at them."""

import json

import pytest

from treeward.trees.environment import FromEnvironment
from treeward.trees.policies import Intensity
from treeward.trees.render import render
from treeward.trees.spec import AgentNode, DynamicNode, PoolNode, SupervisorNode, Template, Tree

TREE = Tree(
    name="support",
    tree=SupervisorNode(
        supervisor="support",
        strategy="rest_for_one",
        intensity=Intensity(restarts=3, within=90),
        children=[
            AgentNode(agent="payments", use="my.payments:Desk", with_={"key": FromEnvironment("hunter2", "${KEY}")}),
            SupervisorNode(
                supervisor="specialists",
                auto_shutdown="all_significant",
                children=[
                    AgentNode(
                        agent="billing",
                        use=FromEnvironment("secret:Class", "${BILLING:-x}"),
                        restart="transient",
                        significant=True,
                    ),
                    PoolNode(pool="clerks", size=4, child=Template(use='a"b:C')),
                ],
            ),
            DynamicNode(dynamic="visitors", max_children=9, child=Template(use="rules")),
            DynamicNode(dynamic="others", restart="temporary"),
        ],
    ),
    entry="billing",
)

TEXT = """\
support  rest_for_one, 3 restarts in 90s, permanent
├── payments  use my.payments:Desk, permanent
├── specialists  one_for_one, 5 restarts in 1m, permanent
│   ├── billing  use ${BILLING:-x}, transient, significant <- entry
│   └── clerks  pool of 4, round_robin, use a"b:C, 5 restarts in 1m, permanent
├── visitors  dynamic, at most 9, use rules, 5 restarts in 1m, permanent
└── others  dynamic, 5 restarts in 1m, temporary"""

MERMAID = """\
flowchart TD
    n1["support<br/>rest_for_one<br/>3 restarts in 90s<br/>permanent"]
    n2(["payments<br/>use my.payments:Desk<br/>permanent"])
    n1 --> n2
    n3["specialists<br/>one_for_one<br/>5 restarts in 1m<br/>permanent"]
    n1 --> n3
    n4(["billing<br/>use ${BILLING:-x}<br/>transient<br/>significant<br/>entry"])
    n3 --> n4
    n5["clerks<br/>pool of 4, round_robin<br/>use a#quot;b:C<br/>5 restarts in 1m<br/>permanent"]
    n3 --> n5
    n6["visitors<br/>dynamic, at most 9<br/>use rules<br/>5 restarts in 1m<br/>permanent"]
    n1 --> n6
    n7["others<br/>dynamic<br/>5 restarts in 1m<br/>temporary"]
    n1 --> n7"""

DOT = r"""digraph "support" {
    node [fontname=sans];
    n1 [shape=box, label="support\nrest_for_one\n3 restarts in 90s\npermanent"];
    n2 [shape=ellipse, label="payments\nuse my.payments:Desk\npermanent"];
    n1 -> n2;
    n3 [shape=box, label="specialists\none_for_one\n5 restarts in 1m\npermanent"];
    n1 -> n3;
    n4 [shape=ellipse, label="billing\nuse ${BILLING:-x}\ntransient\nsignificant\nentry"];
    n3 -> n4;
    n5 [shape=box, label="clerks\npool of 4, round_robin\nuse a\"b:C\n5 restarts in 1m\npermanent"];
    n3 -> n5;
    n6 [shape=box, label="visitors\ndynamic, at most 9\nuse rules\n5 restarts in 1m\npermanent"];
    n1 -> n6;
    n7 [shape=box, label="others\ndynamic\n5 restarts in 1m\ntemporary"];
    n1 -> n7;
}"""


@pytest.mark.parametrize(("form", "drawn"), [("text", TEXT), ("mermaid", MERMAID), ("dot", DOT)])
def test_drawings(form, drawn):
    """Each form has every node, with its class or strategy, its limit and its restart type."""
    assert render(TREE, form) == drawn


def test_what_is_done_for_work():
    """Judges, breakers, ladder and budgets stand behind a node, each in brackets."""
    budgets = [{"cost": 5, "per": "day", "cheaper": "mini"}, {"tokens": 9, "calls": 2, "seconds": 90, "restarts": 1}]
    clerk = {"use": "x", "judges": [{"confidence": 0.5}], "recovery": ["restart"], "budget": {"cost": 1}}
    root = SupervisorNode(
        supervisor="root",
        recovery=["restart", "escalate"],
        budget=budgets,
        children=[
            AgentNode(
                agent="billing",
                use="x",
                judges=[
                    {"schema": "m:C"},
                    {"rules": {"required": ["a"]}, "name": FromEnvironment("hunter2", "${JUDGE}")},
                    {"function": "m:polite"},
                    {"agent": "root/mini"},
                    {"quorum": [{"confidence": 0.5}]},
                ],
                breaker={"rate": 0.5},
                tool_breaker={"failures": None, "rate": 0.25, "within": 1.5},
                recovery=[{"retry": 3}, {"fallback": ["mini", "root/desk"]}, {"escalate": "desk"}],
            ),
            AgentNode(agent="mini", use="x", recovery=[]),
            AgentNode(agent="desk", use="x"),
            PoolNode(pool="clerks", size=2, child=clerk, recovery=["retry"], budget={"cost": 2.5}),
            DynamicNode(dynamic="visitors", recovery=[{"skip": {"output": "hunter2"}}]),
        ],
    )
    assert render(Tree(name="x", tree=root)).split("\n") == [
        (
            "root  one_for_one, 5 restarts in 1m, permanent [restart 2 > escalate] "
            "[budget $5/day, mini from 80%, 9 tokens or 2 calls or 1 restarts or 90s/task]"
        ),
        (
            "├── billing  use x, permanent [judges: schema, ${JUDGE}, polite, mini, quorum] [breaker 5 or 50%/2m] "
            "[tool breaker 25%/1500ms] [retry 3 > fallback mini, root/desk > desk]"
        ),
        "├── mini  use x, permanent [no recovery]",
        "├── desk  use x, permanent",
        (
            "├── clerks  pool of 2, round_robin, use x, 5 restarts in 1m, permanent [judges: confidence] [restart 2] "
            "[budget $1/task, $2.5/task]"
        ),
        "└── visitors  dynamic, 5 restarts in 1m, permanent [skip]",
    ]


def test_what_is_done_for_work_in_pictures():
    """Mermaid and Graphviz have a line each for what the text has in brackets."""
    child = AgentNode(agent="a", use="x", judges=[{"confidence": 0.5}], recovery=["retry", "skip"])
    tree = Tree(name="x", tree=SupervisorNode(supervisor="r", children=[child]))
    assert '(["a<br/>use x<br/>permanent<br/>judges: confidence<br/>retry 3 #gt; skip"])' in render(tree, "mermaid")
    assert 'label="a\\nuse x\\npermanent\\njudges: confidence\\nretry 3 > skip"' in render(tree, "dot")


def test_names_from_outside_stand_as_they_were_written():
    """Also a fallback, a judge or a desk that the environment names."""
    outside = [FromEnvironment(f"visitors/{n}", f"${{{n}}}") for n in ("a", "b", "c", "d")]
    child = AgentNode(
        agent="a",
        use="x",
        judges=[{"agent": outside[0]}, {"function": FromEnvironment("m:f", "${F}")}],
        recovery=[{"fallback": [outside[1]]}, {"escalate": outside[2]}],
        budget={"cost": 1, "cheaper": outside[3]},
    )
    tree = Tree(name="x", tree=SupervisorNode(supervisor="r", children=[child, DynamicNode(dynamic="visitors")]))
    assert render(tree).split("\n")[1] == (
        "├── a  use x, permanent [judges: ${a}, ${F}] [fallback ${b} > ${c}] [budget $1/task, ${d} from 80%]"
    )


def test_text_is_the_default():
    """Without a form, a tree is drawn as text."""
    assert render(TREE) == TEXT


def test_json():
    """The JSON has the whole spec with its defaults, the entry's path and the fingerprint, and no secrets."""
    drawn = render(TREE, "json")
    data = json.loads(drawn)
    assert (data["entry"], data["fingerprint"]) == ("support/specialists/billing", TREE.fingerprint)
    payments, specialists, *_ = data["tree"]["children"]
    assert payments["with"] == {"key": "${KEY}"}
    assert specialists["children"][0]["use"] == "${BILLING:-x}"
    assert "hunter2" not in drawn
    assert "secret" not in drawn


def test_two_agents_of_one_id():
    """Only the entry is marked as the entry, also where another supervisor has a child of the same id."""
    child = AgentNode(agent="a", use="x")
    root = SupervisorNode(supervisor="r", children=[child, SupervisorNode(supervisor="s", children=[child])])
    drawn = render(Tree(name="x", tree=root, entry="r/s/a")).split("\n")
    assert [line.endswith("<- entry") for line in drawn] == [False, False, False, True]
