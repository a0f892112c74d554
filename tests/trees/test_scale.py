"""Large trees: loaded and checked well within the three seconds that loading and starting have together."""

import time

import pytest

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
