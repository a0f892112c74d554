"""Large trees: loaded and checked well within the three seconds that loading and starting have together."""

import time

import pytest

from treeward.trees.build import root_spec
from treeward.trees.diff import diff
from treeward.trees.export import to_yaml
from treeward.trees.load import load_tree
from treeward.trees.render import render

CHILDREN = 10_000


@pytest.fixture
def large():
    lines = ["treeward: 1", "name: large", "tree:", "  supervisor: root", "  children:"]
    for i in range(CHILDREN):
        lines += [f"    - agent: a{i}", "      use: zoo.actors:Open", f"      with: {{first: {i}}}"]
        lines += ["      restart: transient"]
    return "\n".join(lines) + "\n"


@pytest.mark.realtime
def test_ten_thousand_children(actors, large):
    """Reading, validating, importing and checking all arguments takes far less than a second and a half."""
    begin = time.perf_counter()
    tree = load_tree(large, allow=["zoo"])
    seconds = time.perf_counter() - begin
    assert len(tree.tree.children) == CHILDREN
    assert seconds < 2.0


@pytest.mark.realtime
def test_many_children_with_policies(actors):
    """What many children name once is read, checked and built once: it adds little."""
    named = "recovery: careful, breaker: llm, judges: strict, budget: [daily, {calls: 9}]"
    lines = ["treeward: 1", "name: large", "policies:"]
    lines += ["  recovery: {careful: [{retry: llm}, {fallback: a0}, escalate]}", "  retry: {llm: {times: 3}}"]
    lines += [
        "  breaker: {llm: {failures: 5}}",
        "  judges: {strict: [{confidence: 0.7}]}",
        "  budget: {daily: {cost: 5}}",
    ]
    lines += ["tree:", "  supervisor: root", "  children:", "  - {agent: a0, use: zoo.actors:Open}"]
    lines += [f"  - {{agent: a{i}, use: zoo.actors:Open, {named}}}" for i in range(1, CHILDREN // 2)]
    begin = time.perf_counter()
    tree = load_tree("\n".join(lines), allow=["zoo"])
    root = root_spec(tree, allow=["zoo"])
    assert time.perf_counter() - begin < 3.0
    _, one, other, *_ = root.factory.args[0].specs
    assert tree.tree.children[1].recovery is tree.tree.children[2].recovery
    assert one.work.judges is other.work.judges


@pytest.mark.realtime
def test_ten_thousand_faults(large):
    """A fault in each child is told, each at its place, in reasonable time."""
    begin = time.perf_counter()
    with pytest.raises(Exception, match=r"^<text>:9:16: restart is 'transiet'; ") as caught:
        load_tree(large.replace("transient", "transiet"), check_classes=False)
    assert len(caught.value.problems) == CHILDREN
    assert time.perf_counter() - begin < 10.0


def test_what_is_done_with_a_large_tree(large):
    """Writing, drawing, comparing and the fingerprint have no limit of their own."""
    tree = load_tree(large, check_classes=False)
    other = load_tree(large.replace("a17\n", "b17\n"), check_classes=False)
    assert load_tree(to_yaml(tree), check_classes=False).fingerprint == tree.fingerprint
    assert len(render(tree).split("\n")) == CHILDREN + 1
    assert [step.path for step in diff(tree, other)] == ["root/a17", "root/b17"]
